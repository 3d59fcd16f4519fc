"""The request: everything that was asked of a build, by options and settings, read once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec.structs import replace

from wherry.compose.recipe import SupplyOptions, recipes, with_handler
from wherry.context import Context
from wherry.errors import SettingsError
from wherry.events import SILENT, Note, Warned
from wherry.indexes.network import Network
from wherry.lock.model import LockRequest
from wherry.outputs import choose_output
from wherry.pipeline.acquired import absolute, relative
from wherry.pipeline.attribution import about
from wherry.pipeline.container_options import with_container
from wherry.pipeline.deprecation import deprecation_notes, patch_level_notes
from wherry.pipeline.names import refuse_paths
from wherry.pipeline.options import BuildOptions
from wherry.problems import refuse_options
from wherry.settings.project import (
    DEFAULT_OUTPUT,
    choose_target,
    default_runtime,
    read_project,
    read_requires_python,
)
from wherry.settings.roots import find_root, is_project, require_lock, unread_settings
from wherry.store import Store
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.compose.recipe import Recipe, SupplyKey
    from wherry.events import Reporter
    from wherry.outputs import Output
    from wherry.settings.model import ExtraPath, Settings
    from wherry.settings.project import Project
    from wherry.settings.runtime import DefaultRuntime
    from wherry.target import Target

__all__ = [
    "BuildRequest",
    "announce_target",
    "as_request",
    "for_target",
    "open_context",
    "read_request",
]


class BuildRequest(Struct, frozen=True, kw_only=True, dict=True):
    """Everything that was asked of a build.

    Attributes:
        project: with its settings, as the options have changed them.
        target: what to build for.
        target_reason: why that was chosen, for a note.
        default_runtime: the choice of a runtime that the locks may still change, as none was asked for; else None.
        recipes: the packages to make, each layer before what takes it.
        names: the functions and layers that were named; all when empty.
        install_path: the installed folder that was named in place of a lock.
        output: where packages go.
        offline: use no network.
        refresh: ask indexes again for what is remembered of requirements files without hashes.
        frozen: build what the lock says, whether or not it is as new as the project.
    """

    project: Project
    target: Target
    target_reason: str
    recipes: tuple[Recipe, ...]
    names: tuple[str, ...]
    install_path: Path | None
    output: Output
    offline: bool
    refresh: bool = False
    frozen: bool = False
    default_runtime: DefaultRuntime | None = None

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root

    @property
    def settings(self) -> Settings:
        """Of the project."""
        return self.project.settings

    @cached_property
    def supplies(self) -> tuple[SupplyKey, ...]:
        """The sets of distributions that packages choose from, each once, in the order of the recipes."""
        return tuple(dict.fromkeys(recipe.supply for recipe in self.recipes))

    @property
    def has_hooks(self) -> bool:
        """Whether commands run before or after bundling."""
        hooks = (self.settings.hooks, *(recipe.settings.hooks for recipe in self.recipes))
        return not all(each.is_empty for each in hooks)

    def ships_project(self, supply: SupplyKey) -> bool:
        """Whether a package that chooses from this supply ships the project's own code."""
        return any(recipe.with_project for recipe in self.recipes if recipe.supply == supply)

    def lock_request(self, key: SupplyKey) -> LockRequest:
        """The request for the lock of a supply."""
        return LockRequest(
            root=self.root / key.project,
            groups=key.groups,
            extras=key.extras,
            package=key.package,
            lock=None if key.lock is None else absolute(key.lock, self.root),
            refresh=self.refresh,
            frozen=self.frozen,
            asked_runtime=self.target_reason.startswith(("as asked", "by the settings")),
            wanted=bool(key.requirements)
            or any(
                recipe.settings.include
                for recipe in self.recipes
                if recipe.supply.needs == key.needs
            ),
            others=self.settings.roots(self.root),
        )

    @cached_property
    def projects(self) -> tuple[Path, ...]:
        """The folders of the projects that say what packages need, each once."""
        return tuple(dict.fromkeys(self.lock_request(key).root for key in self.supplies))

    @cached_property
    def extra_paths(self) -> tuple[ExtraPath, ...]:
        """The extra paths of all packages, each once."""
        return tuple(
            dict.fromkeys(path for recipe in self.recipes for path in recipe.settings.extra_paths)
        )

    def chosen(self, name: str) -> list[Any]:
        """The value of a setting for each package: its own, or that of the project."""
        return [self.settings.chosen(name, recipe.settings) for recipe in self.recipes]

    def label(self, name: str) -> str:
        """The label under which facts about a package are kept, which edits do not change."""
        return f"{self.root.absolute()} {name}"

    def only(self, *names: str) -> BuildRequest:
        """The same request for some functions and layers, with the layers that they need."""
        wanted = [recipe for recipe in self.recipes if recipe.name in names]
        layers = {layer for recipe in wanted for layer in recipe.layers}
        recipes = [each for each in self.recipes if each in wanted or each.name in layers]
        return replace(self, recipes=tuple(recipes), names=names)


def read_request(project: Path | str = ".", **options: Unpack[BuildOptions]) -> BuildRequest:
    """Read a project and its settings, once, and apply the options to them.

    Args:
        project: the project's folder.
        options: as ``BuildOptions`` describes them.

    Raises:
        ProjectError: there is no project, or its files cannot be read.
        SettingsError: the settings or options are wrong.
        TargetError: the target is unknown, or not one that the project runs on.
    """
    refuse_options(options, BuildOptions)
    name, names, lock = options.get("name"), options.get("names") or (), _path(options.get("lock"))
    found = read_project(
        Path(project),
        config=_path(options.get("config")),
        stage=options.get("stage"),
        install_path=_path(options.get("install_path")),
        name=name,
    )
    packages = {**found.settings.functions, **found.settings.layers}
    roots = {found.name: None} | {key: package.root for key, package in packages.items()}
    refuse_paths(names, known=roots)
    settings = with_handler(
        found.settings,
        name=found.name,
        names=names,
        app=options.get("app"),
        handler=options.get("handler"),
        interface=options.get("interface"),
    )
    found = replace(found, settings=with_container(settings, options))
    wanted = recipes(
        settings,
        name=found.name,
        names=names,
        options=SupplyOptions(
            groups=options.get("groups") or (),
            extras=options.get("extras") or (),
            package=options.get("package"),
            lock=None if lock is None else relative(_named_path(lock, found.root), found.root),
            is_project=lambda root: is_project(find_root(found.root, root), found.files),
        ),
    )
    found = _with_roots(found, wanted)
    target, reason = choose_target(
        found, runtime=options.get("runtime"), architecture=options.get("architecture")
    )
    request = BuildRequest(
        project=found,
        target=target,
        target_reason=reason,
        default_runtime=(
            None if options.get("runtime") or settings.runtime else default_runtime(found)
        ),
        recipes=wanted,
        names=tuple(names),
        install_path=_install_path(found, wanted, lock),
        output=choose_output(
            _path(options.get("output")),
            _path(options.get("unpacked")),
            default=Path(project) / (settings.output or DEFAULT_OUTPUT),
            names=names,
            recipes=wanted,
        ),
        offline=options.get("offline", False),
        refresh=options.get("refresh", False),
        frozen=options.get("frozen", False),
    )
    if request.refresh and request.offline:
        raise SettingsError("`--refresh` asks the indexes again, and `--offline` forbids that")
    return request


def as_request(
    project: BuildRequest | Path | str, options: BuildOptions | None = None
) -> BuildRequest:
    """The request itself, or the one that is read from a project's folder with these options."""
    if isinstance(project, BuildRequest):
        if options:
            raise TypeError(f"a request has its options already: {', '.join(options)}")
        return project
    return read_request(project, **(options or {}))


def open_context(
    request: BuildRequest,
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    doing: str = "building",
) -> Context:
    """The context of a run for this request, after a note of its target, unless locks may still change that.

    Args:
        request: what was asked.
        store: where files are kept; by default the user's.
        reporter: told what happens.
        doing: the word for what is done, for the note.
    """
    from wherry.sources.build_rules import read_build_rules

    project = request.project
    for note in project.notes:
        reporter.emit(Note(text=note))
    for warning in project.warnings:
        reporter.emit(Warned(text=warning))
    if request.default_runtime is None:
        announce_target(request, reporter, doing=doing)
    locks = [request.lock_request(key).lock for key in request.supplies]
    folders = [project.root, *request.projects, *(lock.parent for lock in locks if lock)]
    if request.frozen and request.install_path is None:
        # Here, so that a build from memory shows it, too.
        text = (
            "the lock is taken as it is (`--frozen`), whether or not the project has changed since"
        )
        reporter.emit(Note(text=text))
    context = Context(
        target=request.target,
        store=store or Store.default(),
        network=Network(
            request.settings.indexes,
            folders=dict.fromkeys(folders),
            offline=request.offline,
            files=request.project.files,
        ),
        build_rules=read_build_rules(project.root, project.files),
        reporter=reporter,
        files=project.files,
    )
    return for_target(request, context)


def for_target(request: BuildRequest, context: Context) -> Context:
    """The same context for the target of a request, with builders that may use containers as its settings say."""
    from wherry.sources.builders import with_builders

    context = replace(context, target=request.target)
    return with_builders(context, request.settings.container, root=request.root)


def announce_target(request: BuildRequest, reporter: Reporter, *, doing: str = "building") -> None:
    """Report the target and why it was chosen; ``doing`` is the word for what is done for it."""
    reporter.emit(Note(text=f"{doing} for {request.target}: {request.target_reason}"))
    notes = [*patch_level_notes(request.target, request.project.requires_python)]
    for note in (*notes, *deprecation_notes(request.target, request.recipes, request.settings)):
        reporter.emit(note)


def _path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def _named_path(path: Path | str, root: Path) -> Path:
    """A path of an option: a relative one starts at the working folder, or else at the project."""
    absolute = Path(path).absolute()
    return absolute if absolute.exists() else root / path


def _with_roots(project: Project, wanted: Sequence[Recipe]) -> Project:
    """The project, with what the folders of functions and layers add to it.

    Raises:
        SettingsError: there is no lock of a name in the settings, or it is outside of the repository.
    """
    root, files, settings = project.root, project.files, project.settings
    for recipe in wanted:
        if recipe.settings.lock is not None:
            require_lock(root, recipe.settings.lock, recipe.settings.root)
    folders = dict.fromkeys(recipe.settings.root for recipe in wanted if recipe.settings.root)
    notes: list[str] = []
    for folder in folders:
        with about(folder):
            notes += unread_settings(root, folder, files)
    # All of them run on one target, also those that are not built this time.
    every = (*settings.functions.values(), *settings.layers.values())
    versions = [project.requires_python]
    for folder in dict.fromkeys(content.root for content in every if content.root):
        with about(folder):
            versions.append(read_requires_python(root / folder, files))
    pythons = dict.fromkeys(filter(None, versions))
    return replace(
        project, notes=(*project.notes, *notes), requires_python=",".join(pythons) or None
    )


def _install_path(project: Project, wanted: Sequence[Recipe], lock: Path | None) -> Path | None:
    folder = project.settings.install_path
    if folder is None:
        return None
    if lock is not None or project.settings.lock is not None:
        raise SettingsError(
            "a lock and an installed folder were named, and only one can be packaged",
            where=[f"the folder is `{folder}`", f"the lock is `{lock or project.settings.lock}`"],
            hint="leave out one of them",
        )
    for recipe in wanted:
        if recipe.settings.root or recipe.settings.lock:
            raise SettingsError(
                f"an installed folder was named, and {recipe.table} has a `root` or `lock` of its own",
                where=[f"the folder is `{folder}`, and all packages would be made of it"],
                hint="leave out one of them",
            )
    return _named_path(folder, project.root)
