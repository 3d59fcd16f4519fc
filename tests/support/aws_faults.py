"""A proxy in front of a stand-in for AWS: it tells which calls were made, and lets them fail.

Calls are counted as the caller means them: the attempts that botocore makes for one call carry one id.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError
from botocore.loaders import Loader

from support.loopback import QuietHandler, serve

if TYPE_CHECKING:
    from support.forks import Fork

__all__ = [
    "ACCESS_DENIED",
    "CONFLICT",
    "CUT_AFTER",
    "CUT_BEFORE",
    "ERRORS",
    "EXPIRED",
    "INTERNAL",
    "KILL_AFTER",
    "KILL_BEFORE",
    "QUOTED",
    "THROTTLED",
    "UNAVAILABLE",
    "Call",
    "Fault",
    "Proxy",
    "of_aws",
    "serve_faults",
]


def of_aws(operation: str, code: str, message: str = "", status: int = 400) -> ClientError:
    """The error that boto3 raises for an answer of AWS."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        operation,
    )


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which a call fails.

    Attributes:
        name: to be read in a test's id.
        status: of the answer; 0 for none at all: the connection ends.
        code: of the error, for Lambda.
        storage: status and code of the error, for S3.
        reaches: whether the call reaches AWS, and is done there.
        kills: whether the caller's process is killed.
    """

    name: str
    status: int = 0
    code: str = ""
    storage: tuple[int, str] = (0, "")
    reaches: bool = False
    kills: bool = False

    def __str__(self) -> str:
        return self.name


CUT_BEFORE = Fault(name="cut-before")
CUT_AFTER = Fault(name="cut-after", reaches=True)
KILL_BEFORE = Fault(name="kill-before", kills=True)
KILL_AFTER = Fault(name="kill-after", kills=True, reaches=True)
THROTTLED = Fault(
    name="429", status=429, code="TooManyRequestsException", storage=(503, "SlowDown")
)
INTERNAL = Fault(name="500", status=500, code="ServiceException", storage=(500, "InternalError"))
UNAVAILABLE = Fault(
    name="503",
    status=503,
    code="ServiceUnavailableException",
    storage=(503, "ServiceUnavailable"),
)
EXPIRED = Fault(
    name="expired", status=403, code="ExpiredTokenException", storage=(400, "ExpiredToken")
)
CONFLICT = Fault(
    name="conflict",
    status=409,
    code="ResourceConflictException",
    storage=(409, "OperationAborted"),
)
ACCESS_DENIED = Fault(
    name="denied", status=403, code="AccessDeniedException", storage=(403, "AccessDenied")
)
QUOTED = Fault(name="quoted", status=400, code="InvalidParameterValueException")
ERRORS = (THROTTLED, INTERNAL, UNAVAILABLE, EXPIRED, CONFLICT, ACCESS_DENIED)

_MESSAGES = {
    "429": "Rate exceeded",
    "500": "An error occurred and the request cannot be processed.",
    "503": "Service is unable to handle request.",
    "expired": "The security token included in the request is expired",
    "conflict": "The operation cannot be performed at this time. An update is in progress for resource",
}

# Operations whose IAM action is not of their name, by <https://docs.aws.amazon.com/service-authorization/>.
_ACTIONS = {
    "lambda:Invoke": ["lambda:InvokeFunction"],
    "lambda:GetLayerVersionByArn": ["lambda:GetLayerVersion"],
    "s3:AbortMultipartUpload": ["s3:AbortMultipartUpload"],
    "s3:CompleteMultipartUpload": ["s3:PutObject"],
    "s3:CreateMultipartUpload": ["s3:PutObject"],
    "s3:DeleteObjects": ["s3:DeleteObject"],
    "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
    "s3:ListObjectVersions": ["s3:ListBucketVersions"],
    "s3:ListObjects": ["s3:ListBucket"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "s3:ListParts": ["s3:ListMultipartUploadParts"],
    "s3:UploadPart": ["s3:PutObject"],
    "s3:CopyObject": ["s3:GetObject", "s3:PutObject"],
}
_VERSIONED = {"s3:GetObject": "s3:GetObjectVersion", "s3:DeleteObject": "s3:DeleteObjectVersion"}


@dataclass(kw_only=True)
class Call:
    """What was asked, and what was answered.

    Attributes:
        number: of the call, from 0; the same for every attempt at it.
        attempt: from 1.
        service: as IAM calls it.
        operation: as botocore calls it.
        actions: that IAM has to allow.
        path: with the query.
        started, ended: by a steady clock, in seconds.
        status: that was answered; 0 when the connection was ended.
        reached: whether AWS got it.
        body: what was sent, when it is JSON.
    """

    number: int
    attempt: int
    service: str
    operation: str
    actions: tuple[str, ...]
    path: str
    started: float
    ended: float = 0.0
    status: int = 0
    reached: bool = False
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def mutates(self) -> bool:
        """Whether it changes something on AWS."""
        return not self.operation.startswith(
            ("Get", "List", "Head", "Filter", "Describe", "AssumeRole")
        )

    def __str__(self) -> str:
        return f"{self.number}.{self.attempt} {self.service}:{self.operation} → {self.status}"


@dataclass(kw_only=True)
class _Injected:
    fault: Fault
    at: int
    attempts: int | None
    operation: str | None


class Proxy:
    """What stands between. ``calls`` are the attempts at calls, in the order in which they came."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.url = ""
        self.calls: list[Call] = []
        self.delay: Callable[[Call], float] = lambda _: 0.0
        self.before: Callable[[Call], None] = lambda _: None
        self.edit: Callable[[Call, bytes], bytes] = lambda _, data: data
        # What the stand-in lacks: a document, or an error with a status and a code.
        self.answer: Callable[[Call], dict[str, Any] | Fault | None] = lambda _: None
        # The process to be killed.
        self.victim: Callable[[], Fork | None] = lambda: None
        self._injected: list[_Injected] = []
        self._everywhere: tuple[Fault, Callable[[Call], bool]] | None = None
        self._known: dict[str, int] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """All calls, and all faults."""
        with self._lock:
            self.calls = []
            self._known = {}
            self._injected = []
            self._everywhere = None

    def inject(
        self, fault: Fault, *, at: int = 0, attempts: int | None = 1, operation: str | None = None
    ) -> None:
        """Let a call fail.

        Args:
            fault: how.
            at: the number of the call; of those of the operation where that is given.
            attempts: that fail of this call; None for all.
            operation: as botocore calls it.
        """
        self._injected.append(_Injected(fault=fault, at=at, attempts=attempts, operation=operation))

    def inject_everywhere(
        self, fault: Fault, *, where: Callable[[Call], bool] = lambda _: True
    ) -> None:
        """Let every call fail when it comes for the first time: the same operation with the same path."""
        self._everywhere = (fault, where)

    @property
    def operations(self) -> list[str]:
        """Of the calls, without repeated attempts."""
        return [call.operation for call in self.calls if call.attempt == 1]

    @property
    def mutations(self) -> list[str]:
        """Operations of the calls that change something."""
        return [call.operation for call in self.calls if call.attempt == 1 and call.mutates]

    @property
    def actions(self) -> set[str]:
        """All that IAM has to allow for the calls."""
        return {action for call in self.calls for action in call.actions}

    def came(self, call: Call, invocation: str) -> Fault | None:
        """A call is there; how it is to fail."""
        with self._lock:
            call.number = self._known.setdefault(invocation, len(self._known))
            call.attempt = 1 + sum(one.number == call.number for one in self.calls)
            self.calls.append(call)
            same = [one for one in self.calls if one.operation == call.operation]
            place = sorted({one.number for one in same}).index(call.number)
            for one in self._injected:
                number = call.number if one.operation is None else place
                if (
                    number == one.at
                    and one.operation in {None, call.operation}
                    and (one.attempts is None or call.attempt <= one.attempts)
                ):
                    return one.fault
            if self._everywhere is not None:
                fault, where = self._everywhere
                if where(call) and sum(one.path == call.path for one in same) == 1:
                    return fault
        return None


@contextmanager
def serve_faults(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of the stand-in at this URL."""
    proxy = Proxy(upstream)

    class Handler(_Handler):
        through = proxy

    with serve(Handler) as url:
        proxy.url = url
        yield proxy


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    through: Proxy

    def handle(self) -> None:
        with suppress(ConnectionError):  # Who was killed does not say goodbye.
            super().handle()

    def do_any(self) -> None:
        proxy = self.through
        body = self._body()
        service = self._service()
        # Services with JSON name the operation in a header; IAM calls CloudWatch otherwise than its endpoint.
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        operation = target or _operation(service, self.command, self.path, body)
        if target:
            service = service.replace("monitoring", "cloudwatch")
        call = Call(
            number=0,
            attempt=0,
            service=service,
            operation=operation,
            actions=_actions(service, operation, self.path, self.headers, body),
            path=self.path,
            started=time.monotonic(),
        )
        with suppress(ValueError):
            said = json.loads(body)
            call.body = said if isinstance(said, dict) else {}
        invocation = self.headers.get("amz-sdk-invocation-id") or f"unknown {id(call)}"
        fault = proxy.came(call, invocation)
        instead = proxy.answer(call)
        if isinstance(instead, Fault):
            fault = instead
        proxy.before(call)
        # Not `time.sleep`, which tests hasten.
        if seconds := proxy.delay(call):
            threading.Event().wait(seconds)
        try:
            self._answer(call, fault, body, None if isinstance(instead, Fault) else instead)
        finally:
            call.ended = time.monotonic()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815

    def _answer(
        self, call: Call, fault: Fault | None, body: bytes, instead: dict[str, Any] | None
    ) -> None:
        if fault is not None and not fault.reaches and fault.status:
            self._refuse(call, fault)
            return
        answer = None
        if fault is None or fault.reaches:
            made = json.dumps(instead).encode()
            answer = self._forward(body) if instead is None else (200, [], made)
            call.reached = True
        if fault is not None:
            if fault.kills and (victim := self.through.victim()) is not None:
                victim.kill()
                victim.wait()
            self.close_connection = True
            return
        assert answer is not None
        status, headers, data = answer
        data = self.through.edit(call, data)
        call.status = status
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        kept = length if self.command == "HEAD" and length is not None else str(len(data))
        if status != 204:
            self.send_header("Content-Length", kept)
        self.end_headers()
        self.wfile.write(data)

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.through.upstream)
        try:
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower()
                not in {"host", "connection", "expect", "transfer-encoding", "content-length"}
            }
            headers["Host"] = self.through.upstream
            headers["Content-Length"] = str(len(body))
            connection.request(self.command, self.path, body=body, headers=headers)
            answered = connection.getresponse()
            return answered.status, answered.getheaders(), answered.read()
        finally:
            connection.close()

    def _refuse(self, call: Call, fault: Fault) -> None:
        message = _MESSAGES.get(
            fault.name,
            f"User: arn:aws:iam::123456789012:user/deployer is not authorized to perform: "
            f"{call.actions[0] if call.actions else call.operation} on resource: x because no "
            f"identity-based policy allows the {call.actions[0] if call.actions else ''} action",
        )
        if fault is QUOTED:
            message = f"Value {json.dumps(call.body)} failed to satisfy constraint"
        status, code = fault.status, fault.code
        if call.service not in {"s3", "sts"}:
            document = {"__type": code, "Type": "User", "message": message, "Message": message}
            kind, data = "application/json", json.dumps(document).encode()
        else:
            if call.service == "s3":
                status, code = fault.storage
            error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
            if call.service == "sts":
                error = f"<Error><Type>Sender</Type>{error}</Error>"
                error = f"<ErrorResponse>{error}</ErrorResponse>"
            else:
                error = f"<Error>{error}</Error>"
            kind, data = "application/xml", error.encode()
        call.status = status
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _service(self) -> str:
        scope = re.search(
            r"Credential=[^/]+/\d+/[^/]*/([^/]+)/aws4_request",
            self.headers.get("Authorization", ""),
        )
        return scope[1] if scope else "unsigned"


@lru_cache
def _lambda_operations() -> list[tuple[str, str, re.Pattern[str], str]]:
    """Name, method, pattern and query of each, those with the longest path first."""
    model = Loader().load_service_model("lambda", "service-2")
    found = []
    for name, operation in model["operations"].items():
        path, _, query = operation["http"]["requestUri"].partition("?")
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(path.rstrip("/")))
        found.append((name, operation["http"]["method"], re.compile(pattern + "/?$"), query))
    return sorted(found, key=lambda one: (one[3] == "", "[^/]" in one[2].pattern))


def _operation(service: str, method: str, url: str, body: bytes) -> str:
    path, _, query = url.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if service == "lambda":
        for name, its_method, pattern, wanted in _lambda_operations():
            if (
                its_method == method
                and pattern.match(path)
                and dict(parse_qsl(wanted)).items() <= given.items()
            ):
                return name
    elif service == "s3":
        return _storage_operation(method, path.lstrip("/").partition("/")[2] != "", given)
    elif service == "signer":
        return "StartSigningJob" if method == "POST" else "DescribeSigningJob"
    elif body:
        return parse_qs(body.decode("latin-1")).get("Action", [""])[0]
    return f"{method} {path}"


def _storage_operation(method: str, of_object: bool, query: dict[str, str]) -> str:
    sub = {
        "uploads": {"POST": "CreateMultipartUpload", "GET": "ListMultipartUploads"},
        "uploadId": {
            "PUT": "UploadPart", "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload", "GET": "ListParts",
        },
        "tagging": {
            "GET": "GetObjectTagging", "PUT": "PutObjectTagging", "DELETE": "DeleteObjectTagging",
        } if of_object else {"GET": "GetBucketTagging", "PUT": "PutBucketTagging"},
        "location": {"GET": "GetBucketLocation"},
        "versioning": {"GET": "GetBucketVersioning", "PUT": "PutBucketVersioning"},
        "encryption": {"GET": "GetBucketEncryption"},
        "versions": {"GET": "ListObjectVersions"},
        "list-type": {"GET": "ListObjectsV2"},
        "delete": {"POST": "DeleteObjects"},
    }  # fmt: skip
    for name, methods in sub.items():
        if name in query and method in methods:
            return methods[method]
    kind = "Object" if of_object else "Bucket"
    plain = {"HEAD": f"Head{kind}", "PUT": f"Put{kind}", "DELETE": f"Delete{kind}"}
    if method == "GET":
        return "GetObject" if of_object else "ListObjects"
    return {**plain, "PUT": "PutObject" if of_object else "CreateBucket"}.get(method, method)


def _actions(service: str, operation: str, url: str, headers: Any, body: bytes) -> tuple[str, ...]:
    """What IAM has to allow for a call, also for what it asks AWS to do on the caller's behalf."""
    if service == "unsigned":
        return ()
    named = f"{service}:{operation}"
    actions = list(_ACTIONS.get(named, [named]))
    if "versionId=" in url:
        actions = [_VERSIONED.get(action, action) for action in actions]
    if service == "s3":
        if "x-amz-tagging" in headers:
            actions.append("s3:PutObjectTagging")
        if headers.get("x-amz-server-side-encryption") == "aws:kms":
            actions += ["kms:GenerateDataKey", "kms:Decrypt"]
    if service == "lambda" and body:
        try:
            said = json.loads(body)
        except ValueError:
            said = {}
        code = said.get("Code") or said.get("Content") or said
        if code.get("S3Key"):
            actions.append("s3:GetObjectVersion" if code.get("S3ObjectVersion") else "s3:GetObject")
        if said.get("Layers"):
            actions.append("lambda:GetLayerVersion")
        if operation == "CreateFunction":
            actions.append("iam:PassRole")
            if said.get("Tags"):
                actions.append("lambda:TagResource")
    return tuple(dict.fromkeys(actions))
