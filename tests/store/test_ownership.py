"""Nothing is removed from a store's folder but what Wherry has put there."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from support.projects import write_files
from wherry.store import Store
from wherry.store.memo import Memo

NOTES = Memo("notes", encode=str, decode=str)

# Files of somebody else's, some of them with names as Wherry gives them.
FOREIGN = {
    "thesis.txt": "do not lose this",
    "tmp/letter.txt": "nor this",
    "tmp/99-0123456789abcdef": "nor this",
    "tmp/folder/letter.txt": "nor this",
    "locks/door": "a photograph",
    "locks/backend-key": "a photograph",
    "notes-v1/key": "a note",
    "notes-v2/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# Made by another tool.\n",
    "notes-v2/a": "a note",
    f"files-v1/ab/{'ab' * 32}.3": "too long",
}


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def make_old(root: Path) -> None:
    for path in root.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (0, 0))


def use(store: Store) -> None:
    """Do everything that a build does with a store."""
    with store.writer() as writer:
        writer.write(b"data")
        stored = writer.commit(hashes={}, name="x")
    assert store.find(stored.sha256) == stored.path
    store.find("ab" * 32)
    NOTES.remember(store, "memo", "text")
    assert NOTES.recall(store, "memo") == "text"
    with store.lock("backend", "own"):
        pass
    (store.folder("notes", "folder") / "deep").mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("age", [None, timedelta(0), timedelta(days=1)], ids=str)
def test_a_folder_with_things_of_somebody_else_loses_nothing(
    tmp_path: Path, age: timedelta | None
) -> None:
    """As with `WHERRY_CACHE_DIR=~`."""
    write_files(tmp_path, FOREIGN)
    make_old(tmp_path)
    before = contents(tmp_path)
    for _ in range(2):
        use(Store(tmp_path))
        Store(tmp_path).verify()
        Store(tmp_path).prune(older_than=age)
    after = contents(tmp_path)
    assert {path: after.get(path) for path in before} == before
    assert (tmp_path / "tmp" / "folder").is_dir()
    # Backups are not to leave a home folder out.
    assert not (tmp_path / "CACHEDIR.TAG").exists()
    assert Store(tmp_path).usage().kinds.keys() == set()


def test_its_own_buckets_there_are_emptied(tmp_path: Path) -> None:
    write_files(tmp_path, {"thesis.txt": "mine"})
    store = Store(tmp_path)
    use(store)
    assert store.usage().kinds == {"files": 4, "notes": len(b"00000000" + b'"text"')}
    assert store.prune(older_than=None).files == 2
    assert store.usage().files == 0
    assert contents(tmp_path)["thesis.txt"] == b"mine"


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_a_folder_that_holds_nothing_is_tagged(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    store = Store(tmp_path / folder)
    assert store.find("0" * 64) is None
    use(store)
    signature = "Signature: 8a477f597d28d172789f06886806bc55\n"
    assert (store.root / "CACHEDIR.TAG").read_text().startswith(signature)
    assert (store.root / "files-v1" / "CACHEDIR.TAG").read_text().startswith(signature)


def test_other_names_in_its_own_folders_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    use(store)
    others = {
        "thesis.txt": "mine",
        "tmp/letter.txt": "mine",
        "tmp/99-0123": "mine",
        "locks/Door": "mine",
        "locks/.door": "mine",
        "notes-v1/Letter.txt": "mine",
        "notes-v1/.letter": "mine",
        "files-v1/letter.txt": "mine",
        "files-v1/ab/letter.txt": "mine",
        f"files-v1/ab/{'ab' * 32}": "mine",
        f"files-v1/abc/{'ab' * 32}.4": "mine",
    }
    write_files(store.root, others)
    (store.root / "tmp" / "99-0123456789abcdef").write_text("left by a killed process")
    make_old(store.root)
    use(Store(store.root))
    assert not (store.root / "tmp" / "99-0123456789abcdef").exists()
    store.prune(older_than=None)
    tags = {"CACHEDIR.TAG", "files-v1/CACHEDIR.TAG", "notes-v1/CACHEDIR.TAG", ".in-use"}
    assert contents(store.root).keys() == others.keys() | tags


@pytest.mark.parametrize("name", ["tmp", "locks", "notes-v1", "files-v1", "files-v1/ab"])
def test_symbolic_links_are_not_followed(tmp_path: Path, name: str) -> None:
    """Also where all that lies behind them has the names that Wherry gives."""
    other = Store(tmp_path / "other")
    use(other)
    write_files(
        other.root,
        {
            "tmp/99-0123456789abcdef": "mine",
            "notes-v1/key": "mine",
            f"files-v1/ab/{'ab' * 32}.3": "too long",
        },
    )
    make_old(other.root)
    before = contents(other.root)
    store = Store(tmp_path / "cache")
    use(store)
    path = store.root / name
    if path.exists():
        path.rename(tmp_path / "aside")
    path.symlink_to(other.root / name, target_is_directory=True)
    again = Store(store.root)
    again.find("ab" * 32)
    use(again)
    again.verify()
    again.prune(older_than=None)
    after = contents(other.root)
    assert {path: after.get(path) for path in before} == before
    assert path.is_symlink()


def test_a_link_in_a_bucket_is_no_item(tmp_path: Path) -> None:
    write_files(tmp_path, {"mine/letter.txt": "mine"})
    store = Store(tmp_path / "cache")
    use(store)
    links = [store.root / "notes-v1" / "link", store.root / "tmp" / "99-0123456789abcdef"]
    for link in links:
        link.symlink_to(tmp_path / "mine", target_is_directory=True)
    (store.root / "notes-v1" / "folder" / "deep" / "link").symlink_to(tmp_path / "mine")
    store.prune(older_than=None)
    assert all(link.is_symlink() for link in links)
    # A link inside of a folder goes with it, and what it leads to stays.
    assert not (store.root / "notes-v1" / "folder").exists()
    assert contents(tmp_path / "mine") == {"letter.txt": b"mine"}


def test_a_tag_for_which_there_was_no_room(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    write_files(
        store.root,
        {f"{each}CACHEDIR.TAG": "" for each in ("", "files-v1/", "digest-v1/", "notes-v1/")},
    )
    use(store)
    assert store.prune(older_than=None).files > 0
    left = {path.name for path in store.root.glob("*-v1/**/*") if path.is_file()}
    assert left == {"CACHEDIR.TAG"}


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_restored_store_with_other_things_than_files(kind: str, tmp_path: Path) -> None:
    """Nobody waits for a pipe, or reads a device to its end."""
    store = Store(tmp_path / "store")
    use(store)
    for path in [*store.root.glob("*-v1/*"), store.root / "CACHEDIR.TAG"]:
        if path.is_file():
            path.unlink()
            match kind:
                case "pipe":
                    os.mkfifo(path)
                case "device":
                    path.symlink_to("/dev/zero")
                case _:
                    path.mkdir()
    store = Store(store.root)
    assert NOTES.recall(store, "memo") is None
    store.prune(older_than=None)
    NOTES.remember(store, "memo", "again")
    assert NOTES.recall(store, "memo") == (None if kind == "folder" else "again")
