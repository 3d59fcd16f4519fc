"""Files, groups and dependencies that may be intended for the package, and that the lock does not include."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.events import Note, Warned
from wherry.files import real_path
from wherry.lock.document import parse_toml, read_toml
from wherry.lock.formats import LockFormat
from wherry.sizes import first

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from wherry.context import Context
    from wherry.events import Event
    from wherry.files import ProjectFiles
    from wherry.lock.document import Table
    from wherry.lock.model import Lock, LockRequest

__all__ = ["passed_over"]

_WORD = r"(?:^|[-_.])(?:%s)(?:$|[-_.])"
# Names of groups, files and folders that are for developers.
_FOR_DEVELOPERS = re.compile(
    _WORD
    % "dev|devel|develop|development|tests?|testing|lint|linting|docs?|ci|typing|types|mypy|build"
    "|local|debug|examples?|bench|benchmarks?|tools?|format|style|quality|release|node_modules|v?env",
    re.IGNORECASE,
)
_FOR_PRODUCTION = re.compile(
    _WORD % "prod|production|main|base|common|lambda|aws|deploy|runtime|app", re.IGNORECASE
)
_CONDA = ("environment.yml", "environment.yaml", "conda-lock.yml", "pixi.lock")
# What says that a folder is a project with dependencies of its own.
_LOCKS = frozenset(
    each.value.filename
    for each in LockFormat
    if each.value.tool_made or each in {LockFormat.REQUIREMENTS, LockFormat.PIPFILE}
)


def passed_over(lock: Lock, request: LockRequest, context: Context) -> Iterator[Event]:
    """Remarks on what was passed over, and the options that take it.

    Nothing is said of what is for developers by its name. Where the lock has no distributions at all, everything else
    is worth a warning.
    """
    nothing = not lock.pylock.packages
    if request.lock is None:
        yield from _files(lock, request.root, nothing=nothing)
        if nothing:
            yield from _folders(request.root, request.others)
        if lock.format is LockFormat.NONE:
            yield from _scripts(request.root, context.files)
    if not request.groups and not request.extras:
        yield from _groups(lock.member, context.files, nothing=nothing)
    if lock.format is LockFormat.REQUIREMENTS:
        yield from _dependencies(lock, request.root, context)


def _files(lock: Lock, root: Path, *, nothing: bool) -> Iterator[Event]:
    """Remarks on requirements files that were not read."""
    names = [name for name in _listed(root) if re.fullmatch(r"requirements.*\.(txt|lock)", name)]
    names += [f"requirements/{name}" for name in _listed(root / "requirements")]
    read = {real_path(path) for path in lock.inputs}
    unread = [
        name
        for name in names
        if name.endswith((".txt", ".lock"))
        and not _FOR_DEVELOPERS.search(name.rpartition("/")[2].rpartition(".")[0])
        and real_path(root / name) not in read
    ]
    conda = [name for name in _CONDA if (root / name).is_file()]
    if nothing and unread:
        yield Warned(
            text=f"no dependencies are installed: {_quoted(unread)} {_was(unread)} not read",
            hint=f"read one with `--lock {unread[0]}`, or `lock` in the settings",
        )
    elif nothing and conda:
        yield Warned(
            text=f"no dependencies are installed: {_quoted(conda)} {_was(conda)} not read, which conda installs from",
            hint="list the distributions that the code needs in `requirements.txt`",
        )
    elif lock.format is LockFormat.REQUIREMENTS and lock.path.parent == root:
        for name in unread:
            if _FOR_PRODUCTION.search(name.rpartition("/")[2].rpartition(".")[0]):
                yield Note(
                    text=f"`{name}` was not read: `{lock.path.name}` is; `--lock {name}` takes the other"
                )


def _folders(root: Path, others: Collection[Path]) -> Iterator[Event]:
    """A warning of folders with locks of their own, which are not the folders of functions."""
    others = {real_path(path) for path in others}
    found: dict[str, str] = {}
    for pattern in ("*/", "*/*/"):
        for folder in sorted(root.glob(pattern)):
            parts = folder.relative_to(root).parts
            if any(part.startswith(".") or _FOR_DEVELOPERS.search(part) for part in parts):
                continue
            lock = next(filter(_LOCKS.__contains__, _listed(folder)), None)
            if lock is not None and parts != ("requirements",) and real_path(folder) not in others:
                found["/".join(parts)] = lock
    if found:
        files = [f"{folder}/{lock}" for folder, lock in found.items()]
        nearest = next(iter(found))
        yield Warned(
            text=f"no dependencies are installed: {_quoted(files)} {_was(files)} not read",
            hint=f"build that folder with `--project {nearest}`, or give its function a folder of its own: "
            f'root = "{nearest}" in [tool.wherry.functions.NAME]',
        )


def _scripts(root: Path, files: ProjectFiles) -> Iterator[Event]:
    """A warning of scripts that name their dependencies in a comment."""
    for name in _listed(root):
        if name.endswith(".py") and _is_script(root / name, files):
            yield Warned(
                text=f"no dependencies are installed: those that `{name}` names in a comment (PEP 723) are not read",
                hint="lock them with `uv export --script "
                f"{name} --format pylock.toml --output-file pylock.toml`",
            )
            return


def _is_script(path: Path, files: ProjectFiles) -> bool:
    """Whether a comment in a file says that it needs distributions."""
    try:
        text = files.read(path).decode("utf-8", "replace").replace("\r\n", "\n")
        document = parse_toml(_script_block(text), file=path.name, where=path.name)
        return bool(document.data.get("dependencies"))
    except (OSError, LockError):
        return False


def _script_block(text: str) -> str:
    """The comment in which a script says what it needs, as TOML; empty where there is none.

    https://packaging.python.org/specifications/inline-script-metadata/
    """
    block: list[str] | None = None
    for line in text.split("\n"):
        if block is None:
            block = [] if line == "# /// script" else None
        elif line == "# ///" and block:
            return "\n".join(block)
        elif line == "#" or line.startswith("# "):
            block.append(line[2:])
        else:
            block = None
    return ""


def _groups(folder: Path, files: ProjectFiles, *, nothing: bool) -> Iterator[Event]:
    """Remarks on groups and extras that were not asked for."""
    path = folder / "pyproject.toml"
    if not path.is_file():
        return
    try:
        pyproject = read_toml(path, files)
        groups, by_default = _declared_groups(pyproject)
        extras = list(pyproject.table("project").table("optional-dependencies").data)
        extras += pyproject.table("tool").table("poetry").table("extras").data
    except LockError:
        return
    groups, extras = (
        [name for name in names if not _FOR_DEVELOPERS.search(name)] for names in (groups, extras)
    )
    if nothing and (groups or extras):
        kinds = [f"the groups {_quoted(groups)}"] if groups else []
        kinds += [f"the extras {_quoted(extras)}"] if extras else []
        option = f"--group {groups[0]}" if groups else f"--extra {extras[0]}"
        yield Warned(
            text=f"no dependencies are installed: {' and '.join(kinds)} of `pyproject.toml` are not installed",
            hint=f"take them with `{option}`, or `{'groups' if groups else 'extras'}` in [tool.wherry]",
        )
    elif installed := [name for name in groups if name in by_default]:
        yield Note(
            text=f"the groups {_quoted(installed)} of `pyproject.toml` are not installed: `--group {installed[0]}` "
            "takes one"
        )


def _declared_groups(pyproject: Table) -> tuple[list[str], set[str]]:
    """The groups that hold anything, and those that the project's own tool installs by default."""
    tool = pyproject.table("tool")
    own = pyproject.table("dependency-groups").data
    names = [name for name, content in own.items() if content]
    by_default = set(map(str, tool.table("uv").data.get("default-groups") or ()))
    for name, group in tool.table("poetry").table("group").each_table():
        if group.table("dependencies").data:
            names.append(name)
            if not group.optional("optional", bool):
                by_default.add(name)
    return list(dict.fromkeys(names)), by_default


def _dependencies(lock: Lock, root: Path, context: Context) -> Iterator[Event]:
    """A warning of dependencies that the project declares beside a requirements file, and that it lacks."""
    missing = sorted(_missing(lock, root, context))
    if missing:
        yield Warned(
            text=f"`pyproject.toml` asks for {_quoted(missing)}, which `{lock.path.name}` does not have: not installed",
            hint=f"add it to `{lock.path.name}`, or lock what `pyproject.toml` declares",
        )


def _missing(lock: Lock, root: Path, context: Context) -> set[str]:
    from packaging.utils import canonicalize_name

    from wherry.lock.applying import applying
    from wherry.lock.declared import read_declared

    path = root / "pyproject.toml"
    if not path.is_file():
        return set()
    try:
        pyproject = read_toml(path, context.files)
        texts = read_declared(pyproject).dependencies
        poetry = pyproject.table("tool").table("poetry").table("dependencies").data
    except LockError:
        return set()
    needed: set[str] = set()
    if not texts:
        needed |= {
            canonicalize_name(name)
            for name, value in poetry.items()
            # A table may make it optional, or for another platform.
            if name != "python" and isinstance(value, str)
        }
    needed |= {canonicalize_name(each.name) for each in applying(texts, context.target)}
    return needed - {package.name for package in lock.pylock.packages}


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []


def _quoted(names: Iterable[str]) -> str:
    return first([f"`{name}`" for name in names], 5)


def _was(names: Iterable[str]) -> str:
    return "were" if len(list(names)) > 1 else "was"
