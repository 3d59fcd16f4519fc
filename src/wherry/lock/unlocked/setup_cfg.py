"""The dependencies that a ``setup.cfg`` declares to setuptools, as far as they can be read without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.document import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["SetupCfg", "read_setup_cfg"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SetupCfg:
    """A ``setup.cfg``.

    Attributes:
        requires: PEP 508 requirements.
        extras: requirements by extra.
        requires_python: as written.
    """

    requires: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    requires_python: str | None


def read_setup_cfg(path: Path, files: ProjectFiles) -> SetupCfg:
    """Read the ``[options]`` of a ``setup.cfg``.

    Raises:
        LockError: it cannot be read, or has setuptools read dependencies from elsewhere.
    """
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(read_text(path, files))
    except configparser.Error as error:
        # The first line names the source as configparser knows it.
        problem = " ".join(str(error).split())
        raise LockError(f"`{path.name}` is malformed", where=[f"{path}: {problem}"]) from None
    options = parser["options"] if parser.has_section("options") else {}
    extras = (
        parser["options.extras_require"] if parser.has_section("options.extras_require") else {}
    )
    return SetupCfg(
        requires=_listed(options.get("install_requires") or "", path),
        extras={name: _listed(text or "", path) for name, text in extras.items()},
        requires_python=options.get("python_requires"),
    )


def _listed(text: str, path: Path) -> tuple[str, ...]:
    """The items of a list: one a line, or separated by semicolons on a single line."""
    stripped = text.strip()
    if stripped.startswith(("file:", "attr:")):
        raise LockError(
            f"`{path.name}` reads dependencies from elsewhere",
            where=[f"{path}: {stripped.splitlines()[0]}"],
            hint="declare them in `pyproject.toml`",
        )
    # As setuptools reads it; a requirement with a marker then needs a line of its own.
    items = stripped.splitlines() if "\n" in stripped else stripped.split(";")
    return tuple(
        item.strip() for item in items if item.strip() and not item.strip().startswith("#")
    )
