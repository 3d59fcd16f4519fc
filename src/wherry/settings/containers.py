"""Reading ``[tool.wherry.container]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings import values
from wherry.settings.container_options import ContainerOptions, Copy, Mode
from wherry.settings.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.problems import Problems

__all__ = ["CONTAINER_READERS", "read_container"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variables(value: object) -> Mapping[str, str | bool]:
    expected = "expected a table of variables: a string, or `true` for the value of this machine"
    if not isinstance(value, dict):
        raise ValueError(expected)  # noqa: TRY004  one kind of error for all readers
    for name, content in value.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"`{name}` is not the name of a variable")
        if not isinstance(content, str) and content is not True:
            raise ValueError(expected)
    return dict(value)


def _variable_names(value: object) -> tuple[str, ...]:
    names = values.strings(value)
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"`{name}` is not the name of a variable")
    return names


def _words(value: object) -> tuple[str, ...]:
    """A string, or several."""
    return (value,) if isinstance(value, str) and value else values.strings(value)


def _volumes(value: object) -> tuple[str, ...]:
    volumes = _words(value)
    for volume in volumes:
        if ":" not in volume:
            raise ValueError(f"`{volume}` is not a volume: expected HOST:CONTAINER")
    return volumes


CONTAINER_READERS: Mapping[str, Callable[[object], Any]] = {
    "mode": values.choice(*Mode),
    "engine": values.string,
    "image": values.string,
    "dockerfile": values.string,
    "build-args": _variables,
    "build-secrets": _variable_names,
    "build-requires": values.requirements,
    "environment": _variables,
    "network": values.string,
    "security-opt": _words,
    "user": values.string,
    "volumes": _volumes,
    "volumes-from": _words,
    "platform": values.string,
    "copy": values.choice(*Copy),
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
    if "mode" in options:
        options["mode"] = Mode(options["mode"])
    if "copy" in options:
        options["copy"] = Copy(options["copy"])
    return ContainerOptions(**options)
