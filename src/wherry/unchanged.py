"""Knowing that there is nothing to do, without doing it.

After a build Wherry remembers in the store what went in (digests of every file and tree) and what came out.
The next build of the same project reads those inputs again, always by content, and when all are as they
were it is done. Where only the project's own sources changed, the selection of distributions holds, and no
lock is read. A memo is a shortcut and never a source of truth: without it the result is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.report import DistributionReport, PackageReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.wheels.store import Store

__all__ = ["Memory", "Remembered", "file_digest", "lock_names", "stats"]

_KIND = "builds"

# A name that would change which lock is read, were it to appear or go.
_LOCK_NAME = re.compile(
    r"pylock(\..+)?\.toml|(uv|poetry|pdm)\.lock|Pipfile(\.lock)?|requirements.*\.(txt|in)"
    r"|pyproject\.toml|wherry\.toml|setup\.(py|cfg)"
)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content; empty when there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def lock_names(folder: Path) -> list[str]:
    """The files of a folder that decide which lock is read there."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if _LOCK_NAME.fullmatch(entry.name))
    except OSError:
        return []


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What an earlier build was made from, and what came of it.

    Attributes:
        files: the digest of each input file, by path.
        folders: for each folder where a lock was looked for, the names found.
        trees: the digest of each source tree.
        supplies: what was selected for each set of distributions, as ``wherry.acquire`` describes it; in the
            order of the recipes.
        packages: what was written.
        stats: for each written package, what the file system said of it right after.
    """

    files: Mapping[str, str]
    folders: Mapping[str, list[str]]
    trees: Mapping[str, str | None]
    supplies: list[list[dict[str, Any]]]
    packages: tuple[PackageReport, ...] = ()
    stats: Mapping[str, list[int]] = field(default_factory=dict)

    def inputs_hold(self) -> bool:
        """Whether every input but the source trees is as it was."""
        return all(lock_names(Path(path)) == names for path, names in self.folders.items()) and all(
            file_digest(Path(path)) == digest for path, digest in self.files.items()
        )

    def trees_hold(self, now: Mapping[str, str | None]) -> bool:
        """Whether the source trees are as they were; one whose digest cannot be told is not."""
        return None not in now.values() and now == self.trees

    def outputs_hold(self) -> bool:
        """Whether the written packages are still there, untouched."""
        return bool(self.packages) and all(
            _is_untouched(package, self.stats.get(str(package.path))) for package in self.packages
        )


class Memory:
    """The memos of one project, target and set of options."""

    def __init__(self, store: Store, **parameters: object) -> None:
        """Take all that a build's result depends on beside its inputs."""
        self._store = store
        text = json.dumps(parameters, sort_keys=True, default=str)
        self._key = hashlib.sha256(text.encode()).hexdigest()

    def recall(self) -> Remembered | None:
        """What is remembered, if anything of use."""
        # One that was damaged is no memo.
        digest, _, memo = (self._store.recall(_KIND, self._key) or b"").partition(b"\n")
        if digest != _digest(memo):
            return None
        try:
            document = json.loads(memo)
            packages = tuple(_package(package) for package in document.pop("packages"))
            return Remembered(**document, packages=packages)
        except (ValueError, TypeError, KeyError):
            return None

    def remember(self, remembered: Remembered) -> None:
        """Keep it for the next build."""
        memo = json.dumps(remembered, default=_plain).encode()
        self._store.remember(_KIND, self._key, _digest(memo) + b"\n" + memo)


def _plain(value: object) -> object:
    # Without the copies that `asdict` makes: of a hundred functions that is a tenth of a second.
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


def _digest(memo: bytes) -> bytes:
    return hashlib.sha256(memo).hexdigest().encode()


def stats(packages: Iterable[PackageReport]) -> dict[str, list[int]]:
    """What the file system says of each written package: any write changes one of these."""
    return {str(package.path): _stat(package.path) for package in packages}


def _stat(path: Path) -> list[int]:
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _is_untouched(package: PackageReport, before: list[int] | None) -> bool:
    now = _stat(package.path)
    if now and now == before:
        return True
    # Copied or touched: its content has the last word.
    return bool(now) and file_digest(package.path) == package.sha256


def _package(document: dict[str, Any]) -> PackageReport:
    distributions = tuple(DistributionReport(**one) for one in document.pop("distributions"))
    path = Path(document.pop("path"))
    # JSON knows no tuples.
    rest: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items()
    }
    return PackageReport(**rest, path=path, distributions=distributions)
