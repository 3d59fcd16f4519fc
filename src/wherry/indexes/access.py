"""What opens which index: everything that a build knows about users and passwords, in one object.

A login belongs to an address. It is sent to that scheme, host and port alone; where several indexes share a host,
the one whose path has most in common with what is asked for counts.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.indexes.code_artifact import Tokens
    from wherry.indexes.declared import CodeArtifact, DeclaredIndex, ToolsIndex
    from wherry.indexes.login import Login

__all__ = ["Access", "Place"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An index that is known.

    Attributes:
        url: its address, without user and password.
        name: what it is called, where somebody gave it a name.
        own: the user and password that stood in its address.
        code_artifact: it is one of AWS's.
    """

    url: str
    name: str | None = None
    own: Login | None = None
    code_artifact: CodeArtifact | None = None

    @property
    def label(self) -> str:
        """As messages call it."""
        from wherry.indexes.login import origin

        return f"the index `{self.name}`" if self.name else f"the index at {origin(self.url)}"


@dataclass(kw_only=True, slots=True)
class _Known:
    """What has been learnt so far; shared by an access and those made of it."""

    folders: list[Path]
    tokens: Tokens | None
    learnt: list[tuple[str, str]] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    noted: dict[str, Login] = field(default_factory=dict)
    asked: dict[tuple[str, str | None], Login | None] = field(default_factory=dict)
    read: dict[Path, tuple[ToolsIndex, ...]] = field(default_factory=dict)
    places: tuple[Place, ...] | None = None


class Access:
    """How the indexes of a build are reached. For several threads; it asks nobody before it is asked itself."""

    def __init__(
        self,
        indexes: Sequence[DeclaredIndex] = (),
        *,
        folders: Iterable[Path] = (),
        offline: bool = False,
        tokens: Tokens | None = None,
    ) -> None:
        """Take what the settings declare.

        Args:
            indexes: ``[[tool.wherry.indexes]]``.
            folders: where files of uv, Poetry and Pipenv may declare further ones, to learn their names.
            offline: there is no network to ask for tokens.
            tokens: of CodeArtifact; those of a process can be shared.
        """
        self.indexes = tuple(indexes)
        self._offline = offline
        self._away = False
        self._known = _Known(folders=list(folders), tokens=tokens)
        self._lock = threading.RLock()

    def abroad(self) -> Access:
        """The same, for building what is somebody else's.

        The settings that lie in its source do not count: they could send a password to wherever they like. The
        project's own indexes do, as with the tools that lock.
        """
        from copy import copy

        access = copy(self)
        access._away = True  # noqa: SLF001
        return access

    @property
    def is_abroad(self) -> bool:
        """Whether what is built is somebody else's."""
        return self._away

    # What is known.

    def learn(self, names: Mapping[str, str]) -> None:
        """What a lock calls its indexes, by address."""
        new = [(name, url) for url, name in names.items() if (name, url) not in self._known.learnt]
        if new:
            with self._lock:
                self._known.learnt += new
                self._known.places = None

    def use(self, urls: Iterable[str]) -> None:
        """Further indexes that the project's requirements come from; what is built for them may come from there too."""
        with self._lock:
            self._known.used += [url for url in urls if url not in self._known.used]

    def consult(self, folder: Path) -> None:
        """Another folder whose files may declare indexes; they are read when an index is asked."""
        if folder not in self._known.folders:
            with self._lock:
                self._known.folders.append(folder)
                self._known.places = None

    @property
    def default_index(self) -> str | None:
        """The address of the index that stands in for PyPI: the environment's, else the settings'; None for PyPI."""
        from wherry.indexes.variables import default_index

        return default_index() or next((each.url for each in self.indexes if each.default), None)

    def place(self, url: str) -> Place | None:
        """The index that an address belongs to, if it is one that is known."""
        return next(iter(self._near(url)), None)

    def _near(self, url: str) -> list[Place]:
        """The indexes with the origin of this address, the nearest first."""
        from wherry.indexes.login import origin, path_segments

        asked = origin(url)
        if not asked:
            return []
        segments = path_segments(url)

        def apart(place: Place) -> int:
            own = path_segments(place.url)
            # `…/simple` and `…/files` are the same index's.
            shared = 0
            for one, other in zip(own, segments, strict=False):
                if one != other:
                    break
                shared += 1
            return -shared

        return sorted((each for each in self._places() if origin(each.url) == asked), key=apart)

    def _places(self) -> tuple[Place, ...]:
        with self._lock:
            if self._known.places is None:
                self._known.places = tuple(self._find_places())
            return self._known.places

    def _find_places(self) -> Iterator[Place]:
        from wherry.indexes.login import split_login
        from wherry.indexes.variables import expand_variables, index_urls, named_urls

        for url, login in self._known.noted.items():
            yield Place(url=url, own=login)
        for each in self.indexes:
            yield Place(url=each.url, name=each.name, code_artifact=each.code_artifact)
        named = [*named_urls(), *self._known.learnt]
        for folder in (*self._known.folders, *_of_the_user()):
            named += [(each.name, each.url) for each in self._declared_in(folder)]
        found: list[tuple[str, str]] = [*named, *(("", url) for url in index_urls())]
        seen: set[tuple[str, str]] = set()
        for name, url in found:
            try:
                bare, own = split_login(expand_variables(url), "the index's address")
                if "${" in url and own is not None and "${" in own.user + own.password:
                    # Of variables that are not set.
                    own = None
            except ValueError:
                # One that is no address is told of by whoever asks it.
                continue
            # A name comes first, and is not to be lost to the address alone.
            if (bare.rstrip("/"), name) not in seen and (own or name):
                seen.add((bare.rstrip("/"), name))
                yield Place(url=bare, name=name or None, own=own)

    def _declared_in(self, folder: Path) -> tuple[ToolsIndex, ...]:
        from wherry.indexes.declared import indexes_in

        if folder not in self._known.read:
            self._known.read[folder] = tuple(indexes_in(folder))
        return self._known.read[folder]

    # Logins.

    def login(self, url: str) -> Login | None:
        """What to send to an address: what stands in it, or else what its index wants.

        Raises:
            FetchError: AWS gives no token for an index of CodeArtifact.
            ToolError: boto3 is missing.
        """
        from wherry.indexes.login import split_login

        try:
            bare, own = split_login(url, "the index's address")
        except ValueError:
            return None
        if own is not None:
            self._note(bare, own)
            return own
        for place in self._near(bare):
            if (found := self._login_of(place)) is not None:
                return found
        return None

    def _note(self, url: str, login: Login) -> None:
        from wherry.indexes.login import origin

        with self._lock:
            noted = self._known.noted.items()
            # One for each file of an index would tell nothing more.
            if not any(origin(at) == origin(url) and known == login for at, known in noted):
                self._known.noted[url.partition("?")[0].partition("#")[0]] = login
                self._known.places = None

    def _login_of(self, place: Place) -> Login | None:
        from wherry.indexes.variables import login_of

        if place.own is not None:
            return place.own
        if place.name is not None and (found := login_of(place.name)) is not None:
            return found
        if place.code_artifact is not None and not self._offline:
            return self._token(place.code_artifact)
        return None

    def _token(self, repository: CodeArtifact, *, refused: Login | None = None) -> Login:
        from wherry.indexes.code_artifact import Tokens

        with self._lock:
            if self._known.tokens is None:
                self._known.tokens = Tokens()
        login = self._known.tokens.login(repository, refused=refused)
        with self._lock:
            self._known.asked[login.password, None] = login
        return login

    def second_login(self, url: str, refused: Login | None, *, status: int = 401) -> Login | None:
        """What to try when an index has refused somebody: a new token, or what the keyring has.

        Args:
            url: what was asked for.
            refused: what was sent.
            status: 401, or 403, which some answer to whoever has shown no password.
        """
        if self._offline:
            return None
        place = self.place(url)
        artifact = place.code_artifact if place is not None else None
        if refused is not None and artifact is not None and status == 401:
            fresh = self._token(artifact, refused=refused)
            return fresh if fresh.password != refused.password else None
        if refused is not None and refused.password:
            return None
        return self._of_keyring(url, place, refused)

    def _of_keyring(self, url: str, place: Place | None, refused: Login | None) -> Login | None:
        from wherry.indexes.keyring import ask_keyring
        from wherry.indexes.login import origin
        from wherry.indexes.variables import user_of

        address = place.url if place is not None else origin(url)
        user = refused.user if refused is not None else None
        if not user and place is not None and place.name is not None:
            user = user_of(place.name)
        # One who waits for a keyring to be unlocked is not to be asked by ten threads.
        with self._lock:
            key = (address, user)
            if key not in self._known.asked:
                found = self._known.asked[key] = ask_keyring(address, user)
                if found is not None:
                    self._note(address, found)
            return self._known.asked[key]

    def with_login(self, url: str) -> str:
        """The address with what opens it written into it; for the ears of a program alone."""
        from wherry.indexes.login import with_login

        login = self.login(url)
        return url if login is None else with_login(url, login)

    # Others who ask indexes.

    def uv_variables(self, cwd: Path) -> dict[str, str]:
        """The variables by which uv, run in this folder, knows the indexes and what opens them.

        Raises:
            FetchError, ToolError: as ``login``.
        """
        import os

        from wherry.indexes.declared import indexes_in, same_address
        from wherry.indexes.variables import ADDRESSES, spelled

        given = {name: os.environ[name] for name in ADDRESSES if os.environ.get(name)}
        variables: dict[str, str] = {}
        if not any(name.startswith("UV_") for name in given):
            # Whoever has set up pip for a private index means uv too; pip separates addresses by blanks, as uv does.
            pairs = (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX"))
            variables = {uv: given[pip] for pip, uv in pairs if pip in given}
        has_default = bool(
            given.keys() & {"UV_INDEX_URL", "UV_DEFAULT_INDEX"}
            | variables.keys() & {"UV_DEFAULT_INDEX"}
        )
        # Those that uv reads itself keep the meaning they have there.
        read = [
            (each.name, each.url)
            for each in (indexes_in(cwd) if self.indexes and not self._away else ())
            if each.tool == "uv"
        ]
        further = [variables.get("UV_INDEX") or given.get("UV_INDEX") or ""]
        for index in self.indexes:
            if any(index.name == name or same_address(index.url, url) for name, url in read):
                continue
            if not index.default:
                further.append(f"{index.name}={index.url}")
            elif not has_default:
                variables["UV_DEFAULT_INDEX"] = f"{index.name}={index.url}"
        further += self._of_the_project() if self._away else ()
        if any(further[1:]):
            variables["UV_INDEX"] = " ".join(filter(None, further))
        for place in self._places():
            if place.name is None:
                continue
            login = self._login_of(place) or self.login(place.url)
            if login is None:
                continue
            variables.setdefault(f"UV_INDEX_{spelled(place.name)}_USERNAME", login.user)
            variables.setdefault(f"UV_INDEX_{spelled(place.name)}_PASSWORD", login.password)
        for name in ADDRESSES[:2] + ADDRESSES[3:5]:
            if value := variables.get(name) or os.environ.get(name):
                opened = " ".join(self._opened(word) for word in value.split())
                if opened != value:
                    variables[name] = opened
        return variables

    def _opened(self, word: str) -> str:
        """A word of uv's variables, with what opens its address; one with a name is opened by its name."""
        from wherry.indexes.variables import split_name

        name, url = split_name(word)
        try:
            return word if name else self.with_login(url)
        except ValueError:
            return word

    def _of_the_project(self) -> Iterator[str]:
        """The indexes of the project that are none of the settings', as words of uv's variables."""
        from wherry.indexes.declared import is_pypi, same_address
        from wherry.indexes.login import split_login
        from wherry.indexes.variables import expand_variables

        declared = [each.url for each in self.indexes]
        found = [
            (each.name, expand_variables(each.url))
            for folder in self._known.folders
            for each in self._declared_in(folder)
            if not each.explicit
        ]
        found += [("", expand_variables(url)) for url in self._known.used]
        for name, url in found:
            if not is_pypi(url) and not any(same_address(url, other) for other in declared):
                declared.append(url)
                word = url if "${" not in url else split_login(url)[0]
                yield f"{name}={word}" if re.fullmatch(r"[A-Za-z0-9._-]+", name) else word

    def identity(self) -> list[list[str]]:
        """Which indexes are asked, for keys of what came from them; without any secret."""
        from wherry.indexes.login import split_login
        from wherry.indexes.variables import split_name, without_secrets

        found = [
            *without_secrets(),
            *([each.name, each.url, str(each.default)] for each in self.indexes),
        ]
        if self._away:
            words = map(split_name, self._of_the_project())
            found += [[name or "", split_login(url)[0]] for name, url in words]
        return found

    # Silence.

    def hide(self, text: str) -> str:
        """``text`` without any secret that is known, whether as it is, quoted or encoded."""
        from wherry.indexes.silence import hidden
        from wherry.indexes.variables import secrets

        with self._lock:
            logins = [
                *self._known.noted.values(),
                *filter(None, self._known.asked.values()),
                *secrets(),
            ]
            logins += [each.own for each in self._known.places or () if each.own is not None]
        return hidden(text, logins)


def _of_the_user() -> Iterator[Path]:
    """Where uv keeps the settings of a user."""
    import os
    from pathlib import Path

    base = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "")
    if base or os.name != "nt":
        yield (Path(base) if base else Path.home() / ".config") / "uv"
