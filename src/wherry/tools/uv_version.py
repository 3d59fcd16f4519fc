"""The version of uv that a project requires (``required-version``), if it is not the version that Wherry installs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache

from wherry.errors import ToolError

__all__ = ["required_uv"]

_REFUSED = re.compile(
    r"Required uv version `(?P<wanted>[^`]+)` does not match the running version `(?P<running>[^`]+)`"
)
_SECONDS = 20


def required_uv(errors: str) -> str | None:
    """The path of a uv that has the version which another uv said, in its standard error, that the project requires.

    None where it did not refuse for its version.

    Raises:
        ToolError: there is none on ``PATH``.
    """
    # uv breaks long lines.
    refused = _REFUSED.search(" ".join(errors.split()))
    if refused is None:
        return None
    wanted = refused["wanted"]
    if (path := _on_path(wanted)) is None:
        raise ToolError(
            f"the project requires uv `{wanted}`",
            where=[
                f"`required-version` says so, and Wherry's uv is {refused['running']}",
                "no uv on `PATH` has such a version",
            ],
            hint=f"install it, such as with `uv tool install 'uv{wanted}'`, or change `required-version`",
        )
    return path


@cache
def _on_path(wanted: str) -> str | None:
    """The first uv on ``PATH`` whose version is admitted."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(wanted)
    except InvalidSpecifier:
        return None
    for folder in os.get_exec_path():
        path = shutil.which("uv", path=folder) if folder else None
        version = None if path is None else _version(path)
        if version is not None and specifiers.contains(version, prereleases=True):
            return path
    return None


def _version(path: str) -> str | None:
    """The version of a uv; None where it does not tell one."""
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    found = re.match(r"uv (\d+(?:\.\w+)*)", done.stdout)
    return found[1] if found else None
