"""Reading ELF files, of every class and byte order; damaged ones too."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.interpreters import missing
from support.shared_objects import AARCH64, X86_64, SharedObject
from wherry.elf.model import ElfError, is_elf
from wherry.elf.reader import read_elf

WANTS = {
    "libc.so.6": {"GLIBC_2.2.5": ["free", "malloc"], "GLIBC_2.34": ["pthread_create"]},
    "libm.so.6": {"GLIBC_2.29": ["pow"]},
}
OBJECT = SharedObject(
    needed=("libc.so.6", "libm.so.6"),
    wants=WANTS,
    soname="libown.so.1",
    runpath="$ORIGIN/lib:/opt/lib",
)


@pytest.mark.parametrize("hashed", ["gnu", "sysv"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [64, 32])
def test_what_the_linker_reads(bits: int, order: str, hashed: str) -> None:
    elf = read_elf(replace(OBJECT, bits=bits, order=order, hashed=hashed).data())
    assert (elf.header.bits, elf.header.order, elf.header.type) == (bits, order, 3)
    assert elf.needed == ("libc.so.6", "libm.so.6")
    assert elf.soname == "libown.so.1"
    assert elf.runpath == ("$ORIGIN/lib", "/opt/lib")
    assert elf.rpath == ()
    assert elf.interpreter is None
    assert elf.sections == ()
    assert {(need.library, need.name): list(need.symbols) for need in elf.version_needs} == {
        (library, version): symbols
        for library, versions in WANTS.items()
        for version, symbols in versions.items()
    }


def test_the_machine_is_told() -> None:
    assert read_elf(replace(OBJECT, machine=X86_64).data()).machine_name == "x86_64"
    assert read_elf(replace(OBJECT, machine=AARCH64).data()).machine_name == "aarch64"
    assert read_elf(replace(OBJECT, machine=4711).data()).machine_name == "machine 4711"
    assert (
        read_elf(replace(OBJECT, machine=21, order=">").data()).machine_name == "ppc64 (big-endian)"
    )


def test_a_program_names_its_linker() -> None:
    elf = read_elf(replace(OBJECT, interpreter="/lib64/ld-linux-x86-64.so.2").data())
    assert elf.interpreter == "/lib64/ld-linux-x86-64.so.2"


@pytest.mark.parametrize(
    "data", [b"", b"MZ", b"\x7fELF", b"\x7fELF" + bytes(60), b"\x7fELF\x02\x03" + bytes(99)]
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(ElfError):
        read_elf(data)
    assert is_elf(data) == data.startswith(b"\x7fELF")


@given(st.data())
def test_damage_is_an_error_and_nothing_else(data: st.DataObject) -> None:
    """Files of strangers: no crash, no endless work."""
    whole = bytearray(OBJECT.data())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    with suppress(ElfError):
        read_elf(bytes(whole))


def readelf(path: Path, option: str) -> list[str]:
    command = ["readelf", "--wide", option, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_real_files_read_as_binutils_reads_them() -> None:
    """Whatever this machine has: its interpreter's libraries."""
    if shutil.which("readelf") is None:
        missing("there is no readelf on this machine")
    files = [Path(sys.executable), *Path(sys.prefix).rglob("*.so")][:20]
    files = [path for path in files if is_elf(path.read_bytes()[:4])]
    assert files
    for path in files:
        elf = read_elf(path.read_bytes())
        needed = [
            line.partition("[")[2].rstrip("]")
            for line in readelf(path, "--dynamic")
            if "(NEEDED)" in line
        ]
        assert list(elf.needed) == needed
        undefined = {
            tuple(fields[7].split("@")[:2])
            for line in readelf(path, "--dyn-syms")
            if len(fields := line.split()) >= 8 and fields[6] == "UND" and "@" in fields[7]
        }
        assert {
            (symbol, need.name) for need in elf.version_needs for symbol in need.symbols
        } == undefined
        assert [section.name for section in elf.sections][:1] in ([""], [])
