"""Proof that a wheel built on this machine runs on the target: nothing in it was compiled here."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from wherry.bundle.content import read_content
from wherry.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.bundle.algebra import Bundle
    from wherry.target import Target

__all__ = ["require_nothing_compiled", "require_tags"]

_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT = b"\xca\xfe\xba\xbe"
# A fat Mach-O counts its architectures where a Java class, which begins alike, has its version.
_FIRST_JAVA_VERSION = 45
_HINT = (
    "wheels that need a compiler are not built here: pin a version that has a wheel for {target}, or "
    "name a wheel's file in the lock"
)


def require_tags(filename: str, target: Target) -> None:
    """Refuse a wheel that was built for a platform, an ABI or another version of Python.

    Raises:
        BuildError: its tags (PEP 425) say so.
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, _, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise BuildError(
            f"`{filename}` is no name of a wheel", where=[f"its backend made it: {error}"]
        ) from error
    if any(tag.abi != "none" or tag.platform != "any" for tag in tags):
        raise BuildError(
            f"`{name}` must be compiled for {target}",
            where=[f"its backend made `{filename}`, for the machine that built it"],
            hint=_HINT.format(target=target),
        )
    if tags.isdisjoint(target.tags):
        raise BuildError(
            f"`{name}` was not built for {target}",
            where=[f"its backend made `{filename}`, which other versions of Python run"],
            hint=f"run Wherry with the Python of {target.runtime.name}",
        )


def require_nothing_compiled(
    bundle: Bundle, *, filename: str, source: Path, target: Target
) -> None:
    """Refuse a wheel that says it is pure but holds machine code which is not in its source.

    A program that the source itself carries, such as a helper that somebody compiled for Lambda, is
    copied and not compiled, and may stay.

    Raises:
        BuildError: it holds a library or program that the build made.
    """
    compiled: list[str] = []
    for entry in bundle:
        head = next(iter(read_content(entry.payload)), b"")
        if _is_machine_code(entry.path, head):
            digest = hashlib.sha256()
            for piece in read_content(entry.payload):
                digest.update(piece)
            if not _is_in(source, entry.payload.size, digest.hexdigest()):
                compiled.append(entry.path)
    if compiled:
        name = filename.partition("-")[0]
        raise BuildError(
            f"`{name}` must be compiled for {target}",
            where=[f"`{filename}` holds `{path}`, compiled on this machine" for path in compiled],
            hint=_HINT.format(target=target),
        )


def _is_machine_code(path: str, head: bytes) -> bool:
    if head[:4] == b"\x7fELF" or head[:4] in _MACH_O:
        return True
    if head[:4] == _FAT:
        return int.from_bytes(head[4:8], "big") < _FIRST_JAVA_VERSION
    # Launchers (`.exe`) are data of pure wheels such as setuptools.
    return head[:2] == b"MZ" and path.lower().endswith((".pyd", ".dll"))


def _is_in(folder: Path, size: int, sha256: str) -> bool:
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118
            try:
                if os.stat(path).st_size != size:  # noqa: PTH116
                    continue
                with open(path, "rb") as file:  # noqa: PTH123
                    if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                        return True
            except OSError:
                continue
    return False
