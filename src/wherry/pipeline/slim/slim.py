"""Packages without what the settings ``botocore-services`` and ``slim`` leave out of dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.content import read_all
from wherry.bundle.entry import zipped_size
from wherry.compose.model import Saving, own_owners
from wherry.contents.services import CREDENTIALS, data_of, service_uses
from wherry.contents.unneeded import HEADERS, STUBS, paths_of_tests
from wherry.errors import SettingsError
from wherry.events import Warned
from wherry.pipeline.bytecode.reached import reached_places, reached_services
from wherry.problems import did_you_mean
from wherry.settings.slimming import DETECT
from wherry.sizes import first

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
        parts = composition.with_layers(package)
        label = request.label(package.name)
        dropped = (
            _service_data(parts, services, recipe.table, label, context) if services else set()
        )
        if kinds:
            dropped |= _unneeded(parts, kinds, label, context)
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


def _service_data(
    packages: Sequence[Package], services: Sequence[str], table: str, label: str, context: Context
) -> set[str]:
    """The paths of the data of services that are not used, of the first of some packages."""
    package = packages[0]
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
        if services:
            services += _of_dependencies(packages, known, label, context)
        else:
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
    own = own_owners([package])
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


def _of_dependencies(
    packages: Sequence[Package], known: Sequence[str], label: str, context: Context
) -> list[str]:
    """The services that dependencies name, as far as their modules may be imported."""
    services = reached_services(packages, label, context)
    if unclear := [owner for owner, names in services.items() if "" in names]:
        context.reporter.emit(
            Warned(
                text=f"botocore keeps the data of services that code names, and {first(unclear, 10)} may use others",
                hint="name the services in the settings instead: botocore-services",
            )
        )
    return sorted({name for names in services.values() for name in names}.intersection(known))


def _unneeded(
    packages: Sequence[Package], kinds: Sequence[str], label: str, context: Context
) -> set[str]:
    """The paths of tests, stubs and headers of dependencies, of the first of some packages."""
    package = packages[0]
    own = own_owners([package])
    endings = (*(STUBS if "stubs" in kinds else ()), *(HEADERS if "headers" in kinds else ()))
    entries = [entry for entry in package.bundle if entry.owner not in own]
    dropped = {entry.path for entry in entries if endings and entry.path.endswith(endings)}
    if "tests" in kinds:
        reached = reached_places(packages, label, context)
        dropped |= paths_of_tests((entry.path for entry in entries), reached, package.kind)
    return dropped
