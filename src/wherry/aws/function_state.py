"""The configuration of a function while a deployment changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.attempts import poll
from wherry.aws.configuration import NOTHING, Configuration
from wherry.aws.errors import refusing
from wherry.aws.observe import snapshot_of
from wherry.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.aws.client import Client
    from wherry.aws.model import Snapshot

__all__ = ["FunctionState", "is_settled", "same"]

_UNSEEN = 8
"""Looks, in about ten seconds, in which a function or version may be missing."""


class FunctionState:
    """The state of ``$LATEST``; None as observed if it is to be created.

    Attributes:
        latest: its state as it should be now, if nobody else changes it.
        wanted: configuration that it has now too, because this deployment gives it.
        changed: whether this deployment changed it.
    """

    def __init__(self, client: Client, name: str, latest: Snapshot | None) -> None:
        self._client = client
        self._name = name
        # AWS's last answer, while nothing was changed since.
        self._configuration: Mapping[str, Any] | None = None
        self.latest = latest
        self.wanted: Configuration = NOTHING
        self.changed = False

    def accept(self, answer: Mapping[str, Any]) -> None:
        """Take AWS's answer to a change. It is the configuration, if the change is completed already."""
        self.changed = True
        settled = is_settled(answer) and "LastUpdateStatus" in answer
        self._configuration = answer if settled else None

    def forget(self) -> None:
        """Read the configuration again before the next change."""
        self._configuration = None

    def ready(self) -> Mapping[str, Any]:
        """The configuration, when no update is in progress.

        Raises:
            AwsError: the last update failed, or does not end.
        """
        if self._configuration is None:
            self._configuration = self.settle()
        return self._configuration

    def require_unchanged(self, *, wanted: bool = True) -> Mapping[str, Any]:
        """The configuration, when no update is in progress, if it is as it should be, ``wanted`` values included.

        Raises:
            AwsError: somebody else changed it.
        """
        configuration = self.ready()
        if not same(snapshot_of(configuration), self.latest) or (
            wanted and not self.wanted.holds(configuration)
        ):
            raise self.conflict()
        return configuration

    def settle(self, version: int | None = None) -> Mapping[str, Any]:
        """Wait until no update is in progress.

        Args:
            version: the number of a version, which is waited for instead of ``$LATEST``.

        Raises:
            AwsError: the last update failed, or does not end; or the version cannot run.
        """
        what, qualifier = f"function `{self._name}`", {}
        if version is not None:
            what, qualifier = f"version {version} of {what}", {"Qualifier": str(version)}

        unseen = 0

        def look() -> Mapping[str, Any]:
            nonlocal unseen
            try:
                with refusing(f"wait for {what}"):
                    return self._client.functions.get_function_configuration(
                        FunctionName=self._name, **qualifier
                    )
            except AwsError as error:
                # AWS may not tell at once of what it has just made.
                unseen += 1
                if error.code != "ResourceNotFoundException" or unseen > _UNSEEN:
                    raise
                return {"State": "Pending"}

        configuration, settled = poll(look, is_settled)
        state, update = configuration.get("State"), configuration.get("LastUpdateStatus")
        if not settled:
            raise AwsError(
                f"{what} does not become ready",
                where=[f"State is {state}, LastUpdateStatus is {update}"],
                hint="run the same command again later: it continues from there",
            )
        # An update of ours failed; an earlier one may be repaired by ours. A version is never repaired.
        if "Failed" in (state, update) and (self.changed or version is not None):
            reason = "StateReason" if state == "Failed" else "LastUpdateStatusReason"
            code = str(configuration.get(f"{reason}Code") or "")
            raise AwsError(
                f"{what} failed",
                code=code,
                where=[str(configuration.get(reason) or code or "no reason given")],
                hint=None
                if version is None
                else "callers do not get it; fix the project or the function's configuration, and deploy again",
            )
        return configuration

    def conflict(self) -> AwsError:
        """The error for a change by somebody else."""
        return AwsError(
            f"somebody else changed function `{self._name}` meanwhile",
            where=["it is neither in the state before this deployment nor in the one after it"],
            hint="look at `wherry plan`, then run the same command again",
        )


def same(first: Snapshot, second: Snapshot | None) -> bool:
    """Whether both are equal in what Wherry manages: all else may be changed by others at any time."""
    return second is not None and replace(first, rest="") == replace(second, rest="")


def is_settled(configuration: Mapping[str, Any]) -> bool:
    """Whether no update is in progress."""
    return (
        configuration.get("State") != "Pending"
        and configuration.get("LastUpdateStatus") != "InProgress"
    )
