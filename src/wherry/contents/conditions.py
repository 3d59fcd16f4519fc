"""Conditions of source texts that can be decided without running them: on the system, the version, and constants."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Conditions"]

# Values on Lambda, by the expressions that programs ask for.
_STRINGS = {"sys.platform": "linux", "os.name": "posix"}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_DEEPEST = 20
# What follows a name that is bound to a constant; ``True`` and ``False`` are told apart.
_BOUND_TO_CONSTANT = re.compile(
    rb"[ \t]*+(?::[^=\n]{0,200})?=(?!=)(?:[\s(]|\\\n)*+(True\b|False\b|None\b|[.0-9]|[rRbBuUfF]{0,2}['\"])"
)


class Conditions:
    """The conditions of one module.

    ``tree`` parses the module, if a condition asks for a constant; None if it cannot be parsed.
    """

    def __init__(
        self, tree: Callable[[], ast.Module | None], source: bytes, python: tuple[int, int]
    ) -> None:
        self._tree, self._source, self._python = tree, source, python
        self._constants: Mapping[str, bool] | None = None

    def truth(self, test: ast.expr, depth: int = 0) -> bool | None:
        """Whether a condition holds; None if that is not known."""
        match test:
            case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
                return False
            case ast.Constant(value=value):
                return bool(value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.Not(), operand=operand) if depth < _DEEPEST:
                truth = self.truth(operand, depth + 1)
                return None if truth is None else not truth
            case ast.BoolOp(op=junction, values=values) if depth < _DEEPEST:
                truths = [self.truth(value, depth + 1) for value in values]
                decisive = isinstance(junction, ast.Or)
                if decisive in truths:
                    return decisive
                return None if None in truths else not decisive
            case ast.Compare(
                left=ast.Name(id="__name__"),
                ops=[ast.Eq()],
                comparators=[ast.Constant(value="__main__")],
            ):
                return False
            case ast.Compare(left=left, ops=[compare], comparators=[right]):
                return self._compared(left, compare, right)
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute() as value, attr="startswith"),
                args=[ast.Constant(value=str(start))],
            ):
                text = _STRINGS.get(_dotted(value))
                return None if text is None else text.startswith(start)
        return None

    def _compared(self, left: ast.expr, compare: ast.cmpop, right: ast.expr) -> bool | None:
        compared = _COMPARE.get(type(compare))
        if compared is None:
            return None
        known = self._value(left)
        try:
            other = ast.literal_eval(right)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
        if isinstance(known, tuple) and isinstance(other, tuple):
            # A patch level is not known, so that what asks for one is not decided.
            if not other or len(other) > 2 or not all(isinstance(part, int) for part in other):
                return None
            if len(other) == 1 and isinstance(compare, ast.Eq | ast.NotEq | ast.LtE | ast.Gt):
                return None
            if len(other) == 2 and isinstance(compare, ast.Eq | ast.NotEq | ast.LtE | ast.Gt):
                return None if known == other else compared(known, other)
            return compared(known, other)
        if type(known) is type(other) and isinstance(known, str | int):
            return compared(known, other)
        return None

    def _value(self, node: ast.expr) -> object:
        match node:
            case ast.Subscript(value=inner, slice=ast.Constant(value=0 | 1 as index)):
                return (
                    self._python[1 if index else 0]
                    if _dotted(inner) == "sys.version_info"
                    else None
                )
            case ast.Subscript(
                value=inner, slice=ast.Slice(lower=None, upper=ast.Constant(value=2), step=None)
            ):
                # Exactly two numbers, so that each comparison is decided by them: but never mind equality.
                return self._python if _dotted(inner) == "sys.version_info" else None
        name = _dotted(node)
        if name == "sys.version_info":
            return self._python
        if name in {"sys.version_info.major", "sys.version_info.minor"}:
            return self._python[name.endswith("minor")]
        return _STRINGS.get(name)

    def _named(self, name: str) -> bool | None:
        # Most names are bound to what is only known at run time, or to both: then the text need not be parsed.
        bound = set(self._bound_to(name.encode()))
        if not bound or {b"True", b"False"} <= bound:
            return None
        if self._constants is None:
            tree = self._tree()
            self._constants = _constants(tree) if tree is not None else {}
        if name not in self._constants:
            return None
        # A function may set it before it is asked for.
        if re.search(
            rb"\bglobal\b[^\n]{0,300}\b" + re.escape(name.encode()) + rb"\b", self._source
        ):
            return None
        return self._constants[name]

    def _bound_to(self, name: bytes) -> Iterator[bytes]:
        """How the constants begin that the text binds a name to, whatever else it binds it to."""
        end = 0
        while (start := self._source.find(name, end)) >= 0:
            end = start + len(name)
            if bound := _BOUND_TO_CONSTANT.match(self._source, end):
                yield bound[1]


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _constants(tree: ast.Module) -> Mapping[str, bool]:
    """The truth of names at the module's level that are only ever bound to constants of the same truth."""
    truths: dict[str, set[bool | None]] = {}
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                truths.setdefault(name, set()).add(None)
                continue
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                truths.setdefault(name, set()).add(bool(value))
                continue
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                truths.setdefault(name, set()).add(bool(value))
                continue
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                for alias in names:
                    bound = (alias.asname or alias.name).partition(".")[0]
                    truths.setdefault(bound, set()).add(None)
            case ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
                truths.setdefault(name, set()).add(None)
            case _:
                pass
        pending += ast.iter_child_nodes(node)
    if "*" in truths:
        # Anything may come along.
        return {}
    return {
        name: bool(next(iter(found)))
        for name, found in truths.items()
        if len(found) == 1 and None not in found
    }
