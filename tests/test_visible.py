"""Strangers' text is shown, and not obeyed."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.cli.render import Terminal, error_text
from wherry.errors import LockError, WherryError
from wherry.events import ComparisonFailed, HookOutput, HookStarted, Note, Warned
from wherry.visible import Lines, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines", "two\\nlines"),
        ("back\rto the start", "back\\rto the start"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31mred in one", "\\x9b31mred in one"),
        ("bell\x07 and \x08 and \x00", "bell\\x07 and \\x08 and \\x00"),
        ("exe.\u202etxt", "exe.\\u202etxt"),
        ("\u2066isolated\u2069", "\\u2066isolated\\u2069"),
        ("one\u2028two\x85three\x0bfour", "one\\u2028two\\x85three\\x0bfour"),
        ("\ufeffmark", "\\ufeffmark"),
        ("no\u200bwidth", "no\\u200bwidth"),
        ("of a path \udcff", "of a path \\udcff"),
        ("\U000e0041 tag", "\\U000e0041 tag"),
        ("a\ttab, ├─▶, ä and 日本", "a\ttab, ├─▶, ä and 日本"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_what_python_calls_printable_is_shown_as_it_is() -> None:
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    # The line feed is not printable, and so are all characters looked at one by one.
    assert visible(f"\n{printable}") == f"\\n{printable}"


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    for character in visible(text):
        assert character == "\t" or unicodedata.category(character) not in {"Cc", "Zl", "Zp", "Cs"}
        assert unicodedata.bidirectional(character) not in {
            *("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
        }


def test_lines_of_wherrys_own_stay() -> None:
    assert visible(Lines("a\x07\nb\r\nc")) == "a\\x07\nb\\r\nc"
    assert visible(Lines("")) == ""


FORGED = "the reason\nerror: \x1b[2Kall is well\r\u202e"


def test_in_an_error() -> None:
    error = LockError(FORGED, where=[FORGED, FORGED], hint="do this\nor \x1bthat")
    for text in (error_text(error, color=False), error_text(error, color=True), str(error)):
        plain = text
        for own in ("\x1b[31m", "\x1b[36m", "\x1b[1m", "\x1b[0m", "\n"):
            plain = plain.replace(own, "")
        assert "\x1b" not in plain
        assert "\r" not in plain
        assert "\u202e" not in plain
        lines = text.splitlines()
        assert [line for line in lines[1:] if line.startswith("error:")] == []


def test_a_cause_of_several_lines_keeps_them() -> None:
    error = WherryError("x", where=[Lines("first\n    second"), "last"])
    assert error_text(error, color=False) == "error: x\n  ├─▶ first\n  │       second\n  ╰─▶ last"


@pytest.mark.parametrize(
    "event",
    [
        Warned(text=FORGED, hint="do this"),
        Note(text=FORGED),
        HookOutput(text=f"first\rlast \x1b[2K {FORGED[:10]}\nerror: "),
        HookStarted(command=f"run {FORGED[:10]}\x1b[2K"),
        ComparisonFailed(name="x", cause=FORGED),
    ],
)
def test_in_what_is_told(
    event: Warned | Note | HookOutput | HookStarted | ComparisonFailed,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with Terminal(verbose=True) as terminal:
        terminal.emit(event)
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\r" not in told
    assert len(told.splitlines()) == (2 if isinstance(event, Warned) else 1)
