"""The build requirements of trees that are built in a container: chosen and fetched here, handed over as files.

So no container needs to reach an index, and none is given a password.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from wherry.errors import BuildError, LockError, SelectionError
from wherry.events import SILENT
from wherry.files import ProjectFiles
from wherry.sources.backends.table import backend_of_distribution, find_backend
from wherry.sources.build_rules import constraint_options
from wherry.sources.declaration import normalized
from wherry.store.memo import Memo, memo_key
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct
from wherry.wheels.pinned import PinnedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wherry.context import Context
    from wherry.sources.declaration import Declaration
    from wherry.store import StoredFile
    from wherry.wheels.fetch import RemoteFile
    from wherry.wheels.select import Selected

__all__ = ["INSTALLER", "BuildRequirements", "Pinned", "asked_for"]

INSTALLER = PinnedFile(
    "pip-25.3-py3-none-any.whl", "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd"
)
"""Installs build requirements in the container, whatever its image has."""

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
# An sdist among the requirements has requirements of its own, and so on; no farther than this.
_DEPTH = 4


class Pinned(NamedTuple):
    """A file of a build requirement, by hash."""

    filename: str
    sha256: str


_PINS: Memo[tuple[Pinned, ...]] = Memo(
    "build-pins", list, lambda pairs: tuple(Pinned(name, sha256) for name, sha256 in pairs)
)


class BuildRequirements(Struct, frozen=True, kw_only=True):
    """Chooses and fetches build requirements for a target; what is chosen is remembered in the store."""

    context: Context

    def known(self, requires: Iterable[str]) -> tuple[Pinned, ...] | None:
        """The files that were chosen for these requirements before, if they are still in the store."""
        store = self.context.store
        pins = _PINS.recall(store, self._key(requires))
        return pins if pins is not None and all(store.find(pin.sha256) for pin in pins) else None

    def choose(self, requires: Iterable[str], declaration: Declaration) -> tuple[Pinned, ...]:
        """The files of these requirements and of all they depend on, all of them in the store.

        The project's ``[tool.uv]`` may name indexes.

        Raises:
            BuildError: there are none for the target.
            FetchError, StoreError, ToolError: as the functions that do the work raise.
        """
        names = sorted(set(requires))
        if (known := self.known(names)) is not None:
            return known
        files = dict(self._files(names, declaration, depth=0))
        pins = tuple(Pinned(name, files[name].sha256) for name in sorted(files))
        _PINS.remember(self.context.store, self._key(names), pins)
        return pins

    def installer(self) -> StoredFile:
        """The wheel that installs them.

        Raises:
            FetchError: the index does not have it.
        """
        from wherry.wheels.pinned import fetch_pinned

        return fetch_pinned([INSTALLER], self.context)[0]

    def _key(self, requires: Iterable[str]) -> str:
        target = self.context.target
        return memo_key(
            sorted(set(requires)),
            str(target),
            target.runtime.glibc,
            self.context.network.identity(),
            *filter(None, [self.context.build_rules.constraints]),
        )

    def _files(
        self, requires: Sequence[str], declaration: Declaration, *, depth: int
    ) -> Iterator[tuple[str, StoredFile]]:
        from wherry.sources.declaration import read_declaration
        from wherry.sources.unpack import unpack
        from wherry.wheels.fetch import fetch

        remote = [_remote(chosen, declaration) for chosen in self._selected(requires, declaration)]
        for file, stored in zip(remote, fetch(remote, self.context), strict=True):
            yield file.filename, stored
            if file.filename.endswith(".whl") or depth == _DEPTH:
                continue
            with temporary_folder("source") as scratch:
                folder = unpack(stored.path, filename=file.filename, into=scratch)
                files = ProjectFiles()
                inner = read_declaration(folder, files, must_build=True)
                yield from self._files(asked_for(inner, files), inner, depth=depth + 1)

    def _selected(self, requires: Sequence[str], declaration: Declaration) -> tuple[Selected, ...]:
        from wherry.lock.model import Lock
        from wherry.lock.resolve import Requirements, resolve
        from wherry.wheels.select import select

        root, context = declaration.root, self.context
        text = "\n".join(requires) + "\n"
        try:
            with constraint_options(context.build_rules) as options:
                requirements = Requirements(
                    text=text, name="build-system.requires", base=root, options=tuple(options)
                )
                pylock = resolve(requirements, replace(context, reporter=SILENT))
            lock = Lock(pylock=pylock, path=root, base=root, member=root)
            return select(lock, context.target, compilable=True)
        except (LockError, SelectionError) as error:
            raise BuildError(
                f"the build requirements of `{declaration.label}` cannot be fetched for {context.target}",
                where=[f"they are {', '.join(requires)}", error.message, *error.where],
                hint="run once without `--offline`" if context.offline else error.hint,
            ) from error


def asked_for(declaration: Declaration, files: ProjectFiles, more: Iterable[str] = ()) -> list[str]:
    """The build requirements of a project and ``more``, with those that its backend will ask for when it runs."""
    requires = {*declaration.requires, *more}
    names = frozenset(normalized(match[1]) for text in requires if (match := _NAME.match(text)))
    setup_cfg = declaration.text("setup.cfg", files)
    backends = [find_backend(declaration.backend), *map(backend_of_distribution, sorted(names))]
    for backend in backends:
        if backend is not None:
            requires |= {*backend.asks_later(names, setup_cfg)} - names
    return sorted(requires)


def _remote(chosen: Selected, declaration: Declaration) -> RemoteFile:
    from packaging.pylock import PackageSdist, PackageWheel

    from wherry.wheels.fetch import RemoteFile

    source = chosen.source
    if not isinstance(source, PackageWheel | PackageSdist):
        raise BuildError(
            f"`{declaration.label}` cannot be built in a container",
            where=[f"its build requirement `{chosen.name}` is not a file of an index"],
            hint="publish it on an index, or build on a machine that agrees with the target",
        )
    url = source.url or (declaration.root / (source.path or "")).absolute().as_uri()
    return RemoteFile(
        filename=source.filename,
        url=url,
        hashes=source.hashes,
        size=source.size,
        project=chosen.name,
    )
