"""The files that a lock's entries mean: archives by path or URL, and files of an index by their hashes.

Whatever an index answers, only files with a recorded hash are taken; a file that is fetched later is compared with
that hash.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from msgspec import field
from packaging.pylock import PackageArchive

from wherry.errors import FetchError, LockError
from wherry.events import Warned
from wherry.indexes.redact import redact
from wherry.lock.assemble import LockedFile
from wherry.lock.document import file_sha256, is_path
from wherry.lock.resolve import Requirements, literal_url, resolve
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from packaging.utils import NormalizedName
    from packaging.version import Version

    from wherry.context import Context
    from wherry.indexes.simple import FindFiles, IndexedFile
    from wherry.lock.document import Table

__all__ = ["Archives", "any_of_hashes", "split_hash", "split_hashes", "valid_path"]

_HASH = re.compile(r"(?P<algorithm>[a-z0-9_]+)[:=](?P<digest>[0-9a-fA-F]+)")


def split_hash(text: str) -> tuple[str, str] | None:
    """``sha256:abc…`` as algorithm and hexadecimal digest; None where it has another form."""
    found = _HASH.fullmatch(text)
    return (found["algorithm"], found["digest"].lower()) if found else None


def split_hashes(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those of these texts that have that form."""
    return (pair for text in texts if (pair := split_hash(text)) is not None)


def valid_path(text: str, table: Table, key: str) -> str:
    """The value of ``key`` as a path, with ``/`` between its parts.

    Raises:
        LockError: no file can have this path.
    """
    if not is_path(text):
        raise table.wrong(key, "this is not a path")
    return text.replace("\\", "/") if "/" not in text else text


def any_of_hashes(
    name: NormalizedName, version: Version, hashes: Iterable[tuple[str, str]]
) -> LockedFile:
    """A file that stands for all files of a distribution with one of these hashes.

    Its own hash, of the kind ``any``, is a digest of all of them.
    """
    listed = "\n".join(f"{algorithm}:{digest}" for algorithm, digest in sorted(hashes))
    digest = hashlib.sha256(listed.encode()).hexdigest()
    return LockedFile(filename=f"{name}-{version}.tar.gz", hashes={"any": digest})


class Archives(Struct, frozen=True, kw_only=True):
    """Finds the files of a lock's entries.

    Attributes:
        base: the folder of the lock.
        find_files: asks an index for the names of files.
        context: what an archive without a hash is fetched with.
        unhashed: the URLs that were fetched, since the lock records no hash.
        by_hash: ask no index, as ``LockRequest.by_hash`` has it.
    """

    base: Path
    root: Path
    find_files: FindFiles
    context: Context
    unhashed: list[str] = field(default_factory=list)
    by_hash: bool = False

    def find(
        self, name: str, place: str, hashes: Iterable[str], table: Table, *, remote: bool
    ) -> PackageArchive:
        """The wheel or sdist at a path or URL; where the lock records no hash, the hash of the file is taken.

        Raises:
            LockError: there is no such file, or it cannot be fetched.
        """
        digests: Mapping[str, str] = dict(split_hashes(hashes))
        subdirectory = table.optional("subdirectory", str)
        if not remote:
            path = self.base / place
            digests = digests or {"sha256": file_sha256(path)}
            if not path.is_file():
                raise LockError(
                    f"a file that `{table.file}` names is missing",
                    where=[f"{table.place}: {place}"],
                )
            return PackageArchive(path=place, hashes=digests, subdirectory=subdirectory)
        if digests:
            return PackageArchive(url=place, hashes=digests, subdirectory=subdirectory)
        fragment = f"#subdirectory={subdirectory}" if subdirectory else ""
        return self._resolved(name, f"{place}{fragment}", table.file)

    def find_by_hash(
        self,
        name: NormalizedName,
        version: Version,
        hashes: Iterable[str],
        indexes: Sequence[str | None],
        table: Table,
    ) -> tuple[str | None, list[LockedFile]]:
        """Find the first of these indexes that has files with one of these hashes: the index and the files.

        An index of None is the default one. ``version`` and ``table``, the entry of the lock, are for errors.

        Raises:
            LockError: no index has such a file, or no hash is recorded.
            FetchError: no index answers.
        """
        wanted = set(split_hashes(hashes))
        if not wanted:
            raise table.wrong("hashes", f"there is no hash of `{name}`")
        if self.by_hash:
            return None, [any_of_hashes(name, version, wanted)]
        offered = 0
        failed: list[FetchError] = []
        for number, index in enumerate(indexes):
            try:
                files = self.find_files(index, name)
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
        asked = ", ".join(
            f"`{redact(index)}`" if index else "the default index" for index in indexes
        )
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

    def _resolved(self, name: str, url: str, file: str) -> PackageArchive:
        """The archive at a URL, with the hash that uv computes by fetching it."""
        if re.search(r"[\s\x00-\x20\x7f]", url):
            raise LockError(
                f"`{name}` of `{file}` has an address that is none", where=[ascii(redact(url))]
            )
        if self.by_hash:
            raise LockError(
                f"`{file}` records no hash of `{name}`", where=[f"it is at {redact(url)}"]
            )
        self.unhashed.append(url)
        self.context.reporter.emit(
            Warned(
                text=f"`{file}` records no hash of `{name}`, so nothing tells whether the file at "
                f"{redact(url.partition('#')[0])} is the one that was locked"
            )
        )
        requirements = Requirements(
            name=f"{name} of {file}",
            base=self.root,
            text=f"{name} @ {literal_url(url)}\n",
            options=("--no-deps",),
        )
        for package in resolve(requirements, self.context).packages:
            if package.name == name and package.archive is not None:
                return package.archive
        raise LockError(f"`{name}` of `{file}` is not an archive", where=[redact(url)])


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
