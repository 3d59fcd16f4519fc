"""Trying a published version by its number, before any caller gets it."""

from __future__ import annotations

import base64
import binascii
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from wherry.aws.attempts import attempt
from wherry.errors import AwsError
from wherry.events import Reporter, VersionTested
from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.aws.client import Client
    from wherry.aws.switch.cases import TestCase

__all__ = ["Failure", "mismatches", "try_versions"]

_AT_ONCE = 8
_LOG_LINES = 12
_LARGEST = 8 * 2**20
"""Bytes of an answer; AWS allows 6 MB."""


class Failure(Struct, frozen=True, kw_only=True):
    """A test that a version of a function (name on AWS) did not pass, and the last lines of its log."""

    function: str
    version: int
    test: str
    problems: tuple[str, ...]
    log: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The failure for people."""
        yield f"`{self.function}` version {self.version}, {self.test}: {'; '.join(self.problems)}"
        yield from (f"  log: {line}" for line in self.log)


def try_versions(
    cases: Mapping[tuple[str, int], Sequence[TestCase]], client: Client, reporter: Reporter
) -> tuple[Failure, ...]:
    """The tests that versions of functions fail, each function in turn, several functions at once.

    ``cases`` are by the function's name on AWS and the number of the version.
    """

    def try_one(item: tuple[tuple[str, int], Sequence[TestCase]]) -> list[Failure]:
        (function, version), tests = item
        failures = [_try(function, version, test, client, reporter) for test in tests]
        return [failure for failure in failures if failure is not None]

    _ = client.invocations
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="test") as pool:
        return tuple(failure for found in pool.map(try_one, cases.items()) for failure in found)


def _try(
    function: str, version: int, test: TestCase, client: Client, reporter: Reporter
) -> Failure | None:
    began = time.perf_counter()

    def invoke() -> tuple[Mapping[str, Any], bytes]:
        answered = client.invocations.invoke(
            FunctionName=function, Qualifier=str(version), Payload=test.payload, LogType="Tail"
        )
        return answered, answered["Payload"].read(_LARGEST)

    answered, payload = attempt(f"invoke version {version} of function `{function}`", invoke)
    problems = tuple(_problems(test, answered.get("FunctionError"), payload))
    reporter.emit(
        VersionTested(
            name=function,
            version=version,
            test=test.name,
            seconds=time.perf_counter() - began,
            passed=not problems,
        )
    )
    if not problems:
        return None
    return Failure(
        function=function,
        version=version,
        test=test.name,
        problems=problems,
        log=_log(answered.get("LogResult")),
    )


def _problems(test: TestCase, failed: str | None, payload: bytes) -> Iterator[str]:
    try:
        answer = parse_json(payload or b"null")
    except ValueError:
        if test.expect or test.error:
            yield f"the answer is not JSON: {_shown(payload[:200].decode(errors='replace'))}"
        return
    if failed is None:
        if test.error:
            yield f"expected an error, got {_shown(answer)}"
        for expected in test.expect:
            yield from mismatches(expected, answer)
        return
    kind = answer.get("errorType", "") if isinstance(answer, dict) else ""
    message = answer.get("errorMessage", "") if isinstance(answer, dict) else answer
    said = ": ".join(str(part) for part in (kind, message) if part)[:400] or failed
    if not test.error:
        expected = f"expected {_shown(test.expect[0])}, got " if test.expect else ""
        yield f"{expected}the error {said}" if expected else f"it failed: {said}"
    elif isinstance(test.error, str) and kind != test.error:
        yield f"expected the error {test.error}, got {said}"


def _log(encoded: object) -> tuple[str, ...]:
    """The last lines of a log, which AWS gives in base64."""
    try:
        text = base64.b64decode(str(encoded or "")).decode(errors="replace")
    except (binascii.Error, ValueError) as error:
        raise AwsError("AWS's log of a test cannot be read", where=[str(error)]) from error
    marks = ("START RequestId", "END RequestId", "INIT_START")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(marks)]
    return tuple(line[:300] for line in lines[-_LOG_LINES:])


_LONGEST = 200


def mismatches(expected: Any, answer: Any, path: str = "") -> Iterator[str]:
    """The places in which an answer is not as expected, each in a line.

    An answer may have more keys than are expected. Lists have the same length. A text that is JSON, such as the body of
    a response to an HTTP request, is compared by what it says if a table or list is expected.
    """
    if isinstance(expected, dict | list) and isinstance(answer, str):
        with suppress(ValueError):
            answer = parse_json(answer)
    if isinstance(expected, dict) and isinstance(answer, dict):
        for key, value in expected.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in answer:
                yield from mismatches(value, answer[key], inner)
            else:
                yield f"{inner}: expected {_shown(value)}, and it is missing"
    elif isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        for number, (value, item) in enumerate(zip(expected, answer, strict=True)):
            yield from mismatches(value, item, f"{path}[{number}]")
    elif isinstance(expected, bool) is not isinstance(answer, bool) or expected != answer:
        yield f"{path or 'the answer'}: expected {_shown(expected)}, got {_shown(answer)}"


def _shown(value: Any) -> str:
    """The beginning of a value as JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
