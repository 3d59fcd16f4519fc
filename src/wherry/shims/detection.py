"""Detecting the interface of a web application from the text of its module, without running it.

Assignments are followed to what creates the object: a class of a framework, a function of the project and its
``return``, a wrapper around another application, a class with ``__call__``; through imports into the other
modules of the package. Nothing is guessed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from msgspec import field

from wherry.shims.bindings import (
    Bindings,
    Function,
    Imported,
    assigned_to_self,
    bindings_of,
    read_bindings,
    returned,
    signature_interface,
)
from wherry.shims.frameworks import Neither, Verdict, by_name, by_origin
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wherry.shims.package import Module, Package
    from wherry.shims.reference import Reference

__all__ = ["Defined", "Made", "Origin", "detect_interface", "values_of"]

# More steps than any application needs; cycles of imports end here.
_MAX_DEPTH = 25


class _Scope(Struct, frozen=True):
    """Where names are looked up: in a function, if any, and then in its module."""

    module: Module
    local: Bindings | None = None
    # The number of a name's values before the position in the text.
    before: Mapping[str, int] = field(default_factory=dict)


class Origin(Struct, frozen=True):
    """An object by its full name, which is not in the package or need not be followed."""

    name: str


class Defined(Struct, frozen=True):
    """A function or class whose text is known."""

    node: Function | ast.ClassDef | ast.Lambda
    scope: _Scope


class Made(Struct, frozen=True):
    """The result of a call."""

    maker: _Value
    call: ast.Call | None
    scope: _Scope


class _Member(Struct, frozen=True):
    """An attribute of the result of a call."""

    of: Made
    name: str


_Value: TypeAlias = Origin | Defined | Made | _Member


def detect_interface(
    reference: Reference, package: Package, distributions: Mapping[str, str]
) -> Verdict | None:
    """The interface of an application; None if it cannot be determined.

    Of some frameworks it depends on the version: ``distributions`` has them by normalized name.
    """
    return _Detection(package, distributions).of(reference)


def values_of(reference: Reference, package: Package) -> list[_Value]:
    """The possible values of an object, the likeliest first; empty if its text does not show them."""
    module = package.find(reference.module)
    if module is None:
        return []
    expression: ast.expr = ast.parse(reference.attribute, mode="eval").body
    return _Detection(package, {}).values(expression, _Scope(module))


class _Detection:
    def __init__(self, package: Package, distributions: Mapping[str, str]) -> None:
        self._package = package
        self._distributions = distributions
        self._bindings: dict[str, Bindings] = {}
        self._depth = 0

    def of(self, reference: Reference) -> Verdict | None:
        module = self._package.find(reference.module)
        if module is None:
            return self._of_origin(f"{reference.module}.{reference.attribute}", made=reference.call)
        scope = _Scope(module)
        expression: ast.expr = ast.parse(reference.attribute, mode="eval").body
        verdict = None
        for value in self.values(expression, scope):
            verdict = self._verdict(Made(value, None, scope) if reference.call else value)
            if verdict is not None:
                break
            made = None if reference.call else self._verdict(Made(value, None, scope))
            if isinstance(value, Defined) and made in ("wsgi", "asgi"):
                return Neither(
                    message=f"`{reference}` is a function that creates an application",
                    hint=f"call it: `{reference}()`",
                )
        if verdict is None:
            first = reference.attribute.partition(".")[0]
            annotation = self._read(module).annotations.get(first)
            if annotation is not None and "." not in reference.attribute:
                verdict = self._annotated(annotation, scope)
        return verdict

    def _read(self, module: Module) -> Bindings:
        if module.name not in self._bindings:
            self._bindings[module.name] = read_bindings(module)
        return self._bindings[module.name]

    # The values of expressions.

    def values(self, node: ast.expr, scope: _Scope) -> list[_Value]:
        """The possible values of an expression, the likeliest first."""
        return self._deeper(self._possible(node, scope))

    def _deeper(self, values: Iterator[_Value]) -> list[_Value]:
        if self._depth > _MAX_DEPTH:
            return []
        self._depth += 1
        try:
            return list(values)
        finally:
            self._depth -= 1

    def _possible(self, node: ast.expr, scope: _Scope) -> Iterator[_Value]:
        if isinstance(node, ast.Name):
            yield from self._named(node.id, scope)
        elif isinstance(node, ast.Attribute):
            for base in self.values(node.value, scope):
                yield from self._attribute(base, node.attr)
        elif isinstance(node, ast.Call):
            makers = self.values(node.func, scope)
            for maker in makers:
                yield Made(maker, node, scope)
            if not makers:
                # A method of something unknown: its name and its arguments may determine the interface.
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                yield Made(Origin(name), node, scope)
        elif isinstance(node, ast.NamedExpr | ast.Await):
            yield from self.values(node.value, scope)
        elif isinstance(node, ast.IfExp):
            yield from self.values(node.body, scope)
            yield from self.values(node.orelse, scope)
        elif isinstance(node, ast.BoolOp):
            for operand in reversed(node.values):
                yield from self.values(operand, scope)
        elif isinstance(node, ast.Lambda):
            yield Defined(node, scope)

    def _named(self, name: str, scope: _Scope) -> Iterator[_Value]:
        """The values of a name, the last first."""
        bindings = self._read(scope.module)
        local = scope.local
        bound = local.names.get(name, []) if local else []
        where: Bindings | None = local
        if not bound:
            bound, where = bindings.names.get(name, []), None
        until = scope.before.get(name, len(bound))
        for index in range(min(until, len(bound)) - 1, -1, -1):
            value = bound[index]
            inner = _Scope(scope.module, where, {**scope.before, name: index})
            if isinstance(value, Imported):
                yield from self._imported(value.origin)
            elif isinstance(value, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield Defined(value, _Scope(scope.module, where))
            elif value is not None:
                yield from self.values(value, inner)
        if not bound:
            for star in bindings.stars:
                yield from self._imported(f"{star}.{name}")

    def _imported(self, origin: str) -> list[_Value]:
        """The values of a full name: followed into the package, unless the name is known."""
        values: list[_Value] = []
        module_name, _, name = origin.rpartition(".")
        if by_origin(origin) is None and module_name:
            module = self._package.find(module_name)
            if module is not None:
                values = self._deeper(self._named(name, _Scope(module)))
        return values or [Origin(origin)]

    def _attribute(self, base: _Value, name: str) -> Iterator[_Value]:
        if isinstance(base, Origin):
            yield from self._imported(f"{base.name}.{name}")
        elif isinstance(base, Made):
            yield _Member(base, name)
        elif isinstance(base, Defined) and isinstance(base.node, ast.ClassDef):
            bindings = bindings_of(base.node.body, "")
            yield from self._named(name, _Scope(base.scope.module, bindings))

    # The interfaces of values.

    def _verdict(self, value: _Value) -> Verdict | None:
        if self._depth > _MAX_DEPTH:
            return None
        self._depth += 1
        try:
            if isinstance(value, Made):
                return self._made(value)
            if isinstance(value, _Member):
                return self._member(value)
            if isinstance(value, Defined):
                return self._defined(value)
            return self._of_origin(value.name, made=False)
        finally:
            self._depth -= 1

    def _of_origin(self, origin: str, *, made: bool) -> Verdict | None:
        if origin.split(".", maxsplit=1)[0] == "connexion" and origin.endswith(("App", "FlaskApp")):
            # Version 3 changed to ASGI.
            major = self._distributions.get("connexion", "").partition(".")[0]
            return "wsgi" if major in {"1", "2"} else "asgi"
        return by_origin(origin) if made else None

    def _made(self, value: Made) -> Verdict | None:
        maker = value.maker
        verdict: Verdict | None = None
        if isinstance(maker, Origin):
            verdict = self._of_origin(maker.name, made=True) or by_name(maker.name)
        elif isinstance(maker, _Member):
            verdict = by_name(maker.name) or self._method(maker)
        elif isinstance(maker, Defined):
            if isinstance(maker.node, ast.ClassDef):
                verdict = self._instance(maker.node, maker.scope)
            else:
                verdict = self._returned(maker.node, maker.scope)
        return verdict or self._wrapped(value)

    def _wrapped(self, value: Made) -> Verdict | None:
        """An unknown wrapper has the interface of what it wraps."""
        if value.call is None:
            return None
        arguments = [*value.call.args[:1]]
        arguments += [
            keyword.value
            for keyword in value.call.keywords
            if keyword.arg in {"app", "application", "wsgi_app", "asgi_app", "other_asgi_app"}
        ]
        return self._interface(
            inner for argument in arguments for inner in self.values(argument, value.scope)
        )

    def _member(self, value: _Member) -> Verdict | None:
        """The interface of an attribute of an application, or of an object that holds one."""
        maker = value.of.maker
        if isinstance(maker, Origin):
            library = maker.name.partition(".")[0]
            if (library, value.name) in {("dash", "server"), ("connexion", "app")}:
                return "wsgi"
        if isinstance(maker, Defined) and isinstance(maker.node, ast.ClassDef):
            for expression, scope in _attributes(maker.node, maker.scope, value.name):
                if (verdict := self._first(expression, scope)) is not None:
                    return verdict
        return by_name(value.name)

    def _method(self, value: _Member) -> Verdict | None:
        maker = value.of.maker
        if isinstance(maker, Defined) and isinstance(maker.node, ast.ClassDef):
            for node in maker.node.body:
                if isinstance(node, Function) and node.name == value.name:
                    return self._returned(node, maker.scope)
        return None

    def _returned(self, node: Function | ast.Lambda, scope: _Scope) -> Verdict | None:
        """The interface of what a function returns."""
        if isinstance(node, ast.Lambda):
            return self._first(node.body, scope)
        if isinstance(node, ast.AsyncFunctionDef):
            return Neither(
                message=f"`{node.name}` is asynchronous: calling it does not return an application",
                hint="create the application in a function without `async`",
            )
        inner = _Scope(scope.module, bindings_of(node.body, scope.module.parent))
        for expression in returned(node):
            if (verdict := self._first(expression, inner)) is not None:
                return verdict
        return self._annotated(node.returns, scope) if node.returns is not None else None

    def _first(self, node: ast.expr, scope: _Scope) -> Verdict | None:
        return next(filter(None, map(self._verdict, self.values(node, scope))), None)

    def _annotated(self, annotation: ast.expr, scope: _Scope) -> Verdict | None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return None
        return self._interface(Made(value, None, scope) for value in self.values(annotation, scope))

    def _interface(self, values: Iterable[_Value]) -> Verdict | None:
        """The interface of the first value that has one."""
        verdicts = (self._verdict(value) for value in values)
        return next((verdict for verdict in verdicts if verdict in ("wsgi", "asgi")), None)

    def _defined(self, value: Defined) -> Verdict | None:
        """The interface of a function or class that is itself the application."""
        node = value.node
        if isinstance(node, ast.ClassDef):
            # PEP 3333 allows a class whose instances are the responses.
            if any(
                isinstance(method, ast.FunctionDef)
                and method.name == "__init__"
                and signature_interface(method, method=True) == "wsgi"
                for method in node.body
            ):
                return "wsgi"
            if self._instance(node, value.scope) in ("wsgi", "asgi"):
                return Neither(
                    message=f"`{node.name}` is a class, and its instances are applications",
                    hint=f"create one: `{value.scope.module.name}:{node.name}()`",
                )
            return None
        return signature_interface(node, method=False)

    def _instance(self, node: ast.ClassDef, scope: _Scope) -> Verdict | None:
        """The interface of instances of a class, by its own or an inherited ``__call__``."""
        for method in node.body:
            if isinstance(method, Function) and method.name == "__call__":
                return signature_interface(method, method=True)
        instances = (
            Made(value, None, scope) for base in node.bases for value in self.values(base, scope)
        )
        return next(filter(None, map(self._verdict, instances)), None)


def _attributes(node: ast.ClassDef, scope: _Scope, name: str) -> Iterator[tuple[ast.expr, _Scope]]:
    """The expressions that a class assigns to ``NAME``, and its methods to ``self.NAME``."""
    bindings = bindings_of(node.body, scope.module.parent)
    for value in bindings.names.get(name, []):
        if isinstance(value, ast.expr):
            yield value, scope
    for method in node.body:
        if isinstance(method, Function):
            inner = _Scope(scope.module, bindings_of(method.body, scope.module.parent))
            for expression in assigned_to_self(method, name):
                yield expression, inner
