"""The packages of constructs: built into the store, each once for an application of the CDK."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.cdk.bundling import Bundling
from wherry.errors import SettingsError, WherryError
from wherry.events import Warned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_cdk import aws_lambda
    from constructs import IConstruct

    from wherry.events import Event
    from wherry.pipeline.report import PackageReport
    from wherry.pipeline.request import BuildRequest
    from wherry.settings.model import FunctionSettings, LayerSettings
    from wherry.target import Target

__all__ = [
    "NOT_BUNDLED",
    "Asset",
    "Packages",
    "Wanted",
    "asset_code",
    "asset_options",
    "naming",
    "packages_of",
]

NOT_BUNDLED = Path(__file__).with_name("not_bundled.zip")
"""The asset of constructs in stacks that are not bundled: always the same."""

_NAME = "package"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A package that a construct wants.

    Attributes:
        entry: the project's folder.
        settings: of the function or layer.
        runtime: AWS's name; None for the project's own choice.
        architecture: likewise.
        bundling: how it is made.
    """

    entry: Path
    settings: FunctionSettings | LayerSettings
    runtime: str | None = None
    architecture: str | None = None
    bundling: Bundling = field(default_factory=Bundling)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
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
    """Keeps warnings; everything else is for people who wait, and nobody reads a synthesis."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def emit(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.texts.setdefault(
                event.text if event.hint is None else f"{event.text} ({event.hint})"
            )


class Packages:
    """The packages of one application: equal requests are built once."""

    def __init__(self) -> None:
        self._built: dict[str, Asset | Mapping[str, Asset]] = {}

    def one(self, wanted: Wanted) -> Asset:
        """Build the package of an entry, which is one function or layer whatever its settings name.

        Raises:
            WherryError: it cannot be built.
        """
        key = repr((replace(wanted, bundling=Bundling()), wanted.bundling.facts()))
        asset = self._built.get(key)
        if not isinstance(asset, Asset):
            asset = self._built[key] = _build_one(wanted)
        return asset

    def all(self, root: Path, options: Mapping[str, str | None]) -> Mapping[str, Asset]:
        """Build the functions and layers of a project's settings.

        Raises:
            WherryError: they cannot be built.
        """
        key = repr((root, sorted(options.items())))
        assets = self._built.get(key)
        if assets is None or isinstance(assets, Asset):
            assets = self._built[key] = _build_all(root, options)
        return assets


def packages_of(construct: IConstruct) -> Packages:
    """The packages of the application that a construct belongs to."""
    root = construct.node.root
    kept = getattr(root, "_wherry_packages", None)
    if not isinstance(kept, Packages):
        kept = Packages()
        root._wherry_packages = kept  # type: ignore[attr-defined]  # noqa: SLF001
    return kept


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Let errors of the block name the construct that they are about."""
    try:
        yield
    except WherryError as error:
        error.where = (f"in the construct `{place}`", *error.where)
        # What was tried to get there is of no use to the reader.
        raise error from None


def asset_options(asset: Asset, bundling: Bundling) -> dict[str, Any]:
    """The options of the asset in the CDK: by default it is known by its bytes."""
    from aws_cdk import AssetHashType

    own = asset.inputs_sha256 or bundling.asset_hash
    return {} if own is None else {"asset_hash": own, "asset_hash_type": AssetHashType.CUSTOM}


def asset_code(asset: Asset, bundling: Bundling) -> aws_lambda.Code:
    """The package as the CDK takes it."""
    from aws_cdk import aws_lambda

    return aws_lambda.Code.from_asset(str(asset.path), **asset_options(asset, bundling))


def _request(wanted: Wanted) -> BuildRequest:
    """The request for one package, with the project's settings as far as they are not of functions or layers."""
    from wherry.compose.recipe import SupplyOptions, recipes
    from wherry.outputs.zip_files import ZipFiles
    from wherry.pipeline.request import read_request
    from wherry.settings.model import FunctionSettings, LayerSettings

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
        request, output=ZipFiles(_place(request, repr(made), settings.exclude) / f"{_NAME}.zip")
    )


def _place(request: BuildRequest, *facts: object) -> Path:
    """A folder of the store for the packages of a request: never one of the application's own."""
    from wherry.store import Store
    from wherry.store.memo import memo_key

    key = memo_key(str(request.root), str(request.target), *facts)
    return Store.default().folder("packages", key)


def _build_one(wanted: Wanted) -> Asset:
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


def _build_all(root: Path, options: Mapping[str, str | None]) -> Mapping[str, Asset]:
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
