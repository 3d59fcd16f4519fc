"""Reading ``[tool.wherry.container]``: how to use containers."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from wherry.settings import values
from wherry.settings.model import ContainerOptions, Copy, Mode
from wherry.settings.reader import Reader, read_table, shaped

if TYPE_CHECKING:
    from wherry.problems import Problems
    from wherry.settings.reader import Readers

E = TypeVar("E", bound=StrEnum)

__all__ = ["CONTAINER_READERS", "read_container"]


@shaped({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})
def _words(value: object) -> tuple[str, ...]:
    """A string, or several."""
    return (value,) if isinstance(value, str) and value else values.strings(value)


_volumes = values.all_matching(
    r"(?s).*:.*", "is not a volume: expected HOST:CONTAINER", read=_words
)


def _member(kind: type[E]) -> Reader[E]:
    names = [*map(str, kind)]
    return Reader(read=lambda value: kind(values.choice(*names)(value)), shape={"enum": names})


CONTAINER_READERS: Readers = {
    "mode": _member(Mode),
    "engine": values.string,
    "image": values.string,
    "dockerfile": values.string,
    "build-args": values.variables,
    "build-secrets": values.variable_names,
    "build-requires": values.requirements,
    "environment": values.variables,
    "network": values.string,
    "security-opt": _words,
    "user": values.string,
    "volumes": _volumes,
    "volumes-from": _words,
    "platform": values.string,
    "copy": _member(Copy),
}


def read_container(value: object, problems: Problems) -> ContainerOptions:
    """The options, or the mode alone: ``container = "always"``."""
    if isinstance(value, str):
        value = {"mode": value}
    if not isinstance(value, dict):
        problems.add("container", f"expected one of {', '.join(Mode)}, or a table")
        return ContainerOptions()
    options = read_table(value, CONTAINER_READERS, problems, prefix="container.")
    if "image" in options and "dockerfile" in options:
        problems.add("container.image", "`image` and `dockerfile` exclude each other")
    for key in ("build_args", "build_secrets"):
        if key in options and "dockerfile" not in options:
            problems.add(
                f"container.{key.replace('_', '-')}",
                "it is a setting of a `dockerfile`, and none is set",
            )
    return ContainerOptions(**options)
