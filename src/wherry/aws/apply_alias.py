"""Carrying out the actions for an alias: creating and moving it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.aws.actions import CreateAlias, MoveAlias
from wherry.aws.attempts import attempt
from wherry.aws.observe import observe_alias
from wherry.errors import AwsError

if TYPE_CHECKING:
    from wherry.aws.attempts import Outcome
    from wherry.aws.client import Client
    from wherry.aws.model import ObservedAlias

__all__ = ["set_alias"]


def set_alias(
    action: CreateAlias | MoveAlias, version: int, client: Client, before: ObservedAlias | None
) -> None:
    """Create an alias, or move it.

    Args:
        action: of the plan.
        version: the number of the version that gets the calls.
        client: of the stage.
        before: the alias when the deployment began.

    Raises:
        AwsError: AWS refused, or somebody else changed the alias.
    """
    function, alias = action.aws_name, action.alias
    stands_at, revision = version, None
    weights: dict[int, float] = {}
    if isinstance(action, MoveAlias):
        revision = action.revision
        if action.canary is not None:
            stands_at, weights = action.was, {version: action.canary}
    routing: Any = {"AdditionalVersionWeights": {str(key): share for key, share in weights.items()}}

    def change() -> bool:
        arguments: dict[str, Any] = {
            "FunctionName": function,
            "Name": alias,
            "FunctionVersion": str(stands_at),
        }
        if isinstance(action, CreateAlias):
            client.changes.create_alias(**arguments)
        else:
            guard = {"RevisionId": revision} if revision else {}
            client.changes.update_alias(**arguments, RoutingConfig=routing, **guard)
        return True

    def look(_: Outcome) -> bool | None:
        nonlocal revision
        current = observe_alias(client, function, alias)
        if current is None:
            return None
        if (current.version, current.weights) == (stands_at, weights):
            return True
        if isinstance(action, CreateAlias) or before is None or not current.same_calls(before):
            raise AwsError(
                f"somebody else changed alias `{alias}` of function `{function}` meanwhile",
                where=[
                    "it stands neither where it stood when the deployment began nor where it should"
                ],
                hint="see what `wherry plan` says, then run the same command again",
            )
        revision = current.revision
        return None

    verb = "create" if isinstance(action, CreateAlias) else "move"
    attempt(f"{verb} alias `{alias}` of function `{function}`", change, look=look)
