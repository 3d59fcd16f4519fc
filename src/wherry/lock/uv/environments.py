"""Environments in which two markers may differ, so that markers can be compared by what they mean.

uv writes markers in its own way: ``python_version < "3.11"`` becomes ``python_full_version < '3.11'``, and what no
supported Python can reach is left out. Two markers are the same where they hold in the same environments.
"""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.markers import Marker
    from packaging.specifiers import SpecifierSet

__all__ = ["environments", "extras_of", "holds"]

_OPERATOR = r"(?:[<>=!~]=?=?|not in|in)"
_COMPARISON = re.compile(rf'(\w+) {_OPERATOR} "([^"]*)"|"([^"]*)" {_OPERATOR} (\w+)')
# sys_platform, platform_system and os_name go together.
_SYSTEMS = (
    ("linux", "Linux", "posix"),
    ("darwin", "Darwin", "posix"),
    ("win32", "Windows", "nt"),
    ("cygwin", "CYGWIN_NT-10.0", "posix"),
    ("emscripten", "Emscripten", "posix"),
    ("freebsd14", "FreeBSD", "posix"),
    ("android", "Android", "posix"),
    ("ios", "iOS", "posix"),
    ("java", "Java", "java"),
)
_MACHINES = ("x86_64", "aarch64", "arm64", "AMD64", "i686")
_IMPLEMENTATIONS = (("cpython", "CPython"), ("pypy", "PyPy"))
_PYTHONS = [f"3.{minor}.{patch}" for minor in range(7, 21) for patch in (0, 4)]
_PYTHON = ("python_version", "python_full_version", "implementation_version")


def holds(marker: Marker, environment: Mapping[str, str]) -> bool:
    """Whether a marker holds; one that compares what cannot be compared never does."""
    try:
        return marker.evaluate(dict(environment))
    except (ValueError, KeyError, RecursionError):
        return False


def extras_of(marker: Marker | None) -> set[str]:
    """The extras that a marker names."""
    return {
        value or other
        for name, value, other, right in _COMPARISON.findall(str(marker or ""))
        if "extra" in {name, right}
    }


def environments(
    markers: Iterable[Marker], requires_python: SpecifierSet | None, *, extra: str = ""
) -> list[dict[str, str]]:
    """Environments that tell these markers apart wherever they differ.

    Only the variables that the markers name take more than one value.
    """
    values: dict[str, set[str]] = {}
    for marker in markers:
        for name, value, other, variable in _COMPARISON.findall(str(marker)):
            values.setdefault(name or variable, set()).add(value or other)
    systems = _systems(values)
    machines = _with(_MACHINES, values.get("platform_machine"))
    names = ("implementation_name", "platform_python_implementation")
    implementations = [*_IMPLEMENTATIONS] if values.keys() & {*names} else [_IMPLEMENTATIONS[0]]
    implementations += [(name.lower(), name) for key in names for name in values.get(key, ())]
    pythons = _pythons(values, requires_python)
    releases = _with(("",), values.get("platform_release"))
    versions = _with(("",), values.get("platform_version"))
    return [
        {
            "extra": extra,
            "implementation_name": implementation[0],
            "implementation_version": python,
            "os_name": system[2],
            "platform_machine": machine,
            "platform_python_implementation": implementation[1],
            "platform_release": release,
            "platform_system": system[1],
            "platform_version": version,
            "python_full_version": python,
            "python_version": ".".join(python.split(".")[:2]),
            "sys_platform": system[0],
        }
        for system, machine, implementation, python, release, version in product(
            systems, machines, implementations, pythons, releases, versions
        )
    ]


def _with(usual: tuple[str, ...], named: set[str] | None) -> list[str]:
    return list(usual[:1]) if named is None else list(dict.fromkeys((*usual, *sorted(named))))


def _systems(values: Mapping[str, set[str]]) -> list[tuple[str, str, str]]:
    keys = ("sys_platform", "platform_system", "os_name")
    if not values.keys() & {*keys}:
        return [_SYSTEMS[0]]
    systems = list(_SYSTEMS)
    for number, key in enumerate(keys):
        for name in sorted(values.get(key, ())):
            if all(system[number] != name for system in _SYSTEMS):
                other = [name.lower(), name, "posix"]
                other[number] = name
                systems.append((other[0], other[1], other[2]))
    return systems


def _pythons(values: Mapping[str, set[str]], requires_python: SpecifierSet | None) -> list[str]:
    named = [text for key in _PYTHON for value in values.get(key, ()) for text in _split(value)]
    if not named:
        return ["3.12.4"]
    bounds = [each.version for each in requires_python or ()]
    pythons = dict.fromkeys(
        (*_PYTHONS, *(near for text in (*named, *bounds) for near in _near(text)))
    )
    supported = [
        python
        for python in pythons
        if requires_python is None or requires_python.contains(python, prereleases=True)
    ]
    return supported or list(pythons)


def _split(value: str) -> list[str]:
    return re.split(r"[\s,|]+", value)


def _near(text: str) -> Iterator[str]:
    """The version itself, and those right before and after it."""
    try:
        release = Version(text.removesuffix(".*")).release
    except InvalidVersion:
        return
    major, minor, patch = (*release, 0, 0)[:3]
    for near in (patch - 1, patch, patch + 1):
        if near >= 0:
            yield f"{major}.{minor}.{near}"
    yield f"{major}.{minor + 1}.0"
    if minor:
        yield f"{major}.{minor - 1}.99"
