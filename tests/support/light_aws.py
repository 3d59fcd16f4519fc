"""A light AWS in this process, over HTTP: functions with versions and aliases that can be called, and CloudWatch.

Strict where it matters: `RevisionId` guards every change, a version is a frozen copy, an alias stands at what exists. It
runs no code: ``answer`` says what a version answers to an event. A few milliseconds a call.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from support.aws_account import code_sha256
from support.loopback import QuietHandler, serve

__all__ = ["Answer", "Function", "LightAws", "light_aws"]

ACCOUNT, REGION = "123456789012", "eu-west-1"
_numbers = itertools.count(1)


class RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def missing(what: str) -> RefusedError:
    return RefusedError(404, "ResourceNotFoundException", f"{what} not found")


@dataclass(kw_only=True)
class Answer:
    """What a version answers: a value, or the type of an error; and its log."""

    value: Any = None
    error: str = ""
    log: str = ""


@dataclass(kw_only=True)
class Function:
    latest: dict[str, Any]
    code: dict[str, bytes] = field(default_factory=dict)
    versions: dict[int, dict[str, Any]] = field(default_factory=dict)
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)


class LightAws:
    """The state of the account.

    Attributes:
        functions: by their names.
        layers: content, size and description of the versions of each layer, the oldest first.
        answer: called with the code, the qualifier and the event of an invocation.
        alarms: states of alarms by their names.
        metrics: sums by function, version and metric.
        read: the status of every metric.
        concurrency: the answers to come about the provisioned concurrency of an alias.
        before: called with the operation before each call, in which it may change anything or raise.
        calls: operations, in order.
    """

    def __init__(self) -> None:
        self.url = ""
        self.functions: dict[str, Function] = {}
        self.layers: dict[str, list[bytes]] = {}
        self.answer: Callable[[bytes, str, Any], Answer] = lambda *_: Answer(value={})
        self.alarms: dict[str, str] = {}
        self.metrics: dict[tuple[str, str, str], float] = {}
        self.read = "Complete"
        self.concurrency: list[dict[str, Any]] = []
        self.before: Callable[[str], None] = lambda _: None
        self.calls: list[str] = []
        self.lock = threading.RLock()

    def alias(self, function: str, name: str) -> tuple[int, dict[int, float]]:
        """The version that it stands at, and the weights of others."""
        found = self.functions[function].aliases[name]
        weights = found["RoutingConfig"]["AdditionalVersionWeights"]
        return int(found["FunctionVersion"]), {int(key): share for key, share in weights.items()}

    def description(self, function: str, alias: str) -> str:
        return str(self.functions[function].aliases[alias]["Description"])

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:{kind}:{name}"

    def called(self, *operations: str) -> list[str]:
        """The calls of some operations, in order."""
        return [call for call in self.calls if call in operations]

    # The operations. Each takes the parts of its path, its query and its body.

    def _function(self, name: str) -> Function:
        name = name.rpartition(":function:")[2]
        if name not in self.functions:
            raise missing(f"Function {name}")
        return self.functions[name]

    def _configuration(self, name: str, qualifier: str | None) -> dict[str, Any]:
        function = self._function(name)
        if qualifier in {None, "", "$LATEST"}:
            return function.latest
        if qualifier in function.aliases:
            qualifier = function.aliases[qualifier]["FunctionVersion"]
        if not qualifier.isdigit() or int(qualifier) not in function.versions:
            raise missing(f"{name}:{qualifier}")
        return function.versions[int(qualifier)]

    def create_function(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["FunctionName"]
        if name in self.functions:
            raise RefusedError(409, "ResourceConflictException", f"Function already exist: {name}")
        latest = {
            key: value for key, value in body.items() if key not in {"Code", "Layers", "Tags"}
        }
        layers = [{"Arn": arn} for arn in body.get("Layers", [])]
        latest |= {
            "FunctionArn": self.arn("function", name),
            "Version": "$LATEST",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Layers": layers,
        }
        self.functions[name] = Function(latest=latest)
        self._put_code(self.functions[name], body["Code"])
        return latest

    def _put_code(self, function: Function, code: dict[str, Any]) -> None:
        data = base64.b64decode(code["ZipFile"])
        digest = code_sha256(data)
        function.code[digest] = data
        self._changed(function, CodeSha256=digest, CodeSize=len(data))

    def _changed(self, function: Function, **changes: Any) -> dict[str, Any]:
        function.latest |= changes
        function.latest["RevisionId"] = f"r{next(_numbers)}"
        return function.latest

    def _guard(self, body: dict[str, Any], current: dict[str, Any]) -> None:
        if body.get("RevisionId", current["RevisionId"]) != current["RevisionId"]:
            raise RefusedError(412, "PreconditionFailedException", "The RevisionId provided is old")

    def update_code(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        function = self._function(name)
        self._guard(body, function.latest)
        self._put_code(function, body)
        return function.latest

    def update_configuration(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        function = self._function(name)
        self._guard(body, function.latest)
        changes: dict[str, Any] = {
            key: body[key] for key in ("Handler", "Runtime", "Description") if key in body
        }
        if "Layers" in body:
            changes["Layers"] = [{"Arn": arn} for arn in body["Layers"]]
        return self._changed(function, **changes)

    def publish(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        function = self._function(name)
        self._guard(body, function.latest)
        same = ("CodeSha256", "Layers", "Handler", "Runtime")
        if function.versions:
            last = function.versions[max(function.versions)]
            if all(last[key] == function.latest[key] for key in same):
                return last
        number = max(function.versions, default=0) + 1
        version = copy.deepcopy(function.latest)
        version |= {
            "Version": str(number),
            "FunctionArn": f"{function.latest['FunctionArn']}:{number}",
            "Description": body.get("Description", ""),
            "LastModified": "2026-01-02T03:04:05.000+0000",
        }
        function.versions[number] = version
        return version

    def set_alias(self, name: str, body: dict[str, Any], alias: str | None) -> dict[str, Any]:
        function = self._function(name)
        if alias is None:
            alias = body["Name"]
            if alias in function.aliases:
                raise RefusedError(409, "ResourceConflictException", "Alias already exists")
            current: dict[str, Any] = {"Name": alias, "Description": "", "RevisionId": ""}
            body = {**body, "RevisionId": ""}
        elif alias in function.aliases:
            current = function.aliases[alias]
        else:
            raise missing(alias)
        self._guard(body, current)
        routing = current.get("RoutingConfig", {"AdditionalVersionWeights": {}})
        if "RoutingConfig" in body:
            routing = body["RoutingConfig"]
        version = body.get("FunctionVersion", current.get("FunctionVersion"))
        for number in (version, *routing["AdditionalVersionWeights"]):
            if number != "$LATEST" and int(number) not in function.versions:
                raise missing(f"Function version {number}")
        if version in routing["AdditionalVersionWeights"]:
            raise RefusedError(400, "InvalidParameterValueException", "twice the same version")
        description = body.get("Description", current["Description"])
        if len(description) > 256:
            raise RefusedError(400, "InvalidParameterValueException", "Description is too long")
        function.aliases[alias] = {
            "Name": alias,
            "AliasArn": f"{function.latest['FunctionArn']}:{alias}",
            "FunctionVersion": version,
            "RoutingConfig": routing,
            "Description": description,
            "RevisionId": f"r{next(_numbers)}",
        }
        return function.aliases[alias]

    def invoke(self, name: str, qualifier: str | None, event: Any) -> Answer:
        configuration = self._configuration(name, qualifier)
        code = self._function(name).code[configuration["CodeSha256"]]
        return self.answer(code, configuration["Version"], event)

    def layer_version(self, name: str, number: int) -> dict[str, Any]:
        name = name.rpartition(":layer:")[2] or name
        if not 0 < number <= len(self.layers.get(name, [])):
            raise missing(f"Layer {name}:{number}")
        data = self.layers[name][number - 1]
        return {
            "LayerVersionArn": f"{self.arn('layer', name)}:{number}",
            "Version": number,
            "Content": {
                "CodeSha256": code_sha256(data),
                "CodeSize": len(data),
                "Location": f"{self.url}/code/{hashlib.sha256(data).hexdigest()}",
            },
            "CompatibleRuntimes": ["python3.13"],
            "CompatibleArchitectures": ["x86_64"],
        }

    def stored(self, digest: str) -> bytes:
        """Code of a function or layer by its digest in hexadecimal."""
        codes = [code for one in self.functions.values() for code in one.code.values()]
        for data in (*codes, *(data for own in self.layers.values() for data in own)):
            if hashlib.sha256(data).hexdigest() == digest:
                return data
        raise missing(digest)

    def monitor(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeAlarms":
            asked = body.get("AlarmNames", [])
            found = [
                {"AlarmName": name, "StateValue": state, "StateReason": "Threshold crossed"}
                for name, state in self.alarms.items()
                if name in asked
            ]
            return {"MetricAlarms": found, "CompositeAlarms": []}
        results = []
        for query in body["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            named = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            key = (named["Resource"], named["ExecutedVersion"], metric["MetricName"])
            values = [self.metrics[key]] if key in self.metrics else []
            results.append({"Id": query["Id"], "Values": values, "StatusCode": self.read})
        return {"MetricDataResults": results, "Messages": []}


_ROUTES: list[tuple[str, str, str]] = [
    ("POST", r"/2015-03-31/functions", "CreateFunction"),
    ("GET", r"/2015-03-31/functions/([^/]+)/configuration", "GetFunctionConfiguration"),
    ("PUT", r"/2015-03-31/functions/([^/]+)/configuration", "UpdateFunctionConfiguration"),
    ("PUT", r"/2015-03-31/functions/([^/]+)/code", "UpdateFunctionCode"),
    ("GET", r"/2015-03-31/functions/([^/]+)/versions", "ListVersionsByFunction"),
    ("POST", r"/2015-03-31/functions/([^/]+)/versions", "PublishVersion"),
    ("GET", r"/2015-03-31/functions/([^/]+)/aliases", "ListAliases"),
    ("POST", r"/2015-03-31/functions/([^/]+)/aliases", "CreateAlias"),
    ("GET", r"/2015-03-31/functions/([^/]+)/aliases/([^/]+)", "GetAlias"),
    ("PUT", r"/2015-03-31/functions/([^/]+)/aliases/([^/]+)", "UpdateAlias"),
    ("POST", r"/2015-03-31/functions/([^/]+)/invocations", "Invoke"),
    ("GET", r"/2015-03-31/functions/([^/]+)", "GetFunction"),
    (
        "GET",
        r"/2019-09-30/functions/([^/]+)/provisioned-concurrency",
        "GetProvisionedConcurrencyConfig",
    ),
    ("GET", r"/2018-10-31/layers/([^/]+)/versions", "ListLayerVersions"),
    ("POST", r"/2018-10-31/layers/([^/]+)/versions", "PublishLayerVersion"),
    ("GET", r"/2018-10-31/layers/([^/]+)/versions/(\d+)", "GetLayerVersion"),
    ("GET", r"/code/([0-9a-f]{64})", "Code"),
    ("POST", r"", "Monitor"),
]


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    aws: LightAws

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        path = unquote(url.path).rstrip("/")
        self._query = {key: values[0] for key, values in parse_qs(url.query).items()}
        routes = [
            (operation, match)
            for method, pattern, operation in _ROUTES
            if method == self.command and (match := re.fullmatch(pattern, path))
        ]
        if not routes:
            self._send(501, b"{}")
            return
        ((operation, match),) = routes
        with self.aws.lock:
            self._monitored = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            name = self._monitored if operation == "Monitor" else operation
            try:
                self.aws.calls.append(name)
                self.aws.before(name)
                self._do(operation, match.groups(), body)
            except RefusedError as refused:
                document = {"__type": refused.code, "message": refused.message or refused.code}
                self._send(refused.status, json.dumps(document).encode(), refused.code)

    do_GET = do_PUT = do_POST = do_any  # noqa: N815

    def _do(self, operation: str, parts: tuple[str, ...], body: bytes) -> None:
        aws, name = self.aws, parts[0] if parts else ""
        if operation == "Code":
            self._send(200, aws.stored(name))
            return
        if operation == "Monitor":
            document = aws.monitor(self._monitored, json.loads(body))
            self._send(200, json.dumps(document).encode())
            return
        if operation == "Invoke":
            answered = aws.invoke(name, self._query.get("Qualifier"), json.loads(body or b"null"))
            log = base64.b64encode(answered.log.encode()).decode()
            value = answered.value
            if answered.error:
                value = {"errorType": answered.error, "errorMessage": "it broke"}
            extra = {"X-Amz-Log-Result": log}
            if answered.error:
                extra["X-Amz-Function-Error"] = "Unhandled"
            self._send(200, json.dumps(value).encode(), **extra)
            return
        document = self._answer(operation, parts, json.loads(body or b"{}"))
        self._send(200, json.dumps(document).encode())

    def _answer(self, operation: str, parts: tuple[str, ...], body: dict[str, Any]) -> Any:
        aws, name = self.aws, parts[0] if parts else ""
        match operation:
            case "CreateFunction":
                return aws.create_function(body)
            case "GetFunctionConfiguration":
                return aws._configuration(name, self._query.get("Qualifier"))
            case "GetFunction":
                found = aws._configuration(name, self._query.get("Qualifier"))
                digest = base64.b64decode(found["CodeSha256"]).hex()
                return {"Configuration": found, "Code": {"Location": f"{aws.url}/code/{digest}"}}
            case "UpdateFunctionConfiguration":
                return aws.update_configuration(name, body)
            case "UpdateFunctionCode":
                return aws.update_code(name, body)
            case "ListVersionsByFunction":
                function = aws._function(name)
                return {"Versions": [function.latest, *function.versions.values()]}
            case "PublishVersion":
                return aws.publish(name, body)
            case "ListAliases":
                return {"Aliases": list(aws._function(name).aliases.values())}
            case "CreateAlias":
                return aws.set_alias(name, body, None)
            case "UpdateAlias":
                return aws.set_alias(name, body, parts[1])
            case "GetAlias":
                if parts[1] not in aws._function(name).aliases:
                    raise missing(parts[1])
                return aws._function(name).aliases[parts[1]]
            case "GetProvisionedConcurrencyConfig":
                if not aws.concurrency:
                    raise RefusedError(404, "ProvisionedConcurrencyConfigNotFoundException")
                return aws.concurrency.pop(0) if len(aws.concurrency) > 1 else aws.concurrency[0]
            case "ListLayerVersions":
                numbers = range(len(aws.layers.get(name, [])), 0, -1)
                return {"LayerVersions": [aws.layer_version(name, each) for each in numbers]}
            case "GetLayerVersion":
                return aws.layer_version(name, int(parts[1]))
            case _:
                data = base64.b64decode(body["Content"]["ZipFile"])
                aws.layers.setdefault(name, []).append(data)
                return aws.layer_version(name, len(aws.layers[name]))

    def _send(self, status: int, data: bytes, code: str = "", **headers: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        if code:
            self.send_header("x-amzn-ErrorType", code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def light_aws() -> Iterator[LightAws]:
    """A server on loopback."""
    aws = LightAws()

    class Handler(_Handler):
        pass

    Handler.aws = aws
    with serve(Handler) as url:
        aws.url = url
        yield aws
