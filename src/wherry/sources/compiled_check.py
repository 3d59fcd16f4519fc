"""Proof that a wheel built from source runs on the target: it is pure Python, or what was compiled suits.

No tag is trusted: neither one that calls a wheel pure, nor ``linux_x86_64``, which every machine gives to its
wheels whatever C library they want. Compiled files are read (``wherry.elf.proof``).
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from wherry.bundle.content import content_sha256, read_all, read_content
from wherry.errors import IncompatibleError
from wherry.events import Warned
from wherry.files import walk_folders
from wherry.sizes import first_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.entry import Entry
    from wherry.target import Target

__all__ = ["compiled_files", "lacking_libraries", "require_suitable", "require_tags"]

_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT = b"\xca\xfe\xba\xbe"
# A fat Mach-O counts its architectures where a Java class, which begins alike, has its version.
_FIRST_JAVA_VERSION = 45
_HINT = (
    "let a container compile it (`--container auto` with docker, podman or finch), or pin a version that has a "
    "wheel for {target}"
)


def require_tags(filename: str, target: Target) -> None:
    """Refuse a wheel whose name says that it is for another platform, ABI or version of Python.

    Raises:
        IncompatibleError: its tags (PEP 425) say so.
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, _, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise IncompatibleError(
            f"`{filename}` is not the name of a wheel", where=[f"its backend made it: {error}"]
        ) from error
    if not tags.isdisjoint(target.tags):
        return
    if any(tag.abi != "none" or tag.platform != "any" for tag in tags):
        raise IncompatibleError(
            f"`{name}` must be compiled for {target}",
            where=[f"its backend made `{filename}`, for the machine that built it"],
            hint=_HINT.format(target=target),
        )
    raise IncompatibleError(
        f"`{name}` was not built for {target}",
        where=[f"its backend made `{filename}`, which other versions of Python run"],
        hint=f"run Wherry with the Python of {target.runtime.name}, or build in a container: --container always",
    )


def compiled_files(bundle: Bundle, *, source: Path) -> tuple[Entry, ...]:
    """The files of a built wheel that hold machine code which is not in its source.

    A program that is part of the source, such as a helper compiled for Lambda, is copied and not compiled; whether
    it runs is left to its author.
    """
    compiled = []
    for entry in bundle:
        head = next(iter(read_content(entry.payload)), b"")
        if _is_machine_code(entry.path, head):
            sha256 = content_sha256(entry.payload)
            if not _is_in(source, entry.payload.size, sha256):
                compiled.append(entry)
    return tuple(compiled)


def require_suitable(
    compiled: Iterable[Entry], *, filename: str, target: Target, python: tuple[int, int] | None
) -> None:
    """Refuse a wheel whose compiled files do not run on the target.

    ``python`` is the version that compiled it, where its tags may not tell; None where the target's did.

    Raises:
        IncompatibleError: a file is for another system, machine or Python, or wants newer libraries than the
            runtime has; every file is named, with the symbol.
    """
    from wherry.elf.model import is_elf
    from wherry.elf.proof import obstacles

    where: list[str] = []
    pure = filename.endswith("-none-any.whl")
    for entry in compiled:
        content = read_all(entry.payload)
        reasons = (
            obstacles(content, target)
            if is_elf(content[:4])
            else ("it is for another system than Linux",)
        )
        if not reasons and pure and python is not None and python != target.runtime.python:
            # A wheel that says it is pure does not tell which Python its extension modules are for.
            reasons = (f"it was compiled with Python {'.'.join(map(str, python))}",)
        where += [
            f"`{filename}` holds `{entry.path}`, compiled where it was built: {reason}"
            for reason in reasons
        ]
    if where:
        raise IncompatibleError(
            f"`{filename.partition('-')[0]}` must be compiled for {target}",
            where=first_lines(where, 6),
            hint=_HINT.format(target=target),
        )


def lacking_libraries(compiled: Iterable[Entry], bundle: Bundle, *, name: str) -> Warned | None:
    """A warning of libraries that the compiled files are linked with, and that no package is known to bring."""
    from wherry.elf.proof import missing_libraries

    beside = {entry.path.rpartition("/")[2] for entry in bundle}
    missing: dict[str, str] = {}
    for entry in compiled:
        for library in missing_libraries(read_all(entry.payload), beside=beside):
            missing.setdefault(library, entry.path)
    if not missing:
        return None
    libraries = ", ".join(
        f"`{library}` (for `{path}`)" for library, path in sorted(missing.items())
    )
    return Warned(
        text=f"`{name}` was compiled against {libraries}, and its wheel does not bring it",
        hint="ship it in a layer below `lib/` or with `extra-paths`, unless the runtime has it",
    )


def _is_machine_code(path: str, head: bytes) -> bool:
    from wherry.elf.model import is_elf

    if is_elf(head) or head[:4] in _MACH_O:
        return True
    if head[:4] == _FAT:
        return int.from_bytes(head[4:8], "big") < _FIRST_JAVA_VERSION
    # Launchers (`.exe`) are data of pure wheels such as setuptools.
    return head[:2] == b"MZ" and path.lower().endswith((".pyd", ".dll"))


def _is_in(folder: Path, size: int, sha256: str) -> bool:
    for place, _, names in walk_folders(folder):
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
