"""Leaving out of ELF files what only debuggers read, and leaving files alone."""

from __future__ import annotations

import ctypes
import platform
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.interpreters import missing
from support.libraries import Library, Part
from wherry.elf.reader import read_elf
from wherry.elf.strip import NotStrippedError, strip_elf

LIBRARY = Library()


def names(data: bytes) -> list[str]:
    return [section.name for section in read_elf(data).sections]


@pytest.mark.parametrize("machine", [62, 183], ids=["x86_64", "aarch64"])
def test_debugging_information_goes_and_all_else_stays(machine: int) -> None:
    """A13: for both architectures, on whatever machine."""
    data = replace(LIBRARY, machine=machine).data()
    stripped = strip_elf(data)
    kept = read_elf(data).segments[0].end
    assert names(data)[-7:] == [
        ".comment", ".debug_info", ".rela.debug_info", ".gnu_debuglink", ".symtab", ".strtab", ".shstrtab",
    ]  # fmt: skip
    assert names(stripped) == ["", ".dynsym", ".text", ".rela.plt", ".gnu_debuglink", ".shstrtab"]
    before, after = read_elf(data), read_elf(stripped)
    assert before.segments == after.segments
    # But for where the table of sections is, how many there are, and which has the names.
    fields = {*range(40, 48), *range(60, 64)}
    assert [at for at in range(kept) if data[at] != stripped[at] and at not in fields] == []
    assert len(stripped) < kept + 1000
    # What one section says of another is still so.
    held = {section.name: section for section in after.sections}
    assert after.sections[held[".rela.plt"].link].name == ".dynsym"
    assert after.sections[held[".rela.plt"].info].name == ".text"
    link = held[".gnu_debuglink"]
    assert stripped[link.offset : link.end] == b"x.debug\0crc!"
    assert link.offset % 4 == 0
    assert after.header.section_offset % 8 == 0


def test_stripping_is_done_after_once() -> None:
    stripped = strip_elf(LIBRARY.data())
    with pytest.raises(NotStrippedError, match="nothing to remove"):
        strip_elf(stripped)


def changed(data: bytes, layout: str, offset: int, value: int) -> bytes:
    out = bytearray(data)
    struct.pack_into(layout, out, offset, value)
    return bytes(out)


ALONE = {
    "it is not understood": b"MZ" + bytes(20000),
    "it ends early": LIBRARY.data()[:-100],
    "another machine": replace(LIBRARY, machine=3).data(),
    "an object file": replace(LIBRARY, kind=1).data(),
    "a signature behind it": replace(LIBRARY, appended=b"~Module signature appended~\n").data(),
    "zeros behind it": replace(LIBRARY, appended=bytes(20)).data(),
    "a signature in it": LIBRARY.with_parts(Part(name=".note.signature", data=b"x" * 40)).data(),
    "something between": replace(LIBRARY, between=b"secret").data(),
    "a segment behind it": replace(LIBRARY, late=b"x" * 5000).data(),
    "nothing to leave out": LIBRARY.without(
        ".debug_info", ".rela.debug_info", ".comment", ".symtab", ".strtab"
    ).data(),
    "next to nothing to leave out": LIBRARY.without(
        ".debug_info", ".rela.debug_info", ".symtab", ".strtab"
    ).data(),
    "no table": changed(changed(LIBRARY.data(), "<Q", 40, 0), "<H", 60, 0),
    "no names": changed(LIBRARY.data(), "<H", 62, 0),
    "debugging before what is loaded": replace(
        LIBRARY, parts=(LIBRARY.parts[4], *LIBRARY.parts[:4], *LIBRARY.parts[6:])
    ).data(),
    "another that needs it": LIBRARY.with_parts(
        Part(name=".group", data=b"x" * 8, kind=17, link=".symtab")
    ).data(),
}


@pytest.mark.parametrize("data", ALONE.values(), ids=ALONE)
def test_what_is_left_alone(data: bytes) -> None:
    """Nothing is stripped whose alignment or signature it would break, or that is not understood."""
    with pytest.raises(NotStrippedError):
        strip_elf(data)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=6))
@example([(2000, 255)])
def test_a_damaged_file_is_left_alone_or_keeps_what_is_loaded(
    damage: list[tuple[int, int]],
) -> None:
    data = bytearray(LIBRARY.data())
    for where, value in damage:
        # In the header, the segments or the table of sections.
        at = where if where < 232 else len(data) - 1 - where % 704
        data[at] = value
    try:
        stripped = strip_elf(bytes(data))
    except NotStrippedError:
        return
    segments = [each for each in read_elf(bytes(data)).segments if each.file_size]
    kept = max(64, *(segment.end for segment in segments))
    assert stripped[64:kept] == data[64:kept]


SOURCE = """
#include <stdio.h>
__thread int counter = 3;
static int table[1000] = {1, 2, 3};
int twice(int number) { counter++; return number * 2 + table[5]; }
int main(void) { printf("%d", twice(21)); return 0; }
"""


@pytest.fixture
def compiler() -> str:
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}:
        missing("libraries of Linux are wanted")
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        missing("there is no C compiler on this machine")
        raise AssertionError
    return found


def test_compiled_files_work_as_before(compiler: str, tmp_path: Path) -> None:
    """A library is loaded and a program runs; strip would find nothing more."""
    (tmp_path / "x.c").write_text(SOURCE)
    for name, options in (("x.so", ["-shared", "-fPIC"]), ("x", ["-O2"])):
        path = tmp_path / name
        subprocess.run([compiler, "-g3", *options, "-o", path, tmp_path / "x.c"], check=True)
        data = path.read_bytes()
        stripped = strip_elf(data)
        assert len(stripped) < len(data) - 4096
        assert not [name for name in names(stripped) if "debug" in name or name == ".symtab"]
        path.write_bytes(stripped)
    assert ctypes.CDLL(str(tmp_path / "x.so")).twice(4) == 8
    done = subprocess.run([tmp_path / "x"], capture_output=True, check=True)
    assert done.stdout == b"42"
