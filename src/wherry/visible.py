"""Text of strangers on a terminal: control characters are shown, and have no effect.

The reason of a yanked file, a server's message, a file's name or a compiler's output could otherwise write lines that
look like Wherry's own, hide what was written, or turn the order of characters round.
"""

from __future__ import annotations

import re

__all__ = ["Lines", "visible"]

# All of C0 but the tab, C1, what changes the direction of text, what has no width, and surrogates.
_CONTROL = (
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


class Lines(str):
    """Text that Wherry itself has put into several lines: these lines stay."""

    __slots__ = ()


def visible(text: str) -> str:
    r"""The text with escapes such as ``\n`` and ``\x1b`` in place of control characters."""
    if isinstance(text, Lines):
        # Of an empty text, Python makes one of the same class.
        return "\n".join(visible(str(line)) for line in text.split("\n"))
    if text.isprintable():
        return text
    return re.sub(_CONTROL, lambda found: found[0].encode("unicode_escape").decode(), text)
