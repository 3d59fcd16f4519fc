"""The names that the text of a module binds, and their values, without running it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from msgspec import field

from wherry.structs import Struct
from wherry.syntax import parse_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wherry.shims.frameworks import Interface
    from wherry.shims.package import Module

__all__ = [
    "Bindings",
    "Function",
    "Imported",
    "assigned_to_self",
    "bindings_of",
    "own_nodes",
    "read_bindings",
    "returned",
    "signature_interface",
]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Imported(Struct, frozen=True):
    """An imported name, by its origin: ``flask.Flask``."""

    origin: str


class Bindings(Struct):
    """Names and their values, in the order of the text.

    Attributes:
        names: for each name expressions, definitions and imports; None for other values.
        annotations: the annotations of names.
        stars: modules whose names are all imported.
        open: whether there may be names that the text does not show.
    """

    names: dict[str, list[ast.expr | Function | ast.ClassDef | Imported | None]] = field(
        default_factory=dict
    )
    annotations: dict[str, ast.expr] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    open: bool = False

    def bind(self, name: str, value: ast.expr | Function | ast.ClassDef | Imported | None) -> None:
        """Add a value of a name."""
        self.names.setdefault(name, []).append(value)


def read_bindings(module: Module) -> Bindings:
    """The names at the top level of a module; open if it cannot be parsed."""
    if module.source is None:
        return Bindings(open=True)
    if (tree := parse_python(module.source)) is None:
        # It may be written for a newer Python than this one.
        return Bindings(open=True)
    bindings = bindings_of(tree.body, module.parent)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            # Bound by a function when it is called.
            for name in node.names:
                bindings.names.setdefault(name, []).append(None)
        elif isinstance(node, ast.Name) and node.id in {"exec", "globals", "setattr", "vars"}:
            bindings.open = True
    bindings.open = bindings.open or "__getattr__" in bindings.names
    return bindings


def bindings_of(body: Iterable[ast.stmt], parent: str) -> Bindings:
    """The names that statements and their blocks bind, but not those in functions and classes.

    Relative imports begin at the package ``parent``.
    """
    bindings = Bindings()
    for statement in body:
        _visit(statement, parent, bindings)
    return bindings


def _visit(node: ast.stmt, parent: str, bindings: Bindings) -> None:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            bindings.bind(node.name, node)
            return
        case ast.Import(names=names):
            for alias in names:
                # `import a.b` binds `a`.
                origin = alias.name if alias.asname else alias.name.partition(".")[0]
                bindings.bind(alias.asname or origin, Imported(origin))
        case ast.ImportFrom(names=names):
            origin = _origin(node, parent)
            for alias in names:
                if alias.name == "*":
                    bindings.stars.append(origin)
                else:
                    bindings.bind(alias.asname or alias.name, Imported(f"{origin}.{alias.name}"))
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _assign(target, value, bindings)
        case ast.AnnAssign(target=target, value=value):
            if isinstance(target, ast.Name):
                bindings.annotations[target.id] = node.annotation
            if value is not None:
                _assign(target, value, bindings)
        case ast.AugAssign() | ast.For() | ast.AsyncFor():
            _assign(node.target, None, bindings)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    _assign(item.optional_vars, None, bindings)
        case _:
            pass
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.stmt):
            _visit(inner, parent, bindings)
        elif isinstance(inner, ast.ExceptHandler | ast.match_case):
            for statement in inner.body:
                _visit(statement, parent, bindings)
        elif isinstance(inner, ast.expr):
            for part in ast.walk(inner):
                if isinstance(part, ast.NamedExpr):
                    _assign(part.target, part.value, bindings)


def _assign(target: ast.expr, value: ast.expr | None, bindings: Bindings) -> None:
    if isinstance(target, ast.Name):
        bindings.bind(target.id, value)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            _assign(element, None, bindings)
    elif isinstance(target, ast.Starred):
        _assign(target.value, None, bindings)


def _origin(node: ast.ImportFrom, parent: str) -> str:
    if not node.level:
        return node.module or ""
    parts = parent.split(".") if parent else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


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
    return [
        inner.value
        for inner in own_nodes(node)
        if isinstance(inner, ast.Return) and inner.value is not None
    ]


def own_nodes(node: Function) -> Iterator[ast.AST]:
    """The nodes of a function's body, the last first, without those of functions and classes in it."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        inner = pending.pop()
        yield inner
        if not isinstance(inner, Function | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(inner))


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
