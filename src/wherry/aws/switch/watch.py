"""Watching a canary: CloudWatch's alarms, and the error rate of the version that has a share of the calls.

Lambda counts calls and errors by ``ExecutedVersion`` where an alias shares its calls. See
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wherry.aws.errors import refusing
from wherry.errors import AwsError, DeployError
from wherry.problems import Problems
from wherry.sizes import format_share
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.aws.client import Client

__all__ = ["Calls", "Watch", "Watched"]

_MAX_ERROR_RATE = 0.05
"""The share of calls that may fail, if the stage does not say."""
_ALARMS = 100
"""Alarms that AWS describes in one answer."""
_QUERIES = 500
"""Metrics that AWS returns in one answer."""
_UNREAD = frozenset({"Forbidden", "InternalError"})
"""CloudWatch's statuses of a metric that it did not read: there are no values, and nothing is known of errors."""


class Watched(Struct, frozen=True, kw_only=True):
    """A version that gets a share of the calls of an alias; ``function`` is its name, without an ARN."""

    function: str
    alias: str
    version: int


class Calls(Struct, frozen=True, kw_only=True):
    """The calls that a version had, and how many of them failed."""

    calls: int = 0
    errors: int = 0


class Watch(Struct, frozen=True, kw_only=True):
    """The conditions of a canary: CloudWatch alarms, and the share of calls, between 0 and 1, that may fail."""

    client: Client
    alarms: tuple[str, ...] = ()
    max_error_rate: float | None = None

    @property
    def _rate(self) -> float:
        return _MAX_ERROR_RATE if self.max_error_rate is None else self.max_error_rate

    def require_quiet(self) -> None:
        """Require that all alarms exist and none is on, and that the metrics can be read.

        Raises:
            DeployError: an alarm is missing, or on already.
        """
        problems = Problems(DeployError, "a canary cannot be watched")
        states = self._states()
        for name in self.alarms:
            if name not in states:
                problems.add(
                    f"there is no alarm `{name}` in {self.client.region}",
                    hint="see `alarms` of the stage",
                )
            elif states[name][0] == "ALARM":
                problems.add(
                    f"alarm `{name}` is in alarm already: {states[name][1]}",
                    hint="deploy when it is OK again",
                )
        problems.raise_all()
        # A missing permission is better told now than in the middle of the canary.
        self.calls([Watched(function="-", alias="-", version=1)], datetime.now(UTC))

    def fault(self, calls: Mapping[Watched, Calls]) -> str | None:
        """The reason to go back; None if there is none.

        Raises:
            AwsError: CloudWatch refused, or could not be reached, or there is no such alarm any more.
        """
        states = self._states()
        for name in self.alarms:
            if name not in states:
                raise AwsError(
                    "cannot look at the alarms of the stage", where=[f"there is no alarm `{name}`"]
                )
            state, reason = states[name]
            if state == "ALARM":
                return f"alarm `{name}` is in alarm: {reason}"
        for watched, had in calls.items():
            if had.errors > had.calls * self._rate:
                share = format_share(round(had.errors / max(had.calls, had.errors), 3))
                return (
                    f"{had.errors} of {had.calls} calls of version {watched.version} of `{watched.function}` failed: "
                    f"{share}, and {format_share(self._rate)} are allowed"
                )
        return None

    def calls(self, watched: Sequence[Watched], since: datetime) -> Mapping[Watched, Calls]:
        """The calls of versions since a time; empty if any error rate is allowed."""
        if self._rate >= 1:
            return {}
        queries = [
            {
                "Id": f"{metric.lower()}{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Lambda",
                        "MetricName": metric,
                        "Dimensions": list(_dimensions(one)),
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number, one in enumerate(watched)
            for metric in ("Invocations", "Errors")
        ]
        sums: dict[str, float] = {}
        for begin in range(0, len(queries), _QUERIES):
            with refusing(doing := "read the metrics of the canary"):
                pages = (
                    self.client.service("cloudwatch")
                    .get_paginator("get_metric_data")
                    .paginate(
                        MetricDataQueries=queries[begin : begin + _QUERIES],
                        StartTime=since.replace(second=0, microsecond=0),
                        EndTime=datetime.now(UTC) + timedelta(minutes=1),
                    )
                )
                for page in pages:
                    for result in page.get("MetricDataResults") or ():
                        if (status := result.get("StatusCode")) in _UNREAD:
                            raise AwsError(f"cannot {doing}", where=[f"CloudWatch: {status}"])
                        key = str(result.get("Id"))
                        sums[key] = sums.get(key, 0.0) + sum(result.get("Values") or ())
        return {
            one: Calls(
                calls=round(sums.get(f"invocations{number}", 0)),
                errors=round(sums.get(f"errors{number}", 0)),
            )
            for number, one in enumerate(watched)
        }

    def _states(self) -> Mapping[str, tuple[str, str]]:
        """State and reason of each alarm that exists."""
        states: dict[str, tuple[str, str]] = {}
        for begin in range(0, len(self.alarms), _ALARMS):
            with refusing("look at the alarms of the stage"):
                answer: Any = self.client.service("cloudwatch").describe_alarms(
                    AlarmNames=list(self.alarms[begin : begin + _ALARMS]),
                    AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                    MaxRecords=_ALARMS,
                )
            for kind in ("MetricAlarms", "CompositeAlarms"):
                for alarm in answer.get(kind) or ():
                    reason = str(alarm.get("StateReason") or "no reason given")
                    states[str(alarm.get("AlarmName"))] = (
                        str(alarm.get("StateValue")),
                        reason[:300],
                    )
        return states


def _dimensions(watched: Watched) -> Iterator[dict[str, str]]:
    yield {"Name": "FunctionName", "Value": watched.function}
    yield {"Name": "Resource", "Value": f"{watched.function}:{watched.alias}"}
    yield {"Name": "ExecutedVersion", "Value": str(watched.version)}
