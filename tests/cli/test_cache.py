"""`wherry cache`: where the store is, how big, and how it shrinks."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from support.faults import hangs
from support.projects import make_project, write_files
from support.wheels import make_wheel
from support.zips import unzipped
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Wherry
    from support.index import Index

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
BETA = make_wheel("beta", "2.0")


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    index.add(ALPHA, BETA)
    return make_project(wherry.cwd, index, [ALPHA, BETA])


def stored(store: Path) -> list[Path]:
    return sorted(store.glob("files-v*/??/*"))


def test_where_it_is(wherry: Wherry, tmp_path: Path) -> None:
    assert wherry("cache", "dir").out == f"{wherry.store}\n"
    assert not wherry.store.exists()
    home = wherry("cache", "dir", WHERRY_CACHE_DIR="", XDG_CACHE_HOME=str(tmp_path / "xdg"))
    if sys.platform == "linux":
        assert home.out == f"{tmp_path / 'xdg' / 'wherry'}\n"


def test_how_big_it_is(wherry: Wherry, project: Path) -> None:
    assert wherry("cache", "size").out == "total                   0 B  in 0 files\n"
    wherry("build")
    document = wherry("cache", "size", "--json").document
    assert document["schema"] == 1
    assert document["kinds"]["files"] == len(ALPHA.data) + len(BETA.data)
    assert document["size"] == sum(document["kinds"].values())
    assert document["files"] > 2
    *kinds, total = wherry("cache", "size").out.splitlines()
    assert [line.split()[0] for line in kinds] == sorted(document["kinds"])
    assert total.endswith(f"in {document['files']} files")


def test_everything_is_removed_and_comes_again(wherry: Wherry, project: Path, index: Index) -> None:
    first = wherry("build", "--json").document["packages"][0]
    size = wherry("cache", "size", "--json").document
    done = wherry("cache", "prune")
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"Removed {size['files']} files (")
    assert wherry("cache", "size", "--json").document["files"] == 0
    asked = len(index.downloads)
    again = wherry("build", "--json").document["packages"][0]
    assert len(index.downloads) == asked + 2
    assert again == {**first, "changed": False}


def test_a_store_that_is_not_there(wherry: Wherry) -> None:
    done = wherry("cache", "prune", "--json")
    assert (done.code, done.document) == (0, {"schema": 1, "files": 0, "size": 0, "kinds": {}})
    assert not wherry.store.exists()


def test_only_what_was_not_used_for_long(wherry: Wherry, project: Path) -> None:
    wherry("build")
    assert wherry("cache", "prune", "--older-than", "1h", "--json").document["files"] == 0
    alpha, beta = sorted(stored(wherry.store), key=lambda path: ALPHA.sha256 not in path.name)
    ago = time.time() - 40 * 24 * 60 * 60
    os.utime(alpha, (ago, ago))
    assert wherry("cache", "prune", "--older-than", "6w", "--json").document["files"] == 0
    removed = wherry("cache", "prune", "--older-than", "30d", "--json").document
    assert removed == {
        "schema": 1,
        "files": 1,
        "size": len(ALPHA.data),
        "kinds": {"files": len(ALPHA.data)},
    }
    assert stored(wherry.store) == [beta]
    # What was used again is young again.
    os.utime(beta, (ago, ago))
    (project / "dist" / "lambda" / "shop.zip").unlink()
    assert wherry("build").code == 0
    assert wherry("cache", "prune", "--older-than", "30d", "--json").document["files"] == 0


@pytest.mark.parametrize("age", ["", "30", "d", "-3d", "1.5d", "30 days", "3m"])
def test_what_is_no_age(wherry: Wherry, age: str) -> None:
    done = wherry("cache", "prune", "--older-than", age)
    assert (done.code, done.out) == (2, "")
    assert "an age is a number and d, h or w, such as 30d" in done.error


def test_an_age_beyond_all_bounds(wherry: Wherry, project: Path) -> None:
    wherry("build")
    done = wherry("cache", "prune", "--older-than", f"{'9' * 30}w")
    assert (done.code, done.out) == (2, "")
    assert done.error.startswith("error: invalid value for '--older-than': it is too large\n")
    assert stored(wherry.store)


def test_what_is_not_wherrys_stays(wherry: Wherry, project: Path) -> None:
    write_files(wherry.store, {"notes.txt": "mine", "files-v1x/a": "mine", "other-v1/b": "mine"})
    wherry("build")
    wherry("cache", "prune")
    assert (wherry.store / "notes.txt").is_file()
    assert (wherry.store / "files-v1x" / "a").is_file()
    assert (wherry.store / "other-v1" / "b").is_file()


def test_verify(wherry: Wherry) -> None:
    """It reads all files, and those that are damaged go."""
    assert wherry("cache", "verify").err == "Verified 0 files (0 B)\n"
    assert not wherry.store.exists()
    store = Store(wherry.store)
    paths = []
    for data in (b"good", b"damaged"):
        with store.writer() as writer:
            writer.write(data)
            paths.append(writer.commit(hashes={}, name="x").path)
    good, damaged = paths
    assert wherry("cache", "verify").err == "Verified 2 files (11 B)\n"
    times = damaged.stat()
    damaged.chmod(0o644)
    damaged.write_bytes(b"DAMAGED")
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = wherry("cache", "verify", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document == {"schema": 1, "files": 2, "size": 11, "damaged": [damaged.name]}
    assert stored(wherry.store) == [good]
    good.chmod(0o644)
    good.write_bytes(b"GOOD")
    done = wherry("cache", "verify")
    assert (done.code, done.out) == (0, "")
    assert done.err == "Verified 1 file (4 B), removed 1 that was damaged\n"
    assert stored(wherry.store) == []


def test_pruning_waits_for_a_build(wherry: Wherry, project: Path, index: Index) -> None:
    """A build under way loses nothing that it is about to read."""
    release = threading.Event()
    index.fault = hangs(release, below=f"/files/{ALPHA.filename}", body=ALPHA.data)

    try:
        build = wherry.start("build", "--quiet")
        # The other file has arrived, and is needed at the end.
        while not (stored(wherry.store) and any((wherry.store / "tmp").iterdir())):
            assert build.poll() is None, build.communicate()
            time.sleep(0.005)
        prune = wherry.start("cache", "prune")
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            assert prune.poll() is None, "it did not wait"
            time.sleep(0.02)
        assert stored(wherry.store)
    finally:
        index.fault = None
        release.set()
    out, err = build.communicate()
    assert (build.returncode, out, err) == (0, "dist/lambda/shop.zip\n", "")
    _, err = prune.communicate()
    assert (prune.returncode, err[:8]) == (0, "Removed ")
    assert stored(wherry.store) == []
    assert unzipped(project / "dist" / "lambda" / "shop.zip")
