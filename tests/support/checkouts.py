"""One repository in the checkouts of two users, who have nothing in common but the commit."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import tomli_w

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["User", "clone", "commit", "reformat", "wherry_command"]

_INHERITED = ("AWS_", "CDK_", "DOCKER", "PIP_", "SAM_", "SLS_", "TF_", "UV_", "WHERRY_")


@dataclass(frozen=True, kw_only=True)
class User:
    """A user.

    Attributes:
        root: of the checkout.
        home: the home folder, with a store of Wherry and the command ``wherry`` in it.
        umask: of the processes.
        more: variables of the environment.
    """

    root: Path
    home: Path
    umask: int = 0o022
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """Of Wherry."""
        return self.home / "store"

    @property
    def env(self) -> dict[str, str]:
        """Of the processes."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(_INHERITED)
        }
        return {
            **inherited,
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "WHERRY_CACHE_DIR": str(self.store),
            "CI": "1",
            **self.more,
        }

    def run(self, *command: str | Path, cwd: Path | None = None, code: int = 0) -> str:
        """Run a command in the checkout, or in a folder; all that it says."""
        done = subprocess.run(
            command, cwd=cwd or self.root, env=self.env, umask=self.umask, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout


def wherry_command(folder: Path) -> Path:
    """The Wherry that is tested as a command in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "wherry"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wherry "$@"\n')
    command.chmod(0o755)
    return command


def commit(root: Path, message: str = "Change") -> None:
    """Commit all that git does not ignore; the first time with a repository for it."""
    if not (root / ".git").exists():
        _git(root, "init", "--quiet", "--initial-branch", "main")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", message)


def clone(origin: Path, folder: Path, **env: str) -> tuple[User, User]:
    """Two users with a checkout each: other paths, umasks, time zones, dates of files and stores.

    Args:
        origin: the repository.
        folder: where all of it goes.
        env: variables of both.
    """
    users = (
        User(
            root=folder / "ann" / "code",
            home=folder / "ann",
            umask=0o077,
            more={**env, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        ),
        User(
            root=folder / "home of bob" / "work" / "a clone",
            home=folder / "home of bob",
            umask=0o002,
            more={**env, "TZ": "America/St_Johns", "LC_ALL": "C.UTF-8"},
        ),
    )
    for number, user in enumerate(users):
        wherry_command(user.home / "bin")
        user.root.parent.mkdir(parents=True, exist_ok=True)
        user.run("git", "clone", "--quiet", origin, user.root, cwd=user.home)
        for path in user.root.rglob("*.*"):
            os.utime(path, (1_600_000_000 + 86_400 * number,) * 2)
    return users


def reformat(lock: Path) -> None:
    """Write a lock anew as another tool would: its keys in another order, with a comment."""
    document = tomllib.loads(lock.read_text())
    text = tomli_w.dumps(_reversed(document), multiline_strings=True)
    lock.write_text(f"# Written by another version.\n\n{text}\n")


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return [_reversed(each) for each in value] if isinstance(value, list) else value


def _git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    subprocess.run(["git", *who, *words], cwd=root, check=True)
