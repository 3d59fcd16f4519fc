"""The indexes that a project declares, in Wherry's settings or in those of another tool."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = [
    "CodeArtifact",
    "DeclaredIndex",
    "ToolIndex",
    "code_artifact_at",
    "indexes_in",
    "is_pypi",
    "same_address",
]

_CODE_ARTIFACT = re.compile(
    r"https://(?P<domain>[a-z][a-z0-9-]*)-(?P<owner>\d{12})\.d\.codeartifact\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com|on\.aws)(?::443)?/pypi/(?P<repository>[A-Za-z0-9][A-Za-z0-9._-]+)(?:/.*)?"
)


class CodeArtifact(Struct, frozen=True, kw_only=True):
    """A repository of AWS CodeArtifact.

    Attributes:
        owner: the account that owns the domain, twelve digits.
        profile: the profile of AWS's configuration files; None for the default one.
    """

    domain: str
    owner: str
    repository: str
    region: str
    profile: str | None = None

    @property
    def address(self) -> str:
        """The address of its Simple API."""
        host = f"{self.domain}-{self.owner}.d.codeartifact.{self.region}.amazonaws.com"
        return f"https://{host}/pypi/{self.repository}/simple/"


class DeclaredIndex(Struct, frozen=True, kw_only=True):
    """An index of ``[[tool.wherry.indexes]]``.

    Attributes:
        name: its name, of which the names of environment variables are made.
        url: its address, without user and password.
        default: whether it replaces PyPI.
        code_artifact: the repository of AWS CodeArtifact that it is, if it is one.
    """

    name: str
    url: str
    default: bool = False
    code_artifact: CodeArtifact | None = None


def code_artifact_at(url: str, *, profile: str | None = None) -> CodeArtifact | None:
    """The repository of AWS CodeArtifact that has this address, if one has."""
    match = _CODE_ARTIFACT.fullmatch(url)
    return None if match is None else CodeArtifact(**match.groupdict(), profile=profile)


def is_pypi(url: str) -> bool:
    """Whether an address is PyPI's own, which every tool knows without being told."""
    from urllib.parse import urlsplit

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if "pypi" not in host:
        return False
    # The library that knows the address takes its time to import.
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return host == urlsplit(PYPI_SIMPLE_ENDPOINT).hostname


def same_address(url: str, other: str) -> bool:
    """Whether two addresses are of one index: a slash at the end makes no difference."""
    return url.rstrip("/") == other.rstrip("/")


class ToolIndex(Struct, frozen=True, kw_only=True):
    """An index that the file of another tool declares.

    Attributes:
        name: its name there; empty where it has none.
        url: its address, as it stands there.
        tool: ``uv``, ``poetry``, ``pdm`` or ``pipenv``.
        explicit: whether it is asked only for distributions that name it.
    """

    name: str
    url: str
    tool: str
    explicit: bool


def indexes_in(folder: Path, files: ProjectFiles) -> Iterator[ToolIndex]:
    """The indexes that the tools' own files in a folder declare.

    A file that cannot be read declares none; the reader of locks and settings reports it.
    """
    for filename, tables in _TABLES.items():
        try:
            document = files.toml(folder / filename)
        except (OSError, ValueError, RecursionError):
            continue
        for tool, path in tables.items():
            for entry in _tables(document, path):
                name, url = entry.get("name", ""), entry.get("url")
                if isinstance(name, str) and isinstance(url, str):
                    url = _with_login(entry, url) if tool == "pdm" else url
                    explicit = entry.get("explicit") is True or entry.get("priority") == "explicit"
                    yield ToolIndex(name=name, url=url, tool=tool, explicit=explicit)


_TABLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pyproject.toml": {
        "uv": ("tool", "uv", "index"),
        "poetry": ("tool", "poetry", "source"),
        "pdm": ("tool", "pdm", "source"),
    },
    "uv.toml": {"uv": ("index",)},
    "Pipfile": {"pipenv": ("source",)},
}


def _with_login(entry: Mapping[str, Any], url: str) -> str:
    """The address of a source of PDM's with the user and password that have keys of their own there."""
    from urllib.parse import quote

    user, password = entry.get("username"), entry.get("password", "")
    scheme, separator, rest = url.partition("://")
    if not isinstance(user, str) or not isinstance(password, str) or not separator:
        return url
    # A variable is expanded later.
    quoted = [text if "$" in text else quote(text, safe="") for text in (user, password)]
    return f"{scheme}://{':'.join(quoted)}@{rest.rpartition('@')[2]}"


def _tables(document: Any, path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    if isinstance(document, list):
        yield from (entry for entry in document if isinstance(entry, dict))
