"""The Python statement by which spindrift names an application: ``from yourwebapp.main import app``."""

from __future__ import annotations

import ast
import warnings
from typing import NamedTuple

__all__ = ["Named", "parse_statement"]


class Named(NamedTuple):
    """An object of a module; ``call``: what it returns is meant."""

    module: str
    name: str
    call: bool


def parse_statement(text: str) -> Named:
    """The object that the last statement names.

    Understood are ``from MODULE import NAME``, with ``as`` or without, ``import MODULE`` followed by an
    assignment of ``MODULE.NAME``, and the call of a factory: ``from MODULE import create; app = create()``.

    Raises:
        ValueError: it is none of these; the message says what is wrong.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statements = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"`{text}` is no Python statement") from error
    wanted = f"`{text}` names no object: write `from MODULE import NAME`"
    known: dict[str, Named | str] = {}
    last: Named | str | None = None
    for statement in statements:
        match statement:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    if alias.name == "*":
                        raise ValueError(wanted)
                    last = known[alias.asname or alias.name] = Named(module, alias.name, call=False)
                if len(names) > 1:
                    last = None
            case ast.ImportFrom():
                raise ValueError(f"`{text}` is relative: write the whole name of the module")
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
                    raise ValueError(wanted)
                known[target] = last
            case _:
                raise ValueError(wanted)
    if isinstance(last, Named):
        return last
    raise ValueError(wanted)


def _resolve(value: ast.expr, known: dict[str, Named | str]) -> Named | str | None:
    match value:
        case ast.Name(id=name):
            return known.get(name)
        case ast.Call(func=function, args=[], keywords=[]):
            called = _resolve(function, known)
            return (
                called._replace(call=True)
                if isinstance(called, Named) and not called.call
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
            return Named(".".join((module, *parts[:-1])), parts[-1], call=False)
        case _:
            return None
