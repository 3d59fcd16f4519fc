"""The indexes that a build knows, and where it knows them from.

They come from Wherry's settings, the environment, the files of the tools that lock, and addresses with a login. What a
lock alone says of indexes gives no access to them: whoever can change a lock could have a password sent anywhere.
"""

from __future__ import annotations

import re
import threading
from itertools import takewhile
from typing import TYPE_CHECKING

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.indexes.declared import CodeArtifact, DeclaredIndex, ToolIndex
    from wherry.indexes.login import Login

__all__ = ["KnownIndex", "KnownIndexes"]

# uv and Poetry take addresses as they stand.
_EXPANDING = frozenset({"pdm", "pipenv"})


class KnownIndex(Struct, frozen=True, kw_only=True):
    """An index that a build knows.

    Attributes:
        url: its address, without user and password.
        login: the user and password that stood in its address.
        code_artifact: the repository of AWS CodeArtifact that it is, if it is one.
        lock: the lock that alone names it; None for all others.
        trusted: whether a login may be sent to it.
    """

    url: str
    name: str | None = None
    login: Login | None = None
    code_artifact: CodeArtifact | None = None
    lock: str | None = None
    trusted: bool = True

    @property
    def label(self) -> str:
        """The index as messages call it."""
        from wherry.indexes.login import origin

        return f"the index `{self.name}`" if self.name else f"the index at {origin(self.url)}"


class KnownIndexes:
    """All indexes that a build knows. For several threads; files are read when an index is first looked for."""

    def __init__(
        self,
        declared: tuple[DeclaredIndex, ...],
        folders: Iterable[Path],
        files: ProjectFiles,
    ) -> None:
        """Begin with the indexes of the settings, and with folders whose files may declare further ones."""
        from wherry.indexes.variables import Expansions

        self.expansions = Expansions()
        self._declared = declared
        self._folders = list(folders)
        self._files = files
        self._of_locks: list[_OfLock] = []
        self._urls: list[str] = []
        self._logins: dict[str, Login] = {}
        self._by_folder: dict[Path, tuple[ToolIndex, ...]] = {}
        self._all: tuple[KnownIndex, ...] | None = None
        self._lock = threading.RLock()

    def add_of_lock(self, names: Mapping[str, str], *, lock: str, alone: bool) -> None:
        """Add the names that a lock gives to indexes, by address; ``alone`` if the file that it was made from is absent."""
        indexes = [
            _OfLock(name=name, url=url, lock=lock, alone=alone) for url, name in names.items()
        ]
        with self._lock:
            self._of_locks += [index for index in indexes if index not in self._of_locks]
            self._all = None

    def declared_as(self, name: str) -> list[str]:
        """The addresses, without logins, at which the project or the user declares an index of this name."""
        from wherry.indexes.variables import environment_name

        wanted = environment_name(name)
        return [url for other, url in self.declared() if environment_name(other) == wanted]

    def declared(self) -> list[tuple[str, str]]:
        """The names and addresses, without logins, of the indexes that the project or the user declares."""
        return [
            (index.name, index.url)
            for index in self.all()
            if index.name is not None and index.lock is None
        ]

    def add_urls(self, urls: Iterable[str]) -> None:
        """Add addresses of indexes that the project's requirements come from."""
        with self._lock:
            self._urls += [url for url in urls if url not in self._urls]

    def add_folder(self, folder: Path) -> None:
        """Add a folder whose files may declare indexes."""
        with self._lock:
            if folder not in self._folders:
                self._folders.append(folder)
                self._all = None

    def add_login(self, url: str, login: Login) -> None:
        """Add the login that stood in an address, or that its index has taken."""
        from wherry.indexes.login import origin

        with self._lock:
            # One for each file of an index would add nothing.
            if not any(
                origin(known) == origin(url) and other == login
                for known, other in self._logins.items()
            ):
                self._logins[url.partition("?")[0].partition("#")[0]] = login
                self._all = None

    def logins(self) -> list[Login]:
        """All users and passwords that have come up so far."""
        with self._lock:
            found = [index.login for index in self._all or () if index.login is not None]
            return [*self._logins.values(), *found]

    def all(self) -> tuple[KnownIndex, ...]:
        """All of them, those from which a login is taken first at the front."""
        with self._lock:
            if self._all is None:
                self._all = tuple(self._find())
            return self._all

    def nearest(self, url: str) -> list[KnownIndex]:
        """Those on the scheme, host and port of an address; the one whose path has most in common with it first."""
        from wherry.indexes.login import origin, path_segments

        asked = origin(url)
        if not asked:
            return []
        segments = path_segments(url)

        def in_common(index: KnownIndex) -> int:
            # `…/simple` and `…/files` are the same index's.
            pairs = zip(path_segments(index.url), segments, strict=False)
            return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))

        there = [index for index in self.all() if origin(index.url) == asked]
        there += [index for index in self._of_locks_only(there) if origin(index.url) == asked]
        return sorted(there, key=in_common, reverse=True)

    def _of_locks_only(self, known: list[KnownIndex]) -> Iterator[KnownIndex]:
        """The indexes of locks that are neither one of these nor below one."""
        from wherry.indexes.declared import is_pypi
        from wherry.indexes.login import path_segments

        with self._lock:
            of_locks = list(self._of_locks)
        for index in of_locks:
            found = _known_index(index.name, self.expansions.expanded(index.url))
            if found is None or is_pypi(found.url):
                continue
            path = path_segments(found.url)
            if not any(path[: len(own)] == own for own in (path_segments(k.url) for k in known)):
                yield KnownIndex(url=found.url, name=found.name, lock=index.lock, trusted=False)

    def in_folder(self, folder: Path) -> tuple[ToolIndex, ...]:
        """The indexes that the files of a folder declare."""
        from wherry.indexes.declared import indexes_in

        if folder not in self._by_folder:
            self._by_folder[folder] = tuple(indexes_in(folder, self._files))
        return self._by_folder[folder]

    def of_project(self) -> Iterator[str]:
        """The project's indexes that the settings do not declare, as words of uv's variables."""
        from wherry.indexes.declared import is_pypi, same_address
        from wherry.indexes.login import split_login

        indexes = [
            (index.name, self._address(index))
            for folder in self._folders
            for index in self.in_folder(folder)
            if not index.explicit
        ]
        indexes += [("", url) for url in self._urls]
        urls = [index.url for index in self._declared]
        for name, url in indexes:
            if not is_pypi(url) and not any(same_address(url, other) for other in urls):
                urls.append(url)
                word = url if "${" not in url else split_login(url)[0]
                yield f"{name}={word}" if re.fullmatch(r"[A-Za-z0-9._-]+", name) else word

    def _find(self) -> Iterator[KnownIndex]:
        from wherry.indexes.variables import environment_name, index_urls, named_urls

        for url, login in self._logins.items():
            yield KnownIndex(url=url, login=login)
        for index in self._declared:
            yield KnownIndex(url=index.url, name=index.name, code_artifact=index.code_artifact)
        named: list[tuple[str, str, str | None]] = [(*pair, None) for pair in named_urls()]
        for folder in (*self._folders, *_user_folders()):
            named += [(index.name, self._address(index), None) for index in self.in_folder(folder)]
        # A name that nobody else declares is the user's own word, who has set its variables.
        names = {environment_name(name) for name, *_ in named}
        names |= {environment_name(index.name) for index in self._declared}
        named += [
            (index.name, self.expansions.expanded(index.url), index.lock)
            for index in self._of_locks
            if index.alone and environment_name(index.name) not in names
        ]
        seen: set[tuple[str, str | None]] = set()
        # Names come first: the address alone would hide them.
        for name, url, lock in (*named, *(("", url, None) for url in index_urls())):
            found = _known_index(name, url, lock)
            if found is not None and (found.url.rstrip("/"), found.name) not in seen:
                seen.add((found.url.rstrip("/"), found.name))
                yield found

    def _address(self, index: ToolIndex) -> str:
        """The address of an index, with its variables expanded where its tool does so."""
        return self.expansions.expand(index.url) if index.tool in _EXPANDING else index.url


class _OfLock(Struct, frozen=True, kw_only=True):
    """The name and address of an index in a lock; ``alone`` where the file that declares it is absent."""

    name: str
    url: str
    lock: str
    alone: bool


def _known_index(name: str, url: str, lock: str | None = None) -> KnownIndex | None:
    """An index by its name and address; None where neither tells of a login, or the address is invalid."""
    from wherry.indexes.login import split_login

    try:
        bare, login = split_login(url, "the index's address")
    except ValueError:
        # Whoever asks it will report it.
        return None
    if "${" in url and login is not None and "${" in login.user + login.password:
        # Of variables that are not set.
        login = None
    if login is None and not name:
        return None
    return KnownIndex(url=bare, name=name or None, login=login, lock=lock)


def _user_folders() -> Iterator[Path]:
    """The folders in which uv keeps the settings of a user."""
    import os
    from pathlib import Path

    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if base or os.name != "nt":
        yield (Path(base) if base else Path.home() / ".config") / "uv"
