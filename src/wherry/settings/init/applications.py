"""The applications and handlers of a project, found without running any of its code."""

from __future__ import annotations

import ast
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.default_excludes import (
    REPOSITORY_FOLDERS,
    VIRTUALENV_MARK,
    is_excluded_by_default,
)
from wherry.files import walk_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
# A module without any of these words is not parsed.
_RELEVANT = re.compile(
    rb"Flask|Bottle|falcon|get_[aw]sgi_application|FastAPI|Starlette|Litestar|Quart|Sanic|Application"
    rb"|Mangum|make_lambda_handler|\bevent\b|handler|_app\b|_application\b"
)
_SKIPPED_FOLDERS = frozenset(
    {"tests", "test", "testing", "docs", "examples", "node_modules", "migrations"}
)
_MAX_MODULES = 5000


class Application(NamedTuple):
    """A web application or a handler.

    Attributes:
        module: its module.
        name: its name in the module.
        kind: ``wsgi``, ``asgi``, ``app`` (one of both) or ``handler``.
        call: whether it is a factory.
        description: what it is, for people.
        path: its file, relative to the project.
    """

    module: str
    name: str
    kind: str
    call: bool
    description: str
    path: str

    @property
    def reference(self) -> str:
        """The reference for the settings."""
        if self.kind == "handler":
            return f"{self.module}.{self.name}"
        return f"{self.module}:{self.name}{'()' if self.call else ''}"


def find_applications(root: Path, *, has_build_system: bool) -> tuple[Application, ...]:
    """The applications and handlers at the top level of the project's modules, the likeliest first.

    Args:
        root: the project's folder.
        has_build_system: whether a backend packages it, so that modules in ``src/`` are imported without
            that prefix.
    """
    applications: list[Application] = []
    for path in _modules(root):
        parts = path.relative_to(root).with_suffix("").parts
        if has_build_system and parts[0] == "src":
            parts = parts[1:]
        if parts and parts[-1] == "__init__":
            parts = parts[:-1]
        if not parts or not all(part.isidentifier() for part in parts):
            continue
        source = _source(path)
        if source is not None:
            relative = path.relative_to(root).as_posix()
            applications += [
                Application(".".join(parts), name, kind, call, description, relative)
                for name, kind, call, description in _in_module(source)
            ]
    return tuple(sorted(applications, key=_rank))


def _rank(application: Application) -> tuple[object, ...]:
    return (
        application.call,
        application.kind == "app",
        # Django projects have both; most of Django is written for WSGI.
        application.description == "Django" and application.kind == "asgi",
        application.module.count("."),
        application.reference,
    )


def _modules(root: Path) -> Iterator[Path]:
    left = _MAX_MODULES
    for folder, folders, names in walk_folders(root):
        at_root = Path(folder) == root
        if VIRTUALENV_MARK in names and not at_root:
            folders.clear()
            continue
        folders[:] = sorted(
            name
            for name in folders
            if name not in REPOSITORY_FOLDERS
            and name not in _SKIPPED_FOLDERS
            and not is_excluded_by_default(name, at_root=at_root)
            and not name.endswith(".dist-info")
        )
        # A folder filled by `pip install --target` is not the project's own.
        if not at_root and any(name.endswith(".dist-info") for name in os.listdir(folder)):  # noqa: PTH208
            folders.clear()
            continue
        for name in sorted(names):
            if name.endswith(".py") and not name.startswith(("test_", "conftest")):
                if is_excluded_by_default(name, at_root=at_root):
                    continue
                left -= 1
                if left < 0:
                    return
                yield Path(folder, name)


def _source(path: Path) -> ast.Module | None:
    try:
        source = path.read_bytes()
        if not _RELEVANT.search(source):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        # The project's own tests will report it.
        return None


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
    return bool(_HANDLER.fullmatch(function.name)) or arguments == ["event", "context"]


def _has_no_required_arguments(function: ast.FunctionDef) -> bool:
    arguments = function.args
    required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return required == 0 and all(default is not None for default in arguments.kw_defaults)
