"""The supply: locks are read, and the distributions that they give for the target are fetched or built."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import DigestError, NoEngineError, SelectionError
from wherry.events import SILENT, Note
from wherry.pipeline.acquired import Acquired, Kind, absolute, acquire, relative
from wherry.pipeline.attribution import Attribution
from wherry.pipeline.lock_inputs import read_lock_inputs
from wherry.pipeline.memory import Supplied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.compose.recipe import SupplyKey
    from wherry.context import Context
    from wherry.errors import WherryError
    from wherry.events import Event, Reporter
    from wherry.lock.model import Lock, LockRequest
    from wherry.pipeline.request import BuildRequest
    from wherry.target import Target
    from wherry.wheels.select import Selected

__all__ = [
    "KeptEvents",
    "read_locks",
    "settle_target",
    "supply",
    "supply_of_folder",
    "with_code",
]


def supply(request: BuildRequest, context: Context) -> Supplied:
    """Acquire all distributions that the packages of a request choose from.

    Raises:
        WherryError: a lock cannot be read, or what it names cannot be fetched or built.
    """
    from wherry.compose.portable import require_compatible

    for recipe in request.recipes:
        require_compatible(recipe, request.target)
    root = request.root
    if (folder := supply_of_folder(request, context)) is not None:
        return folder
    # Packages with other code may have the same dependencies.
    needs = {key.needs: request.lock_request(key) for key in request.supplies}
    locks = read_locks(needs, context)
    needed = {}
    with Attribution(context) as named:
        for key, asked in needs.items():
            with named.project(key.project) as own:
                needed[key] = _supply(key, locks[asked], request, own)
    return Supplied(
        acquired={key: with_code(key, needed[key.needs], root) for key in request.supplies},
        inputs=read_lock_inputs(request, locks, context),
        stable=all(lock.stable for lock in locks.values())
        and not any(key.requirements for key in needs),
        built_by=_built_by(needed.values(), context),
        resolved={
            relative(lock.path, root): lock.resolved
            for lock in locks.values()
            if lock.resolved is not None
        },
    )


def supply_of_folder(request: BuildRequest, context: Context) -> Supplied | None:
    """The installed folder that was named: it is all there is, whatever the recipes ask of a lock; else None."""
    if request.install_path is None:
        return None
    folder = Acquired(name="", version=None, kind=Kind.INSTALLED, root=request.install_path)
    return Supplied(
        acquired=dict.fromkeys(request.supplies, (folder,)),
        inputs=read_lock_inputs(request, {}, context),
    )


def _built_by(acquired: Iterable[Sequence[Acquired]], context: Context) -> str:
    """The Python that built distributions for the target; empty where none was built."""
    if not any(one.kind is Kind.BUILT for several in acquired for one in several):
        return ""
    from wherry.interpreters import build_python

    return build_python(context).identity


def settle_target(
    request: BuildRequest, context: Context, *, by_hash: bool = False
) -> BuildRequest:
    """The request for the runtime that its locks admit best, if none was asked for.

    Args:
        request: what was asked.
        context: of the run.
        by_hash: ask no index, as ``LockRequest.by_hash`` has it.

    Raises:
        DigestError: an index would have to be asked.
        WherryError: a lock cannot be read.
    """
    default = request.default_runtime
    if default is None or request.install_path is not None:
        return request
    from wherry.wheels.fitting import choose_fitting

    needs = {
        key.needs: replace(request.lock_request(key), by_hash=by_hash) for key in request.supplies
    }
    locks: dict[LockRequest, Lock] = {}

    def read(target: Target) -> Iterable[Lock]:
        run = replace(context, target=target, reporter=SILENT if locks else context.reporter)
        locks.update(read_locks(needs, run))
        if by_hash:
            _require_names(locks.values())
        return locks.values()

    targets = [replace(request.target, runtime=each) for each in (default.runtime, *default.others)]
    target, problem = choose_fitting(targets, read, keep=default.hinted)
    if problem is None:
        return request
    name = next(iter(locks.values())).path.name
    reason = f"the newest runtime that `{name}` admits: {problem}"
    if default.hinted:
        reason += f", which would be chosen otherwise: {default.reason}"
    return replace(request, target=target, target_reason=reason)


def _require_names(locks: Iterable[Lock]) -> None:
    """Refuse locks whose files have no names, as those say for which runtime a wheel is."""
    for lock in locks:
        if any(package.sdist and "any" in package.sdist.hashes for package in lock.pylock.packages):
            raise DigestError(
                "the runtime is not set, and an index would have to be asked which ones fit",
                where=[f"`{lock.path.name}` records hashes, and not the names of files"],
                hint='set it: runtime = "python3.13" in [tool.wherry], or --runtime',
            )


class KeptEvents:
    """Keeps what happens until the target is known, each event once however often the same lock is read."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Keep one event."""
        if event not in self._events:
            self._events.append(event)

    def pass_on(self, reporter: Reporter) -> None:
        """Report what was kept."""
        for event in self._events:
            reporter.emit(event)


def read_locks(
    needs: Mapping[SupplyKey, LockRequest], context: Context
) -> Mapping[LockRequest, Lock]:
    """The locks, each read once. Those of several projects, or of a workspace's members, are read side by side."""
    from wherry.lock.read import read_lock

    projects = {asked: key.project for key, asked in needs.items()}

    def read(asked: LockRequest) -> Lock:
        with named.project(projects[asked]) as own:
            # Which runtime fits is asked first, and what the lock gives for it afterwards.
            return context.files.once(
                ("lock", asked, context.target), lambda: read_lock(asked, own)
            )

    from concurrent.futures import ThreadPoolExecutor

    with Attribution(context) as named:
        if len(projects) < 2:
            return {asked: read(asked) for asked in projects}
        with ThreadPoolExecutor() as pool:
            return dict(zip(projects, pool.map(read, projects), strict=True))


def with_code(key: SupplyKey, acquired: tuple[Acquired, ...], root: Path) -> tuple[Acquired, ...]:
    """The acquired, with the code of the key's own folder, if it has one, in place of the project's."""
    if key.code is None:
        return acquired
    folder = absolute(key.code, root)
    return tuple(
        replace(one, root=folder, must_build=one.must_build and folder == one.root)
        if one.own
        else one
        for one in acquired
    )


def _supply(
    key: SupplyKey, lock: Lock, request: BuildRequest, context: Context
) -> tuple[Acquired, ...]:
    from wherry.sources.build_rules import read_build_rules
    from wherry.wheels.select import select, versions

    context.network.consult(lock.base)
    selected: tuple[Selected, ...] = ()
    if request.lock_request(key).wanted:
        selected = select(lock, request.target, compilable=context.builders.compiles)
    for choice in selected:
        if choice.unfit is not None:
            hint = f" ({choice.unfit.hint})" if choice.unfit.hint else ""
            text = f"{choice.unfit.message}: it is made of its sdist{hint}"
            context.reporter.emit(Note(text=text))
    _require_portable(key, selected, request, context)
    rules = read_build_rules(lock.base, context.files, versions(selected))
    context = replace(context, build_rules=rules)
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
    from wherry.lock.read import read_lock
    from wherry.wheels.select import select

    def selected_for(target: Target, wanted: Callable[[str], bool]) -> tuple[Selected, ...]:
        silent = replace(context, target=target, reporter=SILENT)
        lock = read_lock(request.lock_request(key), silent)
        packages = [package for package in lock.pylock.packages if wanted(package.name)]
        return select(
            replace(lock, pylock=dataclasses.replace(lock.pylock, packages=packages)), target
        )

    for recipe in request.recipes:
        if recipe.supply.needs == key:
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
        if recipe.supply.needs == key:
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
    from wherry.wheels.select import select, versions

    extra = read_extra_distributions(key.requirements, lock, versions(selected), context)
    locked = {choice.name for choice in selected}
    more = [
        choice
        for choice in select(extra, context.target, compilable=context.builders.compiles)
        if choice.name not in locked
    ]
    return (one for one in acquire(more, extra, context) if not one.own)


def _not_compiled(lock: Lock, target: Target, missing: NoEngineError) -> WherryError:
    """The error if something must be compiled and no container can do it, with what else would help."""
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
