"""The distributions that a package holds in addition to those of the project's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.events import Warned
from wherry.lock.model import Lock
from wherry.lock.resolve import Requirements, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.context import Context

__all__ = ["read_extra_distributions"]


def read_extra_distributions(
    requirements: Sequence[str], lock: Lock, pinned: Mapping[str, str], context: Context
) -> Lock:
    """Resolve requirements with all that they need for the target.

    Args:
        requirements: as PEP 508 has them.
        lock: the project's.
        pinned: the versions of the lock, by name; a requirement that excludes one of them fails.
        context: what it is for; its reporter is told that this part of the build is not locked.

    Raises:
        LockError: there is no solution; the causes are uv's words.
        ToolError: uv is missing.
    """
    import tempfile
    from pathlib import Path

    names = ", ".join(f"`{requirement}`" for requirement in requirements)
    context.reporter.emit(
        Warned(
            text=f"the build is not locked as a whole: {names} of `extra-distributions` was resolved just now",
            hint="put it into a dependency group of the project, lock, and name the group in `groups`",
        )
    )
    with tempfile.TemporaryDirectory(prefix="wherry-") as folder:
        # As constraints, since what the lock has and these do not need, such as the project, may be on no index.
        constraints = Path(folder) / "the-projects-lock.txt"
        lines = [f"{name}=={version}\n" for name, version in pinned.items()]
        constraints.write_text("".join(lines), encoding="utf-8")
        wanted = Requirements(
            name="extra-distributions",
            base=lock.base,
            text="\n".join(requirements) + "\n",
            options=("--constraints", str(constraints)),
        )
        try:
            pylock = resolve(wanted, context)
        except LockError as error:
            raise LockError(
                f"{names} of `extra-distributions` cannot be installed together with what the lock has",
                where=error.where,
                hint=error.hint
                or "ask for another version, or make it a dependency and lock again",
            ) from error
    return Lock(pylock=pylock, path=lock.path, base=lock.base, member=lock.member)
