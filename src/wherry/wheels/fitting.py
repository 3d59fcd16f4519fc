"""The choice of a runtime by the files of locks, if none was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wherry.errors import LockError, SelectionError, TargetError
from wherry.target import is_deprecated
from wherry.wheels.select import select

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from wherry.lock.model import Lock
    from wherry.target import Target

__all__ = ["Fitting", "choose_fitting"]


class Fitting(NamedTuple):
    """The target that was chosen; ``problem`` says what speaks against the first, where it is another."""

    target: Target
    problem: str | None


def choose_fitting(
    targets: Sequence[Target], read: Callable[[Target], Iterable[Lock]], *, keep: bool
) -> Fitting:
    """Choose the first of these targets for which locks have a wheel of everything that is compiled.

    Where there is none, the target with the fewest distributions to compile. A runtime that AWS no longer patches is
    chosen only if no other will do. If the locks admit none, the first target is left, and fails with the reason, unless the
    locks cannot be read for it.
    With ``keep``, the first is chosen as well if something must be compiled for it.

    Raises:
        WherryError: the locks cannot be read, for any target.
    """
    first, problem = targets[0], None
    unread: LockError | None = None
    best: tuple[tuple[bool, int], Target] | None = None
    for target in targets:
        if best is not None and is_deprecated(target.runtime) and not best[0][0]:
            break
        try:
            compiled = _compiled(read(target), target)
        except (TargetError, SelectionError, LockError) as error:
            if isinstance(error, LockError) and target == first and not _is_about_python(error):
                raise
            if target == first:
                problem = error.message
                unread = error if isinstance(error, LockError) else None
            continue
        if target == first:
            problem = next(iter(compiled), None)
            if keep or not compiled:
                return Fitting(first, None)
        score = (is_deprecated(target.runtime), len(compiled))
        if best is None or score < best[0]:
            best = score, target
        if score == (False, 0):
            break
    if best is None and unread is not None:
        raise unread
    chosen = best[1] if best is not None else first
    return Fitting(chosen, None if chosen == first else problem)


def _compiled(locks: Iterable[Lock], target: Target) -> Collection[str]:
    """The distributions that must be compiled for a target, as messages; the fewer, the better it fits."""
    from packaging.pylock import PackageSdist

    compiled: dict[str, str] = {}
    for lock in locks:
        for choice in select(lock, target, compilable=True):
            if choice.unfit is not None:
                compiled[choice.name] = choice.unfit.message
            elif not lock.format.value.tool_made and isinstance(choice.source, PackageSdist):
                # What uv resolved for the target lists no wheels for others: only those can tell whether
                # there would be one.
                compiled[choice.name] = (
                    f"`{choice.name}=={choice.version}` has no wheel for {target}"
                )
    return compiled.values()


def _is_about_python(error: LockError) -> bool:
    """Whether another version of Python may be a way out, for what uv resolves for one target."""
    return any("Python" in line for line in error.where)
