"""The bytes that the setting ``bytecode`` would add to a written package, measured by compiling its modules."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from wherry.bundle.compressor import deflated
from wherry.contents.imports import When
from wherry.errors import WherryError
from wherry.events import Note
from wherry.inspect.model import Suggestion
from wherry.inspect.saving import SMALLEST, header_size, remembered
from wherry.pipeline.bytecode.compiling import cached_path, interpreter
from wherry.pipeline.bytecode.worker import compile_modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wherry.contents.model import File
    from wherry.contents.read import Contents
    from wherry.context import Context
    from wherry.inspect.measure import Measured
    from wherry.inspect.model import Inspected
    from wherry.interpreters import BuildPython

__all__ = ["suggest_bytecode"]

_BATCH = 1 << 24
_MANY = 100
"""Modules that take longer to compile than a user waits without a word."""


def suggest_bytecode(
    measured: Measured, package: Inspected, context: Context
) -> tuple[Suggestion, ...]:
    """The suggestion to compile the modules that loading the handler imports; none if this machine has no Python for it.

    Args:
        measured: a function with its layers.
        package: that of the function, or one of the layers: in these, what importing all of it imports is compiled.
        context: of the run.
    """
    contents = measured.alone(package)
    files = _loaded(contents, package)
    needed = _loaded(measured.contents, package)
    if not measured.contents.is_certain or any(
        cached_path(file.place, context.target) in contents.files for file in files
    ):
        return ()
    try:
        python = interpreter(context)
        # After an edit, only the project's own modules are compiled again.
        figures = [
            remembered(
                f"bytecode {python.release}",
                group,
                context.store,
                partial(_measure, group, python, context),
            )
            for group in _by_owner(files, contents)
        ]
    except WherryError:
        return ()
    size, unzipped = (sum(figure[at] for figure in figures) for at in (1, 2))
    if unzipped < SMALLEST or not needed:
        return ()
    return (
        Suggestion(
            text=f"{len(needed):,} modules that loading the handler imports are compiled at every cold start",
            size=-size,
            unzipped_size=-unzipped,
            setting='bytecode = "init"',
        ),
    )


def _loaded(contents: Contents, package: Inspected) -> list[File]:
    """The sources of a package that init loads, or may."""
    return sorted(
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


def _by_owner(files: Sequence[File], contents: Contents) -> Iterable[list[File]]:
    groups: dict[str | None, list[File]] = {}
    for file in files:
        groups.setdefault(contents.owner_of(file.place), []).append(file)
    return groups.values()


def _measure(files: Sequence[File], python: BuildPython, context: Context) -> tuple[int, int, int]:
    """The number of compiled modules, and their bytes in the zip archive and unzipped."""
    if len(files) > _MANY:
        text = f"compiling {len(files):,} modules to measure what `bytecode` would add"
        context.reporter.emit(Note(text=text, brief=True))
    modules = size = unzipped = 0
    for batch in _batches(files):
        sources = [(file.place, file.read()) for file in batch]
        for file, data in zip(
            batch, compile_modules(sources, python, context.store.root), strict=True
        ):
            if data:
                modules, unzipped = modules + 1, unzipped + len(data)
                size += len(deflated(data)) + header_size(cached_path(file.path, context.target))
    return modules, size, unzipped


def _batches(files: Sequence[File]) -> Iterator[list[File]]:
    """The files whose sources are held in memory together; what is too large to be compiled is left out."""
    batch: list[File] = []
    size = 0
    for file in files:
        if file.size > _BATCH:
            continue
        if size + file.size > _BATCH:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch
