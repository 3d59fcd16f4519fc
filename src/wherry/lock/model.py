"""What reading a lock takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from packaging.pylock import Pylock

    from wherry.indexes.access import Access
    from wherry.target import Target

__all__ = ["FindFiles", "IndexedFile", "Lock", "LockFormat", "LockRequest"]


class LockFormat(StrEnum):
    """Where a lock came from. Only the first four are locked by somebody; the rest is resolved now."""

    PYLOCK = "pylock.toml"
    UV = "uv.lock"
    POETRY = "poetry.lock"
    PIPFILE_LOCK = "Pipfile.lock"
    REQUIREMENTS = "requirements.txt"
    REQUIREMENTS_IN = "requirements.in"
    PYPROJECT = "pyproject.toml"
    PIPFILE = "Pipfile"
    SETUP = "setup.py"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockRequest:
    """What is wanted of a project's lock.

    Attributes:
        root: the project's folder.
        target: what it is for; a resolving reader resolves for it.
        groups: dependency groups beyond the default ones (PEP 735; Poetry's and Pipfile's categories).
        extras: extras of the project.
        package: the workspace member, by name, where the project is a workspace.
        lock: the lock file to use, where it is not to be looked for.
        offline: use no network.
        access: what opens which index; None for what the environment says.
    """

    root: Path
    target: Target
    groups: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    package: str | None = None
    lock: Path | None = None
    offline: bool = False
    access: Access | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A lock that was read.

    Attributes:
        pylock: the lock as PEP 751 has it. Wheels whose address the lock file does not record have a
            URL of the scheme ``index+…`` (see ``wherry.lock.located``).
        format: what it was read from.
        path: the file it was read from.
        base: the folder that relative paths in ``pylock`` start from.
        inputs: every file whose bytes decide ``pylock``; a change of one makes it another lock.
        stable: the same inputs always give the same ``pylock``, so that it may be remembered. False
            where an index has its say, as for requirements without hashes.
        groups: the dependency groups to evaluate markers with; None for the lock's default groups.
        extras: the extras to evaluate markers with.
        member: the folder of the project whose own code is to be packaged: ``root``, or the workspace
            member's.
        index_names: what the lock calls the indexes that it names, by address. Passwords are kept by name (see
            ``wherry.indexes``).
    """

    pylock: Pylock
    format: LockFormat
    path: Path
    base: Path
    inputs: tuple[Path, ...]
    stable: bool
    groups: tuple[str, ...] | None = None
    extras: tuple[str, ...] = ()
    member: Path
    index_names: Mapping[str, str] = field(default_factory=dict)


class IndexedFile(Protocol):
    """A file as a Simple index offers it."""

    @property
    def filename(self) -> str:
        """Such as ``flask-3.1.3-py3-none-any.whl``."""
        ...

    @property
    def hashes(self) -> Mapping[str, str]:
        """Hexadecimal digests by algorithm, as the index states them."""
        ...

    @property
    def size(self) -> int | None:
        """In bytes, where the index states it."""
        ...


class FindFiles(Protocol):
    """Asks an index which files it has of a project.

    Needed by the locks that record hashes without file names: ``Pipfile.lock``, and Poetry's oldest.
    """

    def __call__(self, index: str | None, project: str, /) -> Sequence[IndexedFile]:
        """The files of ``project``, a normalized name, on ``index``; None is the default index.

        Called from several threads. The address may hold a password.

        Raises:
            FetchError: the index cannot be reached, or does not know the project.
        """
        ...
