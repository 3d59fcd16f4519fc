"""A build in one call: request → supply → memory → compose → write → report."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Unpack

from msgspec.structs import replace

from wherry.errors import FileChangedError, StoreError, WherryError
from wherry.events import SILENT
from wherry.files import ProjectFiles
from wherry.pipeline.memory import Memory
from wherry.pipeline.names import with_name
from wherry.pipeline.report import BuildReport
from wherry.pipeline.request import announce_target, as_request, for_target, open_context
from wherry.pipeline.trees import Trees, read_trees, shipped
from wherry.store.temporary import remove_abandoned_beside

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.compose.model import Composition, Distribution
    from wherry.compose.recipe import Recipe, SupplyKey
    from wherry.context import Context
    from wherry.events import Reporter
    from wherry.pipeline.hooks.around import Hooks
    from wherry.pipeline.memory import Remembered, Supplied
    from wherry.pipeline.options import BuildOptions
    from wherry.pipeline.report import PackageReport
    from wherry.pipeline.request import BuildRequest
    from wherry.pipeline.trees import ReadTrees
    from wherry.store import Store

__all__ = ["build", "build_packages", "compose_project", "provided_bundle"]

_ATTEMPTS = 3
"""Times that a build is tried where files of the project change meanwhile."""


def build(
    project: BuildRequest | Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    expect: Collection[str] = (),
    **options: Unpack[BuildOptions],
) -> BuildReport:
    """Build a project's deployment packages: its functions and layers.

    Args:
        project: the project's folder, or a request that was read before (``wherry.read_request``).
        store: where files are kept; by default the user's.
        reporter: told what happens.
        expect: the digests of inputs that the packages must have, as ``wherry.digest`` gives them; any if empty.
        options: what is asked, as ``wherry.BuildOptions`` describes it.

    Raises:
        WherryError: whatever is wrong with the input or the world; nothing was written.
    """
    begin = time.perf_counter()
    request = as_request(project, options)
    context = open_context(request, store=store, reporter=reporter)
    if expect:
        from wherry.pipeline.digest import require_inputs

        require_inputs(request, expect, context.store)
    report = build_packages(request, context)
    return replace(report, seconds=time.perf_counter() - begin)


def compose_project(
    project: BuildRequest | Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> Composition:
    """Compose a project's packages without writing them: bundles to filter, merge and write at will.

    Arguments and errors are those of ``build``. Quotas are not checked.
    """
    request = as_request(project, options)
    return _Run(request, open_context(request, store=store, reporter=reporter)).compose()


def build_packages(request: BuildRequest, context: Context) -> BuildReport:
    """Build what a request asks for; if nothing has changed since the last time, nothing is done."""
    begin = time.perf_counter()
    for attempt in range(1, _ATTEMPTS + 1):
        run = _Run(request, context)
        try:
            packages = run.unchanged() or run.write()
            break
        except FileChangedError:
            # Commands are not run twice.
            if attempt == _ATTEMPTS or run.hooks:
                raise
            context = replace(context, files=ProjectFiles())
    return BuildReport(
        target=run.request.target, packages=packages, seconds=time.perf_counter() - begin
    )


def provided_bundle(
    wanted: Mapping[str, Sequence[str]], request: BuildRequest, context: Context
) -> Bundle:
    """Distributions that packages leave to the runtime, in the versions of their locks; no hooks are run.

    Args:
        wanted: names of distributions, by those of packages.
        request: what was built.
        context: of the build.
    """
    context = replace(context, files=ProjectFiles(), reporter=SILENT)
    return _Run(request, context).provided(wanted)


class _Run:
    """One build: what is remembered of the last one, and what is left to do."""

    def __init__(self, request: BuildRequest, context: Context) -> None:
        self._request = request
        self._context = context
        self._trees = Trees.of(request)
        self.hooks: Hooks | None = None
        if request.has_hooks:
            from wherry.pipeline.hooks.around import Hooks

            self.hooks = Hooks(request=request, context=context)
        context.store.sweep()
        self._asked = self._memory = Memory(request, context)
        self._settled = request.default_runtime is None
        if not self._settled and (known := self._memory.recall_target(context.files)):
            self._aim(known)
        self._remembered = self._recall()
        self._tell_age()
        self._supplied: Supplied | None = None
        self._read: ReadTrees | None = None

    @property
    def request(self) -> BuildRequest:
        """The request, for the runtime that its locks admit."""
        return self._request

    def _recall(self) -> Remembered | None:
        """The last build for the target, once that is known."""
        return self._memory.recall(self._context.files) if self._settled else None

    def _settle(self) -> None:
        """Choose the runtime that the locks admit, unless that is known."""
        if self._settled:
            return
        from wherry.pipeline.supply import KeptEvents, settle_target

        kept, reporter = KeptEvents(), self._context.reporter
        request = self._request
        try:
            request = settle_target(request, replace(self._context, reporter=kept))
        finally:
            # The target first, then the messages about the lock.
            self._aim(request)
            kept.pass_on(reporter)

    def _aim(self, request: BuildRequest) -> None:
        """Build for the target of this request, and say so."""
        self._settled = True
        if request.target != self._request.target:
            self._context = for_target(request, self._context)
            self._memory = Memory(request, self._context)
            if self.hooks is not None:
                self.hooks = replace(self.hooks, request=request, context=self._context)
        self._request = request
        announce_target(request, self._context.reporter)

    def unchanged(self) -> tuple[PackageReport, ...]:
        """The packages of the last build, when nothing has changed since; empty otherwise."""
        last = self._remembered
        if last is None:
            return ()
        self._read = read_trees(self._request, last.supplied, self._context)
        if not last.trees_hold(self._read.digests) or not last.outputs_hold():
            return ()
        for package in last.packages:
            remove_abandoned_beside(package.path)
        return tuple(replace(package, changed=False) for package in last.packages)

    def _tell_age(self) -> None:
        """Note what is taken from memory although an index might answer otherwise now."""
        resolved = self._remembered.supplied.resolved if self._remembered is not None else {}
        if resolved:
            from wherry.lock.requirements.remembered import note_of_age

            for name, moment in resolved.items():
                self._context.reporter.emit(note_of_age(name, moment))

    def write(self) -> tuple[PackageReport, ...]:
        """Compose and write the packages, and keep this build for the next one."""
        from wherry.pipeline.write import write_packages

        packages = write_packages(self.compose(), self._request, self._context)
        if self._supplied is not None and self._read is not None:
            self._memory.remember(self._supplied, self._read.digests, packages)
            if self._request.default_runtime is not None:
                self._asked.remember_runtime(self._request, self._supplied)
        return packages

    def provided(self, wanted: Mapping[str, Sequence[str]]) -> Bundle:
        """Of the distributions of each package, those of these names."""
        from wherry.bundle.bundle import Bundle

        distributions = self._recalled() or self._supply()
        assert self._supplied is not None  # noqa: S101
        return Bundle().merge(
            *(
                one.bundle
                for recipe in self._request.recipes
                for one in distributions[recipe.supply]
                if one.name in wanted.get(self._named(recipe, self._supplied).name, ())
            )
        )

    def compose(self) -> Composition:
        """The packages, unwritten."""
        from wherry.compose.composer import compose
        from wherry.compose.model import Supplies
        from wherry.pipeline.deflate import deflate_packages
        from wherry.pipeline.materialize import adapter_distributions

        generated: Mapping[str, Bundle] = {}
        if self.hooks is not None:
            # Commands get the target. They may write the lock, so the locks cannot choose a runtime yet.
            with suppress(WherryError):
                self._settle()
        request, hooks = self._request, self.hooks
        if hooks is not None:
            generated = hooks.before()
            # They may have written to the project: what was read of it is discarded.
            self._context = replace(self._context, files=ProjectFiles())
            self._remembered = self._recall()
            self._read = None
        distributions = self._recalled() or self._supply()
        request = self._request
        assert self._supplied is not None  # noqa: S101
        assert self._read is not None  # noqa: S101
        recipes = [self._named(recipe, self._supplied) for recipe in request.recipes]
        composition = compose(
            recipes,
            Supplies(
                distributions=distributions,
                extra_paths=self._read.extra,
                generated={
                    named.name: generated[recipe.name]
                    for named, recipe in zip(recipes, request.recipes, strict=True)
                    if recipe.name in generated
                },
                adapters=lambda files: adapter_distributions(files, self._context),
            ),
            request.target,
            settings=request.settings,
        )
        if any([*request.chosen("slim"), *request.chosen("botocore_services")]):
            from wherry.pipeline.slim.slim import slim_packages

            composition = slim_packages(composition, recipes, request, self._context)
        if any(request.chosen("strip")):
            from wherry.pipeline.strip.strip import strip_packages

            composition = strip_packages(
                composition, recipes, request.settings, self._context.store
            )
        if hooks is not None:
            composition = hooks.after(composition, recipes)
        composition = self._checked(composition, recipes)
        if any(mode != "off" for mode in request.chosen("bytecode")):
            from wherry.pipeline.bytecode.add import add_bytecode

            # Last, from the files that are written: Python does not compare it with the source.
            composition = add_bytecode(composition, recipes, request, self._context)
        return deflate_packages(composition, self._context.store)

    def _checked(self, composition: Composition, recipes: Sequence[Recipe]) -> Composition:
        """The same, with warnings about files of the project that should probably not ship."""
        from wherry.checks.own_files import check_own_files
        from wherry.pipeline.acquired import Kind

        assert self._supplied is not None  # noqa: S101
        owners = {
            one.name
            for acquired in self._supplied.acquired.values()
            for one in acquired
            if one.kind is Kind.FOLDER and one.name
        }
        for package in composition.packages:
            owners |= {one.name for one in package.distributions if one.own}
        files = (pattern for recipe in recipes for pattern in recipe.settings.include_files)
        patterns = [*self._request.settings.include, *files]
        named = {self._request.root / extra.path for extra in self._request.extra_paths}
        warnings = check_own_files(composition, owners, patterns, named)
        return replace(composition, remarks=(*composition.remarks, *warnings))

    def _recalled(self) -> dict[SupplyKey, tuple[Distribution, ...]] | None:
        """The distributions of the last build; None where there was none, or a file has left the store."""
        if self._remembered is None:
            return None
        self._supplied = self._remembered.supplied
        self._read = self._read or read_trees(self._request, self._supplied, self._context)
        return self._materialize(fresh=False)

    def _supply(self) -> dict[SupplyKey, tuple[Distribution, ...]]:
        from wherry.pipeline.supply import supply
        from wherry.sources.prepare import preparing

        root = self._request.root
        roots = [
            root / (key.code or key.project)
            for key in self._request.supplies
            if not key.package and self._request.ships_project(key)
        ]
        # The backends of projects are prepared while everything else is fetched.
        with preparing(dict.fromkeys(roots), self._trees.own, self._context):
            self._settle()
            self._supplied = supply(self._request, self._context)
            # Before the files are read finally, so that the next build sees an edit in between.
            self._read = read_trees(self._request, self._supplied, self._context)
            distributions = self._materialize(fresh=True)
        if distributions is None:
            raise StoreError(
                "files left the store while they were being packaged",
                hint="run the same command again when `wherry cache prune` has ended",
            )
        return distributions

    def _materialize(self, *, fresh: bool) -> dict[SupplyKey, tuple[Distribution, ...]] | None:
        from wherry.pipeline.materialize import Materializer

        assert self._supplied is not None  # noqa: S101
        materializer = Materializer(self._context)
        supplies = {}
        for key, acquired in self._supplied.acquired.items():
            trees = self._trees.beside(acquired)
            ships = shipped(self._request, key, acquired)
            distributions = materializer.distributions(ships, trees, fresh=fresh)
            if distributions is None:
                return None
            supplies[key] = distributions
        return supplies

    def _named(self, recipe: Recipe, supplied: Supplied) -> Recipe:
        """The recipe by the name that its package gets."""
        acquired = supplied.acquired[recipe.supply]
        return with_name(recipe, acquired, self._request.root, self._context.files)
