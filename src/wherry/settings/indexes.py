"""``[[tool.wherry.indexes]]``: the package indexes that a project declares."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wherry.indexes.declared import CodeArtifact, DeclaredIndex, code_artifact_at
from wherry.settings import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wherry.settings.findings import Findings

__all__ = ["INDEX_READERS", "read_indexes"]


def _matching(pattern: str, wanted: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(wanted)
        return value

    return read


def _address(value: object) -> str:
    """The address of an index. One with a password is refused: settings are files that are shared."""
    from urllib.parse import urlsplit

    wanted = "the address of an index is wanted, such as https://packages.example/simple/"
    text = values.string(value)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    # The value is not repeated: it may hold a password in spite of all.
    if "@" in text.partition("://")[2].partition("?")[0] and not (
        sound and "@" not in parts.netloc
    ):
        raise ValueError("user and password do not belong here: see `UV_INDEX_NAME_PASSWORD`")
    if not sound or re.search(r"\s", text) or parts.query or parts.fragment:
        raise ValueError(wanted)
    return text


INDEX_READERS: Mapping[str, Callable[[object], Any]] = {
    "name": _matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name of letters, digits, `-`, `_` and `.` is wanted"
    ),
    "url": _address,
    "default": values.boolean,
    "domain": _matching(
        r"[a-z][a-z0-9-]{0,48}[a-z0-9]", "the name of a CodeArtifact domain is wanted"
    ),
    "owner": _matching(
        r"\d{12}", 'the twelve digits of an AWS account are wanted, as a text: "111122223333"'
    ),
    "repository": _matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}", "the name of a CodeArtifact repository is wanted"
    ),
    "region": _matching(r"[a-z]{2}(-[a-z]+)+-\d", "the name of an AWS region is wanted"),
    "profile": values.string,
}
"""The keys of ``[[tool.wherry.indexes]]``."""

_OF_AWS = ("domain", "owner", "repository", "region")


def read_indexes(value: object, findings: Findings) -> tuple[DeclaredIndex, ...]:
    """The indexes, in the order in which they are asked; what is wrong is added to the findings."""
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        findings.add("indexes", "tables are wanted: [[tool.wherry.indexes]]")
        return ()
    found: list[DeclaredIndex] = []
    for number, table in enumerate(value):
        index = _index(table, f"indexes[{number}]", findings)
        if index is None:
            continue
        if any(_variable(index.name) == _variable(other.name) for other in found):
            findings.add(
                f"indexes[{number}].name",
                f"`{index.name}` stands there twice, capitals and punctuation aside",
            )
        if index.default and any(other.default for other in found):
            findings.add(f"indexes[{number}].default", "another one is the default already")
        found.append(index)
    return tuple(found)


def _variable(name: str) -> str:
    from wherry.indexes.variables import spelled

    return spelled(name)


def _index(table: Mapping[str, object], key: str, findings: Findings) -> DeclaredIndex | None:
    read: dict[str, Any] = {}
    sound = True
    for name, value in table.items():
        if name not in INDEX_READERS:
            findings.unknown(name, INDEX_READERS, f"{key}.")
            sound = False
            continue
        try:
            read[name] = INDEX_READERS[name](value)
        except ValueError as error:
            findings.add(f"{key}.{name}", str(error))
            sound = False
    if not sound:
        return None
    if "name" not in read:
        findings.add(
            f"{key}.name", "it is wanted: variables with user and password are named after it"
        )
        return None
    profile = read.get("profile")
    artifact: CodeArtifact | None = None
    if any(name in read for name in _OF_AWS):
        missing = [name for name in _OF_AWS if name not in read]
        if missing:
            findings.add(
                key, f"CodeArtifact wants {', '.join(f'`{name}`' for name in missing)} too"
            )
            return None
        artifact = CodeArtifact(**{name: read[name] for name in _OF_AWS}, profile=profile)
    elif "url" in read:
        artifact = code_artifact_at(read["url"], profile=profile)
    if profile is not None and artifact is None:
        findings.add(f"{key}.profile", "it is of an index of CodeArtifact")
        return None
    url = read.get("url") or (artifact.address if artifact else None)
    if url is None:
        findings.add(key, "`url` is wanted, or `domain`, `owner`, `repository` and `region`")
        return None
    index = DeclaredIndex(name=read["name"], url=url, default=read.get("default", False))
    return replace(index, code_artifact=artifact)
