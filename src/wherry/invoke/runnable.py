"""The written zips of a function and its layers, how to call it, and what it is given.

A runnable function is found among packages that were built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from wherry.errors import InvokeError
from wherry.events import SILENT, Reporter, Warned
from wherry.problems import did_you_mean
from wherry.structs import Struct
from wherry.target.quotas import MEMORY, STORAGE, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.pipeline.report import BuildReport
    from wherry.target import Target

__all__ = [
    "ENDLESS",
    "Limits",
    "Runnable",
    "choose_function",
    "find_runnable",
]

ENDLESS = 365 * 86400.0
"""Seconds that stand for as long as somebody wants."""


class Limits(Struct, frozen=True, kw_only=True):
    """The limits of a function.

    Attributes:
        timeout: seconds that it has for an event; ``ENDLESS`` for a debugger, which takes its time.
        memory: in MB.
        memory_ends: whether a function that uses more memory is ended, as on Lambda; otherwise it is only warned of.
        ephemeral_storage: the size of ``/tmp`` in MB.

    Raises:
        InvokeError: AWS Lambda does not take one of them.
    """

    timeout: float = 30.0
    memory: int = 128
    memory_ends: bool = False
    ephemeral_storage: int = 512

    def __post_init__(self) -> None:
        """Check them."""
        if self.timeout != ENDLESS:
            _check("a timeout", self.timeout, TIMEOUT, "seconds")
        _check("a memory", self.memory, MEMORY, "MB")
        _check("an ephemeral storage", self.ephemeral_storage, STORAGE, "MB")

    @property
    def most_memory(self) -> int | None:
        """The bytes beyond which a function is ended; None where it is not."""
        return self.memory * 1024 * 1024 if self.memory_ends else None


def _check(name: str, value: float, bounds: tuple[int, int], unit: str) -> None:
    least, most = bounds
    # This way round, since every comparison with a value that is not a number is false.
    if not least <= value <= most:
        raise InvokeError(
            f"a function cannot have {name} of {value:g} {unit}",
            where=[f"AWS Lambda takes {least:,} to {most:,} {unit}"],
        )


class Runnable(Struct, frozen=True, kw_only=True):
    """A function as it was written.

    Attributes:
        handler: ``module.function``, as AWS means it.
        layers: the zips of its layers, in order; later ones overwrite earlier ones.
        runtime_bundle: distributions that the runtime provides, such as boto3. They come after the function's
            own code and its layers on ``sys.path``.
        boto3: whether it finds a boto3 as it does on Lambda, where it has none of its own.
        snap_start: whether it is started as for SnapStart, with the hooks that it has registered.
    """

    name: str
    target: Target
    handler: str
    function: Path
    layers: tuple[Path, ...] = ()
    runtime_bundle: Bundle | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()
    boto3: bool = True
    snap_start: bool = False


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
                "the project has several functions, and none was named",
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
    fetched: Mapping[str, Path] | None = None,
    reporter: Reporter = SILENT,
) -> Runnable:
    """A function that was built, just now or before, with its layers.

    Without a name it is the only one. ``fetched`` are the zips of layers that are not of this project, by ARN.

    Raises:
        InvokeError: there is no such function, or it has no handler.
    """
    functions = {package.name: package for package in report.packages if package.kind == "function"}
    function = functions[choose_function(list(functions), name)]
    if function.handler is None:
        raise InvokeError(
            f"`{function.name}` has no handler",
            hint=f"set it in the settings, [tool.wherry.functions.{function.name}] "
            'handler = "module.function" or app = "module:object",\n'
            "or with `--handler module.function`; `wherry init` looks for one",
        )
    built = {package.name: package.path for package in report.packages if package.kind == "layer"}
    built |= fetched or {}
    layers = []
    for layer in function.layers:
        if layer in built:
            layers.append(built[layer])
        else:
            reporter.emit(
                Warned(
                    text=f"the layer {layer} does not belong to this project and is left out",
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
