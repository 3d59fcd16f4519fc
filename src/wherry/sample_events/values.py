"""Values that templates of events name, made from what people choose and from the present."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote, quote_plus

from wherry.errors import EventError
from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.attribute_values import key_names, marshalled
from wherry.sample_events.choices import Choices, encoded, new_id
from wherry.structs import Struct
from wherry.untrusted import parse_json

__all__ = ["Values"]

_HOUR = 3_600_000
"""Milliseconds."""


class Values(Struct, frozen=True, kw_only=True):
    """Each property is a value that a template can name; so is each option.

    Attributes:
        choices: what people choose, with the defaults of the kind.
        id: of the event, for what has one identifier in several places.
        example: whether the body is the default.
        number: of the record, from 0.
        value: of the attribute.
    """

    choices: Choices
    id: str
    example: bool
    number: int = 0
    value: str = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.choices, name)

    # The account, identifiers and numbers.

    account = ACCOUNT

    @property
    def plain_region(self) -> str:
        """The region without dashes."""
        return self.choices.region.replace("-", "")

    @property
    def uuid(self) -> str:
        """Another one each time."""
        return new_id()

    @property
    def hexadecimal_id(self) -> str:
        """A UUID without dashes, another one each time."""
        return new_id().replace("-", "")

    @property
    def token(self) -> str:
        """Text that means nothing, in base64."""
        return encoded(new_id().encode())

    @property
    def long_token(self) -> str:
        """The same, longer."""
        return encoded(new_id().encode() * 2)

    @property
    def ordinal(self) -> int:
        """The number of the record, from 1."""
        return self.number + 1

    @property
    def record_count(self) -> int:
        """The number of records."""
        return self.choices.records

    @property
    def record_id(self) -> str:
        """The identifier of a record of Firehose."""
        return f"{self.number:056d}"

    @property
    def message_number(self) -> str:
        """The sequence number of a message of a FIFO queue."""
        return str(18849496460467696128 + self.number)

    @property
    def change_number(self) -> str:
        """The sequence number of a change of DynamoDB."""
        return str(4421584500000000017450439091 + self.number)

    @property
    def stream_number(self) -> str:
        """The sequence number of a record of Kinesis."""
        return str((self.milliseconds << 140) + self.number)

    @property
    def log_id(self) -> str:
        """The identifier of a line of a log."""
        return f"{(self.milliseconds << 150) + self.number:056d}"

    @property
    def sequencer(self) -> str:
        """The order of the changes of an object of S3."""
        return f"{self.milliseconds:018X}"

    # Times.

    @property
    def time(self) -> str:
        """Such as ``2026-11-28T22:30:00.123Z``."""
        now = self.choices.now
        return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"

    @property
    def time_in_seconds(self) -> str:
        """Such as ``2026-11-28T22:30:00Z``."""
        return f"{self.choices.now:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def time_with_offset(self) -> str:
        """Such as ``2026-11-28T22:30:00.123+0000``."""
        return self.time.replace("Z", "+0000")

    @property
    def mail_time(self) -> str:
        """Such as ``Sat, 28 Nov 2026 22:30:00 +0000``."""
        return f"{self.choices.now:%a, %d %b %Y %H:%M:%S +0000}"

    @property
    def american_time(self) -> str:
        """Such as ``Nov 28, 2026, 10:30:00 PM``."""
        return f"{self.choices.now:%b %d, %Y, %I:%M:%S %p}"

    @property
    def date_path(self) -> str:
        """Such as ``2026/11/28``."""
        return f"{self.choices.now:%Y/%m/%d}"

    @property
    def epoch(self) -> float:
        """The seconds since the epoch, with their fraction."""
        return self.milliseconds / 1000

    @property
    def seconds(self) -> int:
        """The seconds since the epoch."""
        return self.milliseconds // 1000

    @property
    def milliseconds(self) -> int:
        """The milliseconds since the epoch; so are those that follow."""
        return self.choices.milliseconds

    @property
    def next_millisecond(self) -> int:
        """Of the next millisecond."""
        return self.milliseconds + 1

    @property
    def second_ago(self) -> int:
        """Of a second ago."""
        return self.milliseconds - 1000

    @property
    def hour_ago(self) -> int:
        """Of an hour ago."""
        return self.milliseconds - _HOUR

    @property
    def hour_ahead(self) -> int:
        """Of an hour from now."""
        return self.milliseconds + _HOUR

    # The body.

    @property
    def text(self) -> str:
        """The body as text."""
        return self.choices.text("")

    @property
    def document(self) -> Any:
        """The body as the value of a JSON document.

        Raises:
            EventError: it is not JSON.
        """
        try:
            return parse_json(self._data)
        except ValueError as error:
            raise EventError(
                "the body is not JSON", where=[str(error)], hint="""write --body '{"id": 7}'"""
            ) from error

    @property
    def base64(self) -> str:
        """The body in base64."""
        return encoded(self._data)

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return len(self._data)

    @property
    def md5(self) -> str:
        """The digest of the body."""
        return _md5(self._data)

    @property
    def text_md5(self) -> str:
        """The digest of the body as text."""
        return _md5(self.text.encode())

    @property
    def subject(self) -> str | None:
        """The subject of a message of SNS, which the example has."""
        return "Example" if self.example else None

    @property
    def _data(self) -> bytes:
        return self.choices.body or b""

    # Other options in the forms that services want.

    @property
    def headers(self) -> dict[str, str]:
        """The last value of each header."""
        return dict(self.choices.headers)

    @property
    def form_key(self) -> str:
        """The key, written as a browser writes a form: a space is a plus sign."""
        return quote_plus(self.choices.key or "", safe="/")

    @property
    def url_key(self) -> str:
        """The key as part of an address."""
        return quote(self.choices.key or "")

    @property
    def base64_key(self) -> str:
        """The key in base64."""
        return encoded((self.choices.key or "").encode())

    @property
    def value_bytes(self) -> list[int]:
        """The value of an attribute."""
        return list(self.value.encode())

    @property
    def field(self) -> str:
        """The field of AppSync that the name ends with."""
        return (self.choices.name or "").rpartition(".")[2]

    @property
    def parent_type(self) -> str:
        """The type of AppSync that the name begins with."""
        return (self.choices.name or "").rpartition(".")[0] or "Query"

    @property
    def segments(self) -> list[str]:
        """The parts of the path."""
        return [part for part in self.choices.path.split("/") if part]

    @property
    def namespace(self) -> str:
        """The first part of the path."""
        return next(iter(self.segments), "default")

    # Items of DynamoDB.

    @property
    def new_image(self) -> dict[str, Any]:
        """The item with DynamoDB's types."""
        return marshalled(self.choices.item or {})

    @property
    def old_image(self) -> dict[str, Any]:
        """The item before the change; the same unless another is given."""
        return marshalled(self.choices.old_item or self.choices.item or {})

    @property
    def keys(self) -> dict[str, Any]:
        """The key of the item."""
        image = self._image
        return {name: image[name] for name in key_names(image, self.choices.key)}

    @property
    def image_size(self) -> int:
        """About as many bytes as the item has."""
        return len(str(self._image))

    @property
    def _image(self) -> dict[str, Any]:
        return self.old_image if self.choices.type == "REMOVE" else self.new_image


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
