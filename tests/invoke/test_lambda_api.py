"""AWS's own client against the invoke endpoint; the functions behind it are plain callables of Python."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from support.serving import CallableSession, build_of, ran, serve_build, served_as
from wherry.invoke.outcome import FunctionError, Invocation
from wherry.invoke.server import Served

LOG = b"x" * 5000 + b"\nlast line"


@dataclass
class Calls:
    client: Any
    url: str
    events: list[Any] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    sessions: list[CallableSession] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="module")
def calls() -> Iterator[Calls]:
    made = Calls(client=None, url="")

    def echo(event: bytes) -> Invocation:
        document = json.loads(event)
        if document == {"wait": True}:
            assert made.release.wait(30)
        made.events.append(document)
        if document == {"fail": True}:
            error = FunctionError(type="ValueError", message="boom")
            payload = b'{"errorMessage": "boom", "errorType": "ValueError"}'
            return ran(payload, error=error, log=b"[ERROR] boom\n")
        return ran(json.dumps({"size": len(event), "event": None}).encode(), log=LOG)

    functions = [
        served_as("api", echo, concurrency=1, sessions=made.sessions),
        served_as("web", lambda _: ran(b'"web"')),
    ]
    build = build_of(functions, aliases={"shop-api-staging": "api", "web": "api"})
    with serve_build(build, served=made.served) as server:
        made.url = server.url
        made.client = boto3.client(
            "lambda",
            endpoint_url=server.url,
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )
        yield made


def test_a_synchronous_call(calls: Calls) -> None:
    answer = calls.client.invoke(FunctionName="api", Payload=json.dumps({"id": 7}))
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert "LogResult" not in answer
    assert json.load(answer["Payload"]) == {"size": 9, "event": None}
    assert calls.events[-1] == {"id": 7}
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert calls.sessions[0].calls[-1] == {
        "client_context": None,
        "request_id": request_id,
        "qualifier": None,
    }


@pytest.mark.parametrize(
    "name",
    [
        "api",
        "api:$LATEST",
        "shop-api-staging",
        "123456789012:function:api",
        "arn:aws:lambda:eu-west-1:123456789012:function:api",
        "arn:aws:lambda:eu-west-1:123456789012:function:api:live",
    ],
)
def test_names_and_arns(name: str, calls: Calls) -> None:
    answer = calls.client.invoke(FunctionName=name)
    assert answer["StatusCode"] == 200
    assert calls.events[-1] == {}


@pytest.mark.parametrize(
    ("options", "qualifier"),
    [
        ({"FunctionName": "api"}, None),
        ({"FunctionName": "api:live"}, "live"),
        ({"FunctionName": "api", "Qualifier": "live"}, "live"),
        ({"FunctionName": "api:$LATEST", "Qualifier": "$LATEST"}, "$LATEST"),
    ],
)
def test_the_alias_that_is_called(
    options: dict[str, str], qualifier: str | None, calls: Calls
) -> None:
    calls.client.invoke(**options)
    assert calls.sessions[0].calls[-1]["qualifier"] == qualifier


def test_a_name_here_comes_before_one_on_aws(calls: Calls) -> None:
    assert json.load(calls.client.invoke(FunctionName="web")["Payload"]) == "web"


def test_the_end_of_the_log(calls: Calls) -> None:
    answer = calls.client.invoke(FunctionName="api", LogType="Tail")
    log = base64.b64decode(answer["LogResult"])
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert len(log) == 4096
    assert log.splitlines()[-3] == b"last line"
    assert log.splitlines()[-2] == f"END RequestId: {request_id}".encode()
    assert log.splitlines()[-1].startswith(b"REPORT RequestId: ")


def test_a_function_that_fails(calls: Calls) -> None:
    answer = calls.client.invoke(FunctionName="api", Payload=b'{"fail": true}', LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.load(answer["Payload"])["errorType"] == "ValueError"
    assert base64.b64decode(answer["LogResult"]).startswith(b"START RequestId: ")
    assert calls.served[-1].response.fault == "the function failed: ValueError: boom"


def test_a_client_context(calls: Calls) -> None:
    context = base64.b64encode(json.dumps({"custom": {"ü": "1"}}).encode()).decode()
    calls.client.invoke(FunctionName="api", ClientContext=context)
    assert calls.sessions[0].calls[-1]["client_context"] == '{"custom": {"\\u00fc": "1"}}'


def test_an_asynchronous_call(calls: Calls) -> None:
    """It is answered at once, and run afterwards, in its turn."""
    calls.release.clear()
    before, reported = len(calls.events), len(calls.served)
    first = calls.client.invoke(
        FunctionName="api", InvocationType="Event", Payload=b'{"wait": true}'
    )
    second = calls.client.invoke(FunctionName="api", InvocationType="Event", Payload=b'{"n": 2}')
    assert (first["StatusCode"], second["StatusCode"]) == (202, 202)
    assert first["Payload"].read() == b""
    assert len(calls.events) == before
    calls.release.set()
    for _ in range(1000):
        if len(calls.served) == reported + 4:
            break
        threading.Event().wait(0.01)
    assert calls.events[before:] == [{"wait": True}, {"n": 2}]
    ids = [call["request_id"] for call in calls.sessions[0].calls[-2:]]
    assert ids == [each["ResponseMetadata"]["RequestId"] for each in (first, second)]
    assert [each.invocation is not None for each in calls.served[reported:]] == [
        False,
        False,
        True,
        True,
    ]


def test_a_call_that_is_only_tried(calls: Calls) -> None:
    before = len(calls.events)
    answer = calls.client.invoke(FunctionName="api", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert len(calls.events) == before


@pytest.mark.parametrize(
    ("arguments", "status", "code", "message"),
    [
        (
            {"FunctionName": "nope"},
            404,
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:012345678912:function:nope",
        ),
        (
            {"FunctionName": "api", "Qualifier": "7"},
            404,
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:012345678912:function:api:7",
        ),
        (
            {"FunctionName": "nope", "InvocationType": "DryRun"},
            404,
            "ResourceNotFoundException",
            "Function not found: arn:aws:lambda:us-east-1:012345678912:function:nope",
        ),
        (
            {"FunctionName": "api:one", "Qualifier": "two"},
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (
            {"FunctionName": "api", "Qualifier": "a b"},
            400,
            "ValidationException",
            "Value 'a b' at 'qualifier' failed to satisfy constraint",
        ),
        (
            {"FunctionName": "api", "Payload": b"{nope"},
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: ",
        ),
        (
            {"FunctionName": "api", "ClientContext": "nope"},
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ),
        (
            {"FunctionName": "api", "InvocationType": "Never"},
            400,
            "ValidationException",
            "enum value set: [Event, RequestResponse, DryRun]",
        ),
        (
            {
                "FunctionName": "api",
                "InvocationType": "Event",
                "Payload": b'"' + b"x" * (1 << 20) + b'"',
            },
            413,
            "RequestTooLargeException",
            "Request must be smaller than 1048576 bytes for the InvokeFunction operation",
        ),
        (
            {"FunctionName": "api", "Payload": b'"' + b"x" * (6 << 20) + b'"'},
            413,
            "RequestTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_errors(
    arguments: dict[str, Any],
    status: int,
    code: str,
    message: str,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    before = len(calls.events)
    with pytest.raises(ClientError) as caught:
        calls.client.invoke(**arguments)
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["Error"]["Code"] == code
    assert message in response["Error"]["Message"]
    assert response["ResponseMetadata"]["RequestId"]
    assert len(calls.events) == before


def test_an_event_at_the_limit(calls: Calls) -> None:
    size = 6 << 20
    answer = calls.client.invoke(FunctionName="api", Payload=b'"' + b"x" * (size - 2) + b'"')
    assert json.load(answer["Payload"])["size"] == size


def test_other_operations_are_no_requests_for_a_function(calls: Calls) -> None:
    """They would be answered as by a web application."""
    before = len(calls.events)
    for operation in ("invoke_with_response_stream", "get_function", "invoke_async"):
        arguments = {"InvokeArgs": b"{}"} if operation == "invoke_async" else {}
        with pytest.raises(ClientError, match="only `Invoke` is served here") as caught:
            getattr(calls.client, operation)(FunctionName="api", **arguments)
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert len(calls.events) == before


def test_pages_of_other_sites_call_nothing(calls: Calls) -> None:
    before = len(calls.events)
    url = f"{calls.url}2015-03-31/functions/api/invocations"
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "http://attacker.example"}
    assert requests.post(url, data="{}", headers=headers, timeout=30).status_code == 403
    assert requests.get(url, timeout=30).status_code == 405
    assert len(calls.events) == before


def test_an_arn_that_is_not_encoded(calls: Calls) -> None:
    connection = http.client.HTTPConnection(calls.url.split("/")[2], timeout=30)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:api"
    connection.request("POST", f"/2015-03-31/functions/{arn}/invocations", body="{}")
    assert connection.getresponse().status == 200
    connection.close()


def test_the_name_that_the_emulator_has_for_its_function() -> None:
    """It is that of the only function, as scripts for container images use it."""
    with serve_build(build_of([served_as("api", ran)])) as server:
        url = f"{server.url}2015-03-31/functions/function/invocations"
        assert requests.post(url, data=b'{"a": 1}', timeout=30).json() == {"a": 1}
