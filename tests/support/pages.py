"""Pages of the documentation, of which tests take what a reader types."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["commands_of", "marked"]

_HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
_BLOCK = re.compile(r"^<!-- ([^\n]+?) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def marked(page: str, comment: str) -> str:
    """The text of the blocks of a how-to page that a comment stands before."""
    text = (_HOW_TO / page).read_text(encoding="utf-8")
    found = [block for name, block in _BLOCK.findall(text) if name == comment]
    assert found, f"{page} has no block after <!-- {comment} -->"
    return "".join(found)


def commands_of(page: str, comment: str) -> list[str]:
    """The commands of these blocks, one after the other."""
    return re.findall(r"^\$ (.+)$", marked(page, comment), re.MULTILINE)
