"""The difference of two packages, by distribution and by file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import asdict

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.inspect.model import FileSize, Inspected, InspectedDistribution

__all__ = [
    "ChangedDistribution",
    "ChangedFile",
    "ChangedFolder",
    "PackageDifference",
    "compare_packages",
    "fold_changes",
]

_MOST_NEIGHBOURS = 8
"""Files and folders of one folder that are shown one by one."""


class ChangedDistribution(Struct, frozen=True, kw_only=True):
    """A distribution whose version, or whose bytes zipped or unzipped, differ; None and 0 where there is none."""

    name: str
    before: str | None
    after: str | None
    size_before: int
    size_after: int
    unzipped_size_before: int
    unzipped_size_after: int


class ChangedFile(Struct, frozen=True, kw_only=True):
    """A file that is ``new``, ``gone`` or ``changed``; its bytes in the zip file are 0 where there is none."""

    path: str
    change: str
    owner: str
    size_before: int
    size_after: int


class ChangedFolder(NamedTuple):
    """Files that changed together.

    Attributes:
        path: of the file; of a folder with a slash at its end, or with ``/*`` where it holds other files, too.
        change: ``new``, ``gone`` or ``changed``.
        files: how many there are.
        size: the bytes in the zip file that they are more than before.
    """

    path: str
    change: str
    files: int
    size: int


class PackageDifference(Struct, frozen=True, kw_only=True):
    """The difference of two packages. False if every file is the same.

    Attributes:
        size_before: of the zip file; 0 if there was none.
        size_after: of the zip file; 0 if there is none.
        distributions: by how much they changed.
        files: by path.
    """

    name: str
    size_before: int
    size_after: int
    distributions: tuple[ChangedDistribution, ...]
    files: tuple[ChangedFile, ...]

    def __bool__(self) -> bool:
        return bool(self.distributions or self.files)

    def document(self) -> dict[str, Any]:
        """The difference as JSON has it."""
        return {
            "name": self.name,
            "size_before": self.size_before,
            "size_after": self.size_after,
            "distributions": [asdict(each) for each in self.distributions],
            "files": [asdict(each) for each in self.files],
        }


def compare_packages(before: Inspected | None, after: Inspected | None) -> PackageDifference:
    """The difference of a package before and after; None where there is none."""
    known = after or before
    files = tuple(_files(before, after))
    return PackageDifference(
        name=known.name if known is not None else "",
        size_before=before.size if before is not None else 0,
        size_after=after.size if after is not None else 0,
        distributions=_distributions(before, after, {file.owner for file in files}),
        files=files,
    )


def fold_changes(
    files: Sequence[ChangedFile], after: Sequence[FileSize]
) -> tuple[ChangedFolder, ...]:
    """Changed files, those together that came or went with their folder; those first that changed by most bytes."""
    changes = {file.path: file.change for file in files}
    # A folder with anything that did not come, or did not go, stays open.
    mixed: dict[str, set[str]] = {}
    for path in {*changes, *(file.path for file in after)}:
        change = changes.get(path, "same")
        for folder in _folders(path):
            mixed.setdefault(folder, set()).add(change)
    folded: dict[tuple[str, str], list[ChangedFile]] = {}
    for file in files:
        whole = (each for each in _folders(file.path) if mixed[each] in ({"new"}, {"gone"}))
        folded.setdefault((next(whole, file.path), file.change), []).append(file)
    # Many neighbours that changed alike are told by the folder that they lie in.
    neighbours: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path, change in folded:
        neighbours.setdefault((_parent(path), change), []).append((path, change))
    for (parent, change), keys in neighbours.items():
        if parent and len(keys) > _MOST_NEIGHBOURS:
            folded[f"{parent}/*", change] = [file for key in keys for file in folded.pop(key)]
    return tuple(
        sorted(
            (
                ChangedFolder(
                    path,
                    change,
                    len(group),
                    sum(each.size_after - each.size_before for each in group),
                )
                for (path, change), group in folded.items()
            ),
            key=lambda each: (-abs(each.size), each.path),
        )
    )


def _folders(path: str) -> Iterator[str]:
    """The folders that a file lies in, the outermost first, each with a slash at its end."""
    at = path.find("/")
    while at >= 0:
        yield path[: at + 1]
        at = path.find("/", at + 1)


def _parent(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0]


def _files(before: Inspected | None, after: Inspected | None) -> Iterator[ChangedFile]:
    old = {file.path: file for file in before.files} if before is not None else {}
    new = {file.path: file for file in after.files} if after is not None else {}
    for path in sorted({*old, *new}):
        was, is_ = old.get(path), new.get(path)
        if was is not None and is_ is not None and _content(was) == _content(is_):
            continue
        known = is_ or was
        assert known is not None  # noqa: S101
        yield ChangedFile(
            path=path,
            change="new" if was is None else "gone" if is_ is None else "changed",
            owner=known.owner,
            size_before=was.size if was is not None else 0,
            size_after=is_.size if is_ is not None else 0,
        )


def _content(file: FileSize) -> tuple[int, int]:
    return file.unzipped_size, file.crc


def _distributions(
    before: Inspected | None, after: Inspected | None, changed: set[str]
) -> tuple[ChangedDistribution, ...]:
    old = {each.name: each for each in before.distributions} if before is not None else {}
    new = {each.name: each for each in after.distributions} if after is not None else {}
    found = []
    for name in {*old, *new}:
        was, is_ = old.get(name), new.get(name)
        if name in changed or was is None or is_ is None or was.version != is_.version:
            found.append(_distribution(name, was, is_))
    return tuple(
        sorted(found, key=lambda each: (-abs(each.size_after - each.size_before), each.name))
    )


def _distribution(
    name: str, was: InspectedDistribution | None, is_: InspectedDistribution | None
) -> ChangedDistribution:
    return ChangedDistribution(
        name=name,
        before=was.version if was is not None else None,
        after=is_.version if is_ is not None else None,
        size_before=was.size if was is not None else 0,
        size_after=is_.size if is_ is not None else 0,
        unzipped_size_before=was.unzipped_size if was is not None else 0,
        unzipped_size_after=is_.unzipped_size if is_ is not None else 0,
    )
