"""Reading TOML documents of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["inner_string", "inner_table", "read_toml"]


def read_toml(path: Path, files: ProjectFiles) -> dict[str, Any]:
    """The document in a file.

    Raises:
        ProjectError: the file cannot be read, or it is not valid TOML.
    """
    try:
        return files.toml(path)
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[error.strerror or str(error)]) from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"`{path.name}` is not UTF-8", where=[str(error)]) from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(
            f"`{path.name}` is not valid TOML", where=[str(error) or type(error).__name__]
        ) from error


def inner_table(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The table at these keys; empty if there is none."""
    table: object = document
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def inner_string(table: Mapping[str, Any], key: str) -> str | None:
    """The string at a key; None if there is none, or if it is empty."""
    value = table.get(key)
    return value if isinstance(value, str) and value else None
