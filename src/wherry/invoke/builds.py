"""The build that is served now; requests that come while another is made wait for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.errors import InvokeError, WherryError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherry.invoke.api import Api
    from wherry.invoke.served import ServedFunction

__all__ = ["Builds", "ServedBuild"]

_PATIENCE = 600.0
"""Seconds that a request waits for a build."""


class ServedBuild(Struct, frozen=True, kw_only=True):
    """The result of one build; ``aliases`` are the names that the functions have on AWS, with those they have here."""

    functions: Mapping[str, ServedFunction]
    api: Api
    aliases: Mapping[str, str]


class Builds:
    """Holds the build that is served, for many threads."""

    def __init__(self) -> None:
        """There is none yet."""
        self._changed = threading.Condition()
        self._build: ServedBuild | None = None
        self._error: WherryError | None = None
        self._busy, self._closed = False, False
        # Those that may still be in use.
        self._all: list[ServedFunction] = []

    def begin(self) -> None:
        """Have requests wait, as another build is being made."""
        with self._changed:
            self._busy = True

    def keep(self) -> None:
        """Let them have what they had before."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()

    def put(self, build: ServedBuild) -> None:
        """Serve this build; the functions of the one before that are not in it end after their last request."""
        with self._changed:
            old, self._build, self._error = self._build, build, None
            closed = self._closed
            self._all += [each for each in build.functions.values() if each not in self._all]
        gone = (
            []
            if old is None
            else [each for each in old.functions.values() if each not in build.functions.values()]
        )
        self.keep()
        for each in build.functions.values() if closed else gone:
            each.retire()
        with self._changed:
            self._all = [each for each in self._all if not each.is_closed]

    def fail(self, error: WherryError) -> None:
        """Answer requests with the reason why there is no build."""
        with self._changed:
            self._error = error
        self.keep()

    @property
    def functions(self) -> Mapping[str, ServedFunction]:
        """The functions of the last build that there was."""
        with self._changed:
            return {} if self._build is None else self._build.functions

    def current(self) -> ServedBuild:
        """The build that is served, waited for.

        Raises:
            WherryError: the reason why there is none.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._busy or self._closed, _PATIENCE):
                raise InvokeError("the project is still being built")
            if self._error is not None:
                raise self._error
            if self._build is None or self._closed:
                raise InvokeError("the server is closed")
            return self._build

    @contextmanager
    def use(self, choose: Callable[[ServedBuild], str | None]) -> Iterator[ServedFunction | None]:
        """The function that ``choose`` names of the build that is served, for as long as the block runs.

        Raises:
            WherryError: the reason why there is no build.
        """
        while True:
            build = self.current()
            name = choose(build)
            if name is None:
                yield None
                return
            function = build.functions[name]
            with function.in_use() as usable:
                # It may have been replaced just now.
                if usable:
                    yield function
                    return

    def close(self) -> None:
        """End all environments, and release everybody who waits."""
        with self._changed:
            self._closed = True
            functions, self._all = self._all, []
            self._changed.notify_all()
        for function in functions:
            function.close()
