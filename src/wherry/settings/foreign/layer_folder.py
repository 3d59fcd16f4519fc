"""The content of a layer in a folder, laid out by another tool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.files import read_regular
from wherry.settings.foreign.model import ForeignLayer

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["layer_of"]

_UNPACKED = ("bin", "extensions", "lib", "python")
"""The folders of a layer that Lambda and Python look into."""


def layer_of(name: str, project: Path, folder: str, *, built: bool) -> ForeignLayer:
    """A layer whose content is in a folder.

    Args:
        name: its name.
        project: the project's folder.
        folder: the folder, relative to the project; "" for the project's own.
        built: whether the folder is what Python imports; else it is the layer as Lambda unpacks it.
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
        if _is_installed(content / "python"):
            others["include"] = []
        return ForeignLayer(name=name, folder=_below(folder, "python"), settings=others)
    # Only a build puts the requirements of such a folder where Python finds them.
    if any(each.endswith(".py") or each == "requirements.txt" for each in inside):
        return own
    if folder:
        paths: dict[str, Any] = {"extra-paths": [{"path": folder, "to": "/"}]}
    else:
        paths = _extra_paths(folder, unpacked)
    return ForeignLayer(name=name, settings={"include": [], **paths})


def _is_installed(folder: Path) -> bool:
    """Whether the requirements that a folder names lie in it: ``pip install --target`` put them there."""
    names = {path.name.lower() for path in folder.iterdir()}
    if any(name.endswith(".dist-info") for name in names):
        return True
    try:
        text = read_regular(folder / "requirements.txt").decode("utf-8", "replace")
    except OSError:
        return False
    required = re.findall(r"(?m)^[A-Za-z0-9][\w.-]*", text)
    return any(re.sub(r"[-.]", "_", name).lower() in names for name in required)


def _extra_paths(folder: str, names: list[str]) -> dict[str, Any]:
    """The setting for folders that lie beside ``python/`` in a layer."""
    extra = [{"path": _below(folder, each), "to": f"/{each}"} for each in names]
    return {"extra-paths": extra} if extra else {}


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
