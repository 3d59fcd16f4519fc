"""Reading ``[[tool.wherry.indexes]]``: the package indexes of a project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.indexes.declared import CodeArtifact, DeclaredIndex, code_artifact_at
from wherry.indexes.variables import environment_name
from wherry.settings import values
from wherry.settings.reader import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.problems import Problems
    from wherry.settings.reader import Readers

__all__ = ["INDEX_READERS", "read_indexes"]


def _address(value: object) -> str:
    """The address of an index. One with a password is refused: settings are files that are shared."""
    from urllib.parse import urlsplit

    text = values.string(value)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    # The message does not repeat the value, which may hold a password.
    if "@" in text.partition("://")[2].partition("?")[0] and not (
        sound and "@" not in parts.netloc
    ):
        raise ValueError(
            "a user and password do not belong in the settings: use `UV_INDEX_NAME_PASSWORD`"
        )
    if not sound or re.search(r"\s", text) or parts.query or parts.fragment:
        raise ValueError(
            "expected the address of an index, such as https://packages.example/simple/"
        )
    return text


INDEX_READERS: Readers = {
    "name": values.matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name of letters, digits, `-`, `_` and `.`"
    ),
    "url": _address,
    "default": values.boolean,
    "domain": values.matching(r"[a-z][a-z0-9-]{0,48}[a-z0-9]", "the name of a CodeArtifact domain"),
    "owner": values.matching(
        r"\d{12}", 'the twelve digits of an AWS account as a string: "111122223333"'
    ),
    "repository": values.matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}", "the name of a CodeArtifact repository"
    ),
    "region": values.matching(r"[a-z]{2}(-[a-z]+)+-\d", "the name of an AWS region"),
    "profile": values.string,
}
"""The keys of ``[[tool.wherry.indexes]]``."""

_OF_AWS = ("domain", "owner", "repository", "region")


def read_indexes(value: object, problems: Problems) -> tuple[DeclaredIndex, ...]:
    """The indexes in the order in which they are asked."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        problems.add("indexes", "expected tables: [[tool.wherry.indexes]]")
        return ()
    indexes: list[DeclaredIndex] = []
    for number, table in enumerate(value):
        index = _index(table, f"indexes[{number}]", problems)
        if index is None:
            continue
        if any(environment_name(index.name) == environment_name(other.name) for other in indexes):
            problems.add(
                f"indexes[{number}].name",
                f"another index is called `{index.name}`, apart from case and punctuation",
            )
        if index.default and any(other.default for other in indexes):
            problems.add(f"indexes[{number}].default", "another index is already the default")
        indexes.append(index)
    return tuple(indexes)


def _index(table: Mapping[str, object], key: str, problems: Problems) -> DeclaredIndex | None:
    fields = read_table(table, INDEX_READERS, problems, prefix=f"{key}.")
    if len(fields) < len(table):
        return None
    if "name" not in fields:
        problems.add(
            f"{key}.name", "it is required: variables with user and password are named after it"
        )
        return None
    profile = fields.get("profile")
    artifact: CodeArtifact | None = None
    if any(name in fields for name in _OF_AWS):
        missing = [name for name in _OF_AWS if name not in fields]
        if missing:
            problems.add(
                key, f"CodeArtifact also needs {', '.join(f'`{name}`' for name in missing)}"
            )
            return None
        artifact = CodeArtifact(**{name: fields[name] for name in _OF_AWS}, profile=profile)
    elif "url" in fields:
        artifact = code_artifact_at(fields["url"], profile=profile)
    if profile is not None and artifact is None:
        problems.add(f"{key}.profile", "it is a setting of an index of CodeArtifact")
        return None
    url = fields.get("url") or (artifact.address if artifact else None)
    if url is None:
        problems.add(key, "expected `url`, or `domain`, `owner`, `repository` and `region`")
        return None
    return DeclaredIndex(
        name=fields["name"],
        url=url,
        default=fields.get("default", False),
        code_artifact=artifact,
    )
