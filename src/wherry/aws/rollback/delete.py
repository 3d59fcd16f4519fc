"""Deleting the versions that a rollback left, if nothing else refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.errors import refusing
from wherry.aws.observe import observe_function
from wherry.aws.prune.find import version_users
from wherry.aws.prune.prune import IN_USE, delete_version
from wherry.errors import AwsError
from wherry.events import Removed, Warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.aws.client import Client
    from wherry.aws.rollback.find import Rollback
    from wherry.events import Reporter

__all__ = ["delete_left"]


def delete_left(
    rollbacks: Sequence[Rollback], client: Client, reporter: Reporter
) -> dict[str, tuple[int, ...]]:
    """Delete the versions that functions went back from, and those whose canary ended.

    A version that an alias, provisioned concurrency or an event source refers to stays, with a warning. So does the
    one that another alias would go back to.

    Args:
        rollbacks: that were made.
        client: of the stage.
        reporter: receives the events.

    Returns:
        The numbers of the deleted versions, by the names of functions in the settings.

    Raises:
        AwsError: AWS refused, or could not be reached; the versions before were deleted.
    """
    return {each.name: tuple(_delete(each, client, reporter)) for each in rollbacks}


def _delete(rollback: Rollback, client: Client, reporter: Reporter) -> list[int]:
    function = observe_function(client, rollback.aws_name, versions=True)
    left = {rollback.was, *rollback.ends} - {rollback.to, None}
    if function is None or not left:
        return []
    users = version_users(function, client)
    deleted = []
    for number in sorted(filter(None, left)):
        version = function.version(number)
        if version is None:
            continue
        what = f"function {rollback.aws_name} version {number}"
        if number in users:
            reporter.emit(Warned(text=f"{what} stays: it is used by {', '.join(users[number])}"))
            continue
        try:
            with refusing(f"delete {what}"):
                delete_version(client, rollback.aws_name, number)
        except AwsError as error:
            if error.code not in IN_USE:
                raise
            reporter.emit(Warned(text=f"{what} stays: {error.cause}"))
            continue
        deleted.append(number)
        reporter.emit(Removed(what=f"Deleted {what}", size=version.code_size))
    return deleted
