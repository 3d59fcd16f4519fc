"""The bytes that the setting ``bytecode`` would add to a written package, measured by compiling its modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.bundle.compressor import deflated
from wherry.contents.imports import When
from wherry.errors import WherryError
from wherry.inspect.model import Suggestion
from wherry.inspect.replacements import remembered
from wherry.inspect.saving import SMALLEST, header_size
from wherry.pipeline.bytecode.compiling import interpreter
from wherry.pipeline.bytecode.worker import compile_modules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.contents.model import File
    from wherry.contents.read import Contents
    from wherry.context import Context
    from wherry.inspect.model import Inspected
    from wherry.interpreters import BuildPython

__all__ = ["suggest_bytecode"]


def suggest_bytecode(
    contents: Contents, package: Inspected, context: Context
) -> tuple[Suggestion, ...]:
    """The suggestion to compile the modules that loading the handler imports; none if this machine has no Python for it.

    Args:
        contents: of the function.
        package: the package of the function.
        context: of the run.
    """
    places = {file.place for file in contents.files.values() if file.part == package.name}
    files = sorted(
        (
            each.module.file
            for each in contents.graph.reached.values()
            if each.when <= When.GUARDED
            and each.module.kind == "source"
            and each.module.file is not None
            and each.module.file.part == package.name
        ),
        key=lambda file: file.place,
    )
    tag = f"cpython-{''.join(map(str, context.target.runtime.python))}"
    if not contents.is_certain or any(_cached(file.place, tag) in places for file in files):
        return ()
    try:
        python = interpreter(context)
        modules, size, unzipped = remembered(
            f"bytecode {python.release}",
            files,
            context.store,
            lambda: _measure(files, tag, python, context),
        )
    except WherryError:
        return ()
    if unzipped < SMALLEST:
        return ()
    return (
        Suggestion(
            text=f"{modules:,} modules that loading the handler imports are compiled at every cold start",
            size=-size,
            unzipped_size=-unzipped,
            setting='bytecode = "init"',
        ),
    )


def _cached(path: str, tag: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}{'/' if folder else ''}__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _measure(
    files: Sequence[File], tag: str, python: BuildPython, context: Context
) -> tuple[int, int, int]:
    """The number of compiled modules, and their bytes in the zip archive and unzipped."""
    sources = [(file.place, file.read()) for file in files]
    made = compile_modules(sources, python, context.store.root)
    modules = size = unzipped = 0
    for file, data in zip(files, made, strict=True):
        if data:
            modules, unzipped = modules + 1, unzipped + len(data)
            size += len(deflated(data)) + header_size(_cached(file.path, tag))
    return modules, size, unzipped
