"""The names that the text of a module binds, and their values, without running it."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.shims.package import Module

__all__ = ["Bindings", "Function", "Imported", "bindings_of", "read_bindings"]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported name, by its origin: ``flask.Flask``."""

    origin: str


@dataclass(slots=True)
class Bindings:
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
    try:
        with warnings.catch_warnings():
            # Such as those about invalid escapes.
            warnings.simplefilter("ignore")
            tree = ast.parse(module.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # It may be written for a newer Python than this one.
        return Bindings(open=True)
    parent = module.name if module.is_package else module.name.rpartition(".")[0]
    bindings = bindings_of(tree.body, parent)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            # Bound by a function when it is called.
            for name in node.names:
                bindings.names.setdefault(name, [None])
        elif isinstance(node, ast.Name) and node.id in {"exec", "globals", "setattr", "vars"}:
            bindings.open = True
    bindings.open = bindings.open or "__getattr__" in bindings.names
    return bindings


def bindings_of(body: Iterable[ast.stmt], parent: str) -> Bindings:
    """The names that statements and their blocks bind, but not those in functions and classes.

    Args:
        body: the statements.
        parent: the package that relative imports begin at.
    """
    bindings = Bindings()
    for statement in body:
        _visit(statement, parent, bindings)
    return bindings


def _visit(node: ast.stmt, parent: str, bindings: Bindings) -> None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        bindings.bind(node.name, node)
        return
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                bindings.bind(alias.asname, Imported(alias.name))
            else:
                top = alias.name.partition(".")[0]
                bindings.bind(top, Imported(top))
        return
    if isinstance(node, ast.ImportFrom):
        origin = _origin(node, parent)
        for alias in node.names:
            if alias.name == "*":
                bindings.stars.append(origin)
            else:
                bindings.bind(alias.asname or alias.name, Imported(f"{origin}.{alias.name}"))
        return
    if isinstance(node, ast.Assign):
        for target in node.targets:
            _assign(target, node.value, bindings)
    elif isinstance(node, ast.AnnAssign):
        if isinstance(node.target, ast.Name):
            bindings.annotations[node.target.id] = node.annotation
        if node.value is not None:
            _assign(node.target, node.value, bindings)
    elif isinstance(node, ast.AugAssign | ast.For | ast.AsyncFor):
        _assign(node.target, None, bindings)
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            if item.optional_vars is not None:
                _assign(item.optional_vars, None, bindings)
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
