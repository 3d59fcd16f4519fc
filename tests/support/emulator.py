"""AWS's own Runtime Interface Emulator with AWS's own runtime client: Lambda, as near as it comes without AWS.

Both are from PyPI: the emulator lies in the wheel of ``aws-sam-cli``, the client is ``awslambdaric``. Where we are
root, the function runs with its files at ``/var/task`` and its layers at ``/opt``, read-only, in a mount
namespace of its own; elsewhere in the folder where they are.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from support.interpreters import find_python, missing

__all__ = ["Emulator", "emulator"]

_SAM = "aws-sam-cli==1.170.0"
# By Python, the last that there is for it.
_CLIENT = {"3.9": "awslambdaric==4.0.4"}
_NEWEST_CLIENT = "awslambdaric==4.2.2"


@lru_cache
def _binary(folder: Path) -> Path:
    """The emulator, out of the wheel of SAM."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--only-binary", ":all:", "--dest", folder, _SAM],
        check=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    (wheel,) = folder.glob("aws_sam_cli-*.whl")
    machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    with zipfile.ZipFile(wheel) as archive:
        path = Path(archive.extract(f"samcli/local/rapid/aws-lambda-rie-{machine}", folder))
    path.chmod(0o755)
    return path


@lru_cache
def _client(folder: Path, python: str) -> Path:
    """An interpreter of that version that has the runtime client and nothing else."""
    venv = folder / f"python{python}"
    uv = [find_uv_bin(), "--quiet"]
    subprocess.run([*uv, "venv", "--no-project", "--python", find_python(python), venv], check=True)
    interpreter = venv / "bin" / "python"
    subprocess.run(
        # Compiled, as AWS's runtimes have it.
        [*uv, "pip", "install", "--python", interpreter, "--only-binary", ":all:", "--compile-bytecode",
         _CLIENT.get(python, _NEWEST_CLIENT)],
        check=True,
    )  # fmt: skip
    return interpreter


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Emulator:
    """A function that waits for events."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process = process
        self._port = port
        self._log = log

    @property
    def log(self) -> str:
        """What the function and the emulator wrote so far."""
        return self._log.read_text(errors="replace")

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """What the function answers; an error is a document with ``errorMessage``."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations",
            data=json.dumps(event).encode(),
        )
        for _ in range(600):
            try:
                with urllib.request.urlopen(request) as answered:
                    answer: dict[str, Any] = json.loads(answered.read())
                    return answer
            except urllib.error.HTTPError as error:
                with error:
                    failure: dict[str, Any] = json.loads(error.read())
                    return failure
            except urllib.error.URLError:
                # It takes a moment to listen.
                assert self._process.poll() is None, self.log
                time.sleep(0.1)
        raise AssertionError(self.log)


@contextmanager
def emulator(
    task: Path, handler: str, *, python: str, scratch: Path, shared: Path, opt: Path | None = None
) -> Iterator[Emulator]:
    """A function of an unzipped package, running.

    Args:
        task: the folder that stands for ``/var/task``.
        handler: what it is to call.
        python: minor version of the interpreter.
        scratch: a folder for what is written meanwhile.
        shared: a folder where the emulator and the client are kept for the next.
        opt: the folder that stands for ``/opt``.
    """
    if platform.system() != "Linux":
        missing("the Runtime Interface Emulator runs on Linux")
    port, api = _free_port(), _free_port()
    scratch.mkdir(parents=True, exist_ok=True)
    opt = opt or scratch / "opt"
    opt.mkdir(exist_ok=True)
    command: list[str | Path] = [
        _binary(shared),
        "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
        "--runtime-api-address", f"127.0.0.1:{api}",
        _client(shared, python), "-m", "awslambdaric", handler,
    ]  # fmt: skip
    root, layers = task, opt
    if os.geteuid() == 0:
        # `/var` is an empty one, so nothing is made on this machine; all of it is gone with the namespace.
        mounts = (
            "mount -t tmpfs none /var && mkdir /var/task && "
            f"mount --bind {shlex.quote(str(task))} /var/task && mount -o remount,bind,ro /var/task && "
            f"mount --bind {shlex.quote(str(opt))} /opt && mount -o remount,bind,ro /opt && "
            'cd /var/task && exec "$@"'
        )
        command = ["unshare", "-m", "sh", "-c", mounts, "sh", *command]
        root, layers = Path("/var/task"), Path("/opt")
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": str(scratch),
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "eu-west-1",
        "LAMBDA_TASK_ROOT": str(root),
        "PYTHONPATH": f"{layers}/python/lib/python{python}/site-packages:{layers}/python",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log = scratch / "log.txt"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=task, env=env, stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield Emulator(process, port, log)
    finally:
        # Of a session of its own: the emulator and the interpreter that it started.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
