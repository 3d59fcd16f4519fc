"""The target that a package was most likely made for, by the names and machines of its compiled files."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from wherry.contents.model import is_compiled_name
from wherry.elf.model import EM_AARCH64, is_elf
from wherry.errors import WherryError
from wherry.target import RUNTIMES, Architecture, Target, newest_runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.contents.model import Part

__all__ = ["guess_target"]

_TAG = re.compile(r"\.cpython-(\d)(\d+)")
# Enough to tell; packages hold hundreds.
_LOOKED_AT = 20


def guess_target(parts: Sequence[Part]) -> Target:
    """The target of most compiled files; of a package without any, the newest runtime on x86_64."""
    versions: Counter[str] = Counter()
    machines: Counter[Architecture] = Counter()
    for part in parts:
        for file in part.files:
            if not is_compiled_name(file.name):
                continue
            if (match := _TAG.search(file.name)) and f"python{match[1]}.{match[2]}" in RUNTIMES:
                versions[f"python{match[1]}.{match[2]}"] += 1
            if machines.total() < _LOOKED_AT:
                try:
                    head = file.head(20)
                except WherryError:
                    continue
                if is_elf(head):
                    arm = int.from_bytes(head[18:20], "little") == EM_AARCH64
                    machines[Architecture.ARM64 if arm else Architecture.X86_64] += 1
    return Target(
        runtime=RUNTIMES[versions.most_common(1)[0][0]] if versions else newest_runtime(None),
        architecture=machines.most_common(1)[0][0] if machines else Architecture.X86_64,
    )
