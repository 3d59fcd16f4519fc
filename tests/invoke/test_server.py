"""A real HTTP client against the server; the function behind it is a plain callable of Python."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from support.serving import ANY_PORT, build_of, ran, serve_build, served_as
from wherry.errors import InvokeError
from wherry.invoke.builds import Builds
from wherry.invoke.http_server import Listen
from wherry.invoke.outcome import FunctionError, Invocation
from wherry.invoke.request import EventFormat
from wherry.invoke.server import FunctionServer, Served


def echo(event: bytes) -> Invocation:
    """Answers with the event, as a body."""
    return ran(json.dumps({"statusCode": 200, "body": event.decode()}).encode())


@contextmanager
def serving(
    invoke: Callable[[bytes], Invocation],
    form: EventFormat = EventFormat.FUNCTION_URL,
    served: list[Served] | None = None,
    listen: Listen = ANY_PORT,
) -> Iterator[FunctionServer]:
    build = build_of([served_as("shop", invoke)], form=form)
    with serve_build(build, served=served, listen=listen) as server:
        yield server


@pytest.fixture
def url() -> Iterator[str]:
    with serving(echo) as server:
        yield server.url


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"])
def test_every_method(method: str, url: str) -> None:
    event = requests.request(method, f"{url}a/b?x=1&x=2", timeout=30).json()
    assert event["requestContext"]["http"]["method"] == method
    assert (event["rawPath"], event["rawQueryString"]) == ("/a/b", "x=1&x=2")


def test_head_has_headers_and_no_body(url: str) -> None:
    response = requests.head(url, timeout=30)
    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["content-length"]) > 0


def test_requests_one_after_another_on_one_connection(url: str) -> None:
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.connect()
    port = connection.sock.getsockname()[1]
    for number in range(5):
        connection.request("POST", f"/{number}", body=str(number))
        assert json.loads(connection.getresponse().read())["rawPath"] == f"/{number}"
        assert connection.sock.getsockname()[1] == port
    connection.close()


def test_a_binary_body_there_and_back() -> None:
    def mirror(event: bytes) -> Invocation:
        document = json.loads(event)
        assert document["isBase64Encoded"] is True
        body = {"statusCode": 200, "body": document["body"], "isBase64Encoded": True}
        return ran(json.dumps(body).encode())

    data = bytes(range(256)) * 100
    with serving(mirror) as server:
        assert requests.post(server.url, data=data, timeout=30).content == data


def test_a_chunked_request(url: str) -> None:
    event = requests.post(url, data=iter([b"one", b"two" * 1000]), timeout=30).json()
    assert base64.b64decode(event["body"]) == b"one" + b"two" * 1000
    assert "transfer-encoding" not in event["headers"]


def test_cookies_both_ways() -> None:
    def cookies(event: bytes) -> Invocation:
        sent = json.loads(event)["cookies"]
        return ran(
            json.dumps({"statusCode": 200, "cookies": ["x=1", "y=2"], "body": str(sent)}).encode()
        )

    with serving(cookies) as server:
        response = requests.get(server.url, cookies={"a": "1", "b": "2"}, timeout=30)
    assert response.text == "['a=1', 'b=2']"
    assert response.raw.headers.getlist("set-cookie") == ["x=1", "y=2"]


def test_the_scheme_is_the_one_that_is_spoken(url: str) -> None:
    """Else a redirect of the app would send the browser to a port that speaks no TLS."""
    headers = requests.get(url, timeout=30).json()["headers"]
    assert headers["x-forwarded-proto"] == "http"
    assert url == f"http://{headers['host']}/"
    assert headers["x-forwarded-port"] == headers["host"].rpartition(":")[2]


def test_a_repeated_header_and_one_that_is_not_ascii(url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nA: 1\r\nA: 2\r\nB: \xc3\xbc\r\nConnection: close\r\n\r\n"
        )
        with client.makefile("rb") as file:
            body = file.read().partition(b"\r\n\r\n")[2]
    headers = json.loads(body)["headers"]
    assert (headers["a"], headers["b"]) == ("1,2", "ü")


@pytest.mark.parametrize("chunked", [False, True])
def test_six_megabytes(chunked: bool, url: str) -> None:
    data = b"x" * (6 * 1024 * 1024 + 1)
    try:
        response = requests.post(url, data=iter([data]) if chunked else data, timeout=60)
    except requests.ConnectionError:
        # A client that goes on sending may not hear the answer.
        assert chunked
        return
    assert response.status_code == 413
    headers = {"content-type": "text/plain"}
    small = requests.post(url, data=b"x" * 3_000_000, headers=headers, timeout=60)
    assert len(small.json()["body"]) == 3_000_000


def test_base64_counts_against_the_limit(url: str) -> None:
    data = b"\0" * 5_000_000
    assert requests.post(url, data=data, timeout=60).status_code == 413


def test_a_load_balancer_takes_a_mebibyte() -> None:
    with serving(echo, EventFormat.ALB) as server:
        data = "x" * (1024 * 1024 + 1)
        headers = {"content-type": "text/plain"}
        assert requests.post(server.url, data=data, headers=headers, timeout=60).status_code == 413


def test_a_failure_is_told_to_the_developer_alone() -> None:
    served: list[Served] = []
    error = FunctionError(type="KeyError", message="'x'")
    with serving(lambda _: ran(b"{}", error=error), served=served) as server:
        response = requests.get(server.url, timeout=30)
    assert (response.status_code, response.text) == (502, "Internal Server Error")
    assert served[0].response.fault == "the function failed: KeyError: 'x'"


def test_a_function_that_cannot_be_started() -> None:
    def broken(_: bytes) -> Invocation:
        raise InvokeError("the function's process cannot be started", where=["no memory"])

    served: list[Served] = []
    with serving(broken, served=served) as server:
        assert requests.get(server.url, timeout=30).status_code == 502
    assert served[0].response.fault == "the function's process cannot be started: no memory"


def status(url: str, data: bytes) -> int:
    """The status that these bytes are answered with."""
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(data)
        with client.makefile("rb") as file:
            return int(file.readline().split()[1])


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -1",
        b"Content-Length: x",
        b"Content-Length: +3",
        b"Content-Length : 3",
        b" Content-Length: 3",
        b"Content-Length: 3_0",
        b"Content-Length: 0x3",
        b"Content-Length: \xd9\xa3",
        b"Content-Length: 3\r\nContent-Length: 4",
        b"Content-Length: 3, 4",
        b"Content-Length: " + b"3" * 5000,
        b"Content-Length: 3\nX: 1",
        b"Content-Length:\r\n 3",
        b"X: 1\r\n\tfolded\r\nContent-Length: 3",
        b"X: a\rContent-Length: 3",
        b"X: a\0b\r\nContent-Length: 3",
        b"X\xff: a\r\nContent-Length: 3",
        b": a\r\nContent-Length: 3",
        b"Content-Length",
        b"Host: localhost\r\nContent-Length: 3",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked",
    ],
    ids=ascii,
)
def test_what_is_not_http(head: bytes, url: str) -> None:
    """Nor is `xyz` the beginning of a chunk."""
    assert status(url, b"POST / HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\nxyz\r\n") == 400


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 506, 400),
        (b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n", 400),
        (b"GET x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999\r\n\r\n", 413),
        (b"\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        ("GET /ü HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), 200),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_the_status_of_a_request(data: bytes, code: int, url: str) -> None:
    if code == 413:
        data += b"x" * (7 << 20)
    assert status(url, data) == code


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("localhost", 200),
        ("LOCALHOST.:80", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("shop.localhost", 200),
        ("shop.test", 200),
        ("attacker.example", 421),
        ("localhost.attacker.example", 421),
        ("10.0.0.1", 421),
        ("", 400),
        ("localhost, attacker.example", 400),
        ("user@localhost", 400),
        ("localhost:80:80", 400),
    ],
)
def test_requests_for_other_hosts(host: str, code: int) -> None:
    """A page of a stranger reaches this machine by a name of its own that it has pointed here."""
    calls: list[bytes] = []

    def count(event: bytes) -> Invocation:
        calls.append(event)
        return ran(b'{"statusCode": 200}')

    listen = Listen(port=0, allowed_hosts=("shop.test",))
    with serving(count, listen=listen) as server:
        assert status(server.url, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == code
        absolute = f"GET http://{host}/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert status(server.url, absolute.encode()) == code
    assert len(calls) == (2 if code == 200 else 0)


def test_all_hosts_can_be_allowed() -> None:
    with serving(echo, listen=Listen(port=0, allowed_hosts=("*",))) as server:
        assert status(server.url, b"GET / HTTP/1.1\r\nHost: anything.example\r\n\r\n") == 200


def test_requests_sent_at_once_are_answered_in_turn(url: str) -> None:
    """And one that is malformed ends the connection, so that what follows it is not taken for a request."""
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        first = b"POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok"
        bad = b"POST /2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: +2\r\n\r\n"
        client.sendall(first + bad + b"GET /3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with client.makefile("rb") as file:
            answers = file.read()
    assert b'"rawPath": "/1"' in answers
    assert answers.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 400" in answers


def test_clients_that_say_nothing_keep_nobody_waiting(url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    silent[0].sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx")
    try:
        assert requests.get(url, timeout=5).status_code == 200
    finally:
        for client in silent:
            client.close()


def test_a_client_that_asks_whether_it_may_send(url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    head = (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rb") as file:
        client.sendall(head)
        assert file.readline().split()[1] == b"100"
        assert file.readline() == b"\r\n"
        client.sendall(b"ok")
        assert file.readline().split()[1] == b"200"


def test_concurrent_clients(url: str) -> None:
    found: list[str] = []

    def ask(number: int) -> None:
        found.append(requests.get(f"{url}{number}", timeout=30).json()["rawPath"])

    threads = [threading.Thread(target=ask, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"/{number}" for number in range(20))


def test_a_port_that_is_taken() -> None:
    with serving(echo) as server, pytest.raises(InvokeError, match="cannot listen") as caught:
        FunctionServer(Builds(), listen=Listen(port=server.port))
    assert "--port" in (caught.value.hint or "")


@pytest.mark.parametrize("host", ["192.0.2.1", "300.1.1.1", "a" * 70, "..", "\udcff", "a\0b"])
def test_an_address_that_is_not_this_machine_s(host: str) -> None:
    with pytest.raises(InvokeError, match="cannot listen") as caught:
        FunctionServer(Builds(), listen=Listen(host=host, port=0))
    assert "--host" in (caught.value.hint or "")


def test_no_address() -> None:
    """Such as a variable of a script that is not set; to the system that is every address."""
    with pytest.raises(InvokeError, match="the host is empty"):
        FunctionServer(Builds(), listen=Listen(host="", port=0))


def test_no_body_where_there_is_none() -> None:
    with serving(lambda _: ran(b'{"statusCode": 204}')) as server:
        response: Any = requests.get(server.url, timeout=30)
    assert response.status_code == 204
    assert "content-length" not in response.headers
