"""Whether Lambda can call a handler, told from its text without running it.

Lambda calls ``handler(event, context)`` and sends what is returned as JSON. What cannot be known is accepted: decorated
functions, objects that are created, names with several values of which one may do.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.shims.bindings import bindings_of, own_nodes, read_bindings
from wherry.shims.detection import Defined, Made, Origin, values_of
from wherry.shims.frameworks import is_application
from wherry.syntax import syntax_error

if TYPE_CHECKING:
    from wherry.shims.package import Module, Package
    from wherry.shims.reference import Reference

__all__ = ["check_callable"]

_ARGUMENTS = 2
_DATA = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Set, ast.Dict)
_NO_FUNCTION = (
    "it is a value, not a function",
    "name a function that takes an event and a context",
)


def check_callable(reference: Reference, package: Package, text: str) -> None:
    """Require that Lambda can call a handler, which exists; messages show the ``text`` of its setting.

    Raises:
        SettingsError: it is asynchronous, a generator, a class, an application, or takes other arguments.
    """
    module = package.find(reference.module)
    if module is None:
        return
    bindings = read_bindings(module)
    known = bindings.names.get(reference.attribute.partition(".")[0], [])
    if bindings.open:
        _require_syntax(module, package, text)
        return
    if known and all(isinstance(value, _DATA) and not _is_none(value) for value in known):
        problems: list[tuple[str, str] | None] = [_NO_FUNCTION]
    else:
        values = values_of(reference, package)
        if len(values) < max(1, len(known)):
            return
        problems = [_problem(value, reference) for value in values]
    found = [problem for problem in problems if problem is not None]
    if len(found) == len(problems):
        message, hint = found[0]
        raise SettingsError(
            f"Lambda cannot call the handler `{reference.module}.{reference.attribute}`",
            where=[f'handler = "{text}"', message],
            hint=hint,
        )


def _require_syntax(module: Module, package: Package, text: str) -> None:
    """Raise if a module is no Python for the runtime."""
    if module.source is None or package.python is None:
        return
    error = syntax_error(module.source, package.python)
    if error is not None:
        version = ".".join(map(str, package.python))
        raise SettingsError(
            f"Lambda cannot import the handler's module `{module.name}`",
            where=[
                f'handler = "{text}"',
                f"line {error.lineno or 1} is not valid for Python {version}: {error.msg}",
            ],
        )


def _is_none(value: ast.AST) -> bool:
    """Whether a name is only declared, and gets its value elsewhere."""
    return isinstance(value, ast.Constant) and value.value is None


def _problem(value: object, reference: Reference) -> tuple[str, str] | None:
    """The reason why a value is no handler, and what to do; None if it may be one."""
    if isinstance(value, Made) and isinstance(value.maker, Origin):
        kind = value.maker.name.rpartition(".")[2]
        if is_application(value.maker.name):
            return f"it is a web application, of `{kind}`", f'write `app = "{reference}"` instead'
        return None
    if not isinstance(value, Defined):
        return None
    node = value.node
    if isinstance(node, ast.ClassDef):
        if _may_return_other(node):
            return None
        return (
            f"`{node.name}` is a class: a call makes an object, which cannot be sent as JSON",
            "name a function that takes an event and a context",
        )
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if node.decorator_list:
            return None
        if isinstance(node, ast.AsyncFunctionDef):
            return (
                f"`{node.name}` is asynchronous: a call makes a coroutine, which Lambda does not await",
                "name a function without `async` that calls `asyncio.run`",
            )
        if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in own_nodes(node)):
            return (
                f"`{node.name}` is a generator: a call makes an iterator, which cannot be sent as JSON",
                "name a function that returns its result",
            )
    return _signature_problem(node.args)


def _may_return_other(node: ast.ClassDef) -> bool:
    """Whether a call of a class may give something else than an object of it, or one that is a `dict` or `str`, too."""
    return bool(
        node.bases
        or node.keywords
        or node.decorator_list
        or "__new__" in bindings_of(node.body, "").names
    )


def _signature_problem(arguments: ast.arguments) -> tuple[str, str] | None:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    needed = [
        argument.arg
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    hint = "define it as `def handler(event, context):`"
    if needed:
        return f"it requires `{needed[0]}` by its name, and Lambda passes none", hint
    if required > _ARGUMENTS or (positional < _ARGUMENTS and arguments.vararg is None):
        count = required if required > _ARGUMENTS else positional
        takes = f"{count} argument{'' if count == 1 else 's'}" if count else "no arguments"
        return f"it takes {takes}, and Lambda passes two: event and context", hint
    return None
