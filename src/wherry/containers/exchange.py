"""Running a container over folders of this machine: folders that it sees, or copies where it cannot.

The files that come back belong to the user, whichever user the container works as: they are unpacked here where they
are copied, and where a folder is shared, the container works as the user.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import sys
import tarfile
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Literal

from wherry.containers.engine import Answer, Engine, plain_lines
from wherry.containers.image import Image, platform
from wherry.containers.run import (
    INPUT,
    NO_INPUT,
    NO_PYTHON,
    OUTPUT,
    bind,
    python_script,
    run_options,
    user,
    values,
)
from wherry.errors import ContainerError
from wherry.settings.model import ContainerOptions, Copy
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from wherry.target import Target

__all__ = ["Container", "Folder"]

_LAST_LINES = 40
_TIMEOUT = 3600.0
_LONGEST_LINE = 1 << 20
_LARGEST_ERRORS = 1 << 24
# The exit statuses of engines when a container cannot be started.
_NOT_STARTED = frozenset({125, 126, 127})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Folder(Struct, frozen=True, kw_only=True):
    """A folder of this machine that a container works with.

    Attributes:
        inside: where the container finds it.
        use: ``read``; ``fill``, for one that is empty and is to be filled; ``change``, for both; or ``lend``:
            the container may write to it, and where files are copied it writes to its copy.
    """

    path: Path
    inside: str
    use: Literal["read", "fill", "change", "lend"]


class Container(Struct, frozen=True, kw_only=True):
    """How to run containers of an image, for a target."""

    engine: Engine
    image: Image
    options: ContainerOptions
    target: Target

    def run_python(
        self,
        script: str,
        request: Mapping[str, object],
        *,
        inputs: Path,
        outputs: Path,
        on_line: Callable[[bytes], None],
    ) -> Answer:
        """Run a Python script of the input folder with the target's Python, and fill the output folder, which is empty.

        To the line of JSON that it reads, ``environment`` is added: the variables of the settings.

        Raises:
            ContainerError: the container cannot be run, or lacks the target's Python.
        """
        environment = values(self.options.environment, what="environment")
        line = json.dumps({**request, "environment": environment}) + "\n"
        python = self.target.runtime.python_version
        folders = (
            Folder(path=inputs, inside=INPUT, use="read"),
            Folder(path=outputs, inside=OUTPUT, use="fill"),
        )
        ended = self._run(
            ["-c", python_script(script, python=python)], line.encode(), folders, on_line
        )
        if ended.status == NO_PYTHON:
            raise ContainerError(
                f"the image `{self.image.reference}` has no Python {python}",
                where=[f"the target is {self.target}"],
                hint="name an image that has it: --container-image NAME, or `image` of [tool.wherry.container]",
            )
        return ended

    def run_shell(
        self,
        script: str,
        *,
        lent: Mapping[str, Path],
        changed: Mapping[str, Path],
        workdir: str,
        environment: Mapping[str, str],
        log: Path,
    ) -> int:
        """Run a script for a POSIX shell, whose output is appended to the log; its exit status.

        It travels by standard input, so its commands must not read from there. Folders of this machine are given by
        their place in the container, which may write to them: what it wrote to the ``changed`` ones, they hold
        afterwards; where files are copied, it writes to a copy of the ``lent`` ones. The environment is added to that
        of the settings.

        Raises:
            ContainerError: the container cannot be run.
        """
        variables = {**values(self.options.environment, what="environment"), **environment}
        lines = [
            "exec 2>&1",
            *(
                f"export {name}={shlex.quote(value)}"
                for name, value in variables.items()
                if _NAME.fullmatch(name)
            ),
            f"cd {shlex.quote(workdir)} || exit {NO_INPUT}",
            script,
            "",
        ]
        folders = [Folder(path=path, inside=inside, use="lend") for inside, path in lent.items()]
        folders += [
            Folder(path=path, inside=inside, use="change") for inside, path in changed.items()
        ]
        with log.open("ab") as file:

            def append(line: bytes) -> None:
                file.write(line)
                file.flush()

            ended = self._run(
                ["-s"],
                "\n".join(lines).encode("utf-8", "surrogateescape"),
                folders,
                append,
            )
        return ended.status

    @property
    def copies(self) -> bool:
        """Whether files are copied, as the engine does not see those of this machine."""
        if self.options.copy is not None:
            return self.options.copy is Copy.VOLUME
        # Files that are shared with a container that works as another user would come back as theirs.
        return self.engine.is_remote or self.options.user not in {None, user()}

    def _run(
        self,
        words: Sequence[str],
        stdin: bytes,
        folders: Sequence[Folder],
        on_line: Callable[[bytes], None],
    ) -> Answer:
        name = f"wherry-{os.urandom(6).hex()}"
        options = run_options(
            self.options,
            self.engine,
            platform=self.options.platform or platform(self.target),
            name=name,
        )
        try:
            if self.copies:
                ended = self._with_copies(name, options, words, stdin, folders, on_line)
            else:
                for folder in folders:
                    if folder.use == "fill":
                        # The container may work as another user; the folder above is the user's alone.
                        folder.path.chmod(0o777)
                shared = [
                    option
                    for folder in folders
                    for option in bind(folder.path, folder.inside, readonly=folder.use == "read")
                ]
                arguments = ["run", "--rm", *options, *shared, self.image.reference, *words]
                ended = self._run_command(arguments, stdin, on_line)
        except BaseException:
            # Without this it would go on.
            self.engine.ask(["rm", "--force", name])
            raise
        if ended.status == NO_INPUT:
            raise ContainerError(
                "the container sees no file of this machine",
                where=[f"`{folders[0].path}` is empty in it"],
                hint='let files be copied: copy = "volume" in [tool.wherry.container]; or choose with `TMPDIR` a '
                "folder that the engine shares",
            )
        if ended.status in _NOT_STARTED or any(
            "exec format error" in line for line in ended.errors
        ):
            raise self.engine.failure(
                f"the container of `{self.image.reference}` cannot be run", ended.errors
            )
        return ended

    def _with_copies(
        self,
        name: str,
        options: Sequence[str],
        words: Sequence[str],
        stdin: bytes,
        folders: Sequence[Folder],
        on_line: Callable[[bytes], None],
    ) -> Answer:
        # Without `--rm`, which would take away what the container made before it is copied.
        self._expect(["create", *options, self.image.reference, *words])
        try:
            self._expect(["cp", "-", f"{name}:/"], stdin=_packed(folders))
            ended = self._run_command(["start", "--attach", "--interactive", name], stdin, on_line)
            if ended.status != NO_INPUT and ended.status not in _NOT_STARTED:
                for folder in folders:
                    if folder.use not in {"read", "lend"}:
                        _unpack(self._expect(["cp", f"{name}:{folder.inside}/.", "-"]), folder.path)
        finally:
            self.engine.ask(["rm", "--force", name])
        return ended

    def _expect(self, arguments: Sequence[str], *, stdin: bytes = b"") -> bytes:
        answer = self.engine.ask(arguments, stdin=stdin)
        if answer.status != 0:
            raise self.engine.failure(
                f"the container of `{self.image.reference}` cannot be run", answer.errors
            )
        return answer.output

    def _run_command(
        self, arguments: Sequence[str], stdin: bytes, on_line: Callable[[bytes], None]
    ) -> Answer:
        import subprocess
        import tempfile

        from wherry.indexes.redact import redact
        from wherry.tools.process import started, time_limit

        seconds = time_limit("WHERRY_BUILD_TIMEOUT", _TIMEOUT)
        with tempfile.TemporaryFile() as errors:

            def start() -> subprocess.Popen[bytes]:
                return subprocess.Popen(
                    [self.engine.command, *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    # A group of its own: all that it started can be ended with it.
                    process_group=None if sys.platform == "win32" else 0,
                )

            with started(start) as process, process:
                assert process.stdin is not None  # noqa: S101
                assert process.stdout is not None  # noqa: S101
                late = threading.Timer(seconds, process.kill)
                late.daemon = True
                late.start()
                try:
                    with suppress(OSError):  # it has ended already, and tells why
                        process.stdin.write(stdin)
                        process.stdin.close()
                    while line := process.stdout.readline(_LONGEST_LINE):
                        on_line(line)
                    status = process.wait()
                    if late.finished.is_set():
                        raise ContainerError(
                            f"the container of `{self.image.reference}` was ended after {seconds:g} seconds",
                            hint="set `WHERRY_BUILD_TIMEOUT` to more seconds",
                        )
                finally:
                    late.cancel()
            errors.seek(0)
            text = redact(errors.read(_LARGEST_ERRORS).decode("utf-8", "replace"))
        return Answer(status=status, errors=tuple(plain_lines(text))[-_LAST_LINES:])


def _packed(folders: Sequence[Folder]) -> bytes:
    """The folders as an archive from the container's root on; every user may read them, and write."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        known: set[str] = set()
        for folder in folders:
            inside = folder.inside.strip("/")
            parts = inside.split("/")
            for end in range(1, len(parts)):
                above = "/".join(parts[:end])
                if above not in known:
                    known.add(above)
                    archive.addfile(_folder(above))
            if folder.use == "fill":
                archive.addfile(_folder(inside))
            else:
                rights = 0 if folder.use == "read" else 0o222
                archive.add(folder.path, inside, filter=partial(_readable, rights=rights))
    return buffer.getvalue()


def _folder(name: str) -> tarfile.TarInfo:
    folder = tarfile.TarInfo(name)
    folder.type, folder.mode = tarfile.DIRTYPE, 0o777
    return folder


def _readable(member: tarfile.TarInfo, *, rights: int) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode |= 0o555 if member.isdir() or member.mode & 0o100 else 0o444
    member.mode |= rights
    return member


def _unpack(archive: bytes, into: Path) -> None:
    """Make the folder hold what the archive does."""
    if not hasattr(tarfile, "data_filter"):
        raise ContainerError(
            "what the container made cannot be unpacked safely",
            where=["this Python lacks the filters of PEP 706"],
            hint="use a newer patch release of Python",
        )
    found: set[str] = set()
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for member in opened:
            if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
                continue
            name = os.path.normpath(member.name)
            if name == ".":
                continue
            found.add(name)
            # Its filter (PEP 706) lets nothing out of the folder, and takes no more rights than files need.
            try:
                opened.extract(member, into, filter="data")
            except (OSError, tarfile.TarError) as error:
                raise ContainerError(
                    f"the container made a file that cannot be copied: `{name}`", where=[str(error)]
                ) from error
    for place, folders, names in os.walk(into, topdown=False):
        for name in (*names, *folders):
            path = os.path.join(place, name)  # noqa: PTH118
            if os.path.relpath(path, into) not in found:
                if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
                    os.rmdir(path)  # noqa: PTH106
                else:
                    os.unlink(path)  # noqa: PTH108
