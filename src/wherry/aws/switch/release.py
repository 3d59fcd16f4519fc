"""Carrying out a plan with tests before switching: publish, test, then move the aliases, at once or step by step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from wherry.aws.actions import CreateAlias
from wherry.aws.apply import apply
from wherry.aws.apply_alias import record
from wherry.aws.history import AliasHistory
from wherry.aws.switch.canary import SteppedCanary
from wherry.aws.switch.cases import TestCase, read_cases
from wherry.aws.switch.steps import CanaryStep, parse_canary
from wherry.aws.switch.switches import Switch, find_switches, without_switches
from wherry.aws.switch.trial import Failure, try_versions
from wherry.aws.switch.watch import Watch
from wherry.errors import AwsError, DeployError, RejectedError
from wherry.events import Reporter, VersionWaits, Warned
from wherry.sizes import count
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.aws.client import Client
    from wherry.aws.model import Desired
    from wherry.aws.plan import Applied, Plan
    from wherry.aws.prepare import Prepared
    from wherry.settings.model import StageSettings

__all__ = ["Release", "read_release", "release"]


class Release(Struct, frozen=True, kw_only=True):
    """How callers get new versions.

    Attributes:
        cases: the tests of each function, by its name in the settings.
        steps: of a canary that steps by itself; empty for none.
    """

    cases: Mapping[str, Sequence[TestCase]] = field(default_factory=dict)
    steps: tuple[CanaryStep, ...] = ()
    traffic: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether each alias moves as soon as its version is published."""
        return self.traffic and not self.cases and not self.steps


def read_release(
    prepared: Prepared,
    desired: Desired,
    *,
    canary: float | str | None = None,
    tests: Sequence[str] = (),
    traffic: bool = True,
) -> Release:
    """How callers get new versions, from what was asked (files of events as tests, too) and what the stage says.

    Raises:
        DeployError: what was asked for excludes each other, or needs an alias.
        SettingsError: a test is of a function that the settings do not have.
        InvokeError: the event of a test cannot be read.
    """
    if canary is not None and not traffic:
        raise DeployError(
            "a canary gets calls, and no calls were asked for", hint="leave one of them out"
        )
    aliased = [function.name for function in desired.functions if function.alias is not None]
    stage = prepared.client.stage
    _require_aliases(desired, stage, all_of_them=bool(tests) or not traffic)
    return Release(
        cases=read_cases(prepared.project, stage, aliased, tests),
        steps=parse_canary(canary) if isinstance(canary, str) else (),
        traffic=traffic,
    )


def _require_aliases(desired: Desired, stage: StageSettings, *, all_of_them: bool) -> None:
    """Require that functions have an alias whose versions are tested, or get no calls yet."""
    without = [function.name for function in desired.functions if function.alias is None]
    named = {test.function for test in stage.test}
    if not all_of_them:
        without = [name for name in without if name in named or stage.function(name).test]
    if without:
        raise DeployError(
            "callers get $LATEST at once where there is no alias",
            where=[f"function `{name}` has none in stage `{desired.stage}`" for name in without],
            hint='give the stage one: alias = "live"; or name functions that have one',
        )


def release(plan: Plan, prepared: Prepared, how: Release) -> Applied:
    """Carry out a plan. Aliases move when all else is done and every test of every function is passed.

    Raises:
        RejectedError: a test failed, or the canary was ended; aliases stand where they stood.
        AwsError: AWS refused. Changes that were made stay; a repetition continues from there.
        DeployError: an alarm is on before the canary begins; nothing was changed.
    """
    client, reporter = prepared.client, prepared.reporter
    watch = Watch(
        client=client, alarms=client.stage.alarms, max_error_rate=client.stage.max_error_rate
    )
    if how.steps and any(function.observed is not None for function in plan.functions):
        watch.require_quiet()
    first = plan if how.is_plain else without_switches(plan)
    applied = apply(first, client, quota=prepared.quota, locks=prepared.locks, reporter=reporter)
    if how.is_plain:
        return applied
    switches = find_switches(plan, applied)
    _test(switches, how, client, reporter)
    if not how.traffic:
        _offer(switches, client, reporter)
        return applied
    shared = [switch for switch in switches if how.steps and _shares(switch)]
    at_once = [switch for switch in switches if switch not in shared]
    apply(
        replace(plan, layers=(), functions=tuple(switch.plan for switch in at_once)),
        client,
        reporter=reporter,
    )
    if shared:
        SteppedCanary(
            client=client, switches=shared, steps=how.steps, watch=watch, reporter=reporter
        ).run()
    return _changed(applied, switches)


def _shares(switch: Switch) -> bool:
    """Whether there are callers with whom a canary can share."""
    return switch.before is not None and switch.before.version not in (0, switch.version)


def _changed(applied: Applied, switches: Sequence[Switch]) -> Applied:
    names = {switch.plan.name for switch in switches}
    return replace(
        applied,
        functions=tuple(
            replace(one, changed=True) if one.name in names else one for one in applied.functions
        ),
    )


def _test(switches: Sequence[Switch], how: Release, client: Client, reporter: Reporter) -> None:
    """Try the versions that get no calls yet.

    Raises:
        RejectedError: a version failed a test.
    """
    tried = {
        (switch.plan.aws_name, switch.version): (switch, how.cases[switch.plan.name])
        for switch in switches
        if switch.plan.name in how.cases and not switch.share
    }
    if not tried:
        return
    failures = try_versions({key: cases for key, (_, cases) in tried.items()}, client, reporter)
    if not failures:
        return
    failed = {(failure.function, failure.version): failure for failure in failures}
    for key in failed:
        _reject(tried[key][0], client, reporter)
    number = sum(len(cases) for _, cases in tried.values())
    raise RejectedError(
        f"{count(len(failures), 'test')} of {number} failed in stage `{client.name}`; no alias was moved",
        where=[line for failure in failures for line in failure.lines()],
        hint=_after_failure(failures),
    )


def _after_failure(failures: Sequence[Failure]) -> str:
    versions = dict.fromkeys(f"version {one.version} of `{one.function}`" for one in failures)
    return (
        f"{', '.join(versions)} was published and gets no calls, and `wherry rollback` never goes there; "
        "fix the project, and deploy again"
    )


def _reject(switch: Switch, client: Client, reporter: Reporter) -> None:
    try:
        record(
            client,
            switch.plan.aws_name,
            switch.alias,
            lambda history: history.rejecting(switch.version),
        )
    except AwsError as error:
        # The failed test must be told in any case.
        reporter.emit(
            Warned(
                text=f"that version {switch.version} is rejected cannot be recorded: {error.cause}"
            )
        )


def _offer(switches: Sequence[Switch], client: Client, reporter: Reporter) -> None:
    """Record the versions that wait for their calls."""
    for switch in switches:
        before = switch.before
        if before is not None and not switch.share:
            offered = partial(
                AliasHistory.offering, stands_at=before.version, version=switch.version
            )
            record(client, switch.plan.aws_name, switch.alias, offered)
        reporter.emit(
            VersionWaits(
                stage=client.name,
                name=switch.plan.aws_name,
                alias=switch.alias,
                version=switch.version,
                exists=not any(isinstance(action, CreateAlias) for action in switch.plan.actions),
            )
        )
