"""The runnable function of a project: out of a build's report, or out of what was written before."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.events import SILENT, Warned
from wherry.invoke.runnable import Runnable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from wherry.bundle.algebra import Bundle
    from wherry.events import Reporter
    from wherry.project import Project
    from wherry.report import BuildReport
    from wherry.target import Target

__all__ = ["choose_function", "runnable_of_report", "runnable_of_written"]


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
        nearest = get_close_matches(name, names, n=1)
        raise InvokeError(
            f"there is no function `{name}`",
            where=[f"the project has {listed}"],
            hint=f"did you mean `{nearest[0]}`?" if nearest else None,
        )
    return name


def runnable_of_report(
    report: BuildReport,
    name: str | None = None,
    *,
    handler: str | None = None,
    environment: Mapping[str, str] | None = None,
    runtime_bundle: Bundle | None = None,
    reporter: Reporter = SILENT,
) -> Runnable:
    """A function that was just built, with its layers.

    Args:
        report: of the build.
        name: of the function; it may be left out where there is one.
        handler: in place of the one that was built.
        environment: variables of the function's own.
        runtime_bundle: what the runtime provides.
        reporter: hears of layers that are not here.

    Raises:
        InvokeError: there is no such function, or it has no handler.
    """
    functions = {one.name: one for one in report.packages if one.kind == "function"}
    chosen = functions[choose_function(list(functions), name)]
    layers = {one.name: one.path for one in report.packages if one.kind == "layer"}
    return Runnable(
        name=chosen.name,
        target=report.target,
        handler=_handler(chosen.name, handler or chosen.handler),
        function=chosen.path,
        layers=tuple(_here(chosen.layers, layers, reporter)),
        runtime_bundle=runtime_bundle,
        environment=environment or {},
    )


def runnable_of_written(
    project: Project,
    target: Target,
    output: Path,
    name: str | None = None,
    *,
    handler: str | None = None,
    environment: Mapping[str, str] | None = None,
    reporter: Reporter = SILENT,
) -> Runnable:
    """A function whose zips were written before, at the places that the settings say.

    Args:
        project: with its settings.
        target: what they were built for.
        output: the folder they are in, or the one zip.
        name: of the function; it may be left out where there is one.
        handler: in place of the settings'.
        environment: variables of the function's own.
        reporter: hears of layers that are not here.

    Raises:
        InvokeError: there is no such function, it has no handler, or it was not built.
    """
    from wherry.compose.recipe import recipes
    from wherry.settings.model import FunctionSettings

    made = {one.name: one for one in recipes(project.settings, name=project.name)}
    functions = [each for each, one in made.items() if one.kind == "function"]
    chosen = made[choose_function(functions, name)]
    single = output.suffix == ".zip"
    function = output if single else output / f"{chosen.name}.zip"
    if not function.is_file():
        raise InvokeError(
            f"`{chosen.name}` was not built",
            where=[f"there is no `{function.as_posix()}`"],
            hint="leave `--no-build` out, or run `wherry build`",
        )
    settings = chosen.settings
    if handler is None and isinstance(settings, FunctionSettings):
        handler = _said_handler(settings, function)
    written = {
        each: path
        for each, one in made.items()
        # A layer that came out empty was not written.
        if one.kind == "layer" and (path := output / f"{each}.zip").is_file()
    }
    known = [each for each in chosen.layers if each in written or each not in made]
    return Runnable(
        name=chosen.name,
        target=target,
        handler=_handler(chosen.name, handler),
        function=function,
        layers=tuple(_here(known, written, reporter)),
        environment=environment or {},
        indexes=project.settings.indexes,
    )


def _said_handler(settings: object, function: Path) -> str | None:
    from wherry.bundle.archive import read_archive
    from wherry.settings.model import FunctionSettings
    from wherry.shims import parse_handler
    from wherry.shims.shim import SHIM

    assert isinstance(settings, FunctionSettings)  # noqa: S101
    if settings.handler:
        reference = parse_handler(settings.handler)
        return f"{reference.module}.{reference.attribute}"
    if settings.app:
        # The shim of an app takes the first of its names that is free.
        paths = {member.name for member in read_archive(function)}
        name = SHIM
        while f"{name}_/__init__.py" in paths:
            name += "_"
        if f"{name}/__init__.py" in paths:
            return f"{name}.handler"
    return None


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
