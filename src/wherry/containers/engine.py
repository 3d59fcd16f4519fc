"""The container engine that the user has: docker, podman or finch, through its command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import ContainerError, NoEngineError
from wherry.files import reason_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Answer", "Engine", "find_engine", "require_engine"]

# The commands that are looked for, in this order.
_ENGINES = ("docker", "podman", "finch")

_INSTALL = (
    "install docker, podman or finch, and start it; or name its command: --container-engine PATH"
)
_START = {
    "docker": "start Docker (`systemctl start docker`, or Docker Desktop), or set `DOCKER_HOST`",
    "podman": "start it: `podman machine start`",
    "finch": "start it: `finch vm start`",
}
_SHOWN = 6


class Answer(Struct, frozen=True, kw_only=True):
    """The answer of a command of the engine.

    Attributes:
        status: its exit status.
        errors: the lines of its standard error, without secrets.
        output: its standard output; empty where that was taken line by line.
    """

    status: int
    errors: tuple[str, ...]
    output: bytes = b""


class Engine(Struct, frozen=True, kw_only=True):
    """A container engine.

    Attributes:
        kind: ``docker``, ``podman`` or ``finch``, whose options it takes.
        rootless: it works without privileges, so that root in its containers is the user.
    """

    command: str
    kind: str
    rootless: bool = False

    @property
    def endpoint(self) -> str:
        """The address of the machine it works on, by its own variables; empty for its default."""
        return os.environ.get("CONTAINER_HOST" if self.kind == "podman" else "DOCKER_HOST", "")

    @property
    def is_remote(self) -> bool:
        """Whether it works on another machine, which sees no file of this one."""
        return self.endpoint.startswith(("tcp:", "ssh:", "http:", "https:"))

    def ask(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run a command of it, without secrets among its arguments, as other users of the machine can see them.

        Raises:
            NoEngineError: it cannot be started.
        """
        import subprocess

        from wherry.indexes.redact import redact

        try:
            done = subprocess.run(
                [self.command, *arguments],
                input=stdin,
                capture_output=True,
                check=False,
                env={**os.environ, **(variables or {})},
            )
        except OSError as error:
            raise NoEngineError(
                f"`{self.command}` cannot be started",
                where=[reason_of(error)],
                hint=_INSTALL,
            ) from error
        return Answer(
            status=done.returncode,
            output=done.stdout,
            errors=tuple(plain_lines(redact(done.stderr.decode("utf-8", "replace")))),
        )

    def failure(
        self, message: str, errors: Sequence[str], *, hint: str | None = None
    ) -> ContainerError:
        """The error to raise when a command failed: the engine's own errors, and the way out where it is known."""
        return ContainerError(message, where=errors[-_SHOWN:], hint=hint or _way_out(self, errors))


def plain_lines(text: str) -> Iterator[str]:
    """The lines of a program's output that are not empty."""
    for line in text.replace("\r", "\n").splitlines():
        if line.strip() and not line.startswith("See 'docker"):
            yield line.rstrip()


def find_engine(command: str | None = None) -> Engine:
    """The engine to use: the one asked for, the one that ``CDK_DOCKER`` names, or the first that is installed.

    Raises:
        NoEngineError: there is none.
    """
    import shutil

    named = command or os.environ.get("CDK_DOCKER") or ""
    if named:
        program = shutil.which(os.path.expanduser(named))  # noqa: PTH111
        if program is None:
            raise NoEngineError(
                f"there is no container engine `{named}`",
                where=["`--container-engine` or the settings name it"]
                if command
                else ["the variable `CDK_DOCKER` names it"],
                hint=_INSTALL,
            )
        return Engine(command=program, kind=_kind(program))
    for name in _ENGINES:
        if (program := shutil.which(name)) is not None:
            return Engine(command=program, kind=name)
    raise NoEngineError(
        "there is no container engine on this machine",
        where=[f"none of {', '.join(_ENGINES)} is installed"],
        hint=_INSTALL,
    )


def require_engine(command: str | None = None) -> Engine:
    """The engine to use, which answers.

    Raises:
        NoEngineError: there is none, or it does not answer.
    """
    engine = find_engine(command)
    # `info` asks the engine itself; without a form, as the engines have different ones.
    answer = engine.ask(["info"])
    if answer.status != 0:
        raise NoEngineError(
            f"the container engine `{engine.kind}` does not answer",
            where=answer.errors[-_SHOWN:],
            hint=_way_out(engine, answer.errors) or _START[engine.kind],
        )
    return replace(
        engine, rootless=b"rootless: true" in answer.output or b"rootless\n" in answer.output
    )


def _kind(command: str) -> str:
    name = os.path.basename(command).lower()  # noqa: PTH119
    if "podman" in name:
        return "podman"
    return "finch" if "finch" in name or "nerdctl" in name else "docker"


def _way_out(engine: Engine, errors: Sequence[str]) -> str | None:
    text = "\n".join(errors).lower()
    if "permission denied" in text and ("sock" in text or "connect" in text):
        return (
            "let your user use it: `sudo usermod -aG docker $USER`, then log in again"
            if engine.kind == "docker"
            else "look at the permissions of its socket"
        )
    if "exec format error" in text:
        return (
            "this machine cannot run programs of that architecture: install emulation (`docker run --privileged "
            "--rm tonistiigi/binfmt --install all`), or build on a machine that has it"
        )
    if "does not match the specified platform" in text or "no matching manifest" in text:
        return "name an image of the target's architecture: `image`, or `platform`, of [tool.wherry.container]"
    if "no space left on device" in text:
        return f"make room where the engine keeps its files: `{engine.kind} system prune`"
    if any(sign in text for sign in ("cannot connect", "is the docker daemon running", "refused")):
        return _START[engine.kind]
    if "no such file or directory" in text and "sock" in text:
        return _START[engine.kind]
    return None
