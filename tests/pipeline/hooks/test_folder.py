"""A package's files in a folder and back."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.bundles import entries, offer
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import SourceFile, inline
from wherry.errors import HookError
from wherry.pipeline.hooks.folder import Unpacked, read_folder, unpack
from wherry.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "package"
    made.mkdir()
    return made


def back(folder: Path, store: Store, before: Unpacked | None = None) -> Bundle:
    return read_folder(folder, what="`api`", store=store, before=before or {})


@given(st.data())
def test_what_no_command_touches_comes_back_as_it_was(data: st.DataObject) -> None:
    """N1: the very same entries, with their compressed bytes."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "package").mkdir()
        bundle = Bundle.of(data.draw(entries(offer(scratch))))
        before = unpack(bundle, scratch / "package")
        assert back(scratch / "package", Store(scratch / "store"), before) == bundle
        assert not (scratch / "store" / "files-v1").exists()


def test_what_a_command_changes_is_stored(folder: Path, store: Store) -> None:
    bundle = Bundle.of(
        [inline(name, b"old", owner="alpha") for name in ("changed", "gone", "kept", "mode", "d/x")]
    )
    before = unpack(bundle, folder)
    (folder / "changed").write_bytes(b"new")
    (folder / "gone").unlink()
    (folder / "mode").chmod(0o777)
    (folder / ".new").mkdir()
    (folder / ".new" / ".hidden.pyc").write_bytes(b"")
    found = back(folder, store, before)
    assert [
        (entry.path, entry.executable, read_all(entry.payload), entry.owner) for entry in found
    ] == [
        (".new/.hidden.pyc", False, b"", "hooks"),
        ("changed", False, b"new", "alpha"),
        ("d/x", False, b"old", "alpha"),
        ("kept", False, b"old", "alpha"),
        ("mode", True, b"old", "alpha"),
    ]
    # It outlives the folder.
    changed = found.entries[1].payload
    assert isinstance(changed, SourceFile)
    assert changed.path.is_relative_to(store.root)


def test_a_file_with_the_time_and_size_it_had_is_read(folder: Path, store: Store) -> None:
    before = unpack(Bundle.of([inline("a", b"one", owner="x")]), folder)
    was = (folder / "a").stat()
    (folder / "a").write_bytes(b"two")
    os.utime(folder / "a", ns=(was.st_atime_ns, was.st_mtime_ns))
    (entry,) = back(folder, store, before)
    assert read_all(entry.payload) == b"two"


def test_modes_and_times_are_those_of_the_package(folder: Path) -> None:
    unpack(
        Bundle.of([inline("a", b"", owner="x"), inline("b", b"", owner="x", executable=True)]),
        folder,
    )
    found = [(folder / name).stat() for name in "ab"]
    assert [oct(one.st_mode & 0o777) for one in found] == ["0o644", "0o755"]
    assert {one.st_mtime for one in found} == {315532800}


def test_links(folder: Path, store: Store) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "a").write_bytes(b"a")
    (folder / "b").symlink_to("lib/a")
    (folder / "also").symlink_to("lib")
    assert [entry.path for entry in back(folder, store)] == ["also/a", "b", "lib/a"]
    (folder / "out").symlink_to("/etc/hostname")
    (folder / "nowhere").symlink_to("gone")
    with pytest.raises(HookError) as caught:
        back(folder, store)
    assert caught.value.message == "what the commands left in `api` cannot be packaged"
    assert caught.value.where == (
        "the link `nowhere` to `gone` leads nowhere",
        "the link `out` to `/etc/hostname` leaves the project's folder",
    )


def test_names_that_cannot_stand_in_a_package(folder: Path, store: Store) -> None:
    (folder / "a\\b").write_bytes(b"")
    with pytest.raises(HookError, match="cannot be packaged"):
        back(folder, store)


def test_two_names_that_are_one_file_here(folder: Path) -> None:
    """As on a file system that keeps no capitals apart."""
    (folder / "a").write_bytes(b"")
    with pytest.raises(HookError, match="cannot unpack `a`"):
        unpack(Bundle.of([inline("a", b"x", owner="x")]), folder)
