"""Scripts that an installer has changed or generated.

Installers write their own interpreter's path into the first line of scripts, and generate launchers for
entry points, each in words of its own. Neither is part of the project.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.bundle.wheel import LAMBDA_SHEBANG

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["entry_points", "is_launcher", "with_lambda_shebang"]

# An absolute path of a Python, quoted where it has blanks, with or without arguments.
_BUILDER = re.compile(
    rb'#![ \t]*"?(?:/|[A-Za-z]:)[^\r\n]*?[/\\](?:python|pypy)[\w.-]*"?(?:[ \t][^\r\n]*)?\r?\n',
    re.IGNORECASE,
)
# The form that installers use where the path is too long for a first line, or has blanks.
_BUILDER_BY_SHELL = re.compile(rb"#!/bin/sh\r?\n'''exec' [^\r\n]*\r?\n' '''\r?\n")
_LINE = re.compile(
    r"""(?x)
    \#.* | import\ (?:re|sys)
    | from\ (?P<module>[\w.]+)\ import\ (?P<name>\w+)
    | if\ __name__\ ==\ '__main__':
    | (?:el)?if\ sys\.argv\[0\]\.endswith\('[^']*'\):
    | sys\.argv\[0\]\ =\ sys\.argv\[0\]\[:-\d+\]
    | sys\.argv\[0\]\ =\ sys\.argv\[0\]\.removesuffix\('[^']*'\)
    | sys\.argv\[0\]\ =\ re\.sub\(r'[^']*',\ '',\ sys\.argv\[0\]\)
    | sys\.exit\((?P<called>[\w.]+)\(\)\)
    """
)
_SECTION = re.compile(r"\[\s*([^]]*?)\s*\]")
_POINT = re.compile(r"([^=]+?)\s*=\s*([\w.]+)\s*:\s*([\w.]+)")


def with_lambda_shebang(content: bytes) -> bytes:
    """The script, with an interpreter that exists on Lambda in place of one on the machine that installed it."""
    found = _BUILDER.match(content) or _BUILDER_BY_SHELL.match(content)
    return LAMBDA_SHEBANG + content[found.end() :] if found else content


def entry_points(text: str) -> Mapping[str, tuple[str, str]]:
    """The scripts that an ``entry_points.txt`` asks for: module and object by the script's name."""
    points: dict[str, tuple[str, str]] = {}
    section = ""
    for line in text.splitlines():
        if match := _SECTION.fullmatch(line.strip()):
            section = match[1]
        elif section in {"console_scripts", "gui_scripts"} and (match := _POINT.match(line)):
            points[match[1].strip()] = (match[2], match[3])
    return points


def is_launcher(name: str, content: bytes, points: Mapping[str, tuple[str, str]]) -> bool:
    """Whether an installer generated this script for an entry point, unedited since."""
    # Of pip's own launchers there is one for each version: `pip3.13` for `pip3`.
    entries = {
        points[point]
        for point in points
        if re.fullmatch(rf"{re.escape(point)}[\d.]*(\.exe|-script\.pyw?)?", name)
    }
    if not entries:
        return False
    if name.endswith(".exe"):
        return True
    body = with_lambda_shebang(content)
    if not body.startswith(LAMBDA_SHEBANG):
        return False
    lines = body.decode("utf-8", "replace").replace('"', "'").splitlines()
    module = called = ""
    for line in lines[1:]:
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            return False
        module = match["module"] or module
        called = match["called"] or called
    return (module, called) in entries
