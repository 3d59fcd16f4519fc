from __future__ import annotations

import pytest

from wherry.bundle.patterns import Patterns, compile_patterns
from wherry.errors import SettingsError


def patterns(*lines: str) -> Patterns:
    found = compile_patterns(lines, where="here")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("lines", "path", "matches"),
    [
        (["tests/"], "tests/a.py", True),
        (["tests/"], "shop/tests/a.py", True),
        (["/tests/"], "shop/tests/a.py", False),
        (["tests/"], "tests", False),
        (["tests/"], "tests/", True),
        (["*.md"], "docs/a.md", True),
        (["*.md", "!keep.md"], "docs/keep.md", False),
        (["data/**/x"], "data/a/b/x", True),
        (["data/*"], "data/a/b", True),
        (["[ab].py"], "a.py", True),
        ([r"\#odd"], "#odd", True),
        (["*.MD"], "a.md", False),
    ],
)
def test_patterns_are_read_as_git_reads_them(lines: list[str], path: str, matches: bool) -> None:
    assert patterns(*lines).match(path) is matches


def test_a_decision_tells_what_was_taken_back_from_what_was_never_named() -> None:
    found = patterns("*.md", "!keep.md")
    assert (found.decide("a.md"), found.decide("keep.md"), found.decide("a.py")) == (
        True,
        False,
        None,
    )


def test_comments_and_empty_lines_are_no_patterns() -> None:
    assert compile_patterns(["", "  ", "# all"], where="here") is None


def test_all_wrong_patterns_are_named() -> None:
    with pytest.raises(SettingsError, match="`exclude` holds invalid gitignore patterns") as caught:
        compile_patterns(["*.md", "!", "a[b", "ok", "b\\"], where="`exclude`")
    assert list(caught.value.where) == ["`!`", "`a[b`", "`b\\`"]


def test_git_passes_over_what_it_does_not_understand() -> None:
    found = compile_patterns(["!", "*.md"], where="here", lenient=True)
    assert found is not None
    assert found.match("a.md")
