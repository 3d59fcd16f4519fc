"""The choice of a file of each locked distribution for a target; by the lock and the target alone.

Follows the installation steps of PEP 751, with one deliberate difference: where packaging and pip stop
at the first problem, every problem is collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import SelectionError, TargetError
from wherry.structs import Struct
from wherry.target import admits, newest_runtime
from wherry.wheels.compatibility import best, is_compiled
from wherry.wheels.unsuitable import Unsuitable, explain_unsuitable, selection_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.pylock import Package, Pylock
    from packaging.utils import NormalizedName

    from wherry.lock.model import Lock, Source
    from wherry.target import Target

__all__ = ["Selected", "select", "versions"]


class Selected(Struct, frozen=True, kw_only=True):
    """A locked distribution, and the source of it that is used.

    Attributes:
        version: its version; None where the lock does not record it, as for directories.
        source: the file, repository or directory that it is taken from.
        unfit: why none of its wheels fits, where an sdist is taken that must be compiled as far as they show.
    """

    name: NormalizedName
    version: str | None
    source: Source
    unfit: Unsuitable | None = None

    @property
    def compiled(self) -> bool:
        """Whether it is an sdist that must be compiled, as far as the lock's wheels show."""
        return self.unfit is not None


def versions(selected: Iterable[Selected]) -> dict[str, str]:
    """The versions of distributions by their names, as far as the lock records them."""
    return {each.name: each.version for each in selected if each.version is not None}


def select(lock: Lock, target: Target, *, compilable: bool = False) -> tuple[Selected, ...]:
    """The distributions of the lock for a target, sorted by name.

    A wheel is preferred to an sdist; an sdist is chosen where no wheel runs on the target. One that must be
    compiled, as the wheels show when none of them is for every platform, is an error unless it can be compiled.
    Markers see the target's environment, the lock's extras and groups, and nothing of this machine.

    Raises:
        TargetError: the lock as a whole excludes the target.
        SelectionError: distributions of which no file runs on the target; ``where`` names all.
    """
    _check_target(lock.pylock, target)
    applies = lock.applies_to(target)
    chosen: dict[NormalizedName, Selected] = {}
    applying: dict[NormalizedName, list[Package]] = {}
    problems: list[Unsuitable] = []
    for package in lock.pylock.packages:
        try:
            if applies(package):
                applying.setdefault(package.name, []).append(package)
        except (LookupError, ValueError) as error:
            # packaging's UndefinedEnvironmentName is a KeyError, UndefinedComparison a ValueError.
            problems.append(_bad_marker(package, error))
    for name in sorted(applying):
        packages = applying[name]
        if len(packages) > 1:
            problems.append(_ambiguous(packages, target))
            continue
        outcome = _choose(packages[0], target, compilable=compilable)
        if isinstance(outcome, Unsuitable):
            problems.append(outcome)
        else:
            chosen[name] = outcome
    if problems:
        raise selection_error(problems, target)
    return tuple(chosen.values())


def _check_target(pylock: Pylock, target: Target) -> None:
    requires = pylock.requires_python
    if requires is not None and not admits(requires, target.runtime):
        try:
            hint = f"choose --runtime {newest_runtime(requires).name}"
        except TargetError:
            hint = "no runtime of AWS Lambda meets it"
        raise TargetError(
            f"the lock excludes {target.runtime.name}",
            where=[f"it requires Python {requires}"],
            hint=hint,
        )
    environments = pylock.environments or ()
    try:
        excluded = environments and not any(
            marker.evaluate(target.environment, context="requirement") for marker in environments
        )
    except (LookupError, ValueError) as error:
        raise SelectionError(
            "the lock's `environments` cannot be evaluated", where=[_reason(error)]
        ) from error
    if excluded:
        raise TargetError(
            f"the lock was not made for {target}",
            where=[f"its environments are {'; '.join(str(marker) for marker in environments)}"],
            hint=f"run `wherry lock --runtime {target.runtime.name} --architecture {target.architecture}`, or choose "
            "the target that it was made for"
            if pylock.created_by == "wherry"
            else "lock again for Linux and this Python, or for all environments",
        )


def _choose(package: Package, target: Target, *, compilable: bool) -> Selected | Unsuitable:
    requires = package.requires_python
    if requires is not None and not admits(requires, target.runtime):
        return Unsuitable(
            message=f"`{_title(package)}` does not run on {target.runtime.name}",
            where=(f"it requires Python {requires}",),
            hint="lock again for this Python, or choose another --runtime",
        )
    unfit = None
    source: Source | None = package.vcs or package.directory or package.archive
    if source is None:
        wheels = {wheel.filename: wheel for wheel in package.wheels or ()}
        filename = best(wheels, target)
        source = wheels[filename] if filename is not None else package.sdist
        if source is None:
            return explain_unsuitable(_title(package), tuple(wheels), target)
        if source is package.sdist and is_compiled(wheels):
            unfit = explain_unsuitable(_title(package), tuple(wheels), target, sdist=True)
            if not compilable:
                return unfit
    version = str(package.version) if package.version is not None else None
    return Selected(name=package.name, version=version, source=source, unfit=unfit)


def _ambiguous(packages: list[Package], target: Target) -> Unsuitable:
    versions = ", ".join(
        f"{package.version or 'an unversioned source'}"
        + (f" (where {package.marker})" if package.marker is not None else "")
        for package in packages
    )
    return Unsuitable(
        message=f"the lock holds `{packages[0].name}` more than once for {target}",
        where=(f"it holds {versions}",),
        hint="choose extras and groups that do not conflict, or lock again",
    )


def _bad_marker(package: Package, error: Exception) -> Unsuitable:
    return Unsuitable(
        message=f"the marker of `{_title(package)}` cannot be evaluated",
        where=(f"the marker is {package.marker}", _reason(error)),
        hint="lock again with a current version of the tool that made the lock",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"a lock's marker has no variable `{error.args[0]}`"
    return str(error)


def _title(package: Package) -> str:
    return f"{package.name}=={package.version}" if package.version is not None else package.name
