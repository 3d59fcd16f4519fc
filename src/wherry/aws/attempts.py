"""What became of a call that failed, and how long to wait before the next."""

from __future__ import annotations

import random
import time
from enum import Enum
from typing import TYPE_CHECKING

from wherry.aws.refusal import CONFLICT, THROTTLED, code_of, translate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.errors import AwsError

__all__ = ["Fate", "Retrying", "fate", "pauses"]


class Fate(Enum):
    """What became of a call that failed."""

    REFUSED = "refused"
    """It was not carried out, and will not be however often it is asked for."""
    LATER = "later"
    """It was not carried out, and may be if it is asked for again."""
    UNKNOWN = "unknown"
    """The answer was lost: it may have been carried out."""


_PRECONDITION = "PreconditionFailedException"


def fate(error: Exception) -> Fate:
    """What became of a call, by what boto3 raised."""
    from botocore.exceptions import (
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        HTTPClientError,
    )
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        code = code_of(error)
        if code in THROTTLED or code in {CONFLICT, _PRECONDITION}:
            return Fate.LATER
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return Fate.UNKNOWN if status >= 500 else Fate.REFUSED
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
        return Fate.LATER
    return (
        Fate.UNKNOWN if isinstance(error, HTTPClientError | ResponseParserError) else Fate.REFUSED
    )


def pauses(*, first: float, most: float, total: float) -> Iterator[float]:
    """Seconds to wait, longer and longer, each somewhat by chance so that many do not come back at once.

    Args:
        first: about the first.
        most: none is longer.
        total: all of them together are about that long.
    """
    spent, pause = 0.0, first
    while spent < total:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311  nothing secret about it
        spent += pause
        pause = min(pause * 2, most)


class Retrying:
    """How often and how long one change is tried."""

    def __init__(self, doing: str, *, total: float = 120.0) -> None:
        """``doing`` is what is being done, as it follows "cannot"; ``total`` is in seconds."""
        self.doing = doing
        self._pauses = pauses(first=0.2, most=5.0, total=total)

    def after(self, error: Exception) -> Fate:
        """Wait before the next attempt, and say what became of the last one.

        Raises:
            AwsError: there is no use in another.
        """
        became = fate(error)
        if became is Fate.REFUSED:
            raise self.give_up(error) from error
        pause = next(self._pauses, None)
        if pause is None:
            raise self.give_up(error) from error
        time.sleep(pause)
        return became

    def give_up(self, error: Exception) -> AwsError:
        """The error in our terms."""
        return translate(error, self.doing)
