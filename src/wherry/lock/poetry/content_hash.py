"""Whether a ``poetry.lock`` still is what its ``pyproject.toml`` asks for: Poetry's ``content-hash``.

Poetry hashes those parts of ``pyproject.toml`` that decide a lock. Versions of Poetry hash different parts, and a lock
does not say which Poetry wrote it, so each way of hashing is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.lock.document import Table

__all__ = ["check_fresh", "content_hashes"]

_LEGACY = ("dependencies", "source", "extras", "dev-dependencies")
_PROJECT = ("requires-python", "dependencies", "optional-dependencies")


def check_fresh(lock: Table, pyproject: Table) -> None:
    """Check that the lock was made from this ``pyproject.toml``.

    Raises:
        LockError: it was not.
    """
    recorded = lock.table("metadata").optional("content-hash", str)
    if recorded not in set(content_hashes(pyproject)):
        raise LockError(
            f"`{lock.file}` is older than `{pyproject.file}`",
            where=[
                f"{lock.file}: metadata.content-hash: "
                + (
                    f"this is not the hash of the dependencies that `{pyproject.file}` has now"
                    if recorded
                    else "this is missing"
                )
            ],
            hint="run `poetry lock`",
        )


def content_hashes(pyproject: Table) -> Iterator[str]:
    """The hash of the relevant parts, as each version of Poetry computes it."""
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
    if project or groups:
        content: dict[str, Any] = {}
        if project:
            content["project"] = project
        if groups:
            content["dependency-groups"] = groups
        keys = (*_LEGACY, "group")
        content["tool"] = {
            "poetry": {key: poetry[key] for key in keys if poetry.get(key) is not None}
        }
        return content
    # Poetry 1 hashes the four old keys even where they are absent.
    content = {key: poetry.get(key) for key in _LEGACY}
    if poetry.get("group") is not None:
        content["group"] = poetry["group"]
    return content


def _digest(content: dict[str, Any]) -> str:
    import json
    from hashlib import sha256

    text = json.dumps(content, sort_keys=True, default=str)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
