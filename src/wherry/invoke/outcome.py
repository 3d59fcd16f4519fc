"""The outcome of an invocation, in AWS's terms."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from msgspec import to_builtins

from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from wherry.invoke.request import HttpResponse

__all__ = ["FunctionError", "Invocation", "Start", "exit_error", "read_error", "timeout_error"]


class FunctionError(Struct, frozen=True, kw_only=True):
    """The function failed.

    Attributes:
        type: such as ``ValueError`` or ``Runtime.ImportModuleError``.
        stack_trace: its lines, outermost first, without line ends.
    """

    type: str
    message: str
    stack_trace: tuple[str, ...] = ()


class Invocation(Struct, frozen=True, kw_only=True):
    """One event and what came of it.

    Attributes:
        request_id: by which the function knew it.
        payload: what Lambda would answer: the function's result, or its error as a document.
        error: None when the function returned.
        seconds: from handing over the event to its answer.
        init_seconds: what starting the environment took, where this event was its first.
        peak_memory: of the environment so far, in bytes, where the system tells.
        timed_out: the error is that time was up.
        log: what the function wrote to stdout and stderr, its start included where that fell to it; of more than
            16 MB, the end.
        memory: in MB, as the function was told.
        started: whether the function could be loaded; if not, the error tells why.
    """

    request_id: str
    payload: bytes
    error: FunctionError | None
    seconds: float
    init_seconds: float | None
    peak_memory: int | None
    timed_out: bool
    log: bytes
    memory: int
    started: bool = True

    @property
    def report_line(self) -> str:
        """Lambda's last line about a call."""
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.seconds * 1000:.2f} ms",
            f"Memory Size: {self.memory} MB",
        ]
        if self.peak_memory is not None:
            parts.append(f"Max Memory Used: {self.peak_memory / 1048576:.0f} MB")
        if self.init_seconds is not None:
            parts.append(f"Init Duration: {self.init_seconds * 1000:.2f} ms")
        if self.error is not None:
            parts.append("Status: timeout" if self.timed_out else "Status: error")
            parts.append(f"Error Type: {self.error.type}")
        return "  ".join(parts)

    def document(self, response: HttpResponse | None = None) -> dict[str, object]:
        """The JSON document of a call, with the response that a service makes of its result."""
        import math

        error = self.error
        try:
            result = parse_json(self.payload) if error is None else None
        except ValueError:
            result = self.payload.decode(errors="replace")
        init = self.init_seconds
        document: dict[str, object] = {
            "schema": 1,
            "request_id": self.request_id,
            "result": result,
            "error": None if error is None else to_builtins(error),
            "timed_out": self.timed_out,
            "duration_ms": round(self.seconds * 1000, 2),
            "init_ms": None if init is None else round(init * 1000, 2),
            "billed_ms": math.ceil((self.seconds + (init or 0)) * 1000),
            "memory_mb": self.memory,
            "peak_memory_bytes": self.peak_memory,
            "log": self.log.decode(errors="replace"),
        }
        if response is not None:
            import base64

            try:
                body, encoded = response.body.decode(), False
            except UnicodeDecodeError:
                body, encoded = base64.b64encode(response.body).decode(), True
            document["http"] = {
                "status": response.status,
                "headers": [list(pair) for pair in response.headers],
                "body": body,
                "base64": encoded,
                "fault": response.fault,
            }
        return document


class Start(Struct, frozen=True, kw_only=True):
    """An environment that was started, and got no event.

    Attributes:
        seconds: from the start of its process until it asked for an event, or failed.
        peak_memory: in bytes, where the system tells.
        error: None when it asked for an event.
    """

    seconds: float
    peak_memory: int | None
    error: FunctionError | None
    log: bytes


def read_error(payload: bytes) -> FunctionError:
    """The error that a document describes, whatever wrote it."""
    try:
        document = parse_json(payload)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return FunctionError(type="Unhandled", message=payload.decode(errors="replace"))
    trace = document.get("stackTrace")
    lines = trace if isinstance(trace, list) else []
    return FunctionError(
        type=str(document.get("errorType") or "Unhandled"),
        message=str(document.get("errorMessage") or ""),
        stack_trace=tuple(
            line for piece in lines if isinstance(piece, str) for line in piece.splitlines()
        ),
    )


def exit_error(request_id: str, status: int) -> bytes:
    """The document that Lambda makes of a process that ended; negative for a signal."""
    if status == 0:
        said = "Runtime exited without providing a reason"
    elif status < 0:
        try:
            name = (signal.strsignal(-status) or f"signal {-status}").lower()
        except ValueError:
            name = f"signal {-status}"
        said = f"Runtime exited with error: signal: {name}"
    else:
        said = f"Runtime exited with error: exit status {status}"
    return _document("Runtime.ExitError", f"RequestId: {request_id} Error: {said}")


def timeout_error(request_id: str, seconds: float) -> bytes:
    """The document that Lambda makes of a function whose time was up."""
    return _document(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
    )


def _document(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
