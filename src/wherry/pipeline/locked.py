"""The files that the locks of a request give for its target, known by hashes alone, and remembered by what decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import DigestError
from wherry.pipeline.acquired import Acquired, Kind
from wherry.pipeline.memory import Supplied
from wherry.store.memo import Memo

if TYPE_CHECKING:
    from wherry.context import Context
    from wherry.lock.model import Lock
    from wherry.pipeline.memory import Memory
    from wherry.pipeline.request import BuildRequest

__all__ = ["read_locked"]


def read_locked(request: BuildRequest, memory: Memory, context: Context) -> Supplied:
    """Read the locks of a request, or recall what they gave when they were the same.

    What was acquired is known as ``wherry.pipeline.planned`` knows it: none of it has to be in the store.

    Args:
        request: for a target that is settled.
        memory: of the request.
        context: of the run.

    Raises:
        DigestError: they do not fix all that packages are made of.
        WherryError: one cannot be read, or gives nothing that runs on the target.
    """
    from wherry.pipeline.memory import hold

    memo, key = _memo(request), memory.lock_key
    locked = memo.recall(context.store, key)
    if locked is None or not hold(locked, request.root, context.files):
        locked = _read(request, context)
        memo.remember(context.store, key, locked)
    return locked


def _read(request: BuildRequest, context: Context) -> Supplied:
    from wherry.pipeline.supply import read_deciding, read_locks, with_code

    if request.install_path is not None:
        folder = Acquired(name="", version=None, kind=Kind.INSTALLED, root=request.install_path)
        deciding = read_deciding(request, {}, context)
        planned = dict.fromkeys(request.supplies, (folder,))
        return Supplied(acquired=planned, **deciding._asdict())
    needs = {
        key.needs: replace(request.lock_request(key), by_hash=True) for key in request.supplies
    }
    for key in needs:
        if key.requirements:
            raise DigestError(
                "the packages are not locked as a whole",
                where=["`extra-distributions` is resolved for every build"],
                hint="put them into a dependency group, lock, and name the group in `groups`",
            )
    locks = read_locks(needs, context)
    given = {key: _plan(locks[asked], context) for key, asked in needs.items()}
    return Supplied(
        acquired={key: with_code(key, given[key.needs], request.root) for key in request.supplies},
        **read_deciding(request, locks, context)._asdict(),
    )


def _plan(lock: Lock, context: Context) -> tuple[Acquired, ...]:
    from wherry.pipeline.planned import plan_distributions
    from wherry.sources.build_rules import read_build_rules
    from wherry.wheels.select import select

    # Whether this machine could compile them does not count.
    selected = select(lock, context.target, compilable=True)
    pinned: dict[str, str] = {
        choice.name: choice.version for choice in selected if choice.version is not None
    }
    rules = read_build_rules(lock.base, context.files, pinned)
    return plan_distributions(selected, lock, rules)


def _memo(request: BuildRequest) -> Memo[Supplied]:
    root = request.root

    def encode(locked: Supplied) -> object:
        return [
            [[one.document(root) for one in planned] for planned in locked.acquired.values()],
            dict(locked.files),
            dict(locked.folders),
            dict(locked.variables),
        ]

    def decode(document: Any) -> Supplied:
        planned, files, folders, variables = document
        given = [tuple(Acquired.from_document(one, root) for one in each) for each in planned]
        return Supplied(
            acquired=dict(zip(request.supplies, given, strict=True)),
            files=files,
            folders=folders,
            variables=variables,
        )

    return Memo("locked", encode=encode, decode=decode)
