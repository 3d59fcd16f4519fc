"""Which tool a project belongs to, where it has the locks of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.lock.document import read_toml
from wherry.lock.model import LockFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["Charge", "tool_in_charge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """The format of the tool that is in charge, and what tells so."""

    format: LockFormat
    reason: str


def tool_in_charge(root: Path, formats: Collection[LockFormat]) -> Charge | None:
    """The one tool among those of ``formats`` that the project is set up for; None where it is not clear.

    Raises:
        LockError: ``pyproject.toml`` is not sound.
    """
    charges = [charge for charge in _charges(root) if charge.format in formats]
    if len({charge.format for charge in charges}) == 1:
        return charges[0]
    return None


def _charges(root: Path) -> Iterator[Charge]:
    if (root / "Pipfile").is_file():
        yield Charge(format=LockFormat.PIPFILE_LOCK, reason="there is a `Pipfile`")
    pyproject = root / "pyproject.toml"
    if not pyproject.is_file():
        return
    table = read_toml(pyproject)
    tools = table.table("tool")
    for name, format_ in (
        ("uv", LockFormat.UV),
        ("poetry", LockFormat.POETRY),
        ("pdm", LockFormat.PYLOCK),
    ):
        if name in tools:
            yield Charge(format=format_, reason=f"`pyproject.toml` has [tool.{name}]")
    backend = table.table("build-system").optional("build-backend", str) or ""
    for prefix, format_ in (
        ("uv_build", LockFormat.UV),
        ("poetry.", LockFormat.POETRY),
        ("pdm.", LockFormat.PYLOCK),
    ):
        if backend.startswith(prefix):
            reason = f"the build backend of `pyproject.toml` is `{backend}`"
            yield Charge(format=format_, reason=reason)
