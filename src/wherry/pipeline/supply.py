"""The supply: locks are read, and what they give for the target is brought to hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.errors import NoEngineError, SelectionError
from wherry.events import SILENT, Note
from wherry.pipeline.acquired import Acquired, Kind, acquire, relative
from wherry.pipeline.memory import Supplied, input_digest, lock_names, variable_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.compose.recipe import SupplyKey
    from wherry.context import Context
    from wherry.errors import WherryError
    from wherry.lock.model import Lock
    from wherry.pipeline.request import BuildRequest
    from wherry.target import Target
    from wherry.wheels.select import Selected

__all__ = ["supply"]


def supply(request: BuildRequest, context: Context) -> Supplied:
    """Bring to hand all that the packages of a request choose from.

    Raises:
        WherryError: a lock cannot be read, or what it names cannot be fetched or built.
    """
    from wherry.compose.portable import require_compatible
    from wherry.lock.local_archives import local_archives

    for recipe in request.recipes:
        require_compatible(recipe, request.target)
    root = request.root
    inputs = request.project.inputs
    if request.install_path is not None:
        # What an installer put into a folder is all there is, whatever the recipes ask of a lock.
        folder = Acquired(name="", version=None, kind=Kind.INSTALLED, root=request.install_path)
        return Supplied(
            acquired=dict.fromkeys(request.supplies, (folder,)),
            files={relative(path, root): context.files.digest(path) for path in inputs},
        )
    locks = _read_locks(request, context)
    acquired = {key: _supply(key, locks[key], request, context) for key in request.supplies}
    paths = {*inputs}
    for lock in locks.values():
        paths |= {*lock.inputs, lock.path, *_above(lock, request), *local_archives(lock)}
    variables = {name for lock in locks.values() for name in lock.variables}
    return Supplied(
        acquired=acquired,
        files={relative(path, root): input_digest(path, context.files) for path in sorted(paths)},
        folders={".": lock_names(root)},
        stable=all(lock.stable and not key.requirements for key, lock in locks.items()),
        built_by=_built_by(acquired.values(), context),
        variables={name: variable_digest(name) for name in sorted(variables)},
        resolved={
            lock.path.name: lock.resolved for lock in locks.values() if lock.resolved is not None
        },
    )


def _built_by(acquired: Iterable[Sequence[Acquired]], context: Context) -> str:
    """The Python that built distributions for the target; empty where none was built."""
    if not any(one.kind is Kind.BUILT for several in acquired for one in several):
        return ""
    from wherry.interpreters import build_python

    return build_python(context).identity


def _read_locks(request: BuildRequest, context: Context) -> Mapping[SupplyKey, Lock]:
    """The lock of every supply. Those of a workspace's members are read side by side."""
    keys = request.supplies
    if len(keys) < 2:
        return {key: _read_lock(key, request, context) for key in keys}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        locks = pool.map(lambda key: _read_lock(key, request, context), keys)
        return dict(zip(keys, locks, strict=True))


def _read_lock(key: SupplyKey, request: BuildRequest, context: Context) -> Lock:
    from wherry.lock.model import LockRequest
    from wherry.lock.read import read_lock

    wanted = LockRequest(
        root=request.root,
        groups=key.groups,
        extras=key.extras,
        package=key.package,
        lock=request.lock,
        refresh=request.refresh,
    )
    return read_lock(wanted, context)


def _above(lock: Lock, request: BuildRequest) -> Iterator[Path]:
    """The files above the project that make it a member of a workspace, or would if they were there."""
    from wherry.lock.formats import LockFormat

    root = request.root
    if request.lock is not None or (lock.path.parent == root and lock.format.value.tool_made):
        return
    for parent in root.resolve().parents:
        yield parent / "uv.lock"
        if (parent / "uv.lock").is_file():
            yield parent / "pyproject.toml"
        if lock.format is LockFormat.UV and parent == lock.path.parent:
            return


def _supply(
    key: SupplyKey, lock: Lock, request: BuildRequest, context: Context
) -> tuple[Acquired, ...]:
    from wherry.wheels.select import select

    context.network.consult(lock.base)
    selected = select(lock, request.target, compilable=context.builders.compiles)
    for choice in selected:
        if choice.unfit is not None:
            hint = f" ({choice.unfit.hint})" if choice.unfit.hint else ""
            text = f"{choice.unfit.message}: it is made of its sdist{hint}"
            context.reporter.emit(Note(text=text))
    _require_portable(key, selected, request, context)
    try:
        acquired = acquire(selected, lock, context)
    except NoEngineError as error:
        raise _not_compiled(lock, request.target, error) from error
    _require_built_portably(key, acquired, request, context)
    if not key.requirements:
        return acquired
    return (*acquired, *_extra(key, lock, selected, context))


def _require_portable(
    key: SupplyKey, selected: Sequence[Selected], request: BuildRequest, context: Context
) -> None:
    """Refuse a layer that would hold other files for another target that it names."""
    from wherry.compose.portable import require_portable
    from wherry.wheels.select import select

    def selected_for(target: Target, wanted: Callable[[str], bool]) -> tuple[Selected, ...]:
        lock = _read_lock(key, request, replace(context, target=target, reporter=SILENT))
        packages = [package for package in lock.pylock.packages if wanted(package.name)]
        return select(replace(lock, pylock=replace(lock.pylock, packages=packages)), target)

    for recipe in request.recipes:
        if recipe.supply == key:
            require_portable(
                recipe, request.target, selected, selected_for, request.settings.runtimes
            )


def _require_built_portably(
    key: SupplyKey, acquired: Sequence[Acquired], request: BuildRequest, context: Context
) -> None:
    """Refuse a layer with what was compiled here and does not run on another target that it names."""
    from wherry.compose.portable import require_built_portably

    built = {one.name: one.sha256 for one in acquired if one.kind is Kind.BUILT}
    if not built:
        return
    from wherry.sources.dependency import prove_dependency

    for recipe in request.recipes:
        if recipe.supply == key:
            require_built_portably(
                recipe,
                request.target,
                built,
                lambda digest, target: prove_dependency(digest, target, context),
                request.settings.runtimes,
            )


def _extra(
    key: SupplyKey, lock: Lock, selected: Sequence[Selected], context: Context
) -> Iterator[Acquired]:
    """The distributions requested beyond the lock, in versions that agree with it."""
    from wherry.lock.resolve import read_extra_distributions
    from wherry.wheels.select import select

    pinned: dict[str, str] = {
        choice.name: choice.version for choice in selected if choice.version is not None
    }
    extra = read_extra_distributions(key.requirements, lock, pinned, context)
    locked = {choice.name for choice in selected}
    more = [
        choice
        for choice in select(extra, context.target, compilable=context.builders.compiles)
        if choice.name not in locked
    ]
    return (one for one in acquire(more, extra, context) if not one.own)


def _not_compiled(lock: Lock, target: Target, missing: NoEngineError) -> WherryError:
    """The error where something must be compiled and no container can: what else would help, too."""
    from wherry.wheels.select import select

    try:
        select(lock, target)
    except SelectionError as error:
        return SelectionError(
            error.message,
            where=[*error.where, f"no container can compile it: {missing.message}", *missing.where],
            hint="\n".join(hint for hint in (error.hint, missing.hint) if hint),
        )
    return missing
