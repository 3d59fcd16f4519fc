"""Advisory locks, when files come and go below them."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from wherry.store.file_lock import SharedLock, exclusive

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be removed")
def test_who_waits_for_a_file_that_is_removed_gets_the_new_one(tmp_path: Path) -> None:
    """Or two would each hold a lock, of a file of the same name."""
    path = tmp_path / "lock"
    first, second, third = (threading.Event() for _ in range(3))
    inside: list[str] = []

    def wait() -> None:
        first.set()
        with exclusive(path):
            inside.append("in")
            second.set()
            third.wait()
            inside.append("out")

    waiting = threading.Thread(target=wait)
    with exclusive(path):
        waiting.start()
        first.wait()
        # Long enough for it to have opened the file that is about to go.
        threading.Event().wait(0.1)
        path.unlink()
    second.wait()
    threading.Timer(0.1, third.set).start()
    with exclusive(path):
        assert inside == ["in", "out"]
    waiting.join()


def test_many_share_a_lock_and_one_may_take_it_alone(tmp_path: Path) -> None:
    one, other = SharedLock(tmp_path / "mark"), SharedLock(tmp_path / "mark")
    assert not one.take_alone(timeout=0)
    del other
    assert one.take_alone(timeout=0)
    entered = threading.Event()

    def enter() -> None:
        SharedLock(tmp_path / "mark")
        entered.set()

    late = threading.Thread(target=enter)
    late.start()
    assert not entered.wait(0.1)
    one.share()
    entered.wait()
    late.join()


def test_two_that_want_it_alone_do_not_wait_for_each_other(tmp_path: Path) -> None:
    done: list[bool] = []
    both = threading.Barrier(2)

    def take_it() -> None:
        mark = SharedLock(tmp_path / "mark")
        both.wait()
        done.append(mark.take_alone(timeout=1000))

    threads = [threading.Thread(target=take_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True, True]
