"""Lines that ``pip freeze`` writes for packages of a system or of conda, and that cannot be installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import LockError
from wherry.events import Warned
from wherry.indexes.redact import redact
from wherry.untrusted import url_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.requirements import Requirement

    from wherry.events import Reporter
    from wherry.lock.requirements.file import RequirementLine

    Parsed = tuple[RequirementLine, Requirement | None]

__all__ = ["without_frozen"]

_OF_DEBIAN = frozenset({"pkg-resources==0.0.0", "pkg_resources==0.0.0"})
# The folders in which conda's packages were built, on machines of others.
_OF_CONDA = re.compile(r"/(?:croot|tmp/build|home/conda|opt/conda/conda-bld|work)/")


def without_frozen(parsed: Sequence[Parsed], reporter: Reporter) -> Iterator[Parsed]:
    """The requirements without ``pkg-resources==0.0.0``, of which there is no distribution.

    Raises:
        LockError: one names the folder in which conda built a package.
    """
    for line, found in parsed:
        if found is not None and line.text.replace(" ", "").lower() in _OF_DEBIAN:
            reporter.emit(
                Warned(
                    text=f"`{line.text}` is skipped: Debian's `pip freeze` writes it, and there is no such distribution",
                    hint="remove the line",
                )
            )
            continue
        url = found.url if found is not None else None
        if found is not None and url is not None and url.startswith("file:///"):
            path = Path(url_path(url))
            if _OF_CONDA.match(str(path)) and not path.exists():
                raise LockError(
                    f"`{found.name}` was frozen from what conda has installed",
                    where=[redact(f"{line.place}: {line.text[:200]}")],
                    hint="write versions instead: pip list --format=freeze > requirements.txt",
                )
        yield line, found
