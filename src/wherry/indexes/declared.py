"""The indexes that a project declares, in Wherry's settings or in those of the tool that locks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "CodeArtifact",
    "DeclaredIndex",
    "ToolsIndex",
    "code_artifact_at",
    "indexes_in",
    "is_pypi",
    "same_address",
]

_CODE_ARTIFACT = re.compile(
    r"https://(?P<domain>[a-z][a-z0-9-]*)-(?P<owner>\d{12})\.d\.codeartifact\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com|on\.aws)(?::443)?/pypi/(?P<repository>[A-Za-z0-9][A-Za-z0-9._-]+)(?:/.*)?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeArtifact:
    """A repository of AWS CodeArtifact.

    Attributes:
        domain: its domain.
        owner: the account that owns the domain, twelve digits.
        repository: its name.
        region: its region.
        profile: of AWS's configuration files; None for what AWS's tools take by default.
    """

    domain: str
    owner: str
    repository: str
    region: str
    profile: str | None = None

    @property
    def address(self) -> str:
        """Of its Simple API."""
        host = f"{self.domain}-{self.owner}.d.codeartifact.{self.region}.amazonaws.com"
        return f"https://{host}/pypi/{self.repository}/simple/"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredIndex:
    """``[[tool.wherry.indexes]]``.

    Attributes:
        name: what it is called; the names of environment variables are made of it.
        url: its address, without user and password.
        default: it stands in for PyPI.
        code_artifact: it is one of AWS's, whose passwords are tokens that AWS gives out.
    """

    name: str
    url: str
    default: bool = False
    code_artifact: CodeArtifact | None = None


def code_artifact_at(url: str, *, profile: str | None = None) -> CodeArtifact | None:
    """The repository that has this address, where it is one of CodeArtifact's."""
    found = _CODE_ARTIFACT.fullmatch(url)
    return None if found is None else CodeArtifact(**found.groupdict(), profile=profile)


def is_pypi(url: str) -> bool:
    """Whether an address is PyPI's own, which every tool knows without being told."""
    from urllib.parse import urlsplit

    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    try:
        return urlsplit(url).hostname == urlsplit(PYPI_SIMPLE_ENDPOINT).hostname
    except ValueError:
        return False


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are of one index: a slash at the end makes no difference."""
    return one.rstrip("/") == other.rstrip("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolsIndex:
    """An index that the file of another tool declares.

    Attributes:
        name: what it is called there; empty where it has no name.
        url: its address, as it stands there.
        tool: whose it is: ``uv``, ``poetry``, ``pdm`` or ``pipenv``.
        explicit: it is asked for those alone that are said to come from it.
    """

    name: str
    url: str
    tool: str
    explicit: bool


def indexes_in(folder: Path) -> Iterator[ToolsIndex]:
    """The indexes that the tools' own files in a folder declare.

    What cannot be read has none: whoever needs the file will say so.
    """
    for filename, tool, path in _PLACES:
        for entry in _tables(_toml(folder / filename), path):
            name, url = entry.get("name", ""), entry.get("url")
            if isinstance(name, str) and isinstance(url, str):
                explicit = entry.get("explicit") is True or entry.get("priority") == "explicit"
                yield ToolsIndex(name=name, url=url, tool=tool, explicit=explicit)


_PLACES = (
    ("pyproject.toml", "uv", ("tool", "uv", "index")),
    ("pyproject.toml", "poetry", ("tool", "poetry", "source")),
    ("pyproject.toml", "pdm", ("tool", "pdm", "source")),
    ("uv.toml", "uv", ("index",)),
    ("Pipfile", "pipenv", ("source",)),
)


def _toml(path: Path) -> Any:
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode())
    except (OSError, ValueError, RecursionError):
        return {}


def _tables(document: Any, path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    if isinstance(document, list):
        yield from (entry for entry in document if isinstance(entry, dict))
