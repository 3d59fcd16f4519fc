"""From a command of the settings to what is started.

A list is a program and its arguments: no shell has a say. A text is a line for the shell (``sh``, on Windows
``cmd``). ``{input}`` and ``{output}`` stand for folders in both, and for a shell the folder's path is written so
that it is one word, or part of one, whatever characters it has: the quotes that it stands in are heeded.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.settings.model import Command

__all__ = ["arguments_of", "for_cmd", "for_shell", "shown"]

# `${input}` is the shell's own.
_PLACE = re.compile(r"(?<!\$)\{(input|output)\}")
_AT_PLACE = re.compile(r"\{(input|output)\}")
# What has a meaning between double quotes.
_SPECIAL = re.compile(r'([\\"$`])')


def shown(command: Command) -> str:
    """The command as it was written, for people."""
    return command if isinstance(command, str) else shlex.join(command)


def arguments_of(command: Sequence[str], places: Mapping[str, str]) -> list[str]:
    """The program and its arguments.

    Args:
        command: as the settings have it.
        places: the paths of ``input`` and ``output``.
    """
    return [_PLACE.sub(lambda found: places[found[1]], word) for word in command]


def for_shell(command: Command, places: Mapping[str, str]) -> str:
    """The command as a line for a POSIX shell; arguments as ``arguments_of``."""
    if not isinstance(command, str):
        return shlex.join(arguments_of(command, places))
    return "".join(_pieces(command, places))


def for_cmd(command: str, places: Mapping[str, str]) -> str:
    """The command as a line for Windows' own shell, where double quotes are the only ones."""
    from subprocess import list2cmdline

    def word(found: re.Match[str]) -> str:
        quoted = command.count('"', 0, found.start()) % 2
        return places[found[1]] if quoted else list2cmdline([places[found[1]]])

    return _PLACE.sub(word, command)


def _pieces(line: str, places: Mapping[str, str]) -> Iterator[str]:
    """The line in pieces; ``within`` tells in which quotes, one in another where there is ``"$(…)"``."""
    within = [""]
    at = 0
    while at < len(line):
        quote, char = within[-1], line[at]
        found = _AT_PLACE.match(line, at)
        if found and line[at - 1 : at] != "$":
            yield _QUOTED[quote](places[found[1]])
            at = found.end()
            continue
        size = 1
        if quote == "'":
            if char == "'":
                within.pop()
        elif char == "\\":
            size = 2
        elif line.startswith("$(", at):
            within.append("(")
            size = 2
        elif char == '"':
            if quote == '"':
                within.pop()
            else:
                within.append('"')
        elif quote != '"':
            if char == "'":
                within.append("'")
            elif char == "(":
                within.append("(")
            elif char == ")" and quote == "(":
                within.pop()
        yield line[at : at + size]
        at += size


_QUOTED: Mapping[str, Callable[[str], str]] = {
    "": shlex.quote,
    "(": shlex.quote,
    '"': lambda path: _SPECIAL.sub(r"\\\1", path),
    "'": lambda path: path.replace("'", "'\\''"),
}
