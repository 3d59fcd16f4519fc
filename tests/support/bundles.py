"""The same contents offered in many ways, and strategies that make bundles of them."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from support.archives import Odd, make_zip
from wherry.bundle.archive import read_archive
from wherry.bundle.entry import Entry, Inline, Payload, Slice, SourceFile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CONTENTS", "entries", "offer", "slices"]

CONTENTS = (b"", b"one\n" * 40, b"two\n" * 40, bytes(range(256)) * 20)


def slices(path: Path) -> dict[str, Slice]:
    """The members of an archive as payloads."""
    return {
        member.name: Slice(
            path, member.offset, member.compressed_size, member.size, member.crc, member.method
        )
        for member in read_archive(path)
    }


def offer(folder: Path) -> dict[bytes, list[Payload]]:
    """Each content inline, as a file, and stored and deflated in two archives at several levels."""
    offers: dict[bytes, list[Payload]] = {}
    for number, content in enumerate(CONTENTS):
        file = folder / f"source-{number}"
        file.write_bytes(content)
        crc = zlib.crc32(content)
        offers[content] = [
            Inline(content, len(content), crc),
            SourceFile(file, len(content), crc),
        ]
    for archive, level in (("one.whl", 1), ("two.whl", 9)):
        path = folder / archive
        path.write_bytes(
            make_zip(
                *(
                    Odd(name=f"{number}-{method}", content=content, method=method, level=level)
                    for number, content in enumerate(CONTENTS)
                    for method in (0, 8)
                )
            )
        )
        for name, payload in slices(path).items():
            offers[CONTENTS[int(name[0])]].append(payload)
    return offers


def entries(
    offers: dict[bytes, list[Payload]], *, conflicts: bool = False, owners: str = "abc"
) -> st.SearchStrategy[list[Entry]]:
    """Lists of entries that repeat paths; without conflicts one path always has one content."""
    paths = ["a", "b.py", "c/d", "c/e/f", "Z", "ü", "日本/x", "\U0001f600", "\uffee"]
    if conflicts:
        paths += ["c", "c/e", "b.py/x"]

    def entry(path: str, content: bytes) -> st.SearchStrategy[Entry]:
        return st.builds(
            Entry,
            st.just(path),
            st.booleans(),
            st.sampled_from(offers[content]),
            st.sampled_from(owners),
        )

    if conflicts:
        one = st.tuples(st.sampled_from(paths), st.sampled_from(CONTENTS)).flatmap(
            lambda pair: entry(*pair)
        )
    else:
        one = st.sampled_from(paths).flatmap(
            lambda path: entry(path, CONTENTS[paths.index(path) % len(CONTENTS)])
        )
    return st.lists(one, max_size=12)
