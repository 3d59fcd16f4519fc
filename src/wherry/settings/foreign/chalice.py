"""``.chalice/config.json`` and ``app.py`` of Chalice, which is read and not run.

Chalice packages ``app.py``, ``chalicelib/``, what lies in ``vendor/``, the requirements, and its own runtime.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import Document, texts
from wherry.settings.foreign.environment import environment_setting
from wherry.settings.foreign.events import route_of
from wherry.settings.foreign.model import (
    LAYER_ARN,
    Description,
    ForeignFunction,
    ForeignLayer,
    ForeignRoute,
    architecture_of,
)
from wherry.settings.foreign.virtual_environment import ToolEnvironment, environment_with
from wherry.settings.model import plain_name
from wherry.syntax import parse_statements
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["read_chalice"]

_ROUTES = {"route", "get", "post", "put", "patch", "delete", "head", "options"}
_HANDLERS = {
    "authorizer", "lambda_function", "on_cw_event", "on_dynamodb_record",
    "on_kinesis_record", "on_s3_event", "on_sns_message", "on_sqs_message",
    "on_ws_connect", "on_ws_disconnect", "on_ws_message", "schedule",
}  # fmt: skip
# What only the command `chalice` uses; the second half may be wanted by other requirements.
_COMMAND_ONLY = ("blessed", "inquirer", "pip", "wcwidth", "wheel")
_COMMAND_ALSO = ("botocore", "click", "pyyaml", "setuptools")
_CHALICE = re.compile(r"(?im)^chalice(\[[^]]*\])?\s*((?:==|~=|>=)\s*[\w.]+)?\s*(?:$|[;#<,\\])")
_MAX_SIZE = 2_000_000


def read_chalice(path: Path, document: Document, files: ProjectFiles) -> Description | None:
    """The functions of an application; None where ``app.py`` makes none."""
    root = path.parent.parent
    app = _parse(root / "app.py", files)
    if app is None:
        return None
    name = plain_name(inner_string(document, "app_name") or root.name).strip("-") or "app"
    handlers = list(_handlers(app, "app", "Chalice", {}))
    urls, prefixes = (dict(_prefixes(app, kind)) for kind in ("url_prefix", "name_prefix"))
    routes = list(_routes(app, {}))
    for module in sorted((root / "chalicelib").rglob("*.py"))[:500]:
        tree = _parse(module, files)
        package = ".".join(module.relative_to(root).with_suffix("").parts)
        package = package.removesuffix(".__init__")
        if tree is not None and all(part.isidentifier() for part in package.split(".")):
            handlers += _handlers(tree, package, "Blueprint", prefixes)
            routes += _routes(tree, urls)
    warnings: tuple[str, ...] = ()
    if not handlers:
        if not _binds_app(app):
            return None
        handlers = [("api", "app.app")]
        warnings = (
            "app.py does not show what it registers: add the functions of events to the settings",
        )
    named = {
        (name if handler == "api" else plain_name(handler)): reference
        for handler, reference in reversed(handlers)
    }
    stages = inner_table(document, "stages")
    stage = inner_table(stages, next(iter(stages), ""))
    environment = environment_with("chalice", root)
    content = _content(root, files, environment)
    layers: tuple[ForeignLayer, ...] = ()
    if content and (len(named) > 1 or document.get("automatic_layer") is True):
        layers = (ForeignLayer(name="dependencies", settings=content),)
        content = {}

    def known_as(function: str) -> str:
        """The name of a function in the file."""
        return "api_handler" if named[function] == "app.app" else function

    architecture = architecture_of(
        stage.get("lambda_architecture") or document.get("lambda_architecture")
    )
    exclude = ["/*", "!/app.py", "!/chalicelib/"]
    settings = content
    if (root / "vendor").is_dir():
        settings["extra-paths"] = [{"path": "vendor", "to": ""}]
    return Description(
        tool="Chalice",
        path=path,
        functions=tuple(
            ForeignFunction(
                name=function,
                settings={
                    "handler": named[function],
                    **_attached(
                        document, stage, known_as(function), [each.name for each in layers]
                    ),
                    **settings,
                    **environment_setting(*_variables(document, stage, known_as(function))),
                },
                routes=tuple(routes) if function == name and named[function] == "app.app" else (),
                architecture=architecture,
            )
            for function in reversed(named)
        ),
        layers=layers,
        settings={"exclude": exclude},
        runtime=environment.runtime if environment else None,
        architecture=architecture,
        warnings=warnings,
        notes=(f"config.json: the settings of stage `{next(iter(stages))}`",)
        if len(stages) > 1
        else (),
        comments={
            "exclude": "Chalice ships nothing else of the project",
            **({"runtime": "that of the virtual environment with Chalice"} if environment else {}),
        },
    )


def _parse(path: Path, files: ProjectFiles) -> ast.Module | None:
    try:
        if path.stat().st_size > _MAX_SIZE:
            return None
        return parse_statements(files.read(path))
    except OSError:
        return None


def _handlers(
    tree: ast.Module, module: str, maker: str, prefixes: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The names of the functions that a module registers with the application, and their handlers.

    The one that answers web requests is called ``api``; its handler is the application itself. The names of those of a
    blueprint have its prefix.
    """
    applications = {
        target.id
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and _last_name(statement.value.func) == maker
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    if module == "app" and _binds_app(tree):
        applications.add("app")
    for of, function, call in _calls(tree):
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if of in applications and attribute in _ROUTES:
            yield "api", "app.app"
        elif of in applications and attribute in _HANDLERS:
            names = [_constant(each.value) for each in call.keywords if each.arg == "name"]
            name = (names[0] if names else None) or function
            yield f"{prefixes.get(of, '')}{name}", f"{module}.{function}"


def _binds_app(tree: ast.Module) -> bool:
    """Whether a module has an ``app``, whatever makes it: that is what Chalice's own command looks for in ``app.py``."""
    return any(
        (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "app")
        or (isinstance(node, ast.alias) and (node.asname or node.name) == "app")
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.ImportFrom)
        for node in ast.walk(statement)
    )


def _attached(
    document: Document, stage: Document, function: str, layers: list[str]
) -> dict[str, list[str]]:
    """The setting for the layers of a function: those of the project, and the most particular that the file has."""
    tables = [
        table
        for each in (document, stage)
        for table in (each, inner_table(each, "lambda_functions", function))
    ]
    named = [table["layers"] for table in tables if table.get("layers") is not None]
    arns = [text for text in texts(named[-1] if named else []) if LAYER_ARN.fullmatch(text)]
    return {"layers": [*layers, *arns]} if layers or arns else {}


def _variables(document: Document, stage: Document, function: str) -> Iterator[Document]:
    """The environment variables of a function, the most general first."""
    for table in (document, stage):
        yield inner_table(table, "environment_variables")
    for table in (document, stage):
        yield inner_table(table, "lambda_functions", function, "environment_variables")


def _calls(tree: ast.Module) -> Iterator[tuple[str, str, ast.Call]]:
    """The names of objects, of functions at the top level, and the calls of the objects' methods that decorate these."""
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef):
            continue
        for call in statement.decorator_list:
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and isinstance(call.func.value, ast.Name)
            ):
                yield call.func.value.id, statement.name, call


def _routes(tree: ast.Module, prefixes: Mapping[str, str]) -> Iterator[ForeignRoute]:
    """The routes of a module; those of a blueprint have its prefix."""
    for name, _, call in _calls(tree):
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        path = _constant(call.args[0]) if call.args else None
        if attribute not in _ROUTES or path is None:
            continue
        listed = next((each.value for each in call.keywords if each.arg == "methods"), None)
        methods = [_constant(each) for each in getattr(listed, "elts", ())] or ["GET"]
        if attribute != "route":
            methods = [attribute]
        for method in methods:
            route = route_of("rest", method, f"{prefixes.get(name, '').rstrip('/')}{path}")
            if route is not None:
                yield route


def _prefixes(app: ast.Module, kind: str) -> Iterator[tuple[str, str]]:
    """The prefixes of the paths or names of blueprints, by the blueprints' names."""
    for node in ast.walk(app):
        if isinstance(node, ast.Call) and _last_name(node.func) == "register_blueprint":
            prefix = [each.value for each in node.keywords if each.arg == kind]
            text = _constant(prefix[0]) if prefix else None
            if node.args and text is not None:
                yield _last_name(node.args[0]), text


def _last_name(node: ast.expr) -> str:
    """The name of an object, without the module or object that it is of; empty if it has none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _constant(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _content(
    root: Path, files: ProjectFiles, environment: ToolEnvironment | None
) -> dict[str, Any]:
    """The settings that add Chalice's runtime; none where the requirements name it."""
    pinned = f"chalice=={environment.version}" if environment else "chalice"
    for name in ("pyproject.toml", "uv.lock", "poetry.lock", "Pipfile", "requirements.txt"):
        if re.search(r"(?im)^[^#\n]*\bchalice\b", _text(root / name, files)):
            return {}
    for name in ("requirements-dev.txt", "requirements-test.txt", "dev-requirements.txt"):
        if (found := _CHALICE.search(_text(root / name, files))) and found[2]:
            pinned = f"chalice{found[2].replace(' ', '')}"
            break
    requirements = re.sub(r"(?m)^\s*#.*|\s+", " ", _text(root / "requirements.txt", files)).lower()
    excluded = [*_COMMAND_ONLY, *([] if requirements.strip() else _COMMAND_ALSO)]
    if requirements.strip() and "boto" not in requirements:
        excluded.append("botocore")
    excluded = sorted(name for name in excluded if name not in requirements)
    return {"extra-distributions": [pinned], "exclude": excluded}


def _text(path: Path, files: ProjectFiles) -> str:
    try:
        return (
            files.read(path).decode("utf-8", "replace") if path.stat().st_size < _MAX_SIZE else ""
        )
    except OSError:
        return ""
