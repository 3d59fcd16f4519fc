"""Projects without a lock: what ``pyproject.toml``, ``setup.py`` or ``setup.cfg`` declares is resolved now."""

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING

from msgspec.structs import replace
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from wherry.errors import LockError
from wherry.lock.assemble import check_python, known, make_pylock
from wherry.lock.declared import declares_dependencies, installs_by_setup, read_declared
from wherry.lock.document import is_path, read_text, read_toml
from wherry.lock.model import Lock
from wherry.lock.pipfile.declared import requirement_text
from wherry.lock.poetry.declared import dependencies_of, poetry_project
from wherry.lock.poetry.sources import index_options, source_address
from wherry.lock.resolve import Placed, Requirements, resolve_declared
from wherry.lock.uv.local import require_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency


_DESCRIBING = ("pyproject.toml", "setup.py", "setup.cfg")

__all__ = ["read_nothing", "read_pyproject", "read_setup"]


def read_pyproject(path: Path, request: LockRequest, context: Context) -> Lock:
    """Resolve what ``pyproject.toml`` declares, in ``[project]`` or to Poetry.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
        ToolError: uv is missing.
    """
    pyproject = read_toml(path, context.files)
    project = pyproject.table("project")
    if not (request.groups or request.extras or declares_dependencies(pyproject)):
        requires_python = project.parsed("requires-python", SpecifierSet)
        return _empty_lock(path, request, context, requires_python)
    poetry = pyproject.table("tool").table("poetry")
    if _is_poetrys(pyproject, request):
        requirements, extras = _of_poetry(path, pyproject, request, context)
    else:
        declared = read_declared(pyproject)
        require_workspace(pyproject, path.parent, context.files)
        requires_python = project.parsed("requires-python", SpecifierSet)
        check_python(requires_python, context.target, path)
        extras = request.extras
        if "optional-dependencies" not in declared.dynamic:
            extras = known("extra", request.extras, declared.extras, path)
        offered = [*pyproject.table("dependency-groups").data, *poetry.table("group").data]
        groups = known("group", request.groups, offered, path)
        pdm = pyproject.table("tool").table("pdm")
        if _says_places_to_uv(pyproject.table("tool")):
            pdm = replace(pdm, data={})
        resolution = pdm.table("resolution")
        prereleases = resolution.optional("allow-prereleases", bool)
        requirements = Requirements(
            name=path.name,
            base=path.parent,
            text="".join(f"{line}\n" for line in _pdm_sources(pdm, context)),
            overrides=tuple(_pdm_overrides(resolution.table("overrides"))),
            excludes=tuple(resolution.strings("excludes")),
            options=("--prerelease=allow",) if prereleases else (),
            requires_python=requires_python,
            declared=(
                *([path.name] if "project" in pyproject else []),
                *(f"--extra={extra}" for extra in extras),
                *(f"--group={group}" for group in groups),
            ),
        )
    return resolve_declared(requirements, path, request, context, extras=extras)


def _is_poetrys(pyproject: Table, request: LockRequest) -> bool:
    """Whether what is asked for is declared to Poetry: there alone, or with the places where it comes from."""
    tool, project = pyproject.table("tool"), pyproject.table("project")
    poetry = tool.table("poetry")
    if "project" not in pyproject:
        return "poetry" in tool
    if "dependencies" in poetry and "dependencies" not in project:
        return True
    if not _says_places_to_uv(tool) and (
        poetry.data.get("source")
        or any(dependency.source for dependency in dependencies_of(poetry.table("dependencies")))
    ):
        return True
    return _asks_poetry(request, poetry, pyproject)


def _says_places_to_uv(tool: Table) -> bool:
    """Whether the project is uv's by now, whatever tables of other tools are left."""
    return bool(tool.table("uv").data.keys() & {"index", "sources", "index-url"})


def _asks_poetry(request: LockRequest, poetry: Table, pyproject: Table) -> bool:
    """Whether a group was asked for that only Poetry's tables have, beside ``[project]``."""
    groups = poetry.table("group").data
    own = {*map(canonicalize_name, groups)}
    own -= {*map(canonicalize_name, pyproject.table("dependency-groups").data)}
    return not own.isdisjoint(map(canonicalize_name, request.groups))


def _of_poetry(
    path: Path, pyproject: Table, request: LockRequest, context: Context
) -> tuple[Requirements, tuple[str, ...]]:
    """The requirements of the project, and the extras that were asked for."""
    project = poetry_project(pyproject)
    check_python(project.python, context.target, path)
    main = canonicalize_name("main")
    groups = known("group", request.groups, project.groups.keys() - {main}, path)
    extras = known("extra", request.extras, project.extras, path)
    optional = project.optional(extras)
    poetry = pyproject.table("tool").table("poetry")
    table = poetry.table("dependencies")
    lines = list(index_options(poetry, context.network))
    placed: list[Placed] = []
    for group in (main, *map(canonicalize_name, groups)):
        for dependency in project.groups[group]:
            if dependency.optional and dependency.name not in optional:
                continue
            text, source = _requirement(dependency, table), dependency.source.get("source")
            if source is None:
                lines.append(text)
            elif (url := source_address(poetry, source, context.network)) is None:
                raise table.wrong(dependency.name, f"there is no source `{source}`")
            elif dependency.applies(context.target, ()):
                placed.append(Placed(text=text, name=dependency.name, index=source, url=url))
    requirements = Requirements(
        name=path.name,
        base=path.parent,
        text="\n".join(lines) + "\n",
        placed=tuple(placed),
        requires_python=project.requires_python,
    )
    return requirements, extras


def _pdm_sources(pdm: Table, context: Context) -> Iterator[str]:
    """``[[tool.pdm.source]]`` as options; the network knows the users and passwords by itself."""
    for source in pdm.tables("source"):
        url = source.optional("url", str)
        if url is None:
            # It adds to a source of the user's own configuration.
            continue
        option = "--index-url" if source.optional("name", str) == "pypi" else "--extra-index-url"
        if source.optional("type", str) == "find_links":
            option = "--find-links"
        yield f"{option} {context.network.expand(url)}"


def _pdm_overrides(table: Table) -> Iterator[str]:
    """``[tool.pdm.resolution.overrides]`` as requirements: a version, a specifier or an address for each name."""
    for name, value in table.each(str):
        if "://" in value:
            yield f"{name} @ {value}"
        else:
            exact = value.strip()[:1].isdigit()
            yield f"{name}{'==' if exact else ''}{'' if value.strip() == '*' else value}"


def _requirement(dependency: Dependency, table: Table) -> str:
    """The dependency in PEP 508's form."""
    source, constraint = dependency.source, dependency.constraint
    from_index = not source.keys() & {"path", "file", "url", "git"}
    markers = [dependency.marker, dependency.python.python_marker() if dependency.python else None]
    return requirement_text(
        dependency.name,
        source,
        extras=sorted(dependency.extras),
        version=_specifier(dependency.name, constraint, table) if constraint and from_index else "",
        markers=filter(None, markers),
    )


def _specifier(name: str, constraint: Constraint, table: Table) -> str:
    if len(constraint.alternatives) != 1:
        raise LockError(
            f"`{table.file}` asks for one of several ranges of `{name}`",
            where=[f"{table.at(name)}: a requirement cannot express alternatives"],
            hint="run `poetry lock`, and build from the lock",
        )
    return str(constraint.alternatives[0])


def read_nothing(path: Path, request: LockRequest, context: Context) -> Lock:
    """The empty lock of a folder with Python files alone.

    Raises:
        LockError: a group or extra was asked for; it has none.
    """
    known("group", request.groups, (), path)
    known("extra", request.extras, (), path)
    return _empty_lock(path, request, context, None)


def _empty_lock(
    path: Path, request: LockRequest, context: Context, requires_python: SpecifierSet | None
) -> Lock:
    return Lock(
        pylock=make_pylock([], requires_python=requires_python),
        path=path,
        base=request.root,
        inputs=tuple(request.root / name for name in _DESCRIBING),
        stable=True,
        member=request.root,
        installs_project=installs_by_setup(request.root, context.files),
    )


def read_setup(path: Path, request: LockRequest, context: Context) -> Lock:
    """Resolve what ``setup.py`` or ``setup.cfg`` declares to setuptools.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
        ToolError: uv is missing.
    """
    known("group", request.groups, (), path)
    files: list[Path] = []
    if path.name == "setup.cfg":
        requirements = _of_setup_cfg(path, request, context, files)
    else:
        extras = (f"--extra={extra}" for extra in request.extras)
        requirements = Requirements(name=path.name, base=path.parent, declared=(path.name, *extras))
    lock = resolve_declared(requirements, path, request, context, extras=request.extras)
    return replace(lock, inputs=(*lock.inputs, *files))


def _of_setup_cfg(
    path: Path, request: LockRequest, context: Context, files: list[Path]
) -> Requirements:
    """The ``[options]`` of a ``setup.cfg``; uv takes only a ``setup.py``, which it runs to learn them.

    ``files`` gets the paths of other files that list dependencies.
    """
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(read_text(path, context.files))
        python = parser.get("options", "python_requires", fallback=None)
        requires_python = SpecifierSet(python) if python else None
    except (configparser.Error, InvalidSpecifier) as error:
        # The first line names the source as configparser knows it.
        problem = " ".join(str(error).split())
        raise LockError(f"`{path.name}` is malformed", where=[f"{path}: {problem}"]) from None
    requires = parser.get("options", "install_requires", fallback="")
    offered = (
        parser["options.extras_require"] if parser.has_section("options.extras_require") else {}
    )
    check_python(requires_python, context.target, path)
    extras = known("extra", request.extras, offered, path)
    lines: list[str] = []
    for text in (requires or "", *(offered[name] or "" for name in extras)):
        named = _named_files(text, path)
        files += named
        texts = [read_text(file, context.files) for file in named]
        items = [line for each in texts for line in each.splitlines()] if named else _items(text)
        lines += [each.strip() for each in items if each.strip() and each.strip()[0] != "#"]
    return Requirements(
        name=path.name,
        base=path.parent,
        text="".join(f"{line}\n" for line in lines),
        requires_python=requires_python,
    )


def _named_files(text: str, path: Path) -> list[Path]:
    """The files that a list of ``setup.cfg`` is read from: ``file: one.txt, two.txt``."""
    if not text.strip().startswith("file:"):
        return []
    names = text.strip().removeprefix("file:").replace("\n", ",").split(",")
    return [path.parent / name.strip() for name in names if is_path(name.strip())]


def _items(text: str) -> list[str]:
    """The items of a list: one a line, or separated by semicolons on a single line."""
    # As setuptools reads it; a requirement with a marker then needs a line of its own.
    return text.strip().splitlines() if "\n" in text.strip() else text.split(";")
