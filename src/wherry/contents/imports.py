"""Imports of a source text, by when they are executed; the text is parsed and never run."""

from __future__ import annotations

import ast
import builtins
import re
from codecs import BOM_UTF8
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from wherry.contents.conditions import Conditions
from wherry.contents.outline import outline_of
from wherry.syntax import parse_python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "LARGEST_SOURCE",
    "Flag",
    "Import",
    "ModuleFacts",
    "When",
    "has_word",
    "is_too_large",
    "parse_source",
    "read_imports",
]

LARGEST_SOURCE = 1 << 20
"""The most bytes of a source text that is parsed."""

# A syntax tree takes up to 1 KiB for each of these.
_MOST_SIGNS = 150_000
_SIGNS = b",;=+-*/%@&|^~<>()[]{}:.!\n"

_MOST_IMPORTS = 5000


class When(IntEnum):
    """When an import is executed, in the order from certain to never."""

    INIT = 0
    """When the module is imported, whatever the circumstances."""
    GUARDED = 1
    """When the module is imported, if a condition holds; or its failure is caught."""
    LAZY = 2
    """When a function is called."""
    NEVER = 3
    """Only for type checkers, or when the module is run as a program."""


class Flag(IntEnum):
    """Traits of a module that make the search for modules another one, as bits."""

    UNKNOWN = 1
    """It is not parsed: too large, or written for another version of Python."""
    PATH = 2
    """It mentions ``sys.path``, or hooks of the import system."""
    MODULES = 4
    """It mentions ``sys.modules``."""
    HANDLER = 8
    """It defines something whose name ends as those of handlers do."""
    FOLDERS = 16
    """It mentions ``__path__`` or ``__package__``: submodules of it may lie in other folders."""
    NAMES = 32
    """It mentions what gives a module names that its text does not show."""


class Import(NamedTuple):
    """An import statement, or a call of ``import_module`` with a constant name.

    ``level`` is the number of dots before ``module``; ``names`` are those after ``from … import``. ``instead`` is the
    line of the import that fails before this one is executed; 0 if it does not take one to fail.
    """

    when: When
    level: int
    module: str
    names: tuple[str, ...]
    line: int
    instead: int = 0


class ModuleFacts(NamedTuple):
    """The imports of a module in the order of the text, and the bits of ``Flag``."""

    imports: tuple[Import, ...]
    flags: int = 0


# Looked for as plain words, as most texts have none of them.
_PATH = (b"sys.path", b"sys.meta_path", b"addsitedir")
_MODULES = (b"sys.modules",)
# The same by `from sys import`.
_OF_SYS: Mapping[str, int] = {
    "path": Flag.PATH,
    "meta_path": Flag.PATH,
    "path_hooks": Flag.PATH,
    "modules": Flag.MODULES,
    "*": Flag.PATH | Flag.MODULES,
}
_FOLDERS = (b"__path__", b"__package__", b"declare_namespace")
_NAMES = (
    *(b"__getattr__", b"__dict__", b"__class__", b"globals(", b"locals(", b"vars(", b"exec("),
    *(b"eval(", b"setattr(", b"_convert_"),
)
_DYNAMIC = (b"import_module", b"__import__")
# A call of one of them that has a constant name.
_CONSTANT_CALL = re.compile(rb"(?:import_module|__import__)\s*\((?:\s|#[^\n]*+|\\\n)*+[rRuU]?['\"]")
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
# Exceptions that a failed import is not. A module for a newer Python fails with a SyntaxError.
_OTHERS = {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
} - {*_CAUGHT, "SyntaxError"}


_HANDLER_NAMES = re.compile(
    rb"^(?:async\s+)?def\s+\w*handler\s*\(|^\w*handler\s*=", re.MULTILINE | re.IGNORECASE
)


def has_word(source: bytes, name: str) -> bool:
    """Whether a text has a name as a word, which no dot stands before: that would be a name of another object."""
    return re.search(rb"(?<![\w.])%s(?!\w)" % re.escape(name.encode()), source) is not None


def read_imports(source: bytes, python: tuple[int, int], *, whole: bool = False) -> ModuleFacts:
    """The imports of a source text, as a version of Python executes them.

    There are none, and ``Flag.UNKNOWN``, for one that cannot be parsed. Unless the ``whole`` text is asked for, what
    does not decide about imports is not looked at where that is quicker.
    """
    flags = _flags(source)
    text = source.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = None if whole else _of_outline(text, python)
    if found is None:
        tree = parse_source(source, python)
        if tree is None:
            return ModuleFacts((), flags | Flag.UNKNOWN)
        found = list(_statements(tree.body, Conditions(lambda: tree, source, python)))
        if _has(source, _DYNAMIC):
            found += _calls(tree)
    for each in found:
        if each.module == "sys" and not each.level:
            for name in each.names:
                flags |= _OF_SYS.get(name, 0)
    found.sort(key=lambda each: each.line)
    return ModuleFacts(tuple(found[:_MOST_IMPORTS]), flags)


def _flags(source: bytes) -> int:
    flags = Flag.PATH * _has(source, _PATH) | Flag.MODULES * _has(source, _MODULES)
    flags |= Flag.FOLDERS * _has(source, _FOLDERS) | Flag.NAMES * _has(source, _NAMES)
    if b"handler" in source.lower() and _HANDLER_NAMES.search(source):
        flags |= Flag.HANDLER
    return flags


def _of_outline(text: bytes, python: tuple[int, int]) -> list[Import] | None:
    """The imports by the outline of a text, which takes a tenth of the time; None if they must be looked for in all."""
    if len(text) > LARGEST_SOURCE or b"\0" in text:
        return None
    if _has(text, _DYNAMIC) and _CONSTANT_CALL.search(text):
        return None
    outline = outline_of(text)
    tree = parse_source(outline.text) if outline else None
    if outline is None or tree is None:
        return None
    conditions = Conditions(lambda: parse_source(text), text, python)
    return [
        each._replace(
            line=outline.lines[each.line - 1],
            instead=outline.lines[each.instead - 1] if each.instead else 0,
        )
        for each in _statements(tree.body, conditions)
    ]


def _has(source: bytes, words: Sequence[bytes]) -> bool:
    return any(word in source for word in words)


def parse_source(source: bytes, python: tuple[int, int] | None = None) -> ast.Module | None:
    """The syntax tree of a source text; None for one that is too large, or that this Python does not understand.

    ``python`` is the version that is to understand it, too, as far as this one can tell.
    """
    return None if is_too_large(source) else parse_python(source, python)


def is_too_large(source: bytes) -> bool:
    """Whether a source text is not parsed, as its syntax tree would be too large."""
    if len(source) > LARGEST_SOURCE:
        return True
    return len(source) - len(source.translate(None, _SIGNS)) > _MOST_SIGNS


def _statements(body: Sequence[ast.stmt], conditions: Conditions) -> Iterator[Import]:
    """The import statements of a module, also those in functions. Nothing calls itself: blocks may nest deeply."""
    pending: list[tuple[Sequence[ast.stmt], When, int]] = [(body, When.INIT, 0)]
    while pending:
        block, when, instead = pending.pop()
        for statement in block:
            match statement:
                case ast.Import(names=names):
                    for alias in names:
                        yield Import(when, 0, alias.name, (), statement.lineno, instead)
                case ast.ImportFrom(module=module, names=names, level=level):
                    listed = tuple(alias.name for alias in names)
                    yield Import(when, level, module or "", listed, statement.lineno, instead)
                case ast.Raise() if when is When.INIT and block is body:
                    # What follows is never reached.
                    break
                case _:
                    pending += [
                        (*each, _instead(statement, each[0], when))
                        for each in _blocks(statement, when, conditions)
                    ]


def _instead(node: ast.stmt, block: Sequence[ast.stmt], when: When) -> int:
    """The line of the import at the top of a ``try`` at the level of the module, for the block that catches its failure."""
    match node:
        case ast.Try(
            body=[ast.Import() | ast.ImportFrom() as first, *_],
            handlers=[ast.ExceptHandler(body=body) as handler],
        ) if when is When.INIT and body is block and _guards(handler):
            return first.lineno
    return 0


def _blocks(
    node: ast.stmt, when: When, conditions: Conditions
) -> Iterator[tuple[Sequence[ast.stmt], When]]:
    """The blocks of a compound statement, and when they are executed."""
    guarded = max(when, When.GUARDED)
    match node:
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            yield body, max(when, When.LAZY)
        case ast.ClassDef(body=body):
            yield body, when
        case ast.If(test=test, body=body, orelse=orelse):
            truth = conditions.truth(test)
            for block, excluded in ((body, False), (orelse, True)):
                yield (
                    block,
                    guarded if truth is None else (When.NEVER if truth is excluded else when),
                )
        case ast.Try() | ast.TryStar():
            inner = guarded if any(map(_guards, node.handlers)) else when
            yield node.body, inner
            yield node.orelse, inner
            for handler in node.handlers:
                yield handler.body, guarded
            yield node.finalbody, when
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            # A context manager may catch what fails.
            yield body, when if all(map(_is_transparent, items)) else guarded
        case ast.For(body=body, orelse=orelse) | ast.AsyncFor(body=body, orelse=orelse):
            yield body, guarded
            yield orelse, guarded
        case ast.While(body=body, orelse=orelse):
            yield body, guarded
            yield orelse, guarded
        case ast.Match(cases=cases):
            for each in cases:
                yield each.body, guarded
        case _:
            pass


def _guards(handler: ast.ExceptHandler) -> bool:
    """Whether a failed import would be caught, and not raised again at the end."""
    if handler.body and isinstance(handler.body[-1], ast.Raise):
        return False
    caught = handler.type
    if caught is None:
        return True
    types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    # What is no exception of Python itself may be anything, a tuple that holds `ImportError` among it.
    return any(
        not isinstance(each, ast.Name) or each.id in _CAUGHT or each.id not in _OTHERS
        for each in types
    )


def _is_transparent(item: ast.withitem) -> bool:
    match item.context_expr:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name in {"catch_warnings", "open", "Lock", "RLock"}
    return False


def _calls(tree: ast.Module) -> Iterator[Import]:
    """The calls that import a module by a constant name; their failure may be caught anywhere."""
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, lazy = pending.pop()
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        pending += [(inner, lazy) for inner in ast.iter_child_nodes(node)]
        match node:
            case ast.Call(
                func=ast.Name(id=name) | ast.Attribute(attr=name),
                args=[ast.Constant(value=str(module)), *rest],
            ) if name in {"import_module", "__import__"}:
                when = When.LAZY if lazy else When.GUARDED
                plain = module.lstrip(".")
                level = len(module) - len(plain)
                # A relative name is relative to what the second argument names.
                if plain and not (level and not _is_package_name(rest)):
                    yield Import(when, level, plain, (), node.lineno)


def _is_package_name(arguments: Sequence[ast.expr]) -> bool:
    match arguments:
        case [ast.Name(id="__name__" | "__package__")]:
            return True
    return False
