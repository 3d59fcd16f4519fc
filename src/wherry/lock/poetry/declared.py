"""The dependencies that a Poetry project declares, by group, in ``[tool.poetry]``, ``[project]`` or both."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from wherry.lock.declared import read_declared
from wherry.lock.poetry.constraint import parse_constraint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName

    from wherry.lock.document import Table
    from wherry.lock.poetry.constraint import Constraint
    from wherry.target import Target

__all__ = ["Dependency", "PoetryProject", "bare_name", "dependencies_of", "poetry_project"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """One requirement, of a project or of a locked package.

    Attributes:
        name: its normalized name.
        extras: the extras of it that are asked for.
        constraint: the versions that are allowed; None where any is.
        marker: a PEP 508 marker.
        python: the versions of Python that it is for.
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
        from packaging.markers import Marker

        if self.python is not None and not any(
            self.python.contains(f"{target.runtime.python_version}.{patch}")
            for patch in (target.runtime.patch, 99)
        ):
            return False
        if self.marker is None:
            return True
        marker = Marker(self.marker)
        environment = cast("dict[str, str]", target.environment)
        return any(marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


@dataclass(frozen=True, kw_only=True, slots=True)
class PoetryProject:
    """A project's dependencies.

    Attributes:
        groups: by normalized name; ``main`` is always there.
        extras: the names of the optional dependencies of ``main`` that each extra asks for.
        python: the versions of Python that the project is for.
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
        from packaging.utils import canonicalize_name

        return {name for extra in extras for name in self.extras.get(canonicalize_name(extra), ())}


def poetry_project(pyproject: Table) -> PoetryProject:
    """Read what a ``pyproject.toml`` declares to Poetry.

    Raises:
        LockError: a part of it is of a wrong type or cannot be understood.
    """
    from packaging.utils import canonicalize_name

    poetry = pyproject.table("tool").table("poetry")
    standard = read_declared(pyproject)
    project = pyproject.table("project")
    main_table = poetry.table("dependencies")
    main = list(dependencies_of(main_table))
    extras: dict[NormalizedName, frozenset[NormalizedName]] = {}
    table = poetry.table("extras")
    for extra in table.data:
        names = frozenset(canonicalize_name(bare_name(name)) for name in table.strings(extra))
        extras[canonicalize_name(extra)] = names
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
    from packaging.utils import canonicalize_name

    for key, value in table.data.items():
        name = canonicalize_name(key)
        if name == "python":
            continue
        if isinstance(value, str):
            constraint = table.parse(key, value, parse_constraint)
            yield Dependency(name=name, constraint=constraint, source={})
        elif isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, str):
                    constraint = table.parse(key, item, parse_constraint)
                    yield Dependency(name=name, constraint=constraint, source={})
                elif isinstance(item, dict):
                    yield _dependency(name, table.child(f"{key}[{number}]", item))
                else:
                    raise table.wrong(f"{key}[{number}]", "this should be a string or a table")
        elif isinstance(value, dict):
            yield _dependency(name, table.table(key))
        else:
            raise table.wrong(key, "this should be a string, a table or an array")


def _dependency(name: NormalizedName, table: Table) -> Dependency:
    from packaging.utils import canonicalize_name

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
    from packaging.markers import Marker

    return str(Marker(text))


def _parsed(table: Table, texts: Iterable[str]) -> Iterator[Dependency]:
    """Dependencies from PEP 508 requirements."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    from wherry.lock.poetry.constraint import Constraint

    for text in texts:
        requirement = table.parse("dependencies", text, Requirement)
        yield Dependency(
            name=canonicalize_name(requirement.name),
            extras=frozenset(canonicalize_name(extra) for extra in requirement.extras),
            constraint=Constraint(alternatives=(requirement.specifier,)),
            marker=str(requirement.marker) if requirement.marker else None,
            source={"archive": requirement.url} if requirement.url else {},
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
    from packaging.utils import canonicalize_name

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


def bare_name(requirement: str) -> str:
    """The name at the start of a requirement."""
    return re.split(r"[\s\[(;<>=!~@]", requirement.strip(), maxsplit=1)[0]
