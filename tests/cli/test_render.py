"""Lines on stderr: nothing is glued to them, and what was fetched is said before them."""

from __future__ import annotations

import pytest

from wherry.cli.render import Terminal
from wherry.events.build import DownloadFinished, DownloadStarted, HookOutput


def test_a_line_begins_at_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as terminal:
        terminal.output(b"no end")
        terminal.line("REPORT")
        terminal.output(b"a line\n")
        terminal.line("REPORT")
        terminal.output(b"in two ")
        terminal.output("pieces ü".encode())
        terminal.end_line()
        terminal.end_line()
        terminal.output(b"last")
    assert capsys.readouterr().err == "no end\nREPORT\na line\nREPORT\nin two pieces ü\nlast\n"


def test_what_was_fetched_is_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as terminal:
        for write in (terminal.line, lambda text: terminal.output(text.encode() + b"\n")):
            terminal.emit(DownloadStarted(filename="a.whl", size=3))
            terminal.emit(DownloadFinished(filename="a.whl", size=3))
            write("then")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(" (")[0] for line in lines] == ["Fetched 1 file", "then"] * 2


@pytest.mark.parametrize("verbose", [False, True])
def test_output_of_hooks(verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal(verbose=verbose) as terminal:
        terminal.emit(HookOutput(text="compiled"))
    assert capsys.readouterr().err == ("  compiled\n" if verbose else "")
