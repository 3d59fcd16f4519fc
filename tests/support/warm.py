"""A process that has imported a program and copies itself for each call, so that a call costs no start-up.

A copy is a process of its own, with its own environment, folder and streams, as one that is started afresh.
"""

from __future__ import annotations

import atexit
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO

__all__ = ["call", "can_call"]

# What an interpreter reads when it starts, and a copy therefore cannot change.
_AT_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
# Programs that are run by themselves, and code that runs on Lambda.
_NOT_IMPORTED = ("on_lambda", "bootstrap", "runtime_client", "supervisor", "inside", "__main__")
_LAZILY_IMPORTED = (
    "boto3",
    "concurrent.futures.thread",
    "packaging.pylock",
    "pypi_simple",
    "requests",
    "rich.live",
    "rich.progress",
    "tomli_w",
    "yaml",
)


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if name.startswith(_AT_START)}


def can_call(environment: Mapping[str, str]) -> bool:
    """Whether a copy of a process with this one's own environment will do."""
    return _at_start(environment) == _at_start(os.environ)


def call(
    arguments: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stdout: IO[str],
    stderr: IO[str],
    program: str = "wherry",
) -> int:
    """Run the program, ``wherry`` or ``pip``, in a copy; its exit code."""
    umask = os.umask(0)
    os.umask(umask)
    job = {"arguments": arguments, "cwd": str(cwd), "env": dict(environment), "umask": umask}
    reading, writing = os.pipe()
    with open(reading, "rb") as answer:
        try:
            descriptors = [stdout.fileno(), stderr.fileno(), writing]
            server = _server(program, frozenset(_at_start(environment).items()))
            socket.send_fds(server, [json.dumps(job).encode()], descriptors)
        finally:
            os.close(writing)
        code = answer.read()
    assert code, f"{program} {' '.join(arguments)} was killed"
    return int(code)


@cache
def _server(program: str, at_start: frozenset[tuple[str, str]]) -> socket.socket:
    """The process that copies itself, by its program and what it is started with; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    others = {name: text for name, text in os.environ.items() if not name.startswith(_AT_START)}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, __file__, program, str(theirs.fileno())],
            env={**others, **dict(at_start)},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _without_extra(name: str) -> None:
    """The constructs of the CDK need an extra."""
    assert name == "wherry.cdk"


def _import_wherry() -> Callable[[], object]:
    import wherry.indexes.session
    from wherry.__main__ import main

    for module in pkgutil.walk_packages(wherry.__path__, "wherry.", onerror=_without_extra):
        if (
            not module.name.endswith((*_NOT_IMPORTED, "wherry.cdk"))
            and ".on_lambda." not in module.name
        ):
            import_module(module.name)
    for name in _LAZILY_IMPORTED:
        import_module(name)
    _read_models()
    # Whoever asks an index again need not wait long for it.
    wherry.indexes.session.BACKOFF = 0.01
    return main


def _import_pip() -> Callable[[], object]:
    import pip._internal.commands.install  # noqa: F401
    from pip._internal.cli.main import main

    return main


def _serve(program: str, channel: socket.socket) -> None:
    main = {"wherry": _import_wherry, "pip": _import_pip}[program]()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        job, descriptors, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not job:
            return
        if not os.fork():
            channel.close()
            _run(main, json.loads(job), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        while _reaped():
            pass


def _read_models() -> None:
    """Read once what boto3 knows of AWS's services."""
    import boto3
    import botocore.session

    botocore.session.create_loader = cache(botocore.session.create_loader)
    session = boto3.Session("nobody", "nothing", region_name="eu-west-1")
    for service in ("lambda", "s3", "sts"):
        session.client(service)


def _reaped() -> int:
    try:
        return os.waitpid(-1, os.WNOHANG)[0]
    except ChildProcessError:
        return 0


def _run(
    main: Callable[[], object], job: dict[str, object], stdout: int, stderr: int, answer: int
) -> None:
    """Run the program as ``python -m`` does, and leave."""
    try:
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        for descriptor in (stdout, stderr):
            os.close(descriptor)
        os.set_inheritable(answer, False)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.umask(int(str(job["umask"])))
        os.environ.clear()
        os.environ.update(job["env"])  # type: ignore[call-overload]
        time.tzset()
        os.chdir(str(job["cwd"]))
        sys.path.insert(0, str(job["cwd"]))
        sys.argv = ["__main__.py", *job["arguments"]]  # type: ignore[misc]
        tempfile.tempdir = None
        try:
            code = main() or 0
        except SystemExit as left:
            code = left.code or 0
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
            code = 1
        # It is read when this process has ended, which what is registered for the end may do.
        os.write(answer, str(code).encode())
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    # The program finds no module of these tests.
    del sys.path[0]
    _serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
