"""The interfaces of the applications of frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Interface",
    "Neither",
    "Verdict",
    "by_distributions",
    "by_name",
    "by_origin",
    "is_application",
]

Interface: TypeAlias = Literal["wsgi", "asgi"]

_INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")


class Neither(Struct, frozen=True, kw_only=True):
    """An object that is not a WSGI or ASGI application: what it is, and what to write instead."""

    message: str
    hint: str | None = None


Verdict: TypeAlias = Interface | Neither

# By the full name, if the first and the last part do not decide.
_WHOLE: Mapping[str, Verdict] = {
    "falcon.asgi.App": "asgi",
    "falcon.asgi.app.App": "asgi",
    "aiohttp.web.Application": Neither(message="an aiohttp application has neither interface"),
    "tornado.web.Application": Neither(message="a Tornado application has neither interface"),
}
# By the first part of the name and the last: the modules between them change with versions.
_KNOWN: Mapping[tuple[str, str], Verdict] = {
    ("a2wsgi", "ASGIMiddleware"): "wsgi",
    ("a2wsgi", "WSGIMiddleware"): "asgi",
    ("apiflask", "APIFlask"): "wsgi",
    ("asgiref", "WsgiToAsgi"): "asgi",
    ("blacksheep", "Application"): "asgi",
    ("bottle", "Bottle"): "wsgi",
    ("bottle", "app"): "wsgi",
    ("bottle", "default_app"): "wsgi",
    ("chalice", "Chalice"): Neither(
        message="a Chalice application is a handler itself",
        hint="name it with `handler` in place of `app`",
    ),
    ("channels", "ProtocolTypeRouter"): "asgi",
    ("cherrypy", "Application"): "wsgi",
    ("connexion", "AsyncApp"): "asgi",
    ("dash", "Dash"): Neither(
        message="a Dash application has neither interface",
        hint="name the Flask application in it: `app.server`",
    ),
    ("django", "get_asgi_application"): "asgi",
    ("django", "get_wsgi_application"): "wsgi",
    ("falcon", "API"): "wsgi",
    ("falcon", "App"): "wsgi",
    ("fastapi", "FastAPI"): "asgi",
    ("fastapi", "WSGIMiddleware"): "asgi",
    ("flask", "Flask"): "wsgi",
    ("flask_openapi3", "OpenAPI"): "wsgi",
    ("hypercorn", "AsyncioWSGIMiddleware"): "asgi",
    ("hypercorn", "TrioWSGIMiddleware"): "asgi",
    ("litestar", "Litestar"): "asgi",
    ("paste", "loadapp"): "wsgi",
    ("pyramid", "make_wsgi_app"): "wsgi",
    ("quart", "Quart"): "asgi",
    ("robyn", "Robyn"): Neither(message="a Robyn application has neither interface"),
    ("sanic", "Sanic"): "asgi",
    ("socketio", "ASGIApp"): "asgi",
    ("socketio", "WSGIApp"): "wsgi",
    ("starlette", "Starlette"): "asgi",
    ("starlette", "WSGIMiddleware"): "asgi",
    ("starlite", "Starlite"): "asgi",
    ("uvicorn", "WSGIMiddleware"): "asgi",
    ("werkzeug", "DispatcherMiddleware"): "wsgi",
    ("werkzeug", "ProxyFix"): "wsgi",
    ("werkzeug", "SharedDataMiddleware"): "wsgi",
    ("whitenoise", "WhiteNoise"): "wsgi",
}

# Distributions that are only for applications of one interface.
_FRAMEWORKS: Mapping[Interface, frozenset[str]] = {
    "wsgi": frozenset(
        {"apig-wsgi", "apiflask", "bottle", "cherrypy", "flask", "pyramid", "web-py"}
    ),
    "asgi": frozenset(
        {"blacksheep", "fastapi", "litestar", "mangum", "quart", "sanic", "starlette", "starlite"}
    ),
}
# Frameworks that another framework, of the other interface, requires.
_REQUIRED_BY = {"flask": "quart"}


def by_origin(origin: str) -> Verdict | None:
    """The interface of what a class or function creates, by its full name, such as ``flask.app.Flask``."""
    if origin in _WHOLE:
        return _WHOLE[origin]
    parts = origin.split(".")
    if (parts[0], parts[-1]) in _KNOWN:
        return _KNOWN[parts[0], parts[-1]]
    if len(parts) == 1:
        return None
    # `sentry_sdk.integrations.asgi.SentryAsgiMiddleware`, `django.core.handlers.wsgi.WSGIHandler`.
    for interface in _INTERFACES:
        if interface in parts[1:-1]:
            return interface
    return by_name(parts[-1])


def is_application(origin: str) -> bool:
    """Whether a class or function is known to create an application, and not a handler."""
    parts = origin.split(".")
    verdict = _WHOLE.get(origin) or _KNOWN.get((parts[0], parts[-1]))
    return verdict is not None and parts[0] != "chalice"


def by_name(name: str) -> Interface | None:
    """The interface that the name of a function or method suggests: ``make_wsgi_app``."""
    return _only([interface for interface in _INTERFACES if interface in name.lower()])


def by_distributions(distributions: Mapping[str, str]) -> Interface | None:
    """The interface of all frameworks in the package; None if they differ or there is none."""
    return _only(
        [
            interface
            for interface, names in _FRAMEWORKS.items()
            if any(
                _REQUIRED_BY.get(name) not in distributions for name in names & distributions.keys()
            )
        ]
    )


def _only(interfaces: list[Interface]) -> Interface | None:
    return interfaces[0] if len(interfaces) == 1 else None
