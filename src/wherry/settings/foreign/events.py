"""The routes of APIs that call a function, in the events of SAM and of the Serverless Framework, and in CloudFormation.

After "EventSource: Api, HttpApi" of AWS's SAM reference, and "API Gateway" and "HTTP API" of the Serverless Framework's; and after
"AWS::ApiGatewayV2::Route", "::Integration" and "::Api" of AWS's CloudFormation reference, where a route names its
integration, and that its function, by intrinsic functions that refer to the resource.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from wherry.settings.foreign.model import ForeignRoute
from wherry.settings.local import ROUTE
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry.settings.foreign.document import Document

__all__ = [
    "gateway_routes",
    "route_of",
    "sam_routes",
    "serverless_routes",
]

_SERVICES = {"Api": "rest", "HttpApi": "http", "http": "rest", "httpApi": "http"}
_MOST = 1000
"""Events of a function that are looked at."""
_ANY = frozenset({"any", "*", "x-amazon-apigateway-any-method"})
_ROUTE = "AWS::ApiGatewayV2::Route"
_INTEGRATION = "AWS::ApiGatewayV2::Integration"
_API = "AWS::ApiGatewayV2::Api"
_NAME_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


def sam_routes(events: object, value: Callable[[object], object]) -> tuple[ForeignRoute, ...]:
    """The routes in the ``Events`` of a function; those of an API that is described elsewhere have none.

    ``value`` gives the value of an intrinsic function.
    """

    def found() -> Iterator[ForeignRoute | None]:
        for event in islice(events.values(), _MOST) if isinstance(events, dict) else ():
            service = _SERVICES.get(inner_string(event, "Type") or "")
            if service is None:
                continue
            properties = inner_table(event, "Properties")
            method, path = (value(properties.get(key)) for key in ("Method", "Path"))
            if service == "http":
                path = "$default" if path is None else path
                service = _payload_service(value(properties.get("PayloadFormatVersion")))
            yield route_of(service, method, path)

    return tuple(route for route in found() if route is not None)


def serverless_routes(
    events: object, value: Callable[[object], object], payload: object = None
) -> tuple[ForeignRoute, ...]:
    """The routes in the ``events`` of a function.

    ``value`` gives the value of a variable, and ``payload`` is the format of events of HTTP APIs.
    """
    services = {**_SERVICES, "httpApi": _payload_service(payload)}

    def found() -> Iterator[ForeignRoute | None]:
        known = value(events)
        for each in known[:_MOST] if isinstance(known, list) else ():
            event = value(each)
            if isinstance(event, str) and event in services:
                event = {event: "*"}
            for name, described in event.items() if isinstance(event, dict) else ():
                if name not in services:
                    continue
                detail = value(described)
                if isinstance(detail, str):
                    method, _, path = detail.strip().partition(" ")
                    yield route_of(services[name], method, path.strip() or method)
                elif isinstance(detail, dict):
                    yield route_of(
                        services[name], value(detail.get("method")), value(detail.get("path"))
                    )

    return tuple(route for route in found() if route is not None)


def _payload_service(version: object) -> str:
    """The service of an HTTP API, by the format of its events; 2.0 unless it is 1.0."""
    return "http-1.0" if str(version) in {"1.0", "1"} else "http"


def _route_of_key(service: str, key: object) -> ForeignRoute | None:
    """The route of a key such as ``GET /orders/{id}`` or ``$default``; None where it is none."""
    method, _, path = key.strip().rpartition(" ") if isinstance(key, str) else ("", "", None)
    return route_of(service, method or None, path)


def route_of(service: str, method: object, path: object) -> ForeignRoute | None:
    """The route of an event; None if it names none that is known."""
    if method is None:
        method = "ANY"
    if not isinstance(method, str) or not isinstance(path, str):
        return None
    method = "ANY" if method.lower() in _ANY else method.upper()
    if path in {"*", "$default"} and service != "rest":
        path = "$default"
    elif not path.startswith("/"):
        path = f"/{path}"
    route = path if path == "$default" or method == "ANY" else f"{method} {path}"
    return ForeignRoute(service=service, route=route) if re.fullmatch(ROUTE, route) else None


def gateway_routes(
    resources: Document, value: Callable[[object], object]
) -> dict[str, tuple[ForeignRoute, ...]]:
    """The routes of functions, by the names of their resources; ``value`` gives the value of an intrinsic function."""
    routes: dict[str, list[ForeignRoute]] = {}
    for resource in resources.values():
        properties = inner_table(resource, "Properties")
        key, target, payload = (
            value(properties.get("RouteKey")),
            properties.get("Target"),
            value(properties.get("PayloadFormatVersion")),
        )
        kind = inner_string(resource, "Type")
        if kind == _ROUTE:
            integrations = [name for name in _references(target) if name in resources]
            integration = inner_table(resources, integrations[0]) if integrations else {}
            if inner_string(integration, "Type") != _INTEGRATION:
                continue
            details = inner_table(integration, "Properties")
            target = details.get("IntegrationUri")
            payload = value(details.get("PayloadFormatVersion"))
        elif kind == _API and target is not None:
            key = key or "$default"
        else:
            continue
        route = _route_of_key(_payload_service(payload), key)
        for name in _references(target):
            if route is not None and name in resources:
                routes.setdefault(name, []).append(route)
    return {name: tuple(each) for name, each in routes.items()}


def _references(value: object, depth: int = 0) -> Iterator[str]:
    """The names of resources that a value refers to."""
    if depth > 10:
        return
    if isinstance(value, list):
        for each in value[:100]:
            yield from _references(each, depth + 1)
    elif isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        if isinstance(argument, list) and argument and name in {"Fn::GetAtt", "Fn::Sub"}:
            argument = argument[0]
        if not isinstance(argument, str):
            yield from _references(argument, depth + 1)
        elif name == "Fn::Sub":
            yield from _NAME_IN_TEXT.findall(argument[:10_000])
        elif name in {"Ref", "Fn::GetAtt"}:
            yield argument.partition(".")[0]
