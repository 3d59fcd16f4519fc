"""``[tool.wherry.container]``: how what must be compiled is built in a container."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.containers.options import ContainerOptions, Copy, Mode
from wherry.settings import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.settings.findings import Findings

__all__ = ["CONTAINER_READERS", "read_container"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variables(value: object) -> Mapping[str, str | bool]:
    wanted = "a table of variables is wanted: a text, or `true` for what it is where Wherry runs"
    if not isinstance(value, dict):
        raise ValueError(wanted)  # noqa: TRY004  one kind of error for all readers
    for name, content in value.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"`{name}` is no name of a variable")
        if not isinstance(content, str) and content is not True:
            raise ValueError(wanted)
    return dict(value)


def _variable_names(value: object) -> tuple[str, ...]:
    for name in values.strings(value):
        if not _NAME.fullmatch(name):
            raise ValueError(f"`{name}` is no name of a variable")
    return values.strings(value)


def _words(value: object) -> tuple[str, ...]:
    """A text, or several."""
    return (value,) if isinstance(value, str) and value else values.strings(value)


def _volumes(value: object) -> tuple[str, ...]:
    for volume in _words(value):
        if ":" not in volume:
            raise ValueError(f"`{volume}` is no volume: HOST:CONTAINER is wanted")
    return _words(value)


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


def read_container(value: object, findings: Findings) -> ContainerOptions:
    """The options, or the mode alone: ``container = "always"``."""
    if isinstance(value, str):
        value = {"mode": value}
    if not isinstance(value, dict):
        findings.add("container", f"one of {', '.join(Mode)}, or a table, is wanted")
        return ContainerOptions()
    found: dict[str, Any] = {}
    for key, content in value.items():
        if key not in CONTAINER_READERS:
            findings.unknown(key, list(CONTAINER_READERS), "container.")
            continue
        try:
            found[key.replace("-", "_")] = CONTAINER_READERS[key](content)
        except ValueError as error:
            findings.add(f"container.{key}", str(error))
    if "image" in found and "dockerfile" in found:
        findings.add("container.image", "`image` and `dockerfile` exclude each other")
    for key in ("build_args", "build_secrets"):
        if key in found and "dockerfile" not in found:
            findings.add(
                f"container.{key.replace('_', '-')}", "it is of a `dockerfile`, and none is said"
            )
    if "mode" in found:
        found["mode"] = Mode(found["mode"])
    if "copy" in found:
        found["copy"] = Copy(found["copy"])
    return ContainerOptions(**found)
