"""The packages of an application of the CDK, each built once."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import WherryError
from wherry.pipeline.bundling import Bundling
from wherry.pipeline.entry import Asset, Wanted, build_all, build_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_cdk import aws_lambda
    from constructs import IConstruct


__all__ = ["NOT_BUNDLED", "Packages", "asset_code", "naming", "packages_of"]

NOT_BUNDLED = Path(__file__).with_name("not_bundled.zip")
"""The asset of constructs in stacks that are not bundled: always the same."""


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
            asset = self._built[key] = build_one(wanted)
        return asset

    def all(self, root: Path, options: Mapping[str, str | None]) -> Mapping[str, Asset]:
        """Build the functions and layers of a project's settings.

        Raises:
            WherryError: they cannot be built.
        """
        key = repr((root, sorted(options.items())))
        assets = self._built.get(key)
        if assets is None or isinstance(assets, Asset):
            assets = self._built[key] = build_all(root, options)
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


def asset_code(asset: Asset, bundling: Bundling) -> aws_lambda.Code:
    """The package as the CDK takes it; by default it is known by its bytes."""
    from aws_cdk import AssetHashType, aws_lambda

    own = asset.inputs_sha256 or bundling.asset_hash
    options: dict[str, Any] = {}
    if own is not None:
        options = {"asset_hash": own, "asset_hash_type": AssetHashType.CUSTOM}
    return aws_lambda.Code.from_asset(str(asset.path), **options)
