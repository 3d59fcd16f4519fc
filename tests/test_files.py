from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles, signature

if TYPE_CHECKING:
    from pathlib import Path


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
