"""``wherry event``: print a sample event of a service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["command"]


@click.command("event")
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--list", "as_list", is_flag=True, help="List the kinds, or say what this one takes.")
@click.option("--json", "as_json", is_flag=True, help="With --list: one JSON document.")
@click.option(
    "--body",
    metavar="BODY",
    help="The message, the body of the request, the detail of the event; @FILE reads a file, @- stdin.",
)
@click.option(
    "--records",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many records the event has. [default: 1]",
)
@click.option("--region", metavar="NAME", help="The region it comes from. [default: us-east-1]")
@click.option("--bucket", metavar="NAME", help="The bucket.")
@click.option(
    "--key",
    metavar="KEY",
    help="The key of the object or of the message; of dynamodb: the names of the key attributes.",
)
@click.option(
    "--name", metavar="NAME", help="The queue, topic, stream, table, rule … it comes from."
)
@click.option(
    "--type",
    metavar="NAME",
    help="The type of the event as the service calls it, such as ObjectRemoved:Delete.",
)
@click.option("--source", metavar="NAME", help="The source of an event of EventBridge.")
@click.option("--user", metavar="NAME", help="The user it is about.")
@click.option(
    "--item", metavar="JSON", help="The item of DynamoDB as plain JSON; @FILE reads a file."
)
@click.option("--old-item", metavar="JSON", help="The item before the change.")
@click.option(
    "-X",
    "--method",
    metavar="METHOD",
    help="The method of the request. [default: GET, with a body POST]",
)
@click.option("--path", metavar="PATH", help="The path of the request. [default: /]")
@click.option("--query", metavar="QUERY", help="The query of the request, such as a=1&b=2.")
@click.option(
    "-H",
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="A header of the request. May be repeated.",
)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE",
    help="An attribute of the message or user. May be repeated.",
)
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="A claim of the token that an authorizer let through. May be repeated.",
)
@click.option(
    "--via",
    multiple=True,
    metavar="SERVICE",
    help="The service that carries the event: sns, sqs, kinesis, firehose. May be repeated.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PLACE=VALUE",
    help="Change any value, such as Records.0.awsRegion=eu-west-1. May be repeated.",
)
def command(
    *,
    kind: str | None,
    as_list: bool,
    as_json: bool,
    body: str | None,
    headers: Sequence[str],
    attributes: Sequence[str],
    claims: Sequence[str],
    changes: Sequence[str],
    item: str | None,
    old_item: str | None,
    **options: Any,
) -> None:
    """Print a sample event of an AWS service, to edit, or to pipe into `wherry invoke`.

    Each kind of event has some of the options below; `wherry event --list` shows which. `--set` changes any other
    value. Identifiers are new each time, and times are the current time.

    \b
    Examples:
      wherry event sqs --body '{"id": 7}' | wherry invoke worker --event -
      wherry event s3 --bucket invoices --key 2026/11.pdf --via sns --via sqs > event.json
      wherry event dynamodb --type MODIFY --item '{"id": 7, "paid": true}' --old-item '{"id": 7, "paid": false}'
      wherry event http -X POST --path /orders --header 'content-type: application/json' --body @order.json
    """  # noqa: D301  the backspace is click's mark
    from wherry.invoke.event import parse_headers, read_body
    from wherry.sample_events.event import event

    if as_list:
        _list(kind, as_json=as_json)
        return
    if kind is None:
        raise click.UsageError("missing argument 'KIND': `wherry event --list` lists the kinds")
    made = event(
        kind,
        body=None if body is None else read_body(body),
        item=None if item is None else read_body(item),
        old_item=None if old_item is None else read_body(old_item),
        headers=parse_headers(headers),
        attributes=_pairs(attributes, "--attribute"),
        claims=_pairs(claims, "--claim"),
        changes=_pairs(changes, "--set"),
        **options,
    )
    click.echo(json.dumps(made, ensure_ascii=False, indent=2).encode("utf-8", "replace"))


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Names and values of an option that is written as ``NAME=VALUE``."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            lacks = "name" if equals else "`=`"
            raise click.UsageError(f"`{option} {text}` has no {lacks}: write {option} NAME=VALUE")
        found[name] = value
    return found


def _list(name: str | None, *, as_json: bool) -> None:
    """Print the kinds of events, or one."""
    from wherry.cli.render import print_result
    from wherry.sample_events.event import find_kind, option_names
    from wherry.sample_events.kinds import KINDS

    kinds = list(KINDS.values()) if name is None else [find_kind(name)]
    rows = [
        {
            "name": kind.name,
            "summary": kind.summary,
            "options": option_names(kind),
            "types": list(kind.types),
        }
        for kind in kinds
    ]
    width = max(len(kind.name) for kind in kinds) + 2
    lines = []
    for kind in kinds:
        lines += [
            f"{kind.name:{width}}{kind.summary}",
            f"{'':{width}}{' '.join(option_names(kind))}",
        ]
        if len(kind.types) > 1:
            lines.append(f"{'':{width}}types: {', '.join(kind.types)}")
    print_result({"schema": 1, "events": rows}, lines, as_json=as_json)
