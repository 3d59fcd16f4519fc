"""Calling a function on AWS: the version that callers of the stage get."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any, Unpack

from wherry.aws.answers import understanding
from wherry.aws.errors import refusing
from wherry.aws.stage import StageOptions, read_stage
from wherry.errors import DeployError
from wherry.invoke.outcome import Invocation, read_error
from wherry.problems import did_you_mean
from wherry.structs import Struct
from wherry.untrusted import LARGEST_DOCUMENT, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.aws.client import Client
    from wherry.invoke.request import HttpResponse

__all__ = ["RemoteFunction", "RemoteInvocation", "find_function", "invoke_remote"]

_TAIL = 4096
"""Bytes of the end of the log that AWS answers with."""
_LARGEST_EVENT = 6 * 1024 * 1024
_REPORT = re.compile(r"^REPORT RequestId: .*$", re.MULTILINE)


class RemoteInvocation(Invocation, frozen=True, kw_only=True):
    """One event and what a function on AWS made of it.

    Attributes:
        version: that was executed: a number, or ``$LATEST``.
        billed_ms: milliseconds that AWS bills; None if it does not tell.
    """

    version: str
    billed_ms: int | None

    def document(self, response: HttpResponse | None = None) -> dict[str, object]:
        """The JSON document of the call: that of a local one, and the version."""
        document = Invocation.document(self, response) | {"version": self.version}
        if self.billed_ms is not None:
            document["billed_ms"] = self.billed_ms
        return document


class RemoteFunction(Struct, frozen=True, kw_only=True):
    """A function of a stage that can be called: at an alias or version, its ``qualifier``, or at ``$LATEST``."""

    name: str
    aws_name: str
    qualifier: str | None
    client: Client

    def __str__(self) -> str:
        return f"function `{self.aws_name}`" + (f" at `{self.qualifier}`" if self.qualifier else "")

    def invoke(self, payload: bytes, *, client_context: str | None = None) -> RemoteInvocation:
        """Call it with an event, and wait for its answer. The call is never repeated. The context is a JSON document.

        Raises:
            DeployError: the event is too large.
            AwsError: AWS refused, or could not be reached. A function that fails is no error of this kind.
        """
        if len(payload) > _LARGEST_EVENT:
            raise DeployError(
                f"the event has {len(payload):,} bytes, and AWS Lambda takes {_LARGEST_EVENT:,}",
                hint="put the data into a bucket, and its address into the event",
            )
        given: dict[str, Any] = {} if self.qualifier is None else {"Qualifier": self.qualifier}
        if client_context is not None:
            given["ClientContext"] = base64.b64encode(client_context.encode()).decode()
        begin = time.perf_counter()
        with refusing(f"call {self}"):
            answer = self.client.invocations.invoke(
                FunctionName=self.aws_name, Payload=payload, LogType="Tail", **given
            )
            body = answer["Payload"].read(LARGEST_DOCUMENT)
        took = time.perf_counter() - begin
        with understanding(f"call {self}"):
            log = base64.b64decode(answer.get("LogResult") or "")[-_TAIL:]
        error = read_error(body) if answer.get("FunctionError") else None
        report = _report(log.decode(errors="replace"))
        peak = report.get("peak_mb")
        init = report.get("init_ms")
        return RemoteInvocation(
            request_id=str(answer["ResponseMetadata"].get("RequestId", "")),
            payload=body,
            error=error,
            seconds=report.get("duration_ms", took * 1000) / 1000,
            init_seconds=None if init is None else init / 1000,
            peak_memory=None if peak is None else int(peak) << 20,
            timed_out=error is not None
            and (error.type == "Sandbox.Timedout" or "Task timed out after" in error.message),
            log=log,
            memory=int(report.get("memory_mb", 0)),
            version=answer.get("ExecutedVersion") or "$LATEST",
            billed_ms=int(report["billed_ms"]) if "billed_ms" in report else None,
        )


def find_function(
    project: Path | str,
    stage: str,
    function: str | None = None,
    *,
    qualifier: str | None = None,
    **options: Unpack[StageOptions],
) -> RemoteFunction:
    """A function of a stage, at the stage's alias or at another qualifier; by its name unless there is only one.

    Raises:
        DeployError: there are several functions, and none is named.
        SettingsError: the settings are wrong, or have no such stage or function.
    """
    if function is not None:
        options["names"] = [function]
    target = read_stage(project, stage, **options)
    if len(target.functions) != 1:
        names = [*target.project.settings.functions]
        known = ", ".join(f"`{name}`" for name in names)
        raise DeployError(
            f"`{function}` is a layer" if function is not None else "which function?",
            where=[f"the functions are {known}" if known else "the project has no function"],
            hint=did_you_mean(function or "", known=names) or "name one: wherry invoke NAME",
        )
    ((name, aws_name),) = target.functions.items()
    return RemoteFunction(
        name=name,
        aws_name=aws_name,
        qualifier=qualifier or target.alias_of(name),
        client=target.client,
    )


def invoke_remote(
    project: Path | str = ".",
    stage: str = "",
    event: object = None,
    *,
    function: str | None = None,
    qualifier: str | None = None,
    **options: Unpack[StageOptions],
) -> RemoteInvocation:
    """Call a function on AWS, at the alias of the stage, and wait for its answer.

    A function that fails does not raise: see ``error`` of the result.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        event: a value that can be encoded as JSON, or the bytes of a document; by default an empty object.
        function: its name in the settings; None if there is only one.
        qualifier: another alias than the stage's, or a version.
        options: the settings.

    Raises:
        WherryError: the input is wrong, or AWS refused.
    """
    remote = find_function(project, stage, function, qualifier=qualifier, **options)
    given = {} if event is None else event
    payload = given if isinstance(given, bytes) else json.dumps(given).encode()
    with remote.client.explaining():
        return remote.invoke(payload)


_FIELDS = {
    "Duration": "duration_ms",
    "Billed Duration": "billed_ms",
    "Memory Size": "memory_mb",
    "Max Memory Used": "peak_mb",
    "Init Duration": "init_ms",
}
_METRICS = {
    "durationMs": "duration_ms",
    "billedDurationMs": "billed_ms",
    "memorySizeMB": "memory_mb",
    "maxMemoryUsedMB": "peak_mb",
    "initDurationMs": "init_ms",
}


def _report(log: str) -> Mapping[str, float]:
    """The figures of AWS's last line about a call, in the log's text format or in its JSON format."""
    if match := _REPORT.search(log):
        parts = re.findall(r"([A-Z][A-Za-z ]+): ([\d.]{1,20}) (?:ms|MB)", match[0])
        return {_FIELDS[name]: _number(text) for name, text in parts if name in _FIELDS}
    for line in reversed(log.splitlines()):
        if '"platform.report"' not in line:
            continue
        try:
            metrics = parse_json(line)["record"]["metrics"]
            return {_METRICS[key]: float(metrics[key]) for key in _METRICS if key in metrics}
        except (ValueError, LookupError, TypeError):
            return {}
    return {}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
