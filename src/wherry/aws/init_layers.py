"""Layers that were published by hand, for first settings: those whose distributions are the project's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from wherry.aws.model import ObservedFunction, layer_name
from wherry.aws.observe import layer_version
from wherry.aws.package_difference import find_installed
from wherry.aws.remote_zip import open_remote
from wherry.errors import WherryError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from wherry.aws.client import Client

__all__ = ["AdoptedLayer", "adopt_layers", "is_own_layer"]

_INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
_OTHER_LOCK = frozenset({"root", "lock", "package"})


class AdoptedLayer(Struct, frozen=True, kw_only=True):
    """A layer on AWS that becomes one of the settings.

    Attributes:
        arn: of the version that functions have.
        functions: those that take it, by their names in the settings.
        include: its distributions, if it is one of several layers; otherwise it gets all of the project's.
    """

    name: str
    arn: str
    functions: tuple[str, ...]
    include: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """``[tool.wherry.layers.NAME]``."""
        return {"include": [*self.include]} if self.include else {}


def adopt_layers(
    root: Path,
    functions: Mapping[str, ObservedFunction],
    proposed: Mapping[str, Mapping[str, Any]],
    client: Client,
) -> tuple[AdoptedLayer, ...]:
    """Find the layers of functions in which nothing is installed but distributions of the project's lock.

    Of each layer, the directory of its zip file is read. What cannot be read is not adopted. ``proposed`` are first
    settings of functions; both tables have the names of the settings.
    """
    takers: dict[str, list[str]] = {}
    for name, function in functions.items():
        settings = proposed.get(name, {})
        if name in proposed and not settings.keys() & {*_OTHER_LOCK, "layers"}:
            for arn in function.latest.layers:
                if isinstance(arn, str) and is_own_layer(arn, function):
                    takers.setdefault(arn, []).append(name)
    if not takers:
        return ()
    first = next(iter(functions.values())).latest
    locked: frozenset[str] | None = None
    contents: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for arn in takers:
        try:
            installed = _installed(arn, client)
            if installed and locked is None:
                locked = _locked(root, first.runtime, first.architecture)
        except WherryError:
            continue
        if locked and installed and installed <= locked | _INSTALLERS:
            contents[arn] = tuple(sorted(installed - taken - _INSTALLERS))
            taken |= installed
    several = len(contents) > 1
    return tuple(
        AdoptedLayer(
            name=layer_name(arn) if several else "dependencies",
            arn=arn,
            functions=tuple(takers[arn]),
            include=include if several else (),
        )
        for arn, include in contents.items()
        if include
    )


def is_own_layer(arn: str, function: ObservedFunction) -> bool:
    """Whether a layer is in the account and region of a function."""
    return arn.split(":")[3:5] == function.arn.split(":")[3:5]


def _installed(arn: str, client: Client) -> set[str]:
    """The names of what is installed in a layer version."""
    version = layer_version(client, arn)
    location = None if version is None else version["Content"].get("Location")
    if not location:
        return set()
    with open_remote(location, what=f"layer `{layer_name(arn)}`") as package:
        return {*find_installed(package.files)}


def _locked(root: Path, runtime: str | None, architecture: str | None) -> frozenset[str]:
    """The names of all distributions that the project's lock gives, or that its requirements come to."""
    from wherry.pipeline.request import open_context, read_request
    from wherry.pipeline.supply import read_locks

    request = read_request(root, runtime=runtime, architecture=architecture)
    context = open_context(request)
    locks = read_locks({key.needs: request.lock_request(key) for key in request.supplies}, context)
    packages: Iterable[Any] = (one for lock in locks.values() for one in lock.pylock.packages)
    return frozenset(str(canonicalize_name(package.name)) for package in packages)
