"""One run of a container that makes wheels: the trees and requirements it is given, and what it answers."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from wherry.containers.variables import values
from wherry.errors import BuildError, ContainerError, WherryError
from wherry.events import BuildFinished, BuildStarted, ContainerStarted
from wherry.files import ProjectFiles
from wherry.sources.container_wheels import SCRIPT
from wherry.sources.declaration import read_declaration
from wherry.sources.requirements import INSTALLER, Pinned, asked_for
from wherry.store.memo import memo_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.builders import Source
    from wherry.bundle.canonical import Canonical
    from wherry.containers.exchange import Container, Ended
    from wherry.settings.container_options import ContainerOptions
    from wherry.sources.container_wheels import ContainerWheels
    from wherry.sources.declaration import Declaration

__all__ = ["ContainerRun"]

_LAST_LINES = 20
_OTHER_IMAGE = (
    "build in AWS's image, or in one whose C library is no newer than the runtime's: `image` of "
    "[tool.wherry.container]"
)


class ContainerRun:
    """One run of a container."""

    def __init__(self, wheels: ContainerWheels, container: Container, scratch: Path) -> None:
        """Begin with nothing to build, in an empty folder."""
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
        """Prepare the build of a tree, unless its wheel turns out to be there already."""
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
                requires = asked_for(declaration, files, wheels.options.build_requires)
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
            shutil.copytree(folder, self._input / "sources" / number, symlinks=True)
            self._jobs.append(_job(number, declaration, wheels.options.build_requires))
        self._provide(pins)

    def _provide(self, pins: Sequence[Pinned]) -> None:
        installer = Pinned(filename=INSTALLER.filename, sha256=INSTALLER.sha256)
        self._wheels.requirements.installer()
        for pin in (*pins, installer):
            place = self._input / "requirements" / pin.filename
            stored = self._context.store.find(pin.sha256)
            if stored is not None and not place.exists():
                shutil.copyfile(stored, place)

    def results(self) -> list[Canonical | BuildError]:
        """Run the container, where there is anything to build; the wheel of each tree, or why there is none."""
        if self._jobs:
            self._run()
        return [self._results[number] for number in self._order]

    def _run(self) -> None:
        shutil.copyfile(SCRIPT, self._input / SCRIPT.name)
        names = tuple(source.name for source in self._sources.values())
        reporter, image = self._context.reporter, self._container.image.reference
        reporter.emit(ContainerStarted(image=image, names=names))
        last: dict[str, dict[str, Any]] = {}
        owner = [os.getuid(), os.getgid()] if hasattr(os, "getuid") else None

        def on_line(line: bytes) -> None:
            try:
                event = json.loads(line)
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
            SCRIPT.name,
            {"jobs": self._jobs, "installer": INSTALLER.filename, "owner": owner},
            inputs=self._input,
            outputs=self._output,
            on_line=on_line,
        )
        for number in self._keys:
            self._results[number] = self._outcome(number, last.get(number, {}), ended)

    def _outcome(self, number: str, event: dict[str, Any], ended: Ended) -> Canonical | BuildError:
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
        from wherry.bundle.wheel import wheel_bundle
        from wherry.sources.compiled_check import require_tags
        from wherry.sources.wheel import examined

        source, store = self._sources[number], self._context.store
        try:
            stored = store.add(self._output / number / filename)
        except WherryError as error:
            raise BuildError(
                f"`{source.name}` could not be built",
                where=["the container's files cannot be read", error.message, *error.where],
            ) from error
        bundle = wheel_bundle(stored, filename=filename, owner=source.name, store=store)
        try:
            require_tags(filename, self._context.target)
            tree = self._input / "sources" / number
            wheel = examined(bundle, filename, tree, self._context, python=None)
        except BuildError as error:
            image = f"it was built in the image `{self._container.image.reference}`"
            raise type(error)(
                error.message, where=[*error.where, image], hint=_OTHER_IMAGE
            ) from None
        self._wheels.remember(self._keys[number], source, wheel)
        return wheel

    def _failure(self, number: str, cause: Sequence[str], errors: Sequence[str]) -> BuildError:
        """The error, with the end of the compiler's output; the whole of it stays in the store."""
        from wherry.indexes.redact import redact
        from wherry.sources.log import keep_log, last_lines

        try:
            log = self._output / f"{number}.log"
            text = log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = "\n".join(errors)
        text = self._context.network.hide(redact(text))
        for secret in _secrets(self._wheels.options):
            text = text.replace(secret, "****")
        name = self._sources[number].name
        kept = keep_log(text, label=name, store=self._context.store)
        hints = [
            _full_disk("\n".join([text, *cause])),
            _missing_requirement(text),
            kept and f"all that was said is in `{kept}`",
        ]
        return BuildError(
            f"`{name}` could not be built in the container",
            where=[*cause, *last_lines(text)],
            hint="\n".join(hint for hint in hints if hint) or None,
        )


def _job(number: str, declaration: Declaration, more: Sequence[str]) -> dict[str, Any]:
    return {
        "key": number,
        "name": declaration.label,
        "folder": declaration.root.name,
        "backend": declaration.backend,
        "backend_path": declaration.backend_path,
        "requires": sorted({*declaration.requires, *more}),
    }


def _full_disk(text: str) -> str | None:
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
    """The values taken from the environment of Wherry, which no file shows and no log should."""
    taken = {name: value for name, value in options.environment.items() if value is True}
    return [value for value in values(taken, what="environment").values() if len(value) > 3]
