"""Facts about callables that their syntax shows: parameters, returned expressions, assigned attributes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wherry.shims.bindings import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.shims.frameworks import Interface

__all__ = ["assigned_to_self", "returned", "signature_interface"]

_WSGI_PARAMETERS = 2
_ASGI_PARAMETERS = 3


def signature_interface(node: Function | ast.Lambda, *, method: bool) -> Interface | None:
    """The interface that the parameters of a callable suggest: two for WSGI, three for ASGI."""
    positional = [*node.args.posonlyargs, *node.args.args][1 if method else 0 :]
    required = len(positional) - len(node.args.defaults)
    if isinstance(node, ast.AsyncFunctionDef):
        return "asgi" if len(positional) == _ASGI_PARAMETERS else None
    names = [argument.arg.lstrip("_") for argument in positional]
    if names[:_ASGI_PARAMETERS] == ["scope", "receive", "send"]:
        return "asgi"
    if required == _WSGI_PARAMETERS and any(
        word in name for name in names for word in ("env", "start", "respon")
    ):
        return "wsgi"
    return None


def returned(node: Function) -> list[ast.expr]:
    """The expressions that a function returns, the last first, without those of functions in it."""
    expressions: list[ast.expr] = []
    pending: list[ast.AST] = list(node.body)
    while pending:
        inner = pending.pop()
        if isinstance(inner, ast.Return) and inner.value is not None:
            expressions.append(inner.value)
        if not isinstance(inner, Function | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(inner))
    return expressions


def assigned_to_self(method: Function, name: str) -> Iterator[ast.expr]:
    """The expressions that a method assigns to ``self.NAME``."""
    for statement in ast.walk(method):
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Attribute)
            and target.attr == name
            and isinstance(target.value, ast.Name)
            and target.value.id == "self"
            for target in statement.targets
        ):
            yield statement.value
