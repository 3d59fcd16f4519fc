"""A function that is served: its environments, and which of them are in use."""

from __future__ import annotations

import queue
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from wherry.errors import InvokeError
from wherry.invoke.debugging import PROMPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from wherry.invoke.outcome import FunctionError, Invocation
    from wherry.invoke.runnable import Runnable
    from wherry.settings.model import CorsSettings

__all__ = ["EventSession", "ServedFunction", "not_loaded", "prepare_all"]


class EventSession(Protocol):
    """Runs a function, one event after the other, for as long as its context lasts (``Session``)."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None: ...

    def invoke(
        self,
        event: bytes,
        *,
        client_context: str | None = None,
        request_id: str | None = None,
        qualifier: str | None = None,
    ) -> Invocation:
        """Hand the function an event and wait for what comes of it."""
        ...

    def prepare(self) -> FunctionError | None:
        """Start before there is an event; the reason why the function cannot be loaded, if so."""
        ...


class _LineBuffer:
    """Passes on whole lines of what a function writes, so that those of others come between lines only."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._rest = b""
        self._lock = threading.Lock()

    def __call__(self, piece: bytes) -> None:
        """Take a piece of the output."""
        with self._lock:
            lines, end, rest = (self._rest + piece).rpartition(b"\n")
            # A line that is longer than any terminal is wide need not be held, and a prompt is to be seen.
            if len(rest) > 1 << 20 or rest.endswith(PROMPTS):
                lines, end, rest = lines + end + rest, b"", b""
            self._rest = rest
            if lines or end:
                self._write(lines + end)

    def flush(self) -> None:
        """End the line that has not ended."""
        with self._lock:
            rest, self._rest = self._rest, b""
            if rest:
                self._write(rest + b"\n")


class ServedFunction:
    """Hands events to whichever environment is free, the one used last first, as Lambda does.

    Attributes:
        digest: of all that decides how it runs; a build that gives the same keeps the environments.
        cors: what a Function URL adds to its responses.
    """

    def __init__(
        self,
        runnable: Runnable,
        open_session: Callable[[int, Callable[[bytes], None]], EventSession],
        *,
        digest: str,
        concurrency: int,
        on_log: Callable[[bytes], None] | None,
        cors: CorsSettings | None = None,
    ) -> None:
        """Lay out the function's files; ``open_session`` makes a session, by its number, that passes its output on.

        Raises:
            WherryError: it cannot be laid out.
        """
        self.runnable, self.digest, self.cors = runnable, digest, cors
        self._stack = ExitStack()
        self._free: queue.LifoQueue[tuple[EventSession, _LineBuffer]] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._users, self._retired = 0, False
        with ExitStack() as stack:
            for number in range(concurrency):
                lines = _LineBuffer(on_log or (lambda _: None))
                session = open_session(number, lines)
                stack.enter_context(session)
                self._free.put((session, lines))
            self._stack = stack.pop_all()

    @property
    def name(self) -> str:
        """The function's name."""
        return self.runnable.name

    @property
    def is_closed(self) -> bool:
        """Whether its environments have ended, for they were retired."""
        with self._lock:
            return self._retired and not self._users

    @property
    def is_retired(self) -> bool:
        """Whether nobody else may use it."""
        with self._lock:
            return self._retired

    @contextmanager
    def in_use(self) -> Iterator[bool]:
        """Keep the environments as long as the block runs; False where they are gone already."""
        with self._lock:
            usable = not self._retired
            self._users += usable
        try:
            yield usable
        finally:
            with self._lock:
                self._users -= usable
                last = usable and self._retired and not self._users
            if last:
                self.close()

    def invoke(
        self,
        event: bytes,
        *,
        client_context: str | None = None,
        request_id: str | None = None,
        qualifier: str | None = None,
    ) -> Invocation:
        """As ``Session.invoke``, from any thread, once an environment is free."""
        with self._session() as session:
            return session.invoke(
                event, client_context=client_context, request_id=request_id, qualifier=qualifier
            )

    def prepare(self) -> FunctionError | None:
        """Start an environment before there is an event; the reason why the function cannot be loaded, if so.

        That is no use of it: the environments end meanwhile if they are retired.

        Raises:
            InvokeError: the process cannot be started.
        """
        with self._session() as session:
            return None if self.is_retired else session.prepare()

    def retire(self) -> None:
        """Stop giving out environments, and end them when the last one is no longer in use."""
        with self._lock:
            self._retired = True
            unused = not self._users
        if unused:
            self.close()

    def close(self) -> None:
        """End the environments now. No process of them is left."""
        with self._lock:
            self._retired = True
            stack = self._stack.pop_all()
        stack.close()

    @contextmanager
    def _session(self) -> Iterator[EventSession]:
        session, lines = self._free.get()
        try:
            yield session
        finally:
            lines.flush()
            self._free.put((session, lines))


def not_loaded(name: str, error: FunctionError) -> InvokeError:
    """The error of a function whose module or handler cannot be loaded."""
    said = f"{error.type}: {error.message}".strip()
    trace = [line for line in error.stack_trace if line.strip()]
    return InvokeError(f"`{name}` cannot be loaded", where=[said, *trace])


def prepare_all(
    functions: Sequence[ServedFunction],
    on_failed: Callable[[InvokeError], None],
    *,
    at_once: int = 2,
) -> None:
    """Start an environment of each function, a few at a time, and report those that cannot be loaded."""
    waiting: queue.SimpleQueue[ServedFunction] = queue.SimpleQueue()
    for function in functions:
        waiting.put(function)

    def work() -> None:
        while True:
            try:
                function = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                error = function.prepare()
            except InvokeError as failure:
                reason = failure
            else:
                if error is None:
                    continue
                reason = not_loaded(function.name, error)
            # What was ended meanwhile has not failed.
            if not function.is_retired:
                on_failed(reason)

    for _ in range(min(at_once, len(functions))):
        threading.Thread(target=work, name="wherry-prepare", daemon=True).start()
