"""Events as users give them: JSON documents in files, and HTTP requests."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from wherry.errors import InvokeError
from wherry.files import reason_of
from wherry.invoke.http_event import http_event
from wherry.invoke.request import TOKEN, EventFormat, HttpRequest
from wherry.invoke.variables import region
from wherry.untrusted import LARGEST_DOCUMENT, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


__all__ = [
    "MAX_CLIENT_CONTEXT",
    "client_context",
    "make_request",
    "parse_headers",
    "read_body",
    "read_client_context",
    "read_event",
    "request_event",
]

MAX_CLIENT_CONTEXT = 3583
"""Bytes of a client context in base64 that Lambda takes."""


def read_event(source: str) -> bytes:
    """A JSON document from a file or stdin, or one that is given itself, as an object, array or string.

    Raises:
        InvokeError: it cannot be read, or is not JSON.
    """
    if is_itself := source.lstrip().startswith(("{", "[", '"')):
        name, data = "--event", source.encode("utf-8", "surrogateescape")
    else:
        name = "stdin" if source == "-" else f"`{source}`"
        data = _read(source, f"the event {name}")
    try:
        parse_json(data)
        # Shells of Windows write UTF-16, and Lambda's client reads UTF-8 alone.
        return data.decode(json.detect_encoding(data)).encode()
    except ValueError as error:
        raise InvokeError(
            f"the event in {name} is not JSON",
            where=[str(error)],
            hint="quote it for your shell: --event '{\"id\": 7}'"
            if is_itself
            else 'an event is a JSON document, such as {"id": 7}',
        ) from error


def read_client_context(source: str | None) -> str | None:
    """The client context in a JSON object, or in a file that holds one; None where there is none.

    Raises:
        InvokeError: as ``client_context``, or the file cannot be read.
    """
    if source is None or source.lstrip().startswith("{"):
        return client_context(source)
    return client_context(_read(source, f"the client context `{source}`"))


def client_context(value: object) -> str | None:
    """A client context, such as ``{"custom": {"user": "7"}}``, as it crosses the wire: JSON in ASCII.

    Raises:
        InvokeError: it is not an object, or larger than Lambda takes.
    """
    if value is None:
        return None
    try:
        document = parse_json(value) if isinstance(value, str | bytes) else value
        text = json.dumps(document)
    except (TypeError, ValueError) as error:
        raise InvokeError("the client context is not JSON", where=[str(error)]) from error
    if not isinstance(document, dict):
        raise InvokeError(
            "the client context is not a JSON object", hint='write one: {"custom": {"user": "7"}}'
        )
    whole = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    size = 4 * -(-len(whole) // 3)
    if size > MAX_CLIENT_CONTEXT:
        raise InvokeError(
            f"the client context has {size:,} bytes in base64",
            where=[f"AWS Lambda takes {MAX_CLIENT_CONTEXT:,}"],
        )
    return text


def request_event(
    method: str,
    target: str,
    service: EventFormat,
    headers: Sequence[str],
    data: str | None,
    environment: Mapping[str, str],
) -> bytes:
    """The event that a service makes of an HTTP request.

    ``target`` is its path, and its query after a question mark; ``data`` the body, where ``@FILE`` stands for the
    content of a file and ``@-`` for stdin; the environment of the function may say its region.

    Raises:
        InvokeError: a part of the request is none, or the body cannot be read.
    """
    body = b"" if data is None else read_body(data)
    request = make_request(method, target, parse_headers(headers), body)
    event = http_event(request, service, region=region(os.environ, environment))
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")


def parse_headers(headers: Sequence[str]) -> list[tuple[str, str]]:
    """Names and values of headers that are written as ``NAME: VALUE``.

    Raises:
        InvokeError: one is none.
    """
    pairs = []
    for header in headers:
        name, colon, value = (part.strip() for part in header.partition(":"))
        if not colon or not TOKEN.fullmatch(name) or not {"\r", "\n", "\0"}.isdisjoint(value):
            raise InvokeError(f"`{header}` is not a header", hint="write --header 'Name: value'")
        pairs.append((name, value))
    return pairs


def read_body(data: str) -> bytes:
    """A body that is given as text, as ``@FILE``, or as ``@-`` for stdin.

    Raises:
        InvokeError: the file cannot be read.
    """
    if not data.startswith("@"):
        return data.encode("utf-8", "surrogateescape")
    return _read(data[1:], f"the body `{data[1:]}`")


def make_request(
    method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes
) -> HttpRequest:
    """A request for a path, with its query after a question mark, and with the headers that every client sends.

    Raises:
        InvokeError: the method is not a word, or the path does not begin with a slash.
    """
    if not TOKEN.fullmatch(method):
        raise InvokeError(f"`{method}` is not the method of a request", hint="write GET or POST")
    if not target.startswith("/"):
        raise InvokeError(
            f"`{target}` is not the path of a request",
            hint="a path begins with a slash: --http GET /items",
        )
    path, _, query = target.partition("#")[0].partition("?")
    pairs = list(headers)
    present = {name.lower() for name, _ in pairs}
    if body and "content-type" not in present:
        kind = "application/json" if _is_json(body) else "application/x-www-form-urlencoded"
        pairs.append(("Content-Type", kind))
    if body and "content-length" not in present:
        pairs.append(("Content-Length", str(len(body))))
    if "user-agent" not in present:
        pairs.append(("User-Agent", "wherry"))
    # What a browser would encode may be written as it reads.
    safe = "!#$%&'()*+,/:;=?@[]~"
    return HttpRequest(
        method=method.upper(),
        path=quote(path, safe=safe, errors="surrogateescape"),
        query=quote(query, safe=safe, errors="surrogateescape"),
        headers=tuple(pairs),
        body=body,
    )


def _read(source: str, what: str) -> bytes:
    try:
        if source == "-":
            return sys.stdin.buffer.read(LARGEST_DOCUMENT + 1)
        with Path(source).open("rb") as file:
            return file.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        raise InvokeError(f"cannot read {what}", where=[reason_of(error)]) from error


def _is_json(body: bytes) -> bool:
    try:
        parse_json(body)
    except ValueError:
        return False
    return True
