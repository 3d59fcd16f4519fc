"""`wherry invoke --stage`: the function on AWS, at the alias of the stage."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import wherry as public
from support.aws_account import Account
from support.deployments import Site
from support.loopback import QuietHandler, serve
from wherry.errors import AwsError, DeployError

if TYPE_CHECKING:
    from support.aws_faults import Proxy
    from support.command import Wherry
    from support.index import Index

REPORT = (
    "START RequestId: 1-2 Version: 7\r\nhello \x1b[31m\r\nEND RequestId: 1-2\n"
    "REPORT RequestId: 1-2\tDuration: 102.25 ms\tBilled Duration: 415 ms\tMemory Size: 512 MB\t"
    "Max Memory Used: 38 MB\tInit Duration: 312.01 ms\t\n"
)
JSON_REPORT = (
    '{"level":"INFO","message":"hello"}\n'
    '{"time":"2026","type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":2.5,'
    '"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":40},"status":"success"}}'
)


class Invoked(QuietHandler):
    """Answers as AWS Lambda does to Invoke; what was asked is kept."""

    asked: ClassVar[list[tuple[str, bytes]]] = []
    log = REPORT
    encode = staticmethod(base64.b64encode)
    result = b'{"statusCode": 200}'
    error = ""
    url = ""
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, body))
        headers = {
            "x-amzn-RequestId": "1-2",
            "X-Amz-Executed-Version": "7",
            "X-Amz-Log-Result": self.encode(self.log.encode()).decode(),
        }
        if self.error:
            headers["X-Amz-Function-Error"] = self.error
        self.answer(self.status, self.result, **headers)


@pytest.fixture
def endpoint() -> Iterator[type[Invoked]]:
    class Own(Invoked):
        asked: ClassVar[list[tuple[str, bytes]]] = []

    with serve(Own) as url:
        Own.url = url
        yield Own


@pytest.fixture
def site(wherry: Wherry, index: Index, proxy: Proxy, endpoint: Any) -> Site:
    """A project whose function is wherever the endpoint is."""
    account = Account(endpoint.url)
    made = Site(wherry=wherry, account=account, index=index, proxy=proxy)
    made.write(stage={})
    return made


def run(site: Site, *arguments: str, code: int = 0) -> Any:
    given = ("invoke", "api", "--stage", "staging", *arguments)
    done = site.wherry(*given, **site.account.environment())
    assert done.code == code, done.err
    return done


def test_the_alias_is_called_and_the_log_shown(site: Site, endpoint: Any) -> None:
    (site.root / "event.json").write_text('{"id": 7}')
    done = run(site, "--event", "event.json")
    assert endpoint.asked == [
        ("/2015-03-31/functions/shop-api/invocations?Qualifier=live", b'{"id": 7}')
    ]
    assert done.out == '{"statusCode": 200}\n'
    assert done.err.startswith("Calling function `shop-api` at `live` in eu-west-1 ...\nSTART Req")
    assert "\nhello \\x1b[31m\n" in done.err
    assert not (site.root / "dist").exists()


def test_another_version(site: Site, endpoint: Any) -> None:
    run(site, "--qualifier", "3", "--repeat", "2")
    assert [path for path, _ in endpoint.asked] == [
        "/2015-03-31/functions/shop-api/invocations?Qualifier=3"
    ] * 2


def test_a_function_that_fails(site: Site, endpoint: Any) -> None:
    """Exit 1 as for a local run, and the error as AWS answered it."""
    endpoint.error = "Unhandled"
    endpoint.result = b'{"errorType": "ValueError", "errorMessage": "no", "stackTrace": ["a\\n"]}'
    done = run(site, "--json", code=1)
    document = done.document
    assert document["error"] == {"type": "ValueError", "message": "no", "stack_trace": ["a"]}
    assert document | {"log": "", "error": None} == {
        "schema": 1, "request_id": "1-2", "result": None, "error": None, "timed_out": False,
        "duration_ms": 102.25, "init_ms": 312.01, "billed_ms": 415, "memory_mb": 512,
        "peak_memory_bytes": 38 << 20, "log": "", "version": "7",
    }  # fmt: skip


def test_the_report_of_the_json_log_format(site: Site, endpoint: Any) -> None:
    endpoint.log = JSON_REPORT
    document = run(site, "--json").document
    assert (document["duration_ms"], document["billed_ms"]) == (2.5, 3)
    assert (document["memory_mb"], document["init_ms"]) == (128, None)


def test_a_log_without_a_report(site: Site, endpoint: Any) -> None:
    endpoint.log = '"platform.report" {[\nREPORT RequestId: 1-2 Duration: 1.2.3 ms'
    document = run(site, "--json").document
    assert document["billed_ms"] >= 0


def test_a_log_that_is_not_aws_s(site: Site, endpoint: Any) -> None:
    """A8."""
    endpoint.encode = staticmethod(lambda _: b"x")
    assert "what answers is not AWS" in run(site, code=1).err


def test_an_http_request(site: Site, endpoint: Any) -> None:
    endpoint.result = b'{"statusCode": 201, "body": "made"}'
    done = run(site, "--http", "POST", "/items", "-d", "{}")
    assert done.out == "made"
    assert "HTTP 201" in done.err
    assert json.loads(endpoint.asked[0][1])["rawPath"] == "/items"


def test_from_python(site: Site, endpoint: Any) -> None:
    with site.account.here():
        found = public.invoke_remote(site.root, "staging", {"a": 1})
    assert found.payload == b'{"statusCode": 200}'
    assert (found.version, found.error, endpoint.asked[0][1]) == ("7", None, b'{"a": 1}')


def test_what_is_refused(site: Site, endpoint: Any) -> None:
    done = run(site, "--memory", "256", code=2)
    assert done.err.startswith("error: --memory is for local runs")
    done = site.run("invoke", "api", "--qualifier", "3", code=2)
    assert done.err.startswith("error: --qualifier chooses a version on AWS")
    done = site.run("invoke", "dependencies", "--stage", "staging", code=1)
    assert done.err.startswith("error: `dependencies` is a layer\n")
    endpoint.status, endpoint.result = 404, b'{"Type":"User","Message":"Function not found"}'
    with site.account.here():
        with pytest.raises(AwsError, match="cannot call function `shop-api` at `live`"):
            public.invoke_remote(site.root, "staging")
        with pytest.raises(DeployError, match="takes 6,291,456"):
            public.invoke_remote(site.root, "staging", b" " * (6 << 20) + b"1")
    # It is called once and never again, whatever comes back.
    endpoint.status, calls = 500, len(endpoint.asked)
    run(site, code=1)
    assert len(endpoint.asked) == calls + 1
