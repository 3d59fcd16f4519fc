"""The Python statement by which spindrift names an application: ``from yourwebapp.main import app``."""

from __future__ import annotations

import ast
import warnings
from typing import NamedTuple

__all__ = ["ImportedObject", "parse_statement"]


class ImportedObject(NamedTuple):
    """An object of a module; with ``call`` the value that it returns."""

    module: str
    name: str
    call: bool


def parse_statement(text: str) -> ImportedObject:
    """Parse the object that the last statement names.

    The statements may be ``from MODULE import NAME``, with ``as`` or without, ``import MODULE`` followed by an
    assignment of ``MODULE.NAME``, and the call of a factory: ``from MODULE import create; app = create()``.

    Raises:
        ValueError: they are something else; the message says what is wrong.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"`{text}` is not a Python statement") from error
    expected = f"`{text}` names no object: write `from MODULE import NAME`"
    known: dict[str, ImportedObject | str] = {}
    last: ImportedObject | str | None = None
    for statement in statements:
        match statement:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    if alias.name == "*":
                        raise ValueError(expected)
                    last = known[alias.asname or alias.name] = ImportedObject(
                        module, alias.name, call=False
                    )
                if len(names) > 1:
                    last = None
            case ast.ImportFrom():
                raise ValueError(f"`{text}` is relative: write the full name of the module")
            case ast.Import(names=names):
                for alias in names:
                    if alias.asname:
                        known[alias.asname] = alias.name
                    else:
                        known[alias.name.partition(".")[0]] = alias.name.partition(".")[0]
                last = None
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                last = _resolve(value, known)
                if last is None:
                    raise ValueError(expected)
                known[target] = last
            case _:
                raise ValueError(expected)
    if isinstance(last, ImportedObject):
        return last
    raise ValueError(expected)


def _resolve(
    value: ast.expr, known: dict[str, ImportedObject | str]
) -> ImportedObject | str | None:
    match value:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Call(func=function, args=[], keywords=[]):
            called = _resolve(function, known)
            return (
                called._replace(call=True)
                if isinstance(called, ImportedObject) and not called.call
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
            return ImportedObject(".".join((module, *parts[:-1])), parts[-1], call=False)
        case _:
            return None
