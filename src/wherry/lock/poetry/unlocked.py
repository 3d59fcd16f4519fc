"""A project that declares its dependencies to Poetry alone, without a lock: written again as requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.lock.assemble import check_python, known
from wherry.lock.pipfile.declared import git_url, with_markers
from wherry.lock.poetry.declared import poetry_project
from wherry.lock.resolve import Requirements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.context import Context
    from wherry.indexes.network import Network
    from wherry.lock.document import Table
    from wherry.lock.model import LockRequest
    from wherry.lock.poetry.constraint import Constraint
    from wherry.lock.poetry.declared import Dependency

__all__ = ["poetry_requirements"]


def poetry_requirements(
    path: Path, pyproject: Table, request: LockRequest, context: Context
) -> tuple[Requirements, tuple[str, ...]]:
    """The requirements of the project, and the extras that were asked for.

    Raises:
        LockError: a part of it is malformed, or a requirement cannot express it.
        TargetError: the project is not for the target's Python.
    """
    from packaging.utils import canonicalize_name

    project = poetry_project(pyproject)
    check_python(project.python, context.target, path)
    main = canonicalize_name("main")
    groups = known("group", request.groups, project.groups.keys() - {main}, path)
    extras = known("extra", request.extras, project.extras, path)
    optional = project.optional(extras)
    poetry = pyproject.table("tool").table("poetry")
    lines = list(_sources(poetry, context.network))
    for group in (main, *map(canonicalize_name, groups)):
        lines += [
            _requirement(dependency, poetry.table("dependencies"))
            for dependency in project.groups[group]
            if not dependency.optional or dependency.name in optional
        ]
    requirements = Requirements(
        name=path.name,
        base=path.parent,
        text="\n".join(lines) + "\n",
        requires_python=project.requires_python,
    )
    return requirements, extras


def _sources(poetry: Table, network: Network) -> Iterator[str]:
    """``[[tool.poetry.source]]`` as options; the network learns their names, by which passwords are kept."""
    for number, source in enumerate(poetry.tables("source")):
        url = source.optional("url", str)
        priority = (source.optional("priority", str) or "primary").lower()
        if url is None:
            # Poetry knows the address of its own `PyPI` source, and so does uv.
            continue
        secondary = priority in {"supplemental", "secondary", "explicit"} or bool(
            source.optional("secondary", bool)
        )
        option = "--extra-index-url" if secondary or number else "--index-url"
        if (name := source.optional("name", str)) is not None:
            network.learn({url: name})
        yield f"{option} {url}"


def _requirement(dependency: Dependency, table: Table) -> str:
    """The dependency in PEP 508's form.

    Raises:
        LockError: that form cannot express it.
    """
    extras = f"[{','.join(sorted(dependency.extras))}]" if dependency.extras else ""
    source = dependency.source
    text = f"{dependency.name}{extras}"
    place = source.get("path") or source.get("file") or source.get("url") or source.get("archive")
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
    return with_markers(text, filter(None, markers))


def _specifier(name: str, constraint: Constraint, table: Table) -> str:
    if len(constraint.alternatives) != 1:
        raise LockError(
            f"`{table.file}` asks for one of several ranges of `{name}`",
            where=[f"{table.at(name)}: a requirement cannot express alternatives"],
            hint="run `poetry lock`, and build from the lock",
        )
    return str(constraint.alternatives[0])
