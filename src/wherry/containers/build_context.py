"""The build context of a Dockerfile: the files of its folder, where the Dockerfile copies from it."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["context_digest"]

_COPIES = re.compile(
    r"^\s*(ONBUILD\s+)?(COPY|ADD)\s|--mount=\S*type=bind", re.MULTILINE | re.IGNORECASE
)
_NOT_READ = frozenset({".git", ".hg", ".svn"})


def context_digest(dockerfile: Path) -> str:
    """A digest of the Dockerfile, and of all files of its folder where it copies any of them."""
    content = dockerfile.read_bytes()
    digest = hashlib.sha256(content)
    if _COPIES.search(content.decode("utf-8", "replace")):
        for path in _files(str(dockerfile.parent)):
            digest.update(_file(path, os.path.relpath(path, dockerfile.parent)))
    return digest.hexdigest()


def _files(folder: str) -> list[str]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _NOT_READ)
        found += [os.path.join(place, name) for name in (*names, *folders)]  # noqa: PTH118
    return sorted(found)


def _file(path: str, name: str) -> bytes:
    try:
        if os.path.islink(path):  # noqa: PTH114
            content = os.readlink(path)  # noqa: PTH115
        elif os.path.isdir(path):  # noqa: PTH112
            content = "folder"
        else:
            executable = os.stat(path).st_mode & 0o111  # noqa: PTH116
            with open(path, "rb") as file:  # noqa: PTH123
                content = f"{executable:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        content = "unreadable"
    return f"\0{name}\0{content}".encode(errors="surrogateescape")
