"""The indexes that a build knows, and where it knows them from.

They come from Wherry's settings, the environment, locks, the files of the tools that lock, and addresses with a login.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.indexes.declared import CodeArtifact, DeclaredIndex, ToolIndex
    from wherry.indexes.login import Login

__all__ = ["KnownIndex", "KnownIndexes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownIndex:
    """An index that a build knows.

    Attributes:
        url: its address, without user and password.
        name: its name, if it has one.
        login: the user and password that stood in its address.
        code_artifact: the repository of AWS CodeArtifact that it is, if it is one.
    """

    url: str
    name: str | None = None
    login: Login | None = None
    code_artifact: CodeArtifact | None = None

    @property
    def label(self) -> str:
        """The index as messages call it."""
        from wherry.indexes.login import origin

        return f"the index `{self.name}`" if self.name else f"the index at {origin(self.url)}"


class KnownIndexes:
    """All indexes that a build knows. For several threads; files are read when an index is first looked for."""

    def __init__(
        self, declared: tuple[DeclaredIndex, ...], folders: Iterable[Path], files: ProjectFiles
    ) -> None:
        """Begin with the indexes of the settings, and with folders whose files may declare further ones."""
        self._declared = declared
        self._folders = list(folders)
        self._files = files
        self._names: list[tuple[str, str]] = []
        self._urls: list[str] = []
        self._logins: dict[str, Login] = {}
        self._by_folder: dict[Path, tuple[ToolIndex, ...]] = {}
        self._all: tuple[KnownIndex, ...] | None = None
        self._lock = threading.RLock()

    def add_names(self, names: Mapping[str, str]) -> None:
        """Add names of indexes, by address."""
        with self._lock:
            new = [(name, url) for url, name in names.items() if (name, url) not in self._names]
            if new:
                self._names += new
                self._all = None

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

        there = (index for index in self.all() if origin(index.url) == asked)
        return sorted(there, key=in_common, reverse=True)

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
        from wherry.indexes.variables import expand_variables

        indexes = [
            (index.name, index.url)
            for folder in self._folders
            for index in self.in_folder(folder)
            if not index.explicit
        ]
        indexes += [("", url) for url in self._urls]
        urls = [index.url for index in self._declared]
        for name, address in indexes:
            url = expand_variables(address)
            if not is_pypi(url) and not any(same_address(url, other) for other in urls):
                urls.append(url)
                word = url if "${" not in url else split_login(url)[0]
                yield f"{name}={word}" if re.fullmatch(r"[A-Za-z0-9._-]+", name) else word

    def _find(self) -> Iterator[KnownIndex]:
        from wherry.indexes.variables import index_urls, named_urls

        for url, login in self._logins.items():
            yield KnownIndex(url=url, login=login)
        for index in self._declared:
            yield KnownIndex(url=index.url, name=index.name, code_artifact=index.code_artifact)
        named = [*named_urls(), *self._names]
        for folder in (*self._folders, *_user_folders()):
            named += [(index.name, index.url) for index in self.in_folder(folder)]
        seen: set[tuple[str, str | None]] = set()
        # Names come first: the address alone would hide them.
        for name, url in (*named, *(("", url) for url in index_urls())):
            found = _known_index(name, url)
            if found is not None and (found.url.rstrip("/"), found.name) not in seen:
                seen.add((found.url.rstrip("/"), found.name))
                yield found


def _known_index(name: str, url: str) -> KnownIndex | None:
    """An index by its name and address; None where neither tells of a login, or the address is invalid."""
    from wherry.indexes.login import split_login
    from wherry.indexes.variables import expand_variables

    try:
        bare, login = split_login(expand_variables(url), "the index's address")
    except ValueError:
        # Whoever asks it will report it.
        return None
    if "${" in url and login is not None and "${" in login.user + login.password:
        # Of variables that are not set.
        login = None
    return KnownIndex(url=bare, name=name or None, login=login) if login or name else None


def _user_folders() -> Iterator[Path]:
    """The folders in which uv keeps the settings of a user."""
    import os
    from pathlib import Path

    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if base or os.name != "nt":
        yield (Path(base) if base else Path.home() / ".config") / "uv"
