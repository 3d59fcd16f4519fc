"""AWS Lambda's ``Invoke`` (2015-03-31) on loopback, for boto3 and other clients with an endpoint of their own.

After the reference of AWS Lambda's API: names and ARNs of functions, the three types of invocation, the end of the log,
and the errors. Signatures are not looked at.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import uuid
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from wherry.invoke.event import MAX_CLIENT_CONTEXT
from wherry.invoke.request import HttpRequest, HttpResponse
from wherry.invoke.runtime_api import MAX_EVENT
from wherry.invoke.variables import ACCOUNT, region
from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from wherry.invoke.outcome import Invocation

__all__ = [
    "InvokeCall",
    "LambdaError",
    "accepted",
    "after_failure",
    "is_lambda_api",
    "not_found",
    "outcome_response",
    "read_call",
]

_MAX_ASYNCHRONOUS = 1024 * 1024
"""Bytes of an event that Lambda takes in an asynchronous invocation."""

_LOG_SIZE = 4096
_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations/?")
# Of all that AWS's clients ask of functions; a version of the API is the day it came.
_API = re.compile(r"/20\d\d-\d\d-\d\d/functions(/.*)?")
_NAME = re.compile(
    r"(arn:(?P<partition>aws[a-zA-Z-]*)?:lambda:)?((?P<region>[a-z]{2}(-[a-z]+)+-\d):)?(?P<account>\d{12}:)?"
    r"(function:)?(?P<name>[A-Za-z0-9_.-]+)(:(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?"
)
_QUALIFIER = re.compile(r"[A-Za-z0-9$_-]{1,128}")
_TYPES = ("RequestResponse", "Event", "DryRun")


class LambdaError(Exception):
    """An error that Lambda's API answers with: its name, such as ``ResourceNotFoundException``, and the status."""

    def __init__(self, kind: str, status: int, message: str) -> None:
        super().__init__(message)
        self.kind, self.status = kind, status

    def response(self, request_id: str) -> HttpResponse:
        """The response to the client."""
        key = "message" if self.kind == "ValidationException" else "Message"
        document = {"Type": "User" if self.status < 500 else "Service", key: str(self)}
        return HttpResponse(
            status=self.status,
            headers=(
                ("Content-Type", "application/json"),
                ("x-amzn-RequestId", request_id),
                ("x-amzn-ErrorType", self.kind),
            ),
            body=json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"),
            fault=f"{self.kind}: {self}",
        )


class InvokeCall(Struct, frozen=True, kw_only=True):
    """A call of a function.

    Attributes:
        function: as the caller names it: its name alone.
        qualifier: a version or an alias; None where the caller names none.
        type: ``RequestResponse``, ``Event`` or ``DryRun``.
        tail: whether the end of the log is wanted.
        request_id: by which the function knows the event.
    """

    function: str
    qualifier: str | None
    type: str
    tail: bool
    event: bytes
    client_context: str | None
    request_id: str


def is_lambda_api(request: HttpRequest) -> bool:
    """Whether a request is one of Lambda's API."""
    return _API.fullmatch(request.path) is not None


def read_call(request: HttpRequest, request_id: str) -> InvokeCall:
    """The call that a request makes; its event is not looked at where it is only tried.

    Raises:
        LambdaError: AWS Lambda would not take it.
    """
    path = _PATH.fullmatch(request.path)
    if path is None:
        raise LambdaError(
            "UnknownOperationException", 404, "of AWS Lambda's API only `Invoke` is served here"
        )
    if request.method != "POST":
        raise LambdaError("MethodNotAllowedException", 405, "expected POST")
    # No client of Lambda's API says so, and every browser does: a page could call functions otherwise.
    if request.header("sec-fetch-site") == "cross-site":
        raise LambdaError(
            "AccessDeniedException", 403, "a page of another site may not call functions"
        )
    function, qualifier = _names(unquote(path[1]), request.query)
    kind = request.header("x-amz-invocation-type") or "RequestResponse"
    if kind not in _TYPES:
        raise LambdaError(
            "ValidationException",
            400,
            f"1 validation error detected: Value '{kind[:100]}' at 'invocationType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
        )
    limit = _MAX_ASYNCHRONOUS if kind == "Event" else MAX_EVENT
    if len(request.body) > limit:
        raise LambdaError(
            "RequestTooLargeException",
            413,
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        )
    if request.body and kind != "DryRun":
        try:
            parse_json(request.body)
        except ValueError as error:
            raise LambdaError(
                "InvalidRequestContentException",
                400,
                f"Could not parse request body into json: Could not parse payload into json: {error}",
            ) from None
    return InvokeCall(
        function=function,
        qualifier=qualifier,
        type=kind,
        tail=request.header("x-amz-log-type") == "Tail",
        event=request.body or b"{}",
        client_context=_client_context(request),
        request_id=request_id,
    )


def not_found(call: InvokeCall) -> LambdaError:
    """The error for a function, a version or an alias that there is not."""
    arn = f"arn:aws:lambda:{region(os.environ, {})}:{ACCOUNT}:function:{call.function}"
    qualifier = f":{call.qualifier}" if call.qualifier else ""
    return LambdaError("ResourceNotFoundException", 404, f"Function not found: {arn}{qualifier}")


def accepted(call: InvokeCall) -> HttpResponse:
    """The answer to a call that is run later, or only tried."""
    status = 202 if call.type == "Event" else 204
    return HttpResponse(status=status, headers=_headers(call), body=b"")


def after_failure(attempt: int, delay: float | None) -> str:
    """The fate of an asynchronous event on which a function has failed; the last attempt has no delay after it."""
    if delay is not None:
        return f"attempt {attempt}; the next one is in {delay:g} s"
    attempts = "the only attempt" if attempt == 1 else f"all {attempt} attempts have failed"
    return f"{attempts}; AWS Lambda discards the event, or hands it to the destination for failures"


def outcome_response(call: InvokeCall, invocation: Invocation) -> HttpResponse:
    """The answer to a call that was run."""
    headers = [*_headers(call), ("Content-Type", "application/json")]
    if invocation.error is not None:
        headers.append(("X-Amz-Function-Error", "Unhandled"))
    if call.tail:
        log = f"START RequestId: {call.request_id} Version: $LATEST\n".encode() + invocation.log
        log += b"" if log.endswith(b"\n") else b"\n"
        log += f"END RequestId: {call.request_id}\n{invocation.report_line}\n".encode()
        headers.append(("X-Amz-Log-Result", base64.b64encode(log[-_LOG_SIZE:]).decode()))
    error = invocation.error
    return HttpResponse(
        status=200,
        headers=tuple(headers),
        body=invocation.payload,
        fault=None if error is None else f"the function failed: {error.type}: {error.message}",
    )


def _headers(call: InvokeCall) -> tuple[tuple[str, str], ...]:
    trace = f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]};Sampled=0"
    headers = (("x-amzn-RequestId", call.request_id), ("X-Amzn-Trace-Id", trace))
    if call.type == "RequestResponse":
        return (*headers, ("X-Amz-Executed-Version", "$LATEST"))
    return headers


def _names(text: str, query: str) -> tuple[str, str | None]:
    """The name and the qualifier of the function, which its name or the query may say."""
    match = _NAME.fullmatch(text)
    if match is None or len(text) > 170:
        raise LambdaError(
            "ValidationException",
            400,
            f"1 validation error detected: Value '{text[:200]}' at 'functionName' failed to satisfy constraint: "
            "Member must be the name of a function, or its partial or full ARN",
        )
    asked = dict(parse_qsl(query)).get("Qualifier")
    if asked is not None and not _QUALIFIER.fullmatch(asked):
        raise LambdaError(
            "ValidationException",
            400,
            f"1 validation error detected: Value '{asked[:200]}' at 'qualifier' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (|[a-zA-Z0-9$_-]+)",
        )
    own = match["qualifier"]
    if own and asked and own != asked:
        raise LambdaError(
            "InvalidParameterValueException",
            400,
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return match["name"], own or asked


def _client_context(request: HttpRequest) -> str | None:
    encoded = request.header("x-amz-client-context")
    if not encoded:
        return None
    try:
        if len(encoded) > MAX_CLIENT_CONTEXT:
            raise ValueError
        document = parse_json(base64.b64decode(encoded, validate=True))
        # In one line and in ASCII, as it is passed on in a header.
        return json.dumps({**document})
    except (TypeError, ValueError, binascii.Error):
        raise LambdaError(
            "InvalidRequestContentException",
            400,
            "Client context must be a valid Base64-encoded JSON object.",
        ) from None
