"""How a folder is built, by its ``pyproject.toml`` (PEP 517, 518, 621) or ``setup.py``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.errors import BuildError, ProjectError
from wherry.files import reason_of
from wherry.settings.source import metadata_string
from wherry.structs import Struct
from wherry.untrusted import inner_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["Declaration", "normalized", "read_declaration"]

# The backend of a folder that names none (PEP 517).
_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"


class Declaration(Struct, frozen=True, kw_only=True):
    """How a folder is built.

    Attributes:
        name: the name in its metadata, normalized; None without one.
        version: the version in its metadata, where that is static.
        backend: the build backend, as PEP 517 names objects; None for a plain folder.
        backend_path: folders of the project that the backend is imported from.
        document: the whole of ``pyproject.toml``; empty without one.
    """

    root: Path
    name: str | None
    version: str | None
    backend: str | None
    requires: tuple[str, ...]
    backend_path: tuple[str, ...]
    document: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The name that messages use: its own, or else its folder's."""
        return self.name or normalized(self.root.name)

    def tool(self, *names: str) -> Mapping[str, Any]:
        """The table ``[tool.NAME]``, or one in it; empty without one."""
        return inner_table(self.document, "tool", *names)

    @property
    def project(self) -> Mapping[str, Any]:
        """The table ``[project]``; empty without one."""
        return inner_table(self.document, "project")

    @property
    def dynamic(self) -> tuple[str, ...]:
        """The metadata that only the backend knows (PEP 621)."""
        value = self.project.get("dynamic", ())
        return tuple(map(str, value)) if isinstance(value, list) else ()

    def text(self, name: str, files: ProjectFiles) -> str:
        """The text of a file of the folder; empty without one."""
        try:
            return files.read(self.root / name).decode("utf-8", "replace")
        except OSError:
            return ""


def read_declaration(
    root: Path, files: ProjectFiles, *, must_build: bool = False, build: bool = True
) -> Declaration:
    """Read how a folder is built.

    A folder is plain when it has no ``[build-system]``, or when its settings say that it is not a package
    (``tool.poetry.package-mode``, ``tool.uv.package``, ``tool.pdm.distribution`` are false). With ``must_build``,
    setuptools builds one without ``[build-system]``, as pip does with a dependency; without ``build``, only what must
    be built is.

    Raises:
        ProjectError: ``pyproject.toml`` cannot be read.
        BuildError: its ``[build-system]`` is wrong, or there is nothing to build.
    """
    return files.once(
        ("declaration", root, must_build, build),
        lambda: _read_declaration(root, files, must_build, build),
    )


def _read_declaration(
    root: Path, files: ProjectFiles, must_build: bool, build: bool
) -> Declaration:
    document = _read(root, files)
    name = metadata_string(document, "name")
    backend, requires, path = _build_system(
        root, document if build or must_build else {}, must_build=must_build
    )
    return Declaration(
        root=root,
        name=normalized(name) if name else None,
        version=metadata_string(document, "version"),
        backend=backend,
        requires=requires,
        backend_path=path,
        document=document,
    )


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _build_system(
    root: Path, document: Mapping[str, Any], *, must_build: bool
) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    uv_package = inner_table(document, "tool", "uv").get("package")
    no_package = (
        uv_package is False
        or inner_table(document, "tool", "poetry").get("package-mode") is False
        or inner_table(document, "tool", "pdm").get("distribution") is False
    )
    table = document.get("build-system")
    if no_package and not must_build:
        return None, (), ()
    if table is None:
        if not must_build and uv_package is not True:
            return None, (), ()
        if not document and not any((root / name).is_file() for name in ("setup.py", "setup.cfg")):
            raise BuildError(
                f"`{root.name}` holds nothing to build",
                where=["it has neither a `pyproject.toml` nor a `setup.py` or `setup.cfg`"],
            )
        return _LEGACY_BACKEND, ("setuptools>=40.8.0",), ()
    if not isinstance(table, dict):
        raise _wrong(root, "[build-system] is not a table")
    requires = table.get("requires")
    if not isinstance(requires, list) or not _texts(requires):
        raise _wrong(root, "build-system.requires is not a list of requirements")
    backend = table.get("build-backend", _LEGACY_BACKEND)
    if not isinstance(backend, str) or not re.fullmatch(r"[\w.]+(:[\w.]+)?", backend):
        raise _wrong(root, "build-system.build-backend names no object")
    path = table.get("backend-path", [])
    if not _texts(path):
        raise _wrong(root, "build-system.backend-path is not a list of folders")
    return backend, tuple(requires), tuple(path)


def _wrong(root: Path, what: str) -> BuildError:
    return BuildError(
        f"`{root.name}` cannot be built", where=[f"pyproject.toml: {what}"], hint="see PEP 518"
    )


def _read(root: Path, files: ProjectFiles) -> dict[str, Any]:
    path = root / "pyproject.toml"
    try:
        return files.toml(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[reason_of(error)]) from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(
            f"`{path}` is not valid TOML", where=[str(error) or type(error).__name__]
        ) from error


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
