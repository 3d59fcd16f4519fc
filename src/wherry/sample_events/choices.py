"""Parts of a sample event that people change, and what the events of many services have in common."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import field

from wherry.invoke.variables import ACCOUNT
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Choices", "Event", "Kind", "compact", "encoded", "new_id"]

Event: TypeAlias = dict[str, Any]


class Choices(Struct, frozen=True, kw_only=True):
    """Parts of an event that people change, as ``EventOptions`` describes them; None stands for an example.

    Attributes:
        now: the time of the event.
    """

    body: bytes | None = None
    records: int = 1
    region: str = "us-east-1"
    bucket: str | None = None
    key: str | None = None
    name: str | None = None
    type: str | None = None
    source: str | None = None
    user: str | None = None
    item: Mapping[str, Any] | None = None
    old_item: Mapping[str, Any] | None = None
    method: str = "GET"
    path: str = "/"
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in the region of the event."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"

    @property
    def milliseconds(self) -> int:
        """The time since the epoch."""
        return int(self.now.timestamp() * 1000)


class Kind(Struct, frozen=True, kw_only=True):
    """A kind of event.

    Attributes:
        summary: the cause of the event, in a few words.
        options: the names of the fields of ``Choices`` that it heeds, besides ``region``.
        types: the values of ``type``, the first of which is the default; empty for any.
    """

    name: str
    summary: str
    make: Callable[[Choices], Event]
    options: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


def compact(document: object) -> str:
    """A document in one line of JSON."""
    return json.dumps(document, ensure_ascii=False)


def encoded(data: bytes) -> str:
    """The data in base64."""
    return base64.b64encode(data).decode()


def new_id() -> str:
    """A UUID."""
    return str(uuid.uuid4())
