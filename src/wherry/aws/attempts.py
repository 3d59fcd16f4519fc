"""Retrying and waiting: the outcome of a call that failed, when to repeat it, and when to stop."""

from __future__ import annotations

import random
import time
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from wherry.aws.errors import CONFLICT, THROTTLED, code_of, translate
from wherry.indexes.boto_errors import is_of_boto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Outcome", "attempt", "outcome", "pauses", "poll"]

Result = TypeVar("Result")

_PRECONDITION = "PreconditionFailedException"


class Outcome(Enum):
    """The outcome of a call that failed."""

    REFUSED = "refused"
    """It was not carried out, and will not be however often it is repeated."""
    LATER = "later"
    """It was not carried out, and may be if it is repeated."""
    EXISTS = "exists"
    """It was not carried out, because what it creates exists already."""
    UNKNOWN = "unknown"
    """The answer was lost: it may have been carried out."""


def outcome(error: Exception) -> Outcome:
    """The outcome of a call, by the exception that boto3 raised."""
    from botocore.exceptions import (
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        HTTPClientError,
    )
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        code = code_of(error)
        if code == CONFLICT and "already exist" in str(error).lower():
            return Outcome.EXISTS
        if code in THROTTLED or code in {CONFLICT, _PRECONDITION}:
            return Outcome.LATER
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return Outcome.UNKNOWN if status >= 500 else Outcome.REFUSED
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return Outcome.LATER
    if isinstance(error, HTTPClientError | ResponseParserError):
        return Outcome.UNKNOWN
    return Outcome.REFUSED


def pauses(*, first: float, most: float, total: float) -> Iterator[float]:
    """Waits of ``total`` seconds, growing from ``first`` to ``most``; random, so that processes do not come back at once."""
    spent, pause = 0.0, first
    while spent < total:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  not used for cryptography
        spent += pause
        pause = min(pause * 2, most)


def attempt(
    doing: str,
    call: Callable[[], Result],
    *,
    look: Callable[[Outcome], Result | None] = lambda _: None,
    total: float = 120.0,
) -> Result:
    """Make a change, repeating the call for ``total`` seconds while that may help.

    ``doing`` follows "cannot": "publish layer `x`". ``look`` looks for the result of a call that failed, given its
    outcome; None repeats the call. With it a change whose answer was lost is not made twice.

    Raises:
        AwsError: AWS refused, or the time is up.
    """
    waits = pauses(first=0.2, most=5.0, total=total)
    while True:
        try:
            return call()
        except Exception as error:
            if not is_of_boto(error):
                raise
            failed = outcome(error)
            # What exists already can be looked at without waiting.
            if failed is Outcome.EXISTS and (result := look(failed)) is not None:
                return result
            pause = None if failed is Outcome.REFUSED else next(waits, None)
            if pause is None:
                raise translate(error, doing) from error
            time.sleep(pause)
            if failed is not Outcome.EXISTS and (result := look(failed)) is not None:
                return result


def poll(look: Callable[[], Result], done: Callable[[Result], bool]) -> tuple[Result, bool]:
    """Look again and again, for ten minutes at most, until it is done.

    Returns the last result of ``look``, and whether it is done.
    """
    for pause in pauses(first=0.1, most=3.0, total=600.0):
        result = look()
        if done(result):
            return result, True
        time.sleep(pause)
    return result, False
