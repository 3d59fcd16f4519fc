"""The kinds of events, and making one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from wherry.errors import EventError
from wherry.problems import did_you_mean, nearest, suggestion
from wherry.sample_events.carriers import carried
from wherry.sample_events.choices import Choices, Event, Kind, compact
from wherry.sample_events.kinds import KINDS
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


__all__ = ["EventOptions", "event", "find_kind", "option_names"]


class EventOptions(TypedDict, total=False):
    """Parts of an event that people change. Each kind of event has some of them.

    Attributes:
        body: the message, the body of the request or the detail of the event: text, bytes, or what JSON can hold.
        records: the number of records in the event; by default 1.
        region: the event comes from; by default ``us-east-1``.
        bucket: of S3.
        key: of the object or message; for DynamoDB the names of the key attributes, separated by commas.
        name: of the queue, topic, stream, table, rule or whatever else the event comes from.
        type: of the event, as the service calls it.
        source: of an event of EventBridge.
        user: the event is about.
        item: of DynamoDB, as plain JSON or with DynamoDB's types.
        old_item: the item before the change.
        method: of the request; by default ``GET``, or ``POST`` if there is a body.
        path: of the request, with its query after a question mark.
        query: of the request, without the question mark.
        headers: of the request.
        attributes: of the message or the user.
        claims: that an authorizer has found in the token.
        via: the services that carry the event, in their order: ``sns``, ``sqs``, ``kinesis``, ``firehose``.
        changes: other values, by their places, such as ``{"Records.0.awsRegion": "eu-west-1"}``.
    """

    body: object
    records: int
    region: str
    bucket: str | None
    key: str | None
    name: str | None
    type: str | None
    source: str | None
    user: str | None
    item: Mapping[str, Any] | str | bytes | None
    old_item: Mapping[str, Any] | str | bytes | None
    method: str | None
    path: str | None
    query: str | None
    headers: Mapping[str, str] | Sequence[tuple[str, str]]
    attributes: Mapping[str, str]
    claims: Mapping[str, str]
    via: Sequence[str]
    changes: Mapping[str, object]


# Options that may be bytes, or stand for bytes.
_BYTES = frozenset({"body", "item", "old_item", "path", "query"})
_COLLECTIONS = frozenset({"attributes", "changes", "claims", "headers", "via"})
# What other tools call a kind, and the kinds that may be meant.
_OTHER_NAMES = {
    "apigateway": ("rest", "http"),
    "api-gateway": ("rest", "http"),
    "apigw": ("rest", "http"),
    "api": ("rest", "http"),
    "authorizer": ("authorizer-token", "authorizer-request", "authorizer-http"),
    "cfn": ("cloudformation",),
    "cloudfront": ("edge",),
    "cloudwatch": ("cloudwatch-logs", "cloudwatch-alarm", "scheduled"),
    "cognito": ("cognito-pre-sign-up", "cognito-post-confirmation"),
    "cron": ("scheduled",),
    "custom-resource": ("cloudformation",),
    "events": ("eventbridge",),
    "logs": ("cloudwatch-logs",),
    "mq": ("activemq", "rabbitmq"),
    "stepfunctions": ("step-functions",),
    "url": ("function-url",),
    "vpc-lattice": ("lattice",),
}


def event(kind: str, **options: Unpack[EventOptions]) -> Event:
    """A sample event of a service of AWS, as it reaches a function.

    Args:
        kind: its name; ``wherry event --list`` lists them.
        options: what is to be changed, as ``wherry.EventOptions`` describes it.

    Raises:
        EventError: there is no such kind, or it has no such option or value.
    """
    found = find_kind(kind)
    given: dict[str, Any] = {
        name: value
        for name, value in options.items()
        if value is not None and (value or name not in _COLLECTIONS)
    }
    via, changes = given.pop("via", ()), given.pop("changes", {})
    _check(found, given)
    choices = Choices(**_normal(given))
    made = found.make(choices)
    if via:
        made = carried(kind, made, choices, via)
    for place, value in changes.items():
        _change(made, place, value)
    return made


def find_kind(name: str) -> Kind:
    """The kind of that name.

    Raises:
        EventError: there is none.
    """
    if name in KINDS:
        return KINDS[name]
    near = _OTHER_NAMES.get(name.lower()) or filter(None, [nearest(name, KINDS)])
    hint = suggestion(near)
    raise EventError(
        f"there is no event `{name}`",
        hint=f"{hint or 'there are many'}\n`wherry event --list` lists all of them",
    )


def _check(kind: Kind, given: Mapping[str, Any]) -> None:
    """Refuse options that the kind would pass over, and values that the service does not know."""
    known = {"region", *kind.options}
    for name in given:
        if name not in known:
            raise EventError(
                f"an event `{kind.name}` has no `{_option(name)}`",
                where=[f"it has {', '.join(option_names(kind))}"],
                hint="change any other value with `--set PLACE=VALUE`",
            )
        if name not in _BYTES and not _is_text(given[name]):
            raise EventError(f"`{_option(name)}` is not text in UTF-8")
    if given.get("records", 1) < 1:
        raise EventError(f"an event cannot have {given['records']} records")
    if (type_ := given.get("type")) is not None and kind.types and type_ not in kind.types:
        raise EventError(
            f"`{type_}` is no type of an event `{kind.name}`",
            where=["its types are " + ", ".join(kind.types)],
            hint=did_you_mean(type_, type_.upper(), type_.capitalize(), known=kind.types),
        )


def _is_text(value: object) -> bool:
    """Whether no string has half of a character, as bytes of an argument that are not UTF-8 come."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() == value
    if isinstance(value, dict):
        return all(map(_is_text, value.items()))
    return not isinstance(value, list | tuple) or all(map(_is_text, value))


def _normal(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as fields of ``Choices``."""
    fields = dict(given)
    if "body" in fields:
        body = fields["body"]
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogateescape")
        fields["body"] = body if isinstance(body, bytes) else compact(body).encode()
        fields.setdefault("method", "POST")
    for name in fields.keys() & {"item", "old_item"}:
        if isinstance(fields[name], str | bytes):
            fields[name] = _object(fields[name], _option(name))
    if "path" in fields:
        path, question, query = fields["path"].partition("?")
        if not path.startswith("/"):
            raise EventError(
                f"`{path}` is not the path of a request", hint="a path begins with a slash"
            )
        fields["path"] = path
        if question:
            fields["query"] = "&".join(filter(None, [query, fields.get("query")]))
    if "headers" in fields and hasattr(fields["headers"], "items"):
        fields["headers"] = tuple(fields["headers"].items())
    if "method" in fields:
        fields["method"] = fields["method"].upper()
    return fields


def _object(text: str | bytes, option: str) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except ValueError as error:
        raise EventError(f"{option} is not JSON", where=[str(error)]) from error
    if not isinstance(value, dict):
        raise EventError(f"{option} is not an object of JSON", hint="""write --item '{"id": 7}'""")
    return value


def option_names(kind: Kind) -> list[str]:
    """The options of a kind as the command line has them."""
    return [_option(name) for name in (*kind.options, "region")]


def _option(name: str) -> str:
    singular = {"headers": "header", "attributes": "attribute", "claims": "claim"}
    return f"--{singular.get(name, name).replace('_', '-')}"


def _change(event: Event, place: str, value: object) -> None:
    r"""Change a value of the event, or add it.

    The names and numbers of ``place`` lead to it, such as ``Records.0.s3.object.size`` or, as jq has it,
    ``.Records[0].s3.object.size``; a dot or bracket that is part of a name has a backslash before it. Text that is JSON
    is read as such.

    Raises:
        EventError: there is no such place.
    """
    marked = place.removeprefix(".").replace("\\.", "\0").replace("\\[", "\1")
    parts = re.sub(r"\[([0-9]+)\]", r".\1", marked).split(".")
    *path, last = [part.replace("\0", ".").replace("\1", "[") for part in parts]
    target: Any = event
    for number, part in enumerate(path):
        here = ".".join(path[: number + 1])
        if isinstance(target, dict) and part in target:
            target = target[part]
        else:
            target = target[_index(target, part, here)]
    if isinstance(target, dict):
        target[last] = _value(value)
    else:
        target[_index(target, last, place)] = _value(value)


def _value(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value


def _index(target: Any, part: str, place: str) -> int:
    if isinstance(target, list) and part.isascii() and part.isdigit() and int(part) < len(target):
        return int(part)
    has = f"it has {len(target)} entries, counted from 0" if isinstance(target, list) else None
    if isinstance(target, dict):
        has = "it has " + ", ".join(f"`{name}`" for name in target)
    raise EventError(
        f"there is no `{place}` in the event",
        where=[has or "what stands before it has no parts"],
        hint=did_you_mean(part, known=target) if isinstance(target, dict) else None,
    )
