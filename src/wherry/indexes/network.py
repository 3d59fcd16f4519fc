"""How a build reaches indexes: which ones it knows, their logins, and whether a network may be used at all.

A login belongs to an address that the project or the user has declared. It is sent to that scheme, host and port
alone; where several indexes share a host, the one whose path has most in common with what is asked for counts. An
index that only a lock names gets none, on whatever host it is.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from wherry.files import ProjectFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from wherry.indexes.code_artifact import Tokens
    from wherry.indexes.declared import CodeArtifact, DeclaredIndex
    from wherry.indexes.known import KnownIndex, KnownIndexes
    from wherry.indexes.login import Login

__all__ = ["Network"]


class Network:
    """How the indexes of a build are reached. For several threads; it asks nobody before it is asked itself.

    Attributes:
        indexes: those that the settings declare.
        offline: whether no network may be used.
        is_for_third_party: whether somebody else's source is built.
    """

    def __init__(
        self,
        indexes: Sequence[DeclaredIndex] = (),
        *,
        folders: Iterable[Path] = (),
        offline: bool = False,
        files: ProjectFiles | None = None,
    ) -> None:
        """Begin with the indexes of the settings.

        In ``folders``, files of uv, Poetry, PDM and Pipenv may declare further ones; ``files`` reads them.
        """
        self.indexes = tuple(indexes)
        self.offline = offline
        self._making = threading.Lock()
        self._known: KnownIndexes | None = None
        self._folders = tuple(folders)
        self._files = files or ProjectFiles()
        self.is_for_third_party = False
        self._answers = _Answers()

    @property
    def known(self) -> KnownIndexes:
        """All indexes that are known."""
        with self._making:
            if self._known is None:
                # A build with nothing to do asks for none.
                from wherry.indexes.known import KnownIndexes

                self._known = KnownIndexes(self.indexes, self._folders, self._files)
            return self._known

    def for_third_party(self) -> Network:
        """The same network, for building somebody else's source.

        The settings in that source do not count: they could send a password to any address. The indexes of the
        project do count, as with the tools that lock.
        """
        from copy import copy

        # The two share what they learn.
        _ = self.known
        network = copy(self)
        network.is_for_third_party = True
        return network

    def learn(self, names: Mapping[str, str], *, lock: str, alone: bool) -> list[KnownIndex]:
        """Learn the names that a lock gives to indexes.

        Variables that hold a password are named after indexes. Those names count where the project or the user
        declares them, with the address from there; in a lock they count only if nothing else is there to declare
        them. ``alone`` if the file that the lock was made from is absent. Gives the indexes for which a password is
        taken from variables because of the lock's word alone.
        """
        from wherry.indexes.variables import login_by_name

        self.known.add_of_lock(names, lock=lock, alone=alone)
        return [
            index
            for index in self.known.all()
            if index.lock == lock
            and index.name is not None
            and login_by_name(index.name) is not None
        ]

    def expand(self, text: str) -> str:
        """An address that the project itself declares, with its variables expanded, as its tool does."""
        return self.known.expansions.expand(text)

    def expanded(self, text: str) -> str:
        """An address out of a lock: with its variables expanded if the project declares the same, else as it is."""
        # The files that declare indexes are read by then.
        self.known.all()
        return self.known.expansions.expanded(text)

    def conceal(self, values: Mapping[str, str]) -> None:
        """Keep the values of these variables, which were expanded, out of messages."""
        self.known.expansions.conceal(values)

    def use(self, urls: Iterable[str]) -> None:
        """Learn of further indexes that the project's requirements come from, for builds of third parties too."""
        self.known.add_urls(urls)

    def consult(self, folder: Path) -> None:
        """Learn of another folder whose files may declare indexes; they are read when an index is asked."""
        self.known.add_folder(folder)

    @property
    def default_index(self) -> str | None:
        """The address of the index in place of PyPI: the environment's, else the settings'; None for PyPI."""
        from wherry.indexes.variables import default_index

        return default_index() or next((index.url for index in self.indexes if index.default), None)

    def index_of(self, url: str) -> KnownIndex | None:
        """The index that an address belongs to, if it is known."""
        return next(iter(self.known.nearest(url)), None)

    def login(self, url: str) -> Login | None:
        """The login to send to an address: the one that stands in it, or else that of its index.

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
            self.known.add_login(bare, own)
            return own
        for index in self.known.nearest(bare):
            if not index.trusted:
                return None
            if (login := self.login_of(index)) is not None:
                return login
        return None

    def login_of(self, index: KnownIndex) -> Login | None:
        """The login of a known index: from its address, by its name, or a token of AWS's; errors as ``login``."""
        from wherry.indexes.variables import login_by_name

        if index.login is not None:
            return index.login
        if index.name is not None and (login := login_by_name(index.name)) is not None:
            return login
        if index.code_artifact is not None and not self.offline:
            return self._answers.token(index.code_artifact)
        return None

    def second_login(self, url: str, refused: Login | None, *, status: int = 401) -> Login | None:
        """The login to try when an index has refused the first: a new token, or what the keyring has.

        The status is 401, or 403, which some indexes answer to requests without a password.
        """
        if self.offline:
            return None
        index = self.index_of(url)
        artifact = index.code_artifact if index is not None else None
        if refused is not None and artifact is not None and status == 401:
            fresh = self._answers.token(artifact, refused=refused)
            return fresh if fresh.password != refused.password else None
        if refused is not None and refused.password:
            return None
        return self._login_of_keyring(url, index, refused)

    def _login_of_keyring(
        self, url: str, index: KnownIndex | None, refused: Login | None
    ) -> Login | None:
        from wherry.indexes.login import origin
        from wherry.indexes.variables import user_by_name

        address = index.url if index is not None else origin(url)
        user = refused.user if refused is not None else None
        if not user and index is not None and index.name is not None and index.trusted:
            user = user_by_name(index.name)
        login = self._answers.of_keyring(address, user)
        if login is not None:
            self.known.add_login(address, login)
        return login

    def with_login(self, url: str) -> str:
        """The address with the login for it written into it; only for programs that are run, never for messages."""
        from wherry.indexes.login import with_login

        login = self.login(url)
        return url if login is None else with_login(url, login)

    def identity(self) -> list[list[str]]:
        """The indexes that are asked, without any secret; for keys of what came from them."""
        from wherry.indexes.login import split_login
        from wherry.indexes.variables import split_name, without_secrets

        facts = [
            *without_secrets(),
            *([index.name, index.url, str(index.default)] for index in self.indexes),
        ]
        if self.is_for_third_party:
            words = map(split_name, self.known.of_project())
            facts += [[name or "", split_login(url)[0]] for name, url in words]
        return facts

    def hide(self, text: str) -> str:
        """The text with ``****`` in place of every secret that is known, whether as it is, quoted or encoded."""
        from wherry.indexes.redact import hide_logins
        from wherry.indexes.variables import secrets

        logins = [*self.known.logins(), *self._answers.logins(), *secrets()]
        return self.known.expansions.hide(hide_logins(text, logins))


class _Answers:
    """The logins that AWS and the keyring have given; a keyring is asked once for each index."""

    def __init__(self) -> None:
        self._tokens: Tokens | None = None
        self._logins: dict[tuple[str, str | None], Login | None] = {}
        self._lock = threading.RLock()

    def logins(self) -> list[Login]:
        with self._lock:
            return [login for login in self._logins.values() if login is not None]

    def token(self, repository: CodeArtifact, *, refused: Login | None = None) -> Login:
        from wherry.indexes.code_artifact import Tokens

        with self._lock:
            if self._tokens is None:
                self._tokens = Tokens()
        login = self._tokens.login(repository, refused=refused)
        with self._lock:
            self._logins[login.password, None] = login
        return login

    def of_keyring(self, address: str, user: str | None) -> Login | None:
        from wherry.indexes.keyring import ask_keyring

        # While one thread waits for a keyring to be unlocked, the others do not ask it.
        with self._lock:
            key = (address, user)
            if key not in self._logins:
                self._logins[key] = ask_keyring(address, user)
            return self._logins[key]
