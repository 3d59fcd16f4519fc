"""The files that the locks of a request give for its target, known by hashes alone, and remembered by what decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import DigestError
from wherry.pipeline.acquired import Acquired
from wherry.pipeline.lock_inputs import LockInputs, read_lock_inputs
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

    What was acquired is known as ``wherry.pipeline.planned`` knows it: none of it need be at hand.

    Args:
        request: for a target that is settled.
        memory: of the request.
        context: of the run.

    Raises:
        DigestError: they do not fix all that packages are made of.
        WherryError: one cannot be read, or gives nothing that runs on the target.
    """
    memo, key = _memo(request), memory.lock_key
    locked = memo.recall(context.store, key)
    if locked is None or not locked.inputs.hold(request.root, context.files):
        locked = _read(request, context)
        memo.remember(context.store, key, locked)
    return locked


def _read(request: BuildRequest, context: Context) -> Supplied:
    from wherry.pipeline.supply import read_locks, supply_of_folder, with_code

    if (folder := supply_of_folder(request, context)) is not None:
        return folder
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
        inputs=read_lock_inputs(request, locks, context),
    )


def _plan(lock: Lock, context: Context) -> tuple[Acquired, ...]:
    from wherry.pipeline.planned import plan_distributions
    from wherry.sources.build_rules import read_build_rules
    from wherry.wheels.select import select, versions

    # Whether this machine could compile them does not count.
    selected = select(lock, context.target, compilable=True)
    rules = read_build_rules(lock.base, context.files, versions(selected))
    return plan_distributions(selected, lock, rules)


def _memo(request: BuildRequest) -> Memo[Supplied]:
    root = request.root

    def encode(locked: Supplied) -> object:
        return [
            [[one.document(root) for one in planned] for planned in locked.acquired.values()],
            locked.inputs,
        ]

    def decode(document: Any) -> Supplied:
        planned, inputs = document
        given = [tuple(Acquired.from_document(one, root) for one in each) for each in planned]
        return Supplied(
            acquired=dict(zip(request.supplies, given, strict=True)),
            inputs=LockInputs(*inputs),
        )

    return Memo("locked", encode=encode, decode=decode)
