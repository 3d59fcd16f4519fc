"""`wherry logs`: in order, each event once, and followed."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import wherry as public
from support.aws_faults import ACCESS_DENIED, THROTTLED
from support.deployments import FUNCTION, Site, hasty
from support.zips import zip_bytes
from wherry.aws.logs import parse_since
from wherry.errors import AwsError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.aws_account import Account
    from support.aws_faults import Call, Proxy

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class Enough(Exception):  # noqa: N818
    """Whoever follows has seen enough."""


STREAMS = ("2026/11/28/[1]aa", "2026/11/28/[2]bb")


@pytest.fixture
def site(new_site: Site, account: Account, proxy: Proxy) -> Site:
    code = zip_bytes({"x.py": ""})
    account.function(FUNCTION, code)
    account.function("shop-jobs", code)

    def with_group(call: Call, data: bytes) -> bytes:
        """The stand-in knows no log group of a function."""
        if call.operation != "GetFunctionConfiguration" or FUNCTION not in call.path:
            return data
        return json.dumps({**json.loads(data), "LoggingConfig": {"LogGroup": "/shop"}}).encode()

    proxy.edit = with_group
    new_site.add('[functions.jobs]\nhandler = "shop.api.handler"')
    new_site.add('[stages.staging.functions.jobs]\nname = "shop-jobs"')
    return new_site


def write(account: Account, group: str, stream: str, *lines: tuple[int, str]) -> None:
    """Events of a stream, each with how many milliseconds before now it was written."""
    logs = account.client("logs")
    for make, given in (
        (logs.create_log_group, {}),
        (logs.create_log_stream, {"logStreamName": stream}),
    ):
        with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
            make(logGroupName=group, **given)
    now = int(time.time() * 1000)
    events = [{"timestamp": now - before, "message": text} for before, text in lines]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_they_are_merged_by_time(site: Site) -> None:
    """Of several functions and streams; each line of a message begins with its function."""
    account = site.account
    write(account, "/shop", STREAMS[0], (4000, "one\n"), (1000, "four\rTraceback\r\n"))
    write(account, "/shop", STREAMS[1], (3000, "two \x1b[31m\n"))
    write(account, "/aws/lambda/shop-jobs", STREAMS[0], (1_200_000, "old"), (2000, "three"))
    done = site.run("logs", "staging", code=0)
    assert done.out.splitlines() == [
        "api: one", "api: two \\x1b[31m", "jobs: three", "api: four", "api: Traceback",
    ]  # fmt: skip
    assert done.err == ""
    done = site.run("logs", "staging", "api", "--filter", "two", code=0)
    assert done.out == "two \\x1b[31m\n"
    done = site.run("logs", "staging", "jobs", "--since", "1h", "--timestamps", code=0)
    first, second = done.out.splitlines()
    assert first.endswith("Z old")
    assert second.endswith("Z three")


def test_as_json(site: Site) -> None:
    write(site.account, "/shop", STREAMS[0], (1000, '{"level": "INFO"}\n'))
    # What is JSON already comes as it is.
    assert site.run("logs", "staging", "api", code=0).out == '{"level": "INFO"}\n'
    document = site.run("logs", "staging", "api", "--json", code=0).document
    assert document.pop("event_id")
    assert document.pop("timestamp").startswith("20")
    assert document == {
        "schema": 1, "function": "api", "message": '{"level": "INFO"}', "stream": STREAMS[0],
    }  # fmt: skip


def test_nothing_was_logged(site: Site) -> None:
    done = site.run("logs", "staging", "api", code=0)
    assert done.out == ""
    assert done.err.startswith(
        "note: `api` has logged nothing yet: there is no log group `/shop`\n"
    )
    site.account.functions.delete_function(FunctionName="shop-jobs")
    done = site.run("logs", "staging", code=1)
    assert done.err.startswith("error: there is no function `shop-jobs` in eu-west-1\n")
    assert site.run("logs", "staging", "dependencies", code=1).err.startswith(
        "error: a layer has no"
    )


def collect(found: list[str], events: Iterator[public.LogEvent]) -> None:
    """What was found before an exception stays."""
    for event in events:
        found.append(event.message)  # noqa: PERF401


def test_following(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """New events as they come, late ones too, none twice, and an API that is busy for a while."""
    account = site.account
    write(account, "/shop", STREAMS[0], (5000, "one"))
    steps = [
        lambda: write(account, "/shop", STREAMS[1], (8000, "late"), (0, "two")),
        lambda: site.proxy.inject(THROTTLED, operation="FilterLogEvents", attempts=None),
        site.proxy.forget,
        lambda: write(account, "/shop", STREAMS[0], (0, "three")),
    ]
    real = time.sleep

    def sleep(seconds: float) -> None:
        if seconds < 2:
            real(seconds / 100)
        elif steps:
            steps.pop(0)()
        else:
            raise Enough

    monkeypatch.setattr(time, "sleep", sleep)
    found: list[str] = []
    with account.here(url=site.proxy.url):
        events = public.read_logs(site.root, "staging", names=["api"], follow=True)
        with pytest.raises(Enough):
            collect(found, events)
    assert found == ["one", "late", "two", "three"]


def test_a_refusal_ends_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.proxy.inject(ACCESS_DENIED, operation="FilterLogEvents", attempts=None)
    with site.account.here(url=site.proxy.url), hasty(monkeypatch):
        events = public.read_logs(site.root, "staging", names=["api"], follow=True)
        with pytest.raises(AwsError, match="cannot read the log `/shop`") as caught:
            next(events)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("allow `logs:FilterLogEvents`")


def test_times() -> None:
    assert parse_since("90s", now=NOW) == NOW - timedelta(seconds=90)
    assert parse_since("2h", now=NOW) == NOW - timedelta(hours=2)
    assert parse_since("1d", now=NOW) == NOW - timedelta(days=1)
    assert parse_since("2026-11-28T08:00Z") == datetime(2026, 11, 28, 8, tzinfo=UTC)
    assert parse_since("2026-11-28T08:00").tzinfo is not None
    for wrong in ("", "10", "10y", "yesterday", "9" * 9 + "w"):
        with pytest.raises(SettingsError, match="is not a time"):
            parse_since(wrong, now=NOW)
