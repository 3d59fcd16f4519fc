"""The applications and handlers of a project, found without running any of its code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from wherry.settings.init.units import module_name, unit_of
from wherry.syntax import parse_statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wherry.settings.init.modules import Module
    from wherry.settings.init.units import Unit

__all__ = ["Application", "find_applications"]

_CONSTRUCTORS: Mapping[str, tuple[str, str]] = {
    "flask.Flask": ("Flask", "wsgi"),
    "apiflask.APIFlask": ("APIFlask", "wsgi"),
    "bottle.Bottle": ("Bottle", "wsgi"),
    "falcon.App": ("Falcon", "wsgi"),
    "falcon.asgi.App": ("Falcon", "asgi"),
    "django.core.wsgi.get_wsgi_application": ("Django", "wsgi"),
    "django.core.asgi.get_asgi_application": ("Django", "asgi"),
    "fastapi.FastAPI": ("FastAPI", "asgi"),
    "starlette.applications.Starlette": ("Starlette", "asgi"),
    "litestar.Litestar": ("Litestar", "asgi"),
    "litestar.app.Litestar": ("Litestar", "asgi"),
    "quart.Quart": ("Quart", "asgi"),
    "sanic.Sanic": ("Sanic", "asgi"),
    "blacksheep.Application": ("BlackSheep", "asgi"),
}
_ADAPTERS = {
    "mangum.Mangum": "Mangum",
    "mangum.adapter.Mangum": "Mangum",
    "apig_wsgi.make_lambda_handler": "apig-wsgi",
}
_FACTORY = re.compile(r"(?:create|make|build|get)_(?:\w+_)?(?:app|application)")
_HANDLER = re.compile(r"lambda_handler|handler")
_EVENTS = frozenset({"event", "evt"})
_CONTEXTS = frozenset({"context", "ctx", ""})
# A module without any of these words is not parsed.
_RELEVANT = re.compile(
    rb"Flask|Bottle|falcon|get_[aw]sgi_application|FastAPI|Starlette|Litestar|Quart|Sanic|Application"
    rb"|Mangum|make_lambda_handler|\bevent\b|handler|_app\b|_application\b"
)


class Application(NamedTuple):
    """A web application or a handler.

    Attributes:
        kind: ``wsgi``, ``asgi``, ``app`` (one of both) or ``handler``.
        call: whether it is a factory.
        unit: the part of the project that it is packaged in.
        included: whether it is not in the project's wheel, so that the settings must add it.
    """

    module: str
    name: str
    kind: str
    call: bool
    description: str
    path: str
    unit: Unit
    included: bool = False

    @property
    def rank(self) -> int:
        """The lower it is, the surer it is that Lambda calls it."""
        if self.kind != "handler" or " by " in self.description:
            return 1
        return _handler_rank(self.name)

    @property
    def reference(self) -> str:
        """The reference for the settings."""
        if self.kind == "handler":
            return f"{self.module}.{self.name}"
        return f"{self.module}:{self.name}{'()' if self.call else ''}"


def find_applications(modules: Iterable[Module], units: Sequence[Unit]) -> tuple[Application, ...]:
    """The applications and handlers at the top level of a project's modules, the likeliest first."""
    applications: list[Application] = []
    for path, source in modules:
        unit = unit_of(path, units)
        if not _RELEVANT.search(source):
            continue
        # The wheel may not hold it, but `include` can add what does not lie in `src/`.
        name = unit.module(path)
        included = name is None and not unit.folder and not path.startswith("src/")
        name = module_name(path) if included else name
        if not name:
            continue
        applications += [
            Application(name, found, kind, call, description, path, unit, included)
            for found, kind, call, description in _in_module(parse_statements(source))
        ]
    return tuple(sorted(applications, key=_rank))


def _handler_rank(name: str) -> int:
    """The rank of a handler by its name: 0 for ``lambda_handler``, 3 for a name that says nothing."""
    if name == "lambda_handler":
        return 0
    if name == "handler":
        return 1
    return 2 if re.fullmatch(r"\w+_handler|\w+Handler", name) else 3


def _rank(application: Application) -> tuple[object, ...]:
    return (
        application.call,
        application.kind == "app",
        # Django projects have both; most of Django is written for WSGI.
        application.description == "Django" and application.kind == "asgi",
        application.rank,
        application.module.count("."),
        application.reference,
    )


def _in_module(tree: ast.Module) -> Iterator[tuple[str, str, bool, str]]:
    """Name, kind, whether it is a factory, and description of each application."""
    imported = _imported(tree)
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call)
            ):
                called = _full_name(call.func, imported)
                if called in _CONSTRUCTORS:
                    description, kind = _CONSTRUCTORS[called]
                    yield name, kind, False, description
                elif called in _ADAPTERS:
                    yield name, "handler", False, f"a handler by {_ADAPTERS[called]}"
                elif name in {"app", "application"} and _FACTORY.fullmatch(called.split(".")[-1]):
                    yield name, "app", False, "a web application"
            case ast.Assign(targets=[ast.Name(id="lambda_handler" as name)]):
                yield name, "handler", False, "a handler"
            case ast.FunctionDef(name=name) if _is_handler(statement):
                yield name, "handler", False, "a handler"
            case ast.FunctionDef(name=name) if _FACTORY.fullmatch(
                name
            ) and _has_no_required_arguments(statement):
                for node in ast.walk(statement):
                    called = _full_name(node.func, imported) if isinstance(node, ast.Call) else ""
                    if called in _CONSTRUCTORS:
                        description, kind = _CONSTRUCTORS[called]
                        yield name, kind, True, f"a factory of {description}"
                        break
            case _:
                pass


def _imported(tree: ast.Module) -> Mapping[str, str]:
    """The full names of what the module imports, by the name in it."""
    full_names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`.
                origin = alias.name if alias.asname else alias.name.partition(".")[0]
                full_names[alias.asname or origin] = origin
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                before = f"{node.module}." if node.module else ""
                full_names[alias.asname or alias.name] = f"{before}{alias.name}"
    return full_names


def _full_name(function: ast.expr, imported: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.insert(0, function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return ""
    return ".".join((imported.get(function.id, function.id), *parts))


def _is_handler(function: ast.FunctionDef) -> bool:
    arguments = [argument.arg.strip("_") for argument in function.args.args]
    if len(arguments) != 2 or function.args.kwonlyargs:
        return False
    return bool(_HANDLER.fullmatch(function.name)) or (
        arguments[0] in _EVENTS and arguments[1] in _CONTEXTS
    )


def _has_no_required_arguments(function: ast.FunctionDef) -> bool:
    arguments = function.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required == 0 and all(default is not None for default in arguments.kw_defaults)
