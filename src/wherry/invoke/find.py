"""The runnable function among packages that were built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.events import SILENT, Warned
from wherry.invoke.runnable import Runnable
from wherry.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.events import Reporter
    from wherry.pipeline.report import BuildReport

__all__ = ["choose_function", "find_runnable"]


def choose_function(names: Sequence[str], name: str | None) -> str:
    """The function of that name, or the only one.

    Raises:
        InvokeError: there is none, or several and no name.
    """
    listed = ", ".join(f"`{each}`" for each in names)
    if not names:
        raise InvokeError("the project has layers and no function to call")
    if name is None:
        if len(names) > 1:
            raise InvokeError(
                "it is not said which function to call",
                where=[f"the project has {listed}"],
                hint=f"name one, such as `{names[0]}`",
            )
        return names[0]
    if name not in names:
        raise InvokeError(
            f"there is no function `{name}`",
            where=[f"the project has {listed}"],
            hint=did_you_mean(name, known=names),
        )
    return name


def find_runnable(
    report: BuildReport,
    name: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    runtime_bundle: Bundle | None = None,
    reporter: Reporter = SILENT,
) -> Runnable:
    """A function that was built, just now or before, with its layers.

    Args:
        report: of the packages.
        name: of the function; it may be left out where there is one.
        environment: variables of the function's own.
        runtime_bundle: the distributions that the runtime provides.
        reporter: told of layers that are not here.

    Raises:
        InvokeError: there is no such function, or it has no handler.
    """
    functions = {package.name: package for package in report.packages if package.kind == "function"}
    function = functions[choose_function(list(functions), name)]
    layers = {package.name: package.path for package in report.packages if package.kind == "layer"}
    return Runnable(
        name=function.name,
        target=report.target,
        handler=_handler(function.name, function.handler),
        function=function.path,
        layers=tuple(_here(function.layers, layers, reporter)),
        runtime_bundle=runtime_bundle,
        environment=environment or {},
    )


def _handler(name: str, handler: str | None) -> str:
    if handler is None:
        raise InvokeError(
            f"`{name}` has no handler",
            hint=f"say it in the settings, [tool.wherry.functions.{name}] "
            'handler = "module.function" or app = "module:object",\n'
            "or with `--handler module.function`",
        )
    return handler


def _here(names: Iterable[str], layers: Mapping[str, Path], reporter: Reporter) -> Iterable[Path]:
    for name in names:
        if name in layers:
            yield layers[name]
        else:
            reporter.emit(
                Warned(
                    text=f"the layer {name} is not of this project and is left out",
                    hint="what the function imports from it will not be found here",
                )
            )
