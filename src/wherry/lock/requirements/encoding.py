"""The encoding of a requirements file, detected as pip does: by a byte order mark, or by a comment (PEP 263)."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from wherry.errors import LockError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["decode"]

# The longer marks first: that of UTF-32 begins as that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMENT = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]{1,40})")


def decode(data: bytes, path: Path) -> str:
    """The text of a requirements file.

    Raises:
        LockError: its encoding is unknown, or it is not in that encoding; says the line.
    """
    encoding = "utf-8"
    for mark, name in _MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], name
            break
    else:
        for line in data.split(b"\n", 2)[:2]:
            if match := _COMMENT.match(line):
                encoding = match[1].decode("ascii", "replace")
                break
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        problem = f"line {number}: {error.reason}"
    except (LookupError, UnicodeError):
        problem = f"there is no encoding `{encoding}`"
    raise LockError(
        f"`{path.name}` is not text in {encoding.upper()}",
        where=[f"{path}: {problem}"],
        hint="save it in UTF-8, or name its encoding in the first line, such as `# -*- coding: latin-1 -*-`",
    )
