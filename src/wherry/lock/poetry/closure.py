"""What a group needs, in locks of Poetry's that do not say: found by walking from the project's dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName

    from wherry.lock.model import LockRequest
    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency, PoetryProject
    from wherry.lock.poetry.package import LockedPackage

__all__ = ["needed"]

# Old versions of Poetry left these out of their locks.
_UNLOCKED = frozenset({"distribute", "pip", "setuptools", "wheel"})
_ROUNDS = 20


def needed(
    packages: Iterable[LockedPackage],
    project: PoetryProject,
    groups: Iterable[NormalizedName],
    extras: Sequence[str],
    request: LockRequest,
) -> list[LockedPackage]:
    """The locked packages that these groups and extras need on the target.

    Raises:
        LockError: the lock lacks one of them.
    """
    from packaging.utils import canonicalize_name

    candidates: dict[NormalizedName, list[LockedPackage]] = {}
    for package in packages:
        candidates.setdefault(package.name, []).append(package)
    optional = {
        name for extra in extras for name in project.extras.get(canonicalize_name(extra), ())
    }
    roots = [
        dependency
        for group in groups
        for dependency in project.groups.get(group, ())
        if (not dependency.optional or dependency.name in optional)
        and dependency.applies(request.target, extras)
    ]
    # Which of several locked versions is meant depends on all who ask for it; walk until the choice stays.
    chosen: dict[NormalizedName, LockedPackage] = {}
    for _ in range(_ROUNDS):
        asked = _walk(roots, chosen, candidates, request)
        again = {
            name: _choose(name, candidates[name], constraints, request)
            for name, constraints in asked.items()
        }
        if again == chosen:
            break
        chosen = again
    return list(chosen.values())


def _walk(
    roots: Iterable[Dependency],
    chosen: Mapping[NormalizedName, LockedPackage],
    candidates: Mapping[NormalizedName, Sequence[LockedPackage]],
    request: LockRequest,
) -> dict[NormalizedName, list[Constraint]]:
    """Every name that is reached, with the constraints on it."""
    asked: dict[NormalizedName, list[Constraint]] = {}
    seen: set[tuple[NormalizedName, NormalizedName | None]] = set()
    waiting = [("the project", dependency) for dependency in roots]
    while waiting:
        who, dependency = waiting.pop()
        name = dependency.name
        if name not in candidates:
            if name in _UNLOCKED:
                continue
            raise LockError(
                f"`poetry.lock` lacks `{name}`",
                where=[f"{who} depends on it"],
                hint="run `poetry lock`",
            )
        constraints = asked.setdefault(name, [])
        if dependency.constraint is not None:
            constraints.append(dependency.constraint)
        package = chosen.get(name) or _choose(name, candidates[name], constraints, request)
        for extra in (None, *sorted(dependency.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(f"`{name}`", each) for each in _active(package, extra, request)]
    return asked


def _active(
    package: LockedPackage, extra: NormalizedName | None, request: LockRequest
) -> list[Dependency]:
    """The dependencies that a package has without extras, or those that one extra adds."""
    found = []
    for dependency in package.dependencies:
        extras = () if extra is None else (extra,)
        if not dependency.applies(request.target, extras):
            continue
        if dependency.optional:
            by_marker = dependency.marker is not None and "extra" in dependency.marker
            by_table = extra is not None and dependency.name in package.extras.get(extra, ())
            if extra is None or not (by_marker or by_table):
                continue
        found.append(dependency)
    return found


def _choose(
    name: NormalizedName,
    candidates: Sequence[LockedPackage],
    constraints: Sequence[Constraint],
    request: LockRequest,
) -> LockedPackage:
    runtime = request.target.runtime
    fitting = [
        package
        for package in candidates
        if all(constraint.contains(str(package.version)) for constraint in constraints)
    ]
    if not fitting:
        versions = ", ".join(str(package.version) for package in candidates)
        raise LockError(
            f"`poetry.lock` has no version of `{name}` that will do",
            where=[f"it has {versions}"],
            hint="run `poetry lock`",
        )
    here = [
        package
        for package in fitting
        if package.python is None
        or any(
            package.python.contains(f"{runtime.python_version}.{patch}")
            for patch in (runtime.patch, 99)
        )
    ]
    return max(here or fitting, key=lambda package: package.version)
