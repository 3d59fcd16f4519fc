"""A ``Pipfile``: the hash of it that a lock records; without a lock, its requirements are resolved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.markers import Environment
from packaging.utils import canonicalize_name

from wherry.lock.assemble import known
from wherry.lock.document import read_toml
from wherry.lock.resolve import Placed, Requirements, literal_url, resolve_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from wherry.context import Context
    from wherry.lock.document import Table
    from wherry.lock.model import Lock, LockRequest

__all__ = [
    "declared_markers",
    "group_names",
    "read",
    "requirement_text",
    "texts_with_variables",
]

_REVISIONS = ("ref", "rev", "tag", "branch")
_SOURCE = ("path", "file", "git", "ref", "subdirectory")
_OTHERS = frozenset({"source", "requires", "scripts", "pipfile", "pipenv"})


def read(path: Path, request: LockRequest, context: Context) -> Lock:
    """Resolve what a ``Pipfile`` declares.

    Raises:
        LockError: it is malformed, cannot be resolved, or lacks a category that was asked for.
        ToolError: uv is missing.
    """
    pipfile = read_toml(path, context.files)
    asked = group_names(request.groups, development="dev-packages")
    groups = known("group", asked, set(pipfile.data) - _OTHERS - {"packages"}, path)
    known("extra", request.extras, (), path)
    expand = context.network.expand
    sources = list(_sources(pipfile, expand))
    urls = dict(sources)
    # As with pipenv, only what names another index comes from there.
    lines = [f"--index-url {url}" for _, url in sources[:1]]
    placed: list[Placed] = []
    for category in ("packages", *groups):
        table = pipfile.table(category)
        for name, value in table.data.items():
            text = _requirement(name, table, expand)
            index = table.table(name).optional("index", str) if isinstance(value, dict) else None
            if index is None:
                lines.append(text)
            elif index not in urls:
                raise table.wrong(f"{name}.index", f"there is no source `{index}`")
            else:
                named = canonicalize_name(name)
                placed.append(Placed(text=text, name=named, index=index, url=urls[index]))
    prereleases = pipfile.table("pipenv").optional("allow_prereleases", bool)
    requirements = Requirements(
        name=path.name,
        base=path.parent,
        text="\n".join(lines) + "\n",
        placed=tuple(placed),
        options=("--prerelease=allow",) if prereleases else (),
    )
    return resolve_declared(requirements, path, request, context)


def group_names(groups: Iterable[str], *, development: str) -> list[str]:
    """The names of categories; the development category may be called by three names."""
    aliases = dict.fromkeys(("dev", "develop", "dev-packages"), development)
    return [aliases.get(name, name) for name in groups]


def texts_with_variables(pipfile: Table) -> frozenset[str]:
    """The texts of a ``Pipfile`` in which pipenv expands variables, without ``git+`` before them."""
    texts: set[str] = set()
    pending: list[Any] = [pipfile.data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list):
            pending += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str) and "$" in value:
            texts.add(value.removeprefix("git+"))
    return frozenset(texts)


def declared_markers(pipfile: Table) -> dict[str, str]:
    """The markers of a ``Pipfile``, those that are keys of their own included, by normalized name."""
    markers: dict[str, str] = {}
    for category in set(pipfile.data) - _OTHERS:
        for name, entry in pipfile.table(category).data.items():
            if isinstance(entry, dict):
                conditions = _markers(pipfile.table(category).table(name))
                if text := " and ".join(f"({each})" for each in conditions):
                    markers[canonicalize_name(name)] = text
    return markers


def _sources(pipfile: Table, expand: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The names and addresses of the indexes; one without a name is called by its address."""
    for source in pipfile.tables("source"):
        url = expand(source.required("url", str))
        yield source.optional("name", str) or url, url


def requirement_text(
    name: str,
    source: Mapping[str, str],
    *,
    extras: Iterable[str] = (),
    version: str = "",
    markers: Iterable[str] = (),
) -> str:
    """A requirement in PEP 508's form.

    ``source`` is where it comes from, if not from an index: ``path``, ``file``, ``url`` or ``git`` with ``ref``,
    ``rev``, ``tag`` or ``branch``, and ``subdirectory``; then the version is passed over. It applies where all
    markers hold.
    """
    asked = ",".join(extras)
    text = f"{name}[{asked}]" if asked else name
    place = next((source[key] for key in ("path", "file", "url") if source.get(key)), None)
    if git := source.get("git"):
        revision = next((source[key] for key in _REVISIONS if source.get(key)), None)
        place = f"git+{_git_url(git)}{f'@{revision}' if revision else ''}"
    if place is not None:
        fragment = source.get("subdirectory")
        # The variables that may be expanded are expanded already.
        place += f"#subdirectory={fragment}" if fragment else ""
        text += f" @ {literal_url(place)}"
    else:
        text += version
    marker = " and ".join(f"({each})" for each in markers)
    return f"{text} ; {marker}" if marker else text


def _git_url(url: str) -> str:
    """A repository as git takes it, ``git@host:path`` included, as a URL."""
    url = url.removeprefix("git+")
    match = re.fullmatch(r"(?P<user>[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>[^/].*)", url)
    if match is None or "://" in url:
        return url
    return f"ssh://{match['user'] or ''}{match['host']}/{match['path']}"


def _requirement(name: str, table: Table, expand: Callable[[str], str]) -> str:
    value = table.data[name]
    if isinstance(value, str):
        return name + _specifier(value)
    if not isinstance(value, dict):
        raise table.wrong(name, "expected a string or a table")
    entry = table.table(name)
    return requirement_text(
        name,
        {key: expand(text) for key in _SOURCE if (text := entry.optional(key, str))},
        extras=entry.strings("extras"),
        version=_specifier(entry.optional("version", str) or ""),
        markers=_markers(entry),
    )


def _specifier(version: str) -> str:
    return "" if version.strip() == "*" else version


def _markers(entry: Table) -> Iterator[str]:
    if (marker := entry.optional("markers", str)) is not None:
        yield marker
    for key in Environment.__annotations__:
        if (condition := entry.optional(key, str)) is not None:
            yield f"{key} {condition}"
