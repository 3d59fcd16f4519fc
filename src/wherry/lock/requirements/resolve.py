"""Resolving requirements for a target, by ``uv pip compile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.events import Warned
from wherry.lock.pylock import parse_pylock
from wherry.lock.uv.run import run_uv, target_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet

    from wherry.events import Reporter
    from wherry.target import Target

__all__ = ["resolve", "unlocked"]


def resolve(
    requirements: str | None,
    *,
    cwd: Path,
    target: Target,
    reporter: Reporter,
    what: str,
    offline: bool = False,
    requires_python: SpecifierSet | None = None,
    options: Sequence[str] = (),
) -> Pylock:
    """What these requirements come to on the target.

    Args:
        requirements: the text of a requirements file; None where ``options`` name the files. It is handed over on
            standard input, so that what is secret in it is in no file and no argument.
        cwd: relative paths start here, those of the result as well.
        target: what to resolve for.
        reporter: hears uv's warnings.
        what: the name of what is resolved, for errors.
        offline: use no network.
        requires_python: what the project wants; decides the patch level that is assumed.
        options: further options of ``uv pip compile``.

    Raises:
        LockError: there is no solution, or an index cannot be reached; the causes are uv's words.
        ToolError: uv is missing.
    """
    answer = run_uv(
        [
            "pip",
            "compile",
            "--format=pylock.toml",
            "--no-header",
            "--no-annotate",
            "--generate-hashes",
            *target_options(target, patch=_patch(target, requires_python)),
            *options,
            *(["-"] if requirements is not None else []),
        ],
        cwd=cwd,
        reporter=reporter,
        stdin=requirements,
        offline=offline,
    )
    return parse_pylock(answer.expect(f"uv cannot resolve `{what}`"), file=what, base=cwd)


def unlocked(path: Path) -> Warned:
    """What to say of a build that was resolved just now from what ``path`` declares."""
    return Warned(
        text=f"the build is not locked: `{path.name}` was resolved just now, and may come out otherwise next time",
        hint="write `pylock.toml` with `wherry lock`",
    )


def _patch(target: Target, requires_python: SpecifierSet | None) -> int | None:
    """The lowest patch level that the project admits; AWS's is at least as high in all that is alive."""
    if requires_python is None:
        return None
    for patch in range(target.runtime.patch, 100):
        if requires_python.contains(f"{target.runtime.python_version}.{patch}", prereleases=True):
            return patch
    return None
