"""Routes of API Gateway: which function a request is for, and what its path means.

After "Working with routes for HTTP APIs" and "API Gateway resources" of AWS's documentation. Of several routes that
match, literal segments come before variables and variables before a greedy one, which takes the rest of the path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from wherry.errors import InvokeError
from wherry.settings.local import ROUTE
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.invoke.request import EventFormat

__all__ = ["DEFAULT_ROUTE", "Route", "RouteMatch", "check_routes", "choose_route", "parse_route"]

DEFAULT_ROUTE = "$default"
"""The route of an HTTP API for requests that no other matches."""

_LITERAL, _VARIABLE, _GREEDY = range(3)


class Route(Struct, frozen=True, kw_only=True):
    """A route, and the function that answers it.

    Attributes:
        method: in capitals, or ``ANY``.
        path: such as ``/orders/{id}`` or ``/{proxy+}``; ``$default`` for every path.
        form: the service that has the route; None where nothing names it.
    """

    function: str
    method: str
    path: str
    form: EventFormat | None = None

    @property
    def key(self) -> str:
        """The route as an HTTP API names it (``GET /orders/{id}``)."""
        return self.path if self.path == DEFAULT_ROUTE else f"{self.method} {self.path}"

    @property
    def is_greedy(self) -> bool:
        """Whether its last segment takes the rest of the path."""
        return self.path.endswith("+}")


class RouteMatch(Struct, frozen=True, kw_only=True):
    """A route that matches a request, with the values of its variables, percent-encoded as they came."""

    route: Route
    parameters: Mapping[str, str]


def parse_route(text: str, function: str, form: EventFormat | None = None) -> Route:
    """The route of a function: ``/path``, ``GET /path`` or ``$default``.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(ROUTE, text):
        raise ValueError(f"`{text}` is not a route")
    method, _, path = text.rpartition(" ")
    return Route(function=function, method=method or "ANY", path=path, form=form)


def check_routes(routes: Iterable[Route]) -> None:
    """Refuse two functions for the same requests.

    Raises:
        InvokeError: two routes differ by nothing but the names of their variables.
    """
    known: dict[tuple[str, str], Route] = {}
    for route in routes:
        shape = re.sub(r"{[^}+]*(\+?)}", r"{\1}", route.path)
        other = known.setdefault((route.method, shape), route)
        if other.function != route.function:
            raise InvokeError(
                "two functions have the same route",
                where=[
                    f"`{other.key}` of `{other.function}`",
                    f"`{route.key}` of `{route.function}`",
                ],
                hint="change `routes` of one of them, or name the functions to serve",
            )


def choose_route(
    routes: Iterable[Route], method: str, path: str, *, path_first: bool = False
) -> RouteMatch | None:
    """The most specific route that matches a method and a percent-encoded path without a stage; None where none does.

    With ``path_first``, as a REST API does it, the path alone is chosen by, and then only among its methods. An HTTP
    API takes a less specific path that has the method.
    """
    found = [
        (_specificity(route), match)
        for route in routes
        if (match := _match(route, path, slash=path_first)) is not None
    ]
    if path_first and found:
        best = min(specificity for specificity, _ in found)
        found = [each for each in found if each[0] == best]
    suited = [each for each in found if each[1].route.method in {method, "ANY"}]
    # A route of the very method comes before one of any.
    return (
        min(suited, key=lambda each: (each[0], each[1].route.method == "ANY"))[1]
        if suited
        else None
    )


def _match(route: Route, path: str, *, slash: bool) -> RouteMatch | None:
    """The match of a path; ``slash`` where one at its end means nothing."""
    if route.path == DEFAULT_ROUTE:
        return RouteMatch(route=route, parameters={})
    if slash and len(path) > 1:
        path = path.removesuffix("/")
    segments, actual = route.path[1:].split("/"), path[1:].split("/")
    if len(actual) < len(segments) or (len(actual) > len(segments) and not route.is_greedy):
        return None
    parameters: dict[str, str] = {}
    for number, segment in enumerate(segments):
        value = actual[number]
        kind = _kind(segment)
        if kind == _GREEDY:
            value = "/".join(actual[number:])
        if kind == _LITERAL:
            if unquote(value) != segment:
                return None
        elif not value:
            return None
        else:
            parameters[segment.strip("{+}")] = value
    return RouteMatch(route=route, parameters=parameters)


def _specificity(route: Route) -> tuple[int, ...]:
    """A key by which more specific routes come first."""
    if route.path == DEFAULT_ROUTE:
        return (2,)
    kinds = [_kind(segment) for segment in route.path[1:].split("/")]
    return (int(route.is_greedy), *kinds)


def _kind(segment: str) -> int:
    if segment.startswith("{"):
        return _GREEDY if segment.endswith("+}") else _VARIABLE
    return _LITERAL
