"""The files that the locks of a request give for its target, known by hashes alone, and remembered by what decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import DigestError
from wherry.files import ProjectFiles
from wherry.pipeline.acquired import Acquired, Kind, wheel_name
from wherry.pipeline.lock_inputs import input_digest, read_lock_inputs
from wherry.pipeline.memory import Supplied
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.model import Lock
    from wherry.pipeline.memory import Memory
    from wherry.pipeline.request import BuildRequest
    from wherry.wheels.select import Selected

__all__ = ["read_locked"]


def read_locked(request: BuildRequest, memory: Memory, context: Context) -> Supplied:
    """Read the locks of a request, or recall what they gave when they were the same.

    What was acquired is known by its hashes: none of it has to be in the store.

    Args:
        request: for a target that is settled.
        memory: of the request.
        context: of the run.

    Raises:
        DigestError: they do not fix all that packages are made of.
        WherryError: one cannot be read, or gives nothing that runs on the target.
    """
    memo: Memo[Supplied] = Memo(
        "locked",
        encode=lambda locked: locked.document(request.root),
        decode=lambda document: Supplied.from_document(document, request),
    )
    key = memory.lock_key
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
    """The distributions that ``wherry.pipeline.acquired.acquire`` would bring to hand, and the project itself.

    What is to be built is of the kind ``Kind.SOURCE``: its ``sha256`` is a digest of the hash of the sdist or the
    commit, and of the rules for the environment that it is built in.

    Raises:
        DigestError: the lock records no hash of a file.
    """
    from packaging.pylock import PackageDirectory, PackageVcs, PackageWheel

    from wherry.sources.build_rules import read_build_rules
    from wherry.wheels.select import select, versions

    # Whether this machine could compile them does not count.
    selected = select(lock, context.target, compilable=True)
    rules = read_build_rules(lock.base, context.files, versions(selected))
    planned = []
    for choice in selected:
        source, filename = choice.source, ""
        file = lock.local_file(source)
        match source:
            case PackageDirectory():
                if (tree := Acquired.of_folder(choice, source, lock)) is not None:
                    planned.append(tree)
                continue
            case PackageVcs():
                sha256 = memo_key(source.commit_id, source.subdirectory, rules.facts(choice.name))
            case PackageWheel():
                filename = source.filename
                sha256 = _hash(choice, source.hashes, file)
            case _:
                filename = wheel_name(source)
                sha256 = _hash(choice, source.hashes, file)
                if not filename:
                    subdirectory = getattr(source, "subdirectory", None)
                    sha256 = memo_key(sha256, subdirectory, rules.facts(choice.name))
        planned.append(
            Acquired(
                name=choice.name,
                version=choice.version,
                kind=Kind.WHEEL if filename else Kind.SOURCE,
                filename=filename,
                sha256=sha256,
                file=file,
            )
        )
    return (*planned, Acquired.of_project(lock))


def _hash(choice: Selected, hashes: Mapping[str, str], file: Path | None) -> str:
    """The SHA-256 of a file, or another hash with the name of its kind."""
    if "sha256" in hashes:
        return hashes["sha256"].lower()
    if hashes:
        kind = min(hashes)
        return f"{kind}:{hashes[kind].lower()}"
    digest = "" if file is None else input_digest(file, ProjectFiles())
    if not digest:
        raise DigestError(
            f"the lock records no hash of `{choice.name}`",
            where=["what it is made of cannot be told without fetching it"],
            hint="lock again with a tool that records hashes",
        )
    return digest
