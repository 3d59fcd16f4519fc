"""Creating and moving an alias of a function, and recording in its description where it pointed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.actions import CreateAlias, MoveAlias
from wherry.aws.attempts import Outcome, attempt, pauses
from wherry.aws.errors import DENIED, refusing
from wherry.aws.history import AliasHistory
from wherry.aws.observe import observe_alias
from wherry.errors import AwsError
from wherry.events import AliasMoved, ConcurrencyMoving, Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.aws.client import Client
    from wherry.aws.model import ObservedFunction
    from wherry.aws.plan import FunctionPlan

__all__ = ["record", "set_alias"]


def set_alias(
    action: CreateAlias | MoveAlias,
    plan: FunctionPlan,
    published: int | None,
    client: Client,
    reporter: Reporter,
) -> int:
    """Create or move an alias, unless that is done already, and wait for its provisioned concurrency.

    An action that names no version means ``published``. Returns the number of the version that callers get.

    Raises:
        AwsError: AWS refused, or somebody else changed the alias.
    """
    name, observed = plan.aws_name, plan.observed
    version = action.version if action.version is not None else published
    assert version is not None  # noqa: S101  the plan publishes one first
    before = observed.alias(action.alias) if observed is not None else None
    stands_at, revision, canary = version, None, None
    weights: dict[int, float] = {}
    if isinstance(action, MoveAlias):
        revision, canary = action.revision, action.canary
        if canary is not None:
            stands_at, weights = action.was, {version: canary}
    history = AliasHistory.parse(before.description if before is not None else "")
    arguments: dict[str, Any] = {
        "FunctionName": name,
        "Name": action.alias,
        "FunctionVersion": str(stands_at),
        "Description": _after(action, history, version, observed).description(),
    }
    shares = {str(number): share for number, share in weights.items()}

    def change() -> bool:
        if isinstance(action, CreateAlias):
            client.changes.create_alias(**arguments)
        else:
            guard = {"RevisionId": revision} if revision else {}
            client.changes.update_alias(
                **arguments, RoutingConfig={"AdditionalVersionWeights": shares}, **guard
            )
        return True

    def look(_: Outcome) -> bool | None:
        nonlocal revision
        current = observe_alias(client, name, action.alias)
        if current is None:
            return None
        calls = (current.version, current.weights)
        if calls == (stands_at, weights):
            return True
        if before is None or calls != (before.version, before.weights):
            raise conflict(action.alias, name)
        revision = current.revision
        return None

    verb = "create" if isinstance(action, CreateAlias) else "move"
    attempt(f"{verb} alias `{action.alias}` of function `{name}`", change, look=look)
    reporter.emit(AliasMoved(name=name, alias=action.alias, version=version, canary=canary))
    if isinstance(action, MoveAlias) and canary is None and action.was != version:
        _wait_for_concurrency(client, name, action.alias, reporter)
    return version


def record(
    client: Client, function: str, alias: str, change: Callable[[AliasHistory], AliasHistory]
) -> None:
    """Change what is recorded in an alias that stands where it stands now, and nothing else; a missing one has none."""

    def update() -> None:
        current = observe_alias(client, function, alias)
        if current is None:
            return
        history = AliasHistory.parse(current.description).at(current.version)
        description = change(history).description()
        if description != current.description:
            guard: Any = {"RevisionId": current.revision} if current.revision else {}
            client.changes.update_alias(
                FunctionName=function, Name=alias, Description=description, **guard
            )

    attempt(f"record it in alias `{alias}` of function `{function}`", update)


def conflict(alias: str, function: str) -> AwsError:
    """The error for an alias that somebody else changed."""
    return AwsError(
        f"somebody else changed alias `{alias}` of function `{function}` meanwhile",
        where=["it points neither to the version before this deployment nor to the new one"],
        hint="look at `wherry plan`, then run the same command again",
    )


def _after(
    action: CreateAlias | MoveAlias,
    history: AliasHistory,
    version: int,
    observed: ObservedFunction | None,
) -> AliasHistory:
    """The history of an alias after an action that gives ``version`` to its callers."""
    now = datetime.now(UTC)
    if isinstance(action, CreateAlias):
        # Older versions were never those of this alias.
        older = observed is not None and any(one.number < version for one in observed.versions)
        return replace(history.at(version, now), closed=older)
    canaries = tuple(action.canaries)
    if action.canary is not None:
        others = (number for number in canaries if number != version)
        return replace(history.at(action.was).rejecting(*others), waiting=0)
    if action.was == version:
        return history.at(version).rejecting(*canaries)
    if action.back:
        return history.back(action.was, version, when=now)
    return history.moved(action.was, version, canaries=canaries, when=now)


_LONGEST = 30 * 60.0
"""Seconds after which it is not waited for any more."""


def _wait_for_concurrency(client: Client, function: str, alias: str, reporter: Reporter) -> None:
    """Wait until the provisioned concurrency of an alias, if it has some, is that of its version.

    It is not waited for if the caller may not look at it. AWS moves it in some minutes, and the calls with it:
    meanwhile the alias stands at the new version already, but gives the old one a share of the calls. See
    https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html.

    Raises:
        AwsError: AWS could not allocate it, or does not end. The alias is moved nevertheless.
    """
    reported: tuple[int, int] | None = None
    for pause in pauses(first=1.0, most=10.0, total=_LONGEST):
        config = _config(client, function, alias)
        if config is None:
            return
        status = config.get("Status")
        if status == "FAILED":
            raise AwsError(
                f"alias `{alias}` of function `{function}` has moved, but not its provisioned concurrency",
                where=[str(config.get("StatusReason") or "AWS gives no reason")],
                hint="`wherry rollback` goes back to the version before",
            )
        if status == "READY":
            current = observe_alias(client, function, alias)
            if current is None or not any(each < current.version for each in current.weights):
                return
        progress = (
            config.get("AllocatedProvisionedConcurrentExecutions") or 0,
            config.get("RequestedProvisionedConcurrentExecutions") or 0,
        )
        if progress != reported:
            reported = progress
            reporter.emit(
                ConcurrencyMoving(
                    name=function, alias=alias, allocated=progress[0], requested=progress[1]
                )
            )
        time.sleep(pause)
    raise AwsError(
        f"the provisioned concurrency of alias `{alias}` of function `{function}` does not become ready",
        where=[f"the alias has moved; Wherry waited for {_LONGEST / 60:.0f} minutes"],
        hint="see what the console says; `wherry rollback` goes back to the version before",
    )


def _config(client: Client, function: str, alias: str) -> Mapping[str, Any] | None:
    """The provisioned concurrency of an alias; None if it has none, or if that may not be known."""
    try:
        with refusing(f"look at the provisioned concurrency of alias `{alias}`"):
            return client.functions.get_provisioned_concurrency_config(
                FunctionName=function, Qualifier=alias
            )
    except AwsError as error:
        missing = {"ProvisionedConcurrencyConfigNotFoundException", "ResourceNotFoundException"}
        # A simulation of AWS without this operation answers 404.
        if error.code in {*missing, "404", *DENIED}:
            return None
        raise
