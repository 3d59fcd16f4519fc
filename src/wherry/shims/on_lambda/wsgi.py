"""A WSGI application answers, called by apig-wsgi.

The adapter makes the environment and the response. Around it, ``_Repaired`` tells the application what the
rewritten event could not, and keeps to PEP 3333 where the adapter does not.
"""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["responder"]


def responder(application: Callable[..., Iterable[bytes]]) -> Callable[[dict[str, Any], Any], Any]:
    """A function that answers a rewritten event with the application."""
    from apig_wsgi import make_lambda_handler

    # No type counts as text to the adapter: what travels as text is decided when the event is answered.
    call = make_lambda_handler(
        _Repaired(application), binary_support=True, non_binary_content_type_prefixes=()
    )

    def respond(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            response: dict[str, Any] = call(event, context)
        except Exception:  # noqa: BLE001
            # As servers do: the client learns nothing, the log everything.
            traceback.print_exc(file=sys.stderr)
            return {
                "statusCode": 500,
                "headers": {"content-type": "text/plain; charset=utf-8"},
                "body": "Internal Server Error",
            }
        return response

    return respond


class _Repaired:
    """The application, with its environment completed and its response gathered."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        event = environ["apig_wsgi.full_event"]
        told = event["wherry"]
        headers = event["headers"]
        environ["SCRIPT_NAME"] = told["root"]
        environ["SERVER_NAME"] = told["host"]
        environ["SERVER_PORT"] = str(told["port"])
        environ["wsgi.url_scheme"] = told["scheme"]
        # Joined as PEP 3333 and RFC 9110 have it; a content type may have commas in it.
        repeated: dict[str, list[str]] = {}
        for name, value in told["headers"]:
            repeated.setdefault(name, []).append(value)
        for name, values in repeated.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = ", ".join(values)
        for name in ("host", "x-forwarded-proto", "x-forwarded-port"):
            if name not in repeated:
                environ.pop("HTTP_" + name.upper().replace("-", "_"), None)
        for name in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"):
            environ.pop(name, None)
        if "content-type" in headers:
            environ["CONTENT_TYPE"] = headers["content-type"]
        if event["cookies"]:
            environ["HTTP_COOKIE"] = "; ".join(event["cookies"])
        else:
            environ.pop("HTTP_COOKIE", None)
        # What the application may want of the event is in the event that came.
        environ["apig_wsgi.full_event"] = told["event"]
        environ["apig_wsgi.request_context"] = told["event"].get("requestContext")

        begun: list[Any] = []
        pieces: list[bytes] = []

        def begin(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], Any]:
            if begun and exc_info is None:
                raise AssertionError("start_response was called a second time without exc_info")
            # Nothing is sent before the whole is there, so an error may always take its place.
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
        status, given = begun
        start_response(status, _joined(given))
        return pieces


def _joined(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Every header once but for cookies: the values of a name are joined, or the adapter keeps the last."""
    found: dict[str, str] = {}
    cookies = []
    for name, value in headers:
        lower = name.lower()
        if lower == "set-cookie":
            cookies.append((lower, value))
        else:
            found[lower] = found[lower] + ", " + value if lower in found else value
    return [*found.items(), *cookies]
