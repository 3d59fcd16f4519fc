"""Settings into a TOML file that people write: every byte that is there stays as it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import OutputError, ProjectError, SettingsError
from wherry.legacy.toml import render

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["file_of", "insert", "text_for"]


def file_of(root: Path) -> Path:
    """Where a project's settings belong: ``pyproject.toml``, or ``wherry.toml`` where there is none."""
    pyproject = root / "pyproject.toml"
    return pyproject if pyproject.is_file() else root / "wherry.toml"


def text_for(path: Path, table: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """The settings as they stand in that file."""
    prefix = ("tool", "wherry") if path.name == "pyproject.toml" else ()
    return render(table, prefix=prefix, comments=comments)


def insert(path: Path, table: Mapping[str, Any], comments: Mapping[str, str]) -> str:
    """Put settings at the end of a file, or into a new one; all or nothing.

    Returns:
        The text that was added.

    Raises:
        SettingsError: the file, or another one of the project, holds settings; or it is written in a way that
            allows no further table.
        ProjectError: it cannot be read.
        OutputError: it cannot be written.
    """
    import tomllib

    _refuse_settings(path)
    text = text_for(path, table, comments)
    before = _read(path)
    old = before.decode()
    newline = "\r\n" if "\r\n" in old else "\n"
    parted = old if not old or old.endswith("\n") else old + newline
    between = newline if parted.strip() else ""
    after = parted + between + text.replace("\n", newline)
    try:
        read = tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:
        # Such as `tool = { … }`: an inline table cannot be added to.
        raise SettingsError(
            f"`{path.name}` is written in a way that allows no [tool.wherry] at its end",
            where=[str(error)],
            hint="take what `wherry init --dry-run` prints, and put it where it belongs",
        ) from error
    wanted = read.get("tool", {}).get("wherry") if path.name == "pyproject.toml" else read
    if wanted != table:
        raise SettingsError(
            f"`{path.name}` would not hold the settings as they are meant",
            hint="take what `wherry init --dry-run` prints, and put it where it belongs",
        )
    _write(path, after.encode())
    return text


def _refuse_settings(path: Path) -> None:
    import tomllib

    own = path.with_name("wherry.toml")
    hint = "`wherry init --dry-run` prints what it would write"
    if own.exists():
        raise SettingsError(
            "the project has settings already", where=["wherry.toml holds them"], hint=hint
        )
    if path.name != "pyproject.toml":
        return
    try:
        document = tomllib.loads(_read(path).decode())
    except ValueError as error:
        raise ProjectError(f"`{path.name}` is not valid TOML", where=[str(error)]) from error
    tool = document.get("tool", {})
    if isinstance(tool, dict) and "wherry" in tool:
        raise SettingsError(
            "the project has settings already",
            where=["pyproject.toml holds [tool.wherry]"],
            hint=hint,
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[error.strerror or str(error)]) from error


def _write(path: Path, content: bytes) -> None:
    # A link stays one: what it leads to is written.
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(content)
            if place.exists():
                shutil.copymode(place, temporary)
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write `{path}`", where=[error.strerror or str(error)]) from error
