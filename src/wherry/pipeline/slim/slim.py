"""Packages without what the settings ``botocore-services`` and ``slim`` leave out of dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.content import read_all
from wherry.bundle.entry import zipped_size
from wherry.compose.model import EXTRA_PATHS, HOOKS, Saving
from wherry.contents.services import CREDENTIALS, data_of, service_uses
from wherry.contents.unneeded import HEADERS, STUBS, paths_of_tests
from wherry.errors import SettingsError
from wherry.events import Warned
from wherry.problems import did_you_mean
from wherry.settings.slimming import DETECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.compose.model import Composition, Package
    from wherry.compose.recipe import Recipe
    from wherry.context import Context
    from wherry.pipeline.request import BuildRequest

__all__ = ["slim_packages"]


def slim_packages(
    composition: Composition, recipes: Sequence[Recipe], request: BuildRequest, context: Context
) -> Composition:
    """The same packages; those whose settings say so, without some files of dependencies.

    Args:
        composition: all packages.
        recipes: of the packages.
        request: for the project's settings and folder.
        context: of the run.

    Raises:
        SettingsError: a service does not exist, or the code does not tell which services it uses.
        ArchiveError, OutputError: a file cannot be read.
    """
    by_name = {recipe.name: recipe for recipe in recipes}
    packages = []
    for package in composition.packages:
        recipe = by_name[package.name]
        services = request.settings.chosen("botocore_services", recipe.settings)
        kinds = request.settings.chosen("slim", recipe.settings)
        dropped = _service_data(package, services, recipe.table, context) if services else set()
        if kinds:
            dropped |= _unneeded(package, kinds, composition, request, context)
        packages.append(_without(package, dropped) if dropped else package)
    return replace(composition, packages=tuple(packages))


def _without(package: Package, paths: set[str]) -> Package:
    payloads = [entry.payload for entry in package.bundle if entry.path in paths]
    return replace(
        package,
        bundle=package.bundle.filter(lambda entry: entry.path not in paths),
        slimmed=Saving(
            files=len(payloads),
            size=sum(map(zipped_size, payloads)),
            unzipped_size=sum(payload.size for payload in payloads),
        ),
    )


def _own(package: Package) -> frozenset[str]:
    """The owners of the project's own files."""
    own = (one.name for one in package.distributions if one.own)
    return frozenset([*own, EXTRA_PATHS, HOOKS])


def _service_data(
    package: Package, services: Sequence[str], table: str, context: Context
) -> set[str]:
    """The paths of the data of services that are not used."""
    data = {
        entry.path: service
        for entry in package.bundle
        if entry.owner == "botocore" and (service := data_of(entry.path)) is not None
    }
    if not data:
        return set()
    known = sorted(set(data.values()))
    if tuple(services) == (DETECT,):
        services = _detected(package, table, known)
        if not services:
            context.reporter.emit(
                Warned(
                    text=f"no code of `{package.name}` names a service of AWS, so that botocore keeps the data of all",
                    hint="name the services that dependencies use: botocore-services",
                )
            )
            return set()
    if unknown := [service for service in services if service not in known]:
        raise SettingsError(
            f"botocore has no service `{unknown[0]}`",
            where=[f"`botocore-services` of `{table}`"],
            hint=did_you_mean(unknown[0], known=known),
        )
    kept = {*services, *CREDENTIALS}
    return {path for path, service in data.items() if service not in kept}


def _detected(package: Package, table: str, known: Sequence[str]) -> list[str]:
    """The services that own code names."""
    if package.kind == "layer":
        raise SettingsError(
            f'`botocore-services = "detect"` does not work for the layer `{package.name}`',
            where=["what its functions use is not known when it is built alone"],
            hint=f'name the services in [tool.wherry.{table}]: botocore-services = ["s3"]',
        )
    own = _own(package)
    services: set[str] = set()
    unclear: list[str] = []
    for entry in package.bundle:
        if entry.owner in own and entry.path.endswith(".py"):
            for use in service_uses(read_all(entry.payload)):
                if use.service is None:
                    unclear.append(f"`{entry.path}`, line {use.line}")
                elif use.service in known:
                    services.add(use.service)
    if unclear:
        raise SettingsError(
            f'`botocore-services = "detect"` of `{package.name}` finds a client of a service that the code does not name',
            where=unclear[:10],
            hint='name the services in the settings instead: botocore-services = ["s3"]',
        )
    return sorted(services)


def _unneeded(
    package: Package,
    kinds: Sequence[str],
    composition: Composition,
    request: BuildRequest,
    context: Context,
) -> set[str]:
    """The paths of tests, stubs and headers of dependencies."""
    own = _own(package)
    endings = (*(STUBS if "stubs" in kinds else ()), *(HEADERS if "headers" in kinds else ()))
    entries = [entry for entry in package.bundle if entry.owner not in own]
    dropped = {entry.path for entry in entries if endings and entry.path.endswith(endings)}
    if "tests" in kinds:
        from wherry.pipeline.bytecode.reached import layers_of, reached_places

        label = f"{request.root.absolute()} {package.name}"
        reached = reached_places([package, *layers_of(package, composition)], label, context)
        dropped |= paths_of_tests((entry.path for entry in entries), reached, package.kind)
    return dropped
