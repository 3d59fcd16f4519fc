"""``wherry digest``: a digest of the inputs of packages, without building, fetching or asking an index."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import to_builtins
from msgspec.structs import replace

from wherry.errors import DigestError
from wherry.events import SILENT
from wherry.pipeline.acquired import relative
from wherry.pipeline.memory import Memory
from wherry.pipeline.names import with_name
from wherry.pipeline.request import (
    BuildRequest,
    announce_target,
    as_request,
    for_target,
    open_context,
    read_request,
)
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wherry.context import Context
    from wherry.events import Reporter
    from wherry.pipeline.options import BuildOptions
    from wherry.pipeline.report import PackageReport
    from wherry.store import Store
    from wherry.target import Target

__all__ = ["DigestReport", "PackageDigest", "digest", "require_inputs"]

SCHEMA = 1


class PackageDigest(Struct, frozen=True, kw_only=True):
    """The digest of one package.

    Attributes:
        name: of the function or layer.
        kind: ``function`` or ``layer``.
        path: where a build writes the package.
        handler: as AWS means it, as far as it is known without building.
        inputs_sha256: of all that decides the package, in hexadecimal. Equal digests mean equal bytes.
        code_sha256: of its bytes, as AWS reports it, where this store knows a build of these inputs; else None.
        files: the files that decide it, relative to the project's folder, sorted.
    """

    name: str
    kind: str
    path: Path
    handler: str | None
    inputs_sha256: str
    code_sha256: str | None
    files: tuple[str, ...]


class DigestReport(Struct, frozen=True, kw_only=True):
    """The digests of the packages of a project.

    Attributes:
        target: what they would be built for.
        packages: one of each function and layer that was asked for, and of the layers that they need.
    """

    target: Target
    packages: tuple[PackageDigest, ...]

    def document(self, *, files: bool = False) -> dict[str, Any]:
        """The JSON document; with the files that count if ``files`` is true."""
        packages = []
        for package in self.packages:
            document: dict[str, Any] = to_builtins(package, enc_hook=Path.as_posix)
            listed = document.pop("files")
            packages.append({**document, "files": list(listed)} if files else document)
        return {
            "schema": SCHEMA,
            "target": self.target.document(),
            "packages": packages,
        }


def digest(
    project: BuildRequest | Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> DigestReport:
    """Compute a digest of the inputs of a project's packages, without building them.

    No wheel is fetched, and no index is asked.

    Args:
        project: the project's folder, or a request that was read before (``wherry.read_request``).
        store: where files are kept; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``wherry.BuildOptions`` describes it.

    Raises:
        DigestError: the project is not locked, or something unknown decides a package.
        WherryError: whatever is wrong with the input.
    """
    request = replace(as_request(project, options), offline=True, refresh=False)
    context = open_context(request, store=store, reporter=reporter, doing="reading")
    every = None
    if not isinstance(project, BuildRequest) and options.get("names"):
        whole: BuildOptions = {**options, "names": ()}
        every = partial(read_request, project, **whole)
    if request.default_runtime is not None:
        request = _settle(request, context)
        context = for_target(request, context)
        announce_target(request, reporter, doing="reading")
    return _report(request, context, every)


def require_inputs(request: BuildRequest, expect: Collection[str], store: Store) -> None:
    """Refuse a build whose inputs are not those that were expected.

    Args:
        request: what is to be built.
        expect: the digests that its packages may have; layers that were not asked for by name may have any.
        store: where files are kept.

    Raises:
        DigestError: a package has another digest.
        WherryError: as ``digest``.
    """
    report = digest(request, store=store)
    others = [
        f"those of `{package.name}` are {package.inputs_sha256}"
        for package in report.packages
        if package.inputs_sha256 not in expect
        and (not request.names or package.name in request.names)
    ]
    if others:
        raise DigestError(
            "the inputs are not those that were expected",
            where=[*others, *(f"expected {each}" for each in expect)],
            hint="something has changed since the digest was taken: `wherry digest --files` lists the files that it covers",
        )


def _settle(request: BuildRequest, context: Context) -> BuildRequest:
    """The request for the runtime that its locks admit, as a build chooses it."""
    known = Memory(request, context).recall_target(context.files)
    if known is not None:
        return known
    from wherry.pipeline.supply import settle_target

    return settle_target(request, context, by_hash=True)


def _report(
    request: BuildRequest, context: Context, every: Callable[[], BuildRequest] | None
) -> DigestReport:
    """The digest of each package of a request; ``every`` gives the request for those that were not named, too."""
    from wherry.pipeline.inputs import read_inputs
    from wherry.pipeline.locked import read_locked
    from wherry.pipeline.trees import Trees
    from wherry.shims.shim import written_handler

    memory = Memory(request, context)
    locked = read_locked(request, memory, context)
    inputs = read_inputs(request, locked, Trees.of(request), context)
    packages = _known_packages(request, memory, context)
    if not packages and every is not None:
        # Built together with others.
        whole = replace(every(), target=request.target, target_reason=request.target_reason)
        packages = _known_packages(whole, Memory(whole, context), context)
    built = {package.name: package for package in packages}
    digests = []
    for recipe in request.recipes:
        acquired = locked.acquired[recipe.supply]
        name = with_name(recipe, acquired, request.root, context.files).name
        package, known = inputs[recipe.name], built.get(name)
        digests.append(
            PackageDigest(
                name=name,
                kind=recipe.kind,
                path=request.output.path(name),
                handler=known.handler if known else written_handler(recipe.settings, ()),
                inputs_sha256=package.sha256,
                code_sha256=known.code_sha256 if known else None,
                files=tuple(
                    relative(path, request.root).replace(os.sep, "/") for path in package.files
                ),
            )
        )
    return DigestReport(target=request.target, packages=tuple(digests))


def _known_packages(
    request: BuildRequest, memory: Memory, context: Context
) -> tuple[PackageReport, ...]:
    """The packages of the last build of a request, when no input has changed since; empty otherwise."""
    from wherry.pipeline.trees import read_trees

    last = memory.recall(context.files)
    if last is None:
        return ()
    read = read_trees(request, last.supplied, context)
    return last.packages if last.trees_hold(read.digests) else ()
