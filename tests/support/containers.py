"""A real container engine with a real image: dockerd on a socket of its own, and Debian's Python with a compiler.

Both come from the system's packages and are installed at first use; the image's files are kept for the next run.
No registry is asked, and no network of containers is set up.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from support.debian import install_packages
from support.files import alone, cache_folder
from support.interpreters import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["IMAGE", "PYTHON", "Dockerd", "dockerd"]

IMAGE = "wherry-tests:python"
PYTHON = "3.11"
"""The version that Debian 12 has."""

_SUITE = "bookworm"
_PACKAGES = "python3,python3-venv,python3-dev,gcc,g++,libc6-dev,ca-certificates"


@dataclass(frozen=True, kw_only=True)
class Dockerd:
    """An engine that runs."""

    host: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def env(self) -> dict[str, str]:
        return {"DOCKER_HOST": self.host}

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None) -> str:
        """Run a docker command; its output."""
        done = subprocess.run(
            ["docker", *map(str, arguments)],
            env={**os.environ, **self.env},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers at its address."""
        socket = Path(self.host.removeprefix("unix://"))
        elsewhere = socket.with_suffix(".away")
        socket.rename(elsewhere)
        try:
            yield
        finally:
            elsewhere.rename(socket)

    def stop(self) -> None:
        """End it, as a machine does that is switched off."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@contextmanager
def dockerd(folder: Path, *, image: bool = True) -> Iterator[Dockerd]:
    """An engine whose files are in ``folder``, with the image unless told otherwise; ended afterwards."""
    _install()
    folder.mkdir(parents=True, exist_ok=True)
    # Paths of sockets are short.
    socket = Path(f"/tmp/wherry-tests-{os.getpid()}-{time.monotonic_ns()}.sock")
    host = f"unix://{socket}"
    log = folder / "log"
    environment = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none",
             "--data-root", folder / "data", "--exec-root", folder / "exec",
             "-H", host, "-p", folder / "pid"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )  # fmt: skip
    engine = Dockerd(host=host, folder=folder, process=process)
    try:
        _await(engine, log)
        if image:
            with _rootfs().open("rb") as archive:
                subprocess.run(
                    ["docker", "import", "-", IMAGE],
                    env={**os.environ, **engine.env},
                    stdin=archive,
                    stdout=subprocess.DEVNULL,
                    check=True,
                )
        yield engine
    finally:
        if process.poll() is None:
            engine.stop()
        socket.unlink(missing_ok=True)
        # The engine leaves a mount behind, which nobody could remove later.
        for mount in (folder / "exec" / "netns").glob("*"):
            subprocess.run(["umount", mount], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder / "data", ignore_errors=True)


def _await(engine: Dockerd, log: Path) -> None:
    for _ in range(600):
        assert engine.process.poll() is None, log.read_text(errors="replace")
        done = subprocess.run(
            ["docker", "version"],
            env={**os.environ, **engine.env},
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@lru_cache
def _install() -> None:
    """Debian's docker and debootstrap, where they are not installed."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        missing("the container tests want Linux on x86_64")
    if os.geteuid() != 0:
        missing("a container engine can be started by root alone")
    wanted = {"docker.io": "dockerd", "debootstrap": "debootstrap"}
    with alone(cache_folder("containers") / "apt"):
        install_packages(wanted)


def _rootfs() -> Path:
    """The image's files as an archive."""
    folder = cache_folder("containers")
    archive = folder / f"{_SUITE}-1.tar"
    with alone(archive):
        if not archive.exists():
            root, partial = folder / "root", folder / "partial.tar"
            shutil.rmtree(root, ignore_errors=True)
            subprocess.run(
                ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, root],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                check=True,
            )
            subprocess.run(
                [
                    "tar",
                    "-C",
                    root,
                    "--exclude=./var/cache/apt/archives/*.deb",
                    "-cf",
                    partial,
                    ".",
                ],
                check=True,
            )
            shutil.rmtree(root)
            partial.replace(archive)
    return archive
