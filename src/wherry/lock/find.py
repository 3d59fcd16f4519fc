"""Which file of a project says what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import LockError, ProjectError
from wherry.events import Note
from wherry.lock.document import is_path, read_toml
from wherry.lock.model import LockFormat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.lock.model import LockRequest

__all__ = ["TOOL_MADE", "Found", "find_given", "find_locks", "find_unlocked", "format_of"]

TOOL_MADE = (LockFormat.PYLOCK, LockFormat.UV, LockFormat.POETRY, LockFormat.PIPFILE_LOCK)
"""The formats that only a tool writes, in order of precedence."""

_BY_NAME = {
    "uv.lock": LockFormat.UV,
    "poetry.lock": LockFormat.POETRY,
    "Pipfile.lock": LockFormat.PIPFILE_LOCK,
    "Pipfile": LockFormat.PIPFILE,
    "pyproject.toml": LockFormat.PYPROJECT,
    "setup.py": LockFormat.SETUP,
    "setup.cfg": LockFormat.SETUP,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A file and its format."""

    path: Path
    format: LockFormat


def format_of(path: Path) -> LockFormat:
    """The format of a lock, by its name.

    Raises:
        LockError: the name is not one that Wherry knows.
    """
    name = path.name
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith("pylock") and name.endswith(".toml"):
        return LockFormat.PYLOCK
    if path.suffix == ".txt":
        return LockFormat.REQUIREMENTS
    if path.suffix == ".in":
        return LockFormat.REQUIREMENTS_IN
    hint = "run `pdm export -f pylock -o pylock.toml`" if name == "pdm.lock" else None
    raise LockError(
        f"`{name}` is no lock that Wherry knows",
        where=[
            "it knows pylock.toml, pylock.NAME.toml, uv.lock, poetry.lock, Pipfile.lock, *.txt and *.in"
        ],
        hint=hint,
    )


def find_given(request: LockRequest, lock: Path) -> Found:
    """The lock that was named; a relative path starts at the working folder, or else at the project.

    Raises:
        LockError: there is no such file, or its name is not one that Wherry knows.
    """
    for path in (lock, request.root / lock):
        if is_path(str(path)) and path.is_file():
            return Found(path=path.absolute(), format=format_of(path))
    raise LockError(f"there is no lock `{lock}`", where=[f"looked for {request.root / lock}"])


def find_locks(request: LockRequest, reporter: Reporter) -> tuple[Found, ...]:
    """The locks that a tool made, by precedence, or else the requirements file, or nothing.

    A member of a uv workspace without a lock of its own has its workspace's.

    Raises:
        LockError: there are several ``pylock.NAME.toml``, or a lock that Wherry does not read.
    """
    from wherry.lock.uv.workspace import find_workspace

    root = request.root
    found = list(_tool_made(root))
    if not found and (workspace := find_workspace(root)) is not None:
        found.append(Found(path=workspace / "uv.lock", format=LockFormat.UV))
    requirements = root / "requirements.txt"
    if found:
        if requirements.is_file():
            text = f"`{requirements.name}` is passed over: `{found[0].path.name}` is the lock"
            reporter.emit(Note(text=text))
        return tuple(found)
    if (root / "pdm.lock").is_file():
        raise LockError(
            "`pdm.lock` is a format of PDM's own",
            where=[f"{root}: there is no other lock"],
            hint="run `pdm export -f pylock -o pylock.toml`",
        )
    if requirements.is_file():
        return (Found(path=requirements, format=LockFormat.REQUIREMENTS),)
    return ()


def _tool_made(root: Path) -> Iterator[Found]:
    pylock = root / "pylock.toml"
    named = sorted(path for path in root.glob("pylock.*.toml") if path.is_file())
    if pylock.is_file():
        yield Found(path=pylock, format=LockFormat.PYLOCK)
    elif len(named) == 1:
        yield Found(path=named[0], format=LockFormat.PYLOCK)
    for format_ in TOOL_MADE[1:]:
        if (root / format_).is_file():
            yield Found(path=root / format_, format=format_)
            named = []
    if len(named) > 1 and not pylock.is_file():
        raise LockError(
            "there are several locks",
            where=[path.name for path in named],
            hint=f"say which one, such as `--lock {named[0].name}`",
        )


def find_unlocked(request: LockRequest) -> Found:
    """The file that declares dependencies, where there is no lock; the folder itself where none does.

    Raises:
        ProjectError: there is no Python project.
    """
    from wherry.lock.unlocked import declares_dependencies

    root = request.root
    pyproject = root / "pyproject.toml"
    table = read_toml(pyproject) if pyproject.is_file() else None
    if table is not None and declares_dependencies(table):
        return Found(path=pyproject, format=LockFormat.PYPROJECT)
    for name, format_ in (
        ("Pipfile", LockFormat.PIPFILE),
        ("requirements.in", LockFormat.REQUIREMENTS_IN),
    ):
        if (root / name).is_file():
            return Found(path=root / name, format=format_)
    if table is not None and ("project" in table or "poetry" in table.table("tool")):
        return Found(path=pyproject, format=LockFormat.PYPROJECT)
    for name in ("setup.py", "setup.cfg"):
        path = root / name
        if path.is_file() and (name == "setup.py" or "install_requires" in _text(path)):
            return Found(path=path, format=LockFormat.SETUP)
    if table is None and not any(_python_files(root)):
        raise ProjectError(
            "there is no Python project here",
            where=[f"{root}: no pyproject.toml, no lock, no Python file"],
            hint="name the project's folder with `--project`",
        )
    return Found(path=root, format=LockFormat.NONE)


def _text(path: Path) -> str:
    from wherry.lock.document import read_bytes

    return read_bytes(path).decode("utf-8", "replace")


def _python_files(root: Path) -> Iterator[Path]:
    yield from root.glob("*.py")
    yield from root.glob("*/*.py")
    yield from root.glob("**/*.py")
