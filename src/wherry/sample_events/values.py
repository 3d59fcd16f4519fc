"""Values that templates of events name, made from what people choose and from the present."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from wherry.errors import EventError
from wherry.invoke.variables import ACCOUNT
from wherry.problems import did_you_mean
from wherry.sample_events.choices import Choices, encoded, new_id
from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["OMIT", "Values"]

OMIT = object()
"""The value of a member that an event does not have."""


class Values(Struct, frozen=True, kw_only=True):
    """The values of an event by their names: those of the table below, and the options.

    Attributes:
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

    def text(self) -> str:
        """The body as text.

        Raises:
            EventError: it is not UTF-8.
        """
        try:
            # A mark of the order of bytes, as Windows writes it into files, is no part of the text.
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise EventError(
                "the body is not text in UTF-8", where=["the service carries text only"]
            ) from error

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
        return _marshalled((old and choices.old_item) or choices.item or {})

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
    return {name: image[name] for name in _key_names(image, values.choices.key)}


def _route(values: Values) -> str:
    """The route of a WebSocket API."""
    choices = values.choices
    of_type = {"CONNECT": "$connect", "DISCONNECT": "$disconnect"}
    return choices.name or of_type.get(choices.type or "", "$default")


def _lists(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """The values of each name."""
    lists: dict[str, list[Any]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _lower_headers(values: Values) -> dict[str, list[str]]:
    return _lists((name.lower(), value) for name, value in values.choices.headers)


def _query(values: Values) -> dict[str, list[str]]:
    """The values of each name of the query, as they are written."""
    parts = filter(None, values.choices.query.split("&"))
    return _lists((part.partition("=")[0], part.partition("=")[2]) for part in parts)


def _text_or_base64(values: Values) -> tuple[str, bool]:
    """The body, and whether it is in base64."""
    try:
        return values.data.decode(), False
    except UnicodeDecodeError:
        return encoded(values.data), True


def _edge_body(values: Values) -> object:
    if values.choices.body is None:
        return OMIT
    return {
        "inputTruncated": False,
        "action": "read-only",
        "encoding": "base64",
        "data": encoded(values.data),
    }


def _segments(values: Values) -> list[str]:
    return [part for part in values.choices.path.split("/") if part]


def _name_parts(values: Values) -> tuple[str, str]:
    """The type and the field of AppSync that a name consists of."""
    parent, _, name = (values.choices.name or "").rpartition(".")
    return parent or "Query", name


_VALUES: Mapping[str, Callable[[Values], object]] = {
    "omit": lambda _: OMIT,
    # The account, the region without dashes, and identifiers, other ones each time but for `id`.
    "account": lambda _: ACCOUNT,
    "plain_region": lambda values: values.choices.region.replace("-", ""),
    "id": lambda values: values.id,
    "uuid": lambda _: new_id(),
    "hexadecimal_id": lambda _: new_id().replace("-", ""),
    "token": lambda _: encoded(new_id().encode()),
    "short_token": lambda _: encoded(new_id().encode()[:8]),
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
    "request_time": lambda values: values.time("%d/%b/%Y:%H:%M:%S +0000"),
    "date_path": lambda values: values.time("%Y/%m/%d"),
    # Since the epoch: in seconds, with and without their fraction, in milliseconds, and in microseconds.
    "epoch": lambda values: values.milliseconds / 1000,
    "seconds": lambda values: values.milliseconds // 1000,
    "milliseconds": lambda values: values.milliseconds,
    "microseconds": lambda values: values.milliseconds * 1000,
    "next_millisecond": lambda values: values.milliseconds + 1,
    "second_ago": lambda values: values.milliseconds - 1000,
    "hour_ago": lambda values: values.milliseconds - 3_600_000,
    "hour_ahead": lambda values: values.milliseconds + 3_600_000,
    # The body. The subject of a message of SNS is the example's alone.
    "text": Values.text,
    "document": Values.document,
    "base64": lambda values: encoded(values.data),
    "size": lambda values: len(values.data),
    "md5": lambda values: _md5(values.data),
    "text_md5": lambda values: _md5(values.text().encode()),
    "subject": lambda values: "Example" if values.example else None,
    "text_or_base64": lambda values: _text_or_base64(values)[0],
    "is_base64": lambda values: _text_or_base64(values)[1],
    "edge_body": _edge_body,
    # Requests.
    "route": _route,
    "path_and_query": lambda values: "?".join(
        filter(None, (values.choices.path, values.choices.query))
    ),
    "query_lists": _query,
    "last_of_query": lambda values: {name: each[-1] for name, each in _query(values).items()},
    "headers": lambda values: dict(values.choices.headers),
    "header_lists": lambda values: _lists(values.choices.headers),
    "lower_header_lists": _lower_headers,
    "joined_headers": lambda values: {
        name: ", ".join(each) for name, each in _lower_headers(values).items()
    },
    "keyed_headers": lambda values: _lists(
        (name.lower(), {"key": name, "value": value}) for name, value in values.choices.headers
    ),
    # Other options as services want them. In a form, a space is a plus sign.
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


_TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})


def _marshalled(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with DynamoDB's types; one that has them already, everywhere, is left as it is."""
    if item and all(map(_is_typed, item.values())):
        return dict(item)
    return {name: _typed(value) for name, value in item.items()}


def _key_names(item: Mapping[str, Any], names: str | None) -> list[str]:
    """The names of an item's key attributes, separated by commas; by default the usual ones, else the first.

    Raises:
        EventError: the item has no such attribute.
    """
    if names is None:
        usual = [name for name in ("id", "pk", "PK", "sk", "SK") if name in item]
        return usual or list(item)[:1]
    keys = [name.strip() for name in names.split(",")]
    for name in keys:
        if name not in item:
            raise EventError(
                f"the item has no attribute `{name}` to be its key",
                where=["it has " + ", ".join(f"`{each}`" for each in item)],
                hint=did_you_mean(name, known=item),
            )
    return keys


def _is_typed(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and not value.keys() - _TYPES


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case Mapping():
            return {"M": {str(name): _typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case set() | frozenset() if value:
            kinds = {next(iter(_typed(each))) for each in value}
            values = [next(iter(_typed(each).values())) for each in value]
            if len(kinds) == 1 and kinds <= {"S", "N", "B"}:
                return {f"{kinds.pop()}S": sorted(values)}
    raise EventError(
        f"DynamoDB has no type for a value of `{type(value).__name__}`",
        where=[
            "its types are those of JSON, bytes, and sets of one kind of text, numbers or bytes"
        ],
    )
