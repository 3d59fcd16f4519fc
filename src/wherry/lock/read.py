"""Reading whatever lock a project has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.errors import LockError, ProjectError
from wherry.events import SILENT, LockRead, Note, Warned
from wherry.lock.document import is_path
from wherry.lock.find import TOOL_MADE, find_given, find_locks, find_unlocked
from wherry.lock.model import LockFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.events import Reporter
    from wherry.lock.find import Found
    from wherry.lock.model import FindFiles, Lock, LockRequest

__all__ = ["read_lock"]


def read_lock(
    request: LockRequest,
    *,
    find_files: FindFiles | None = None,
    reporter: Reporter = SILENT,
) -> Lock:
    """Find a project's lock and read it as PEP 751 has it; resolve, with a warning, where there is none.

    Args:
        request: what is wanted.
        find_files: asks an index for its files; needed where a lock records no file names. Called from several
            threads.
        reporter: hears which lock was chosen, and why.

    Raises:
        ProjectError: there is no Python project.
        LockError: the lock is unreadable, stale, of an unknown version, lacks what was asked for, or there are
            two that disagree.
        TargetError: the project is not for the target's Python.
        ToolError: uv is missing.
    """
    from time import perf_counter

    from wherry.indexes.access import Access
    from wherry.lock.assemble import check_python

    began = perf_counter()
    # Absolute, so that a result does not depend on the working folder; links stay as they are.
    root = request.root.absolute()
    access = request.access or Access(folders=[root], offline=request.offline)
    request = replace(request, root=root, access=access)
    if not is_path(str(request.root)) or not request.root.is_dir():
        raise ProjectError("there is no such project", where=[f"{request.root} is no folder"])
    if request.lock is not None:
        lock = _read(find_given(request, request.lock), request, find_files, reporter)
    else:
        found = find_locks(request, reporter)
        if len(found) > 1:
            lock = _of_several(found, request, find_files, reporter)
        else:
            chosen = found[0] if found else find_unlocked(request)
            lock = _read(chosen, request, find_files, reporter)
    if request.package is not None and lock.format is not LockFormat.UV:
        raise LockError(
            f"`{lock.path.name}` has no member `{request.package}`",
            where=["of the locks, only `uv.lock` knows workspaces"],
            hint="name the member's folder with `--project`",
        )
    check_python(lock.pylock.requires_python, request.target, lock.path)
    reporter.emit(
        LockRead(
            path=lock.path,
            packages=len(lock.pylock.packages),
            seconds=perf_counter() - began,
            locked=lock.format in (*TOOL_MADE, LockFormat.REQUIREMENTS, LockFormat.NONE),
        )
    )
    return lock


def _read(
    found: Found, request: LockRequest, find_files: FindFiles | None, reporter: Reporter
) -> Lock:
    match found.format:
        case LockFormat.PYLOCK:
            from wherry.lock.pylock import read_pylock

            return read_pylock(found.path, request)
        case LockFormat.UV:
            from wherry.lock.uv.reader import read_uv_lock

            return read_uv_lock(found.path, request, reporter)
        case LockFormat.POETRY:
            from wherry.lock.poetry.reader import read_poetry_lock

            return read_poetry_lock(found.path, request, find_files, reporter)
        case LockFormat.PIPFILE_LOCK:
            from wherry.lock.pipfile.reader import read_pipfile_lock

            return read_pipfile_lock(found.path, request, find_files, reporter)
        case LockFormat.REQUIREMENTS | LockFormat.REQUIREMENTS_IN:
            from wherry.lock.requirements.reader import read_requirements

            return read_requirements(found.path, request, reporter)
        case _:
            from wherry.lock.unlocked import read_unlocked

            return read_unlocked(found.path, found.format, request, reporter)


def _of_several(
    found: Sequence[Found],
    request: LockRequest,
    find_files: FindFiles | None,
    reporter: Reporter,
) -> Lock:
    """The lock of the tool that is in charge, or else the first of several that agree."""
    from wherry.lock.charge import tool_in_charge

    others = ", ".join(f"`{each.path.name}`" for each in found)
    charge = tool_in_charge(request.root, [each.format for each in found])
    if charge is not None:
        winner = next(each for each in found if each.format is charge.format)
        reporter.emit(
            Warned(
                text=f"of {others}, `{winner.path.name}` is used: {charge.reason}",
                hint="remove the others, or say which one with `--lock`",
            )
        )
        return _read(winner, request, find_files, reporter)
    ask = f"say which one, such as `--lock {found[0].path.name}`"
    locks = []
    for each in found:
        try:
            locks.append(_read(each, request, find_files, SILENT))
        except LockError as error:
            raise LockError(
                f"there are several locks, {others}, and they cannot be compared",
                where=[error.message, *error.where],
                hint=ask,
            ) from None
    first = _versions(locks[0], request)
    for other in locks[1:]:
        if differences := _differences(locks[0], first, other, _versions(other, request)):
            raise LockError(
                f"`{locks[0].path.name}` and `{other.path.name}` disagree",
                where=differences,
                hint=ask,
            )
    reporter.emit(Note(text=f"of {others}, which agree, `{locks[0].path.name}` is used"))
    return locks[0]


def _versions(lock: Lock, request: LockRequest) -> dict[str, str | None]:
    """What the target gets, by name; the version is None where the lock records none, as of folders."""
    groups = lock.groups if lock.groups is not None else lock.pylock.default_groups or ()
    environment: Mapping[str, object] = {
        **request.target.environment,
        "extras": frozenset(lock.extras),
        "dependency_groups": frozenset(groups),
    }
    return {
        package.name: str(package.version) if package.version else None
        for package in lock.pylock.packages
        if package.marker is None or package.marker.evaluate(environment, context="lock_file")  # type: ignore[arg-type]
    }


def _differences(
    one: Lock, ours: Mapping[str, str | None], other: Lock, theirs: Mapping[str, str | None]
) -> list[str]:
    shown = 5
    lines = []
    for name in sorted({*ours, *theirs}):
        if name in ours and name in theirs:
            versions = (ours[name], theirs[name])
            if versions[0] == versions[1] or None in versions:
                continue
            said = [str(version) for version in versions]
        else:
            said = [
                "nothing" if name not in each else each[name] or "it" for each in (ours, theirs)
            ]
        lines.append(f"`{name}`: {one.path.name} has {said[0]}, {other.path.name} has {said[1]}")
    more = len(lines) - shown
    return [*lines[:shown], f"and {more} more"] if more > 0 else lines
