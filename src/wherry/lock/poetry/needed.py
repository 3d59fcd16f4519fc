"""The packages that a group needs, in locks that do not record it: found by following the dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.target import admits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency, PoetryProject
    from wherry.lock.poetry.package import LockedPackage
    from wherry.target import Target

__all__ = ["needed_packages"]

# Old versions of Poetry do not lock these.
_UNLOCKED = frozenset({"distribute", "pip", "setuptools", "wheel"})
_ROUNDS = 20


def needed_packages(
    packages: Iterable[LockedPackage],
    project: PoetryProject,
    groups: Iterable[NormalizedName],
    extras: Sequence[str],
    target: Target,
) -> list[LockedPackage]:
    """The locked packages that these groups and extras need on the target.

    Raises:
        LockError: the lock lacks one of them.
    """
    candidates: dict[NormalizedName, list[LockedPackage]] = {}
    for package in packages:
        candidates.setdefault(package.name, []).append(package)
    optional = project.optional(extras)
    roots = [
        dependency
        for group in groups
        for dependency in project.groups.get(group, ())
        if (not dependency.optional or dependency.name in optional)
        and dependency.applies(target, extras)
    ]
    # Which of several locked versions is needed depends on all constraints; repeat until the choice stays the same.
    chosen: dict[NormalizedName, LockedPackage] = {}
    for _ in range(_ROUNDS):
        reached = _follow(roots, chosen, candidates, target)
        versions = {
            name: _choose(name, candidates[name], constraints, target)
            for name, constraints in reached.items()
        }
        if versions == chosen:
            break
        chosen = versions
    return list(chosen.values())


def _follow(
    roots: Iterable[Dependency],
    chosen: Mapping[NormalizedName, LockedPackage],
    candidates: Mapping[NormalizedName, Sequence[LockedPackage]],
    target: Target,
) -> dict[NormalizedName, list[Constraint]]:
    """Every name that is reached, with the constraints on it."""
    reached: dict[NormalizedName, list[Constraint]] = {}
    seen: set[tuple[NormalizedName, NormalizedName | None]] = set()
    waiting = [("the project", dependency) for dependency in roots]
    while waiting:
        dependent, dependency = waiting.pop()
        name = dependency.name
        if name not in candidates:
            if name in _UNLOCKED:
                continue
            raise LockError(
                f"`poetry.lock` lacks `{name}`",
                where=[f"{dependent} depends on it"],
                hint="run `poetry lock`",
            )
        constraints = reached.setdefault(name, [])
        if dependency.constraint is not None:
            constraints.append(dependency.constraint)
        package = chosen.get(name) or _choose(name, candidates[name], constraints, target)
        for extra in (None, *sorted(dependency.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(f"`{name}`", each) for each in _active(package, extra, target)]
    return reached


def _active(
    package: LockedPackage, extra: NormalizedName | None, target: Target
) -> list[Dependency]:
    """The dependencies that a package has without extras, or those that one extra adds."""
    active = []
    for dependency in package.dependencies:
        extras = () if extra is None else (extra,)
        if not dependency.applies(target, extras):
            continue
        if dependency.optional:
            by_marker = dependency.marker is not None and "extra" in dependency.marker
            by_table = extra is not None and dependency.name in package.extras.get(extra, ())
            if extra is None or not (by_marker or by_table):
                continue
        active.append(dependency)
    return active


def _choose(
    name: NormalizedName,
    candidates: Sequence[LockedPackage],
    constraints: Sequence[Constraint],
    target: Target,
) -> LockedPackage:
    fitting = [
        package
        for package in candidates
        if all(constraint.contains(str(package.version)) for constraint in constraints)
    ]
    if not fitting:
        versions = ", ".join(str(package.version) for package in candidates)
        raise LockError(
            f"`poetry.lock` has no version of `{name}` that is allowed",
            where=[f"it has {versions}"],
            hint="run `poetry lock`",
        )
    for_python = [
        package
        for package in fitting
        if package.python is None or admits(package.python, target.runtime)
    ]
    return max(for_python or fitting, key=lambda package: package.version)
