"""The program that compiles, run by an interpreter of the target's version.

It reads records from its standard input: a folder of this package with the form of code, then name and source of each
module. It writes a record for each: a ``.pyc`` file (PEP 552, unchecked hash), or nothing for what does not compile.
Nothing that it compiles is executed.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import ToolError
from wherry.tools.process import Command, KeptOutput, TimeLimitError, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wherry.interpreters import BuildPython

__all__ = ["compile_modules"]

_PROGRAM = """
import marshal, sys
from importlib.util import MAGIC_NUMBER, source_hash
stdin, stdout = sys.stdin.buffer, sys.stdout.buffer

def record():
    head = stdin.read(4)
    return stdin.read(int.from_bytes(head, "little")) if head else None

space = {"__name__": "canonical"}
exec(compile(record(), "canonical", "exec"), space)
# What is nested deeper would end the process.
sys.setrecursionlimit(5000)
while (name := record()) is not None:
    source = record()
    try:
        code = compile(source, name.decode(), "exec", dont_inherit=True, optimize=0)
        body = space["canonical"](marshal.dumps(code))
        made = MAGIC_NUMBER + b"\\1\\0\\0\\0" + source_hash(source) + body
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        made = b""
    stdout.write(len(made).to_bytes(4, "little") + made)
    stdout.flush()
"""
_CANONICAL = Path(__file__).with_name("canonical.py")
_PATIENCE = 600.0


def compile_modules(
    modules: Sequence[tuple[str, bytes]], python: BuildPython, cwd: Path
) -> list[bytes]:
    """The ``.pyc`` files of modules; empty for one that does not compile.

    Args:
        modules: the path that tracebacks are to show, and the source, of each.
        python: the interpreter that compiles.
        cwd: a folder to run in.

    Raises:
        ToolError: the interpreter cannot be run.
    """
    made: list[bytes] = []
    while len(made) < len(modules):
        done = _compiled(modules[len(made) :], python, cwd)
        made += done
        if len(made) < len(modules):
            # The one that ended the process.
            made.append(b"")
    return made


def _compiled(modules: Sequence[tuple[str, bytes]], python: BuildPython, cwd: Path) -> list[bytes]:
    fields = [_CANONICAL.read_bytes()]
    for name, source in modules:
        fields += [name.encode(), source]
    output, errors = bytearray(), KeptOutput()
    try:
        status = run(
            Command(
                # `-I`: no variable of the environment counts.
                arguments=[python.path, "-I", "-S", "-W", "ignore", "-c", _PROGRAM],
                cwd=cwd,
                environment=os.environ,
                seconds=_PATIENCE,
                stdin=b"".join(_records(fields)),
            ),
            output.extend,
            errors.add,
        )
    except (OSError, subprocess.SubprocessError, TimeLimitError) as error:
        raise ToolError(
            f"`{python.path}` did not compile the modules of a package",
            where=[str(error) or "it took too long"],
            hint="it is run for the setting `bytecode`",
        ) from error
    made = _read(bytes(output))
    if status and not made and len(modules) > 1:
        raise ToolError(
            f"`{python.path}` did not compile the modules of a package",
            where=errors.text().splitlines()[-3:],
            hint="it is run for the setting `bytecode`",
        )
    return made


def _records(fields: Iterable[bytes]) -> Iterable[bytes]:
    for field in fields:
        yield len(field).to_bytes(4, "little")
        yield field


def _read(data: bytes) -> list[bytes]:
    """The records that are whole."""
    fields: list[bytes] = []
    at = 0
    while at + 4 <= len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        if end > len(data):
            break
        fields.append(data[at + 4 : end])
        at = end
    return fields
