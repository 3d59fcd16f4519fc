"""The functions and layers of a project, as another tool knows them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec import field

from wherry.settings.foreign.document import texts
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "LAYER_ARN",
    "Description",
    "ForeignFunction",
    "ForeignLayer",
    "ForeignRoute",
    "architecture_of",
    "commonest",
    "dotted",
    "folder_below",
    "layer_of",
]

LAYER_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+")
"""The name of a version of somebody's layer."""
_UNPACKED = ("bin", "extensions", "lib", "python")
"""The folders of a layer that Lambda and Python look into."""


class ForeignRoute(Struct, frozen=True, kw_only=True):
    """A route of an API that calls a function.

    Attributes:
        service: the kind of API: ``rest``, ``http``, or ``http-1.0`` with events in the older format.
        route: as the setting ``routes`` has it, such as ``GET /orders/{id}``.
    """

    service: str
    route: str


class ForeignFunction(Struct, frozen=True, kw_only=True):
    """A function of AWS Lambda in Python.

    Attributes:
        settings: its settings of Wherry: a handler or an application, layers and so on.
        folder: what is at the root of its package, relative to the project; "" for the project's folder.
        runtime: its runtime; None if the file names none that is known.
        own_requirements: whether it has the requirements of its folder alone, and none if the folder names none.
    """

    name: str
    settings: Mapping[str, Any]
    folder: str = ""
    runtime: str | None = None
    architecture: str | None = None
    own_requirements: bool = True
    routes: tuple[ForeignRoute, ...] = ()


class ForeignLayer(Struct, frozen=True, kw_only=True):
    """A layer that is made of files of the project.

    Attributes:
        folder: what Python imports from it, relative to the project; None where its settings say it.
    """

    name: str
    folder: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    own_requirements: bool = True


class Description(Struct, frozen=True, kw_only=True):
    """A project, as the file of another tool describes it.

    Attributes:
        runtime: the runtime that most functions have; None where none is named.
        comments: a line for a setting, by its path in the table.
        notes: what was passed over, and why.
        warnings: what the user has to look after.
    """

    tool: str
    path: Path
    functions: tuple[ForeignFunction, ...] = ()
    layers: tuple[ForeignLayer, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    runtime: str | None = None
    architecture: str | None = None
    comments: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The file, as messages call it."""
        return f".chalice/{self.path.name}" if self.tool == "Chalice" else self.path.name


def architecture_of(value: object) -> str | None:
    """The first name of an architecture of AWS Lambda in a list of names, or the one that stands alone."""
    return next((text for text in texts(value) if text in {"x86_64", "arm64"}), None)


def commonest(names: Iterable[str | None]) -> str | None:
    """The name that is there most often, of several the first; None if there is none."""
    counts = Counter(name for name in names if name)
    return counts.most_common(1)[0][0] if counts else None


def dotted(handler: str) -> str:
    """A handler as Python writes it; Lambda takes ``src/orders.handler`` for ``src.orders.handler``."""
    return handler.removeprefix("./").replace("/", ".")


def folder_below(*parts: str) -> str | None:
    """A folder relative to the project, "" for the project's own; None if it lies outside or is no folder's name."""
    path: list[str] = []
    for part in PurePosixPath(*parts).parts:
        if part == "..":
            if not path:
                return None
            path.pop()
        elif part == "/" or "\\" in part or ":" in part or not part.isprintable():
            return None
        else:
            path.append(part)
    return "/".join(path)


def layer_of(name: str, project: Path, folder: str, *, built: bool) -> ForeignLayer:
    """A layer whose content is in a folder.

    If it is ``built``, the folder is what Python imports; else it is the layer as Lambda unpacks it.
    """
    content = project / folder
    own = ForeignLayer(name=name, folder=folder, settings={} if folder else {"project": True})
    if built or not content.is_dir():
        return own
    inside = sorted(path.name for path in content.iterdir() if not path.name.startswith("."))
    unpacked = [each for each in inside if (content / each).is_dir()]
    if not folder:
        # Other folders of a project are its functions, tests and so on.
        unpacked = [each for each in unpacked if each in _UNPACKED]
    if "python" in unpacked and not any((content / "python" / "lib").glob("python3*")):
        others = _extra_paths(folder, [each for each in unpacked if each != "python"])
        return ForeignLayer(name=name, folder=_below(folder, "python"), settings=others)
    # Only a build puts the requirements of such a folder where Python finds them.
    if any(each.endswith(".py") or each == "requirements.txt" for each in inside):
        return own
    if folder:
        paths: dict[str, Any] = {"extra-paths": [{"path": folder, "to": "/"}]}
    else:
        paths = _extra_paths(folder, unpacked)
    return ForeignLayer(name=name, settings={"include": [], **paths})


def _extra_paths(folder: str, names: list[str]) -> dict[str, Any]:
    """The setting for folders that lie beside ``python/`` in a layer."""
    extra = [{"path": _below(folder, each), "to": f"/{each}"} for each in names]
    return {"extra-paths": extra} if extra else {}


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
