"""Services that carry the events of others: a notification of S3 inside a message of SNS inside a queue."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import EventError
from wherry.sample_events.choices import Choices, Event, compact
from wherry.sample_events.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["CARRIERS", "carried"]

CARRIERS = ("sns", "sqs", "kinesis", "firehose")
"""The kinds that carry others."""


def carried(name: str, event: Event, choices: Choices, via: Sequence[str]) -> Event:
    """The event of the last carrier, which has the first event, of the kind ``name``, inside.

    Raises:
        EventError: there is no such carrier.
    """
    bodies = _messages(name, event)
    plain = replace(choices, name=None, key=None, attributes={}, records=1)
    for place, carrier in enumerate(via):
        if carrier not in CARRIERS:
            raise EventError(
                f"`{carrier}` carries no events of others",
                where=["these do: " + ", ".join(CARRIERS)],
            )
        inner = [replace(plain, body=body) for body in bodies]
        if carrier == "sns" and place < len(via) - 1:
            # A topic hands its own document on, and not the event that Lambda makes of it.
            bodies = [body for each in inner for body in _notifications(KINDS["sns"].make(each))]
            continue
        events = [KINDS[carrier].make(each) for each in inner]
        event = events[0]
        records = "Records" if "Records" in event else "records"
        event[records] = [record for each in events for record in each[records]]
        bodies = [compact(event).encode()]
    return event


def _messages(name: str, event: Event) -> list[bytes]:
    """The documents that the first carrier gets."""
    if name == "sns":
        return _notifications(event)
    if name == "cloudwatch-logs":
        return [base64.b64decode(event["awslogs"]["data"])]
    if name in {"dynamodb", "sqs"}:
        # Streams get each of them on its own.
        return [compact(record).encode() for record in event["Records"]]
    return [compact(event).encode()]


def _notifications(event: Event) -> list[bytes]:
    """The messages of a topic as other subscribers than Lambda get them."""
    urls = {"SigningCertUrl": "SigningCertURL", "UnsubscribeUrl": "UnsubscribeURL"}
    return [
        compact({urls.get(name, name): value for name, value in record["Sns"].items()}).encode()
        for record in event["Records"]
    ]
