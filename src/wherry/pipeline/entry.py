"""The packages of the constructs of other tools: of a folder, independent of the functions in its settings.

They are written to the store, and never to a folder of the application's own, which may be watched.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.events import Warned
from wherry.pipeline.as_it_is import ships_as_it_is
from wherry.pipeline.bundling import Bundling, read_bundling
from wherry.settings.model import FunctionSettings, LayerSettings
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.events import Event
    from wherry.pipeline.report import PackageReport
    from wherry.pipeline.request import BuildRequest
    from wherry.target import Target

__all__ = [
    "Asset",
    "Wanted",
    "answer_json",
    "build_all",
    "build_one",
    "function_settings",
    "layer_settings",
    "named_handler",
]

_NAME = "package"
_LAYOUT = "python"
_GIVEN_LAYERS = ("arn:aws:lambda:::layer:given:1",)
"""Stands for the layers that a construct gives to a function: a module that is not in the package may be there."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A package that a construct wants.

    Attributes:
        entry: the project's folder.
        settings: of the function or layer.
        runtime: AWS's name; None for the project's own choice.
        architecture: likewise.
        bundling: how it is made.
        as_it_is: whether the folder ships as it is, even if it names a build system.
    """

    entry: Path
    settings: FunctionSettings | LayerSettings
    runtime: str | None = None
    architecture: str | None = None
    bundling: Bundling = field(default_factory=Bundling)
    as_it_is: bool = False


class Asset(Struct, frozen=True, kw_only=True):
    """A package that was built.

    Attributes:
        path: of the zip file.
        target: what it was built for.
        handler: of a function, if its settings say one.
        layers: names and ARNs of the layers that it takes.
        inputs_sha256: the digest of its inputs, if that is what it is to be known by.
        warnings: what the user will probably want to change.
    """

    path: Path
    target: Target
    handler: str | None = None
    layers: tuple[str, ...] = ()
    inputs_sha256: str | None = None
    warnings: tuple[str, ...] = ()


class _Warnings:
    """Keeps warnings; progress is of no use in a synthesis."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def emit(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.texts.setdefault(
                event.text if event.hint is None else f"{event.text} ({event.hint})"
            )


def _request(wanted: Wanted) -> BuildRequest:
    """The request for one package, with the project's settings as far as they are not of functions or layers."""
    from wherry.compose.recipe import SupplyOptions, recipes
    from wherry.outputs.zip_files import ZipFiles
    from wherry.pipeline.request import read_request

    bundling = wanted.bundling
    request = read_request(
        wanted.entry,
        runtime=wanted.runtime,
        architecture=wanted.architecture,
        lock=bundling.lock,
    )
    settings, own, hooks = request.settings, wanted.settings, bundling.hooks()
    settings = replace(
        settings,
        functions={_NAME: own} if isinstance(own, FunctionSettings) else {},
        layers={_NAME: own} if isinstance(own, LayerSettings) else {},
        exclude=(*settings.exclude, *(bundling.asset_excludes or ())),
        hooks=settings.hooks if hooks is None else hooks,
        container=bundling.containers(settings.container),
        build_project=settings.build_project and not wanted.as_it_is,
    )
    made = recipes(
        settings,
        name=_NAME,
        options=SupplyOptions(
            groups=bundling.groups,
            extras=bundling.extras,
            package=bundling.package,
            lock=next((recipe.supply.lock for recipe in request.recipes), None),
        ),
    )
    request = replace(
        request, project=replace(request.project, settings=settings), recipes=made, names=()
    )
    return replace(
        request,
        output=ZipFiles(
            _place(request, repr(made), settings.exclude, settings.build_project) / f"{_NAME}.zip"
        ),
    )


def _place(request: BuildRequest, *facts: object) -> Path:
    """A folder of the store for the packages of a request: never one of the application's own."""
    from wherry.store import Store
    from wherry.store.memo import memo_key

    key = memo_key(str(request.root), str(request.target), *facts)
    return Store.default().folder("packages", key)


def build_one(wanted: Wanted) -> Asset:
    """Build the package of an entry, which is one function or layer whatever its settings name.

    Raises:
        WherryError: it cannot be built.
    """
    from wherry.pipeline.build import build
    from wherry.pipeline.digest import digest
    from wherry.store.memo import memo_key

    heard = _Warnings()
    with _variables(wanted.bundling.build_args or {}):
        request = _request(wanted)
        known = None
        if wanted.bundling.by_source:
            known = digest(request).packages[0].inputs_sha256
        suffix = wanted.bundling.output_path_suffix
        if known and suffix:
            known = memo_key(known, suffix)
        if suffix:
            return replace(_build_below(request, suffix, heard), inputs_sha256=known)
        report = build(request, reporter=heard)
    if not report.packages:
        raise SettingsError(
            f"`{wanted.entry}` has nothing to package",
            hint="name dependencies in its lock, or add files to it",
        )
    asset = _asset(report.packages[0], report.target, heard)
    return replace(asset, inputs_sha256=known)


def _build_below(request: BuildRequest, folder: str, heard: _Warnings) -> Asset:
    """The package with all its files in a folder."""
    from wherry.bundle.writer import write_package
    from wherry.pipeline.build import compose_project

    path = request.output.root.parent / f"{folder.strip('/').replace('/', '-')}.zip"
    composition = compose_project(request, reporter=heard)
    package = composition.packages[0]
    written = write_package(package.bundle.prefix(folder.strip("/")), path)
    return Asset(
        path=written.path,
        target=composition.target,
        handler=package.handler,
        warnings=tuple(heard.texts),
    )


def build_all(root: Path, options: Mapping[str, str | None]) -> Mapping[str, Asset]:
    """Build the functions and layers of a project's settings; the assets by name.

    Raises:
        WherryError: they cannot be built.
    """
    from wherry.outputs.zip_files import ZipFiles
    from wherry.pipeline.build import build
    from wherry.pipeline.request import read_request

    heard = _Warnings()
    request = read_request(root, **options)  # type: ignore[arg-type]
    request = replace(request, output=ZipFiles(_place(request, repr(request.recipes))))
    report = build(request, reporter=heard)
    return {
        package.name: _asset(package, report.target, heard if number == 0 else _Warnings())
        for number, package in enumerate(report.packages)
    }


def _asset(package: PackageReport, target: Target, heard: _Warnings) -> Asset:
    return Asset(
        path=package.path,
        target=target,
        handler=package.handler,
        layers=package.layers,
        warnings=tuple(heard.texts),
    )


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment for the block: a synthesis is one thread's work."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def function_settings(
    root: Path, app: str | None, index: str | None, handler: str | None, *, has_layers: bool
) -> FunctionSettings:
    """The settings of a construct's function.

    Args:
        root: the folder of its project.
        app: the web application; None for a function that ``index`` and ``handler`` name.
        index: the path of the module below that folder.
        handler: the function in it.
        has_layers: whether the construct gives it layers.

    Raises:
        SettingsError: the file is not a module.
    """
    layers = _GIVEN_LAYERS if has_layers else ()
    if app:
        return FunctionSettings(app=app, layers=layers)
    return FunctionSettings(handler=_handler_of(root, index, handler), layers=layers)


def _handler_of(root: Path, index: str | None, function: str | None) -> str:
    """The handler as AWS means it: the module of a file below the entry, and a function in it."""
    index = _module_path(index)
    if not index.endswith(".py") or index.startswith("/"):
        raise SettingsError(
            f"`index` is `{index}`, which is not the path of a module",
            hint='name a file below `entry`, such as index="shop/api.py"',
        )
    if not (root / index).is_file():
        raise SettingsError(
            f"there is no `{index}` in `{root}`",
            hint="name the file with the handler: index=…" if root.is_dir() else None,
        )
    # A project with a build system is installed, without its folder `src`.
    pyproject = root / "pyproject.toml"
    if pyproject.is_file() and not (root / "src" / "__init__.py").is_file():
        from wherry.files import ProjectFiles
        from wherry.sources.declaration import read_declaration

        if read_declaration(root, ProjectFiles()).backend and not ships_as_it_is(root, index):
            index = index.removeprefix("src/")
    return named_handler(index, function)


def named_handler(index: str | None, function: str | None) -> str:
    """The handler as it is named, whether the file exists or not."""
    module = _module_path(index or None).removesuffix(".py").replace("/", ".")
    return f"{module}.{function or 'handler'}"


def _module_path(index: str | None) -> str:
    return "index.py" if index is None else index.replace("\\", "/").removeprefix("./")


def answer_json(query: str) -> dict[str, Any]:
    """Build the package that a JSON object describes, for constructs in other languages.

    Args:
        query: an object with ``entry``; ``runtime`` and ``architecture``; ``index`` and ``handler``, or ``app``;
            ``layers``, true if the function is given layers; ``layer``, true for a layer, with ``runtimes`` and
            ``architectures``; and ``bundling``, in which ``command_hooks`` is an object with the lists ``before`` and
            ``after``.

    Returns:
        ``path`` of the zip file, ``handler``, ``runtime``, ``architecture``, ``asset_hash`` (None where the bytes are
        the asset), and ``warnings``.

    Raises:
        SettingsError: the query is wrong.
        WherryError: the package cannot be built.
    """
    import json

    try:
        asked = json.loads(query)
        entry = Path(asked["entry"])
        bundling = read_bundling(asked.get("bundling"))
        index = None if asked.get("layer") or asked.get("app") else asked.get("index") or "index.py"
        settings: FunctionSettings | LayerSettings
        if asked.get("layer"):
            settings, bundling = layer_settings(
                bundling, asked.get("runtimes") or (), asked.get("architectures") or ()
            )
        else:
            settings = function_settings(
                entry,
                asked.get("app"),
                index,
                asked.get("handler"),
                has_layers=bool(asked.get("layers")),
            )
        wanted = Wanted(
            entry=entry,
            settings=settings,
            runtime=asked.get("runtime"),
            architecture=asked.get("architecture"),
            bundling=bundling,
            as_it_is=ships_as_it_is(entry, index),
        )
        # Whatever is of a wrong kind is found here.
        bundling.facts()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SettingsError("the query cannot be read", where=[str(error)]) from error
    asset = build_one(wanted)
    return {
        "path": str(asset.path),
        "handler": asset.handler,
        **asset.target.document(),
        "asset_hash": asset.inputs_sha256 or bundling.asset_hash,
        "warnings": list(asset.warnings),
    }


def layer_settings(
    bundling: Bundling, runtimes: Sequence[str], architectures: Sequence[str]
) -> tuple[FunctionSettings | LayerSettings, Bundling]:
    """The settings of a layer of an entry, its own code included, and the options that are left.

    Args:
        bundling: of the layer; its suffix is ``python`` where none is given.
        runtimes: AWS's names of what it must run on.
        architectures: likewise.
    """
    if bundling.output_path_suffix in {None, _LAYOUT}:
        settings = LayerSettings(
            project=True, runtimes=tuple(runtimes), architectures=tuple(architectures)
        )
        return settings, replace(bundling, output_path_suffix=None)
    return FunctionSettings(), bundling
