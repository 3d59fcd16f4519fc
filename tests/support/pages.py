"""Pages of the documentation, and doing what they say; the top of tests/house/test_docs.py has their language."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support import warm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "FENCE",
    "Block",
    "Shell",
    "agrees",
    "blocks",
    "directive",
    "follow",
    "is_executed",
    "sessions",
    "steps",
    "text_of",
]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: its language, what follows the language, its text and the comment before it."""

    language: str
    remark: str
    text: str
    comment: str
    line: int


FENCE = re.compile(
    r"^(?:<!-- (?P<comment>[^\n]*?) -->\n)?```(?P<language>\w*)(?: (?P<remark>[^\n]*))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def blocks(path: Path) -> list[Block]:
    text = text_of(path)
    return [
        Block(
            language=found["language"],
            remark=found["remark"] or "",
            text=found["text"],
            comment=found["comment"] or "",
            line=text.count("\n", 0, found.start()) + 1,
        )
        for found in FENCE.finditer(text)
    ]


def directive(path: Path, name: str) -> str | None:
    found = re.search(rf"^<!-- {name}(?:: (\S+))? -->$", text_of(path), re.MULTILINE)
    return None if found is None else found[1] or name


def is_executed(path: Path) -> bool:
    return any(block.comment == "run" for block in blocks(path))


class Shell:
    """Runs commands one after the other, as a reader would: the current folder stays."""

    def __init__(self, cwd: Path, scratch: Path, **env: str) -> None:
        self.cwd = cwd
        scratch.mkdir()
        self._where = scratch / "cwd"
        bin_ = scratch / "bin"
        bin_.mkdir()
        for name, command in (("wherry", "-m wherry"), ("python", "")):
            shim = bin_ / name
            shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {command} "$@"\n')
            shim.chmod(0o755)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("UV_", "PIP_", "WHERRY_", "PYTHON"))
        }
        self._env = {
            **inherited,
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "UV_PYTHON_DOWNLOADS": "never",
            "WHERRY_CACHE_DIR": str(scratch / "store"),
            **env,
            "PATH": f"{bin_}{os.pathsep}{env.get('PATH') or os.environ['PATH']}",
        }

    def __call__(self, command: str) -> tuple[int, str]:
        if re.fullmatch(r"wherry [\w ./:=%-]+", command):
            with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
                words = command.split()[1:]
                code = warm.call(words, cwd=self.cwd, environment=self._env, stdout=out, stderr=out)
                out.seek(0)
                return code, out.read()
        done = subprocess.run(
            ["sh", "-c", f"{command}\ncode=$?; pwd > {shlex.quote(str(self._where))}; exit $code"],
            cwd=self.cwd, env=self._env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            encoding="utf-8",
        )  # fmt: skip
        self.cwd = Path(self._where.read_text().strip())
        return done.returncode, done.stdout

    def python(self, code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=self.cwd, env=self._env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


_DURATION = re.compile(r"\b\d+(\.\d+)?m?s\b")


def agrees(shown: str, got: str) -> bool:
    """Whether what is shown is what came out; see the top of this file."""
    pattern = ""
    for line in shown.splitlines():
        parts = _DURATION.sub("TIME", line).split("…")
        if not "".join(parts).strip() and len(parts) > 1:
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(map(re.escape, parts)) + r"\n"
    return re.fullmatch(pattern, _DURATION.sub("TIME", got)) is not None


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with what it is shown to print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def follow(path: Path, shell: Shell, here: Callable[[str], str] = str) -> None:
    """Do what a page says."""
    for _ in steps(path, shell, here):
        pass


def steps(path: Path, shell: Shell, here: Callable[[str], str] = str) -> Iterator[Block]:
    """Do what a page says: each block is done when it is asked for."""
    for block in blocks(path):
        if block.comment.startswith("write: "):
            place = shell.cwd / block.comment.removeprefix("write: ")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text, encoding="utf-8")
        elif block.comment.startswith("append: "):
            with (shell.cwd / block.comment.removeprefix("append: ")).open("a") as file:
                file.write(block.text)
        elif block.comment == "run" and block.language == "python":
            shell.python(block.text)
        elif block.comment == "run":
            assert block.language == "console"
            for command, shown in sessions(here(block.text)):
                code, got = shell(command)
                assert agrees(shown, got), f"$ {command}\n--- shown\n{shown}--- got\n{got}"
                fails = re.search(r"^error: ", shown, re.MULTILINE) is not None
                assert (code != 0) == fails, f"$ {command}\nexit code {code}"
        yield block
