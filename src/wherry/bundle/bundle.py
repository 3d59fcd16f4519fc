"""A bundle, a sorted set of entries, and the verbs that make one from another.

The laws, each a property test: ``merge`` is associative and commutative with the empty bundle as
identity; ``filter(p).filter(q)`` is ``filter(p and q)``; ``prefix(a)`` then ``prefix(b)`` is
``prefix(b/a)``; merging the parts of a ``partition`` gives the whole; no verb changes a payload.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from wherry.bundle.content import same_content
from wherry.bundle.entry import Entry, check_path, zipped_size
from wherry.errors import ConflictError
from wherry.sizes import first_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    Settle = Callable[[str, frozenset[str]], str | None]
    Key = TypeVar("Key", bound=Hashable)

__all__ = ["Bundle"]

# Conflicts that an error names.
_SHOWN = 30


class Bundle:
    """An immutable set of entries with different paths, sorted by the bytes of the paths.

    ``Bundle.of`` creates one; nothing is read or written before a writer takes it.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        """The entries must be sorted and without conflict; ``of`` does not require that."""
        self._entries = entries

    @classmethod
    def of(cls, entries: Iterable[Entry], *, settle: Settle | None = None) -> Bundle:
        """The bundle of entries in any order.

        Those with the same path must have the same content, or ``settle`` must name the owner that wins, by the path
        and the owners with different files for it.

        Raises:
            ConflictError: two different files for one path, or a file at the path of a folder.
        """
        # The order of code points is the order of UTF-8 bytes.
        ordered = sorted(entries, key=attrgetter("path"))
        unique: list[Entry] = []
        conflicts: list[tuple[Entry, Entry]] = []
        run: list[Entry] = []
        for entry in ordered:
            if run and run[0].path != entry.path:
                unique.append(_resolve(run, settle, conflicts))
                run = []
            run.append(entry)
        if run:
            unique.append(_resolve(run, settle, conflicts))
        if conflicts:
            raise _conflict(conflicts)
        _refuse_files_as_folders(unique)
        return cls(tuple(unique))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, sorted by path."""
        return self._entries

    @property
    def unzipped_size(self) -> int:
        """The bytes of all contents, as AWS counts them against the quota."""
        return sum(entry.payload.size for entry in self._entries)

    def filter(self, keep: Callable[[Entry], bool]) -> Bundle:
        """The entries that ``keep`` accepts."""
        return Bundle(tuple(entry for entry in self._entries if keep(entry)))

    def prefix(self, folder: str) -> Bundle:
        """All entries moved into ``folder``, a relative path with forward slashes, or empty for no change.

        Raises:
            EntryPathError: the folder is unsafe in a deployment package.
        """
        folder = folder.rstrip("/")
        if not folder:
            return self
        check_path(folder, owner="prefix")
        # The same prefix for all keeps the order.
        return Bundle(
            tuple(entry._replace(path=f"{folder}/{entry.path}") for entry in self._entries)
        )

    def merge(self, *others: Bundle, settle: Settle | None = None) -> Bundle:
        """The entries of all bundles.

        Raises:
            ConflictError: as ``of``.
        """
        return Bundle.of(
            (entry for bundle in (self, *others) for entry in bundle.entries), settle=settle
        )

    def partition(self, key: Callable[[Entry], Key]) -> Mapping[Key, Bundle]:
        """Bundles by key; each entry is in exactly one of them."""
        parts: dict[Key, list[Entry]] = {}
        for entry in self._entries:
            parts.setdefault(key(entry), []).append(entry)
        return {name: Bundle(tuple(entries)) for name, entries in parts.items()}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bundle) and self._entries == other._entries

    def __hash__(self) -> int:
        return hash(self._entries)

    def __repr__(self) -> str:
        return f"<Bundle of {len(self)} entries>"


def _rank(entry: Entry) -> tuple[str, int, int, str]:
    payload = entry.payload
    return (entry.owner, zipped_size(payload), payload.crc, repr(payload))


def _resolve(
    entries: list[Entry], settle: Settle | None, conflicts: list[tuple[Entry, Entry]]
) -> Entry:
    """The one entry for a path that several entries have; two different ones are added to ``conflicts``.

    The choice must not depend on their order: two wheels may compress the same content differently, and the bytes
    of the package are a function of the set of entries.
    """
    if len(entries) == 1:
        return entries[0]
    entries.sort(key=_rank)
    first = entries[0]
    different = [entry for entry in entries[1:] if not same_content(first.payload, entry.payload)]
    if different:
        owners = frozenset(entry.owner for entry in entries)
        winner = None if settle is None else settle(first.path, owners)
        if winner not in owners:
            conflicts.append((first, different[0]))
            return first
        return _resolve([entry for entry in entries if entry.owner == winner], None, conflicts)
    if any(entry.executable for entry in entries):
        return first._replace(executable=True)
    return first


def _conflict(conflicts: list[tuple[Entry, Entry]]) -> ConflictError:
    if len(conflicts) > 1:
        where = [
            f"`{first.path}`: `{first.owner}` ({first.payload.size:,} bytes) "
            f"and `{second.owner}` ({second.payload.size:,} bytes)"
            for first, second in conflicts
        ]
        return ConflictError(
            f"{len(conflicts):,} paths have two different files each",
            where=first_lines(where, _SHOWN),
            hint="choose the winners by path or pattern in [tool.wherry.conflicts], "
            "or leave the files out with `exclude-files`",
        )
    first, second = conflicts[0]
    owners = sorted((first, second), key=_rank)
    return ConflictError(
        f"two different files for `{first.path}`",
        where=[
            f"`{entry.owner}` holds one of {entry.payload.size:,} bytes (CRC {entry.payload.crc:08x})"
            for entry in owners
        ],
        hint=f'choose the winner: [tool.wherry.conflicts] "{first.path}" = "{owners[0].owner}"',
    )


def _refuse_files_as_folders(entries: list[Entry]) -> None:
    files = {entry.path: entry for entry in entries}
    seen: set[str] = set()
    for entry in entries:
        folder = entry.path.rpartition("/")[0]
        while folder and folder not in seen:
            if folder in files:
                raise ConflictError(
                    f"`{folder}` is a file and a folder at once",
                    where=[
                        f"`{files[folder].owner}` holds the file `{folder}`",
                        f"`{entry.owner}` holds the file `{entry.path}`",
                    ],
                    hint="exclude one of the two",
                )
            seen.add(folder)
            folder = folder.rpartition("/")[0]
