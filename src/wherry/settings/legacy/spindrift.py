"""Translating ``settings.spindrift``: one plain or Flask application in one zip."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.settings.legacy import Translation, filled
from wherry.settings.legacy.document import Section
from wherry.settings.model import plain_name
from wherry.syntax import parse_python

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.problems import Problems

__all__ = ["translate_spindrift"]

_TYPES = ("plain", "flask")


def translate_spindrift(
    document: Section,
    path: Path,
    problems: Problems,
    *,
    name: str | None,
    install_path: str | None,
) -> Translation:
    """Translate the settings; every one of them may be missing.

    ``problems`` is raised here; ``name`` is that of the package, in place of that in the file.

    Raises:
        SettingsError: something is wrong with them.
    """
    document.know("package", "output")
    nothing = Section("", 1, {}, problems)
    package = document.section("package") or nothing
    package.know("type", "name", "entry", "runtime")
    output = document.section("output") or nothing
    output.know("path")
    notes: list[str] = []
    output_path = output.text("path")
    if output_path and not output_path.endswith(".zip"):
        notes.append(f"`{output_path}` does not end in .zip, and is taken for a folder")
    function = _function(package, notes)
    if install_path is not None:
        function["project"] = False
    own_name = package.text("name")
    label = plain_name(name or own_name or "").strip("-")
    table = {
        "runtime": package.text("runtime"),
        "install-path": install_path,
        "output": output_path,
        "name": label,
        "functions": {label or "app": function} if function or label else None,
    }
    problems.raise_all()
    return Translation(
        table=filled(table),
        where=path.name,
        notes=tuple(notes),
        # A name that the user gives does not tell which distribution is meant.
        distribution=None if name else own_name,
    )


def _function(package: Section, notes: list[str]) -> dict[str, Any]:
    kind = package.text("type")
    if kind == "flask-eb":
        package.values["type"].wrong(
            "Wherry packages for AWS Lambda, not for Elastic Beanstalk",
            hint="for AWS Lambda write `type: flask`",
        )
        return {}
    if kind is not None and kind not in _TYPES:
        package.values["type"].wrong(
            f"there is no type `{kind}`", hint=f"the types are {' and '.join(_TYPES)}"
        )
        return {}
    entry = package.text("entry")
    if entry is None:
        return {}
    value = package.values["entry"]
    try:
        target = _parse_statement(entry)
    except ValueError as error:
        value.wrong(str(error), hint="an entry is such as `from yourwebapp.main import app`")
        return {}
    if kind == "plain":
        if target.call:
            value.wrong(
                f"`{entry}` makes the handler when it is called: AWS Lambda expects a function"
            )
            return {}
        return {"handler": f"{target.module}.{target.name}"}
    if kind is None:
        notes.append(
            f"package.type is not set: `{target.module}:{target.name}` is taken for a web application"
        )
    app = {"app": f"{target.module}:{target.name}{'()' if target.call else ''}"}
    return {**app, "interface": "wsgi"} if kind == "flask" else app


class _ImportedObject(NamedTuple):
    """An object of a module; with ``call`` the value that it returns."""

    module: str
    name: str
    call: bool


def _parse_statement(text: str) -> _ImportedObject:
    """Parse the object that the last statement names.

    The statements may be ``from MODULE import NAME``, with ``as`` or without, ``import MODULE`` followed by an
    assignment of ``MODULE.NAME``, and the call of a factory: ``from MODULE import create; app = create()``.

    Raises:
        ValueError: they are something else; the message says what is wrong.
    """
    if (tree := parse_python(text.strip())) is None:
        raise ValueError(f"`{text}` is not a Python statement")
    expected = f"`{text}` names no object: write `from MODULE import NAME`"
    known: dict[str, _ImportedObject | str] = {}
    last: _ImportedObject | str | None = None
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    if alias.name == "*":
                        raise ValueError(expected)
                    last = known[alias.asname or alias.name] = _ImportedObject(
                        module, alias.name, call=False
                    )
                if len(names) > 1:
                    last = None
            case ast.ImportFrom():
                raise ValueError(f"`{text}` is relative: write the full name of the module")
            case ast.Import(names=names):
                for alias in names:
                    origin = alias.name if alias.asname else alias.name.partition(".")[0]
                    known[alias.asname or origin] = origin
                last = None
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                last = _resolve(value, known)
                if last is None:
                    raise ValueError(expected)
                known[target] = last
            case _:
                raise ValueError(expected)
    if isinstance(last, _ImportedObject):
        return last
    raise ValueError(expected)


def _resolve(
    value: ast.expr, known: dict[str, _ImportedObject | str]
) -> _ImportedObject | str | None:
    match value:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Call(func=function, args=[], keywords=[]):
            called = _resolve(function, known)
            return (
                called._replace(call=True)
                if isinstance(called, _ImportedObject) and not called.call
                else None
            )
        case ast.Attribute(value=inner, attr=attribute):
            parts = [attribute]
            while isinstance(inner, ast.Attribute):
                parts.insert(0, inner.attr)
                inner = inner.value
            module = known.get(inner.id) if isinstance(inner, ast.Name) else None
            if not isinstance(module, str):
                return None
            return _ImportedObject(".".join((module, *parts[:-1])), parts[-1], call=False)
        case _:
            return None
