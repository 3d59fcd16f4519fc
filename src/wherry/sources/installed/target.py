"""Proof, by names and tags, that the files installed in a folder run on the target.

``pip install --target`` chooses wheels for the interpreter that runs it, unless it is told otherwise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.elf.model import is_elf
from wherry.errors import SelectionError
from wherry.sizes import first

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.sources.installed.files import InstalledFile
    from wherry.target import Target

__all__ = ["install_command", "misfits", "refuse_misfits"]

_EXTENSION = re.compile(
    r"""(?x)
    (?P<stem>.+?)
    \.(?:
        cpython-(?P<version>\d{2,3})(?P<flags>[a-z]*)(?:-(?P<platform>[\w-]+))?
        | (?P<abi3>abi3)
        | cp(?P<windows>\d+t?-win\w+)
        | pypy(?P<pypy>[\w-]+)
    )
    \.(?:so|pyd)
    """
)
_MACHINES = {"x86_64": 62, "aarch64": 183}


def install_command(folder: str, target: Target) -> str:
    """The command that installs for the target, on whatever machine it is run."""
    machine = target.architecture.machine
    platforms = [f"--platform manylinux2014_{machine}"]
    if target.runtime.glibc >= (2, 28):
        platforms.append(f"--platform manylinux_2_28_{machine}")
    return (
        f"pip install --target {folder} {' '.join(platforms)} "
        f"--python-version {target.runtime.python_version} --only-binary=:all: …"
    )


def misfits(files: Iterable[InstalledFile], tags: Iterable[str], target: Target) -> tuple[str, ...]:
    """The reasons why a distribution does not run on the target; empty where it may.

    ``tags`` are those that its ``WHEEL`` lists, compressed sets or not.
    """
    from packaging.tags import parse_tag

    listed = tuple(tags)
    try:
        known = {tag for text in listed for tag in parse_tag(text)}
    except ValueError:  # not the three parts of a tag
        known = set()
    if known and known.isdisjoint(target.tags):
        return (f"it was installed from a wheel for {', '.join(sorted(listed))}",)
    # An extension module may lie there several times, for several interpreters: one that fits is enough.
    modules: dict[str, list[tuple[str, bool]]] = {}
    for file in files:
        if match := _EXTENSION.fullmatch(file.path):
            fits = _fits(match.groupdict(), file.head, target)
            modules.setdefault(match["stem"], []).append((file.path, fits))
    return tuple(
        f"`{found[0][0]}` is for another platform or Python"
        for _, found in sorted(modules.items())
        if not any(fits for _, fits in found)
    )


def _fits(parts: Mapping[str, str | None], head: bytes, target: Target) -> bool:
    if parts["windows"] or parts["pypy"]:
        return False
    if not is_elf(head):
        return False
    machine = target.architecture.machine
    # The machine, in the byte order that both architectures share, stands at byte 18.
    if int.from_bytes(head[18:20], "little") != _MACHINES[machine]:
        return False
    if parts["abi3"]:
        return True
    major, minor = target.runtime.python
    if parts["version"] != f"{major}{minor}" or parts["flags"]:
        return False
    platform = parts["platform"]
    return platform is None or platform == f"{machine}-linux-gnu"


def refuse_misfits(found: Mapping[str, tuple[str, ...]], folder: str, target: Target) -> None:
    """Raise where distributions do not run on the target.

    ``found`` has reasons by the distribution's name and version; the command in the hint installs to ``folder``.

    Raises:
        SelectionError: there are some; all are named.
    """
    if not found:
        return
    names = sorted(found)
    raise SelectionError(
        f"what is installed in `{folder}` does not run on {target}: {first([f'`{name}`' for name in names], 1)}",
        where=[f"{name}: {reason}" for name in names for reason in found[name][:3]],
        hint=f"remove the folder and install for the target: {install_command(folder, target)}",
    )
