"""Deployment packages as other tools write them, in memory: own code beside installed distributions."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from support.wheels import metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["HANDLER", "installed", "unzipped", "write_package", "zip_bytes"]

HANDLER = "def handler(event, context):\n    return event\n"

Files = dict[str, bytes | str]


def installed(
    name: str,
    files: Mapping[str, bytes | str] | None = None,
    *,
    version: str = "1.0",
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    more: str = "",
    folder: str = "",
    record: bool = True,
) -> Files:
    """The files of a distribution as ``pip install --target`` leaves them; by default one empty module.

    ``more`` are further lines of its metadata, ``folder`` is where it is installed.
    """
    module = name.replace("-", "_").lower()
    info = f"{module}-{version}.dist-info"
    described = metadata(name, version, requires=requires, extras=extras).decode() + more
    content: Files = {f"{module}/__init__.py": ""} if files is None else dict(files)
    content[f"{info}/METADATA"] = described
    if record:
        content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    return {f"{folder}{path}": data for path, data in content.items()}


def zip_bytes(files: Mapping[str, bytes | str]) -> bytes:
    """A zip archive with these files, which nothing else differs in."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def unzipped(path: Path) -> dict[str, bytes]:
    """The files of a zip archive; reading them verifies their checksums."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_package(
    path: Path,
    files: Mapping[str, bytes | str],
    *,
    modes: Mapping[str, int] | None = None,
    date: tuple[int, int, int, int, int, int] = (2026, 5, 6, 7, 8, 10),
) -> Path:
    """Write a zip archive with these files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, date_time=date)
            member.create_system = 3
            member.external_attr = (0o100000 | (modes or {}).get(name, 0o644)) << 16
            archive.writestr(member, data)
    return path
