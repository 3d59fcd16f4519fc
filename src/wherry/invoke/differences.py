"""Differences between this machine and Lambda, for a function that is about to run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wherry.events import Note, Warned
from wherry.sizes import first

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wherry.invoke.client import RuntimeClient
    from wherry.invoke.interpreter import Interpreter
    from wherry.invoke.sandbox import Contents, Sandbox
    from wherry.target import Target

__all__ = ["find_differences", "short_names"]


def find_differences(
    target: Target,
    contents: Contents,
    interpreter: Interpreter,
    client: RuntimeClient,
    sandbox: Sandbox,
) -> Iterator[Note | Warned]:
    """The differences of the interpreter, of its file system and of this machine."""
    if not client.compiled:
        yield Note(
            text=f"awslambdaric {client.version} has no compiled transport for this interpreter; "
            "Wherry's own is used"
        )
    if not sandbox.isolated:
        yield Note(
            text=f"running without namespaces ({sandbox.why_not}): the code is at {contents.task} "
            "instead of /var/task, layers are not at /opt, and /tmp is this machine's"
        )
    yield from _extensions(contents.layers)
    yield from _machine(target, interpreter, filter(None, (contents.task, contents.layers)))


def short_names(variables: Iterable[str]) -> Iterator[Warned]:
    """The warning of variables that AWS refuses for the length of their names."""
    if short := sorted(name for name in variables if len(name) == 1):
        listed = ", ".join(f"`{name}`" for name in short)
        yield Warned(
            text=f"AWS Lambda refuses environment variables whose name has one character: {listed}",
            hint="they are set here, and cannot be set for the function on AWS",
        )


def _extensions(layers: Path | None) -> Iterator[Warned]:
    """Extensions, programs that run beside the function."""
    folder = layers / "extensions" if layers is not None else None
    if folder is None or not folder.is_dir():
        return
    names = ", ".join(f"`{path.name}`" for path in sorted(folder.iterdir()) if path.is_file())
    if names:
        yield Warned(
            text=f"the layers have extensions, which do not run here: {names}",
            hint="the function runs without them: what they would provide or send is missing",
        )


def _machine(target: Target, interpreter: Interpreter, folders: Iterable[Path]) -> Iterator[Warned]:
    """Compiled modules that do not load on this machine."""
    machine = target.architecture.machine
    here = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        interpreter.machine.lower(), interpreter.machine
    )
    if here == machine and sys.platform == "linux":
        return
    compiled = sorted(
        path.relative_to(folder).as_posix()
        for folder in folders
        for path in folder.rglob("*.so*")
        if path.is_file()
    )
    if compiled:
        yield Warned(
            text=f"the package is for {target.architecture} on Linux, and this machine is {here} "
            f"on {sys.platform}: {first(compiled, 3)} will not load",
            hint="build for this machine's architecture to run it here, if it is Linux",
        )
