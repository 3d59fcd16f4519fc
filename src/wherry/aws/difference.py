"""What would change in a package, told by distribution: the one that is live beside the one that was built.

The ``*.dist-info`` folders tell which distributions are inside and in which version; the ``RECORD`` in each
tells which files are theirs. Of distributions that are the same on both sides nothing is read.
"""

from __future__ import annotations

import csv
import re
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from wherry.aws.live import Contents, open_live, open_local

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.aws.live import PackedFile

__all__ = ["Difference", "DistributionChange", "FileChange", "compare", "signed_size"]

# Below the root, or below what a layer has in front: those inside of a distribution are vendored ones.
_DIST_INFO = re.compile(
    r"(?P<root>|python/|python/lib/python3\.\d+/site-packages/)"
    r"(?P<folder>(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info)/METADATA"
)
_DATA = re.compile(r"[^/]+\.data/(?P<kind>purelib|platlib|scripts|data)/")
_NAMED = 3
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, kw_only=True, slots=True)
class DistributionChange:
    """A distribution that comes, goes or gets another version.

    Attributes:
        name: normalized.
        before: its version in the live package; None where it is new.
        after: its version in the built package; None where it goes.
        unzipped_size_before: of its files in the live package, in bytes.
        unzipped_size_after: of its files in the built package, in bytes.
    """

    name: str
    before: str | None
    after: str | None
    unzipped_size_before: int
    unzipped_size_after: int

    def __str__(self) -> str:
        change = signed_size(self.unzipped_size_after - self.unzipped_size_before)
        if self.before is None:
            return f"{self.name} {self.after} new, {change}"
        if self.after is None:
            return f"{self.name} {self.before} gone, {change}"
        return f"{self.name} {self.before} → {self.after}, {change}"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileChange:
    """A file that comes, goes or changes, of no distribution that does.

    Attributes:
        path: in the package.
        change: ``new``, ``gone`` or ``changed``.
        size_before: unzipped, in bytes; None where it is new.
        size_after: unzipped, in bytes; None where it goes.
    """

    path: str
    change: str
    size_before: int | None
    size_after: int | None

    def __str__(self) -> str:
        return f"{self.path} {self.change}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What would change. False where every file is the same.

    Attributes:
        first: nothing is live yet, so that all of it is new.
        distributions: by name.
        files: by path; those of a changed distribution are not among them.
        size_before: of the live zip file in bytes.
        size_after: of the built one in bytes.
        unzipped_size_before: of all files in the live package in bytes.
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
            found = (
                _number(len(self.distributions), "distribution")
                if self.distributions
                else _number(len(self.files), "file")
            )
            return f"all of it is new: {found}, {signed_size(self.unzipped_size_after)}"
        if not self:
            # Another tool has zipped it, or an older Wherry.
            return "the same files, zipped otherwise"
        parts = [str(one) for one in self.distributions]
        if len(parts) > 2 * _NAMED:
            rest = parts[_NAMED:]
            parts = [*parts[:_NAMED], f"{_number(len(rest), 'other distribution')} changed"]
        for change in ("changed", "new", "gone"):
            paths = [one.path for one in self._told() if one.change == change]
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

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        return asdict(self)

    def _told(self) -> Sequence[FileChange]:
        """Without the RECORDs, which follow the files that they list."""
        others = [one for one in self.files if not one.path.endswith(".dist-info/RECORD")]
        return others or self.files


def compare(local: Path, live: Contents | str | None) -> Difference:
    """What would change if the built package became the live one.

    Args:
        local: the zip file that was built.
        live: what is live, or the address of its code that AWS gave; None where there is nothing yet.

    Raises:
        ArchiveError: one of them is no zip archive.
        FetchError: the live one cannot be fetched.
    """
    with ExitStack() as stack:
        after = stack.enter_context(open_local(local))
        before = stack.enter_context(open_live(live)) if isinstance(live, str) else live
        return _compare(before, after)


def signed_size(number: int) -> str:
    """A change in bytes, for people: ``+1.2 MiB``, ``-312 B``, ``±0 B``."""
    sign = "+" if number > 0 else "-" if number < 0 else "±"
    value, unit = float(abs(number)), "B"
    for bigger in ("KiB", "MiB", "GiB"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    return f"{sign}{value:.0f} B" if unit == "B" else f"{sign}{value:.1f} {unit}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Inside:
    """A distribution in a package: its name as it is spelled there, its version, and where it is."""

    version: str
    root: str
    folder: str


def _compare(before: Contents | None, after: Contents) -> Difference:
    old: Mapping[str, PackedFile] = before.files if before is not None else {}
    new = after.files
    inside_old, inside_new = _inside(old), _inside(new)
    changed = [
        name
        for name in sorted({*inside_old, *inside_new})
        if _version(inside_old, name) != _version(inside_new, name)
    ]
    owned: set[str] = set()
    distributions = []
    for name in changed:
        files_old = _files_of(before, inside_old.get(name))
        files_new = _files_of(after, inside_new.get(name))
        owned |= files_old | files_new
        distributions.append(
            DistributionChange(
                name=name,
                before=_version(inside_old, name),
                after=_version(inside_new, name),
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
        if was is not None and is_ is not None and was.same_as(is_):
            continue
        yield FileChange(
            path=path,
            change="new" if was is None else "gone" if is_ is None else "changed",
            size_before=was.size if was is not None else None,
            size_after=is_.size if is_ is not None else None,
        )


def _inside(files: Mapping[str, PackedFile]) -> Mapping[str, _Inside]:
    from packaging.utils import canonicalize_name

    found = {}
    for path in files:
        if match := _DIST_INFO.fullmatch(path):
            found[str(canonicalize_name(match["name"]))] = _Inside(
                version=match["version"], root=match["root"], folder=match["folder"]
            )
    return found


def _version(inside: Mapping[str, _Inside], name: str) -> str | None:
    return inside[name].version if name in inside else None


def _files_of(contents: Contents | None, one: _Inside | None) -> set[str]:
    """The paths of a distribution in a package, as its RECORD tells; those that were left out are not there."""
    if contents is None or one is None:
        return set()
    begin = f"{one.root}{one.folder}/"
    found = {path for path in contents.files if path.startswith(begin)}
    record = f"{begin}RECORD"
    if record in contents.files:
        text = contents.read(record).decode("utf-8", "replace")
        for row in csv.reader(text.splitlines()):
            if row and (path := f"{one.root}{_installed(row[0])}") in contents.files:
                found.add(path)
    return found


def _installed(path: str) -> str:
    """Where a file of a wheel comes to lie, by the rules of wheels."""
    match = _DATA.match(path)
    if match is None:
        return path
    return ("bin/" if match["kind"] == "scripts" else "") + path[match.end() :]


def _number(count: int, noun: str) -> str:
    word = _WORDS[count] if count < len(_WORDS) else f"{count:,}"
    return f"{word} {noun}{'' if count == 1 else 's'}"
