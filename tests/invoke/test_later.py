"""Asynchronous events of functions that fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import boto3
import pytest
from botocore.config import Config

from support.serving import CallableSession, build_of, ran, serve_build, served_as
from wherry.errors import InvokeError
from wherry.invoke.later import DELAYS, Later
from wherry.invoke.outcome import FunctionError, Invocation
from wherry.invoke.server import Served

BOOM = ran(b"{}", error=FunctionError(type="ValueError", message="boom"))
QUICK = (0.05, 0.1)


def call(url: str, name: str = "api") -> str:
    client = boto3.client(
        "lambda",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(proxies={}),
    )
    answer = client.invoke(FunctionName=name, InvocationType="Event")
    assert answer["StatusCode"] == 202
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("retries", "failures", "expected", "last"),
    [
        (2, 9, 3, "all 3 attempts have failed; AWS Lambda discards the event"),
        (2, 1, 2, None),
        (1, 9, 2, "all 2 attempts have failed"),
        (0, 9, 1, "the only attempt"),
    ],
)
def test_a_function_that_fails_gets_its_event_again(
    retries: int, failures: int, expected: int, last: str | None
) -> None:
    left = failures
    times: list[float] = []

    def handler(_: bytes) -> Invocation:
        nonlocal left
        times.append(time.monotonic())
        left -= 1
        return BOOM if left >= 0 else ran(b"7")

    sessions: list[CallableSession] = []
    served: list[Served] = []
    build = build_of([served_as("api", handler, concurrency=1, sessions=sessions)])
    later = Later(retries=retries, delays=QUICK)
    with serve_build(build, served=served, later=later) as server:
        request_id = call(server.url)
        until(lambda: len(served) == expected + 1)
        time.sleep(0.2)
    assert [each["request_id"] for each in sessions[0].calls] == [request_id] * expected
    # The first is the answer to the client, which knows nothing of all that.
    attempts = [each for each in served if each.invocation is not None]
    for number, (each, delay) in enumerate(zip(attempts[:-1], QUICK, strict=False), 1):
        assert f"boom (attempt {number}; the next one is in {delay:g} s)" in str(
            each.response.fault
        )
        assert times[number] - times[number - 1] >= delay
    fault = attempts[-1].response.fault
    assert fault is None if last is None else last in str(fault)


def test_other_events_do_not_wait_for_the_next_attempt() -> None:
    events: list[bytes] = []

    def handler(event: bytes) -> Invocation:
        events.append(event)
        return BOOM if len(events) == 1 else ran(b"7")

    served: list[Served] = []
    build = build_of([served_as("api", handler, concurrency=1)])
    with serve_build(build, served=served, later=Later(delays=(30, 30))) as server:
        call(server.url)
        call(server.url)
        until(lambda: len(events) == 2)
    # The end of the server waits for no attempt.
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]


def test_what_was_not_run_is_not_run_again() -> None:
    def handler(_: bytes) -> Invocation:
        raise InvokeError("the process cannot be started")

    served: list[Served] = []
    with serve_build(build_of([served_as("api", handler)]), served=served) as server:
        call(server.url)
        until(lambda: len(served) == 2)
        time.sleep(0.1)
    assert "cannot be started" in str({each.response.fault for each in served})
    assert len(served) == 2


def test_the_delays() -> None:
    later = Later()
    assert [later.delay_after(attempt) for attempt in (1, 2, 3)] == [*DELAYS, None]
