from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.files import (
    ProjectFiles,
    copy_folder,
    is_inside,
    make_folders,
    open_regular,
    remove_folder,
    signature,
    walk_folders,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.real
def test_a_folder_is_copied_however_deep_it_is(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    make_folders(f"{source}{'/d' * 1500}")
    write_files(source, {"d/d/run.sh": "1", "build/left.txt": "2"})
    (source / "d/d/run.sh").chmod(0o755)
    (source / "inside").symlink_to("d/d/run.sh")
    write_files(tmp_path, {"outside.txt": "3"})
    (source / "outside").symlink_to("../outside.txt")
    (source / "nowhere").symlink_to("none")
    copy_folder(source, target, leave_out=lambda name: name == "build")
    assert sum(1 for _ in walk_folders(target)) == 1501
    assert (target / "d/d/run.sh").stat().st_mode & 0o777 == 0o755
    assert os.readlink(target / "inside") == "d/d/run.sh"
    assert (target / "outside").read_text() == "3"
    assert (target / "nowhere").is_symlink()
    assert not (target / "build").exists()
    remove_folder(source)
    remove_folder(target)


def test_a_path_that_is_none_cannot_be_opened(tmp_path: Path) -> None:
    for name in ("a\0b", "\udc80\ud800"):
        with pytest.raises(OSError):
            open_regular(tmp_path / name)


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert ProjectFiles().toml(tmp_path / "wherry.toml") == {"a": 1}


def test_a_file_is_seen_as_it_was_first_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": "a = 1\n"})
    files = ProjectFiles()
    path = tmp_path / "pyproject.toml"
    assert files.known(str(path)) is None
    assert files.toml(path) == {"a": 1}
    digest = files.digest(path)
    path.write_text("a = 2\n")
    assert files.read(path) == b"a = 1\n"
    assert files.toml(tmp_path / "x/../pyproject.toml") is files.toml(path)
    assert files.digest(path) == digest
    known = files.known(str(path))
    assert known is not None
    assert known.data == b"a = 1\n"
    assert ProjectFiles().digest(path) != digest


def test_a_file_that_is_missing_stays_missing(tmp_path: Path) -> None:
    files = ProjectFiles()
    path = tmp_path / "setup.cfg"
    assert files.digest(path) == ""
    path.touch()
    with pytest.raises(FileNotFoundError):
        files.read(path)


def test_a_value_is_computed_once_while_others_wait() -> None:
    files = ProjectFiles()
    computed: list[int] = []
    found: list[int] = []

    def compute() -> int:
        time.sleep(0.05)
        computed.append(1)
        # One value may need another.
        return files.once("other", lambda: 42)

    threads = [
        threading.Thread(target=lambda: found.append(files.once("key", compute))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (computed, found) == ([1], [42, 42, 42, 42])


def test_an_error_is_not_remembered() -> None:
    files = ProjectFiles()
    with pytest.raises(ZeroDivisionError):
        files.once("key", lambda: 1 // 0)
    assert files.once("key", lambda: 1) == 1


def test_a_signature_tells_a_change_but_for_files_that_are_too_new(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("1")
    os.utime(path, ns=(1, 1_500_000_001))
    assert signature(path.stat()) == ()
    time.sleep(0.15)
    before = signature(path.stat())
    assert before
    path.write_text("2")
    os.utime(path, ns=(1, 1_500_000_001))
    time.sleep(0.15)
    assert signature(path.stat()) not in {before, ()}, "the time of a change of status tells"


def test_folders_of_any_depth_are_made_walked_and_removed(tmp_path: Path) -> None:
    """PATH_MAX, not Python, is what limits them."""
    deep = tmp_path / ("d/" * 1900)
    make_folders(deep)
    make_folders(deep)
    (deep / "x").write_text("")
    (tmp_path / "d/link").symlink_to(tmp_path)
    (tmp_path / "d/itself").symlink_to("itself")
    found = list(walk_folders(tmp_path / "d"))
    assert (set(found[0][1]), found[0][2]) == ({"d", "link"}, ["itself"])
    assert len(found) == 1900
    assert found[-1] == (str(deep), [], ["x"])
    remove_folder(tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(FileExistsError):
        make_folders(tmp_path / "a")
    with pytest.raises(OSError, match="exists|directory"):
        make_folders(tmp_path / "a/b")


def test_what_a_removed_folder_links_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/x").write_text("")
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone/link").symlink_to(tmp_path / "kept")
    remove_folder(tmp_path / "gone")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "x"]


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "file").write_bytes(b"x")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"x"
    for name in ("pipe", "link", ""):
        with pytest.raises(OSError, match="not a regular file|directory"):
            open_regular(tmp_path / name)
        with pytest.raises(OSError, match="not a regular file|directory"):
            ProjectFiles().read(tmp_path / name)


def test_inside_means_with_links_followed(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    (tmp_path / "a/out").symlink_to("../ab")
    (tmp_path / "a/in").symlink_to("b")
    inside = {name: is_inside(tmp_path / name, tmp_path / "a") for name in ("a", "a/b", "a/in/x")}
    assert all(inside.values())
    outside = [is_inside(tmp_path / name, tmp_path / "a") for name in ("ab", "a/out", "a/..", "")]
    assert not any(outside)
