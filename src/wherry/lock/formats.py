"""The formats of locks and of the files that declare what a project needs: the one table of them.

A new format takes a module or a folder, ``wherry/lock/NAME``, with a reader, which is a function
``(path, request, context) -> Lock``, and an entry here.
"""

from __future__ import annotations

from enum import Enum

from wherry.structs import Struct

__all__ = ["LockFormat", "format_of", "is_lock_name"]


class Format(Struct, frozen=True, kw_only=True):
    """A format of a lock or of a declaration of dependencies.

    Attributes:
        filename: the usual name of such a file.
        reader: ``module:function`` below ``wherry.lock``, imported when a file is read.
        names: of such files in a project's folder, with ``*`` for any text; only ``filename`` where it is empty.
        given: the names that ``--lock`` takes; ``names`` where it is empty.
        tool_made: only a tool writes it. These are looked for first, in the order of the table.
        locked: it fixes every version.
        command: brings it up to date; `wherry lock` does not write a second lock beside it.
        owner_file: a file in the project's folder that only users of its tool have.
        owner_table: the table of ``[tool]`` in ``pyproject.toml`` that only users of its tool have.
        owner_backend: how the names of the tool's build backends begin.
    """

    filename: str
    reader: str
    names: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    tool_made: bool = False
    locked: bool = False
    command: str | None = None
    owner_file: str | None = None
    owner_table: str | None = None
    owner_backend: str | None = None

    def has_name(self, name: str) -> bool:
        """Whether a file of this name in a project's folder has this format."""
        return any(_matches(each, name) for each in self.names or [self.filename])

    def takes_name(self, name: str) -> bool:
        """Whether a file of this name has this format when the user names it."""
        return (
            any(_matches(each, name) for each in self.given) if self.given else self.has_name(name)
        )


def _matches(pattern: str, name: str) -> bool:
    # Patterns of ``re`` and ``fnmatch`` would be compiled at every start.
    start, wild, end = pattern.partition("*")
    if not wild:
        return name == pattern
    return len(name) >= len(start) + len(end) and name.startswith(start) and name.endswith(end)


class LockFormat(Enum):
    """Every format: locks that a tool wrote, by precedence, then what is resolved for every build."""

    PYLOCK = Format(
        filename="pylock.toml",
        reader="pylock:read",
        names=("pylock.toml", "pylock.*.toml"),
        given=("pylock*.toml",),
        tool_made=True,
        locked=True,
        owner_table="pdm",
        owner_backend="pdm.",
    )
    UV = Format(
        filename="uv.lock",
        reader="uv.reader:read",
        tool_made=True,
        locked=True,
        command="uv lock",
        owner_table="uv",
        owner_backend="uv_build",
    )
    POETRY = Format(
        filename="poetry.lock",
        reader="poetry.reader:read",
        tool_made=True,
        locked=True,
        command="poetry lock",
        owner_table="poetry",
        owner_backend="poetry.",
    )
    PDM = Format(
        filename="pdm.lock",
        reader="pdm.reader:read",
        tool_made=True,
        locked=True,
        command="pdm lock",
        owner_table="pdm",
        owner_backend="pdm.",
    )
    PIPFILE_LOCK = Format(
        filename="Pipfile.lock",
        reader="pipfile.reader:read",
        tool_made=True,
        locked=True,
        command="pipenv lock",
        owner_file="Pipfile",
    )
    REQUIREMENTS = Format(
        filename="requirements.txt",
        reader="requirements.reader:read",
        names=("requirements*.txt",),
        # `requirements.lock` is Rye's.
        given=("*.txt", "requirements*.lock"),
        locked=True,
    )
    REQUIREMENTS_IN = Format(
        filename="requirements.in",
        reader="requirements.reader:read",
        names=("requirements*.in",),
        given=("*.in",),
    )
    PYPROJECT = Format(filename="pyproject.toml", reader="unlocked:read_pyproject")
    PIPFILE = Format(filename="Pipfile", reader="pipfile.declared:read")
    SETUP = Format(
        filename="setup.py", reader="unlocked:read_setup", names=("setup.py", "setup.cfg")
    )
    # No name of a file has a slash.
    NONE = Format(filename="none", reader="unlocked:read_nothing", names=("/",), locked=True)


def format_of(name: str) -> LockFormat | None:
    """The format of a file that the user named; None where Wherry does not know it."""
    return next((each for each in LockFormat if each.value.takes_name(name)), None)


def is_lock_name(name: str) -> bool:
    """Whether a file of this name in a project's folder has a say in which lock is read."""
    return any(each.value.has_name(name) for each in LockFormat)
