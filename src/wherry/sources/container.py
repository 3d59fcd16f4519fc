"""Wheels built in a container: all that need it in one run, from files alone.

A wheel is remembered by everything that decides it: the source, the target, the image's digest, every file of the
build requirements, the variables and folders that the container is given, and what runs in it. Which image a
name meant is remembered too, so that no engine is needed to find a wheel again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.containers.facts import deciding
from wherry.containers.image import values
from wherry.errors import BuildError, ContainerError, WherryError
from wherry.events import SILENT, BuildFinished, BuildStarted, ContainerStarted
from wherry.sources.declaration import read_declaration
from wherry.sources.made import note_made
from wherry.sources.requirements import INSTALLER, Pinned, Requirements, asked_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherry.containers.exchange import Container
    from wherry.containers.image import Image, Images
    from wherry.containers.options import ContainerOptions
    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.builder import Source
    from wherry.sources.canonical import Canonical
    from wherry.sources.declaration import Declaration
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["ContainerBuilder"]

_KIND = "container-wheels"
_ASKED = "container-requirements"
# Raised when wheels come to be built in another way.
_FORMAT = 1
_SCRIPT = "inside.py"
_LAST_LINES = 20
_OTHER_IMAGE = (
    "build in AWS's image, or in one whose C library is no newer than the runtime's: `image` of "
    "[tool.wherry.container]"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerBuilder:
    """As ``wherry.sources.builder.WheelBuilder``.

    Attributes:
        container: gives the container to run, with an image that the engine has.
        images: the project's images.
        options: what the user says.
        target: what wheels must run on.
        store: where they are kept.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of builds.
    """

    container: Callable[[], Container]
    images: Images
    options: ContainerOptions
    target: Target
    store: Store
    offline: bool = False
    access: Access | None = None
    reporter: Reporter = SILENT

    def key(self, source: Source) -> str | None:
        """The key of a tree's wheel, as far as it can be told without building."""
        image = self.images.known()
        memo = self.store.recall(_ASKED, self.asked_key(source))
        if image is None or memo is None:
            return None
        try:
            requires = json.loads(memo)
        except ValueError:
            return None
        pins = self.requirements.known(requires)
        return None if pins is None else self.key_of(source, image, pins)

    def recall(self, source: Source) -> Canonical | None:
        """As the protocol has it."""
        key = self.key(source)
        return None if key is None else self.kept(key)

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """As the protocol has it.

        Raises:
            ContainerError: no container can be run.
            FetchError, StoreError, ToolError: as those who do the work raise.
        """
        container = self.container()
        with tempfile.TemporaryDirectory(
            prefix="wherry-container-", ignore_cleanup_errors=True
        ) as name:
            scratch = Path(name)
            run = _Run(self, container, scratch)
            for source in sources:
                run.take(source)
            return run.results()

    @property
    def requirements(self) -> Requirements:
        """Who chooses build requirements."""
        from wherry.indexes.access import Access

        return Requirements(
            target=self.target,
            store=self.store,
            offline=self.offline,
            # What a source's own settings say of indexes is somebody else's word.
            access=(self.access or Access()).abroad(),
            reporter=self.reporter,
        )

    def kept(self, key: str) -> Canonical | None:
        """The wheel with this key."""
        from wherry.sources.canonical import from_memo

        memo = self.store.recall(_KIND, key)
        return None if memo is None else from_memo(memo, self.store)

    def asked_key(self, source: Source) -> str:
        """The key of what a tree requires to be built."""
        facts = [_FORMAT, source.identity, sorted(self.options.build_requires)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def key_of(self, source: Source, image: Image, pins: Sequence[Pinned]) -> str:
        """The key of a tree's wheel: everything that decides it."""
        facts = [
            _FORMAT,
            source.identity,
            str(self.target),
            self.target.runtime.glibc,
            image.identity,
            self.images.platform,
            [[pin.filename, pin.sha256] for pin in pins],
            INSTALLER.sha256,
            deciding(self.options),
            hashlib.sha256(_script().read_bytes()).hexdigest(),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


class _Run:
    """One run of a container."""

    def __init__(self, builder: ContainerBuilder, container: Container, scratch: Path) -> None:
        self._builder = builder
        self._container = container
        self._given, self._made = scratch / "input", scratch / "output"
        self._jobs: list[dict[str, Any]] = []
        self._sources: list[Source] = []
        self._keys: dict[str, str] = {}
        self._found: dict[str, Canonical | BuildError] = {}
        self._order: list[str] = []
        for folder in (self._made, self._given / "sources", self._given / "requirements"):
            folder.mkdir(parents=True)

    def take(self, source: Source) -> None:
        """Prepare the build of a tree, unless its wheel turns out to be there already."""
        builder = self._builder
        # A name that is good for a folder, and the same whatever else is built.
        key = hashlib.sha256(json.dumps(source.identity).encode()).hexdigest()[:16]
        self._order.append(key)
        if key in self._keys or key in self._found:
            return
        with source.tree() as folder:
            try:
                declaration = read_declaration(folder, must_build=True)
                requires = asked_for(declaration, builder.options.build_requires)
                pins = builder.requirements.choose(requires, declaration)
            except BuildError as error:
                self._found[key] = error
                return
            builder.store.remember(
                _ASKED,
                builder.asked_key(source),
                json.dumps(requires).encode(),
            )
            kept = builder.key_of(source, self._container.image, pins)
            wheel = builder.kept(kept)
            if wheel is not None:
                self._found[key] = wheel
                return
            self._keys[key] = kept
            self._sources.append(source)
            shutil.copytree(folder, self._given / "sources" / key, symlinks=True)
            self._jobs.append(_job(key, declaration, builder.options.build_requires))
        self._provide(pins)

    def _provide(self, pins: Sequence[Pinned]) -> None:
        installer = Pinned(filename=INSTALLER.filename, sha256=INSTALLER.sha256)
        self._builder.requirements.installer()
        for pin in (*pins, installer):
            place = self._given / "requirements" / pin.filename
            at_hand = self._builder.store.find(pin.sha256)
            if at_hand is not None and not place.exists():
                shutil.copyfile(at_hand, place)

    def results(self) -> list[Canonical | BuildError]:
        """Run the container, where there is anything to build; what came of each tree, in order."""
        if self._jobs:
            self._run()
        return [self._found[key] for key in self._order]

    def _run(self) -> None:
        builder = self._builder
        shutil.copyfile(_script(), self._given / _SCRIPT)
        names = tuple(source.name for source in self._sources)
        image = self._container.image.reference
        builder.reporter.emit(ContainerStarted(image=image, names=names))
        said: dict[str, dict[str, Any]] = {}
        owner = [os.getuid(), os.getgid()] if hasattr(os, "getuid") else None

        def hear(line: bytes) -> None:
            try:
                event = json.loads(line)
                key, what = event["key"], event["event"]
            except (ValueError, LookupError, TypeError):
                return
            if key in self._keys:
                said[key] = event
                source = self._source(key)
                if what == "started":
                    builder.reporter.emit(BuildStarted(name=source.name))
                elif what == "built":
                    builder.reporter.emit(BuildFinished(name=source.name, seconds=event["seconds"]))

        ended = self._container.run_python(
            _SCRIPT,
            {"jobs": self._jobs, "installer": INSTALLER.filename, "owner": owner},
            given=self._given,
            made=self._made,
            heard=hear,
        )
        for key in self._keys:
            self._found[key] = self._outcome(key, said.get(key, {}), ended.said, ended.status)

    def _source(self, key: str) -> Source:
        number = next(n for n, job in enumerate(self._jobs) if job["key"] == key)
        return self._sources[number]

    def _outcome(
        self, key: str, event: dict[str, Any], said: Sequence[str], status: int
    ) -> Canonical | BuildError:
        source = self._source(key)
        if event.get("event") == "built":
            try:
                return self._accept(key, source, str(event["filename"]))
            except BuildError as error:
                return error
        if event.get("event") == "failed":
            cause = [str(event.get("cause"))]
            if event.get("full"):
                cause.append(
                    f"No space left on device: `{event['full'][0]}` of the container is full"
                )
            return self._failure(source, key, cause, ())
        if not event and status != 0:
            raise ContainerError(
                f"the container of `{self._container.image.reference}` ended with status {status}",
                where=said[-_LAST_LINES:],
                hint=_room("\n".join(said)),
            )
        return self._failure(source, key, [f"the container ended with status {status}"], said)

    def _accept(self, key: str, source: Source, filename: str) -> Canonical:
        from wherry.bundle.wheel import wheel_bundle
        from wherry.sources.canonical import canonical, to_memo
        from wherry.sources.purity import (
            compiled_files,
            lacking_libraries,
            require_suitable,
            require_tags,
        )

        builder, target = self._builder, self._builder.target
        made = self._made / key / filename
        try:
            stored = builder.store.add(made)
        except WherryError as error:
            raise BuildError(
                f"`{source.name}` could not be built",
                where=["the container's files cannot be read", error.message, *error.where],
            ) from error
        bundle = wheel_bundle(stored, filename=filename, owner=source.name, store=builder.store)
        compiled = compiled_files(bundle, source=self._given / "sources" / key)
        try:
            require_tags(filename, target)
            require_suitable(compiled, filename=filename, target=target, python=None)
        except BuildError as error:
            image = f"it was built in the image `{self._container.image.reference}`"
            raise type(error)(
                error.message, where=[*error.where, image], hint=_OTHER_IMAGE
            ) from None
        if (warning := lacking_libraries(compiled, bundle, name=source.name)) is not None:
            builder.reporter.emit(warning)
        wheel = replace(
            canonical(bundle, filename=filename, store=builder.store),
            compiled=tuple(entry.path for entry in compiled),
        )
        builder.store.remember(_KIND, self._keys[key], to_memo(wheel))
        note_made(source, builder.store)
        return wheel

    def _failure(
        self, source: Source, key: str, cause: Sequence[str], said: Sequence[str]
    ) -> BuildError:
        """The error, with the end of what the compiler said; the whole of it stays in the store."""
        from wherry.indexes.access import Access
        from wherry.lock.redact import redact
        from wherry.sources.log import keep_log, last_lines

        try:
            text = (self._made / f"{key}.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = "\n".join(said)
        text = (self._builder.access or Access()).hide(redact(text))
        for secret in _secrets(self._builder.options):
            text = text.replace(secret, "****")
        kept = keep_log(text, label=source.name, store=self._builder.store)
        hints = [
            _room("\n".join([text, *cause])),
            _missing_requirement(text),
            kept and f"all that was said is in `{kept}`",
        ]
        return BuildError(
            f"`{source.name}` could not be built in the container",
            where=[*cause, *last_lines(text)],
            hint="\n".join(hint for hint in hints if hint) or None,
        )


def _job(key: str, declaration: Declaration, more: Sequence[str]) -> dict[str, Any]:
    return {
        "key": key,
        "name": declaration.label,
        "folder": declaration.root.name,
        "backend": declaration.backend,
        "backend_path": declaration.backend_path,
        "requires": sorted({*declaration.requires, *more}),
    }


def _script() -> Path:
    import wherry.containers

    return Path(wherry.containers.__file__).with_name(_SCRIPT)


def _room(text: str) -> str | None:
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return (
            "the disk is full: make room where the engine keeps its files (`docker system prune`) and in the "
            "temporary folder, or choose another with `TMPDIR`"
        )
    return None


def _missing_requirement(text: str) -> str | None:
    if "No matching distribution found for" in text:
        return (
            "its backend asks for more than its project declares: name it in `build-requires` of "
            "[tool.wherry.container]"
        )
    return None


def _secrets(options: ContainerOptions) -> list[str]:
    """The values that were taken from where Wherry runs, which no file shows and no log should."""
    taken = {name: value for name, value in options.environment.items() if value is True}
    return [value for value in values(taken, what="environment").values() if len(value) > 3]
