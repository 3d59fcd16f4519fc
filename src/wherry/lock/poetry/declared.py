"""The dependencies that a Poetry project declares, by group, in ``[tool.poetry]``, ``[project]`` or both."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wherry.lock.declared import read_declared
from wherry.lock.poetry.constraint import Constraint, parse_constraint
from wherry.structs import Struct
from wherry.target import admits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName

    from wherry.lock.document import Table
    from wherry.target import Target

__all__ = [
    "Dependency",
    "PoetryProject",
    "content_hashes",
    "dependencies_of",
    "extras_of",
    "poetry_project",
]


# The parts of pyproject.toml that Poetry hashes.
_LEGACY = ("dependencies", "source", "extras", "dev-dependencies")
_PROJECT = ("requires-python", "dependencies", "optional-dependencies")


class Dependency(Struct, frozen=True, kw_only=True):
    """One requirement, of a project or of a locked package.

    Attributes:
        constraint: the versions that are allowed; None where any is.
        optional: only an extra asks for it.
        source: where it comes from, as Poetry writes it: ``path``, ``url``, ``git`` with ``rev``, ``tag``,
            ``branch`` and ``subdirectory``, ``source``; empty for the default index.
    """

    name: NormalizedName
    extras: frozenset[NormalizedName] = frozenset()
    constraint: Constraint | None = None
    marker: str | None = None
    python: Constraint | None = None
    optional: bool = False
    source: Mapping[str, str]

    def applies(self, target: Target, extras: Iterable[str]) -> bool:
        """Whether the marker holds on the target when the dependent was asked for with one of ``extras``."""
        if self.python is not None and not admits(self.python, target.runtime):
            return False
        if self.marker is None:
            return True
        marker = Marker(self.marker)
        return any(
            marker.evaluate({**target.environment, "extra": extra}) for extra in ("", *extras)
        )


class PoetryProject(Struct, frozen=True, kw_only=True):
    """A project's dependencies.

    Attributes:
        groups: by normalized name; ``main`` is always there.
        extras: the names of the optional dependencies of ``main`` that each extra asks for.
    """

    groups: Mapping[NormalizedName, tuple[Dependency, ...]]
    extras: Mapping[NormalizedName, frozenset[NormalizedName]]
    python: Constraint | None

    @property
    def requires_python(self) -> SpecifierSet | None:
        """The versions of Python where one specifier can express them; None where there are alternatives."""
        if self.python is None or len(self.python.alternatives) != 1:
            return None
        return self.python.alternatives[0] or None

    def optional(self, extras: Iterable[str]) -> set[NormalizedName]:
        """The names of the optional dependencies that these extras ask for."""
        return {name for extra in extras for name in self.extras.get(canonicalize_name(extra), ())}


def poetry_project(pyproject: Table) -> PoetryProject:
    """Read what a ``pyproject.toml`` declares to Poetry.

    Raises:
        LockError: a part of it is of a wrong type or cannot be understood.
    """
    poetry = pyproject.table("tool").table("poetry")
    standard = read_declared(pyproject)
    project = pyproject.table("project")
    main_table = poetry.table("dependencies")
    main = list(dependencies_of(main_table))
    extras = extras_of(poetry.table("extras"))
    if "dependencies" in project or "optional-dependencies" in project:
        # Then [tool.poetry.dependencies] says only where some of them come from.
        sources = {dependency.name: dependency.source for dependency in main}
        main = [_with_source(each, sources) for each in _parsed(project, standard.dependencies)]
        for extra, texts in standard.extras.items():
            dependencies = list(_parsed(project, texts))
            extras[extra] = frozenset(dependency.name for dependency in dependencies)
            main += [replace(_with_source(each, sources), optional=True) for each in dependencies]
    groups = {canonicalize_name("main"): tuple(main)}
    for name, members in _group_tables(poetry):
        groups[canonicalize_name(name)] = members
    for group, texts in standard.groups.items():
        sources = {dependency.name: dependency.source for dependency in groups.get(group, ())}
        groups[group] = tuple(
            _with_source(dependency, sources)
            for dependency in _parsed(pyproject.table("dependency-groups"), texts)
        )
    return PoetryProject(
        groups=_with_included(groups, poetry), extras=extras, python=_python(main_table, project)
    )


def dependencies_of(table: Table) -> Iterator[Dependency]:
    """The dependencies of a table such as ``[tool.poetry.dependencies]``; ``python`` is passed over.

    Raises:
        LockError: an entry cannot be understood.
    """
    for key, value in table.data.items():
        name = canonicalize_name(key)
        if name == "python":
            continue
        if not isinstance(value, list):
            yield _dependency(name, table, key, value)
            continue
        for number, item in enumerate(value):
            yield _dependency(name, table, f"{key}[{number}]", item)


def _dependency(name: NormalizedName, dependencies: Table, key: str, value: object) -> Dependency:
    if isinstance(value, str):
        constraint = dependencies.parse(key, value, parse_constraint)
        return Dependency(name=name, constraint=constraint, source={})
    if not isinstance(value, dict):
        raise dependencies.wrong(key, "expected a string or a table")
    table = dependencies.child(key, value)
    kinds = ("path", "file", "url", "git", "rev", "tag", "branch", "subdirectory", "source")
    source = {kind: text for kind in kinds if (text := table.optional(kind, str)) is not None}
    marker = table.parsed("markers", _marker)
    if (platform := table.optional("platform", str)) is not None:
        wanted = table.parse("platform", f"sys_platform == '{platform}'", _marker)
        marker = f"({marker}) and {wanted}" if marker else wanted
    return Dependency(
        name=name,
        extras=frozenset(canonicalize_name(extra) for extra in table.strings("extras")),
        constraint=table.parsed("version", parse_constraint),
        marker=marker,
        python=table.parsed("python", parse_constraint),
        optional=table.optional("optional", bool) or False,
        source=source,
    )


def _marker(text: str) -> str:
    """The marker in its canonical form; a string so that it stays hashable."""
    return str(Marker(text))


def _parsed(table: Table, texts: Iterable[str]) -> Iterator[Dependency]:
    """Dependencies from PEP 508 requirements."""
    for text in texts:
        requirement = table.parse("dependencies", text, Requirement)
        yield Dependency(
            name=canonicalize_name(requirement.name),
            extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
            constraint=Constraint(alternatives=(requirement.specifier,)),
            marker=str(requirement.marker) if requirement.marker else None,
            source={"url": requirement.url} if requirement.url else {},
        )


def _with_source(
    dependency: Dependency, sources: Mapping[NormalizedName, Mapping[str, str]]
) -> Dependency:
    source = sources.get(dependency.name)
    return replace(dependency, source=source) if source else dependency


def _group_tables(poetry: Table) -> Iterator[tuple[str, tuple[Dependency, ...]]]:
    development = tuple(dependencies_of(poetry.table("dev-dependencies")))
    groups = dict(poetry.table("group").each_table())
    if development and "dev" not in groups:
        yield "dev", development
    for name, group in groups.items():
        own = tuple(dependencies_of(group.table("dependencies")))
        yield name, own + (development if name == "dev" else ())


def _with_included(
    groups: Mapping[NormalizedName, tuple[Dependency, ...]], poetry: Table
) -> dict[NormalizedName, tuple[Dependency, ...]]:
    """Groups with the dependencies of those that they include by ``include-groups``."""
    includes = {
        canonicalize_name(name): [
            canonicalize_name(each) for each in group.strings("include-groups")
        ]
        for name, group in poetry.table("group").each_table()
    }

    def reach(name: NormalizedName, seen: dict[NormalizedName, None]) -> dict[NormalizedName, None]:
        if name not in seen:
            seen[name] = None
            for included in includes.get(name, ()):
                reach(included, seen)
        return seen

    names = dict.fromkeys([*groups, *includes])
    return {
        name: tuple(each for member in reach(name, {}) for each in groups.get(member, ()))
        for name in names
    }


def _python(main: Table, project: Table) -> Constraint | None:
    if isinstance(main.data.get("python"), str):
        return main.parsed("python", parse_constraint)
    return project.parsed("requires-python", parse_constraint)


def extras_of(table: Table) -> dict[NormalizedName, frozenset[NormalizedName]]:
    """The names of the dependencies that each extra of a table asks for.

    Raises:
        LockError: an entry is not of the expected shape.
    """

    def name(requirement: str) -> NormalizedName:
        return canonicalize_name(re.split(r"[\s\[(;<>=!~@]", requirement.strip(), maxsplit=1)[0])

    return {
        canonicalize_name(extra): frozenset(map(name, table.strings(extra))) for extra in table.data
    }


def content_hashes(pyproject: Table) -> Iterator[str]:
    """Poetry's ``content-hash``: a hash of those parts of ``pyproject.toml`` that decide a lock.

    Versions of Poetry hash different parts, and a lock does not say which one wrote it.
    """
    poetry = pyproject.table("tool").table("poetry").data
    project = pyproject.table("project").data
    standard = {key: project[key] for key in _PROJECT if key in project}
    groups = pyproject.table("dependency-groups").data
    # Poetry 2.3 and later; 2.0 to 2.2, which ignored [dependency-groups]; 1.x, which ignored [project].
    for with_project, with_groups in ((standard, groups), (standard, {}), ({}, {})):
        yield _digest(_relevant(poetry, with_project, with_groups))
    # Poetry before 1.2 knew only the development group.
    yield _digest({key: poetry.get(key) for key in _LEGACY})


def _relevant(
    poetry: dict[str, Any], project: dict[str, Any], groups: dict[str, Any]
) -> dict[str, Any]:
    present = {key: poetry[key] for key in (*_LEGACY, "group") if poetry.get(key) is not None}
    if not project and not groups:
        # Poetry 1 hashes the four old keys even where they are absent.
        return dict.fromkeys(_LEGACY) | present
    standard = {"project": project, "dependency-groups": groups}
    return {key: table for key, table in standard.items() if table} | {"tool": {"poetry": present}}


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, default=str)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
