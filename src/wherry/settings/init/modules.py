"""The modules of a project, what they import, and its folders with requirements of their own; nothing of it is run."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from wherry.bundle.default_excludes import (
    REPOSITORY_FOLDERS,
    VIRTUALENV_MARK,
    is_excluded_by_default,
)
from wherry.bundle.gitignore import Rule, is_ignored, read_gitignore, rules_above
from wherry.errors import WherryError
from wherry.files import read_regular, walk_folders
from wherry.settings.init.units import REQUIREMENTS_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Module", "Modules", "is_left_out", "read_modules"]

_SKIPPED_FOLDERS = frozenset(
    {"docs", "examples", "samples", "node_modules", "migrations", "testing"}
)
_TESTS = re.compile(r"(?:\w+[_-])?tests?")
_TEST_FILES = re.compile(r"test_.*|.*_test|conftest|setup|noxfile|fabfile")
_MAX_MODULES = 5000
_MAX_SIZE = 1_000_000
_IMPORT = re.compile(
    rb"(?m)^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)|import[ \t]+([^\n#;]+))"
)


class Module(NamedTuple):
    """A module: the path of its file relative to the project, and its source."""

    path: str
    source: bytes


class Modules(NamedTuple):
    """The project's own code.

    Attributes:
        imports: for the path of each module the dotted names that it imports, with the dots of relative ones.
        names: the paths of modules without suffix, and those of the folders that they are in.
        folders: those that have a file with requirements.
    """

    imports: dict[str, frozenset[str]]
    names: frozenset[str]
    folders: tuple[str, ...]

    def imported(self, bases: Callable[[str], Iterable[str]]) -> frozenset[str]:
        """The paths of the modules that another module imports.

        ``bases`` gives the folders that absolute imports of a module may start at, besides its own and the project's.
        """
        found: set[str] = set()
        for path, names in self.imports.items():
            here = path.rpartition("/")[0]
            starts = tuple(dict.fromkeys((here, *bases(path), "")))
            for name in names:
                for file in self._files(name, here, starts):
                    # A package's own file is imported with each of its modules.
                    package = file.removesuffix("/__init__.py")
                    if file != path and not here.startswith(f"{package}/"):
                        found.add(file)
        return frozenset(found)

    def _files(self, name: str, here: str, bases: Iterable[str]) -> Iterator[str]:
        level = len(name) - len(name.lstrip("."))
        if level:
            folder = here.split("/") if here else []
            if level > len(folder) + 1:
                return
            bases = ["/".join(folder[: len(folder) - level + 1])]
        dotted = name.lstrip(".").replace(".", "/")
        for base in bases:
            plain = "/".join(filter(None, (base, dotted)))
            for file in (f"{plain}.py", f"{plain}/__init__.py"):
                if file in self.imports:
                    yield file


def read_modules(root: Path) -> tuple[Modules, tuple[Module, ...]]:
    """The project's own code, and the sources of its modules."""
    folders: list[str] = []
    sources: list[Module] = []
    for path in _module_files(root, folders):
        try:
            if path.stat().st_size <= _MAX_SIZE:
                sources.append(Module(path.relative_to(root).as_posix(), read_regular(path)))
        except OSError:
            continue
    imports = {path: _imports(source) for path, source in sources}
    names = {path.removesuffix(".py") for path in imports}
    names.update(parent.as_posix() for path in imports for parent in PurePosixPath(path).parents)
    return Modules(imports, frozenset(names), tuple(folders)), tuple(sources)


def _module_files(root: Path, folders: list[str]) -> Iterator[Path]:
    """The files of the modules, without tests and what is not the project's own; ``folders`` gets the others."""
    left = _MAX_MODULES
    rules: dict[str, tuple[Rule, ...]] = {str(root): _rules(root)}
    for folder, inside, names in walk_folders(root):
        at_root = Path(folder) == root
        own = rules.pop(folder, ())
        lead = "" if at_root else Path(folder).relative_to(root).as_posix() + "/"
        if VIRTUALENV_MARK in names and not at_root:
            inside.clear()
            continue
        # A folder filled by `pip install --target` is not the project's own.
        if not at_root and any(name.endswith(".dist-info") for name in inside):
            inside.clear()
            continue
        if ".gitignore" in names and not at_root:
            own = (*own, *_rule(folder, len(lead)))
        inside[:] = sorted(
            name
            for name in inside
            if _is_own(name, at_root=at_root) and not is_ignored(f"{lead}{name}/", own)
        )
        rules |= {f"{folder}/{name}": own for name in inside}
        if not at_root and any(name in REQUIREMENTS_FILES for name in names):
            folders.append(lead.rstrip("/"))
        for name in sorted(names):
            if not name.endswith(".py") or _TEST_FILES.fullmatch(name.removesuffix(".py")):
                continue
            if is_excluded_by_default(name, at_root=at_root) or is_ignored(lead + name, own):
                continue
            left -= 1
            if left < 0:
                return
            yield Path(folder, name)


def is_left_out(root: Path, path: str) -> bool:
    """Whether default excludes or ``.gitignore`` files leave a file out of the package of a folder; the path is relative to it."""
    parts = path.split("/")
    rules = _rules(root)
    lead = ""
    for index, part in enumerate(parts):
        if index:
            lead = "/".join(parts[:index]) + "/"
            rules = (*rules, *_rule(str(root / lead), len(lead)))
        end = "" if index == len(parts) - 1 else "/"
        if is_excluded_by_default(part, at_root=not index) or is_ignored(lead + part + end, rules):
            return True
    return False


def _is_own(name: str, *, at_root: bool) -> bool:
    return not (
        name in REPOSITORY_FOLDERS
        or name in _SKIPPED_FOLDERS
        or _TESTS.fullmatch(name)
        or is_excluded_by_default(name, at_root=at_root)
        or name.endswith(".dist-info")
    )


def _rules(root: Path) -> tuple[Rule, ...]:
    try:
        return (*rules_above(root), *_rule(str(root), 0))
    except WherryError:
        return ()


def _rule(folder: str, cut: int) -> tuple[Rule, ...]:
    try:
        patterns = read_gitignore(Path(folder))
    except WherryError:
        return ()
    return () if patterns is None else (Rule(patterns, cut, ""),)


def _imports(source: bytes) -> frozenset[str]:
    names: set[str] = set()
    for origin, listed, plain in _IMPORT.findall(source):
        words = [part.split() for part in (listed or plain).strip(b"()").split(b",")]
        first = [word[0].decode("ascii", "replace") for word in words if word]
        if origin:
            base = origin.decode("ascii", "replace")
            names.add(base)
            first = [base + name if base.endswith(".") else f"{base}.{name}" for name in first]
        names.update(first)
    return frozenset(names)
