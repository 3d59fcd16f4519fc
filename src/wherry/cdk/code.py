"""A package as ``aws_lambda.Code``, for any construct that takes one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack, aws_lambda

from wherry.cdk.packages import NOT_BUNDLED, Packages, asset_code, naming, packages_of
from wherry.pipeline.as_it_is import ships_as_it_is
from wherry.pipeline.bundling import read_bundling
from wherry.pipeline.entry import Asset, Wanted
from wherry.settings.model import FunctionSettings

if TYPE_CHECKING:
    from constructs import Construct


__all__ = ["code", "is_bundled", "warn"]


def code(
    entry: str | Path,
    *,
    runtime: aws_lambda.Runtime,
    handler: str | None = None,
    architecture: aws_lambda.Architecture | None = None,
    bundling: object = None,
    scope: Construct | None = None,
) -> aws_lambda.Code:
    """The package of a project, for providers, singleton functions, triggers and constructs of one's own.

    Args:
        entry: the project's folder.
        runtime: the function's.
        handler: the function's, as AWS means it; it is checked where it is given.
        architecture: the function's; by default that of the settings, or ``x86_64``.
        bundling: a ``Bundling``, a dictionary, or ``BundlingOptions`` of the alpha constructs.
        scope: a construct of the stack. Where the stack is not bundled, nothing is built; without a scope, always.

    Raises:
        WherryError: the package cannot be built.
    """
    if scope is not None and not is_bundled(scope):
        return aws_lambda.Code.from_asset(str(NOT_BUNDLED))
    packages = Packages() if scope is None else packages_of(scope)
    options = read_bundling(bundling)
    place = str(entry) if scope is None else f"{scope.node.path}: {entry}"
    with naming(place):
        asset = packages.one(
            Wanted(
                entry=Path(entry),
                settings=FunctionSettings(handler=handler),
                runtime=runtime.name,
                architecture=None if architecture is None else architecture.name,
                bundling=options,
                as_it_is=ships_as_it_is(Path(entry), None),
            )
        )
    if scope is not None:
        warn(scope, asset)
    return asset_code(asset, options)


def is_bundled(scope: Construct) -> bool:
    """Whether the stack of a construct is to be bundled: not for ``cdk ls``, and not if others are deployed."""
    return Stack.of(scope).bundling_required


def warn(construct: Construct, asset: Asset) -> None:
    """Hand a build's warnings to the CDK, which shows them with the construct's path."""
    for text in asset.warnings:
        Annotations.of(construct).add_warning(text)
