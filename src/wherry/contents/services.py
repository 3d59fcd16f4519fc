"""The services of AWS that a source text makes clients of, by the names in it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from wherry.contents.imports import parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CREDENTIALS", "SDKS", "ServiceUse", "data_of", "service_uses"]

_METHODS = frozenset({"client", "resource", "create_client"})
_HINTS = ("boto", "session")

SDKS = frozenset({"aioboto3", "aiobotocore", "boto3", "botocore", "s3transfer"})
"""The distributions that take the service from whoever calls them."""

CREDENTIALS = ("signin", "sso", "sso-oidc", "sts")
"""The services that botocore itself asks for credentials."""


class ServiceUse(NamedTuple):
    """A place at which a client is made.

    Attributes:
        service: None where the text does not tell it.
        line: of the call.
        certain: whether it is a call of boto3 or of a session by its name.
    """

    service: str | None
    line: int
    certain: bool


def data_of(path: str) -> str | None:
    """The service whose data a file of botocore holds; None for any other file."""
    folder, found, rest = path.rpartition("botocore/data/")
    service, slash, _ = rest.partition("/")
    return service if found and slash and (not folder or folder.endswith("/")) else None


def service_uses(source: bytes) -> tuple[ServiceUse, ...]:
    """The clients that a source text makes: ``client("s3")`` of boto3, a session, aioboto3 or botocore."""
    if not any(method.encode() in source for method in _METHODS):
        return ()
    tree = parse_source(source)
    if tree is None:
        return (ServiceUse(None, 1, certain=False),) if b"boto" in source else ()
    constants = dict(_constants(tree))
    return tuple(_uses(tree, constants, b"boto" in source))


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that are bound to a text at the top of a module."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value.value


def _is_hint(node: ast.AST) -> bool:
    """Whether a part of an expression has a name such as that of boto3 or of a session."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return any(hint in name.lower() for hint in _HINTS)


def _uses(tree: ast.Module, constants: dict[str, str], is_boto: bool) -> Iterator[ServiceUse]:
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("boto3", "aioboto3")
        for alias in node.names
        if alias.name in _METHODS
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in _METHODS:
            certain = is_boto and any(_is_hint(node) for node in ast.walk(function.value))
        elif isinstance(function, ast.Name) and function.id in imported:
            certain = True
        else:
            continue
        named = [word.value for word in node.keywords if word.arg == "service_name"]
        argument = node.args[0] if node.args else named[0] if named else None
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield ServiceUse(argument.value, node.lineno, certain)
        elif isinstance(argument, ast.Name) and argument.id in constants:
            yield ServiceUse(constants[argument.id], node.lineno, certain)
        elif certain and (argument is not None or node.keywords):
            yield ServiceUse(None, node.lineno, certain)
