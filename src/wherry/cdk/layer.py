"""A layer whose package Wherry makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_lambda

from wherry.cdk.code import is_bundled, warn
from wherry.cdk.packages import NOT_BUNDLED, asset_code, naming, packages_of
from wherry.pipeline.as_it_is import ships_as_it_is
from wherry.pipeline.bundling import read_bundling
from wherry.pipeline.entry import Wanted, layer_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from wherry.target import Target

__all__ = ["PythonLayerVersion", "lambda_architecture", "python_runtime"]


class PythonLayerVersion(aws_lambda.LayerVersion):
    """A layer of a folder with a lock, and of the code in it, if any.

    Takes the place of ``PythonLayerVersion`` of the alpha constructs, with the same arguments.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        entry: str | Path,
        compatible_runtimes: Sequence[aws_lambda.Runtime] | None = None,
        compatible_architectures: Sequence[aws_lambda.Architecture] | None = None,
        bundling: object = None,
        **options: Any,
    ) -> None:
        """Build the package, unless the stack is not bundled.

        Args:
            scope: the construct that this one belongs to.
            id: its name there.
            entry: the project's folder.
            compatible_runtimes: what it must run on; by default the runtime that the project's files name or admit.
            compatible_architectures: likewise; by default ``x86_64``, or that of the settings, and the template does
                not name it.
            bundling: a ``Bundling``, a dictionary, or ``BundlingOptions`` of the alpha constructs.
            options: all other properties of ``aws_lambda.LayerVersion``.

        Raises:
            WherryError: the package cannot be built, or does not run on all that it must run on; the error names
                the construct.
        """
        place = f"{scope.node.path}/{id}".lstrip("/")
        asset = None
        code: aws_lambda.Code = aws_lambda.Code.from_asset(str(NOT_BUNDLED))
        if is_bundled(scope):
            runtimes = tuple(each.name for each in compatible_runtimes or ())
            machines = tuple(each.name for each in compatible_architectures or ())
            with naming(place):
                settings, made_by = layer_settings(read_bundling(bundling), runtimes, machines)
                asset = packages_of(scope).one(
                    Wanted(
                        entry=Path(entry),
                        settings=settings,
                        runtime=runtimes[0] if runtimes else None,
                        architecture=machines[0] if machines else None,
                        bundling=made_by,
                        as_it_is=ships_as_it_is(Path(entry), None),
                    )
                )
                code = asset_code(asset, made_by)
            compatible_runtimes = compatible_runtimes or [python_runtime(asset.target)]
        super().__init__(
            scope,
            id,
            code=code,
            compatible_runtimes=compatible_runtimes,
            compatible_architectures=compatible_architectures,
            **options,
        )
        if asset is not None:
            warn(self, asset)


def python_runtime(target: Target) -> aws_lambda.Runtime:
    """The runtime of a target; this version of the CDK need not know it."""
    return aws_lambda.Runtime(
        target.runtime.name, aws_lambda.RuntimeFamily.PYTHON, supports_inline_code=True
    )


def lambda_architecture(target: Target) -> aws_lambda.Architecture:
    """The architecture of a target."""
    if str(target.architecture) == "arm64":
        return aws_lambda.Architecture.ARM_64
    return aws_lambda.Architecture.X86_64
