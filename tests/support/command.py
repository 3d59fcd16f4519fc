"""Calling Wherry as a user does: a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support import warm

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Finished", "Wherry"]


@dataclass(frozen=True, kw_only=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """From the line that begins the error on."""
        return self.err[self.err.index("error: ") :]


@dataclass(frozen=True, kw_only=True)
class Wherry:
    """The command line with a store of its own."""

    store: Path
    cwd: Path

    def environment(self, **env: str) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("UV_", "PIP_", "WHERRY_")) or name == "UV_PYTHON_DOWNLOADS"
        }
        return {
            **inherited,
            "WHERRY_CACHE_DIR": str(self.store),
            "NO_COLOR": "1",
            "COLUMNS": "80",
            **env,
        }

    def __call__(self, *arguments: str | Path, **env: str) -> Finished:
        environment = self.environment(**env)
        given = list(map(str, arguments))
        if not warm.can_call(environment):
            return self.afresh(*given, **env)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            code = warm.call(given, cwd=self.cwd, environment=environment, stdout=out, stderr=err)
            out.seek(0)
            err.seek(0)
            return Finished(code=code, out=out.read(), err=err.read())

    def afresh(self, *arguments: str | Path, **env: str) -> Finished:
        """The same in an interpreter that is started for it."""
        process = self.start(*arguments, **env)
        out, err = process.communicate()
        return Finished(code=process.returncode, out=out, err=err)

    def start(self, *arguments: str | Path, **env: str) -> subprocess.Popen[str]:
        """The same, without waiting for its end."""
        return subprocess.Popen(
            [sys.executable, "-m", "wherry", *map(str, arguments)],
            cwd=self.cwd,
            env=self.environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rubbish(self) -> list[Path]:
        """What a build that failed must not leave behind."""
        left = list((self.store / "tmp").glob("*")) if self.store.exists() else []
        return [*left, *self.cwd.rglob(".*.tmp")]
