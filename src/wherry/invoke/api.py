"""The APIs in front of a project's functions: the function that a request is for, and the event that is made of it."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.events import Reporter, Warned
from wherry.invoke.http_event import MAX_ALB_BODY, http_event
from wherry.invoke.http_response import no_route
from wherry.invoke.request import EventFormat, HttpRequest, HttpResponse
from wherry.invoke.routes import (
    DEFAULT_ROUTE,
    Route,
    RouteMatch,
    check_routes,
    choose_route,
    parse_route,
)
from wherry.invoke.runtime_api import MAX_EVENT
from wherry.invoke.variables import region
from wherry.settings.model import FunctionSettings
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.pipeline.request import BuildRequest
    from wherry.settings.foreign.model import ForeignFunction

__all__ = ["Api", "Call", "find_api", "function_settings", "make_event"]

_BALANCERS = frozenset({EventFormat.ALB, EventFormat.ALB_MULTI})


class Call(Struct, frozen=True, kw_only=True):
    """A request, without the stage in its path, for a function: its route, and the service that makes the event."""

    request: HttpRequest
    match: RouteMatch
    form: EventFormat
    stage: str | None = None

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.match.route.function


class Api(Struct, frozen=True, kw_only=True):
    """Routes, and the service that has them.

    Attributes:
        form: the service of routes that do not name theirs.
        stage: in the path of every request, as in the address of an API without a domain of its own.
    """

    form: EventFormat
    routes: tuple[Route, ...]
    functions: tuple[str, ...]
    stage: str | None = None

    def find(self, request: HttpRequest) -> Call | HttpResponse:
        """The function that a request is for, or the answer of the service where it is for none."""
        own = self._named_by_host(request)
        if self.stage is not None:
            prefix = f"/{self.stage}"
            if request.path != prefix and not request.path.startswith(f"{prefix}/"):
                return no_route(
                    self.form,
                    fault=f"the path does not begin with the stage: {prefix}/",
                    in_stage=False,
                )
            request = replace(request, path=request.path[len(prefix) :] or "/")
        if own is not None:
            route = Route(function=own, method="ANY", path=DEFAULT_ROUTE)
            match: RouteMatch | None = RouteMatch(route=route, parameters={})
        else:
            rest = all((route.form or self.form) is EventFormat.REST for route in self.routes)
            match = choose_route(self.routes, request.method, request.path, path_first=rest)
        if match is None:
            known = ", ".join(sorted({route.key for route in self.routes}))
            return no_route(self.form, fault=f"no route matches; there are {known}")
        return Call(
            request=request, match=match, form=match.route.form or self.form, stage=self.stage
        )

    def _named_by_host(self, request: HttpRequest) -> str | None:
        """The function that has a host of its own, as a Function URL has: ``NAME.localhost``."""
        name, _, rest = (request.header("host") or "").partition(":")[0].lower().rpartition(".")
        if rest != "localhost" or not name:
            return None
        return next((each for each in self.functions if each.lower() == name), None)


def make_event(call: Call, environment: Mapping[str, str]) -> bytes | None:
    """The event that the service makes of a request; None where it is larger than the service carries."""
    if len(call.request.body) > (MAX_ALB_BODY if call.form in _BALANCERS else MAX_EVENT):
        return None
    document = http_event(
        call.request,
        call.form,
        region=region(os.environ, environment),
        route=call.match,
        stage=call.stage,
    )
    event = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    return event if len(event) <= MAX_EVENT else None


def find_api(
    request: BuildRequest,
    names: Sequence[str],
    *,
    form: EventFormat | None,
    stage: str | None,
    reporter: Reporter,
) -> Api:
    """The API of functions: the routes of the settings, of SAM or ``serverless.yml``, or the functions' names.

    Raises:
        InvokeError: two functions have the same route.
    """
    settings = function_settings(request)
    own = {name: settings[name].routes for name in names if name in settings}
    unrouted = [name for name in names if not own.get(name)]
    described = _described(request, reporter) if unrouted else ()
    routes: list[Route] = []
    for name in names:
        if texts := own.get(name):
            routes += [parse_route(text, name, form or EventFormat.HTTP) for text in texts]
            continue
        foreign = _matching(name, settings.get(name), described, names)
        if foreign is not None and foreign.routes:
            routes += [
                parse_route(each.route, name, form or EventFormat(each.service))
                for each in foreign.routes
            ]
        elif len(names) > 1:
            routes += [parse_route(f"/{name}{rest}", name, form) for rest in ("", "/{proxy+}")]
        else:
            routes.append(Route(function=name, method="ANY", path=DEFAULT_ROUTE, form=form))
    check_routes(routes)
    usual = Counter(route.form for route in routes if route.form is not None).most_common(1)
    return Api(
        form=form or (usual[0][0] if usual else None) or EventFormat.FUNCTION_URL,
        routes=tuple(routes),
        functions=tuple(names),
        stage=stage,
    )


def _described(request: BuildRequest, reporter: Reporter) -> Sequence[ForeignFunction]:
    """The functions in the files of other tools."""
    from wherry.settings.foreign.find import read_descriptions

    descriptions, warnings = read_descriptions(request.root, request.project.files)
    for text in warnings:
        reporter.emit(Warned(text=f"its routes are not known: {text}"))
    return [function for description in descriptions for function in description.functions]


def _matching(
    name: str,
    settings: FunctionSettings | None,
    described: Iterable[ForeignFunction],
    names: Sequence[str],
) -> ForeignFunction | None:
    """The description of a function: that of its name, or else the only one with its code that is no other's."""
    known: Mapping[str, ForeignFunction] = {each.name.lower(): each for each in described}
    if name.lower() in known or settings is None:
        return known.get(name.lower())

    def code(of: Mapping[str, object]) -> tuple[object, object]:
        return of.get("handler"), of.get("app")

    mine = (settings.handler, settings.app)
    others = {each.lower() for each in names}
    same = [
        each
        for key, each in known.items()
        if key not in others and code(each.settings) == mine != (None, None)
    ]
    inside = [each for each in same if each.folder == (settings.root or "")]
    found = inside or same
    return found[0] if len(found) == 1 else None


def function_settings(request: BuildRequest) -> Mapping[str, FunctionSettings]:
    """The settings of the functions that are asked for, by their names."""
    return {
        recipe.name: recipe.settings
        for recipe in request.recipes
        if isinstance(recipe.settings, FunctionSettings)
    }
