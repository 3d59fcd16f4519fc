"""Targets of deployment packages: a Lambda runtime on an architecture.

A ``Target`` has all of its wheel tags and a complete marker environment. Nothing is read from the machine that
builds: not its interpreter, not its glibc, not its processor.

Facts about runtimes are dated data (``RUNTIMES``), which the setting ``[tool.wherry.runtimes]`` extends.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from wherry.errors import TargetError
from wherry.problems import did_you_mean
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.tags import Tag


__all__ = [
    "FACTS_AS_OF",
    "RUNTIMES",
    "Architecture",
    "Bounds",
    "PythonRequirement",
    "Runtime",
    "Target",
    "admits",
    "admits_any",
    "find_architecture",
    "find_runtime",
    "is_deprecated",
    "newest_runtime",
    "parse_requires_python",
]

FACTS_AS_OF = date(2026, 11, 1)
"""The day on which the facts below were last compared with AWS's documentation."""


class Architecture(StrEnum):
    """An instruction set, by AWS's name for it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def machine(self) -> str:
        """The name that wheel tags, ELF tools and ``platform_machine`` use."""
        return "aarch64" if self is Architecture.ARM64 else "x86_64"


class Runtime(Struct, frozen=True, kw_only=True):
    """A managed Python runtime of AWS Lambda."""

    name: str
    """AWS's identifier, such as ``python3.13``."""
    python: tuple[int, int]
    """Major and minor version of the interpreter."""
    patch: int = 0
    """The patch level for markers. AWS raises it without notice, so the lowest is assumed, as uv does."""
    system: str
    """Its operating system."""
    glibc: tuple[int, int]
    """Version of the C library: the ceiling for manylinux tags."""
    deprecation: date | None = None
    """The day on which AWS stops patching it, if it is known."""
    libraries: tuple[str, ...] = ()
    """Shared libraries that it has beyond those that Wherry knows, such as ``libpq.so.5``."""

    @property
    def python_version(self) -> str:
        """Such as ``3.13``."""
        return f"{self.python[0]}.{self.python[1]}"

    @property
    def python_full_version(self) -> str:
        """Such as ``3.13.0``."""
        return f"{self.python_version}.{self.patch}"


_AMAZON_LINUX_2 = ("Amazon Linux 2", (2, 26))
_AMAZON_LINUX_2023 = ("Amazon Linux 2023", (2, 34))

RUNTIMES: Mapping[str, Runtime] = {
    f"python3.{minor}": Runtime(
        name=f"python3.{minor}",
        python=(3, minor),
        system=system,
        glibc=glibc,
        deprecation=deprecation,
    )
    for minor, (system, glibc), deprecation in (
        (9, _AMAZON_LINUX_2, date(2025, 12, 15)),
        (10, _AMAZON_LINUX_2, date(2026, 10, 31)),
        (11, _AMAZON_LINUX_2, date(2027, 6, 30)),
        (12, _AMAZON_LINUX_2023, date(2028, 10, 31)),
        (13, _AMAZON_LINUX_2023, date(2029, 6, 30)),
        (14, _AMAZON_LINUX_2023, date(2029, 6, 30)),
    )
}
"""The runtimes AWS offers, oldest first."""


# The legacy aliases of manylinux tags, by glibc minor (PEP 600).
_LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
# The oldest glibc with a manylinux policy; for aarch64 that is manylinux2014.
_OLDEST_GLIBC_MINOR = {Architecture.X86_64: 5, Architecture.ARM64: 17}


class Target(Struct, frozen=True, kw_only=True):
    """A runtime on an architecture."""

    runtime: Runtime
    architecture: Architecture

    def __str__(self) -> str:
        """Such as ``python3.13-arm64``."""
        return f"{self.runtime.name}-{self.architecture}"

    def document(self) -> dict[str, Any]:
        """A JSON form."""
        return {"runtime": self.runtime.name, "architecture": str(self.architecture)}

    @property
    def platforms(self) -> tuple[str, ...]:
        """Platform tags that run here, best first (PEP 600 and its legacy aliases, then ``linux_*``)."""
        return tuple(_platforms(self.runtime.glibc, self.architecture))

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Wheel tags that run here, best first (PEP 425)."""
        return _tags(self.runtime, self.architecture)

    @property
    def environment(self) -> dict[str, str]:
        """The complete marker environment (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.runtime.python_full_version,
            "os_name": "posix",
            "platform_machine": self.architecture.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": self.runtime.python_full_version,
            "python_version": self.runtime.python_version,
            "sys_platform": "linux",
        }


def _platforms(glibc: tuple[int, int], architecture: Architecture) -> Iterator[str]:
    major, newest = glibc
    machine = architecture.machine
    for minor in range(newest, _OLDEST_GLIBC_MINOR[architecture] - 1, -1):
        yield f"manylinux_{major}_{minor}_{machine}"
        if legacy := _LEGACY_MANYLINUX.get(minor):
            yield f"{legacy}_{machine}"
    yield f"linux_{machine}"


@lru_cache(maxsize=8)
def _tags(runtime: Runtime, architecture: Architecture) -> tuple[Tag, ...]:
    from packaging.tags import compatible_tags, cpython_tags

    interpreter = f"cp{runtime.python[0]}{runtime.python[1]}"
    platforms = list(_platforms(runtime.glibc, architecture))
    # Without `abis` and `interpreter`, packaging would use those of the running interpreter.
    return (
        *cpython_tags(python_version=runtime.python, abis=[interpreter], platforms=platforms),
        *compatible_tags(
            python_version=runtime.python, interpreter=interpreter, platforms=platforms
        ),
    )


def find_runtime(name: str, *, runtimes: Mapping[str, Runtime] = RUNTIMES) -> Runtime:
    """The runtime of that name.

    Raises:
        TargetError: there is none; the hint has the nearest name.
    """
    try:
        return runtimes[name]
    except KeyError:
        raise TargetError(
            f"unknown runtime `{name}`",
            where=[f"the Python runtimes of AWS Lambda are {', '.join(runtimes)}"],
            # People write only the version, or omit the dot.
            hint=did_you_mean(f"python{name}" if name[:1].isdigit() else name, known=runtimes),
        ) from None


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        TargetError: there is none; for ``aarch64`` and ``amd64`` the hint has AWS's name.
    """
    try:
        return Architecture(name)
    except ValueError:
        names = ", ".join(Architecture)
        other = {"aarch64": "arm64", "amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64"}
        raise TargetError(
            f"unknown architecture `{name}`",
            where=[f"the architectures of AWS Lambda are {names}"],
            hint=f"AWS calls it `{other[name.lower()]}`"
            if name.lower() in other
            else did_you_mean(name, known=Architecture),
        ) from None


def newest_runtime(
    requires_python: PythonRequirement | None, *, runtimes: Mapping[str, Runtime] = RUNTIMES
) -> Runtime:
    """The newest runtime that a project's ``requires-python`` admits.

    Raises:
        TargetError: it admits none.
    """
    for runtime in sorted(runtimes.values(), key=lambda runtime: runtime.python, reverse=True):
        if requires_python is None or admits(requires_python, runtime):
            return runtime
    raise TargetError(
        f"requires-python `{requires_python}` admits no runtime of AWS Lambda",
        where=[f"the Python runtimes of AWS Lambda are {', '.join(runtimes)}"],
    )


def is_deprecated(runtime: Runtime, *, on: date = FACTS_AS_OF) -> bool:
    """Whether AWS no longer patches a runtime on a day; by default the day of the facts, as a choice by it must not
    come out otherwise tomorrow.
    """
    return runtime.deprecation is not None and runtime.deprecation < on


def admits(requires_python: PythonRequirement, runtime: Runtime) -> bool:
    """Whether some patch level of the runtime's interpreter meets ``requires-python``; AWS chooses the patch level."""
    # The lowest and an unreachably high patch level represent all between them: a project that requires
    # `>=3.11.4` runs on AWS's python3.11, whose patch level only rises. Others are those that are named.
    return admits_any(requires_python, runtime, (runtime.patch, 99)) or admits_any(
        requires_python,
        runtime,
        (
            int(patch) + step
            for patch in re.findall(
                rf"(?<![\d.]){re.escape(runtime.python_version)}\.(\d{{1,4}})", str(requires_python)
            )
            for step in (-1, 0, 1)
        ),
    )


def admits_any(
    requires_python: PythonRequirement, runtime: Runtime, patches: Iterable[int]
) -> bool:
    """Whether one of these patch levels of the runtime's interpreter meets ``requires-python``."""
    return any(
        requires_python.contains(f"{runtime.python_version}.{max(patch, 0)}", prereleases=True)
        for patch in patches
    )


_TERM = r"\s*(?P<operator>>=|<)\s*(?P<major>\d{1,4})\.(?P<minor>\d{1,4})\s*"


class Bounds(Struct, frozen=True):
    """Versions of at least ``lowest`` and below ``ceiling``, each a major and a minor version."""

    text: str
    lowest: tuple[int, int]
    ceiling: tuple[int, int]

    def contains(self, version: str, *, prereleases: bool | None = None) -> bool:  # noqa: ARG002
        """Whether a final release, such as ``3.13.0``, is within the bounds."""
        major, minor = version.split(".")[:2]
        return self.lowest <= (int(major), int(minor)) < self.ceiling

    def __str__(self) -> str:
        """The text of the project."""
        return self.text


class PythonRequirement(Protocol):
    """Which versions of Python are admitted: packaging's ``SpecifierSet`` is one, and Poetry's constraints."""

    def contains(self, version: str, /, *, prereleases: bool | None = None) -> bool:
        """Whether this version is admitted."""


def parse_requires_python(text: str) -> PythonRequirement:
    """Parse ``requires-python``.

    Raises:
        packaging.specifiers.InvalidSpecifier: it is not a version specifier.
    """
    lowest, ceiling = (0, 0), (9999, 0)
    for term in text.split(","):
        match = re.fullmatch(_TERM, term)
        if match is None:
            from packaging.specifiers import SpecifierSet

            return SpecifierSet(text)
        bound = (int(match["major"]), int(match["minor"]))
        if match["operator"] == "<":
            ceiling = min(ceiling, bound)
        else:
            lowest = max(lowest, bound)
    return Bounds(text, lowest, ceiling)
