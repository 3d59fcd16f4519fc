"""Adding settings to a TOML file of a person: every byte that is there stays as it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import OutputError, ProjectError, SettingsError
from wherry.files import ProjectFiles
from wherry.settings.documents import inner_table, read_toml
from wherry.settings.legacy.toml import render

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["file_of", "insert", "text_for"]


def file_of(root: Path) -> Path:
    """The file for a project's settings: ``pyproject.toml``, or ``wherry.toml`` if there is none."""
    pyproject = root / "pyproject.toml"
    return pyproject if pyproject.is_file() else root / "wherry.toml"


def text_for(path: Path, table: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """The settings as text for that file."""
    prefix = ("tool", "wherry") if path.name == "pyproject.toml" else ()
    return render(table, prefix=prefix, comments=comments)


def insert(path: Path, table: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """Append settings to a file, or write them to a new one; all or nothing.

    Returns:
        The text that was added.

    Raises:
        SettingsError: the file, or another one of the project, holds settings; or its syntax allows no
            further table.
        ProjectError: it cannot be read.
        OutputError: it cannot be written.
    """
    import tomllib

    files = ProjectFiles()
    content = _read(path, files)
    _refuse_settings(path, files)
    text = text_for(path, table, comments)
    old = content.decode()
    newline = "\r\n" if "\r\n" in old else "\n"
    if old and not old.endswith("\n"):
        old += newline
    new = old + (newline if old.strip() else "") + text.replace("\n", newline)
    try:
        document = tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        # Such as `tool = { … }`: an inline table cannot be extended.
        raise SettingsError(
            f"`{path.name}` does not allow [tool.wherry] at its end",
            where=[str(error)],
            hint="run `wherry init --dry-run`, and put what it prints where it belongs",
        ) from error
    read = inner_table(document, "tool", "wherry") if path.name == "pyproject.toml" else document
    if read != table:
        raise SettingsError(
            f"`{path.name}` would not hold the intended settings",
            hint="run `wherry init --dry-run`, and put what it prints where it belongs",
        )
    _write(path, new.encode())
    return text


def _refuse_settings(path: Path, files: ProjectFiles) -> None:
    """Refuse a project that has settings of Wherry."""
    holder = None
    if path.with_name("wherry.toml").exists():
        holder = "wherry.toml holds them"
    elif path.name == "pyproject.toml":
        tool = read_toml(path, files).get("tool", {})
        if isinstance(tool, dict) and "wherry" in tool:
            holder = "pyproject.toml holds [tool.wherry]"
    if holder is not None:
        raise SettingsError(
            "the project already has settings",
            where=[holder],
            hint="`wherry init --dry-run` prints what it would write",
        )


def _read(path: Path, files: ProjectFiles) -> bytes:
    try:
        return files.read(path)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[error.strerror or str(error)]) from error


def _write(path: Path, content: bytes) -> None:
    # A link stays a link: its target is written.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(content)
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write `{path}`", where=[error.strerror or str(error)]) from error
