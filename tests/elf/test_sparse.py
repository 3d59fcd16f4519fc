"""ELF files without their machine code."""

from __future__ import annotations

import random
import struct
import sys
import sysconfig
from pathlib import Path

import pytest

from support.shared_objects import SharedObject
from wherry.elf.reader import read_elf
from wherry.elf.sparse import without_code

FILES = [
    SharedObject(needed=("libGL.so.1",), soname="a").data(),
    SharedObject(needed=("libGL.so.1",) * 3, runpath="$ORIGIN", bits=32).data(),
    *(
        path.read_bytes()
        for path in [Path(sys.executable).resolve(), *Path(sysconfig.get_paths()["platstdlib"], "lib-dynload").glob("_s*.so")]
    ),
]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such files of their own")
@pytest.mark.parametrize("number", range(len(FILES)))
def test_the_linker_finds_the_same(number: int) -> None:
    data = FILES[number]
    rng = random.Random(number)
    pieces, at = [], 0
    while at < len(data):
        step = rng.randint(1, 70_000)
        pieces.append(data[at : at + step])
        at += step
    with without_code(pieces, len(data)) as sparse:
        assert read_elf(sparse) == read_elf(data)


def test_machine_code_is_left_out() -> None:
    before, code, after = 1 << 15, 1 << 20, 5000
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 64, 0, 0
    )
    sizes = [(4, 0, before), (5, before, code), (4, before + code, after)]
    table = b"".join(
        struct.pack("<IIQQQQQQ", 1, flags, offset, 0, 0, size, size, 1)
        for flags, offset, size in sizes
    )
    data = (header + table).ljust(before, b"x") + b"c" * code + b"y" * after
    pieces = [data[at : at + 9999] for at in range(0, len(data), 9999)]
    with without_code(pieces, len(data)) as sparse:
        assert bytes(sparse) == data.replace(b"c", b"\0")
