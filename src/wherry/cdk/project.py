"""The functions and layers of a project's settings, as constructs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_lambda
from constructs import Construct

from wherry.cdk.code import is_bundled, warn
from wherry.cdk.layer import lambda_architecture, python_runtime
from wherry.cdk.packages import NOT_BUNDLED, asset_code, naming, packages_of
from wherry.errors import SettingsError
from wherry.pipeline.bundling import Bundling
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.pipeline.entry import Asset

__all__ = ["Project"]


class Project(Construct):
    """A project, whose functions and layers ``[tool.wherry]`` names. All are built at once."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        root: str | Path = ".",
        runtime: str | None = None,
        architecture: str | None = None,
    ) -> None:
        """Take the project; it is read when the first function or layer is asked for.

        Args:
            scope: the construct that this one belongs to.
            id: its name there.
            root: the project's folder.
            runtime: AWS's name, in place of that of the settings.
            architecture: likewise.
        """
        super().__init__(scope, id)
        self._root = Path(root)
        self._options = {"runtime": runtime, "architecture": architecture}
        self._layers: dict[str, aws_lambda.ILayerVersion] = {}

    def function(
        self,
        name: str,
        *,
        layers: Sequence[aws_lambda.ILayerVersion] = (),
        **options: Any,
    ) -> aws_lambda.Function:
        """A function of the settings, with its layers.

        Args:
            name: of the function.
            layers: further layers, which come after those of the settings.
            options: all other properties of ``aws_lambda.Function``, such as ``memory_size``.

        Raises:
            WherryError: there is no such function, or the project cannot be built.
        """
        if not is_bundled(self):
            return aws_lambda.Function(
                self,
                name,
                code=aws_lambda.Code.from_asset(str(NOT_BUNDLED)),
                handler="index.handler",
                runtime=aws_lambda.Runtime.PYTHON_3_13,
                **options,
            )
        asset = self._asset(name, kind="function")
        with naming(f"{self.node.path}/{name}"):
            if asset.handler is None:
                raise SettingsError(
                    f"the function `{name}` has no handler",
                    hint=f"set `handler` or `app` in [tool.wherry.functions.{name}]",
                )
        own = [self._layer(each) for each in asset.layers]
        function = aws_lambda.Function(
            self,
            name,
            code=asset_code(asset, Bundling()),
            handler=asset.handler,
            runtime=python_runtime(asset.target),
            architecture=lambda_architecture(asset.target),
            layers=[*own, *layers],
            **options,
        )
        warn(function, asset)
        return function

    def layer(self, name: str, **options: Any) -> aws_lambda.ILayerVersion:
        """A layer of the settings; the same for all functions that take it.

        Args:
            name: of the layer.
            options: all other properties of ``aws_lambda.LayerVersion``, where it is not made yet.

        Raises:
            WherryError: there is no such layer, or the project cannot be built.
        """
        if name not in self._layers:
            code: aws_lambda.Code = aws_lambda.Code.from_asset(str(NOT_BUNDLED))
            if is_bundled(self):
                asset = self._asset(name, kind="layer")
                code = asset_code(asset, Bundling())
                options.setdefault("compatible_runtimes", [python_runtime(asset.target)])
                options.setdefault("compatible_architectures", [lambda_architecture(asset.target)])
            self._layers[name] = aws_lambda.LayerVersion(self, name, code=code, **options)
        return self._layers[name]

    def _layer(self, name: str) -> aws_lambda.ILayerVersion:
        if not name.startswith("arn:"):
            return self.layer(name)
        if name not in self._layers:
            self._layers[name] = aws_lambda.LayerVersion.from_layer_version_arn(
                self, f"Layer{len(self._layers)}", name
            )
        return self._layers[name]

    def _asset(self, name: str, *, kind: str) -> Asset:
        with naming(f"{self.node.path}/{name}"):
            assets = packages_of(self).all(self._root, self._options)
            if name not in assets:
                raise SettingsError(
                    f"the project has no {kind} `{name}`",
                    where=[f"it has {', '.join(f'`{each}`' for each in assets)}"],
                    hint=did_you_mean(name, known=assets),
                )
            return assets[name]
