"""Several stages in one command: one report after the other, then a summary."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from wherry.cli.render import Terminal, print_error, print_result
from wherry.errors import DeployError, WherryError
from wherry.events import Event, OfStage, Reporter
from wherry.sizes import count
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from wherry.aws.plan import Plan
    from wherry.aws.several import StageResult

__all__ = ["Stages", "Turns", "plan_lines", "stages_of"]

Result = TypeVar("Result")


def stages_of(stage: str, options: dict[str, Any], project: Any) -> tuple[str, ...]:
    """The stages of a command; ``names`` of its options are left with functions and layers alone."""
    from wherry.aws.several import split_names

    stages, options["names"] = split_names(
        project,
        (stage, *options["names"]),
        config=options["config"],
        name=options["name"],
        all_regions=options.pop("all_regions"),
    )
    return stages


class Turns:
    """Prints the reports of several stages one after the other, each as it grows.

    A reporter: what belongs to a stage whose turn has not come is kept until then.
    """

    def __init__(self, stages: Sequence[str], reporter: Reporter, terminal: Terminal) -> None:
        self._waiting: dict[str, list[Callable[[], None]]] = {stage: [] for stage in stages}
        self._done: set[str] = set()
        self._reporter = reporter
        self._terminal = terminal
        self._lock = threading.RLock()
        self._begun = False

    def emit(self, event: Event) -> None:
        """Render an event, or keep it."""
        if isinstance(event, OfStage):
            self.show(event.stage, lambda: self._reporter.emit(event.event))
        else:
            self._reporter.emit(event)

    def show(self, stage: str, action: Callable[[], None], *, last: bool = False) -> None:
        """Do something when the stage has its turn; ``last`` ends that."""
        with self._lock:
            self._waiting[stage].append(action)
            if last:
                self._done.add(stage)
            while self._waiting:
                current, actions = next(iter(self._waiting.items()))
                if actions and not self._begun:
                    self._begun = True
                    # What was fetched is told before the title.
                    self._terminal.emit(Event())
                    self._terminal.line(f"== {current} ==")
                for waiting in actions:
                    waiting()
                actions.clear()
                if current not in self._done:
                    return
                del self._waiting[current]
                self._begun = False


def plan_lines(plan: Plan, lines: Iterable[str]) -> list[str]:
    """The lines of a plan that is one of several: what is as it should be is only counted."""
    unchanged = [part for part in plan.parts if not part.actions]
    shown = [line for line in lines if not line.endswith(": as it should be")]
    if plan and unchanged:
        kinds = [
            count(number, kind)
            for kind in ("layer", "function")
            if (number := sum(part.kind == kind for part in unchanged))
        ]
        shown.insert(-1, f"as it should be: {' and '.join(kinds)}")
    return shown


class Stages(Struct, frozen=True, kw_only=True):
    """Plans or deploys one or several stages.

    Attributes:
        changed: the word in the summary for a stage with actions.
    """

    stages: tuple[str, ...]
    terminal: Terminal
    as_json: bool
    changed: str

    def run(
        self,
        work: Callable[..., Result],
        show: Callable[[Result], None],
        project: Path,
        **options: Any,
    ) -> tuple[Result, ...]:
        """Do the work for each stage, then print the summary of several and, if asked for, one JSON document.

        Raises:
            DeployError: a stage failed; its own error was printed in its report.
        """
        from wherry.aws.several import for_stages

        if len(self.stages) == 1:
            value = work(project, *self.stages, reporter=self.terminal.brief, **options)
            show(value)
            if self.as_json:
                print_result(value.document(), (), as_json=True)  # type: ignore[attr-defined]
            return (value,)
        turns = Turns(self.stages, self.terminal.brief, self.terminal)

        def shown(project: object, stage: str, **own: Any) -> Result:
            try:
                value = work(project, stage, **own)
            except WherryError as error:
                turns.show(stage, partial(print_error, error), last=True)
                raise
            turns.show(stage, lambda: show(value), last=True)
            return value

        results = for_stages(shown, project, self.stages, reporter=turns, **options)
        self._summarize(results)
        return tuple(result.value for result in results if result.value is not None)

    def _summarize(self, results: Sequence[StageResult[Any]]) -> None:
        width = max(len(result.stage) for result in results)
        self.terminal.line("== all stages ==")
        for result in results:
            said = "failed"
            if result.value is not None:
                number = len(result.value.plan.actions)
                changes = f"{self.changed} {count(number, 'change')}"
                said = changes if number else "as it should be"
            self.terminal.line(f"{result.stage:{width}}  {said}")
        document = {"schema": 1, "stages": [result.document() for result in results]}
        print_result(document, (), as_json=self.as_json)
        failed = {result.stage: result.error for result in results if result.error is not None}
        if failed:
            raise DeployError(
                f"{len(failed)} of {count(len(results), 'stage')} failed",
                where=[f"{stage}: {error.message}" for stage, error in failed.items()],
                hint="the same command continues where it stopped",
            )
