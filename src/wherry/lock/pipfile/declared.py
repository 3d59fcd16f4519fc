"""The requirements that a ``Pipfile`` declares, and the hash of it that a lock records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.indexes.variables import expand_variables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wherry.lock.document import Table

__all__ = [
    "categories",
    "git_url",
    "group_names",
    "pipfile_hash",
    "requirement_lines",
    "with_markers",
]

_OTHERS = frozenset({"source", "requires", "scripts", "pipfile", "pipenv"})
_MARKERS = (
    "os_name",
    "sys_platform",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "python_version",
    "python_full_version",
    "implementation_name",
    "implementation_version",
)


def pipfile_hash(pipfile: Table) -> str:
    """The hash of those parts that decide a lock, as pipenv computes it."""
    import json
    from hashlib import sha256

    data: dict[str, Any] = {
        "_meta": {
            "sources": pipfile.data.get("source", []),
            "requires": pipfile.data.get("requires", {}),
        },
        "default": pipfile.data.get("packages", {}),
        "develop": pipfile.data.get("dev-packages", {}),
    }
    known = {*_OTHERS, "packages", "dev-packages", "default", "develop"}
    data |= {key: values for key, values in pipfile.data.items() if key not in known}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def group_names(groups: Iterable[str], *, development: str) -> list[str]:
    """The names of categories; the development category may be called by three names."""
    aliases = dict.fromkeys(("dev", "develop", "dev-packages"), development)
    return [aliases.get(name, name) for name in groups]


def categories(pipfile: Table) -> set[str]:
    """The categories beyond ``packages``."""
    return set(pipfile.data) - _OTHERS - {"packages"}


def requirement_lines(pipfile: Table, groups: Collection[str]) -> Iterator[str]:
    """The sources, ``packages`` and these categories as lines of a requirements file.

    Raises:
        LockError: an entry is not of the expected shape.
    """
    for number, source in enumerate(pipfile.tables("source")):
        option = "--extra-index-url" if number else "--index-url"
        yield f"{option} {expand_variables(source.required('url', str))}"
    for category in ("packages", *groups):
        table = pipfile.table(category)
        for name in table.data:
            yield _requirement(name, table)


def git_url(url: str) -> str:
    """A repository as git takes it, ``git@host:path`` included, as a URL."""
    url = url.removeprefix("git+")
    match = re.fullmatch(r"(?P<user>[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>[^/].*)", url)
    if match is None or "://" in url:
        return url
    return f"ssh://{match['user'] or ''}{match['host']}/{match['path']}"


def _requirement(name: str, table: Table) -> str:
    value = table.data[name]
    if isinstance(value, str):
        return name + ("" if value.strip() == "*" else value)
    if not isinstance(value, dict):
        raise table.wrong(name, "this should be a string or a table")
    entry = table.table(name)
    extras = entry.strings("extras")
    text = f"{name}[{','.join(extras)}]" if extras else name
    version = entry.optional("version", str)
    place = entry.optional("path", str) or entry.optional("file", str)
    if (git := entry.optional("git", str)) is not None:
        revision = entry.optional("ref", str)
        place = f"git+{git_url(git)}{f'@{revision}' if revision else ''}"
    if place is not None:
        fragment = entry.optional("subdirectory", str)
        text += f" @ {expand_variables(place)}{f'#subdirectory={fragment}' if fragment else ''}"
    elif version is not None and version.strip() != "*":
        text += version
    return with_markers(text, _markers(entry))


def _markers(entry: Table) -> Iterator[str]:
    if (marker := entry.optional("markers", str)) is not None:
        yield marker
    for key in _MARKERS:
        if (condition := entry.optional(key, str)) is not None:
            yield f"{key} {condition}"


def with_markers(text: str, markers: Iterable[str]) -> str:
    """A requirement that applies where all of these markers hold."""
    marker = " and ".join(f"({each})" for each in markers)
    return f"{text} ; {marker}" if marker else text
