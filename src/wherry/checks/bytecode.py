"""Checks of ``.pyc`` files: those that Python ignores only take space, and Lambda writes none itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Severity, Subject
    from wherry.contents.model import File

__all__ = ["RULES", "find"]

RULES = (
    Rule("PYC001", "a `.pyc` file is stale: Python compiles its source at every cold start"),
    Rule("PYC002", "a module is there as a `.pyc` file of another version of Python only"),
)

# The magic numbers of CPython's releases (`Include/internal/pycore_magic_number.h`), by minor version.
_MAGIC = {9: 3425, 10: 3439, 11: 3495, 12: 3531, 13: 3571, 14: 3627}
_QUARTER = 15 * 60


def find(subject: Subject) -> Iterator[Finding]:
    """Look at the headers of ``.pyc`` files (PEP 552)."""
    contents = subject.contents
    magic = _MAGIC.get(contents.target.runtime.python[1])
    stale: list[File] = []
    alone = {
        module.file.place: module.name
        for module in contents.modules
        if module.kind == "bytecode" and module.file is not None
    }
    for file in contents.files.values():
        if not file.name.endswith(".pyc") or magic is None:
            continue
        folder, _, name = file.place.rpartition("/")
        cached = folder.endswith("/__pycache__")
        header = _header(file)
        if len(header) < 16:
            continue
        if not cached:
            module = alone.get(file.place)
            if module is not None and int.from_bytes(header[:2], "little") != magic:
                severity: Severity = "error" if module in contents.init_graph.reached else "warning"
                yield _unusable(subject, file, severity)
            continue
        source = contents.files.get(
            f"{folder.removesuffix('__pycache__')}{name.partition('.')[0]}.py"
        )
        if (
            source is not None
            and int.from_bytes(header[:2], "little") == magic
            and header[4:8] == bytes(4)
            and _is_stale(header, source)
        ):
            stale.append(file)
    if stale:
        yield subject.finding(
            "PYC001",
            "warning",
            f"{len(stale):,} `.pyc` file{' is' if len(stale) == 1 else 's are'} of another time than "
            f"{'its source' if len(stale) == 1 else 'their sources'}, so that Python passes over "
            f"{'it' if len(stale) == 1 else 'them'}",
            "leave them out, or compile with `--invalidation-mode unchecked-hash`",
            file=stale[0],
        )


def _header(file: File) -> bytes:
    try:
        return file.head(16)
    except WherryError:
        return b""


def _is_stale(header: bytes, source: File) -> bool:
    """Whether the size, or the time in no time zone, is that of the source.

    Archives keep local times, to two seconds.
    """
    seconds, size = int.from_bytes(header[8:12], "little"), int.from_bytes(header[12:16], "little")
    if size != source.size & 0xFFFFFFFF:
        return True
    if not source.modified:
        return False
    from datetime import UTC, datetime

    day, clock = source.modified >> 16, source.modified & 0xFFFF
    try:
        moment = datetime(
            1980 + (day >> 9),
            day >> 5 & 15,
            day & 31,
            clock >> 11,
            clock >> 5 & 63,
            (clock & 31) * 2,
            tzinfo=UTC,
        ).timestamp()
    except ValueError:
        return True
    apart = abs(seconds - moment)
    off = apart % _QUARTER
    return apart > 15 * 3600 or min(off, _QUARTER - off) > 2


def _unusable(subject: Subject, file: File, severity: Severity) -> Finding:
    return subject.finding(
        "PYC002",
        severity,
        f"there is no source of it, and {subject.contents.target.runtime.name} refuses what another version "
        "of Python compiled: bad magic number",
        "ship the source",
        file=file,
    )
