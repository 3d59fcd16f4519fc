"""The interface of a build backend's module, and what several of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wherry.files import ProjectFiles
    from wherry.sources.declaration import Declaration
    from wherry.sources.inputs import InputFile

__all__ = [
    "Backend",
    "NotHermeticError",
    "SourceFiles",
    "VersionSource",
    "compiling_backend",
    "keys",
    "subtable",
    "texts",
]


class NotHermeticError(Exception):
    """A build is not hermetic; the text says why."""


class VersionSource(NamedTuple):
    """Where the version, and other metadata that is computed, comes from.

    Attributes:
        git: whether git is asked.
        files: paths of files that are read, or executed, for it.
    """

    git: bool = False
    files: frozenset[str] = frozenset()


class SourceFiles(NamedTuple):
    """The files of a source tree.

    Attributes:
        by_path: the files.
        reader: reads them, each once in a run.
    """

    by_path: Mapping[str, InputFile]
    reader: ProjectFiles

    def read(self, path: str) -> bytes:
        """The content of a file; something that is not Python where it cannot be read."""
        try:
            return self.reader.read(self.by_path[path].source)
        except OSError:
            return b"?"


def _all_settings(declaration: Declaration) -> Mapping[str, Any]:
    return declaration.document


def _never(declaration: Declaration) -> bool:
    del declaration
    return False


def _no_paths(declaration: Declaration, setup_cfg: str) -> tuple[str, ...]:
    del declaration, setup_cfg
    return ()


def _no_requirements(names: frozenset[str], setup_cfg: str) -> tuple[str, ...]:
    del names, setup_cfg
    return ()


class Backend(NamedTuple):
    """A build backend; each module of this package holds one, as ``BACKEND``.

    Attributes:
        require_hermetic: raises ``NotHermeticError`` where the settings let the backend run code that Wherry does
            not know; otherwise gives the source of the version.
        build_settings: gives the settings that take part in building a wheel, some of which are paths.
        copies_only: whether the settings leave the backend nothing to do but copy files below one prefix.
        metadata_paths: gives the ends of the paths of modules that the version may be taken from, by the
            declaration and the text of ``setup.cfg`` (empty where there is none).
        asks_later: gives the requirements that the backend asks for when it runs, beyond the declared ones, by
            the normalized names of those and the text of ``setup.cfg``.
        plugins: build requirements that do nothing but what the settings in the project's files say.
        git_plugins: build requirements of that kind that ask git for the version.
        hooks_are_pure: whether hooks leave nothing behind in their process, so that one process may call several.
        omits_ignored_files: whether the backend leaves out the files that git ignores, wherever that is configured.
    """

    require_hermetic: Callable[[Declaration, SourceFiles], VersionSource]
    build_settings: Callable[[Declaration], Mapping[str, Any]] = _all_settings
    copies_only: Callable[[Declaration], bool] = _never
    metadata_paths: Callable[[Declaration, str], tuple[str, ...]] = _no_paths
    asks_later: Callable[[frozenset[str], str], tuple[str, ...]] = _no_requirements
    plugins: frozenset[str] = frozenset()
    git_plugins: frozenset[str] = frozenset()
    hooks_are_pure: bool = False
    omits_ignored_files: bool = False


def compiling_backend(distribution: str, *requirements: str) -> Backend:
    """A backend that compiles, so that its builds depend on the machine.

    Args:
        distribution: its distribution.
        requirements: the requirements that it asks for when it runs.
    """

    def require_hermetic(declaration: Declaration, files: SourceFiles) -> VersionSource:
        del files
        raise NotHermeticError(f"the backend `{declaration.backend}` compiles")

    def asks_later(names: frozenset[str], setup_cfg: str) -> tuple[str, ...]:
        del names, setup_cfg
        return requirements

    return Backend(
        require_hermetic=require_hermetic,
        asks_later=asks_later,
        plugins=frozenset({distribution}),
    )


def texts(value: object) -> Iterator[str]:
    """Every text in a TOML document, and the keys that do not lead to a table, as those may be paths."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(inner, dict):
                yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def keys(value: object) -> set[str]:
    """Every key in a TOML document."""
    if isinstance(value, dict):
        return set(value).union(*(keys(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(keys(inner) for inner in value))
    return set()


def subtable(table: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The table that these keys lead to; empty where there is none."""
    for name in names:
        value = table.get(name)
        if not isinstance(value, dict):
            return {}
        table = value
    return table
