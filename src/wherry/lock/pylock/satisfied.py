"""Whether a ``pylock.toml`` still holds what its project asks for.

PEP 751 has no field that says what a lock was made from. So the project's own dependencies are looked for in it:
if one is missing, or its version is no longer admitted, the lock is older than the project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from wherry.errors import LockError
from wherry.lock.declared import read_declared
from wherry.lock.document import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packaging.pylock import Package, Pylock

    from wherry.context import Context
    from wherry.target import Target

__all__ = ["check_satisfied"]


def check_satisfied(pylock: Pylock, path: Path, context: Context) -> None:
    """Check that the lock holds the dependencies that ``pyproject.toml`` beside it declares.

    Raises:
        LockError: it does not hold one, or none that is admitted.
    """
    pyproject = path.parent / "pyproject.toml"
    # A named lock (`pylock.dev.toml`) may be for another purpose than the project's dependencies.
    if path.name != "pylock.toml" or not pyproject.is_file():
        return
    project = read_declared(read_toml(pyproject, context.files))
    if project.name is None or "dependencies" in project.dynamic:
        return
    locked: dict[str, list[Package]] = {}
    for package in pylock.packages:
        locked.setdefault(package.name, []).append(package)
    missing = [
        problem
        for text in project.dependencies
        for problem in _missing(text, locked, context.target)
    ]
    if missing:
        raise LockError(
            f"`{path.name}` is older than `pyproject.toml`",
            where=missing,
            hint=f"lock again with {pylock.created_by or 'the tool that made it'}",
        )


def _missing(text: str, locked: dict[str, list[Package]], target: Target) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return  # the tool that locks will report it
    environment = cast("dict[str, str]", {**target.environment, "extra": ""})
    if requirement.marker is not None and not requirement.marker.evaluate(environment):
        return
    packages = locked.get(canonicalize_name(requirement.name), [])
    versions = [package.version for package in packages if package.version is not None]
    if not packages:
        yield f"`pyproject.toml` asks for `{requirement.name}`, the lock does not have it"
    elif len(versions) == len(packages) and not any(
        requirement.specifier.contains(version, prereleases=True) for version in versions
    ):
        held = ", ".join(map(str, versions))
        yield (
            f"`pyproject.toml` asks for `{requirement.name}{requirement.specifier}`, "
            f"the lock has {held}"
        )
