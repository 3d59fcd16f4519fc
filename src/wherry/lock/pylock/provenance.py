"""The files that a ``pylock.toml`` of Wherry's own was made from, so that an edit is noticed.

PEP 751 leaves room for this under ``[tool]``; a lock that another tool wrote has none, and is taken as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.errors import LockError
from wherry.lock.document import is_path, read_bytes, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.lock.document import Table

__all__ = ["check_provenance", "provenance"]

# The parts of pyproject.toml that decide what is resolved. Others may change as they like.
_PROJECT = ("requires-python", "dependencies", "optional-dependencies", "dynamic")
_POETRY = ("dependencies", "dev-dependencies", "group", "extras", "source")


def provenance(inputs: Iterable[Path], base: Path, files: ProjectFiles) -> dict[str, Any]:
    """The ``[tool.wherry]`` table of a lock in ``base`` that was made from these files."""
    from os.path import relpath

    digests = {
        relpath(path, base).replace("\\", "/"): _digest(path, files) for path in sorted(inputs)
    }
    return {"inputs": digests}


def check_provenance(lock: Table, path: Path, files: ProjectFiles) -> tuple[Path, ...]:
    """Check that the files that a lock of Wherry's was made from have not changed since.

    Returns:
        These files; none for a lock that another tool wrote.

    Raises:
        LockError: one has.
    """
    inputs = lock.table("tool").table("wherry").table("inputs")
    changed, sources = [], []
    for name, digest in inputs.each(str):
        source = path.parent / name
        sources.append(source)
        if not is_path(name) or not source.is_file() or _digest(source, files) != digest:
            changed.append(f"`{ascii(name)[1:-1]}` has changed since")
    if changed:
        raise LockError(
            f"`{path.name}` is older than what it was made from",
            where=changed,
            hint="run `wherry lock`",
        )
    return tuple(sources)


def _digest(path: Path, files: ProjectFiles) -> str:
    import json
    from hashlib import sha256

    if path.name == "pyproject.toml":
        table = read_toml(path, files)
        project, tool = table.table("project").data, table.table("tool")
        content = {
            "project": {key: project[key] for key in _PROJECT if key in project},
            "dependency-groups": table.data.get("dependency-groups"),
            "uv": tool.data.get("uv"),
            "poetry": {
                key: value for key, value in tool.table("poetry").data.items() if key in _POETRY
            },
        }
        wherry = tool.data.get("wherry")
        if isinstance(wherry, dict) and "indexes" in wherry:
            content["indexes"] = wherry["indexes"]
        data = json.dumps(content, sort_keys=True, default=str).encode()
    else:
        # Line ends are a matter of the checkout.
        data = read_bytes(path, files).replace(b"\r\n", b"\n")
    return f"sha256:{sha256(data).hexdigest()}"
