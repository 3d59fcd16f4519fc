"""The store keeps only sound files, whoever is killed, however many write."""

import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.files import as_nobody
from wherry.errors import FetchError, HashMismatchError, StoreError
from wherry.store import Store
from wherry.store import store as store_module

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX alone has modes, signals and limits")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(store: Store, data: bytes, **hashes: str):
    with store.writer() as writer:
        writer.write(data)
        return writer.commit(hashes=hashes, name="x-1.0-py3-none-any.whl")


def temporaries(store: Store) -> list[Path]:
    folder = store.root / "tmp"
    return list(folder.iterdir()) if folder.is_dir() else []


def start(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """A process that runs this code, once it has said something."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def stop(process: "subprocess.Popen[str]") -> None:
    process.communicate()
    assert process.returncode == 0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


@pytest.fixture
def open_folder():
    """A folder that others may enter, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class TestFiles:
    @settings(max_examples=30, deadline=None)
    @given(pieces=st.lists(st.binary(max_size=100), max_size=5))
    def test_what_is_committed_is_found(self, pieces):
        data = b"".join(pieces)
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            assert store.find(sha256(data)) is None
            with store.writer() as writer:
                for piece in pieces:
                    writer.write(piece)
                stored = writer.commit(hashes={"sha256": sha256(data)}, name="x")
            assert (stored.sha256, stored.size) == (sha256(data), len(data))
            assert store.find(sha256(data)) == stored.path
            assert stored.path.read_bytes() == data
            assert Store(Path(folder)).find_by({"sha256": sha256(data).upper()}) == stored

    def test_an_absent_store_is_empty_and_stays_absent(self, store):
        assert store.find("0" * 64) is None
        assert store.recall("index", "a") is None
        assert store.usage().files == 0
        assert store.prune(older_than=None).files == 0
        assert not store.root.exists()

    @posix
    def test_files_cannot_be_changed_by_accident(self, store):
        assert stat.S_IMODE(put(store, b"data").path.stat().st_mode) == 0o444

    def test_committing_again_leaves_the_first_file_in_place(self, store):
        first = put(store, b"data")
        before = first.path.stat()
        assert put(store, b"data") == first
        assert os.path.samestat(before, first.path.stat())
        assert temporaries(store) == []

    @pytest.mark.parametrize("size", [0, 3, 5])
    def test_a_file_of_another_size_is_absent_and_removed(self, store, size):
        stored = put(store, b"data")
        stored.path.chmod(0o644)
        stored.path.write_bytes(b"x" * size)
        assert store.find(stored.sha256) is None
        assert not stored.path.exists()
        assert put(store, b"data").path.read_bytes() == b"data"

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
    def test_a_block_that_raises_leaves_nothing(self, store, error):
        def interrupted() -> None:
            with store.writer() as writer:
                writer.write(b"data")
                raise error

        with pytest.raises(error):
            interrupted()
        assert temporaries(store) == []
        assert store.usage().files == 0

    def test_a_block_that_never_commits_leaves_nothing(self, store):
        with store.writer() as writer:
            writer.write(b"data")
            assert len(temporaries(store)) == 1
        assert temporaries(store) == []
        assert store.usage().files == 0

    def test_add_copies_a_local_file(self, store, tmp_path):
        path = tmp_path / "x.whl"
        path.write_bytes(b"data")
        stored = store.add(path, hashes={"sha256": sha256(b"data")})
        path.write_bytes(b"other")
        assert stored.path.read_bytes() == b"data"

    @pytest.mark.parametrize("name", ["absent.whl", "folder"])
    def test_add_of_what_cannot_be_read(self, store, tmp_path, name):
        (tmp_path / "folder").mkdir()
        with pytest.raises(FetchError, match="cannot read"):
            store.add(tmp_path / name)
        assert temporaries(store) == []


class TestHashes:
    @pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512", "blake2b", "sha3_256"])
    def test_a_wrong_digest_is_refused_and_nothing_is_kept(self, store, algorithm):
        wrong = hashlib.new(algorithm, b"other").hexdigest()
        got = hashlib.new(algorithm, b"data").hexdigest()
        with pytest.raises(HashMismatchError) as caught:
            put(store, b"data", **{algorithm: wrong})
        assert "x-1.0-py3-none-any.whl" in caught.value.message
        assert caught.value.where == (
            f"expected {algorithm} {wrong}",
            f"got {algorithm} {got}",
        )
        assert store.find(sha256(b"data")) is None
        assert temporaries(store) == []

    def test_every_digest_counts(self, store):
        good = {"sha256": sha256(b"data"), "md5": hashlib.md5(b"data").hexdigest()}
        assert put(store, b"data", **good)
        with pytest.raises(HashMismatchError):
            put(store, b"data", **(good | {"md5": "0" * 32}))
        with pytest.raises(HashMismatchError):
            put(store, b"data", **(good | {"sha512": "0" * 128}))

    @pytest.mark.parametrize("algorithm", ["md5", "sha1", "crc32"])
    def test_a_weak_hash_proves_nothing(self, store, algorithm):
        with suppress(ValueError):
            digest = hashlib.new(algorithm, b"data").hexdigest()
        with pytest.raises(FetchError, match="cannot be verified") as caught:
            put(store, b"data", **{algorithm: digest if algorithm != "crc32" else "0"})
        assert algorithm in str(caught.value)
        assert store.usage().files == 0

    @pytest.mark.parametrize("algorithm", ["sha384", "sha512", "blake2b"])
    def test_a_file_known_by_another_digest_is_found(self, store, algorithm):
        digest = hashlib.new(algorithm, b"data").hexdigest()
        assert store.find_by({algorithm: digest}) is None
        stored = put(store, b"data", **{algorithm: digest})
        assert store.find_by({algorithm: digest.upper()}) == stored
        stored.path.unlink()
        assert store.find_by({algorithm: digest}) is None

    @pytest.mark.parametrize("hashes", [{}, {"md5": "0"}, {"sha256": "../../x"}, {"sha256": ""}])
    def test_nothing_is_found_by_nothing(self, store, hashes):
        put(store, b"data")
        assert store.find_by(hashes) is None


class TestMemos:
    @pytest.mark.parametrize(
        "key",
        ["a", "x-1.0.whl", "UPPER", "upper", "a/b", "..", "", "é", "a" * 500, ".hidden", "a\0b"],
    )
    def test_what_was_remembered_is_recalled(self, store, key):
        assert store.recall("index", key) is None
        store.remember("index", key, b"one")
        store.remember("index", key, b"two")
        assert store.recall("index", key) == b"two"
        assert store.recall("other", key) is None
        assert store.usage().kinds == {"index": 3}

    def test_keys_that_differ_by_case_are_two_on_every_system(self, store):
        store.remember("index", "Key", b"one")
        store.remember("index", "key", b"two")
        names = [path.name.lower() for path in (store.root / "index-v1").iterdir()]
        assert len(names) == len(set(names))
        assert store.recall("index", "Key") == b"one"

    def test_a_store_that_cannot_be_written_forgets_silently(self, tmp_path):
        (tmp_path / "file").write_text("")
        store = Store(tmp_path / "file")
        store.remember("index", "a", b"value")
        assert store.recall("index", "a") is None

    def test_a_folder_has_parents_and_is_left_to_the_caller(self, store):
        folder = store.folder("backend", "key")
        assert folder == store.folder("backend", "key")
        assert folder.parent.is_dir()
        assert not folder.exists()
        assert store.folder("backend", "other") != folder


class TestLock:
    def test_threads_exclude_each_other(self, store):
        counter = 0

        def count() -> None:
            nonlocal counter
            for _ in range(5):
                with store.lock("backend", "key"):
                    seen = counter
                    time.sleep(0.001)
                    counter = seen + 1

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counter == 20

    def test_processes_exclude_each_other(self, store, tmp_path):
        code = """
import sys, pathlib
from wherry.store import Store
with Store(pathlib.Path(sys.argv[1])).lock("backend", "key"):
    print("ready", flush=True)
    sys.stdin.read()
    pathlib.Path(sys.argv[2]).write_text("done")
"""
        done = tmp_path / "done"
        process = start(code, store.root, done)
        with store.lock("backend", "other"):
            assert not done.exists()
        threading.Timer(0.1, stop, [process]).start()
        with store.lock("backend", "key"):
            assert done.exists()
        process.wait()

    def test_the_lock_of_a_killed_process_is_free(self, store):
        code = """
import sys, pathlib, time
from wherry.store import Store
with Store(pathlib.Path(sys.argv[1])).lock("backend", "key"):
    print("ready", flush=True)
    sys.stdin.read()
"""
        process = start(code, store.root)
        process.kill()
        process.communicate()
        with store.lock("backend", "key"):
            pass

    def test_an_error_inside_is_not_taken_for_the_store_s(self, store):
        with pytest.raises(FileNotFoundError), store.lock("backend", "key"):
            raise FileNotFoundError
        with store.lock("backend", "key"):
            pass


class TestPrune:
    def test_everything_goes(self, store):
        put(store, b"data")
        store.remember("index", "a", b"memo")
        folder = store.folder("backend", "key")
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").write_bytes(b"12345")
        expected = store.usage()
        assert (expected.files, expected.size) == (3, 13)
        assert expected.kinds == {"files": 4, "index": 4, "backend": 5}
        assert store.prune(older_than=None) == expected
        assert store.usage().files == 0
        assert store.find(sha256(b"data")) is None
        assert put(store, b"data").path.exists()

    def test_only_what_was_not_used_goes(self, store):
        old, new = put(store, b"old"), put(store, b"new")
        long_ago = time.time() - 10 * 86400
        os.utime(old.path, (long_ago, long_ago))
        removed = store.prune(older_than=timedelta(days=5))
        assert (removed.files, removed.size) == (1, 3)
        assert store.find(old.sha256) is None
        assert store.find(new.sha256)

    def test_finding_is_using(self, store):
        stored = put(store, b"data")
        store.remember("index", "a", b"memo")
        store.folder("backend", "key").mkdir()
        places = [stored.path, store.root / "index-v1" / "a", store.folder("backend", "key")]
        for place in places:
            os.utime(place, (0, 0))
        store.find(stored.sha256)
        store.recall("index", "a")
        store.folder("backend", "key")
        assert store.prune(older_than=timedelta(days=5)).files == 0
        assert all(place.exists() for place in places)

    def test_nothing_else_in_the_folder_is_touched(self, store):
        put(store, b"data")
        mine = store.root / "project-v2" / "thesis.txt"
        mine.parent.mkdir()
        mine.write_text("do not lose this")
        (store.root / "notes").write_text("nor this")
        store.prune(older_than=None)
        assert mine.exists()
        assert (store.root / "notes").exists()
        assert store.usage().files == 0

    def test_waits_for_a_build_that_is_going_on(self, store, monkeypatch):
        stored = put(store, b"data")
        code = """
import sys, pathlib
from wherry.store import Store
path = Store(pathlib.Path(sys.argv[1])).find(sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
sys.exit(path.read_bytes() != b"data")
"""
        process = start(code, store.root, stored.sha256)
        monkeypatch.setattr(store_module, "_TIMEOUT", 0.1)
        # That process held its `Store` for no longer than the expression.
        assert store.prune(older_than=timedelta(days=1)).files == 0
        stop(process)
        code = code.replace(
            "path = Store(pathlib.Path(sys.argv[1]))",
            "store = Store(pathlib.Path(sys.argv[1])); path = store",
        )
        process = start(code, store.root, stored.sha256)
        with pytest.raises(StoreError, match="in use") as caught:
            store.prune(older_than=None)
        assert caught.value.hint
        assert store.find(stored.sha256) == stored.path
        monkeypatch.setattr(store_module, "_TIMEOUT", 30)
        threading.Timer(0.2, stop, [process]).start()
        assert store.prune(older_than=None).files == 1

    def test_two_at_once(self, store):
        for number in range(20):
            put(store, b"%d" % number)
        other = Store(store.root)
        removed = []
        threads = [
            threading.Thread(target=lambda one=one: removed.append(one.prune(older_than=None)))
            for one in (store, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.usage().files == 0


class TestTrouble:
    def test_many_processes_commit_the_same_file(self, store):
        code = """
import sys, pathlib
from wherry.store import Store
store = Store(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
for number in range(20):
    with store.writer() as writer:
        writer.write(b"data" * 10000)
        stored = writer.commit(hashes={}, name="x")
    assert stored.path.read_bytes() == b"data" * 10000
    store.remember("index", "same", b"%d" % number * 1000)
    memo = store.recall("index", "same")
    assert len(set(memo)) <= 2 and len(memo) in (1000, 2000), memo
"""
        processes = [start(code, store.root) for _ in range(4)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        assert [process.wait() for process in processes] == [0] * 4
        for process in processes:
            assert process.stdout is not None
            process.stdout.close()
        assert store.usage().kinds.keys() == {"files", "index"}
        assert store.usage().files == 2
        assert temporaries(store) == []

    @posix
    def test_a_killed_writer_leaves_no_file_and_its_rubbish_goes(self, store):
        code = """
import sys, pathlib
from wherry.store import Store
with Store(pathlib.Path(sys.argv[1])).writer() as writer:
    writer.write(b"data" * 100000)
    print("ready", flush=True)
    sys.stdin.read()
"""
        process = start(code, store.root)
        process.kill()
        process.communicate()
        (leftover,) = temporaries(store)
        assert store.usage().files == 0
        assert leftover.is_file()
        put(Store(store.root), b"two")
        assert temporaries(store) == []

    @posix
    def test_prune_removes_what_killed_writers_left(self, store):
        put(store, b"data")
        (store.root / "tmp" / "99-0123456789abcdef").write_bytes(b"rubbish")
        store.prune(older_than=timedelta(days=1))
        assert temporaries(store) == []
        assert store.find(sha256(b"data"))

    @posix
    def test_a_full_disk(self, store):
        """The limit on a file's size stands for it: both are refused by `write`."""
        code = """
import resource, signal, sys, pathlib
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from wherry.store import Store
from wherry.errors import StoreError
store = Store(pathlib.Path(sys.argv[1]))
for size in (1 << 20, 150_000):
    try:
        with store.writer() as writer:
            for start in range(0, size, 1000):
                writer.write(b"x" * 1000)
            writer.commit(hashes={}, name="x")
    except StoreError as error:
        assert "WHERRY_CACHE_DIR" in error.hint and "free some space" in error.hint, error
    else:
        sys.exit("written")
print("ready", flush=True)
"""
        stop(start(code, store.root))
        assert temporaries(store) == []
        assert store.usage().files == 0

    def test_the_root_is_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        store = Store(tmp_path / "file")
        for attempt in (
            lambda: put(store, b"data"),
            lambda: store.folder("backend", "key"),
            lambda: store.lock("backend", "key").__enter__(),
        ):
            with pytest.raises(StoreError, match="cannot write to the store") as caught:
                attempt()
            assert "WHERRY_CACHE_DIR" in (caught.value.hint or "")
        assert store.find("0" * 64) is None

    @posix
    def test_a_store_that_may_only_be_read(self, open_folder):
        store = Store(open_folder / "cache")
        stored = put(store, b"data")
        os.utime(stored.path, (0, 0))
        with as_nobody():
            reader = Store(open_folder / "cache")
            assert reader.find(stored.sha256) == stored.path
            reader.remember("index", "a", b"memo")
            with pytest.raises(StoreError, match="cannot write") as caught:
                put(reader, b"other")
            with pytest.raises(StoreError):
                reader.prune(older_than=None)
        assert "may write" in (caught.value.hint or "")
        assert store.find(stored.sha256) == stored.path

    @posix
    def test_a_store_that_may_not_be_looked_into(self, open_folder):
        store = Store(open_folder / "cache")
        put(store, b"data")
        store.root.chmod(0)
        with as_nobody():
            reader = Store(open_folder / "cache")
            reader.sweep()
            with pytest.raises(StoreError, match="cannot write to the store"):
                put(reader, b"other")
        store.root.chmod(0o755)


class TestDefault:
    def test_the_variable_wins(self, monkeypatch, tmp_path):
        monkeypatch.setenv("WHERRY_CACHE_DIR", str(tmp_path / "mine"))
        assert Store.default().root == tmp_path / "mine"
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("WHERRY_CACHE_DIR", "here")
        assert Store.default().root == tmp_path / "here"
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("WHERRY_CACHE_DIR", "~/there")
        assert Store.default().root == tmp_path / "there"

    @pytest.mark.skipif(sys.platform == "win32", reason="HOME has no say on Windows")
    @pytest.mark.parametrize("home", ["", "relative"])
    @pytest.mark.parametrize("chosen", [None, "~/there"])
    def test_a_home_that_is_no_folder(self, monkeypatch, home, chosen):
        monkeypatch.setenv("HOME", home)
        monkeypatch.delenv("WHERRY_CACHE_DIR", raising=False)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        if chosen:
            monkeypatch.setenv("WHERRY_CACHE_DIR", chosen)
        with pytest.raises(StoreError, match="cannot tell where to keep the store"):
            Store.default()
        monkeypatch.setenv("WHERRY_CACHE_DIR", "/somewhere/else")
        assert str(Store.default().root).endswith("else")

    @pytest.mark.parametrize("custom", [None, "", "relative", "/somewhere/cache"])
    def test_else_the_system_s_custom(self, monkeypatch, custom):
        import platformdirs

        monkeypatch.delenv("WHERRY_CACHE_DIR", raising=False)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        plain = platformdirs.user_cache_path("wherry", appauthor=False)
        if custom is not None:
            monkeypatch.setenv("XDG_CACHE_HOME", custom)
        expected = plain
        if custom and custom.startswith("/") and sys.platform == "linux":
            expected = platformdirs.user_cache_path("wherry", appauthor=False)
            assert expected != plain
        assert Store.default().root == expected
