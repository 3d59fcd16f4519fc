"""Provisioned concurrency of an alias: AWS moves it to another version in some minutes, and the calls with it.

While it does so, the alias stands at the new version already, but gives the old one a share of the calls. See
https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from wherry.aws.attempts import pauses
from wherry.aws.errors import DENIED, refusing
from wherry.aws.observe import observe_alias
from wherry.errors import AwsError
from wherry.events import ConcurrencyMoving

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.aws.client import Client
    from wherry.events import Reporter

__all__ = ["wait_for_concurrency"]

_LONGEST = 30 * 60.0
"""Seconds after which it is not waited for any more."""


def wait_for_concurrency(client: Client, function: str, alias: str, reporter: Reporter) -> None:
    """Wait until the provisioned concurrency of an alias, if it has some, is that of its version.

    It is not waited for if the caller may not look at it.

    Args:
        client: of the stage.
        function: its name on AWS.
        alias: that was moved.
        reporter: receives the progress.

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
