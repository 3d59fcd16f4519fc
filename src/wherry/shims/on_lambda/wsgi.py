"""Calling a WSGI application, with apig-wsgi.

The adapter makes the environment and the response. ``_Corrected`` adds what the rewritten event cannot hold, and does
what PEP 3333 says where the adapter does not.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["responder"]


def responder(application: Callable[..., Iterable[bytes]]) -> Callable[[dict[str, Any], Any], Any]:
    """A function that answers a rewritten event with the application."""
    from apig_wsgi import make_lambda_handler

    # The adapter treats no type as text: that is decided when the event is answered.
    call = make_lambda_handler(
        _Corrected(application), binary_support=True, non_binary_content_type_prefixes=()
    )

    def respond(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            response: dict[str, Any] = call(event, context)
        except Exception:  # noqa: BLE001
            # As servers do: the client is told nothing, the log everything.
            traceback.print_exc(file=sys.stderr)
            return {
                "statusCode": 500,
                "headers": {"content-type": "text/plain; charset=utf-8"},
                "body": "Internal Server Error",
            }
        return response

    return respond


class _Corrected:
    """The application, with a corrected environment and a collected response."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self._correct(environ)
        begun: list[Any] = []
        pieces: list[bytes] = []

        def begin(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], Any]:
            if begun and exc_info is None:
                raise AssertionError("start_response was called a second time without exc_info")
            # Nothing is sent before the response is complete, so an error may always replace it.
            begun[:] = [status, headers]
            return pieces.append

        result = self._application(environ, begin)
        try:
            for piece in result:
                pieces.append(piece)  # noqa: PERF402
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        if not begun:
            raise AssertionError("the application did not call start_response")
        status, headers = begun
        start_response(status, _joined(headers))
        return pieces

    def _correct(self, environ: dict[str, Any]) -> None:
        event = environ["apig_wsgi.full_event"]
        details = event["wherry"]
        environ["SCRIPT_NAME"] = unquote_to_bytes(details["root"]).decode("latin-1")
        environ["SERVER_NAME"] = _native(details["host"])
        environ["SERVER_PORT"] = str(details["port"])
        environ["wsgi.url_scheme"] = details["scheme"]
        for name in [name for name in environ if name.startswith(("HTTP_", "CONTENT_TYPE"))]:
            del environ[name]
        # Joined as PEP 3333 and RFC 9110 say; a content type may contain commas.
        repeated: dict[str, list[str]] = {}
        for name, value in details["headers"]:
            # A name with `_` could stand for one with `-` that AWS has set; servers leave it out, too.
            if "_" not in name and name != "content-length":
                repeated.setdefault(name, []).append(value)
        if event["cookies"]:
            repeated["cookie"] = ["; ".join(event["cookies"])]
        for name, values in repeated.items():
            key = name.upper().replace("-", "_")
            key = key if name == "content-type" else "HTTP_" + key
            environ[key] = _native(", ".join(values))
        # The application reads the original event, under the names of apig-wsgi, of serverless-wsgi and of Zappa.
        original = details["event"]
        context = original.get("requestContext") if isinstance(original, dict) else None
        context = context if isinstance(context, dict) else {}
        authorizer = context.get("authorizer")
        environ["apig_wsgi.full_event"] = environ["serverless.event"] = original
        environ["apig_wsgi.request_context"] = context or None
        environ["lambda.event"] = original
        environ["serverless.context"] = environ["lambda.context"] = environ.get("apig_wsgi.context")
        environ["serverless.authorizer"] = environ["API_GATEWAY_AUTHORIZER"] = authorizer
        if isinstance(authorizer, dict) and isinstance(authorizer.get("principalId"), str):
            environ["REMOTE_USER"] = _native(authorizer["principalId"])


def _native(value: str) -> str:
    """A string of the environment: its bytes are UTF-8, and PEP 3333 has them decoded as Latin-1."""
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def _joined(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each header once, except cookies: the values of a name are joined, because the adapter keeps only the last."""
    found: dict[str, str] = {}
    cookies = []
    for name, native in headers:
        lower, value = name.lower(), _text(str(native))
        if lower == "set-cookie":
            cookies.append((lower, value))
        else:
            found[lower] = found[lower] + ", " + value if lower in found else value
    return [*found.items(), *cookies]


def _text(value: str) -> str:
    """The text of a header, whose characters may be bytes of UTF-8, as those of the environment."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
