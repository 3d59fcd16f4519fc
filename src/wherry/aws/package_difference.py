"""The difference between a package on AWS and the one that was built, by distribution.

The ``*.dist-info`` folders name the distributions and their versions; the ``RECORD`` in each lists its files. Nothing
is read of a distribution that has the same version in both.
"""

from __future__ import annotations

import csv
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

from wherry.aws.remote_zip import Contents, PackedFile, open_local, open_remote
from wherry.sizes import format_change
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


__all__ = [
    "Difference",
    "DistributionChange",
    "FileChange",
    "compare",
    "find_installed",
]

# Below the root, or below the prefix of a layer: those inside of a distribution are vendored.
_DIST_INFO = re.compile(
    r"(?P<root>|python/|python/lib/python3\.\d+/site-packages/)"
    r"(?P<folder>(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info)/METADATA"
)
_DATA = re.compile(r"[^/]+\.data/(?P<kind>purelib|platlib|scripts|data)/")
_NAMED = 3
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class DistributionChange(Struct, frozen=True, kw_only=True):
    """A distribution that is added, removed or gets another version.

    Attributes:
        before: its version in the package on AWS; None if it is added.
        after: its version in the built package; None if it is removed.
        unzipped_size_before: of its files in the package on AWS, in bytes.
        unzipped_size_after: of its files in the built package, in bytes.
    """

    name: str
    before: str | None
    after: str | None
    unzipped_size_before: int
    unzipped_size_after: int

    def __str__(self) -> str:
        change = format_change(self.unzipped_size_after - self.unzipped_size_before)
        if self.before is None:
            return f"{self.name} {self.after} new, {change}"
        if self.after is None:
            return f"{self.name} {self.before} gone, {change}"
        return f"{self.name} {self.before} → {self.after}, {change}"


class FileChange(Struct, frozen=True, kw_only=True):
    """A file that is added, removed or changed, of no changed distribution.

    Attributes:
        change: ``new``, ``gone`` or ``changed``.
        size_before: unzipped, in bytes; None if it is added.
        size_after: unzipped, in bytes; None if it is removed.
    """

    path: str
    change: str
    size_before: int | None
    size_after: int | None

    def __str__(self) -> str:
        return f"{self.path} {self.change}"


class Difference(Struct, frozen=True, kw_only=True):
    """The difference of two packages. False if every file is the same.

    Attributes:
        first: there is no package on AWS yet, so that all files are new.
        distributions: by name.
        files: by path, without those of a changed distribution.
        size_before: of the zip file on AWS in bytes.
        size_after: of the built one in bytes.
        unzipped_size_before: of all files in the package on AWS in bytes.
        unzipped_size_after: of all files in the built one in bytes.
    """

    first: bool
    distributions: tuple[DistributionChange, ...]
    files: tuple[FileChange, ...]
    size_before: int
    size_after: int
    unzipped_size_before: int
    unzipped_size_after: int

    def __bool__(self) -> bool:
        return bool(self.distributions or self.files)

    def summary(self) -> str:
        """One line for people: ``boto3 1.34.2 → 1.35.0, +1.2 MiB; shop/api.py changed; two files gone``."""
        if self.first:
            content = (
                _number(len(self.distributions), "distribution")
                if self.distributions
                else _number(len(self.files), "file")
            )
            return f"all of it is new: {content}, {format_change(self.unzipped_size_after)}"
        if not self:
            # It was zipped by another tool, or by an older Wherry.
            return "the same files, zipped otherwise"
        parts = [str(distribution) for distribution in self.distributions]
        if len(parts) > 2 * _NAMED:
            rest = parts[_NAMED:]
            parts = [*parts[:_NAMED], f"{_number(len(rest), 'other distribution')} changed"]
        # RECORDs change with the files that they list.
        others = [file for file in self.files if not file.path.endswith(".dist-info/RECORD")]
        shown = others or self.files
        for change in ("changed", "new", "gone"):
            paths = [file.path for file in shown if file.change == change]
            if len(paths) == 1 or (change == "changed" and 0 < len(paths) <= _NAMED):
                parts.extend(f"{path} {change}" for path in paths)
            elif paths:
                parts.append(f"{_number(len(paths), 'file')} {change}")
        return "; ".join(parts)

    def lines(self) -> Iterator[str]:
        """Every change, one a line."""
        yield from map(str, self.distributions)
        if not self.first:
            yield from map(str, self.files)


def compare(local: Path, live: Contents | str | None) -> Difference:
    """The difference between a package, or its address, on AWS and the one that was built; None if there is none yet.

    Raises:
        ArchiveError: one of them is not a zip archive.
        FetchError: the one on AWS cannot be fetched.
    """
    with ExitStack() as stack:
        after = stack.enter_context(open_local(local))
        before = stack.enter_context(open_remote(live)) if isinstance(live, str) else live
        old: Mapping[str, PackedFile] = before.files if before is not None else {}
        new = after.files
        installed_old, installed_new = find_installed(old), find_installed(new)
        owned: set[str] = set()
        distributions = []
        for name in sorted({*installed_old, *installed_new}):
            was, is_ = installed_old.get(name), installed_new.get(name)
            if was is not None and is_ is not None and was["version"] == is_["version"]:
                continue
            files_old, files_new = _files_of(before, was), _files_of(after, is_)
            owned |= files_old | files_new
            distributions.append(
                DistributionChange(
                    name=name,
                    before=was["version"] if was is not None else None,
                    after=is_["version"] if is_ is not None else None,
                    unzipped_size_before=sum(old[path].size for path in files_old),
                    unzipped_size_after=sum(new[path].size for path in files_new),
                )
            )
    return Difference(
        first=before is None,
        distributions=tuple(distributions),
        files=tuple(_changes(old, new, owned)),
        size_before=before.size if before is not None else 0,
        size_after=after.size,
        unzipped_size_before=sum(file.size for file in old.values()),
        unzipped_size_after=sum(file.size for file in new.values()),
    )


def _changes(
    old: Mapping[str, PackedFile], new: Mapping[str, PackedFile], owned: set[str]
) -> Iterator[FileChange]:
    for path in sorted({*old, *new} - owned):
        was, is_ = old.get(path), new.get(path)
        if was == is_:
            continue
        yield FileChange(
            path=path,
            change="new" if was is None else "gone" if is_ is None else "changed",
            size_before=was.size if was is not None else None,
            size_after=is_.size if is_ is not None else None,
        )


def find_installed(files: Iterable[str]) -> dict[str, re.Match[str]]:
    """The METADATA of every distribution in a package, by its name."""
    from packaging.utils import canonicalize_name

    matches = filter(None, map(_DIST_INFO.fullmatch, files))
    return {str(canonicalize_name(match["name"])): match for match in matches}


def _files_of(contents: Contents | None, installed: re.Match[str] | None) -> set[str]:
    """The paths of a distribution in a package, from its RECORD; excluded files are not there."""
    if contents is None or installed is None:
        return set()
    root, folder = installed["root"], f"{installed['root']}{installed['folder']}/"
    paths = {path for path in contents.files if path.startswith(folder)}
    record = f"{folder}RECORD"
    if record in contents.files:
        text = contents.read(record).decode("utf-8", "replace")
        for row in csv.reader(text.splitlines()):
            if not row:
                continue
            # The path of a file of a wheel after installation.
            path, match = row[0], _DATA.match(row[0])
            if match is not None:
                path = ("bin/" if match["kind"] == "scripts" else "") + path[match.end() :]
            if f"{root}{path}" in contents.files:
                paths.add(f"{root}{path}")
    return paths


def _number(count: int, noun: str) -> str:
    word = _WORDS[count] if count < len(_WORDS) else f"{count:,}"
    return f"{word} {noun}{'' if count == 1 else 's'}"
