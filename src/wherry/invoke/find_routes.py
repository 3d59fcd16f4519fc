"""The routes of a project's functions: those of the settings, of a SAM template or ``serverless.yml``, or their names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from wherry.events import Warned
from wherry.invoke.api import Api
from wherry.invoke.local import function_settings
from wherry.invoke.request import EventFormat
from wherry.invoke.routes import DEFAULT_ROUTE, Route, check_routes, parse_route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.events import Reporter
    from wherry.pipeline.request import BuildRequest
    from wherry.settings.foreign.model import ForeignFunction
    from wherry.settings.model import FunctionSettings

__all__ = ["find_api"]


def find_api(
    request: BuildRequest,
    names: Sequence[str],
    *,
    form: EventFormat | None,
    stage: str | None,
    reporter: Reporter,
) -> Api:
    """The API in front of functions.

    Args:
        request: what was built.
        names: of the functions that are served.
        form: the service, where one is asked for.
        stage: the stage that paths begin with.
        reporter: told of a template that cannot be read.

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
