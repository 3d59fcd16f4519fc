"""Routes of HTTP APIs that a CloudFormation template describes by resources of their own.

After "AWS::ApiGatewayV2::Route", "::Integration" and "::Api" of AWS's CloudFormation reference. A route names its
integration, and that its function, by intrinsic functions that refer to the resource.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.settings.foreign.events import payload_service, route_of_key
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wherry.settings.foreign.document import Document
    from wherry.settings.foreign.model import ForeignRoute

__all__ = ["gateway_routes"]

_ROUTE = "AWS::ApiGatewayV2::Route"
_INTEGRATION = "AWS::ApiGatewayV2::Integration"
_API = "AWS::ApiGatewayV2::Api"
_NAME_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")


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
        route = route_of_key(payload_service(payload), key)
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
