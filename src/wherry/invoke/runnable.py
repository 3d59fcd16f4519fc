"""The written zips of a function and its layers, how to call it, and what it is given.

A runnable function is found among packages that were built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.events import SILENT, Warned
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.events import Reporter
    from wherry.pipeline.report import BuildReport
    from wherry.target import Target

__all__ = ["Limits", "Runnable", "choose_function", "find_runnable"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Runnable:
    """A function as it was written.

    Attributes:
        handler: ``module.function``, as AWS means it.
        layers: the zips of its layers, in order; later ones overwrite earlier ones.
        runtime_bundle: distributions that the runtime provides, such as boto3. They come after the function's
            own code and its layers on ``sys.path``.
        environment: variables of the function's own.
    """

    name: str
    target: Target
    handler: str
    function: Path
    layers: tuple[Path, ...] = ()
    runtime_bundle: Bundle | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The limits of a function.

    Attributes:
        timeout: seconds that it has for an event.
        memory: in MB, as it is told. It is not enforced.

    Raises:
        InvokeError: one is not above 0.
    """

    timeout: float = 30.0
    memory: int = 128

    def __post_init__(self) -> None:
        """Check them."""
        if self.timeout <= 0:
            raise InvokeError(f"a timeout of {self.timeout:g} seconds leaves no time to run")
        if self.memory <= 0:
            raise InvokeError(f"a memory of {self.memory} MB leaves nothing to run in")


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
    if function.handler is None:
        raise InvokeError(
            f"`{function.name}` has no handler",
            hint=f"say it in the settings, [tool.wherry.functions.{function.name}] "
            'handler = "module.function" or app = "module:object",\n'
            "or with `--handler module.function`",
        )
    built = {package.name: package.path for package in report.packages if package.kind == "layer"}
    layers = []
    for layer in function.layers:
        if layer in built:
            layers.append(built[layer])
        else:
            reporter.emit(
                Warned(
                    text=f"the layer {layer} is not of this project and is left out",
                    hint="what the function imports from it will not be found here",
                )
            )
    return Runnable(
        name=function.name,
        target=report.target,
        handler=function.handler,
        function=function.path,
        layers=tuple(layers),
        runtime_bundle=runtime_bundle,
        environment=environment or {},
    )
