"""Finding the names of files of which a lock records only hashes, by asking the index.

Whatever an index answers, only files with a recorded hash are taken, and what is fetched later is compared with that hash.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.errors import FetchError, LockError
from wherry.indexes.variables import expand_variables
from wherry.lock.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from wherry.lock.document import Table
    from wherry.lock.model import FindFiles, IndexedFile

__all__ = ["locate", "split_hash"]

_HASH = re.compile(r"(?P<algorithm>[a-z0-9_]+)[:=](?P<digest>[0-9a-fA-F]+)")


def split_hash(text: str) -> tuple[str, str] | None:
    """``sha256:abc…`` as algorithm and hexadecimal digest; None where it is nothing of the kind."""
    found = _HASH.fullmatch(text)
    return (found["algorithm"], found["digest"].lower()) if found else None


def locate(
    name: NormalizedName,
    version: Version,
    hashes: Iterable[str],
    indexes: Sequence[str | None],
    find_files: FindFiles | None,
    table: Table,
) -> tuple[str | None, list[tuple[str, Mapping[str, str], int | None]]]:
    """The first of these indexes that has files with one of these hashes, and their names, hashes and sizes.

    Raises:
        LockError: no index has one, or there is nobody to ask.
        FetchError: no index answers.
    """
    wanted = {pair for text in hashes if (pair := split_hash(text))}
    if not wanted:
        raise table.wrong("hashes", f"there is no hash of `{name}`")
    if find_files is None:
        raise LockError(
            f"`{table.file}` records no file names, and no index can be asked for them",
            where=[f"{table.place}: `{name}=={version}`"],
        )
    offered = 0
    failed: list[FetchError] = []
    for number, index in enumerate(indexes):
        try:
            files = find_files(expand_variables(index) if index else None, name)
        except FetchError as error:
            # Not every index has every project.
            if number == len(indexes) - 1 and not offered:
                # The first is the one that was meant, if any was.
                raise (failed[0] if failed and _refused(failed[0]) else error) from None
            failed.append(error)
            continue
        offered += len(files)
        if found := list(_matching(files, wanted)):
            return index, found
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
    """Whether an index did not say that it has no such project, but did not answer as it should."""
    return not any(line.endswith((" 404", " 410")) for line in error.where)


def _matching(
    files: Iterable[IndexedFile], wanted: set[tuple[str, str]]
) -> Iterable[tuple[str, Mapping[str, str], int | None]]:
    for file in files:
        for algorithm, digest in file.hashes.items():
            if (algorithm, digest.lower()) in wanted:
                yield file.filename, {algorithm: digest.lower()}, file.size
                break
