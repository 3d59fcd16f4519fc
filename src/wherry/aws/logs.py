"""The logs of functions on AWS, as CloudWatch Logs keeps them: in order, each event once, followed if asked for."""

from __future__ import annotations

import heapq
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import to_builtins

from wherry.aws.errors import THROTTLED, refusing, unless_missing
from wherry.aws.stage import StageOptions, read_stage
from wherry.errors import AwsError, DeployError, SettingsError
from wherry.events import SILENT, Note, Reporter
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.aws.client import Client

__all__ = ["LogEvent", "Logs", "open_logs", "parse_since", "read_logs"]

_LATE = 60_000
"""Milliseconds by which an event may reach CloudWatch Logs after a later one."""
_REMEMBERED = 100_000
_PAUSE = 2.0
_FAILURES = 5
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class LogEvent(Struct, frozen=True, kw_only=True):
    """One event of a log: a line, or several that the function wrote at once.

    Attributes:
        function: its name in the settings.
        timestamp: milliseconds since 1970, in UTC.
        message: as it was written, without the line end.
        stream: the name of its stream, which contains the version of the function.
        event_id: AWS's.
    """

    function: str
    timestamp: int
    message: str
    stream: str
    event_id: str

    @property
    def time(self) -> str:
        """When it was written (ISO 8601, in UTC)."""
        moment = datetime.fromtimestamp(self.timestamp / 1000, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def document(self) -> dict[str, Any]:
        """The JSON document of the event."""
        return {"schema": 1, **to_builtins(self), "timestamp": self.time}


def parse_since(text: str, *, now: datetime | None = None) -> datetime:
    """The time that a duration before now (``90s``, ``10m``, ``2h``, ``1d``) or an ISO 8601 time stands for.

    Raises:
        SettingsError: it is neither.
    """
    now = now or datetime.now(UTC)
    try:
        if match := re.fullmatch(r"(\d{1,9})\s*([smhdw])", text.strip()):
            return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = datetime.fromisoformat(text.strip())
        return moment if moment.tzinfo is not None else moment.astimezone()
    except (ValueError, OverflowError):
        raise SettingsError(
            f"`{text}` is not a time", hint="write --since 10m, 2h, 1d or --since 2026-11-28T08:00Z"
        ) from None


class Logs(Struct, frozen=True, kw_only=True):
    """The logs of functions: their log groups by the names of the functions in the settings."""

    groups: Mapping[str, str]
    client: Client
    reporter: Reporter = SILENT

    def events(
        self, *, since: datetime, pattern: str | None = None, follow: bool = False
    ) -> Iterator[LogEvent]:
        """The events of all logs since a time, merged by time; a filter pattern is one of CloudWatch Logs.

        With ``follow`` it goes on with new events, until the caller stops.
        """
        logs = [
            _Log(function=name, group=group, client=self.client, pattern=pattern, seen={})
            for name, group in self.groups.items()
        ]
        start, failures, missing = int(since.timestamp() * 1000), 0, set[str]()
        while True:
            latest = start
            try:
                for event in _merged(logs, start, missing, self.reporter):
                    latest = max(latest, event.timestamp)
                    yield event
                failures = 0
            except AwsError as error:
                failures += 1
                temporary = not error.code or error.code in THROTTLED or error.code.startswith("5")
                if not (follow and temporary) or failures > _FAILURES:
                    raise
            if not follow:
                return
            start = max(start, latest - _LATE)
            for log in logs:
                log.forget(start)
            time.sleep(_PAUSE * (1 + failures))


class _Log(Struct, frozen=True, kw_only=True):
    """The log of one function, and the events of it that were read already: timestamps by their IDs."""

    function: str
    group: str
    client: Client
    pattern: str | None
    seen: dict[str, int]

    def read(self, start: int) -> Iterator[LogEvent]:
        """The events from a time on that were not read before, the oldest first.

        Raises:
            AwsError: AWS refused, or could not be reached; ``ResourceNotFoundException`` if there is no log yet.
        """
        given: dict[str, Any] = {"logGroupName": self.group, "startTime": start}
        if self.pattern:
            given["filterPattern"] = self.pattern
        with refusing(f"read the log `{self.group}`"):
            for page in (
                self.client.service("logs").get_paginator("filter_log_events").paginate(**given)
            ):
                for event in sorted(page["events"], key=lambda event: int(event["timestamp"])):
                    if event["eventId"] in self.seen:
                        continue
                    self.seen[event["eventId"]] = event["timestamp"]
                    yield LogEvent(
                        function=self.function,
                        timestamp=event["timestamp"],
                        message=str(event["message"]).rstrip("\r\n"),
                        stream=str(event.get("logStreamName", "")),
                        event_id=event["eventId"],
                    )
                if page["events"] and len(self.seen) > _REMEMBERED:
                    self.forget(page["events"][-1]["timestamp"] - _LATE)

    def forget(self, before: int) -> None:
        """Forget the events that are not read again from this time on."""
        for event_id in [event_id for event_id, at in self.seen.items() if at < before]:
            del self.seen[event_id]


def _merged(
    logs: Sequence[_Log], start: int, missing: set[str], reporter: Reporter
) -> Iterator[LogEvent]:
    """The new events of all logs, the oldest first."""

    def read(log: _Log) -> Iterator[LogEvent]:
        try:
            yield from log.read(start)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            if log.group not in missing:
                missing.add(log.group)
                text = (
                    f"`{log.function}` has logged nothing yet: there is no log group `{log.group}`"
                )
                reporter.emit(Note(text=text))

    return heapq.merge(*map(read, logs), key=lambda event: event.timestamp)


def open_logs(project: Path | str, stage: str, **options: Unpack[StageOptions]) -> Logs:
    """The logs of the functions of a stage, as the configuration of each names its own.

    Raises:
        DeployError: there is no such function on AWS.
        WherryError: the input is wrong, or something failed.
    """
    target = read_stage(project, stage, **options)
    if not target.functions:
        raise DeployError("a layer has no log", hint="name a function")
    client = target.client
    with client.explaining():
        # Created here once: otherwise every thread would look for credentials.
        _ = client.functions
        with ThreadPoolExecutor(16, thread_name_prefix="logs") as pool:
            groups = [*pool.map(lambda name: _group(name, client), target.functions.values())]
    named = dict(zip(target.functions, groups, strict=True))
    return Logs(groups=named, client=client, reporter=target.reporter)


def read_logs(
    project: Path | str = ".",
    stage: str = "",
    *,
    since: datetime | None = None,
    pattern: str | None = None,
    follow: bool = False,
    **options: Unpack[StageOptions],
) -> Iterator[LogEvent]:
    """Read the logs of the functions of a stage, merged by time, each event once.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        since: the time of the first event; by default ten minutes ago.
        pattern: a filter pattern of CloudWatch Logs.
        follow: go on with new events, until the caller stops.
        options: the functions, the settings and the reporter.

    Raises:
        DeployError: there is no such function on AWS.
        WherryError: the input is wrong, or something failed.
    """
    moment = since or datetime.now(UTC) - timedelta(minutes=10)
    logs = open_logs(project, stage, **options)
    return logs.events(since=moment, pattern=pattern, follow=follow)


def _group(name: str, client: Client) -> str:
    """The log group of a function (name on AWS)."""
    configuration = unless_missing(
        f"look at function `{name}`",
        lambda: client.functions.get_function_configuration(FunctionName=name),
    )
    if configuration is None:
        raise DeployError(
            f"there is no function `{name}` in {client.region}",
            hint="check that the stage's region, profile and names match AWS",
        )
    own = (configuration.get("LoggingConfig") or {}).get("LogGroup")
    plain = configuration["FunctionArn"].split(":")[6]
    return own or f"/aws/lambda/{plain}"
