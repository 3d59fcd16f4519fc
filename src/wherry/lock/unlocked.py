"""Projects without a lock: what they declare is resolved now, and may come out otherwise tomorrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.document import read_toml
from wherry.lock.model import Lock, LockFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from packaging.pylock import Pylock
    from packaging.specifiers import SpecifierSet

    from wherry.events import Reporter
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency

__all__ = ["declares_dependencies", "empty_lock", "read_unlocked"]


def declares_dependencies(pyproject: Table) -> bool:
    """Whether this ``pyproject.toml`` asks for anything, or leaves it to its build backend."""
    project = pyproject.table("project")
    dynamic = set(project.strings("dynamic"))
    if project.data.get("dependencies") or "dependencies" in dynamic:
        return True
    poetry = pyproject.table("tool").table("poetry")
    return bool(poetry.table("dependencies").data.keys() - {"python"})


def empty_lock(request: LockRequest, path: Path, format: LockFormat) -> Lock:  # noqa: A002
    """The lock of a project that needs nothing.

    Raises:
        LockError: a group or extra was asked for; it has none.
    """
    from packaging.specifiers import SpecifierSet

    from wherry.lock.assemble import known, make_pylock

    known("group", request.groups, (), path)
    known("extra", request.extras, (), path)
    requires_python = None
    if path.name == "pyproject.toml":
        requires_python = read_toml(path).table("project").parsed("requires-python", SpecifierSet)
    return Lock(
        pylock=make_pylock([], requires_python=requires_python),
        format=format,
        path=path,
        base=request.root,
        inputs=(path,) if path.is_file() else (),
        stable=True,
        member=request.root,
    )


def read_unlocked(
    path: Path,
    format: LockFormat,  # noqa: A002
    request: LockRequest,
    reporter: Reporter,
) -> Lock:
    """Resolve what ``pyproject.toml``, ``Pipfile``, ``setup.py`` or ``setup.cfg`` declares.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a group or extra that was asked for.
        TargetError: the project is not for the target's Python.
        ToolError: uv is missing.
    """
    from wherry.lock.assemble import without_project
    from wherry.lock.requirements.resolve import unlocked

    if format is LockFormat.NONE or (
        format is LockFormat.PYPROJECT
        and not (request.groups or request.extras)
        and not declares_dependencies(read_toml(path))
    ):
        return empty_lock(request, path, format)
    reporter.emit(unlocked(path))
    match format:
        case LockFormat.PYPROJECT:
            pylock, extras = _pyproject(path, request, reporter)
        case LockFormat.PIPFILE:
            pylock, extras = _pipfile(path, request, reporter), ()
        case _:
            pylock, extras = _setup(path, request, reporter), request.extras
    return Lock(
        pylock=without_project(pylock, base=path.parent, project=request.root),
        format=format,
        path=path,
        base=path.parent,
        inputs=(path,),
        stable=False,
        extras=extras,
        member=request.root,
    )


def _resolve(
    path: Path,
    request: LockRequest,
    reporter: Reporter,
    *,
    requirements: str | None = None,
    requires_python: SpecifierSet | None = None,
    options: Sequence[str] = (),
) -> Pylock:
    from wherry.lock.requirements.resolve import resolve

    return resolve(
        requirements,
        cwd=path.parent,
        target=request.target,
        offline=request.offline,
        access=request.access,
        reporter=reporter,
        what=path.name,
        requires_python=requires_python,
        options=options,
    )


def _pyproject(
    path: Path, request: LockRequest, reporter: Reporter
) -> tuple[Pylock, tuple[str, ...]]:
    from packaging.specifiers import SpecifierSet

    from wherry.lock.assemble import check_python, known
    from wherry.lock.declared import declared

    pyproject = read_toml(path)
    project = pyproject.table("project")
    if "project" not in pyproject or (
        "dependencies" in pyproject.table("tool").table("poetry") and "dependencies" not in project
    ):
        return _poetry(path, pyproject, request, reporter)
    wanted = declared(pyproject)
    requires_python = project.parsed("requires-python", SpecifierSet)
    check_python(requires_python, request.target, path)
    offered = wanted.extras
    dynamic = "optional-dependencies" in wanted.dynamic
    extras = request.extras if dynamic else known("extra", request.extras, offered, path)
    groups = known("group", request.groups, pyproject.table("dependency-groups").data, path)
    pylock = _resolve(
        path,
        request,
        reporter,
        requires_python=requires_python,
        options=[
            path.name,
            *(f"--extra={extra}" for extra in extras),
            *(f"--group={group}" for group in groups),
        ],
    )
    return pylock, extras


def _setup(path: Path, request: LockRequest, reporter: Reporter) -> Pylock:
    from wherry.lock.assemble import known

    known("group", request.groups, (), path)
    if path.name == "setup.cfg":
        return _setup_cfg(path, request, reporter)
    options = [path.name, *(f"--extra={extra}" for extra in request.extras)]
    return _resolve(path, request, reporter, options=options)


def _setup_cfg(path: Path, request: LockRequest, reporter: Reporter) -> Pylock:
    """Uv runs ``setup.py`` to learn what a project needs, and does not know one that has none."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from wherry.lock.assemble import check_python, known
    from wherry.lock.setup_cfg import read_setup_cfg

    read = read_setup_cfg(path)
    try:
        requires_python = SpecifierSet(read.requires_python) if read.requires_python else None
    except InvalidSpecifier as error:
        raise LockError(f"`{path.name}` is malformed", where=[f"{path}: {error}"]) from None
    check_python(requires_python, request.target, path)
    extras = known("extra", request.extras, read.extras, path)
    lines = [*read.requires, *(line for extra in extras for line in read.extras[extra])]
    return _resolve(
        path,
        request,
        reporter,
        requirements="\n".join(lines) + "\n",
        requires_python=requires_python,
    )


def _poetry(
    path: Path, pyproject: Table, request: LockRequest, reporter: Reporter
) -> tuple[Pylock, tuple[str, ...]]:
    """A project that declares its dependencies to Poetry alone: written again as requirements."""
    from packaging.utils import canonicalize_name

    from wherry.lock.assemble import check_python, known
    from wherry.lock.poetry.declared import poetry_project

    project = poetry_project(pyproject)
    check_python(project.python, request.target, path)
    main = canonicalize_name("main")
    groups = known("group", request.groups, project.groups.keys() - {main}, path)
    extras = known("extra", request.extras, project.extras, path)
    optional = {
        name for extra in extras for name in project.extras.get(canonicalize_name(extra), ())
    }
    lines = list(_poetry_sources(pyproject, request))
    table = pyproject.table("tool").table("poetry").table("dependencies")
    for group in (main, *map(canonicalize_name, groups)):
        lines += [
            _requirement(dependency, table)
            for dependency in project.groups[group]
            if not dependency.optional or dependency.name in optional
        ]
    text = "\n".join(lines) + "\n"
    requires_python = None
    if project.python is not None and len(project.python.alternatives) == 1:
        requires_python = project.python.alternatives[0]
    pylock = _resolve(path, request, reporter, requirements=text, requires_python=requires_python)
    return pylock, extras


def _poetry_sources(pyproject: Table, request: LockRequest) -> Iterator[str]:
    """``[[tool.poetry.source]]`` as options; what opens them is kept by their names."""
    sources = list(pyproject.table("tool").table("poetry").tables("source"))
    for number, source in enumerate(sources):
        url = source.optional("url", str)
        priority = (source.optional("priority", str) or "primary").lower()
        if url is None:
            # Poetry knows the address of its own `PyPI` source, and so does uv.
            continue
        secondary = priority in {"supplemental", "secondary", "explicit"} or bool(
            source.optional("secondary", bool)
        )
        option = "--extra-index-url" if secondary or number else "--index-url"
        name = source.optional("name", str)
        if name is not None and request.access is not None:
            request.access.learn({url: name})
        yield f"{option} {url}"


def _requirement(dependency: Dependency, table: Table) -> str:
    """The dependency in PEP 508's form.

    Raises:
        LockError: it asks for what that form cannot say.
    """
    from wherry.lock.pipfile.declared import git_url

    extras = f"[{','.join(sorted(dependency.extras))}]" if dependency.extras else ""
    source = dependency.source
    text = f"{dependency.name}{extras}"
    place = source.get("path") or source.get("file") or source.get("url") or source.get("direct")
    if git := source.get("git"):
        place = f"git+{git_url(git)}"
        revision = source.get("rev") or source.get("tag") or source.get("branch")
        place += f"@{revision}" if revision else ""
    if place is not None:
        fragment = source.get("subdirectory")
        text += f" @ {place}{f'#subdirectory={fragment}' if fragment else ''}"
    elif dependency.constraint is not None:
        text += _specifier(dependency.name, dependency.constraint, table)
    markers = [dependency.marker, dependency.python.python_marker() if dependency.python else None]
    said = " and ".join(f"({marker})" for marker in markers if marker)
    return f"{text} ; {said}" if said else text


def _specifier(name: str, constraint: Constraint, table: Table) -> str:
    if len(constraint.alternatives) != 1:
        raise LockError(
            f"`{table.file}` asks for one of several ranges of `{name}`",
            where=[f"{table.at(name)}: a requirement has no form for alternatives"],
            hint="run `poetry lock`, and build from the lock",
        )
    return str(constraint.alternatives[0])


def _pipfile(path: Path, request: LockRequest, reporter: Reporter) -> Pylock:
    """A ``Pipfile`` without a lock: written again as requirements."""
    from wherry.lock.assemble import known
    from wherry.lock.pipfile.declared import categories, requirement_lines
    from wherry.lock.pipfile.reader import group_names

    pipfile = read_toml(path)
    asked = group_names(request.groups, development="dev-packages")
    groups = known("group", asked, categories(pipfile), path)
    known("extra", request.extras, (), path)
    prereleases = pipfile.table("pipenv").optional("allow_prereleases", bool)
    return _resolve(
        path,
        request,
        reporter,
        requirements="\n".join(requirement_lines(pipfile, groups)) + "\n",
        options=["--prerelease=allow"] if prereleases else [],
    )
