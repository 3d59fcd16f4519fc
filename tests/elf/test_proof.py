"""A13, N3: whether a compiled file runs on a target, by what it says and not by any tag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.shared_objects import AARCH64, SharedObject
from wherry.elf.proof import missing_libraries, obstacles
from wherry.target import RUNTIMES, Architecture, Target

OBJECT = SharedObject(wants={"libc.so.6": {"GLIBC_2.17": ["clock_gettime"]}})


def target(runtime: str = "python3.11", architecture: Architecture = Architecture.X86_64) -> Target:
    return Target(runtime=RUNTIMES[runtime], architecture=architecture)


def wanting(library: str, version: str, *symbols: str) -> bytes:
    return replace(OBJECT, wants={library: {version: symbols}}).data()


def test_what_runs() -> None:
    assert obstacles(OBJECT.data(), target()) == ()
    assert (
        obstacles(replace(OBJECT, machine=AARCH64).data(), target(architecture=Architecture.ARM64))
        == ()
    )
    assert obstacles(b"# no ELF file", target()) == ()


@pytest.mark.parametrize(
    ("runtime", "version", "runs"),
    [
        ("python3.11", "GLIBC_2.26", True),
        ("python3.11", "GLIBC_2.27", False),
        ("python3.12", "GLIBC_2.34", True),
        ("python3.12", "GLIBC_2.35", False),
        ("python3.12", "GLIBC_2.4", True),
        ("python3.12", "GLIBC_2.2.5", True),
        ("python3.12", "GLIBC_2.34.1", False),
        ("python3.12", "GLIBC_ABI_DT_RELR", False),
        ("python3.11", "GLIBCXX_3.4.24", True),
        ("python3.11", "GLIBCXX_3.4.25", False),
        ("python3.12", "GLIBCXX_3.4.29", True),
        ("python3.12", "GLIBCXX_3.4.30", False),
        ("python3.12", "CXXABI_1.3.13", True),
        ("python3.12", "CXXABI_1.3.14", False),
        ("python3.12", "CXXABI_FLOAT128", True),
        ("python3.12", "LIBOWN_9", True),
    ],
)
def test_versions_of_symbols(runtime: str, version: str, runs: bool) -> None:
    assert (obstacles(wanting("libx.so", version, "symbol"), target(runtime)) == ()) == runs


def test_the_symbol_is_named() -> None:
    assert obstacles(wanting("libc.so.6", "GLIBC_2.34", "pthread_create", "dlopen"), target()) == (
        "it needs `dlopen`, `pthread_create` in `GLIBC_2.34` of libc.so.6, and python3.11 has GLIBC_2.26",
    )
    many = wanting("libc.so.6", "GLIBC_2.34", *"abcde")
    assert "`a`, `b`, `c` and 2 more in" in obstacles(many, target())[0]
    assert obstacles(wanting("libc.so.6", "GLIBC_PRIVATE", "secret"), target()) == (
        "it needs `secret` in GLIBC_PRIVATE, which is internal to glibc and differs between versions",
    )


def test_another_machine() -> None:
    assert obstacles(OBJECT.data(), target(architecture=Architecture.ARM64)) == (
        "it is for x86_64, not for aarch64",
    )
    assert obstacles(replace(OBJECT, bits=32, machine=3).data(), target()) == (
        "it is for i386, not for x86_64",
    )
    assert obstacles(replace(OBJECT, bits=32).data(), target()) == (
        "it is for x86_64 of 32 bits, not for x86_64",
    )


def test_another_c_library() -> None:
    musl = replace(OBJECT, needed=("libc.musl-x86_64.so.1",), wants={})
    assert obstacles(musl.data(), target()) == (
        "it is linked with musl (`libc.musl-x86_64.so.1`), and the runtime has glibc",
    )


def test_what_no_linker_loads_is_in_nobodys_way() -> None:
    assert obstacles(replace(OBJECT, type=1, machine=AARCH64).data(), target()) == ()


def test_what_cannot_be_understood_is_no_proof() -> None:
    (reason,) = obstacles(OBJECT.data()[:100], target())
    assert reason.startswith("it cannot be understood: ")


def test_libraries_that_nobody_brings() -> None:
    needed = ("libc.so.6", "libstdc++.so.6", "ld-linux-x86-64.so.2", "libpq.so.5", "libown.so.1")
    data = replace(OBJECT, needed=needed).data()
    assert missing_libraries(data, beside={"libown.so.1"}) == ("libpq.so.5",)
    assert missing_libraries(b"no ELF file", beside=()) == ()
