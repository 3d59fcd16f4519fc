"""A function whose package Wherry makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_lambda

from wherry.cdk.code import is_bundled, warn
from wherry.cdk.packages import NOT_BUNDLED, asset_code, naming, packages_of
from wherry.errors import SettingsError
from wherry.pipeline.as_it_is import ships_as_it_is
from wherry.pipeline.bundling import read_bundling
from wherry.pipeline.entry import Wanted, function_settings, named_handler
from wherry.shims.shim import SHIM_HANDLER

if TYPE_CHECKING:
    from constructs import Construct

__all__ = ["PythonFunction"]


class PythonFunction(aws_lambda.Function):
    """A Lambda function of a folder with Python code and its lock.

    Takes the place of ``PythonFunction`` of the alpha constructs, with the same arguments.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        *,
        entry: str | Path,
        runtime: aws_lambda.Runtime,
        index: str | None = None,
        handler: str | None = None,
        app: str | None = None,
        architecture: aws_lambda.Architecture | None = None,
        bundling: object = None,
        **options: Any,
    ) -> None:
        """Build the package, unless the stack is not bundled.

        Args:
            scope: the construct that this one belongs to.
            id: its name there.
            entry: the project's folder. A lock above it, of a workspace, is found.
            runtime: of Python.
            index: the file with the handler, relative to ``entry``; by default ``index.py``.
            handler: the function in that file; by default ``handler``.
            app: the web application, as ``module:object``, in place of ``index`` and ``handler``.
            architecture: by default ``x86_64``.
            bundling: a ``Bundling``, a dictionary, or ``BundlingOptions`` of the alpha constructs.
            options: all other properties of ``aws_lambda.Function``.

        Raises:
            WherryError: the package cannot be built; the error names the construct.
        """
        place = f"{scope.node.path}/{id}".lstrip("/")
        asset = None
        code: aws_lambda.Code = aws_lambda.Code.from_asset(str(NOT_BUNDLED))
        # As in the package, unless that is installed from a folder `src`: nothing is read to know it.
        aws_handler = named_handler(index, handler) if app is None else SHIM_HANDLER
        if is_bundled(scope):
            with naming(place):
                made_by = read_bundling(bundling)
                root = Path(entry)
                if app is not None and (index is not None or handler is not None):
                    raise SettingsError(
                        "`app` takes the place of `index` and `handler`", hint="leave those out"
                    )
                settings = function_settings(
                    root, app, index, handler, has_layers=bool(options.get("layers"))
                )
                asset = packages_of(scope).one(
                    Wanted(
                        entry=root,
                        settings=settings,
                        runtime=runtime.name,
                        architecture="x86_64" if architecture is None else architecture.name,
                        bundling=made_by,
                        as_it_is=ships_as_it_is(
                            root, None if app is not None else index or "index.py"
                        ),
                    )
                )
                code = asset_code(asset, made_by)
                aws_handler = asset.handler or aws_handler
        super().__init__(
            scope,
            id,
            code=code,
            handler=aws_handler,
            runtime=runtime,
            architecture=architecture,
            **options,
        )
        if asset is not None:
            warn(self, asset)
