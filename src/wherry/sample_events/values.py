"""Values that templates of events name, made from what people choose and from the present."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from wherry.errors import EventError
from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.attribute_values import key_names, marshalled
from wherry.sample_events.choices import Choices, encoded, new_id
from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Values"]


class Values(Struct, frozen=True, kw_only=True):
    """The values of an event by their names: those of the table below, and the options.

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

    def __getitem__(self, name: str) -> Any:
        """The value of that name.

        Raises:
            EventError: the body is not what the kind of event wants.
            AttributeError: there is none.
        """
        make = _VALUES.get(name)
        return getattr(self.choices, name) if make is None else make(self)

    @property
    def data(self) -> bytes:
        """The body."""
        return self.choices.body or b""

    @property
    def milliseconds(self) -> int:
        """The time since the epoch."""
        return self.choices.milliseconds

    def time(self, form: str) -> str:
        """The time in a form of ``strftime``."""
        return self.choices.now.strftime(form)

    def document(self) -> Any:
        """The body as the value of a JSON document.

        Raises:
            EventError: it is not JSON.
        """
        try:
            return parse_json(self.data)
        except ValueError as error:
            raise EventError(
                "the body is not JSON", where=[str(error)], hint="""write --body '{"id": 7}'"""
            ) from error

    def image(self, *, old: bool) -> dict[str, Any]:
        """The item with DynamoDB's types; before the change it was the same unless another is given."""
        choices = self.choices
        return marshalled((old and choices.old_item) or choices.item or {})

    def changed_image(self) -> dict[str, Any]:
        """The item that a change is about."""
        return self.image(old=self.choices.type == "REMOVE")


def _milliseconds(values: Values) -> str:
    now = values.choices.now
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _keys(values: Values) -> dict[str, Any]:
    image = values.changed_image()
    return {name: image[name] for name in key_names(image, values.choices.key)}


def _segments(values: Values) -> list[str]:
    return [part for part in values.choices.path.split("/") if part]


def _name_parts(values: Values) -> tuple[str, str]:
    """The type and the field of AppSync that a name consists of."""
    parent, _, name = (values.choices.name or "").rpartition(".")
    return parent or "Query", name


_VALUES: Mapping[str, Callable[[Values], object]] = {
    # The account, the region without dashes, and identifiers, other ones each time but for `id`.
    "account": lambda _: ACCOUNT,
    "plain_region": lambda values: values.choices.region.replace("-", ""),
    "id": lambda values: values.id,
    "uuid": lambda _: new_id(),
    "hexadecimal_id": lambda _: new_id().replace("-", ""),
    "token": lambda _: encoded(new_id().encode()),
    "long_token": lambda _: encoded(new_id().encode() * 2),
    # The number of the record, from 0 and from 1, and what services make of it.
    "number": lambda values: values.number,
    "ordinal": lambda values: values.number + 1,
    "record_count": lambda values: values.choices.records,
    "record_id": lambda values: f"{values.number:056d}",
    "message_number": lambda values: str(18849496460467696128 + values.number),
    "change_number": lambda values: str(4421584500000000017450439091 + values.number),
    "stream_number": lambda values: str((values.milliseconds << 140) + values.number),
    "log_id": lambda values: f"{(values.milliseconds << 150) + values.number:056d}",
    "sequencer": lambda values: f"{values.milliseconds:018X}",
    # Times as text.
    "time": lambda values: f"{_milliseconds(values)}Z",
    "time_with_offset": lambda values: f"{_milliseconds(values)}+0000",
    "time_in_seconds": lambda values: values.time("%Y-%m-%dT%H:%M:%SZ"),
    "mail_time": lambda values: values.time("%a, %d %b %Y %H:%M:%S +0000"),
    "american_time": lambda values: values.time("%b %d, %Y, %I:%M:%S %p"),
    "date_path": lambda values: values.time("%Y/%m/%d"),
    # Since the epoch: in seconds, with and without their fraction; the others in milliseconds.
    "epoch": lambda values: values.milliseconds / 1000,
    "seconds": lambda values: values.milliseconds // 1000,
    "milliseconds": lambda values: values.milliseconds,
    "next_millisecond": lambda values: values.milliseconds + 1,
    "second_ago": lambda values: values.milliseconds - 1000,
    "hour_ago": lambda values: values.milliseconds - 3_600_000,
    "hour_ahead": lambda values: values.milliseconds + 3_600_000,
    # The body. The subject of a message of SNS is the example's alone.
    "text": lambda values: values.choices.text(""),
    "document": Values.document,
    "base64": lambda values: encoded(values.data),
    "size": lambda values: len(values.data),
    "md5": lambda values: _md5(values.data),
    "text_md5": lambda values: _md5(values.choices.text("").encode()),
    "subject": lambda values: "Example" if values.example else None,
    # Other options as services want them. In a form, a space is a plus sign.
    "headers": lambda values: dict(values.choices.headers),
    "form_key": lambda values: quote_plus(values.choices.key or "", safe="/"),
    "url_key": lambda values: quote(values.choices.key or ""),
    "base64_key": lambda values: encoded((values.choices.key or "").encode()),
    "parent_type": lambda values: _name_parts(values)[0],
    "field": lambda values: _name_parts(values)[1],
    "segments": _segments,
    "namespace": lambda values: next(iter(_segments(values)), "default"),
    "value": lambda values: values.value,
    "value_bytes": lambda values: list(values.value.encode()),
    # Items of DynamoDB.
    "new_image": lambda values: values.image(old=False),
    "old_image": lambda values: values.image(old=True),
    "keys": _keys,
    "image_size": lambda values: len(str(values.changed_image())),
}
