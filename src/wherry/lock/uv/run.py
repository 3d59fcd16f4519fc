"""Running uv: the resolver, and the reader of ``uv.lock``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from wherry.errors import LockError, ToolError
from wherry.events import Warned
from wherry.lock.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.target import Target

__all__ = ["Answer", "run_uv", "target_options"]

# Of uv's own variables only those pass that say how to reach indexes, or where its cache is. The others
# (UV_PYTHON, UV_RESOLUTION, UV_NO_DEV, UV_PROJECT …) would let the building machine decide what is in a lock.
_INDEXES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
_ADDRESSES = frozenset({"UV_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL"})
_ACCESS = (
    "UV_CACHE_DIR",
    "UV_CONCURRENT_",
    "UV_CREDENTIALS_DIR",
    "UV_GITHUB_TOKEN",
    "UV_HTTP_",
    "UV_INSECURE_HOST",
    "UV_INSECURE_NO_ZIP_VALIDATION",
    "UV_KEYRING_PROVIDER",
    "UV_NATIVE_TLS",
    "UV_OFFLINE",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
)
_DROPPED = ("CLICOLOR_FORCE", "CONDA_PREFIX", "FORCE_COLOR", "PYTHONHOME", "PYTHONPATH", "RUST_LOG")
_ALWAYS = {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}

# The manylinux platforms that uv can resolve for, as glibc minors; there are none between.
_PLATFORM_GLIBCS = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)

# How uv begins the lines of an error, in the forms of its versions.
_LEAD = re.compile(
    r"^\s*(?P<lead>error:|cause:|Caused by:|hint:|warning:|\u00d7|[├╰]─▶)\s*(?P<text>.*)$"
)
_ASIDE = frozenset({"", "hint:", "warning:"})
_TALK = re.compile(r"(Audited|Building|Built|Creating|Prepared|Resolved|Updated|Updating|Using) ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What uv said.

    Attributes:
        status: its exit status.
        output: its standard output.
        causes: its error, outermost cause first, without secrets; empty where it had none.
        hint: its own hint, without secrets.
    """

    status: int
    output: str
    causes: tuple[str, ...]
    hint: str | None

    def expect(self, failed: str, *, hint: str | None = None) -> str:
        """The output.

        Raises:
            LockError: uv failed. ``failed`` is the message, uv's words are the causes.
        """
        if self.status != 0:
            causes = self.causes or (f"uv exited with {self.status}",)
            raise LockError(failed, where=causes, hint=hint or self.hint)
        return self.output


def run_uv(
    arguments: Sequence[str],
    *,
    cwd: Path,
    reporter: Reporter,
    stdin: str | None = None,
    indexes: bool = True,
    offline: bool = False,
) -> Answer:
    """Run uv in ``cwd``, deaf to the settings of the building machine except how to reach indexes.

    Args:
        arguments: the command; without secrets, as other users of the machine can see them.
        cwd: relative paths, in what uv reads and writes, start here.
        reporter: hears uv's warnings.
        stdin: the text to give it.
        indexes: let the environment name indexes.
        offline: use no network.

    Raises:
        ToolError: uv is missing or cannot be started.
    """
    import subprocess

    command = [find_uv(), *arguments, *(["--offline"] if offline else [])]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=_environment(indexes=indexes),
            input=(stdin or "").encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise ToolError("uv cannot be started", where=[redact(str(error))]) from None
    said = _messages(redact(done.stderr.decode("utf-8", "replace")))
    for lead, text in said:
        if lead == "warning:":
            reporter.emit(Warned(text=f"uv says: {text}"))
    hints = [text for lead, text in said if lead == "hint:"]
    return Answer(
        status=done.returncode,
        output=done.stdout.decode("utf-8", "replace"),
        causes=tuple(text for lead, text in said if lead not in _ASIDE)
        or tuple(text for lead, text in said if not lead),
        hint=hints[0] if hints else None,
    )


def target_options(target: Target, *, patch: int | None = None) -> list[str]:
    """The options that make ``uv pip compile`` resolve for the target, whatever machine it runs on."""
    import sys

    from wherry.target import Architecture

    glibc = next(minor for minor in _PLATFORM_GLIBCS if (2, minor) <= target.runtime.glibc)
    machine = "aarch64" if target.architecture is Architecture.ARM64 else "x86_64"
    patch = target.runtime.patch if patch is None else patch
    return [
        "--python-version",
        f"{target.runtime.python_version}.{patch}",
        "--python-platform",
        f"{machine}-manylinux_2_{glibc}",
        # Only for building metadata, where an sdist has none that is static.
        "--python",
        sys.executable,
    ]


_finding_uv = Lock()


def find_uv() -> str:
    """The path of the ``uv`` binary that was installed with Wherry.

    Raises:
        ToolError: it is not there.
    """
    import shutil

    try:
        from uv import find_uv_bin

        # Python 3.11 fills what it knows of itself while another thread reads half of it.
        with _finding_uv:
            return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise ToolError("the program `uv` is missing", hint="install Wherry again, with `uv`")
    return found


def _environment(*, indexes: bool) -> Mapping[str, str]:
    import os

    allowed = _ACCESS + (_INDEXES if indexes else ())
    environment = {
        name: value
        for name, value in os.environ.items()
        if (not name.startswith("UV_") or name.startswith(allowed)) and name not in _DROPPED
    }
    environment.pop("VIRTUAL_ENV", None)
    if indexes and not environment.keys() & _ADDRESSES:
        # Whoever has set up pip for a private index means uv too; pip separates addresses by spaces, as uv does.
        for pip, uv in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX")):
            if environment.get(pip):
                environment[uv] = environment[pip]
    return environment | _ALWAYS


def _messages(text: str) -> list[tuple[str, str]]:
    """The messages of uv with how each begins; a line that begins in no known way goes on with the one before."""
    messages: list[tuple[str, str]] = []
    for line in text.splitlines():
        found = _LEAD.match(line)
        if found is not None:
            messages.append((found["lead"], found["text"].strip()))
        elif not line.strip():
            messages.append(("", ""))
        elif line.startswith(" ") and messages and messages[-1][1]:
            lead, before = messages[-1]
            messages[-1] = (lead, f"{before} {line.strip()}")
        elif not _TALK.match(line):
            # Some versions say of a lock that it is stale without calling that an error.
            messages.append(("", line.strip()))
    return [(lead, text) for lead, text in messages if text]
