"""Collected problems, and suggestions for misspelt names."""

from __future__ import annotations

import pytest

from wherry.errors import LockError, SettingsError
from wherry.problems import Problems, did_you_mean, nearest

KNOWN = ["runtime", "groups", "extras"]


def test_the_nearest_name() -> None:
    assert nearest("runtme", KNOWN) == "runtime"
    assert nearest("zzz", KNOWN) is None
    assert nearest("runtme", KNOWN, similarity=0.99) is None


def test_a_hint_for_several_names() -> None:
    assert did_you_mean("grops", "zzz", "extra", "group", known=iter(KNOWN)) == (
        "did you mean `groups`, `extras`?"
    )
    assert did_you_mean("zzz", known=KNOWN) is None


def test_no_problem_is_no_error() -> None:
    Problems(SettingsError, "wrong").raise_all()


def test_all_problems_are_one_error() -> None:
    problems = Problems(LockError, "the lock is wrong")
    problems.add("b", "expected a string", hint="quote it", line=7)
    problems.add("grops", "there is no such setting", hint="quote it", line=3)
    problems.suggest("grops", KNOWN, prefix="tool.")
    with pytest.raises(LockError) as caught:
        problems.raise_all()
    assert str(caught.value) == (
        "the lock is wrong\n"
        "  ├─▶ line 3: grops: there is no such setting\n"
        "  ╰─▶ line 7: b: expected a string\n"
        "hint: did you mean `tool.groups`?\n"
        "quote it"
    )


def test_a_file_of_problems() -> None:
    problems = Problems(LockError, "the lock is wrong")
    for number in range(100_000):
        problems.add(f"groups{number}", "there is no such setting", hint=f"remove {number}")
        problems.suggest(f"groups{number}", KNOWN)
    with pytest.raises(LockError) as caught:
        problems.raise_all()
    assert caught.value.where[-2:] == (
        "groups29: there is no such setting",
        "and 99,970 more",
    )
    assert len(caught.value.where) == 31
    assert len((caught.value.hint or "").splitlines()) == 31
