"""What a package is to hold beyond what its project's lock gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.events import Warned
from wherry.lock.model import Lock, LockFormat
from wherry.lock.requirements.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.target import Target

__all__ = ["read_extra"]


def read_extra(
    requirements: Sequence[str],
    *,
    lock: Lock,
    pinned: Mapping[str, str],
    target: Target,
    offline: bool,
    access: Access | None = None,
    reporter: Reporter,
) -> Lock:
    """The requirements and all that they need, resolved for the target.

    Args:
        requirements: as PEP 508 has them.
        lock: the project's.
        pinned: what the lock gives: these versions stand, and a requirement that excludes one fails.
        target: what to resolve for.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears that this part of the build is not locked.

    Raises:
        LockError: there is no solution; the causes are uv's words.
        ToolError: uv is missing.
    """
    import tempfile
    from pathlib import Path

    said = ", ".join(f"`{requirement}`" for requirement in requirements)
    reporter.emit(
        Warned(
            text=f"the build is not locked as a whole: {said} of `extra-distributions` was resolved just now",
            hint="put it into a dependency group of the project, lock, and name the group in `groups`",
        )
    )
    with tempfile.TemporaryDirectory(prefix="wherry-") as folder:
        # As constraints: what the lock has and nobody asks for here, such as the project, may be on no index.
        constraints = Path(folder) / "the-projects-lock.txt"
        lines = [f"{name}=={version}\n" for name, version in pinned.items()]
        constraints.write_text("".join(lines), encoding="utf-8")
        try:
            pylock = resolve(
                "\n".join(requirements) + "\n",
                cwd=lock.base,
                target=target,
                reporter=reporter,
                what="extra-distributions",
                offline=offline,
                access=access,
                options=["--constraints", str(constraints)],
            )
        except LockError as error:
            raise LockError(
                f"{said} of `extra-distributions` cannot be had beside what the lock has",
                where=error.where,
                hint=error.hint
                or "ask for another version, or make it a dependency and lock again",
            ) from error
    return Lock(
        pylock=pylock,
        format=LockFormat.NONE,
        path=lock.path,
        base=lock.base,
        inputs=(),
        stable=False,
        member=lock.member,
    )
