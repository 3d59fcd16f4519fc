"""Choosing the file that says what a project needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError, ProjectError
from wherry.events import Note, Warned
from wherry.files import broken_link
from wherry.lock.document import is_path, read_toml
from wherry.lock.formats import LockFormat, format_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.lock.model import LockRequest

__all__ = ["Choice", "choose_declaration", "choose_lock"]


class Choice(Struct, frozen=True, kw_only=True):
    """The file that says what a project needs.

    Attributes:
        path: the file; the project's folder where no file says anything.
        remarks: why it is this file, where the user may expect another.
        rivals: further locks that must give the same versions, as nothing tells which tool the project belongs to.
    """

    path: Path
    format: LockFormat
    remarks: tuple[Note | Warned, ...] = ()
    rivals: tuple[Choice, ...] = ()


def choose_lock(request: LockRequest, files: ProjectFiles) -> Choice | None:
    """Choose the lock of a project: the one that the request names, else one that a tool made, else
    ``requirements.txt``.

    A member of a uv workspace without a lock of its own has its workspace's. None where the project has no lock.

    Raises:
        LockError: there is no lock of the name that was asked for, there are several ``pylock.NAME.toml``, or one is a
            link that leads nowhere.
    """
    from wherry.lock.uv.local import find_workspace

    if request.lock is not None:
        return _named(request.root, request.lock)
    root = request.root
    _require_no_broken_links(root)
    locks = _tool_made(root)
    if not locks and (workspace := find_workspace(root, files)) is not None:
        locks.append(Choice(path=workspace / "uv.lock", format=LockFormat.UV))
    requirements = root / "requirements.txt"
    if locks:
        return _choose(locks, root, files, unused=requirements if requirements.is_file() else None)
    if requirements.is_file():
        return Choice(path=requirements, format=LockFormat.REQUIREMENTS)
    return None


def choose_declaration(request: LockRequest, files: ProjectFiles) -> Choice:
    """Choose the file that declares dependencies, where there is no lock; the folder itself where none does.

    Raises:
        ProjectError: there is no Python project.
    """
    from wherry.lock.declared import declares_dependencies, is_setup

    root = request.root
    pyproject = root / "pyproject.toml"
    table = read_toml(pyproject, files) if pyproject.is_file() else None
    if table is not None and declares_dependencies(table):
        return Choice(path=pyproject, format=LockFormat.PYPROJECT)
    for format_ in (LockFormat.PIPFILE, LockFormat.REQUIREMENTS_IN):
        if (root / format_.value.filename).is_file():
            return Choice(path=root / format_.value.filename, format=format_)
    if table is not None and (
        "project" in table
        or "poetry" in table.table("tool")
        or (request.groups and "dependency-groups" in table)
    ):
        return Choice(path=pyproject, format=LockFormat.PYPROJECT)
    for name in ("setup.py", "setup.cfg"):
        if is_setup(root / name, files):
            return Choice(path=root / name, format=LockFormat.SETUP)
    if table is None and not any(_python_files(root)):
        raise ProjectError(
            "there is no Python project here",
            where=[f"{root}: no pyproject.toml, no lock, no Python file"],
            hint="name the project's folder with `--project`",
        )
    return Choice(path=root, format=LockFormat.NONE)


def _named(root: Path, lock: Path) -> Choice:
    """The lock that the user named; a relative path starts at the working folder, or else at the project."""
    for path in (lock, root / lock):
        if is_path(str(path)) and path.is_file():
            break
    else:
        _require_no_broken_link(root / lock)
        raise LockError(f"there is no lock `{lock}`", where=[f"looked for {root / lock}"])
    if (format_ := format_of(path.name)) is None:
        raise LockError(
            f"Wherry does not know the format of the lock `{path.name}`",
            where=[
                "it knows pylock.toml, pylock.NAME.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock, *.txt and *.in"
            ],
        )
    return Choice(path=path.absolute(), format=format_)


def _require_no_broken_links(root: Path) -> None:
    """Require that what says what a project needs is there: without it, less would be installed, unsaid."""
    for format_ in LockFormat:
        _require_no_broken_link(root / format_.value.filename)


def _require_no_broken_link(path: Path) -> None:
    if (target := broken_link(path)) is not None:
        raise LockError(
            f"`{path.name}` is a link that leads nowhere",
            where=[f"`{path}` leads to `{target}`"],
            hint="mend the link, or remove it",
        )


def _tool_made(root: Path) -> list[Choice]:
    """The locks in a folder that a tool made, by precedence."""
    try:
        names = sorted(path.name for path in root.iterdir())
    except OSError:
        names = []
    locks: list[Choice] = []
    several: list[str] = []
    for format_ in LockFormat:
        if not format_.value.tool_made:
            continue
        found = [name for name in names if format_.value.has_name(name) and (root / name).is_file()]
        if format_.value.filename in found:
            found = [format_.value.filename]
        if len(found) == 1:
            locks.append(Choice(path=root / found[0], format=format_))
        elif found:
            several = found
    if several and not locks:
        raise LockError(
            "there are several locks",
            where=several,
            hint=f"name one, such as `--lock {several[0]}`",
        )
    return locks


def _choose(
    locks: Sequence[Choice], root: Path, files: ProjectFiles, *, unused: Path | None
) -> Choice:
    """The lock of the tool that the project belongs to, or else the first that is no leftover.

    Others that are none are its rivals.
    """
    remarks: list[Note | Warned] = []
    owners = list(_owners(locks, root, files)) if locks[1:] else []
    owned = len({owner.path for owner, _ in owners}) == 1
    if locks[1:] and not owned:
        locks, passed_over = _without_leftovers(locks, files)
        remarks += passed_over
    lock, rivals = locks[0], tuple(locks[1:])
    if owned:
        (lock, reason), rivals = owners[0], ()
        exports = [each for each in locks if _is_export(each, lock, files)]
        remarks += [
            Note(text=f"`{each.path.name}` is not read: it was exported from `{lock.path.name}`")
            for each in exports
        ]
        if (others := [each for each in locks if each not in exports])[1:]:
            names = ", ".join(f"`{each.path.name}`" for each in others)
            remarks.append(
                Warned(
                    text=f"of {names}, `{lock.path.name}` is used: {reason}",
                    hint="remove the others, or name one with `--lock`",
                )
            )
    if unused is not None:
        text = f"`{unused.name}` is not read: `{lock.path.name}` is the lock"
        remarks.insert(0, Note(text=text))
    return Choice(path=lock.path, format=lock.format, remarks=tuple(remarks), rivals=rivals)


def _is_export(lock: Choice, owner: Choice, files: ProjectFiles) -> bool:
    """Whether a tool made a lock out of its own one."""
    from wherry.lock.leftover import exported_from

    return lock.format is LockFormat.PYLOCK and exported_from(lock.path, files) is owner.format


def _without_leftovers(
    locks: Sequence[Choice], files: ProjectFiles
) -> tuple[Sequence[Choice], list[Warned]]:
    """The locks that are as new as the project, and warnings of the others; all locks where none is."""
    from wherry.lock.leftover import leftover_reason

    formats = [lock.format for lock in locks]
    reasons = [leftover_reason(lock.path, lock.format, formats, files) for lock in locks]
    current = [lock for lock, reason in zip(locks, reasons, strict=True) if reason is None]
    if not current:
        return locks, []
    return current, [
        Warned(
            text=f"`{lock.path.name}` is not read: {reason}, and there is `{current[0].path.name}`",
            hint=f"remove it, or name one with `--lock {lock.path.name}`",
        )
        for lock, reason in zip(locks, reasons, strict=True)
        if reason is not None
    ]


def _owners(
    locks: Iterable[Choice], root: Path, files: ProjectFiles
) -> Iterator[tuple[Choice, str]]:
    """The locks of the tools that the project is set up for, and how one can tell."""
    pyproject = root / "pyproject.toml"
    table = read_toml(pyproject, files) if pyproject.is_file() else None
    for lock in locks:
        sign = lock.format.value
        if sign.owner_file is not None and (root / sign.owner_file).is_file():
            yield lock, f"there is a `{sign.owner_file}`"
        if table is None:
            continue
        if sign.owner_table is not None and sign.owner_table in table.table("tool"):
            yield lock, f"`pyproject.toml` has [tool.{sign.owner_table}]"
        backend = table.table("build-system").optional("build-backend", str) or ""
        if sign.owner_backend is not None and backend.startswith(sign.owner_backend):
            yield lock, f"the build backend of `pyproject.toml` is `{backend}`"


def _python_files(root: Path) -> Iterator[Path]:
    yield from root.glob("*.py")
    yield from root.glob("*/*.py")
    yield from root.glob("**/*.py")
