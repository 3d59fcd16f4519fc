"""A canary that steps by itself: a growing share of the calls, watched, until all of them or back to none."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.aws.actions import MoveAlias
from wherry.aws.apply import apply
from wherry.aws.apply_alias import conflict
from wherry.aws.observe import observe_alias
from wherry.aws.plan import FunctionPlan, Plan
from wherry.aws.switch.watch import Calls, Watch, Watched
from wherry.errors import AwsError, RejectedError
from wherry.events import CanaryWatched, Reporter, Warned
from wherry.sizes import format_share
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.aws.client import Client
    from wherry.aws.model import ObservedAlias
    from wherry.aws.switch.steps import CanaryStep
    from wherry.aws.switch.switches import Switch

__all__ = ["SteppedCanary"]

_LOOK = 10.0
"""Seconds between two looks at CloudWatch."""
_REPORT = 60.0
"""Seconds between two reports of progress."""
_BLIND = 3
"""Looks in a row that may fail before the canary ends."""


class SteppedCanary(Struct, frozen=True, kw_only=True):
    """The canary of a deployment: all aliases step together, as long as the watch lets them."""

    client: Client
    switches: Sequence[Switch]
    steps: tuple[CanaryStep, ...]
    watch: Watch
    reporter: Reporter
    _weights: dict[str, tuple[int, Mapping[int, float]]] = field(default_factory=dict)

    def run(self) -> None:
        """Take all steps, those that a canary of the same versions had taken before left out.

        Raises:
            RejectedError: an alarm is on, or too many calls fail; the aliases stand where they stood.
            AwsError: AWS refused, or somebody else changed an alias; the canary stays as it is.
        """
        for switch in self.switches:
            assert switch.before is not None  # noqa: S101  a new alias has nobody to share with
            self._weights[switch.plan.name] = (switch.before.version, switch.before.weights)
        since = datetime.now(UTC)
        try:
            for step in self.steps[self._first() :]:
                self._give(step.share)
                self._wait(step, since)
            self._give(None)
        except KeyboardInterrupt:
            self._tell_interrupted()
            raise
        except AwsError as error:
            hint = "\n".join(filter(None, (error.hint, self._ways_on())))
            raise error.with_more(*self._state(), hint=hint) from error

    def _first(self) -> int:
        """The step to begin with: the earliest at which a version is that has a share already."""
        share = min(switch.share for switch in self.switches)
        places = [number for number, step in enumerate(self.steps) if step.share >= share]
        return places[0] if places else len(self.steps) - 1

    def _give(self, share: float | None) -> None:
        """Give all versions this share of the calls; those that have more keep it."""
        functions = []
        for switch in self.switches:
            alias = self._current(switch)
            has = alias.canaries.get(switch.version, 0.0)
            if (share is not None and has >= share) or (
                share is None and alias.version == switch.version and not alias.canaries
            ):
                continue
            functions.append(_move(switch, alias, to=switch.version, share=share))
        self._apply(functions, share)

    def _apply(self, functions: Sequence[FunctionPlan], share: float | None) -> None:
        apply(
            Plan(stage=self.client.name, functions=tuple(functions)),
            self.client,
            reporter=self.reporter,
        )
        for function in functions:
            (action,) = function.actions
            assert isinstance(action, MoveAlias)  # noqa: S101
            assert action.version is not None  # noqa: S101
            stands_at = action.was if share is not None else action.version
            weights = {action.version: share} if share is not None else {}
            self._weights[function.name] = (stands_at, weights)

    def _current(self, switch: Switch) -> ObservedAlias:
        """The alias, if it is as this canary left it."""
        name = switch.plan.aws_name
        alias = observe_alias(self.client, name, switch.alias)
        if alias is None or (alias.version, alias.weights) != self._weights[switch.plan.name]:
            raise conflict(switch.alias, name)
        return alias

    def _wait(self, step: CanaryStep, since: datetime) -> None:
        """Watch for the time of a step.

        Raises:
            RejectedError: there is a reason to go back; the aliases stand where they stood.
        """
        end = time.monotonic() + step.seconds
        reported, blind = 0.0, 0
        calls: Mapping[Watched, Calls] = {}
        while True:
            try:
                calls = self.watch.calls([_watched(switch) for switch in self.switches], since)
                fault, blind = self.watch.fault(calls), 0
            except AwsError as error:
                blind += 1
                fault = f"{error.message}: {error.cause}" if blind >= _BLIND else None
            if fault is not None:
                self._go_back(fault)
            now = time.monotonic()
            left = max(0.0, end - now)
            if now - reported >= _REPORT or not left:
                reported = now
                self.reporter.emit(
                    CanaryWatched(
                        stage=self.client.name,
                        share=step.share,
                        seconds_left=left,
                        calls=sum(had.calls for had in calls.values()) if calls else None,
                        errors=sum(had.errors for had in calls.values()),
                    )
                )
            if not left:
                return
            time.sleep(min(_LOOK, left))

    def _go_back(self, fault: str) -> None:
        """Give the calls back, and reject the versions.

        Raises:
            RejectedError: always, with the reason.
        """
        functions = []
        for switch in self.switches:
            alias = self._current(switch)
            functions.append(_move(switch, alias, to=alias.version, share=None))
        self._apply(functions, None)
        raise RejectedError(
            f"the canary in stage `{self.client.name}` was ended",
            where=[
                fault,
                *(
                    f"alias `{switch.alias}` of function `{switch.plan.aws_name}` stands where it stood, and version "
                    f"{switch.version} gets no calls"
                    for switch in self.switches
                ),
            ],
            hint="`wherry rollback` never goes to these versions; fix the project, and deploy again",
        )

    def _state(self) -> list[str]:
        """The aliases as this canary left them."""
        lines = []
        for switch in self.switches:
            version, weights = self._weights[switch.plan.name]
            share = weights.get(switch.version)
            what = f"version {switch.version} has {format_share(share) if share else 'none'} of the calls"
            if version == switch.version:
                what = f"version {version} has all calls"
            lines.append(f"alias `{switch.alias}` of function `{switch.plan.aws_name}`: {what}")
        return lines

    def _ways_on(self) -> str:
        stage = self.client.name
        return (
            f"continue: wherry deploy {stage} --canary {','.join(map(str, self.steps))}\n"
            f"give it all calls: wherry deploy {stage} --promote\n"
            f"take it back: wherry rollback {stage}"
        )

    def _tell_interrupted(self) -> None:
        self.reporter.emit(
            Warned(
                text=f"the canary was interrupted, and stays as it is: {'; '.join(self._state())}",
                hint=self._ways_on(),
            )
        )


def _watched(switch: Switch) -> Watched:
    # The name as metrics have it: the stage may name the function by its ARN.
    function = switch.plan.aws_name.rpartition(":")[2]
    return Watched(function=function, alias=switch.alias, version=switch.version)


def _move(switch: Switch, alias: ObservedAlias, *, to: int, share: float | None) -> FunctionPlan:
    """The plan that moves an alias, or gives a version a share of its calls, from where the alias is now."""
    observed = switch.plan.observed
    assert observed is not None  # noqa: S101  its alias was observed
    action = MoveAlias.of(alias, to, canary=share)
    return replace(
        switch.plan, observed=replace(observed, aliases=(alias,)), actions=(action,), version=to
    )
