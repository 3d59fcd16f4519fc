"""Applications that a handler of others imports by a name that a file has: those of Zappa and of serverless-wsgi."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, NamedTuple

from wherry.contents.imports import LARGEST_SOURCE, parse_source
from wherry.contents.model import TASK
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherry.contents.model import File

__all__ = ["Application", "find_applications"]


class Application(NamedTuple):
    """A module that is loaded when the function starts, and the file that names it."""

    module: str
    file: File


def find_applications(files: Mapping[str, File], handler: str) -> tuple[Application, ...]:
    """The modules that the module of a handler imports because a file says so.

    Args:
        files: by their place on Lambda.
        handler: the name of the module.
    """
    path, read = _NAMING.get(handler, ("", _zappa))
    file = files.get(f"{TASK}/{path}")
    if file is None:
        return ()
    try:
        return tuple(Application(name, file) for name in read(file.read(most=LARGEST_SOURCE)))
    except WherryError:
        return ()


def _zappa(source: bytes) -> Iterator[str]:
    """The modules of a generated ``zappa_settings.py``."""
    tree = parse_source(source)
    values = {
        target.id: node.value.value
        for node in (tree.body if tree else ())
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if values.get("ARCHIVE_PATH"):
        # The application is in an archive on S3.
        return
    for key in ("APP_MODULE", "DJANGO_SETTINGS"):
        name = values.get(key)
        if isinstance(name, str) and name:
            yield name


def _serverless_wsgi(source: bytes) -> Iterator[str]:
    """The module of a ``.serverless-wsgi``; none if it lies in a folder that is added to the search path."""
    try:
        name = json.loads(source)["app"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(name, str) and "/" not in name:
        yield name.rpartition(".")[0]


_NAMING: Mapping[str, tuple[str, Callable[[bytes], Iterator[str]]]] = {
    "handler": ("zappa_settings.py", _zappa),
    "wsgi_handler": (".serverless-wsgi", _serverless_wsgi),
}
