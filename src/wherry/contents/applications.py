"""Applications that another tool's handler imports by a name from a file: those of Zappa and of serverless-wsgi."""

from __future__ import annotations

import ast
import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from wherry.contents.imports import LARGEST_SOURCE, parse_source
from wherry.contents.model import TASK
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherry.contents.model import File

__all__ = ["Application", "find_applications"]


class Application(NamedTuple):
    """A module that is loaded when the function starts.

    Attributes:
        module: its name.
        handler: the module that imports it, which the framework brings.
        framework: the distribution that the handler is of.
    """

    module: str
    file: File
    handler: str
    framework: str


def find_applications(files: Mapping[str, File]) -> Iterator[Application]:
    """The modules that the handlers of frameworks import because a file says so."""
    for framework, handler, path, read in _FRAMEWORKS:
        file = files.get(f"{TASK}/{path}")
        if file is not None and f"{TASK}/{handler}.py" in files:
            with suppress(WherryError):
                for module in read(file.read(most=LARGEST_SOURCE)):
                    yield Application(module, file, handler, framework)


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


# The name of each, the module of its handler, and the file that names the application.
_FRAMEWORKS: tuple[tuple[str, str, str, Callable[[bytes], Iterator[str]]], ...] = (
    ("zappa", "handler", "zappa_settings.py", _zappa),
    ("serverless-wsgi", "wsgi_handler", ".serverless-wsgi", _serverless_wsgi),
)
