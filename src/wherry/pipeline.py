"""The way through the house in one call: project → lock → wheels → bundle → deployment packages."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.acquire import Acquired, Kind, acquire
from wherry.compose.model import EXTRA_PATHS
from wherry.compose.recipe import recipes, with_handler
from wherry.errors import NoEngineError, SelectionError, SettingsError, StoreError, WherryError
from wherry.events import SILENT, Note
from wherry.indexes.access import Access
from wherry.materialize import Materializer, Trees, tree_key
from wherry.project import DEFAULT_OUTPUT, choose_target, read_project
from wherry.report import BuildReport
from wherry.unchanged import Memory, Remembered, file_digest, lock_names, stats
from wherry.version import __version__
from wherry.wheels.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.bundle.algebra import Bundle
    from wherry.bundle.writer import Written
    from wherry.compose.model import Composition, Distribution
    from wherry.compose.recipe import Recipe, SupplyKey
    from wherry.events import Reporter
    from wherry.hooks.around import Hooks
    from wherry.hooks.run import Place
    from wherry.lock.model import Lock
    from wherry.project import Project
    from wherry.report import PackageReport
    from wherry.settings.model import ExtraPath, Settings
    from wherry.sources.workshop import Workshop
    from wherry.target import Target
    from wherry.wheels.select import Selected

__all__ = ["build", "compose_project"]


def build(
    project: Path | str = ".",
    *,
    names: Sequence[str] = (),
    name: str | None = None,
    app: str | None = None,
    handler: str | None = None,
    interface: str | None = None,
    runtime: str | None = None,
    architecture: str | None = None,
    groups: Sequence[str] = (),
    extras: Sequence[str] = (),
    package: str | None = None,
    lock: Path | str | None = None,
    install_path: Path | str | None = None,
    config: Path | str | None = None,
    stage: str | None = None,
    output: Path | str | None = None,
    container: str | None = None,
    container_engine: str | None = None,
    container_image: str | None = None,
    offline: bool = False,
    store: Store | None = None,
    reporter: Reporter = SILENT,
) -> BuildReport:
    """Build a project's deployment packages: its functions and layers.

    Args:
        project: the project's folder.
        names: the functions and layers to build, with the layers that they need; all when empty.
        name: what the package is called, where the settings name no function.
        app: the web application, as ``module:object`` or ``from module import object``.
        handler: the function to call, as ``module.function`` or ``from module import function``.
        interface: ``wsgi`` or ``asgi``, where the app's is not to be detected.
        runtime: such as ``python3.13``; by default the settings', else the newest AWS offers that the
            project's ``requires-python`` admits.
        architecture: ``x86_64`` or ``arm64``; by default the settings', else ``x86_64``.
        groups: dependency groups beyond the default ones.
        extras: extras of the project.
        package: the member of a workspace.
        lock: the lock file, where it is not to be looked for.
        install_path: a folder made by ``pip install --target``, to be packaged in place of what a lock gives.
        config: a file with the settings: TOML, ``drover.yml`` or ``settings.spindrift``.
        stage: the stage of ``drover.yml``.
        output: a folder, or a path that ends in ``.zip``; by default ``dist/lambda`` in the project.
        container: when to build in a container: ``auto`` for what must be compiled and cannot be here, ``always``
            for all that has no wheel and the project itself, or ``never``.
        container_engine: the command of the container engine: ``docker``, ``podman``, ``finch`` or a path.
        container_image: the image to build in, in place of AWS's.
        offline: use no network.
        store: where files are kept; by default the user's.
        reporter: who is told what happens.

    Returns:
        What was written, with digests and sizes.

    Raises:
        WherryError: whatever is wrong with the input or the world; nothing was written.
    """
    begin = time.perf_counter()
    request = _request(
        Path(project),
        names=names,
        name=name,
        app=app,
        handler=handler,
        interface=interface,
        runtime=runtime,
        architecture=architecture,
        groups=groups,
        extras=extras,
        package=package,
        lock=lock,
        install_path=install_path,
        config=config,
        stage=stage,
        output=output,
        container=container,
        container_engine=container_engine,
        container_image=container_image,
        offline=offline,
        store=store,
        reporter=reporter,
    )
    run = _Run(request)
    packages = run.unchanged() or run.write()
    seconds = time.perf_counter() - begin
    return BuildReport(target=request.target, packages=packages, seconds=seconds)


def compose_project(
    project: Path | str = ".",
    *,
    names: Sequence[str] = (),
    name: str | None = None,
    app: str | None = None,
    handler: str | None = None,
    interface: str | None = None,
    runtime: str | None = None,
    architecture: str | None = None,
    groups: Sequence[str] = (),
    extras: Sequence[str] = (),
    package: str | None = None,
    lock: Path | str | None = None,
    install_path: Path | str | None = None,
    config: Path | str | None = None,
    stage: str | None = None,
    container: str | None = None,
    container_engine: str | None = None,
    container_image: str | None = None,
    offline: bool = False,
    store: Store | None = None,
    reporter: Reporter = SILENT,
) -> Composition:
    """Compose a project's packages without writing them: bundles to filter, merge and write at will.

    Arguments and errors are those of ``build``. Quotas are not checked.
    """
    request = _request(
        Path(project),
        names=names,
        name=name,
        app=app,
        handler=handler,
        interface=interface,
        runtime=runtime,
        architecture=architecture,
        groups=groups,
        extras=extras,
        package=package,
        lock=lock,
        install_path=install_path,
        config=config,
        stage=stage,
        output=None,
        container=container,
        container_engine=container_engine,
        container_image=container_image,
        offline=offline,
        store=store,
        reporter=reporter,
    )
    return _Run(request).compose()


def _request(
    project: Path,
    *,
    names: Sequence[str],
    name: str | None,
    app: str | None,
    handler: str | None,
    interface: str | None,
    runtime: str | None,
    architecture: str | None,
    groups: Sequence[str],
    extras: Sequence[str],
    package: str | None,
    lock: Path | str | None,
    install_path: Path | str | None,
    config: Path | str | None,
    stage: str | None,
    output: Path | str | None,
    container: str | None,
    container_engine: str | None,
    container_image: str | None,
    offline: bool,
    store: Store | None,
    reporter: Reporter,
) -> _Request:
    found = read_project(
        project,
        config=None if config is None else Path(config),
        stage=stage,
        install_path=None if install_path is None else Path(install_path),
        name=name,
    )
    settings = with_handler(
        found.settings, name=found.name, names=names, app=app, handler=handler, interface=interface
    )
    settings = _with_container(settings, container, container_engine, container_image)
    found = replace(found, settings=settings)
    for note in found.notes:
        reporter.emit(Note(text=note))
    target, why = choose_target(found, runtime=runtime, architecture=architecture)
    reporter.emit(Note(text=f"building for {target}: {why}"))
    return _Request(
        project=found,
        target=target,
        recipes=recipes(
            settings, name=found.name, names=names, groups=groups, extras=extras, package=package
        ),
        names=tuple(names),
        lock=_lock_path(found, lock),
        install_path=_install_path(found, lock),
        output=_output(project, found, output),
        offline=offline,
        access=Access(
            settings.indexes,
            folders=[found.root, *([Path(lock).absolute().parent] if lock is not None else [])],
            offline=offline,
        ),
        store=store or Store.default(),
        reporter=reporter,
    )


@dataclass(frozen=True, kw_only=True)
class _Request:
    """Everything that was said, by options and settings, in one place."""

    project: Project
    target: Target
    recipes: tuple[Recipe, ...]
    names: tuple[str, ...]
    lock: Path | None
    install_path: Path | None
    output: Path
    offline: bool
    access: Access
    store: Store
    reporter: Reporter

    @property
    def settings(self) -> Settings:
        return self.project.settings

    @cached_property
    def workshop(self) -> Workshop:
        """Who builds what has no wheel."""
        from wherry.sources.workshop import Workshop

        return Workshop(
            options=self.settings.container,
            root=self.project.root,
            target=self.target,
            store=self.store,
            offline=self.offline,
            access=self.access,
            reporter=self.reporter,
        )

    @property
    def supplies(self) -> tuple[SupplyKey, ...]:
        """The sets of distributions that are wanted, each once, in the order of the recipes."""
        return tuple(dict.fromkeys(recipe.supply for recipe in self.recipes))

    @property
    def extra_paths(self) -> tuple[ExtraPath, ...]:
        return tuple(
            dict.fromkeys(extra for recipe in self.recipes for extra in recipe.settings.extra_paths)
        )

    def path(self, name: str) -> Path:
        """Where the package of that name is written."""
        return self.output if self.output.suffix == ".zip" else self.output / f"{name}.zip"


def _with_container(
    settings: Settings, mode: str | None, engine: str | None, image: str | None
) -> Settings:
    """The settings, but for what was said of containers here."""
    from wherry.containers.options import Mode

    options = settings.container
    if mode is not None:
        try:
            options = replace(options, mode=Mode(mode))
        except ValueError:
            raise SettingsError(
                f"there is no way to use containers that is called `{mode}`",
                where=[f"there are {', '.join(Mode)}"],
            ) from None
    if engine is not None:
        options = replace(options, engine=engine)
    if image is not None:
        options = replace(options, image=image, dockerfile=None, build_args={}, build_secrets=())
    return settings if options == settings.container else replace(settings, container=options)


def _lock_path(project: Project, lock: Path | str | None) -> Path | None:
    if lock is not None:
        # A relative path starts at the working folder, or else at the project.
        path = Path(lock).absolute()
        return path if path.exists() else project.root / lock
    return project.root / project.settings.lock if project.settings.lock else None


def _install_path(project: Project, lock: Path | str | None) -> Path | None:
    said = project.settings.install_path
    if said is None:
        return None
    if lock is not None or project.settings.lock is not None:
        raise SettingsError(
            "a lock and an installed folder were named, and only one can be packaged",
            where=[f"the folder is `{said}`", f"the lock is `{lock or project.settings.lock}`"],
            hint="leave out one of them",
        )
    path = Path(said).absolute()
    return path if path.exists() else project.root / said


def _output(given: Path, project: Project, output: Path | str | None) -> Path:
    # Paths are told as they were given: relative to the current folder where the project was.
    return (
        Path(output) if output is not None else given / (project.settings.output or DEFAULT_OUTPUT)
    )


class _Run:
    """One build: what is remembered of the last one, and what there is to do."""

    def __init__(self, request: _Request) -> None:
        self._request = request
        root, settings = request.project.root, request.settings
        if request.output.suffix == ".zip" and len(request.recipes) > 1:
            raise SettingsError(
                f"`{request.output}` is one file, and there are {len(request.recipes)} packages",
                where=[f"{recipe.kind} `{recipe.name}`" for recipe in request.recipes],
                hint="name a folder: --output DIR",
            )
        self._trees = Trees(
            include=settings.include,
            exclude=settings.exclude,
            # What is written may lie among the sources, and is not one of them.
            skip=(request.output.absolute(), root / DEFAULT_OUTPUT),
        )
        self._materializer = Materializer(
            target=request.target,
            store=request.store,
            offline=request.offline,
            access=request.access,
            reporter=request.reporter,
            workshop=request.workshop,
        )
        self._memory = Memory(
            request.store,
            wherry=__version__,
            root=str(root),
            output=str(request.output),
            runtime=asdict(request.target.runtime),
            architecture=request.target.architecture,
            names=request.names,
            name=request.project.name,
            # Options may have changed what the settings' file says.
            recipes=[(recipe.kind, asdict(recipe)) for recipe in request.recipes],
            lock=str(request.lock),
            install_path=str(request.install_path),
            hooks=asdict(settings.hooks),
            strip=settings.strip,
            container=_container_facts(request),
            # The files that settings come from are inputs; which files those are is a parameter.
            inputs=[str(path) for path in request.project.inputs],
        )
        self._known = self._recall()
        self._hooks = _hooks(request)
        self._extra: dict[ExtraPath, Bundle] = {}
        self._digests: dict[str, str | None] = {}

    def unchanged(self) -> tuple[PackageReport, ...]:
        """The packages of the last build, when nothing has changed since; empty otherwise."""
        known = self._known
        if known is None:
            return ()
        self._digest(self._remembered(known))
        if not known.trees_hold(self._digests) or not known.outputs_hold():
            return ()
        return tuple(replace(package, changed=False) for package in known.packages)

    def compose(self) -> Composition:
        """The packages, unwritten."""
        return self._compose()[0]

    def write(self) -> tuple[PackageReport, ...]:
        """Compose and write the packages."""
        from wherry.checks.quotas import check_quotas
        from wherry.report import report_package

        composition, known = self._compose()
        check_quotas(composition, self._request.settings.quotas)
        for remark in composition.remarks:
            self._request.reporter.emit(remark)
        written = _write_all(
            [(package.bundle, self._request.path(package.name)) for package in composition.packages]
        )
        packages = tuple(
            report_package(package, each, composition)
            for package, each in zip(composition.packages, written, strict=True)
        )
        if known is not None:
            self._memory.remember(
                replace(known, trees=self._digests, packages=packages, stats=stats(packages))
            )
        return packages

    def _compose(self) -> tuple[Composition, Remembered | None]:
        from wherry.compose.composer import compose

        request, hooks = self._request, self._hooks
        generated: Mapping[str, Bundle] = {}
        if hooks is not None:
            generated = hooks.before()
            # They may have written to the project: nothing is known of it any more.
            self._known = self._recall()
            self._digests = {}
        known = self._known
        supplies = None
        if known is not None:
            acquired = self._remembered(known)
            if not self._digests:
                self._digest(acquired)
            supplies = self._materialize(acquired, fresh=False)
        if known is None or supplies is None:
            acquired, known = self._acquire()
            # Before anything is read for good: an edit in between is then seen by the next build.
            self._digest(acquired)
            supplies = self._materialize(acquired, fresh=True)
        if supplies is None:
            raise StoreError(
                "files left the store while they were being packaged",
                hint="run the same command again when `wherry cache prune` has ended",
            )
        named = [_named(recipe, request.project, acquired) for recipe in request.recipes]
        composition = compose(
            named,
            supplies,
            request.target,
            settings=request.settings,
            extra_paths=self._extra,
            generated={
                one.name: generated[recipe.name]
                for one, recipe in zip(named, request.recipes, strict=True)
                if recipe.name in generated
            },
            adapters=self._materializer.pinned,
        )
        if request.settings.strip or any(recipe.settings.strip for recipe in named):
            from wherry.stripped import strip_packages

            composition = strip_packages(composition, named, request.settings, request.store)
        if hooks is not None:
            composition = hooks.after(composition, named)
        return composition, known

    def _recall(self) -> Remembered | None:
        """What is remembered of the last build, if its inputs are as they were."""
        known = self._memory.recall()
        return known if known is not None and known.inputs_hold() else None

    def _remembered(self, known: Remembered) -> dict[SupplyKey, tuple[Acquired, ...]]:
        return {
            key: tuple(Acquired.from_document(one) for one in documents)
            for key, documents in zip(self._request.supplies, known.supplies, strict=True)
        }

    def _digest(self, acquired: Mapping[SupplyKey, Sequence[Acquired]]) -> None:
        """Read the trees: what they hold now, to be compared with what they held and will hold."""
        from wherry.sources.extra_paths import read_extra_path

        self._digests = {}
        for each in acquired.values():
            self._digests |= self._trees.beside(each).digests(
                [one for one in each if tree_key(one) not in self._digests], self._materializer
            )
        for extra in self._request.extra_paths:
            tree = read_extra_path(
                self._request.project.root,
                extra.path,
                to=extra.to,
                owner=EXTRA_PATHS,
                skip=self._trees.skip,
            )
            self._extra[extra] = tree.bundle
            self._digests[f"extra:{extra.path}:{extra.to}"] = tree.digest
        if self._hooks is not None:
            self._digests["hooks"] = self._hooks.digest(skip=self._trees.skip)

    def _materialize(
        self, acquired: Mapping[SupplyKey, Sequence[Acquired]], *, fresh: bool
    ) -> dict[SupplyKey, tuple[Distribution, ...]] | None:
        supplies = {}
        for key, each in acquired.items():
            found = self._materializer.distributions(
                each, trees=self._trees.beside(each), fresh=fresh
            )
            if found is None:
                return None
            supplies[key] = found
        return supplies

    def _acquire(self) -> tuple[dict[SupplyKey, tuple[Acquired, ...]], Remembered | None]:
        """Read the locks and have everything at hand; also what may be remembered of it."""
        from wherry.portable import require_compatible

        request = self._request
        for recipe in request.recipes:
            require_compatible(recipe, request.target)
        if request.install_path is not None:
            return self._installed(request.install_path)
        locks = _read_locks(request)
        acquired = {key: self._acquire_one(key, locks[key]) for key in request.supplies}
        if any(key.requirements or not lock.stable for key, lock in locks.items()):
            return acquired, None
        files: dict[str, str] = {}
        for lock in locks.values():
            files |= _digests(lock, request)
        root = request.project.root
        return acquired, Remembered(
            files=files,
            folders={str(root): lock_names(root)},
            trees={},
            supplies=[[one.document() for one in each] for each in acquired.values()],
        )

    def _installed(
        self, path: Path
    ) -> tuple[dict[SupplyKey, tuple[Acquired, ...]], Remembered | None]:
        """What an installer put into a folder is all there is, whatever the recipes ask of a lock."""
        request = self._request
        folder = Acquired(name="", version=None, kind=Kind.INSTALLED, root=str(path))
        acquired: dict[SupplyKey, tuple[Acquired, ...]] = dict.fromkeys(request.supplies, (folder,))
        return acquired, Remembered(
            files={str(path): file_digest(path) for path in request.project.inputs},
            folders={},
            trees={},
            supplies=[[one.document() for one in each] for each in acquired.values()],
        )

    def _acquire_one(self, key: SupplyKey, lock: Lock) -> tuple[Acquired, ...]:
        from wherry.portable import require_portable
        from wherry.wheels.select import select

        request = self._request

        def selected_for(target: Target, wanted: Callable[[str], bool]) -> tuple[Selected, ...]:
            other = _read_lock(replace(request, target=target, reporter=SILENT), key)
            packages = [each for each in other.pylock.packages if wanted(each.name)]
            return select(replace(other, pylock=replace(other.pylock, packages=packages)), target)

        request.access.learn(lock.index_names)
        request.access.consult(lock.base)
        selected = select(lock, request.target, compilable=request.workshop.compiles)
        for one in selected:
            if one.unfit is not None:
                hint = f" ({one.unfit.hint})" if one.unfit.hint else ""
                text = f"{one.unfit.message}: it is made of its sdist{hint}"
                request.reporter.emit(Note(text=text))
        for recipe in request.recipes:
            if recipe.supply == key:
                require_portable(
                    recipe, request.target, selected, selected_for, request.settings.runtimes
                )
        try:
            acquired = acquire(
                selected,
                base=lock.base,
                own=lock.member,
                target=request.target,
                store=request.store,
                offline=request.offline,
                access=request.access,
                reporter=request.reporter,
                workshop=request.workshop,
            )
        except NoEngineError as error:
            raise _not_compiled(lock, request.target, error) from error
        self._require_portable_builds(key, acquired)
        if not key.requirements:
            return acquired
        return (*acquired, *self._acquire_more(key, lock, selected))

    def _require_portable_builds(self, key: SupplyKey, acquired: Sequence[Acquired]) -> None:
        """What was compiled here is in no layer that is for other targets, too."""
        from wherry.portable import require_built_portably

        built = {one.name: one.sha256 for one in acquired if one.kind is Kind.BUILT}
        if not built:
            return
        from wherry.sources.dependency import prove_dependency

        request = self._request
        for recipe in request.recipes:
            if recipe.supply == key:
                require_built_portably(
                    recipe,
                    request.target,
                    built,
                    lambda digest, target: prove_dependency(digest, target, store=request.store),
                    request.settings.runtimes,
                )

    def _acquire_more(
        self, key: SupplyKey, lock: Lock, selected: Sequence[Selected]
    ) -> tuple[Acquired, ...]:
        """What is wanted beyond the lock, in versions that agree with it."""
        from wherry.lock.extra import read_extra
        from wherry.wheels.select import select

        request = self._request
        pinned: dict[str, str] = {
            one.name: one.version for one in selected if one.version is not None
        }
        more = read_extra(
            key.requirements,
            lock=lock,
            pinned=pinned,
            target=request.target,
            offline=request.offline,
            access=request.access,
            reporter=request.reporter,
        )
        locked = {one.name for one in selected}
        found = acquire(
            [
                one
                for one in select(more, request.target, compilable=request.workshop.compiles)
                if one.name not in locked
            ],
            base=more.base,
            own=lock.member,
            target=request.target,
            store=request.store,
            offline=request.offline,
            workshop=request.workshop,
            access=request.access,
            reporter=request.reporter,
        )
        return tuple(one for one in found if not one.own)


def _hooks(request: _Request) -> Hooks | None:
    """The commands around the bundling, where there are any."""
    lists = [request.settings.hooks, *(recipe.settings.hooks for recipe in request.recipes)]
    if all(each.is_empty for each in lists):
        return None
    from wherry.hooks.around import Hooks

    return Hooks(
        project=request.settings.hooks,
        recipes=request.recipes,
        root=request.project.root,
        target=request.target,
        store=request.store,
        reporter=request.reporter,
        container=lambda: _container(request),
    )


def _not_compiled(lock: Lock, target: Target, missing: NoEngineError) -> WherryError:
    """What to say where something must be compiled and no container can: what else would help, too."""
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


def _container(request: _Request) -> Place:
    from wherry.hooks.run import Container

    return Container(run_script=request.workshop.container().run_shell)


def _container_facts(request: _Request) -> object:
    """What is said of containers, as far as it decides what is built; None where nothing was said."""
    from wherry.containers.options import ContainerOptions

    options = request.settings.container
    if options == ContainerOptions():
        return None
    from wherry.containers.facts import deciding
    from wherry.containers.image import Images

    images = Images(
        options=options, root=request.project.root, target=request.target, store=request.store
    )
    return [options.mode, images.reference, images.platform, deciding(options)]


def _write_all(packages: Sequence[tuple[Bundle, Path]]) -> list[Written]:
    """Write packages side by side: hashing and copying leave Python's lock. The same bundle is written once."""
    from wherry.bundle.writer import copy_package, write_package

    if len(packages) < 2:
        return [write_package(bundle, path) for bundle, path in packages]
    from concurrent.futures import ThreadPoolExecutor

    firsts: dict[int, tuple[Bundle, Path]] = {}
    for bundle, path in packages:
        firsts.setdefault(id(bundle), (bundle, path))
    # The first makes the folder, while no other thread is there to meddle with the umask.
    key, *rest = firsts
    written = {key: write_package(*firsts[key])}
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda each: write_package(*firsts[each]), rest)
        written.update(zip(rest, found, strict=True))
        return list(
            pool.map(
                lambda one: (
                    written[id(one[0])]
                    if written[id(one[0])].path == one[1]
                    else copy_package(written[id(one[0])], one[1])
                ),
                packages,
            )
        )


def _named(
    recipe: Recipe, project: Project, acquired: Mapping[SupplyKey, Sequence[Acquired]]
) -> Recipe:
    """What a package without settings is called: after the workspace member, where that is another folder."""
    own = next((Path(one.root) for one in acquired[recipe.supply] if one.own), project.root)
    if not recipe.implicit or own == project.root:
        return recipe
    return replace(recipe, name=read_project(own).name)


def _read_locks(request: _Request) -> dict[SupplyKey, Lock]:
    """The lock of every supply. Those of a workspace's members are read side by side."""
    keys = request.supplies
    if len(keys) < 2:
        return {key: _read_lock(request, key) for key in keys}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        return dict(zip(keys, pool.map(lambda key: _read_lock(request, key), keys), strict=True))


def _read_lock(request: _Request, key: SupplyKey) -> Lock:
    from wherry.lock import LockRequest, read_lock
    from wherry.wheels.index import index_finder

    with index_finder(offline=request.offline, access=request.access) as find_files:
        return read_lock(
            LockRequest(
                root=request.project.root,
                target=request.target,
                groups=key.groups,
                extras=key.extras,
                package=key.package,
                lock=request.lock,
                offline=request.offline,
                access=request.access,
            ),
            find_files=find_files,
            reporter=request.reporter,
        )


def _digests(lock: Lock, request: _Request) -> dict[str, str]:
    paths = {*lock.inputs, *request.project.inputs, lock.path, *_above(lock, request)}
    return {str(path): file_digest(path) for path in sorted(paths)}


def _above(lock: Lock, request: _Request) -> Iterator[Path]:
    """The files above the project that make it a member of a workspace, or would if they were there."""
    from wherry.lock.find import TOOL_MADE
    from wherry.lock.model import LockFormat

    root = request.project.root
    if request.lock is not None or (lock.path.parent == root and lock.format in TOOL_MADE):
        return
    for parent in root.resolve().parents:
        yield parent / "uv.lock"
        if (parent / "uv.lock").is_file():
            yield parent / "pyproject.toml"
        if lock.format is LockFormat.UV and parent == lock.path.parent:
            return
