from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.interpreters import missing
from support.work import at_most
from wherry.bundle.patterns import Patterns, compile_patterns
from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 100 + "*b", "a" * 250),
        ("*[ab]" * 60 + "*c", "ab" * 120),
        ("*?a" * 60 + "*c", "a" * 250),
        ("/x/" + "a*" * 100 + "b", "x/" + "a" * 250),
        ("**/a/" * 60 + "b", "a/" * 1500 + "c"),
        ("**/*a*a/" * 60 + "b", "aaaa/" * 700 + "c"),
        ("*" * 10_000 + "b", "a" * 250),
    ],
)
def test_no_pattern_takes_much_work(pattern: str, path: str) -> None:
    found = patterns(pattern)
    with at_most(len(pattern) * len(path)):
        assert found.decide(path) is None


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("name{}", "dir/name7"),
        ("a/{}*x", "a/7abx"),
        ("*.{}", "dir/a.7"),
        ("/a/{}.py", "a/7.py"),
        ("{}*x", "dir/7abx"),
        ("*{}*x", "a7ax"),
        ("[ab]{}", "b7"),
    ],
)
def test_many_patterns_take_little_work(pattern: str, path: str) -> None:
    many = 2000
    with at_most(500 * many):
        found = patterns(*map(pattern.format, range(many)), "!a.py")
        assert not found.match("dir/a.py")
        assert found.match(path)


def test_folders_are_asked_about_at_any_depth() -> None:
    assert patterns("/a/").match("a/" * 3000 + "x")
    assert not patterns("/b/").match("a/" * 3000 + "x")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        missing("git is not installed")
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def decisions_of_git(root: Path, lines: Sequence[str], paths: Sequence[str]) -> list[bool | None]:
    """What `git check-ignore` says of paths that need not exist."""
    (root / ".gitignore").write_bytes("\n".join(lines).encode())
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--verbose", "--non-matching", "-z", "--stdin"],
        cwd=root,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    fields = done.stdout.decode().split("\0")[:-1]
    assert fields[3::4] == list(paths)
    return [None if not text else not text.startswith("!") for text in fields[2::4]]


NAMES = st.text(alphabet="ab-]*.", min_size=1, max_size=6).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
PARTS = "a b - * ** ? / / **/ /** [ab] [!a] []-] [a-b] \\* [[:alpha:]] [^[:punct:]] . [!]a] [b-a] ]"
PATTERNS = st.tuples(
    st.sampled_from(["", "", "!"]),
    st.lists(st.sampled_from(PARTS.split()), min_size=1, max_size=9).map("".join),
).map("".join)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(PATTERNS, min_size=1, max_size=4), paths=st.lists(PATHS, max_size=30))
def test_decisions_are_those_of_git(repository: Path, lines: list[str], paths: list[str]) -> None:
    paths = [path for path in dict.fromkeys(paths) if ".git" not in path]
    if not paths:
        return
    found = compile_patterns(lines, where="here", lenient=True)
    assert [decide(found, path) for path in paths] == decisions_of_git(repository, lines, paths)


def decide(found: Patterns | None, path: str) -> bool | None:
    """The decision about a path: that about the first of its folders that matches, else its own."""
    if found is None:
        return None
    places = [index for index, character in enumerate(path) if character == "/"]
    for end in places:
        if found.decide(path[: end + 1]):
            return True
    return found.decide(path)
