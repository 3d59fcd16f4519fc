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
    "keys",
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
    """The files of a source tree."""

    by_path: Mapping[str, InputFile]
    reader: ProjectFiles

    def read(self, path: str) -> bytes:
        """The content of a file; something that is not Python where it cannot be read."""
        try:
            return self.reader.read(self.by_path[path].source)
        except OSError:
            return b"?"


def _nothing_unknown(declaration: Declaration, files: SourceFiles) -> VersionSource:
    del declaration, files
    return VersionSource()


class Backend(NamedTuple):
    """A build backend; each module of this package holds one, as ``BACKEND``.

    Attributes:
        plugins: build requirements that do nothing but what the settings in the project's files say.
        git_plugins: build requirements of that kind that ask git for the version.
        tool: its table below ``[tool]``; empty for the whole of ``pyproject.toml``.
        settings: the keys of its table that take part in building a wheel, some of which are paths; empty for all.
        other_settings: the keys that do not.
        require_hermetic: raises ``NotHermeticError`` where the settings let the backend run code that Wherry does
            not know; otherwise gives the source of the version.
        copies_only: whether the settings leave the backend nothing to do but copy files below one prefix.
        metadata_paths: gives the ends of the paths of modules that the version may be taken from, by the
            declaration and the text of ``setup.cfg`` (empty where there is none).
        asks_later: gives the requirements that the backend asks for when it runs, beyond the declared ones, by
            the normalized names of those and the text of ``setup.cfg``.
        compiles: whether builds depend on the machine, as the backend compiles.
        hooks_are_pure: whether hooks leave nothing behind in their process, so that one process may call several.
        omits_ignored_files: whether the backend leaves out the files that git ignores, wherever that is configured.
    """

    plugins: frozenset[str]
    git_plugins: frozenset[str] = frozenset()
    tool: str = ""
    settings: frozenset[str] = frozenset()
    other_settings: frozenset[str] = frozenset()
    require_hermetic: Callable[[Declaration, SourceFiles], VersionSource] = _nothing_unknown
    copies_only: Callable[[Declaration], bool] = lambda _declaration: False
    metadata_paths: Callable[[Declaration, str], tuple[str, ...]] = lambda _declaration, _text: ()
    asks_later: Callable[[frozenset[str], str], tuple[str, ...]] = lambda _names, _text: ()
    compiles: bool = False
    hooks_are_pure: bool = False
    omits_ignored_files: bool = False

    def build_settings(self, declaration: Declaration) -> Mapping[str, Any]:
        """The settings that take part in building a wheel."""
        if not self.tool:
            return declaration.document
        table = declaration.tool(self.tool)
        kept = (self.settings or set(table)) - self.other_settings
        return {key: value for key, value in table.items() if key in kept}


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
