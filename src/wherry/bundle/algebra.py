"""A bundle: a sorted set of entries, and the verbs that make one from another.

The laws, each a property test: ``merge`` is associative and commutative with the empty bundle as
identity; ``filter(p).filter(q)`` is ``filter(p and q)``; ``prefix(a)`` then ``prefix(b)`` is
``prefix(b/a)``; merging the parts of a ``partition`` gives the whole; no verb changes a payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from wherry.bundle.content import same_content
from wherry.bundle.entry import Entry, check_path
from wherry.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    Settle = Callable[[str, frozenset[str]], str | None]
    Key = TypeVar("Key", bound=Hashable)

__all__ = ["Bundle"]


def _unsettled(path: str, owners: frozenset[str]) -> str | None:  # noqa: ARG001
    return None


class Bundle:
    """An immutable set of entries, one for each path, sorted by their paths' bytes.

    Make one with ``Bundle.of``; nothing is read or written until a writer takes it.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        """Trusts that the entries are sorted and without conflict; ``of`` does not."""
        self._entries = entries

    @classmethod
    def of(cls, entries: Iterable[Entry], *, settle: Settle = _unsettled) -> Bundle:
        """The bundle of these entries, in whatever order they come.

        Args:
            entries: where several have one path, they must have the same content, or be settled.
            settle: given a path and the owners that claim it with different files, the owner who wins,
                or None to refuse.

        Raises:
            ConflictError: two different files for one path, or a file where another has a folder.
        """
        # Sorting text by code point is sorting its UTF-8 by byte.
        ordered = sorted(entries, key=_path)
        unique: list[Entry] = []
        run: list[Entry] = []
        for entry in ordered:
            if run and run[0].path != entry.path:
                unique.append(_one(run, settle))
                run = []
            run.append(entry)
        if run:
            unique.append(_one(run, settle))
        _refuse_files_as_folders(unique)
        return cls(tuple(unique))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, sorted by path."""
        return self._entries

    @property
    def unzipped_size(self) -> int:
        """Bytes of all contents, as AWS counts them against the quota."""
        return sum(entry.payload.size for entry in self._entries)

    def filter(self, keep: Callable[[Entry], bool]) -> Bundle:
        """The entries that ``keep`` accepts."""
        return Bundle(tuple(entry for entry in self._entries if keep(entry)))

    def prefix(self, folder: str) -> Bundle:
        """Every entry below ``folder``: a relative path with forward slashes, or empty for no change.

        Raises:
            EntryPathError: the folder would be unsafe in a deployment package.
        """
        folder = folder.rstrip("/")
        if not folder:
            return self
        check_path(folder, owner="prefix")
        # One prefix for all keeps the order.
        return Bundle(
            tuple(entry._replace(path=f"{folder}/{entry.path}") for entry in self._entries)
        )

    def merge(self, *others: Bundle, settle: Settle = _unsettled) -> Bundle:
        """The entries of all.

        Raises:
            ConflictError: as ``of``.
        """
        return Bundle.of(
            (entry for bundle in (self, *others) for entry in bundle.entries), settle=settle
        )

    def partition(self, key: Callable[[Entry], Key]) -> Mapping[Key, Bundle]:
        """Each entry in exactly one bundle, by its key."""
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


def _path(entry: Entry) -> str:
    return entry.path


def _rank(entry: Entry) -> tuple[str, int, int, str]:
    payload = entry.payload
    compressed = getattr(payload, "compressed_size", payload.size)
    return (entry.owner, compressed, payload.crc, repr(payload))


def _one(claims: list[Entry], settle: Settle) -> Entry:
    """The entry that stands for all that claim one path.

    The choice must not depend on the order in which the claims came: the same content may be
    compressed differently by two wheels, and the bytes of the package are to be a function of the set.
    """
    if len(claims) == 1:
        return claims[0]
    claims.sort(key=_rank)
    first = claims[0]
    different = [claim for claim in claims[1:] if not same_content(first.payload, claim.payload)]
    if different:
        owners = frozenset(claim.owner for claim in claims)
        winner = settle(first.path, owners)
        if winner not in owners:
            raise _conflict(first, different[0])
        return _one([claim for claim in claims if claim.owner == winner], _unsettled)
    if any(claim.executable for claim in claims):
        return first._replace(executable=True)
    return first


def _conflict(first: Entry, second: Entry) -> ConflictError:
    owners = sorted((first, second), key=_rank)
    return ConflictError(
        f"two different files for `{first.path}`",
        where=[
            f"`{entry.owner}` holds one of {entry.payload.size:,} bytes (CRC {entry.payload.crc:08x})"
            for entry in owners
        ],
        hint=f'say which one wins: [tool.wherry.conflicts] "{first.path}" = "{owners[0].owner}"',
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
