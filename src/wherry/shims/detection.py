"""Which interface a web application has, told from the text of its module, without running it.

The object's assignments are followed to what makes it: a class of a framework, a function of the project's
own with its ``return``, a wrapper around another application, a class with ``__call__``; through imports into
the other modules of the package. What stays in the dark is not guessed at.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from wherry.shims.bindings import Bindings, Function, Imported, bindings_of, read_bindings
from wherry.shims.frameworks import Neither, by_name, by_origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wherry.shims.frameworks import Interface, Verdict
    from wherry.shims.package import Module, Package
    from wherry.shims.reference import Reference

__all__ = ["detect_interface"]

# More steps than any application takes; a circle of imports ends here.
_DEEPEST = 25
_WSGI_PARAMETERS = 2
_ASGI_PARAMETERS = 3


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a name is looked up: perhaps a function's, then its module's."""

    module: Module
    local: Bindings | None = None
    # How many of a name's meanings stood before the text that is being read.
    before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Something of that full name, which is not in the package or need not be looked into."""

    name: str


@dataclass(frozen=True, slots=True)
class _Defined:
    """A function or class whose text is at hand."""

    node: Function | ast.ClassDef | ast.Lambda
    scope: _Scope


@dataclass(frozen=True, slots=True)
class _Made:
    """What calling something gives."""

    maker: _Value
    call: ast.Call | None
    scope: _Scope


@dataclass(frozen=True, slots=True)
class _Member:
    """An attribute of a made object."""

    of: _Made
    name: str


_Value: TypeAlias = _Origin | _Defined | _Made | _Member


def detect_interface(
    reference: Reference, package: Package, distributions: Mapping[str, str]
) -> Verdict | None:
    """The interface of the application that is meant, None when it cannot be told.

    Args:
        reference: the application.
        package: where it is looked for.
        distributions: versions by normalized name, for frameworks that changed sides.
    """
    return _Detection(package, distributions).of(reference)


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
        found: Verdict | None = None
        for value in self._values(expression, scope):
            meant = _Made(value, None, scope) if reference.call else value
            found = self._verdict(meant)
            if found is None and not reference.call and self._is_factory(value, scope):
                return Neither(
                    message=f"`{reference}` is a function that makes an application",
                    hint=f"call it: `{reference}()`",
                )
            if found is not None:
                break
        if found is None:
            first = reference.attribute.partition(".")[0]
            annotation = self._read(module).annotations.get(first)
            if annotation is not None and "." not in reference.attribute:
                found = self._annotated(annotation, scope)
        return found

    def _is_factory(self, value: _Value, scope: _Scope) -> bool:
        return isinstance(value, _Defined) and self._verdict(_Made(value, None, scope)) in (
            "wsgi",
            "asgi",
        )

    def _read(self, module: Module) -> Bindings:
        if module.name not in self._bindings:
            self._bindings[module.name] = read_bindings(module)
        return self._bindings[module.name]

    # What an expression may be.

    def _values(self, node: ast.expr, scope: _Scope) -> Iterator[_Value]:
        """What an expression may stand for, the likeliest first."""
        if self._depth > _DEEPEST:
            return
        self._depth += 1
        try:
            found = list(self._possible(node, scope))
        finally:
            self._depth -= 1
        yield from found

    def _possible(self, node: ast.expr, scope: _Scope) -> Iterator[_Value]:
        if isinstance(node, ast.Name):
            yield from self._named(node.id, scope)
        elif isinstance(node, ast.Attribute):
            for base in self._values(node.value, scope):
                yield from self._attribute(base, node.attr)
        elif isinstance(node, ast.Call):
            makers = list(self._values(node.func, scope))
            for maker in makers:
                yield _Made(maker, node, scope)
            if not makers:
                # A method of something unknown: its name and its arguments may tell.
                name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                yield _Made(_Origin(name), node, scope)
        elif isinstance(node, ast.NamedExpr | ast.Await):
            yield from self._values(node.value, scope)
        elif isinstance(node, ast.IfExp):
            yield from self._values(node.body, scope)
            yield from self._values(node.orelse, scope)
        elif isinstance(node, ast.BoolOp):
            for each in reversed(node.values):
                yield from self._values(each, scope)
        elif isinstance(node, ast.Lambda):
            yield _Defined(node, scope)

    def _named(self, name: str, scope: _Scope) -> Iterator[_Value]:
        """The meanings of a name, the last first."""
        bindings = self._read(scope.module)
        local = scope.local
        meanings = local.names.get(name, []) if local else []
        where: Bindings | None = local
        if not meanings:
            meanings, where = bindings.names.get(name, []), None
        until = scope.before.get(name, len(meanings))
        for place in range(min(until, len(meanings)) - 1, -1, -1):
            meaning = meanings[place]
            inner = _Scope(scope.module, where, {**scope.before, name: place})
            if isinstance(meaning, Imported):
                yield from self._imported(meaning.origin)
            elif isinstance(meaning, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield _Defined(meaning, _Scope(scope.module, where))
            elif meaning is not None:
                yield from self._values(meaning, inner)
        if not meanings:
            for star in bindings.stars:
                yield from self._imported(f"{star}.{name}")

    def _imported(self, origin: str) -> Iterator[_Value]:
        """Something by its full name: followed into the package, unless the name is known."""
        if by_origin(origin) is not None or self._depth > _DEEPEST:
            yield _Origin(origin)
            return
        self._depth += 1
        try:
            found = []
            module, _, name = origin.rpartition(".")
            if module and (home := self._package.find(module)) is not None:
                found = list(self._named(name, _Scope(home)))
        finally:
            self._depth -= 1
        yield from found
        if not found:
            yield _Origin(origin)

    def _attribute(self, base: _Value, name: str) -> Iterator[_Value]:
        if isinstance(base, _Origin):
            yield from self._imported(f"{base.name}.{name}")
        elif isinstance(base, _Made):
            yield _Member(base, name)
        elif isinstance(base, _Defined) and isinstance(base.node, ast.ClassDef):
            held = bindings_of(base.node.body, "")
            yield from self._named(name, _Scope(base.scope.module, held))

    # What a value is.

    def _verdict(self, value: _Value) -> Verdict | None:
        if self._depth > _DEEPEST:
            return None
        self._depth += 1
        try:
            if isinstance(value, _Made):
                return self._made(value)
            if isinstance(value, _Member):
                return self._member(value)
            if isinstance(value, _Defined):
                return self._defined(value)
            return self._of_origin(value.name, made=False)
        finally:
            self._depth -= 1

    def _of_origin(self, origin: str, *, made: bool) -> Verdict | None:
        if origin.split(".", maxsplit=1)[0] == "connexion" and origin.endswith(("App", "FlaskApp")):
            # Version 3 went over to ASGI.
            major = self._distributions.get("connexion", "").partition(".")[0]
            return "wsgi" if major in {"1", "2"} else "asgi"
        return by_origin(origin) if made else None

    def _made(self, value: _Made) -> Verdict | None:
        maker = value.maker
        found: Verdict | None = None
        if isinstance(maker, _Origin):
            found = self._of_origin(maker.name, made=True) or by_name(maker.name)
        elif isinstance(maker, _Member):
            found = by_name(maker.name)
            if found is None:
                found = self._method(maker)
        elif isinstance(maker, _Defined):
            if isinstance(maker.node, ast.ClassDef):
                found = self._instance(maker.node, maker.scope)
            else:
                found = self._returned(maker.node, maker.scope)
        return found or self._wrapped(value)

    def _wrapped(self, value: _Made) -> Verdict | None:
        """A wrapper that is not known has the interface of what it wraps."""
        if value.call is None:
            return None
        arguments = [*value.call.args[:1]]
        arguments += [
            keyword.value
            for keyword in value.call.keywords
            if keyword.arg in {"app", "application", "wsgi_app", "asgi_app", "other_asgi_app"}
        ]
        for argument in arguments:
            for inner in self._values(argument, value.scope):
                if (found := self._verdict(inner)) in ("wsgi", "asgi"):
                    return found
        return None

    def _member(self, value: _Member) -> Verdict | None:
        """An attribute of an application or of what holds one."""
        maker = value.of.maker
        if isinstance(maker, _Origin):
            if maker.name.split(".")[0] == "dash" and value.name == "server":
                return "wsgi"
            if maker.name.split(".")[0] == "connexion" and value.name == "app":
                return "wsgi"
        if isinstance(maker, _Defined) and isinstance(maker.node, ast.ClassDef):
            for expression, scope in _attributes(maker.node, maker.scope, value.name):
                for inner in self._values(expression, scope):
                    if (found := self._verdict(inner)) is not None:
                        return found
        return by_name(value.name)

    def _method(self, value: _Member) -> Verdict | None:
        maker = value.of.maker
        if isinstance(maker, _Defined) and isinstance(maker.node, ast.ClassDef):
            for node in maker.node.body:
                if isinstance(node, Function) and node.name == value.name:
                    return self._returned(node, maker.scope)
        return None

    def _returned(self, node: Function | ast.Lambda, scope: _Scope) -> Verdict | None:
        """What calling a function gives."""
        if isinstance(node, ast.Lambda):
            return self._first(node.body, scope)
        if isinstance(node, ast.AsyncFunctionDef):
            return Neither(
                message=f"`{node.name}` is asynchronous: calling it gives no application",
                hint="make the application in a function without `async`",
            )
        inner = _Scope(scope.module, bindings_of(node.body, _parent(scope.module)))
        for expression in _returns(node):
            if (found := self._first(expression, inner)) is not None:
                return found
        return self._annotated(node.returns, scope) if node.returns is not None else None

    def _first(self, node: ast.expr, scope: _Scope) -> Verdict | None:
        for value in self._values(node, scope):
            if (found := self._verdict(value)) is not None:
                return found
        return None

    def _annotated(self, annotation: ast.expr, scope: _Scope) -> Verdict | None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return None
        for value in self._values(annotation, scope):
            if (found := self._verdict(_Made(value, None, scope))) in ("wsgi", "asgi"):
                return found
        return None

    def _defined(self, value: _Defined) -> Verdict | None:
        """A function or class that is itself the application."""
        node = value.node
        if isinstance(node, ast.ClassDef):
            # PEP 3333 admits a class whose instances are the responses.
            for method in node.body:
                if (
                    isinstance(method, ast.FunctionDef)
                    and method.name == "__init__"
                    and _signature(method, method=True) == "wsgi"
                ):
                    return "wsgi"
            if self._instance(node, value.scope) in ("wsgi", "asgi"):
                return Neither(
                    message=f"`{node.name}` is a class, and its instances are applications",
                    hint=f"make one: `{value.scope.module.name}:{node.name}()`",
                )
            return None
        return _signature(node, method=False)

    def _instance(self, node: ast.ClassDef, scope: _Scope) -> Verdict | None:
        """What an object of the class is: by ``__call__``, its own or inherited."""
        for method in node.body:
            if isinstance(method, Function) and method.name == "__call__":
                return _signature(method, method=True)
        for base in node.bases:
            for value in self._values(base, scope):
                if (found := self._verdict(_Made(value, None, scope))) is not None:
                    return found
        return None


def _parent(module: Module) -> str:
    return module.name if module.is_package else module.name.rpartition(".")[0]


def _signature(node: Function | ast.Lambda, *, method: bool) -> Interface | None:
    """The interface that a callable's parameters have: two for WSGI, three for ASGI."""
    positional = [*node.args.posonlyargs, *node.args.args][1 if method else 0 :]
    needed = len(positional) - len(node.args.defaults)
    if isinstance(node, ast.AsyncFunctionDef):
        return "asgi" if len(positional) == _ASGI_PARAMETERS else None
    names = [each.arg.lstrip("_") for each in positional]
    if names[:_ASGI_PARAMETERS] == ["scope", "receive", "send"]:
        return "asgi"
    if needed == _WSGI_PARAMETERS and any(
        word in name for name in names for word in ("env", "start", "respon")
    ):
        return "wsgi"
    return None


def _returns(node: Function) -> list[ast.expr]:
    """What the function returns, the last first; not what functions in it do."""
    found: list[ast.expr] = []
    pending: list[ast.AST] = list(node.body)
    while pending:
        each = pending.pop()
        if isinstance(each, ast.Return) and each.value is not None:
            found.append(each.value)
        if not isinstance(each, Function | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(each))
    return found


def _attributes(node: ast.ClassDef, scope: _Scope, name: str) -> Iterator[tuple[ast.expr, _Scope]]:
    """What methods of the class assign to ``self.NAME``, and the class itself to ``NAME``."""
    held = bindings_of(node.body, _parent(scope.module))
    for each in held.names.get(name, []):
        if isinstance(each, ast.expr):
            yield each, scope
    for method in node.body:
        if not isinstance(method, Function):
            continue
        inner = _Scope(scope.module, bindings_of(method.body, _parent(scope.module)))
        for statement in ast.walk(method):
            if isinstance(statement, ast.Assign) and any(
                isinstance(target, ast.Attribute)
                and target.attr == name
                and isinstance(target.value, ast.Name)
                and target.value.id == "self"
                for target in statement.targets
            ):
                yield statement.value, inner
