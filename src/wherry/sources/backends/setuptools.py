"""setuptools: hermetic unless ``setup.py``, ``setup.cfg`` or a module that it takes the version from runs code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.sources.backends.interface import (
    Backend,
    NotHermeticError,
    SourceFiles,
    VersionSource,
    texts,
)
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.sources.declaration import Declaration


__all__ = ["BACKEND"]

_EXTENDED = re.compile(r"(?mi)^\s*(setup_requires|cmdclass|command_packages|\[pbr|d2to1)")
_OUTSIDE = re.compile(r"(^|[\s=/])\.\.(/|$)")


def _metadata_paths(declaration: Declaration, setup_cfg: str) -> tuple[str, ...]:
    return tuple(
        path
        for attribute in _attributes(declaration, setup_cfg)
        for path in _module_paths(attribute.rpartition(".")[0])
    )


def _require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
    from wherry.sources.static import is_bare_setup

    if "setup.py" in files.by_path and not is_bare_setup(files.read("setup.py")):
        raise NotHermeticError("setup.py runs code")
    table = declaration.tool("setuptools")
    if table.get("ext-modules") or table.get("cmdclass"):
        raise NotHermeticError("it extends the backend")
    metadata = {
        part.strip()
        for value in inner_table(table, "dynamic").values()
        for text in texts(value)
        for part in text.split(",")
    }
    setup_cfg = ""
    if "setup.cfg" in files.by_path:
        setup_cfg = files.read("setup.cfg").decode("utf-8", "replace")
        if _EXTENDED.search(setup_cfg):
            raise NotHermeticError("setup.cfg extends the backend")
        for names in re.findall(r"=\s*file:\s*(.+)", setup_cfg):
            metadata.update(part.strip() for part in names.split(","))
        if _OUTSIDE.search(setup_cfg):
            raise NotHermeticError("setup.cfg points out of the project")
    for attribute in _attributes(declaration, setup_cfg):
        metadata.add(_file_of(attribute, files))
    return VersionSource(files=frozenset(metadata))


def _copies_only(declaration: Declaration) -> bool:
    table = declaration.tool("setuptools")
    moves = set(inner_table(table, "package-dir")) - {""} or "data-files" in table
    return not moves and not any(
        (declaration.root / name).exists() for name in ("setup.py", "setup.cfg")
    )


def _asks_later(names: frozenset[str], setup_cfg: str) -> tuple[str, ...]:
    builds = ("cmake", "ninja") if "scikit-build" in names else ()
    return ("wheel", *builds, *_setup_requires(setup_cfg))


def _attributes(declaration: Declaration, setup_cfg: str) -> Iterator[str]:
    for value in declaration.tool("setuptools", "dynamic").values():
        if isinstance(value, dict) and isinstance(value.get("attr"), str):
            yield value["attr"]
    yield from re.findall(r"=\s*attr:\s*([\w.]+)", setup_cfg)


def _module_paths(module: str) -> tuple[str, str]:
    stem = module.replace(".", "/")
    return f"{stem}.py", f"{stem}/__init__.py"


def _file_of(attribute: str, files: SourceFiles) -> str:
    """The file that gives an attribute a literal text, which setuptools finds without running it."""
    from wherry.sources.static import assigns_text

    module, _, name = attribute.rpartition(".")
    ends = _module_paths(module)
    found = [
        path
        for path in files.by_path
        if any(path == end or path.endswith(f"/{end}") for end in ends)
    ]
    if len(found) != 1 or not assigns_text(files.read(found[0]), name):
        raise NotHermeticError(f"the version comes from running `{module}`")
    return found[0]


def _setup_requires(setup_cfg: str) -> list[str]:
    from configparser import ConfigParser
    from configparser import Error as ConfigError

    reader = ConfigParser(interpolation=None)
    try:
        reader.read_string(setup_cfg)
        text = reader.get("options", "setup_requires", fallback="")
    except ConfigError:
        return []
    lines = text.splitlines() if "\n" in text.strip() else text.split(";")
    return [line.strip() for line in lines if line.strip()]


BACKEND = Backend(
    plugins=frozenset({"setuptools", "wheel"}),
    git_plugins=frozenset({"setuptools-scm", "vcs-versioning"}),
    tool="setuptools",
    require_hermetic=_require_hermetic,
    copies_only=_copies_only,
    metadata_paths=_metadata_paths,
    asks_later=_asks_later,
)
