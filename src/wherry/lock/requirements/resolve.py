"""Resolving requirements for a target, by ``uv pip compile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.events import Warned
from wherry.indexes.access import Access
from wherry.indexes.declared import is_pypi
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

_DEFAULT = "--index-url "
_FURTHER = "--extra-index-url "


def resolve(
    requirements: str | None,
    *,
    cwd: Path,
    target: Target,
    reporter: Reporter,
    what: str,
    offline: bool = False,
    access: Access | None = None,
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
        access: what opens which index; by default what the environment says.
        requires_python: what the project wants; decides the patch level that is assumed.
        options: further options of ``uv pip compile``.

    Raises:
        LockError: there is no solution, or an index cannot be reached; the causes are uv's words.
        ToolError: uv is missing.
    """
    access = access or Access()
    lines, default = _without_default(requirements, access)

    def stdin() -> str:
        return "".join(f"{_opened(line, access)}\n" for line in lines)

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
        stdin=stdin if requirements is not None else None,
        offline=offline,
        access=access,
        default_index=default,
    )
    return parse_pylock(answer.expect(f"uv cannot resolve `{what}`"), file=what, base=cwd)


def _without_default(requirements: str | None, access: Access) -> tuple[list[str], str | None]:
    """The lines but for the one that names the default index, and that index.

    To uv its environment is nearer than what a file says, and would put another index in the place of a private
    one. Where a file names PyPI, a mirror that the environment or the settings name does stand in.
    """
    lines = (requirements or "").splitlines()
    named = [line for line in lines if line.startswith(_DEFAULT)]
    if not named:
        return lines, None
    rest = [line for line in lines if not line.startswith(_DEFAULT)]
    url = named[-1].removeprefix(_DEFAULT).strip()
    return rest, None if is_pypi(url) and access.default_index else url


def _opened(line: str, access: Access) -> str:
    """An option that names an index, with what opens it; any other line as it is."""
    if not line.startswith(_FURTHER):
        return line
    return f"{_FURTHER}{access.with_login(line.removeprefix(_FURTHER).strip())}"


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
