"""``wherry cache``: show, verify and prune the store."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from wherry.sizes import count, format_size

if TYPE_CHECKING:
    from wherry.store import StoreUsage

__all__ = ["command"]


@click.group("cache")
def command() -> None:
    """Show, verify or prune the store of fetched and built files.

    The store holds wheels by the digest of their content, and small results derived from them. It can be
    removed at any time: files are fetched again when they are needed. $WHERRY_CACHE_DIR sets its folder.
    """


@command.command("dir")
def directory() -> None:
    """Print the store's folder."""
    from wherry.store import Store

    click.echo(Store.default().root)


@command.command("size")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show_size(*, as_json: bool) -> None:
    """Print how big the store is, by kind of content."""
    from wherry.store import Store

    usage = Store.default().usage()
    if as_json:
        click.echo(json.dumps(_document(usage)))
        return
    for kind, total in sorted(usage.kinds.items()):
        click.echo(f"{kind:<16} {format_size(total):>10}")
    click.echo(f"{'total':<16} {format_size(usage.size):>10}  in {count(usage.files, 'file')}")


@command.command("verify")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(*, as_json: bool) -> None:
    """Read every file again, and remove damaged ones.

    A build does the same with each file that it needs and that has changed; a build that needs a removed file fetches
    it again.
    """
    from wherry.store import Store

    outcome = Store.default().verify()
    if as_json:
        click.echo(json.dumps({"schema": 1, **to_builtins(outcome)}))
        return
    line = f"Verified {count(outcome.files, 'file')} ({format_size(outcome.size)})"
    if number := len(outcome.damaged):
        line += f", removed {number} that {'was' if number == 1 else 'were'} damaged"
    click.echo(line, err=True)


class _Age(click.ParamType[timedelta]):
    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        match = re.fullmatch(r"(\d+)([dhw])", str(value))
        if match is None:
            self.fail("an age is a number and d, h or w, such as 30d", param, ctx)
        unit = {"h": "hours", "d": "days", "w": "weeks"}[match[2]]
        try:
            return timedelta(**{unit: int(match[1])})
        except (OverflowError, ValueError):
            self.fail("it is too large", param, ctx)


@command.command("prune")
@click.option(
    "--older-than",
    type=_Age(),
    metavar="AGE",
    help="Remove only what was not used for that long: 30d, 12h, 4w. [default: remove everything]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def prune(*, older_than: timedelta | None, as_json: bool) -> None:
    """Remove files from the store. A build that needs one again fetches it again."""
    from wherry.store import Store

    removed = Store.default().prune(older_than=older_than)
    if as_json:
        click.echo(json.dumps(_document(removed)))
    else:
        click.echo(
            f"Removed {count(removed.files, 'file')} ({format_size(removed.size)})", err=True
        )


def _document(usage: StoreUsage) -> dict[str, object]:
    return {"schema": 1, **to_builtins(usage), "kinds": dict(sorted(usage.kinds.items()))}
