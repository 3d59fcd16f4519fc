"""Wheels that containers make, remembered by everything that decides them.

That is the source, the target, the image's digest, every file of the build requirements, the variables and folders
that the container is given, and the script that it runs. The image that a name stood for is remembered too, so that no
engine is needed to find a wheel again.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import wherry.containers
from wherry.bundle.canonical import wheel_memo
from wherry.containers.run import deciding, values
from wherry.errors import BuildError, ContainerError, FetchError
from wherry.events import BuildFinished, BuildStarted, ContainerStarted
from wherry.files import ProjectFiles, copy_folder
from wherry.sources.declaration import read_declaration
from wherry.sources.requirements import INSTALLER, BuildRequirements, Pinned, asked_for
from wherry.store.memo import Memo, memo_key
from wherry.store.temporary import temporary_folder
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.builders import Source
    from wherry.bundle.canonical import Canonical
    from wherry.containers.engine import Answer
    from wherry.containers.exchange import Container
    from wherry.containers.image import Image, Images

__all__ = ["ContainerWheels", "build_in_container"]

# The script that makes wheels in the container.
_SCRIPT = Path(wherry.containers.__file__).with_name("inside.py")
_KIND = "container-wheels"
# The requirements of a tree, with those that its backend asks for.
_ASKED: Memo[list[str]] = Memo("container-requirements", list, lambda names: [*map(str, names)])
# Raised when wheels come to be built in another way.
_FORMAT = 1
_LAST_LINES = 20
_OTHER_IMAGE = (
    "build in AWS's image, or in one whose C library is no newer than the runtime's: `image` of "
    "[tool.wherry.container]"
)
_FULL_DISK = (
    "the disk is full: make room where the engine keeps its files (`docker system prune`) and in the "
    "temporary folder, or choose another with `TMPDIR`"
)
_MORE_REQUIRED = (
    "its backend asks for more than its project declares: name it in `build-requires` of "
    "[tool.wherry.container]"
)


class ContainerWheels:
    """The wheels that containers made for a project."""

    def __init__(self, images: Images) -> None:
        """Take the project's images."""
        self.images = images
        self.options = images.options
        self.context = images.context

    @property
    def requirements(self) -> BuildRequirements:
        """Chooses build requirements; the settings of a tree may not name indexes, as others wrote them."""
        network = self.context.network.for_third_party()
        return BuildRequirements(context=replace(self.context, network=network))

    def known_key(self, source: Source) -> str | None:
        """The key of a tree's wheel, as far as is known without building."""
        image = self.images.known()
        requires = _ASKED.recall(self.context.store, self._asked_key(source))
        if image is None or requires is None:
            return None
        pins = self.requirements.known(requires)
        return None if pins is None else self.key(source, image, pins)

    def key(self, source: Source, image: Image, pins: Sequence[Pinned]) -> str:
        """The key of a tree's wheel: everything that decides it."""
        target = self.context.target
        return memo_key(
            _FORMAT,
            source.identity,
            str(target),
            target.runtime.glibc,
            image.identity,
            self.images.platform,
            list(pins),
            INSTALLER.sha256,
            deciding(self.options),
            _SCRIPT.read_text(encoding="utf-8"),
        )

    def recall(self, key: str) -> Canonical | None:
        """The wheel with this key."""
        return wheel_memo(_KIND, self.context.store).recall(self.context.store, key)

    def remember(self, key: str, wheel: Canonical) -> None:
        """Remember a wheel."""
        wheel_memo(_KIND, self.context.store).remember(self.context.store, key, wheel)

    def note_requirements(self, source: Source, requires: list[str]) -> None:
        """Remember the requirements of a tree, so that ``known_key`` is known."""
        _ASKED.remember(self.context.store, self._asked_key(source), requires)

    def _asked_key(self, source: Source) -> str:
        extra = self.context.build_rules.requires(self.options.build_requires, source.name)
        return memo_key(_FORMAT, source.identity, extra)


def build_in_container(
    sources: Sequence[Source], wheels: ContainerWheels, container: Container
) -> list[Canonical | BuildError]:
    """The wheel of each tree, or why there is none, of one run of a container.

    ``wheels`` has those that were made before, and gets the others. The engine has the container's image.

    Raises:
        ContainerError: no container can be run.
        FetchError, StoreError, ToolError: as the functions that do the work raise.
    """
    with temporary_folder("container") as scratch:
        run = _Run(wheels, container, scratch)
        for source in sources:
            run.take(source)
        return run.results()


class _Run:
    def __init__(self, wheels: ContainerWheels, container: Container, scratch: Path) -> None:
        self._wheels = wheels
        self._context = wheels.context
        self._container = container
        self._input, self._output = scratch / "input", scratch / "output"
        self._jobs: list[dict[str, Any]] = []
        # By the number of the tree: the tree, the key of its wheel, and its wheel or why there is none.
        self._sources: dict[str, Source] = {}
        self._keys: dict[str, str] = {}
        self._results: dict[str, Canonical | BuildError] = {}
        self._order: list[str] = []
        for folder in (self._output, self._input / "sources", self._input / "requirements"):
            folder.mkdir(parents=True)

    def take(self, source: Source) -> None:
        wheels = self._wheels
        # A name that is good for a folder, and the same whatever else is built.
        number = memo_key(source.identity)[:16]
        self._order.append(number)
        if number in self._keys or number in self._results:
            return
        with source.tree() as folder:
            files = ProjectFiles()
            try:
                declaration = read_declaration(folder, files, must_build=True)
                rules = self._context.build_rules
                extra = rules.requires(wheels.options.build_requires, source.name)
                requires = asked_for(declaration, files, extra)
                pins = wheels.requirements.choose(requires, declaration)
            except BuildError as error:
                self._results[number] = error
                return
            wheels.note_requirements(source, requires)
            key = wheels.key(source, self._container.image, pins)
            wheel = wheels.recall(key)
            if wheel is not None:
                self._results[number] = wheel
                return
            self._keys[number] = key
            self._sources[number] = source
            copy_folder(folder, self._input / "sources" / number)
            self._jobs.append(
                {
                    "key": number,
                    "name": declaration.label,
                    "folder": declaration.root.name,
                    "backend": declaration.backend,
                    "backend_path": declaration.backend_path,
                    "requires": sorted({*declaration.requires, *extra}),
                }
            )
        wheels.requirements.installer()
        for pin in (*pins, Pinned(INSTALLER.filename, INSTALLER.sha256)):
            place = self._input / "requirements" / pin.filename
            stored = self._context.store.find(pin.sha256)
            if stored is not None and not place.exists():
                shutil.copyfile(stored, place)

    def results(self) -> list[Canonical | BuildError]:
        if self._jobs:
            self._run()
        return [self._results[number] for number in self._order]

    def _run(self) -> None:
        shutil.copyfile(_SCRIPT, self._input / _SCRIPT.name)
        names = tuple(source.name for source in self._sources.values())
        reporter, image = self._context.reporter, self._container.image.reference
        reporter.emit(ContainerStarted(image=image, names=names))
        last: dict[str, dict[str, Any]] = {}
        owner = [os.getuid(), os.getgid()] if hasattr(os, "getuid") else None

        def on_line(line: bytes) -> None:
            try:
                event = parse_json(line)
                number, kind = event["key"], event["event"]
            except (ValueError, LookupError, TypeError):
                return
            if number in self._keys:
                last[number] = event
                name = self._sources[number].name
                if kind == "started":
                    reporter.emit(BuildStarted(name=name))
                elif kind == "built":
                    reporter.emit(BuildFinished(name=name, seconds=event["seconds"]))

        ended = self._container.run_python(
            _SCRIPT.name,
            {"jobs": self._jobs, "installer": INSTALLER.filename, "owner": owner},
            inputs=self._input,
            outputs=self._output,
            on_line=on_line,
        )
        for number in self._keys:
            self._results[number] = self._outcome(number, last.get(number, {}), ended)

    def _outcome(self, number: str, event: dict[str, Any], ended: Answer) -> Canonical | BuildError:
        if event.get("event") == "built":
            try:
                return self._accept(number, str(event["filename"]))
            except BuildError as error:
                return error
        if event.get("event") == "failed":
            cause = [str(event.get("cause"))]
            if event.get("full"):
                cause.append(
                    f"No space left on device: `{event['full'][0]}` of the container is full"
                )
            return self._failure(number, cause, ())
        if not event and ended.status != 0:
            raise ContainerError(
                f"the container of `{self._container.image.reference}` ended with status {ended.status}",
                where=ended.errors[-_LAST_LINES:],
                hint=_full_disk("\n".join(ended.errors)),
            )
        cause = [f"the container ended with status {ended.status}"]
        return self._failure(number, cause, ended.errors)

    def _accept(self, number: str, filename: str) -> Canonical:
        from wherry.sources.wheel import accept_wheel

        name, tree = self._sources[number].name, self._input / "sources" / number
        path = self._output / number / filename
        try:
            wheel = accept_wheel(path, name, tree, self._context, python=None)
        except FetchError as error:
            raise BuildError(
                f"`{name}` could not be built",
                where=["the container's files cannot be read", error.message, *error.where],
            ) from error
        except BuildError as error:
            image = f"it was built in the image `{self._container.image.reference}`"
            raise type(error)(
                error.message, where=[*error.where, image], hint=_OTHER_IMAGE
            ) from None
        self._wheels.remember(self._keys[number], wheel)
        return wheel

    def _failure(self, number: str, cause: Sequence[str], errors: Sequence[str]) -> BuildError:
        from wherry.indexes.redact import redact
        from wherry.sources.log import keep_log, last_lines, read_log

        try:
            text = read_log(self._output / f"{number}.log")
        except OSError:
            text = "\n".join(errors)
        text = self._context.network.hide(redact(text))
        # Values taken from the environment of Wherry, which no file shows.
        environment = self._wheels.options.environment
        taken = {name: value for name, value in environment.items() if value is True}
        for secret in values(taken, what="environment").values():
            if len(secret) > 3:
                text = text.replace(secret, "****")
        name = self._sources[number].name
        kept = keep_log(text, label=name, store=self._context.store)
        hints = [
            _full_disk("\n".join([text, *cause])),
            _MORE_REQUIRED if "No matching distribution found for" in text else None,
            kept and f"the whole output is in `{kept}`",
        ]
        return BuildError(
            f"`{name}` could not be built in the container",
            where=[*cause, *last_lines(text)],
            hint="\n".join(hint for hint in hints if hint) or None,
        )


def _full_disk(text: str) -> str | None:
    full = "No space left on device" in text or "Disk quota exceeded" in text
    return _FULL_DISK if full else None
