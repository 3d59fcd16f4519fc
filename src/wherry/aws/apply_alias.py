"""Creating and moving an alias of a function, and recording in its description where it pointed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.actions import CreateAlias, MoveAlias
from wherry.aws.attempts import Outcome, attempt
from wherry.aws.history import AliasHistory
from wherry.aws.observe import observe_alias
from wherry.aws.provisioned import wait_for_concurrency
from wherry.errors import AwsError
from wherry.events import AliasMoved

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.aws.client import Client
    from wherry.aws.model import ObservedFunction
    from wherry.aws.plan import FunctionPlan
    from wherry.events import Reporter

__all__ = ["record", "set_alias"]


def set_alias(
    action: CreateAlias | MoveAlias,
    plan: FunctionPlan,
    published: int | None,
    client: Client,
    reporter: Reporter,
) -> int:
    """Create or move an alias, unless that is done already, and wait for its provisioned concurrency.

    Args:
        action: of the plan.
        plan: of the function.
        published: the version that the action means if it names none.
        client: of the stage.
        reporter: receives the events.

    Returns:
        The number of the version that callers get.

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
        wait_for_concurrency(client, name, action.alias, reporter)
    return version


def record(
    client: Client, function: str, alias: str, change: Callable[[AliasHistory], AliasHistory]
) -> None:
    """Change what is recorded in an alias, and nothing else of it. A missing alias records nothing.

    Args:
        client: of the stage.
        function: its name on AWS.
        alias: its name.
        change: the new history, from the one that is recorded, in which the alias is where it stands.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """

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
