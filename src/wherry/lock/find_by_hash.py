"""Finding the names of files of which a lock records only hashes, by asking the index.

Whatever an index answers, only files with a recorded hash are taken; a file that is fetched later is compared with
that hash.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.errors import FetchError, LockError
from wherry.indexes.redact import redact
from wherry.indexes.variables import expand_variables
from wherry.lock.assemble import LockedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from wherry.indexes.files import FindFiles, IndexedFile
    from wherry.lock.document import Table

__all__ = ["find_by_hash", "split_hash"]

_HASH = re.compile(r"(?P<algorithm>[a-z0-9_]+)[:=](?P<digest>[0-9a-fA-F]+)")


def split_hash(text: str) -> tuple[str, str] | None:
    """``sha256:abc…`` as algorithm and hexadecimal digest; None where it has another form."""
    found = _HASH.fullmatch(text)
    return (found["algorithm"], found["digest"].lower()) if found else None


def find_by_hash(
    name: NormalizedName,
    version: Version,
    hashes: Iterable[str],
    indexes: Sequence[str | None],
    find_files: FindFiles,
    table: Table,
) -> tuple[str | None, list[LockedFile]]:
    """Find the first of these indexes that has files with one of these hashes.

    Args:
        name: the distribution's normalized name.
        version: its version, for errors.
        hashes: the recorded hashes, as ``sha256:…``.
        indexes: the addresses to ask, in this order; None is the default index.
        find_files: asks an index.
        table: the entry of the lock, for errors.

    Returns:
        The index and the files.

    Raises:
        LockError: no index has such a file, or no hash is recorded.
        FetchError: no index answers.
    """
    wanted = {pair for text in hashes if (pair := split_hash(text))}
    if not wanted:
        raise table.wrong("hashes", f"there is no hash of `{name}`")
    offered = 0
    failed: list[FetchError] = []
    for number, index in enumerate(indexes):
        try:
            files = find_files(expand_variables(index) if index else None, name)
        except FetchError as error:
            # An index need not have every project.
            if number == len(indexes) - 1 and not offered:
                # The first index is the one that was meant, if any was.
                raise (failed[0] if failed and _refused(failed[0]) else error) from None
            failed.append(error)
            continue
        offered += len(files)
        if matching := list(_matching(files, wanted)):
            return index, matching
    asked = ", ".join(f"`{redact(index)}`" if index else "the default index" for index in indexes)
    raise LockError(
        f"no file of `{name}=={version}` has a hash that `{table.file}` records",
        where=[
            f"{asked} offers {offered} files of `{name}`",
            *(line for error in failed for line in error.where),
        ],
        hint=next(
            (error.hint for error in failed if _refused(error)),
            "the files have been removed or replaced since: lock again",
        ),
    )


def _refused(error: FetchError) -> bool:
    """Whether an index failed otherwise than by not having the project."""
    return not any(line.endswith((" 404", " 410")) for line in error.where)


def _matching(files: Iterable[IndexedFile], wanted: set[tuple[str, str]]) -> Iterator[LockedFile]:
    for file in files:
        for algorithm, digest in file.hashes.items():
            if (algorithm, digest.lower()) in wanted:
                yield LockedFile(
                    filename=file.filename, hashes={algorithm: digest.lower()}, size=file.size
                )
                break
