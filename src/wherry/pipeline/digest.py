"""``wherry digest``: a digest of the inputs of packages, without building, fetching or asking an index."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from msgspec.structs import replace

from wherry.errors import DigestError
from wherry.events import SILENT
from wherry.pipeline.acquired import relative
from wherry.pipeline.memory import Memory
from wherry.pipeline.names import with_name
from wherry.pipeline.request import BuildRequest, as_request, open_context, read_request
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from wherry.compose.recipe import Recipe
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
            document: dict[str, Any] = {
                "name": package.name,
                "kind": package.kind,
                "path": package.path.as_posix(),
                "handler": package.handler,
                "inputs_sha256": package.inputs_sha256,
                "code_sha256": package.code_sha256,
            }
            packages.append({**document, "files": list(package.files)} if files else document)
        return {
            "schema": SCHEMA,
            "target": {
                "runtime": self.target.runtime.name,
                "architecture": str(self.target.architecture),
            },
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
    return _Digesting(request, context, every).report()


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


class _Digesting:
    def __init__(
        self,
        request: BuildRequest,
        context: Context,
        every: Callable[[], BuildRequest] | None = None,
    ) -> None:
        self._request = request
        self._context = context
        self._every = every
        self._memory = Memory(request, context)
        if request.default_runtime is not None:
            self._settle()

    def _settle(self) -> None:
        """Choose the runtime that the locks admit, as a build does."""
        from wherry.pipeline.request import announce_target
        from wherry.pipeline.target import recall_target
        from wherry.sources.builders import with_builders

        files = self._context.files
        request = recall_target(self._request, self._memory, files)
        if request is None:
            from wherry.pipeline.supply import settle_target

            request = settle_target(self._request, self._context, by_hash=True)
        context = replace(self._context, target=request.target)
        self._context = with_builders(context, request.settings.container, root=request.root)
        self._request = request
        self._memory = Memory(request, self._context)
        announce_target(request, context.reporter, doing="reading")

    def report(self) -> DigestReport:
        """The digest of each package."""
        from wherry.pipeline.inputs import read_inputs
        from wherry.pipeline.locked import read_locked
        from wherry.pipeline.trees import Trees

        request = self._request
        trees = Trees.of(request)
        locked = read_locked(request, self._memory, self._context)
        inputs = read_inputs(request, locked, trees, self._context)
        built = self._built()
        packages = []
        for recipe in request.recipes:
            named = with_name(
                recipe, locked.acquired[recipe.supply], request.root, self._context.files
            )
            name, package = named.name, inputs[recipe.name]
            known = built.get(name)
            packages.append(
                PackageDigest(
                    name=name,
                    kind=recipe.kind,
                    path=request.output.path(name),
                    handler=known.handler if known else _handler(recipe),
                    inputs_sha256=package.sha256,
                    code_sha256=known.code_sha256 if known else None,
                    files=tuple(
                        relative(path, request.root).replace(os.sep, "/") for path in package.files
                    ),
                )
            )
        return DigestReport(target=request.target, packages=tuple(packages))

    def _built(self) -> Mapping[str, PackageReport]:
        """The packages that this store knows to be made of these inputs, by name."""
        request = self._request
        built = _known_packages(request, self._memory, self._context)
        if not built and self._every is not None:
            # Built together with others.
            every = replace(
                self._every(), target=request.target, target_reason=request.target_reason
            )
            built = _known_packages(every, Memory(every, self._context), self._context)
        return {package.name: package for package in built}


def _known_packages(
    request: BuildRequest, memory: Memory, context: Context
) -> tuple[PackageReport, ...]:
    """The packages of the last build of a request, when no input has changed since; empty otherwise."""
    from wherry.pipeline.reading import read_trees

    last = memory.recall(context.files)
    if last is None:
        return ()
    hooks = None
    if any(
        not each.is_empty
        for each in (request.settings.hooks, *(each.settings.hooks for each in request.recipes))
    ):
        from wherry.pipeline.hooks.around import Hooks

        hooks = Hooks(request=request, context=context)
    read = read_trees(request, last.supplied, hooks, context)
    return last.packages if last.trees_hold(read.digests) else ()


def _handler(recipe: Recipe) -> str | None:
    """The handler that the settings name; the one of an application is known after a build."""
    from wherry.settings.model import FunctionSettings
    from wherry.shims.shim import written_handler

    settings = recipe.settings
    return written_handler(settings, ()) if isinstance(settings, FunctionSettings) else None
