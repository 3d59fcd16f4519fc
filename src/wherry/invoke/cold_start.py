"""Cold starts, measured: the time that a function takes to initialize, over several fresh processes."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Unpack

from wherry.errors import InvokeError
from wherry.events import SILENT
from wherry.invoke.import_times import VARIABLE, read_import_times
from wherry.invoke.run import Callbacks, InvokeOptions, open_function
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.invoke.import_times import ImportTime
    from wherry.invoke.outcome import Start
    from wherry.invoke.session import Session
    from wherry.store import Store

__all__ = ["ColdStarts", "cold_starts"]


class ColdStarts(Struct, frozen=True, kw_only=True):
    """Initializations of a function.

    Attributes:
        function: its name.
        seconds: of each process, from its start until it asked for an event, in their order.
        peak_memory: the most memory that one of them had, in bytes; None where the system does not tell.
        imports: the modules that were imported, the longest first; empty where that was not asked for.
    """

    function: str
    seconds: tuple[float, ...]
    peak_memory: int | None
    imports: tuple[ImportTime, ...] = ()

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry invoke --cold``."""
        return {
            "schema": 1,
            "function": self.function,
            "init_ms": {
                "min": _ms(min(self.seconds)),
                "median": _ms(self.median),
                "max": _ms(max(self.seconds)),
                "all": [_ms(each) for each in self.seconds],
            },
            "peak_memory_bytes": self.peak_memory,
            "imports": [
                {
                    "module": each.module,
                    "imported_by": each.imported_by,
                    "self_ms": _ms(each.self_seconds),
                    "ms": _ms(each.seconds),
                }
                for each in self.imports
            ],
        }


def cold_starts(
    project: Path | str = ".",
    runs: int = 5,
    *,
    profile: bool = False,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[InvokeOptions],
) -> ColdStarts:
    """Measure how long a function takes to initialize; it is built first, and gets no event.

    Args:
        project: the project's folder.
        runs: the number of processes.
        profile: start one more, which tells the time of each import.
        store: where files are kept; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``wherry.InvokeOptions`` and ``wherry.BuildOptions`` describe it.

    Raises:
        WherryError: the function cannot be built, or fails to initialize.
    """
    silent = Callbacks()
    with open_function(
        project, options, callbacks=silent, store=store, reporter=reporter
    ) as session:
        starts = [_start(session) for _ in range(runs)]
        name = session.function
    imports: tuple[ImportTime, ...] = ()
    if profile:
        environment = {**options.get("environment", {}), VARIABLE: "1"}
        with open_function(
            project, {**options, "environment": environment}, callbacks=silent, store=store
        ) as session:
            imports = read_import_times(_start(session).log)
    return ColdStarts(
        function=name,
        seconds=tuple(start.seconds for start in starts),
        peak_memory=max((start.peak_memory or 0 for start in starts), default=0) or None,
        imports=imports,
    )


def _start(session: Session) -> Start:
    start = session.start_once()
    if start.error is not None:
        raise InvokeError(
            f"`{session.function}` fails to initialize",
            where=[f"{start.error.type}: {start.error.message}"],
            hint="`wherry invoke` shows its log",
        )
    return start


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
