"""Wheels built on this machine, by the Python that runs Wherry, and proved to run on the target."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import BuildError
from wherry.events import SILENT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.builder import Source
    from wherry.sources.canonical import Canonical
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["HostBuilder", "agrees", "prove", "wants_compiler"]

_KIND = "built-wheels"
# What compilers and those who call them heed.
_VARIABLES = re.compile(
    r"(CC|CXX|CPP|LD|AR|AS|RANLIB|STRIP|FC|F77|F90|CYTHON|CMAKE|SKBUILD|MESON|CARGO|RUST|MATURIN|PKG_CONFIG)(_\w+)?"
    r"|(C|CPP|CXX|F|LD)FLAGS|LDSHARED|ARCHFLAGS|CPATH|C_INCLUDE_PATH|LIBRARY_PATH|MACOSX_DEPLOYMENT_TARGET"
)
_TO_COMPILE = re.compile(
    r"(?i).+\.(c|cc|cpp|cxx|pyx|pxd|rs|f|f90|f95|for|cu|s|asm|go|zig|m|mm)|CMakeLists\.txt|meson\.build|Cargo\.toml"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostBuilder:
    """As ``wherry.sources.builder.WheelBuilder``.

    Attributes:
        target: what wheels must run on.
        store: where they are kept.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of builds.
    """

    target: Target
    store: Store
    offline: bool = False
    access: Access | None = None
    reporter: Reporter = SILENT

    def recall(self, source: Source) -> Canonical | None:
        """As the protocol has it."""
        from wherry.sources.canonical import from_memo

        memo = self.store.recall(_KIND, _key(source))
        wheel = from_memo(memo, self.store) if memo is not None else None
        if wheel is not None:
            prove(wheel, self.target)
        return wheel

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """As the protocol has it."""
        built: list[Canonical | BuildError] = []
        for source in sources:
            try:
                built.append(self._one(source))
            except BuildError as error:
                built.append(error)
        return built

    def _one(self, source: Source) -> Canonical:
        from wherry.indexes.access import Access
        from wherry.sources.canonical import to_memo
        from wherry.sources.declaration import read_declaration
        from wherry.sources.wheel import build_wheel

        with source.tree() as folder:
            wheel = build_wheel(
                read_declaration(folder, must_build=True),
                target=self.target,
                store=self.store,
                offline=self.offline,
                # What its own settings say of indexes is somebody else's word.
                access=(self.access or Access()).abroad(),
                reporter=self.reporter,
            )
        self.store.remember(_KIND, _key(source), to_memo(wheel))
        return wheel


def agrees(target: Target) -> bool:
    """Whether what is compiled here may run on the target: the system, machine and Python are the same.

    Whether it does is proved file by file, as this machine's C library may be newer.
    """
    return (
        sys.platform == "linux"
        and sys.implementation.name == "cpython"
        and platform.machine() == target.architecture.machine
        and sys.version_info[:2] == target.runtime.python
    )


def prove(wheel: Canonical, target: Target) -> None:
    """Refuse a remembered wheel that does not run on this target.

    Raises:
        IncompatibleError: its tags or its compiled files say so.
    """
    from wherry.sources.purity import require_suitable, require_tags

    require_tags(wheel.filename, target)
    if wheel.compiled:
        compiled = frozenset(wheel.compiled)
        entries = [entry for entry in wheel.bundle(owner=wheel.filename) if entry.path in compiled]
        require_suitable(
            entries, filename=wheel.filename, target=target, python=sys.version_info[:2]
        )


def wants_compiler(folder: Path) -> bool:
    """Whether a source tree holds what is for a compiler."""
    return any(_TO_COMPILE.fullmatch(name) for _, _, names in os.walk(folder) for name in names)


def _key(source: Source) -> str:
    from wherry.sources.closure import environment_facts
    from wherry.sources.environment import interpreter_identity
    from wherry.sources.wheel import FORMAT

    facts = [FORMAT, interpreter_identity(), environment_facts(), _compiler(), source.identity]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _compiler() -> list[object]:
    """What is of interest about the compiler, without running it."""
    facts: list[object] = [
        [name, value] for name, value in sorted(os.environ.items()) if _VARIABLES.fullmatch(name)
    ]
    for name in (os.environ.get("CC", "cc").split() or ["cc"])[:1]:
        path = shutil.which(name)
        if path is not None:
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError:
                continue
            facts.append([os.path.realpath(path), found.st_size, found.st_mtime_ns])
    return facts
