"""The Runtime API, asked over HTTP as a runtime asks, and by the transport that stands in for AWS's."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from wherry.invoke import runtime_client
from wherry.invoke.runtime_api import (
    MAX_RESPONSE,
    Answered,
    Failed,
    InitFailed,
    Order,
    Ready,
    RuntimeApi,
)

ARN = "arn:aws:lambda:eu-west-1:012345678912:function:f"


class Told:
    def __init__(self) -> None:
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.api = RuntimeApi(ARN, self.messages.put)
        self.url = f"http://{self.api.address}/2018-06-01/runtime/"

    def order(
        self, event: bytes = b"{}", request_id: str = "id-1", context: str | None = None
    ) -> None:
        order = Order(
            request_id=request_id,
            event=event,
            deadline_ms=1234,
            trace_id="Root=1",
            client_context=context,
        )
        self.api.order(order)

    def next(self) -> Any:
        return self.messages.get(timeout=30)


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.api.close()


def test_an_event_and_its_answer(told: Told) -> None:
    told.order(b'{"a": 1}', context='{"custom": {}}')
    response = requests.get(f"{told.url}invocation/next", timeout=30)
    assert response.json() == {"a": 1}
    assert {
        name: value
        for name, value in response.headers.items()
        if name.startswith("Lambda-Runtime") or name == "Content-Type"
    } == {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": "id-1",
        "Lambda-Runtime-Client-Context": '{"custom": {}}',
        "Lambda-Runtime-Deadline-Ms": "1234",
        "Lambda-Runtime-Invoked-Function-Arn": ARN,
        "Lambda-Runtime-Trace-Id": "Root=1",
    }
    assert told.api.taken
    answer = requests.post(f"{told.url}invocation/id-1/response", data=b'"ok"', timeout=30)
    assert (answer.status_code, answer.json()) == (202, {"status": "OK"})
    assert isinstance(told.next(), Ready)
    assert told.next() == Answered(request_id="id-1", payload=b'"ok"')


def test_the_runtime_waits_for_an_event(told: Told) -> None:
    got: list[bytes] = []
    thread = threading.Thread(
        target=lambda: got.append(requests.get(f"{told.url}invocation/next", timeout=60).content)
    )
    thread.start()
    assert isinstance(told.next(), Ready)
    assert got == []
    told.order(b"1")
    thread.join()
    assert got == [b"1"]


def test_errors(told: Told) -> None:
    document = {"errorType": "E", "errorMessage": "m"}
    told.order()
    requests.get(f"{told.url}invocation/next", timeout=30)
    assert (
        requests.post(f"{told.url}invocation/id-1/error", json=document, timeout=30).status_code
        == 202
    )
    assert isinstance(told.next(), Ready)
    failed = told.next()
    assert isinstance(failed, Failed)
    assert json.loads(failed.payload) == document
    assert requests.post(f"{told.url}init/error", json=document, timeout=30).status_code == 202
    assert isinstance(told.next(), InitFailed)


def test_the_arn_of_an_alias(told: Told) -> None:
    """Functions read the stage from it."""
    order = Order(request_id="1", event=b"1", deadline_ms=1, trace_id="", qualifier="live")
    told.api.order(order)
    answered = requests.get(f"{told.url}invocation/next", timeout=30)
    assert answered.headers["Lambda-Runtime-Invoked-Function-Arn"] == f"{ARN}:live"


def test_the_cause_of_an_error_that_is_longer_than_other_headers(told: Told) -> None:
    """It lies in a header: the stack of a recursion has 80 KB, and AWS's client sends up to 1 MB."""
    told.order()
    requests.get(f"{told.url}invocation/next", timeout=30)
    answered = requests.post(
        f"{told.url}invocation/id-1/error",
        json={"errorType": "RecursionError"},
        headers={"Lambda-Runtime-Function-XRay-Error-Cause": "x" * (1 << 20)},
        timeout=30,
    )
    assert answered.status_code == 202
    assert isinstance(told.next(), Ready)
    assert isinstance(told.next(), Failed)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_why_a_function_cannot_be_loaded(encoding: str, told: Told) -> None:
    """AWS's client sends that in Latin-1 on runtimes whose JSON is not ASCII."""
    document = json.dumps({"errorMessage": "für"}, ensure_ascii=False).encode(encoding)
    requests.post(f"{told.url}init/error", data=document, timeout=30)
    assert told.next() == InitFailed(payload='{"errorMessage": "für"}'.encode())


def test_an_answer_that_nobody_asked_for(told: Told) -> None:
    told.order()
    requests.get(f"{told.url}invocation/next", timeout=30)
    statuses = [
        requests.post(f"{told.url}invocation/{name}/response", data=b"1", timeout=30).status_code
        for name in ("id-2", "id-1", "id-1")
    ]
    assert statuses == [400, 202, 400]
    assert requests.get(f"{told.url}nonsense", timeout=30).status_code == 404
    assert requests.post(f"{told.url}nonsense", timeout=30).status_code == 404


@pytest.mark.parametrize(("size", "status"), [(MAX_RESPONSE, 202), (MAX_RESPONSE + 1, 413)])
def test_six_megabytes(size: int, status: int, told: Told) -> None:
    told.order()
    requests.get(f"{told.url}invocation/next", timeout=30)
    url = f"{told.url}invocation/id-1/response"
    assert requests.post(url, data=b"x" * size, timeout=60).status_code == status
    assert isinstance(told.next(), Ready)
    answer = told.next()
    assert isinstance(answer, Answered if status == 202 else Failed)
    if status == 413:
        assert json.loads(answer.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_chunked_answer(told: Told) -> None:
    told.order()
    requests.get(f"{told.url}invocation/next", timeout=30)
    requests.post(f"{told.url}invocation/id-1/response", data=iter([b'"a', b'b"']), timeout=30)
    assert isinstance(told.next(), Ready)
    assert told.next() == Answered(request_id="id-1", payload=b'"ab"')


def test_closing_lets_the_runtime_go() -> None:
    told = Told()
    failed: list[Exception] = []

    def wait() -> None:
        try:
            requests.get(f"{told.url}invocation/next", timeout=60)
        except requests.RequestException as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    told.next()
    told.api.close()
    thread.join()
    assert len(failed) == 1


def test_the_transport_in_python(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", told.api.address)
    runtime_client.initialize_client("tests/1")
    told.order('"ü"'.encode())
    event, headers = runtime_client.next()
    assert event == '"ü"'.encode()
    assert headers == {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": "id-1",
        "Lambda-Runtime-Client-Context": None,
        "Lambda-Runtime-Cognito-Identity": None,
        "Lambda-Runtime-Deadline-Ms": 1234,
        "Lambda-Runtime-Invoked-Function-Arn": ARN,
        "Lambda-Runtime-Trace-Id": "Root=1",
    }
    runtime_client.post_invocation_result("id-1", b'"ok"', "application/json", None)
    assert isinstance(told.next(), Ready)
    assert told.next() == Answered(request_id="id-1", payload=b'"ok"')
    told.order(request_id="id-2")
    runtime_client.next()
    runtime_client.post_error("id-2", '{"errorType": "E"}', "{}", None)
    told.next()
    assert told.next() == Failed(request_id="id-2", payload=b'{"errorType": "E"}')
    with pytest.raises(RuntimeError, match="status: 400"):
        runtime_client.post_invocation_result("id-2", b"1", "application/json")
