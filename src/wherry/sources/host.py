"""Wheels built on this machine, by a Python of the target's version where there is one, and proved to run on the target."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.canonical import wheel_memo
from wherry.errors import BuildError
from wherry.files import ProjectFiles, walk_folders
from wherry.interpreters import build_python
from wherry.store.memo import memo_key
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.builders import Source
    from wherry.bundle.canonical import Canonical
    from wherry.context import Context
    from wherry.target import Target

__all__ = ["HostBuilder", "agrees", "prove", "wants_compiler"]

_KIND = "built-wheels"
# The environment variables that compilers and build tools read.
_VARIABLES = re.compile(
    r"(CC|CXX|CPP|LD|AR|AS|RANLIB|STRIP|FC|F77|F90|CYTHON|CMAKE|SKBUILD|MESON|CARGO|RUST|MATURIN|PKG_CONFIG)(_\w+)?"
    r"|(C|CPP|CXX|F|LD)FLAGS|LDSHARED|ARCHFLAGS|CPATH|C_INCLUDE_PATH|LIBRARY_PATH|MACOSX_DEPLOYMENT_TARGET"
)
_TO_COMPILE = re.compile(
    r"(?i).+\.(c|cc|cpp|cxx|pyx|pxd|rs|f|f90|f95|for|cu|s|asm|go|zig|m|mm)|CMakeLists\.txt|meson\.build|Cargo\.toml"
)


class HostBuilder(Struct, frozen=True, kw_only=True):
    """A ``wherry.builders.WheelBuilder`` of trees that are not the project's own."""

    context: Context

    def recall(self, source: Source) -> Canonical | None:
        """The wheel of an earlier build, proved anew, as this target may be another."""
        wheel = wheel_memo(_KIND, self.context.store).recall(
            self.context.store, _key(source, self.context)
        )
        if wheel is not None:
            prove(wheel, self.context.target, self.context)
        return wheel

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """The wheel of each tree, or why there is none."""
        built: list[Canonical | BuildError] = []
        for source in sources:
            try:
                built.append(self._one(source))
            except BuildError as error:
                built.append(error)
        return built

    def _one(self, source: Source) -> Canonical:
        from wherry.sources.declaration import read_declaration
        from wherry.sources.wheel import build_wheel

        context = replace(
            self.context,
            # The settings of the tree may not name indexes, as somebody else wrote them.
            network=self.context.network.for_third_party(),
            # The folder is a temporary one.
            files=ProjectFiles(),
        )
        with source.tree() as folder:
            declaration = read_declaration(folder, context.files, must_build=True)
            if declaration.name is None:
                # A `setup.py` may tell it when it runs.
                declaration = replace(declaration, name=source.name)
            wheel = build_wheel(declaration, context)
        wheel_memo(_KIND, context.store).remember(context.store, _key(source, context), wheel)
        return wheel


def agrees(context: Context) -> bool:
    """Whether files that are compiled here may run on the target: system, machine and Python are the same.

    Whether they do is proved file by file, as this machine's C library may be newer.
    """
    target = context.target
    if sys.platform != "linux" or platform.machine() != target.architecture.machine:
        return False
    python = build_python(context)
    return (
        python.identity.startswith("cpython")
        and python.machine == target.architecture.machine
        and python.version == target.runtime.python
    )


def prove(wheel: Canonical, target: Target, context: Context) -> None:
    """Refuse a remembered wheel, which was built for the context, if it does not run on another target.

    Raises:
        IncompatibleError: its tags or its compiled files say so.
    """
    from wherry.sources.compiled_check import require_suitable, require_tags

    require_tags(wheel.filename, target)
    if wheel.compiled:
        compiled = frozenset(wheel.compiled)
        entries = [entry for entry in wheel.bundle(owner=wheel.filename) if entry.path in compiled]
        require_suitable(
            entries, filename=wheel.filename, target=target, python=build_python(context).version
        )


def wants_compiler(folder: Path) -> bool:
    """Whether a source tree holds files for a compiler."""
    return any(
        _TO_COMPILE.fullmatch(name) for _, _, names in walk_folders(folder) for name in names
    )


def _key(source: Source, context: Context) -> str:
    from wherry.sources.environment import FORMAT
    from wherry.sources.hermetic import environment_facts

    return memo_key(
        FORMAT,
        build_python(context).identity,
        environment_facts(),
        _compiler(),
        source.identity,
        *context.build_rules.facts(source.name),
    )


def _compiler() -> list[object]:
    """The compiler and the variables that it reads, without running it."""
    facts: list[object] = [
        [name, value] for name, value in sorted(os.environ.items()) if _VARIABLES.fullmatch(name)
    ]
    path = shutil.which((os.environ.get("CC", "cc").split() or ["cc"])[0])
    if path is not None:
        with suppress(OSError):
            status = os.stat(path)  # noqa: PTH116
            facts.append([os.path.realpath(path), status.st_size, status.st_mtime_ns])
    return facts
