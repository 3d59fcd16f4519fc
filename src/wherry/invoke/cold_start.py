"""Cold starts, measured: the time that a function takes to initialize, over several fresh processes."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Unpack, cast

from wherry.errors import InvokeError
from wherry.events import SILENT, Reporter
from wherry.inspect.import_times import VARIABLE, read_import_times, read_runtime_seconds
from wherry.inspect.profile import ImportProfile
from wherry.invoke.options import InvokeOptions
from wherry.invoke.run import Callbacks, open_function
from wherry.pipeline.inspect import InspectReport, inspect_packages
from wherry.pipeline.options import InspectOptions, build_options
from wherry.problems import refuse_options
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.inspect.import_times import ImportTime
    from wherry.invoke.outcome import Start
    from wherry.invoke.session import Session
    from wherry.store import Store

__all__ = ["ColdStarts", "cold_starts", "report_cold_starts"]


class ColdStarts(Struct, frozen=True, kw_only=True):
    """Initializations of a function.

    Attributes:
        function: its name.
        seconds: of each process, from its start until it asked for an event, in their order.
        peak_memory: the most memory that one of them had, in bytes; None where the system does not tell.
        imports: the modules that were imported, the longest first; empty where that was not asked for.
        profile: the same imports, with the times of the process that told them; None where that was not asked for.
    """

    function: str
    seconds: tuple[float, ...]
    peak_memory: int | None
    imports: tuple[ImportTime, ...] = ()
    profile: ImportProfile | None = None

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry invoke --cold``."""
        document: dict[str, Any] = {
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
                    "self_ms": round(each.self_seconds * 1000, 3),
                    "ms": round(each.seconds * 1000, 3),
                }
                for each in self.imports
            ],
        }
        if self.profile is not None:
            document["profile"] = {
                "init_ms": _ms(self.profile.seconds or 0),
                "runtime_ms": round(self.profile.runtime_seconds * 1000, 3),
            }
        return document


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
    told: ImportProfile | None = None
    if profile:
        environment = {**options.get("environment", {}), VARIABLE: "1"}
        with open_function(
            project, {**options, "environment": environment}, callbacks=silent, store=store
        ) as session:
            start = _start(session)
        told = ImportProfile(
            function=name,
            imports=read_import_times(start.log),
            runtime_seconds=read_runtime_seconds(start.log),
            seconds=start.seconds,
            cold_seconds=tuple(each.seconds for each in starts),
        )
    return ColdStarts(
        function=name,
        seconds=tuple(start.seconds for start in starts),
        peak_memory=max((start.peak_memory or 0 for start in starts), default=0) or None,
        imports=() if told is None else told.imports,
        profile=told,
    )


def report_cold_starts(
    project: Path | str,
    starts: ColdStarts,
    *,
    store: Store | None = None,
    **options: Unpack[InvokeOptions],
) -> InspectReport:
    """The contents of the packages that were measured; its ``html()`` shows their sizes, and the profile as a flame graph.

    Args:
        project: the project's folder.
        starts: measured just before, with a profile.
        store: where files are kept; by default the user's.
        options: those of the measurement.

    Raises:
        WherryError: the packages cannot be read.
    """
    refuse_options(options, InvokeOptions)
    known = cast("InspectOptions", build_options(options))
    known |= {"names": (starts.function,), "no_build": True, "profile": starts.profile}
    return inspect_packages(project, store=store, **known)


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
