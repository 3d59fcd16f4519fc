"""A stored file that has changed since it was verified is read again."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.files import as_nobody
from wherry.store import Store, StoredFile
from wherry.store.verification import StoreVerification, is_stamped, stamp

opened: list[str] = []
renamed: list[float] = []


def listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        opened.append(str(arguments[0]))
    elif event == "os.rename":
        renamed.append(Path(str(arguments[0])).stat().st_mtime)


# A hook cannot be taken away again.
sys.addaudithook(listen)


def put(store: Store, data: bytes) -> StoredFile:
    with store.writer() as writer:
        writer.write(data)
        return writer.commit(hashes={}, name="x")


def readings(path: Path, sha256: str, store: Store) -> int:
    """How often finding a file opens it."""
    opened.clear()
    assert store.find(sha256) == path
    return opened.count(str(path))


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def test_a_file_that_was_verified_is_not_opened(store: Store) -> None:
    stored = put(store, b"data")
    assert readings(stored.path, stored.sha256, store) == 0
    assert readings(stored.path, stored.sha256, Store(store.root)) == 0


def test_a_file_that_is_being_written_looks_young(store: Store) -> None:
    """Or another process would take it for one that a killed process left."""
    renamed.clear()
    put(store, b"data")
    assert len(renamed) == 1
    assert time.time() - renamed[0] < 3600


def test_a_file_that_changed_is_absent_and_removed(store: Store) -> None:
    stored = put(store, b"data")
    overwrite(stored.path, b"DATA")
    assert store.find(stored.sha256) is None
    assert not stored.path.exists()
    assert put(store, b"data").path.read_bytes() == b"data"


def test_a_file_in_another_s_place_is_absent(store: Store) -> None:
    """With the other's time, as a tool may have copied it."""
    one, other = put(store, b"data"), put(store, b"DATA")
    times = one.path.stat()
    shutil.copyfile(other.path, store.root / "copy")
    (store.root / "copy").replace(one.path)
    os.utime(one.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.find(one.sha256) is None
    assert store.find(other.sha256) == other.path


@pytest.mark.parametrize("copy", [shutil.copy, shutil.copy2], ids=["without times", "with times"])
def test_a_restored_store_is_verified_once(tmp_path: Path, store: Store, copy) -> None:
    good, bad = put(store, b"data"), put(store, b"other")
    shutil.copytree(store.root, tmp_path / "restored", copy_function=copy)
    restored = Store(tmp_path / "restored")
    path = restored.root / good.path.relative_to(store.root)
    damaged = restored.root / bad.path.relative_to(store.root)
    overwrite(damaged, b"OTHER")
    assert readings(path, good.sha256, restored) == 1
    assert readings(path, good.sha256, restored) == 0
    assert readings(path, good.sha256, Store(restored.root)) == 0
    assert restored.find(bad.sha256) is None


def test_a_touched_file_is_verified_and_known(store: Store) -> None:
    stored = put(store, b"data")
    os.utime(stored.path, (0, 0))
    assert readings(stored.path, stored.sha256, store) == 1
    assert readings(stored.path, stored.sha256, Store(store.root)) == 0


def test_being_used_again_does_not_make_a_file_unknown(store: Store) -> None:
    stored = put(store, b"data")
    status = stored.path.stat()
    os.utime(stored.path, ns=(0, status.st_mtime_ns))
    assert readings(stored.path, stored.sha256, store) == 0
    assert store.prune(older_than=timedelta(days=1)).files == 0
    assert readings(stored.path, stored.sha256, store) == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes a file of another user")
def test_where_it_cannot_be_recorded_a_process_reads_once(tmp_path: Path) -> None:
    folder = Path("/tmp") / f"wherry-{os.urandom(4).hex()}"
    folder.mkdir()
    try:
        folder.chmod(0o755)
        stored = put(Store(folder / "cache"), b"data")
        os.utime(stored.path, (0, 0))
        with as_nobody():
            reader = Store(folder / "cache")
            assert readings(stored.path, stored.sha256, reader) == 1
            assert readings(stored.path, stored.sha256, reader) == 0
            assert readings(stored.path, stored.sha256, Store(folder / "cache")) == 1
    finally:
        shutil.rmtree(folder)


def test_verify_reads_all(store: Store) -> None:
    good = [put(store, b"%d" % number) for number in range(3)]
    damaged, cut = put(store, b"data"), put(store, b"other data")
    times = damaged.path.stat()
    overwrite(damaged.path, b"DATA")
    # As a disk does it: nothing but the content tells.
    os.utime(damaged.path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert store.find(damaged.sha256) == damaged.path
    overwrite(cut.path, b"other")
    assert store.verify() == StoreVerification(
        files=5, size=12, damaged=tuple(sorted([damaged.path.name, cut.path.name]))
    )
    assert store.find(damaged.sha256) is None
    assert all(store.find(stored.sha256) for stored in good)
    assert store.verify() == StoreVerification(files=3, size=3, damaged=())


def test_to_verify_is_not_to_use(store: Store) -> None:
    stored = put(store, b"data")
    os.utime(stored.path, (0, 0))
    store.verify()
    assert readings(stored.path, stored.sha256, store) == 0
    os.utime(stored.path, ns=(0, stored.path.stat().st_mtime_ns))
    store.verify()
    assert store.prune(older_than=timedelta(days=1)).files == 1


def test_to_verify_a_store_that_is_not_there(store: Store) -> None:
    assert store.verify() == StoreVerification(files=0, size=0, damaged=())
    assert not store.root.exists()


@given(data=st.binary(min_size=1, max_size=50), other=st.binary(min_size=1, max_size=50))
def test_a_stamp_is_of_one_digest_and_one_file(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, other: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    sha256, another = (hashlib.sha256(content).hexdigest() for content in (data, other))
    (folder / "one").write_bytes(data)
    (folder / "two").write_bytes(data)
    path = folder / "one"
    assert not is_stamped(sha256, path.stat())
    stamp(path, sha256, path.stat(), used=0)
    assert is_stamped(sha256, path.stat())
    assert is_stamped(another, path.stat()) is (another == sha256)
    stamp(folder / "two", sha256, path.stat(), used=0)
    assert not is_stamped(sha256, (folder / "two").stat())
