"""The file that holds a project's settings, and its tables.

Settings are in ``[tool.wherry]`` of ``pyproject.toml``, in ``wherry.toml`` without that prefix, or in the file
of an older tool (``wherry.settings.legacy``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, SettingsError
from wherry.files import reason_of
from wherry.structs import Struct
from wherry.untrusted import inner_string, inner_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.settings.legacy import Translation


__all__ = ["SettingsSource", "metadata_string", "named_source", "own_source", "read_toml"]


class SettingsSource(Struct, frozen=True, kw_only=True):
    """Settings as they are written.

    Attributes:
        table: what ``[tool.wherry]`` would hold.
        where: what messages call its place.
        path: the file; None for ``pyproject.toml``.
        legacy: the settings of an older tool that they are made of.
    """

    table: object
    where: str
    path: Path | None = None
    legacy: Translation | None = None


def own_source(root: Path, document: Mapping[str, Any], files: ProjectFiles) -> SettingsSource:
    """The settings in a project's own files; the document is its ``pyproject.toml``, empty if there is none.

    Raises:
        ProjectError: ``wherry.toml`` cannot be read.
        SettingsError: two files hold settings.
    """
    table = inner_table(document, "tool").get("wherry", {})
    path = root / "wherry.toml"
    if not path.is_file():
        return SettingsSource(table=table, where="pyproject.toml [tool.wherry]")
    if table:
        raise SettingsError(
            "two files hold Wherry's settings",
            where=["pyproject.toml has [tool.wherry]", "wherry.toml is beside it"],
            hint="keep one of them",
        )
    return SettingsSource(table=read_toml(path, files), where="wherry.toml", path=path)


def named_source(
    path: Path,
    files: ProjectFiles,
    *,
    stage: str | None,
    install_path: Path | None,
    name: str | None,
) -> SettingsSource:
    """The settings in a file that the user named: Wherry's tables in TOML, ``drover.yml`` or ``settings.spindrift``.

    Of the older tools' files, ``stage`` chooses one of several, and the others are as for ``read_project``.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: the settings of an older tool are wrong.
    """
    from wherry.settings.legacy.read import is_legacy, translate

    if is_legacy(path):
        legacy = translate(path, stage=stage, install_path=install_path, name=name)
        table = {**legacy.table, "stages": legacy.stages} if legacy.stages else legacy.table
        return SettingsSource(table=table, where=legacy.where, path=path, legacy=legacy)
    document = read_toml(path, files)
    if "tool" in document or path.name == "pyproject.toml":
        own = inner_table(document, "tool").get("wherry", {})
        return SettingsSource(table=own, where=f"{path.name} [tool.wherry]", path=path)
    return SettingsSource(table=document, where=path.name, path=path)


def read_toml(path: Path, files: ProjectFiles) -> dict[str, Any]:
    """The document in a file.

    Raises:
        ProjectError: the file cannot be read, or it is not valid TOML.
    """
    try:
        return files.toml(path)
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[reason_of(error)]) from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"`{path.name}` is not UTF-8", where=[str(error)]) from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(
            f"`{path.name}` is not valid TOML", where=[str(error) or type(error).__name__]
        ) from error


def metadata_string(document: Mapping[str, Any], key: str) -> str | None:
    """A string of ``[project]``, or else of ``[tool.poetry]``."""
    return inner_string(document, "project", key) or inner_string(document, "tool", "poetry", key)
