"""The debuggers of functions that are served: a port for each function, which it keeps when it is loaded again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import InvokeError
from wherry.invoke.debugging import DebuggerPort, Debugging

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.events import DebuggerAwaited, Reporter

__all__ = ["Debuggers"]

_LAST_PORT = 65535


class Debuggers:
    """Gives each function what it needs to be stepped through."""

    def __init__(self, wish: Debugging, reporter: Reporter, *, concurrency: int) -> None:
        """Nothing listens yet.

        Args:
            wish: with the port of the first function; the others have those after it.
            reporter: told where a debugger is awaited.
            concurrency: the number of environments of a function.

        Raises:
            InvokeError: a function would have more environments than a debugger can step through.
        """
        if wish.port is not None and concurrency > 1:
            raise InvokeError(
                f"a debugger steps through one environment of a function, not through {concurrency}",
                hint="leave out `--concurrency`",
            )
        self._wish, self._reporter = wish, reporter
        self._ports: dict[str, DebuggerPort] = {}
        self._told: dict[int, DebuggerAwaited] = {}
        self._lock = threading.Lock()

    @property
    def are_awaited(self) -> bool:
        """Whether functions wait for an editor before they are loaded."""
        return self._wish.port is not None

    def assign(self, names: Iterable[str]) -> None:
        """Give functions that have none a port, in their order.

        Raises:
            InvokeError: there are no more.
        """
        if self._wish.port is None:
            return
        first = self._wish.port.number
        for name in names:
            if name not in self._ports:
                number = first + len(self._ports)
                if number > _LAST_PORT:
                    raise InvokeError(
                        f"there is no port for the debugger of `{name}`",
                        where=[f"the first function has {first}, and each other the next"],
                        hint="choose a lower one with `--debug`, or name the functions to serve",
                    )
                self._ports[name] = DebuggerPort(number)

    def of(self, name: str) -> Debugging:
        """The debugging of a function, which was given a port before."""
        return replace(
            self._wish,
            port=self._ports.get(name),
            name="wherry" if len(self._ports) < 2 else f"wherry {name}",
            on_awaited=self._tell,
        )

    def _tell(self, event: DebuggerAwaited) -> None:
        """Tell where a debugger is awaited; what an editor needs, only where that is new."""
        with self._lock:
            known = self._told.get(event.port) == event
            self._told[event.port] = event
        self._reporter.emit(replace(event, configuration=None) if known else event)
