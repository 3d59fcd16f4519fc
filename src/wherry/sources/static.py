"""Facts about Python source that are known without running it."""

from __future__ import annotations

import ast

from wherry.syntax import parse_python

__all__ = ["assigns_text", "has_docstring", "is_bare_setup"]

_PLAIN_CALLS = frozenset({"find_packages", "find_namespace_packages"})
_SETUP_MODULES = frozenset({"setuptools", "distutils.core"})


def assigns_text(source: bytes, name: str) -> bool:
    """Whether a module gives ``name`` a literal text at its top level, and nothing else."""
    tree = parse_python(source)
    if tree is None:
        return False
    values: list[ast.expr | None] = []
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets, value = [node.target], node.value  # type: ignore[assignment]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if any((alias.asname or alias.name) in {name, "*"} for alias in node.names):
                return False
            continue
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node not in tree.body:
                return False
            values.append(value)
    return len(values) == 1 and _is_text(values[0])


def has_docstring(source: bytes) -> bool:
    """Whether a module begins with a docstring."""
    tree = parse_python(source)
    return tree is not None and bool(ast.get_docstring(tree))


def is_bare_setup(source: bytes) -> bool:
    """Whether a ``setup.py`` only calls ``setup()``, with nothing but literals and ``find_packages``."""
    tree = parse_python(source)
    if tree is None:
        return False
    return all(_is_plain_statement(node) for node in tree.body)


def _is_plain_statement(node: ast.stmt) -> bool:
    match node:
        case ast.Import(names=names):
            return all(alias.name in _SETUP_MODULES for alias in names)
        case ast.ImportFrom(module=module):
            return module in _SETUP_MODULES | {"__future__"}
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call() as call):
            return _name(call.func) == "setup" and not call.args and _plain_keywords(call)
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__")), body=body, orelse=[]):
            return all(_is_plain_statement(inner) for inner in body)
        case _:
            return False


def _plain_keywords(call: ast.Call) -> bool:
    for keyword in call.keywords:
        # These make setuptools run code, or fetch it.
        if keyword.arg in {None, "cmdclass", "ext_modules", "setup_requires", "distclass"}:
            return False
        value = keyword.value
        if isinstance(value, ast.Call):
            arguments = [*value.args, *(inner.value for inner in value.keywords)]
            if _name(value.func) not in _PLAIN_CALLS or not all(map(_is_literal, arguments)):
                return False
        elif not _is_literal(value):
            return False
    return True


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)
