"""The build backends that Wherry knows: what they read, and when they run code that nobody knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.sources.static import assigns_text, has_docstring, is_bare_setup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wherry.sources.declaration import Declaration
    from wherry.sources.inputs import InputFile

__all__ = ["FAMILIES", "RULES", "OpenError", "build_settings", "texts"]

FAMILIES: Mapping[str, str] = {
    "flit_core.buildapi": "flit",
    "hatchling.build": "hatch",
    "pdm.backend": "pdm",
    "poetry.core.masonry.api": "poetry",
    "setuptools.build_meta": "setuptools",
    "setuptools.build_meta:__legacy__": "setuptools",
    "uv_build": "uv",
}
"""The backends whose ways are known, by their PEP 517 names."""

_HATCH_HOOKS = frozenset({"fancy-pypi-readme", "requirements_txt", "vcs", "version"})


class OpenError(Exception):
    """The build is open; the text says why."""


def texts(value: object) -> Iterator[str]:
    """Every text in a TOML document, and the keys of what is no table, as those may be paths."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, dict):
                yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


# What of a tool's table has no part in building a wheel.
_UNUSED = {
    "poetry": ("dependencies", "dev-dependencies", "group", "source", "extras", "urls"),
    "hatch": ("envs", "publish"),
}


def build_settings(declaration: Declaration, family: str) -> dict[str, Any]:
    """The settings that a backend of this family reads paths from."""
    project = declaration.project
    own: Mapping[str, Any]
    match family:
        case "uv":
            value = declaration.tool("uv").get("build-backend")
            own = value if isinstance(value, dict) else {}
        case "pdm":
            table = declaration.tool("pdm")
            own = {key: table[key] for key in ("build", "version") if key in table}
        case "flit":
            own = declaration.tool("flit")
        case _:
            unused = _UNUSED.get(family, ())
            table = declaration.tool(family)
            own = {key: value for key, value in table.items() if key not in unused}
    paths = {key: project[key] for key in ("readme", "license", "license-files") if key in project}
    return {"project": paths, "tool": own}


_Answer = tuple[bool, frozenset[str]]


def _table(table: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = table.get(key)
        if not isinstance(value, dict):
            return {}
        table = value
    return table


def _hatch(declaration: Declaration, files: Mapping[str, InputFile]) -> _Answer:
    if "hatch.toml" in files:
        raise OpenError("hatch.toml changes how it is built")
    table = declaration.tool("hatch")
    hooks = [
        *_table(table, "build", "hooks"),
        *_table(table, "build", "targets", "wheel", "hooks"),
        *_table(table, "metadata", "hooks"),
    ]
    for hook in hooks:
        if hook not in _HATCH_HOOKS:
            raise OpenError(f"the hook `{hook}` runs code")
    version = _table(table, "version")
    source = version.get("source", "regex")
    if source not in {"regex", "vcs"}:
        raise OpenError(f"the version comes from `{source}`")
    return source == "vcs" or "vcs" in hooks, frozenset(texts(version))


def _poetry(declaration: Declaration, files: Mapping[str, InputFile]) -> _Answer:  # noqa: ARG001
    if declaration.tool("poetry").get("build"):
        raise OpenError("tool.poetry.build runs code")
    return False, frozenset()


def _uv(declaration: Declaration, files: Mapping[str, InputFile]) -> _Answer:  # noqa: ARG001
    return False, frozenset()


def _pdm(declaration: Declaration, files: Mapping[str, InputFile]) -> _Answer:
    build = _table(declaration.tool("pdm"), "build")
    if "pdm_build.py" in files or "custom-hook" in build or build.get("run-setuptools"):
        raise OpenError("its build hook runs code")
    version = _table(declaration.tool("pdm"), "version")
    source = version.get("source", "file")
    if source not in {"file", "scm"}:
        raise OpenError(f"the version comes from `{source}`")
    return source == "scm", frozenset(texts(version))


def _flit(declaration: Declaration, files: Mapping[str, InputFile]) -> _Answer:
    table = declaration.tool("flit")
    legacy = _table(table, "metadata")
    if declaration.project and not declaration.dynamic and not legacy:
        return False, frozenset()
    # Flit reads the version and the summary from the module, and runs it where it cannot tell.
    name = (
        _table(table, "module").get("name")
        or legacy.get("module")
        or str(declaration.project.get("name", "")).replace("-", "_")
    )
    stem = str(name).replace(".", "/")
    places = [f"{lead}{stem}{tail}" for lead in ("", "src/") for tail in (".py", "/__init__.py")]
    found = [place for place in places if place in files]
    if len(found) != 1:
        raise OpenError("the version comes from a module that was not found")
    source = _source(files[found[0]])
    if not (assigns_text(source, "__version__") and has_docstring(source)):
        raise OpenError(f"the version comes from running `{found[0]}`")
    return False, frozenset(found)


def _setuptools(declaration: Declaration, files: Mapping[str, InputFile]) -> _Answer:
    if "setup.py" in files and not is_bare_setup(_source(files["setup.py"])):
        raise OpenError("setup.py runs code")
    table = declaration.tool("setuptools")
    if table.get("ext-modules") or table.get("cmdclass"):
        raise OpenError("it extends the backend")
    attributes: list[str] = []
    deciding: set[str] = set()
    for value in _table(table, "dynamic").values():
        if isinstance(value, dict) and isinstance(value.get("attr"), str):
            attributes.append(value["attr"])
        deciding.update(part.strip() for text in texts(value) for part in text.split(","))
    if "setup.cfg" in files:
        text = _source(files["setup.cfg"]).decode("utf-8", "replace")
        if re.search(r"(?mi)^\s*(setup_requires|cmdclass|command_packages|\[pbr|d2to1)", text):
            raise OpenError("setup.cfg extends the backend")
        attributes += re.findall(r"=\s*attr:\s*([\w.]+)", text)
        for names in re.findall(r"=\s*file:\s*(.+)", text):
            deciding.update(part.strip() for part in names.split(","))
        if re.search(r"(^|[\s=/])\.\.(/|$)", text):
            raise OpenError("setup.cfg points out of the project")
    for attribute in attributes:
        deciding.add(_file_of(attribute, files))
    return False, frozenset(deciding)


def _file_of(attribute: str, files: Mapping[str, InputFile]) -> str:
    """The file that gives an attribute a literal text, which setuptools finds without running it."""
    module, _, name = attribute.rpartition(".")
    stem = module.replace(".", "/")
    tails = (f"{stem}.py", f"{stem}/__init__.py")
    found = [path for path in files if path.endswith(tails) and _at_segment(path, tails)]
    if len(found) != 1 or not assigns_text(_source(files[found[0]]), name):
        raise OpenError(f"the version comes from running `{module}`")
    return found[0]


def _at_segment(path: str, tails: tuple[str, ...]) -> bool:
    return any(path == tail or path.endswith("/" + tail) for tail in tails)


def _source(file: InputFile) -> bytes:
    try:
        return file.source.read_bytes()
    except OSError:
        return b"?"


RULES = {
    "flit": _flit,
    "hatch": _hatch,
    "pdm": _pdm,
    "poetry": _poetry,
    "setuptools": _setuptools,
    "uv": _uv,
}
"""By family: whether git is asked, and which files decide metadata; raises ``OpenError``."""
