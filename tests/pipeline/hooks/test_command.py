"""Commands as the settings have them, and what is started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wherry.pipeline.hooks.command import arguments_of, for_cmd, for_shell, shown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is wanted")

PATHS = st.text(
    st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), min_size=1, max_size=12
)


def said(line: str) -> list[str]:
    """The words that the shell makes of the arguments of ``show``."""
    script = f'show() {{ for word; do printf "%s\\n" "$word"; done; }}\n{line}'
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    return done.stdout.decode().split("\n")[:-1]


@given(PATHS)
@example("a b")
@example("$(touch x)`id`")
@example('it\'s "here"')
@example("-n *;&|<>\\")
def test_a_path_is_one_word_in_whatever_quotes_it_stands(path: str) -> None:
    """K8: no folder's name is taken for a part of the command."""
    places = {"input": path, "output": "/out"}
    lines = {
        "show {input}": [path],
        'show "{input}"': [path],
        "show '{input}'": [path],
        "show a{input}/b": [f"a{path}/b"],
        'show "a {input}/b c"': [f"a {path}/b c"],
        "show 'a \"{input}' {output}": [f'a "{path}', "/out"],
        'show \\"{input}': [f'"{path}'],
        'show "$(show {input})x"': [f"{path}x"],
        'show "$(show \'{input}\' "{input}" | tail -n 1)"': [path],
        "(show {input})": [path],
    }
    for line, words in lines.items():
        assert said(for_shell(line, places)) == words, line


def test_other_braces_are_left_alone() -> None:
    places = {"input": "/in", "output": "/out"}
    line = "input=x; show ${input} {inputs} {} {a,b}"
    assert for_shell(line, places) == line
    assert arguments_of(["x", "${input}", "{input}/a", "{b}"], places) == [
        "x", "${input}", "/in/a", "{b}",
    ]  # fmt: skip


@given(PATHS)
def test_a_list_is_a_program_and_its_arguments(path: str) -> None:
    places = {"input": path, "output": path}
    command = ("show", "{input} *", "$HOME", "")
    assert arguments_of(command, places) == ["show", f"{path} *", "$HOME", ""]
    assert said(for_shell(command, places)) == [f"{path} *", "$HOME", ""]


def test_a_command_is_shown_as_it_was_written() -> None:
    assert shown("ls {output} | wc") == "ls {output} | wc"
    assert shown(("cp", "a b", "{output}")) == "cp 'a b' '{output}'"


def test_the_shell_of_windows() -> None:
    places = {"input": r"C:\my project", "output": r"C:\out"}
    assert for_cmd('copy {input}\\x "{input}\\y" {output}', places) == (
        r'copy "C:\my project"\x "C:\my project\y" C:\out'
    )
