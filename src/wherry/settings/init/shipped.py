"""The modules that the wheel of a project holds, told from its ``pyproject.toml`` and its folders alone.

Each backend has rules of its own, written down here after its documentation: hatchling, uv_build, setuptools,
poetry-core, flit-core and pdm-backend.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.settings.foreign.document import texts
from wherry.settings.source import metadata_string
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["finds_no_module", "wheel_places"]

# setuptools' FlatLayoutPackageFinder and FlatLayoutModuleFinder.
_NO_PACKAGES = frozenset((
    "ci", "bin", "debian", "doc", "docs", "documentation", "manpages", "news", "newsfragments",
    "changelog", "test", "tests", "unit_test", "unit_tests", "example", "examples", "scripts",
    "tools", "util", "utils", "python", "build", "benchmark", "benchmarks", "exercise",
    "exercises", "htmlcov", "tasks", "fabfile", "site_scons",
))  # fmt: skip


def wheel_places(root: Path, document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The files and folders that the wheel holds, by their path in the folder, with their name in Python.

    The longest paths come first; a name is "" for a folder of modules. Empty where only the backend knows.
    """
    reader = _READERS.get(_family(document))
    if reader is None:
        return ()
    name = metadata_string(document, "name")
    module = re.sub(r"[-.]+", "_", name or root.name)
    places = reader(root, inner_table(document, "tool"), module)
    return tuple(sorted(places.items(), key=lambda item: -len(item[0])))


def finds_no_module(root: Path, document: Mapping[str, Any]) -> bool:
    """Whether a build fails, for the backend looks for one module or package, and the folder has none or several."""
    tool, family = inner_table(document, "tool"), _family(document)
    places = wheel_places(root, document)
    if family == "setuptools":
        configured = any(inner_table(tool, "setuptools"))
        return not configured and len(places) > 1
    if family == "uv":
        return not any((root / path).exists() for path, _ in places)
    if family == "hatchling":
        build = inner_table(tool, "hatch", "build")
        return not places and not any(build) and not (root / "hatch_build.py").is_file()
    if family == "poetry":
        return not places and not {"packages", "include"} & {*inner_table(tool, "poetry")}
    return family == "flit" and not places


def _family(document: Mapping[str, Any]) -> str:
    """The name of the build backend, without its modules."""
    backend = inner_string(document, "build-system", "build-backend") or "setuptools"
    return re.split(r"[.:_-]", backend)[0]


def _hatchling(root: Path, tool: Mapping[str, Any], module: str) -> dict[str, str]:
    target = inner_table(tool, "hatch", "build", "targets", "wheel")
    build = inner_table(tool, "hatch", "build")
    if packages := texts(target.get("packages")) or texts(build.get("packages")):
        return {path.strip("/"): path.strip("/").rpartition("/")[2] for path in packages}
    if any(
        key in each for each in (target, build) for key in ("include", "only-include", "sources")
    ):
        return {}
    # It wants the package's file, but takes any folder of a `src/` that has it; so nearly does this.
    return _first(root, module)


def _uv(_root: Path, tool: Mapping[str, Any], module: str) -> dict[str, str]:
    settings = inner_table(tool, "uv", "build-backend")
    names = texts(settings.get("module-name")) or (module.lower(),)
    base = settings.get("module-root", "src")
    if not isinstance(base, str):
        return {}
    base = base.strip("/.")
    return {_join(base, name.replace(".", "/")): name.replace(".", "/") for name in names}


def _flit(root: Path, tool: Mapping[str, Any], module: str) -> dict[str, str]:
    name = inner_string(tool, "flit", "module", "name") or module
    return _first(root, name.replace(".", "/"))


def _poetry(root: Path, tool: Mapping[str, Any], module: str) -> dict[str, str]:
    packages = inner_table(tool, "poetry").get("packages")
    if not isinstance(packages, list):
        return _first(root, module.lower())
    places: dict[str, str] = {}
    for package in packages:
        if not isinstance(package, dict) or not isinstance(package.get("include"), str):
            return {}
        name = package["include"].strip("/")
        if "*" in name or "to" in package:
            return {}
        places[_join(str(package.get("from", "")).strip("/."), name)] = name
    return places


def _pdm(root: Path, tool: Mapping[str, Any], _module: str) -> dict[str, str]:
    build = inner_table(tool, "pdm", "build")
    if "includes" in build:
        return {}
    base = build.get("package-dir")
    base = base if isinstance(base, str) else "src" if (root / "src").is_dir() else ""
    return {_join(base, name): name for name in _packages(root / base)}


def _setuptools(root: Path, tool: Mapping[str, Any], _module: str) -> dict[str, str]:
    settings = inner_table(tool, "setuptools")
    if (root / "setup.py").is_file() or (root / "setup.cfg").is_file() or "package-dir" in settings:
        return {}
    packages, modules = settings.get("packages"), texts(settings.get("py-modules"))
    if isinstance(packages, dict):
        where = texts(inner_table(packages, "find").get("where")) or (".",)
        include = texts(inner_table(packages, "find").get("include"))
        names = {
            _join(base.strip("/."), name): name for base in where for name in _packages(root / base)
        }
        tops = {pattern.partition(".")[0].rstrip("*") for pattern in include}
        return {
            path: name
            for path, name in names.items()
            if not include or any(name.startswith(top) for top in tops)
        } | {f"{each}.py": each for each in modules}
    if isinstance(packages, list) or modules:
        tops = {name.partition(".")[0] for name in texts(packages)}
        return {top: top for top in tops} | {f"{each}.py": each for each in modules}
    if (root / "src").is_dir():
        return {"src": ""}
    found = [name for name in _packages(root) if name not in _NO_PACKAGES]
    return {name: name for name in found} or {
        path.name: path.stem for path in root.glob("*.py") if path.stem not in {"setup", "conftest"}
    }


_READERS = {
    "hatchling": _hatchling,
    "uv": _uv,
    "setuptools": _setuptools,
    "poetry": _poetry,
    "flit": _flit,
    "pdm": _pdm,
}


def _first(root: Path, module: str) -> dict[str, str]:
    """The place of the module of the project's name, in ``src/`` or not; empty where it is nowhere."""
    names = dict.fromkeys((module, module.lower()))
    for name in names:
        for base in ("src", ""):
            path = _join(base, name)
            if (root / path).is_dir():
                return {path: name}
            if (root / f"{path}.py").is_file():
                return {f"{path}.py": name}
    return {}


def _packages(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if (path / "__init__.py").is_file())
    except OSError:
        return []


def _join(*parts: str) -> str:
    return "/".join(filter(None, parts))
