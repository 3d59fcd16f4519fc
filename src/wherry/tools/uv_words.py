"""Messages of uv, changed so that they name the user's files, and options that Wherry has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["own_hint", "with_place"]

_PRERELEASE = "ask for the pre-release by its version, or allow all: `--pre` in a requirements file, `prerelease` in [tool.uv]"
_CERTIFICATES = "set `UV_SYSTEM_CERTS=1`, or `SSL_CERT_FILE`"
# Options of uv that its hints name, each with what does the same for Wherry.
_INSTEAD = {
    "--prerelease": _PRERELEASE,
    "--pre": _PRERELEASE,
    "--index-strategy": "set `index-strategy` in [tool.uv]",
    "--allow-insecure-host": "name the host in `UV_INSECURE_HOST`",
    "--native-tls": _CERTIFICATES,
    "--system-certs": _CERTIFICATES,
    "--exclude-newer": "change `exclude-newer` in [tool.uv]",
    "--exclude-newer-package": "change `exclude-newer-package` in [tool.uv]",
    "--index": "declare the index in [[tool.wherry.indexes]]",
}
# Those that Wherry has as well.
_SHARED = frozenset({"--offline", "--frozen", "--group", "--extra", "--package", "--project"})
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_POSITION = re.compile(r"in `-` at position (\d+)")


def own_hint(hint: str | None) -> str | None:
    """A hint of uv's, if it names no option that Wherry lacks: else what is done instead, or None."""
    foreign = [option for option in _OPTION.findall(hint or "") if option not in _SHARED]
    if not foreign:
        return hint
    return next((_INSTEAD[option] for option in foreign if option in _INSTEAD), None)


def with_place(cause: str, name: str, lines: Sequence[str]) -> str:
    """A cause that speaks of uv's standard input, with the file and the line that it is about.

    ``name`` is the file that was passed to standard input, and ``lines`` what was passed.
    """

    def place(match: re.Match[str]) -> str:
        position, end = int(match[1]), 0
        for line in lines:
            end += len(line) + 1
            if position < end:
                return f"`{line}` of `{name}`"
        return f"in `{name}`"

    return re.sub(r"`-`|\bstdin\b", lambda _: f"`{name}`", _POSITION.sub(place, cause))
