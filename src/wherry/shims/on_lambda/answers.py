"""Responses as the services of AWS expect them from a function."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Response", "answer", "body_of"]

Response = dict[str, Any]

_TEXT = frozenset(
    "application/" + name
    for name in (
        "ecmascript",
        "graphql",
        "javascript",
        "json",
        "jsonlines",
        "toml",
        "x-javascript",
        "x-ndjson",
        "x-www-form-urlencoded",
        "xml",
        "yaml",
    )
)
# What is about the connection, which ends at the service (RFC 9110, 7.6.1): not all of them leave it out.
_OF_CONNECTION = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# CloudFront answers 502 to a response with these.
_NOT_AT_THE_EDGE = ("content-length", "via", "x-accel-", "x-amz-cf-", "x-edge-")
_SAME_BYTES_AS_UTF8 = ("", "utf-8", "utf8", "us-ascii", "ascii")


def answer(response: Response, source: str, text_types: Sequence[str] = ()) -> Response:
    """The response of a function URL, as the source of the request expects it.

    Args:
        response: of an adapter.
        source: as in ``Request``.
        text_types: media types that are text, besides those that are known.
    """
    headers = {
        name: value
        for name, value in (response.get("headers") or {}).items()
        if name not in _OF_CONNECTION
    }
    cookies = response.get("cookies") or []
    data = body_of(response)
    text = _as_text(data, headers, text_types)
    body = base64.b64encode(data).decode() if text is None else text
    if source == "edge":
        return _for_edge(response["statusCode"], headers, cookies, body, text is None)
    answered = {
        "statusCode": response["statusCode"],
        "body": body,
        "isBase64Encoded": text is None,
    }
    return {**answered, **_HEADERS[source](headers, cookies)}


def body_of(response: Response) -> bytes:
    """The bytes of a response's body."""
    body = response.get("body") or ""
    return base64.b64decode(body) if response.get("isBase64Encoded") else body.encode()


def _v2(headers: dict[str, str], cookies: list[str]) -> Response:
    return {"headers": headers, "cookies": cookies}


def _v1(headers: dict[str, str], cookies: list[str]) -> Response:
    # API Gateway merges the two.
    return {
        "headers": headers,
        "multiValueHeaders": {"set-cookie": cookies} if cookies else {},
    }


def _multi(headers: dict[str, str], cookies: list[str]) -> Response:
    values = {name: [value] for name, value in headers.items()}
    return {"multiValueHeaders": {**values, "set-cookie": cookies} if cookies else values}


def _single(headers: dict[str, str], cookies: list[str]) -> Response:
    # There is one value for each name. But `Set-Cookie` and `set-cookie` are two names to the service, and one
    # to the browser.
    spelled = {_spelling("set-cookie", number): cookie for number, cookie in enumerate(cookies)}
    return {"headers": {**headers, **spelled}}


_HEADERS: dict[str, Callable[[dict[str, str], list[str]], Response]] = {
    "v2": _v2,
    "v1": _v1,
    "alb": _single,
    "alb-multi": _multi,
    "lattice": _single,
}


def _for_edge(
    status: int, headers: dict[str, str], cookies: list[str], body: str, is_base64: bool
) -> Response:
    pairs = [pair for pair in headers.items() if not pair[0].startswith(_NOT_AT_THE_EDGE)]
    listed: dict[str, list[dict[str, str]]] = {}
    for name, value in [*pairs, *(("set-cookie", cookie) for cookie in cookies)]:
        listed.setdefault(name, []).append({"key": name, "value": value})
    try:
        description = HTTPStatus(status).phrase
    except ValueError:
        description = ""
    return {
        "status": str(status),
        "statusDescription": description,
        "headers": listed,
        "body": body,
        "bodyEncoding": "base64" if is_base64 else "text",
    }


def _as_text(data: bytes, headers: dict[str, str], text_types: Sequence[str]) -> str | None:
    """The body as text; None if it must be sent as base64 to arrive unchanged."""
    media, _, parameters = headers.get("content-type", "").lower().partition(";")
    media = media.strip()
    charset = ""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            charset = value.strip().strip("\"'")
    # Text is sent as UTF-8, whatever the header says.
    if (
        headers.get("content-encoding", "identity").lower() not in ("", "identity")
        or charset not in _SAME_BYTES_AS_UTF8
        or not (
            not media
            or media.startswith("text/")
            or media in _TEXT
            or media in text_types
            or media.endswith(("+json", "+xml", "+yaml"))
        )
    ):
        return None if data else ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _spelling(name: str, number: int) -> str:
    """The name with some letters in upper case: those whose positions are set in the number."""
    letters = [place for place, letter in enumerate(name) if letter.isalpha()]
    upper = {place for bit, place in enumerate(letters) if number >> bit & 1}
    return "".join(
        letter.upper() if place in upper else letter for place, letter in enumerate(name)
    )
