"""Which file of each locked distribution goes to a target: pure, by the lock and the target alone.

Follows the installation steps of PEP 751, with one deliberate difference: where packaging and pip stop
at the first problem, every problem is collected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from wherry.errors import SelectionError, TargetError
from wherry.target import admits, newest_runtime
from wherry.wheels.compatibility import best, is_compiled
from wherry.wheels.refusal import Refusal, refuse, refuse_all

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from packaging.pylock import (
        Package,
        PackageArchive,
        PackageDirectory,
        PackageSdist,
        PackageVcs,
        PackageWheel,
        Pylock,
    )
    from packaging.utils import NormalizedName

    from wherry.lock.model import Lock
    from wherry.target import Target

    Source: TypeAlias = PackageWheel | PackageSdist | PackageArchive | PackageVcs | PackageDirectory

__all__ = ["Selected", "select"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Selected:
    """A locked distribution and the source of it that is used.

    ``version`` is None where the lock does not record it, as for directories. ``unfit`` is why none of its
    wheels will do, where an sdist is taken that must be compiled as far as these show.
    """

    name: NormalizedName
    version: str | None
    source: Source
    unfit: Refusal | None = None

    @property
    def compiled(self) -> bool:
        """Whether it is an sdist that must be compiled, as far as the lock's wheels show."""
        return self.unfit is not None


def select(
    lock: Lock, target: Target, *, skip: Collection[str] = (), compilable: bool = False
) -> tuple[Selected, ...]:
    """What of the lock goes to the target, sorted by name.

    A wheel is preferred to an sdist; an sdist is chosen where no wheel runs on the target. Where the lock's
    wheels show that it must be compiled, as none of them is for every platform, it is refused unless somebody
    can. Markers see the target's environment, the lock's extras and groups, and nothing of this machine.

    Args:
        lock: the lock.
        target: what to select for.
        skip: names of distributions to leave out.
        compilable: whether there is anybody to compile.

    Raises:
        TargetError: the lock as a whole excludes the target.
        SelectionError: distributions of which no file runs on the target; ``where`` tells of all.
    """
    from packaging.utils import canonicalize_name

    _check_target(lock.pylock, target)
    left_out = {canonicalize_name(name) for name in skip}
    environment = _environment(lock, target)
    chosen: dict[NormalizedName, Selected] = {}
    applying: dict[NormalizedName, list[Package]] = {}
    refusals: list[Refusal] = []
    for package in lock.pylock.packages:
        if package.name in left_out:
            continue
        try:
            if package.marker is None or package.marker.evaluate(environment, context="lock_file"):
                applying.setdefault(package.name, []).append(package)
        except (LookupError, ValueError) as error:
            # packaging's UndefinedEnvironmentName is a KeyError, UndefinedComparison a ValueError.
            refusals.append(_bad_marker(package, error))
    for name in sorted(applying):
        packages = applying[name]
        if len(packages) > 1:
            refusals.append(_ambiguous(packages, target))
            continue
        outcome = _choose(packages[0], target, compilable=compilable)
        if isinstance(outcome, Refusal):
            refusals.append(outcome)
        else:
            chosen[name] = outcome
    if refusals:
        raise refuse_all(refusals, target)
    return tuple(chosen.values())


def _environment(lock: Lock, target: Target) -> Mapping[str, str | frozenset[str]]:
    # "`extras` SHOULD be set to the empty set by default; `dependency_groups` SHOULD be the set created
    # from default-groups by default."
    groups = lock.groups if lock.groups is not None else lock.pylock.default_groups or ()
    environment: dict[str, str | frozenset[str]] = {
        key: str(value) for key, value in target.environment.items()
    }
    return environment | {
        "extras": frozenset(lock.extras),
        "dependency_groups": frozenset(groups),
    }


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
    known = {key: str(value) for key, value in target.environment.items()}
    try:
        excluded = environments and not any(
            marker.evaluate(known, context="requirement") for marker in environments
        )
    except (LookupError, ValueError) as error:
        raise SelectionError(
            "the lock's `environments` cannot be evaluated", where=[_say(error)]
        ) from error
    if excluded:
        raise TargetError(
            f"the lock was not made for {target}",
            where=[f"its environments are {'; '.join(str(marker) for marker in environments)}"],
            hint="lock again for Linux and this Python, or for all environments",
        )


def _choose(package: Package, target: Target, *, compilable: bool) -> Selected | Refusal:
    requires = package.requires_python
    if requires is not None and not admits(requires, target.runtime):
        return Refusal(
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
            return refuse(_title(package), tuple(wheels), target)
        if source is package.sdist and is_compiled(wheels):
            unfit = refuse(_title(package), tuple(wheels), target, sdist=True)
            if not compilable:
                return unfit
    version = str(package.version) if package.version is not None else None
    return Selected(name=package.name, version=version, source=source, unfit=unfit)


def _ambiguous(packages: list[Package], target: Target) -> Refusal:
    versions = ", ".join(
        f"{package.version or 'an unversioned source'}"
        + (f" (where {package.marker})" if package.marker is not None else "")
        for package in packages
    )
    return Refusal(
        message=f"the lock holds `{packages[0].name}` more than once for {target}",
        where=(f"it holds {versions}",),
        hint="choose extras and groups that do not conflict, or lock again",
    )


def _bad_marker(package: Package, error: Exception) -> Refusal:
    return Refusal(
        message=f"the marker of `{_title(package)}` cannot be evaluated",
        where=(f"the marker is {package.marker}", _say(error)),
        hint="lock again with a current version of the tool that made the lock",
    )


def _say(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"a lock's marker has no variable `{error.args[0]}`"
    return str(error)


def _title(package: Package) -> str:
    return f"{package.name}=={package.version}" if package.version is not None else package.name
