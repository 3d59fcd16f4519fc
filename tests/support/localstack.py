"""LocalStack on this machine, without Docker: a stand-in for AWS that checks preconditions, conflicts and quotas.

It, AWS's Runtime Interface Emulator and AWS's runtime client are installed from PyPI at first use and kept for the
next run. ``Invoke`` runs what was deployed (see ``support.localstack_executor``). Known bugs of this version: ``DryRun``
applies, and weights of an alias answer 500.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

from support.aws_account import Account
from support.emulator import _binary, _client
from support.files import alone, cache_folder
from support.interpreters import find_python, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LocalStack", "localstack"]

_PYTHON = "3.13"
_accounts = itertools.count(1)
_LOCALSTACK = "localstack-core[runtime]==2026.3.0"
_BESIDE = (
    "cbor2==5.7.1",
    "pyopenssl==25.1.0",
    "cryptography==45.0.7",
    "service_identity==24.2.0",
)
# The runtimes that functions may have.
CLIENTS = ("3.12", "3.13")
_EXECUTOR = Path(__file__).with_name("localstack_executor.py")
# It ignores the host of GATEWAY_LISTEN for IPv4.
_LOOPBACK_ONLY = """\
import socket

bind = socket.socket.bind


def bind_to_loopback(self, address):
    if self.family == socket.AF_INET and address[0] in {"", "0.0.0.0"}:
        address = ("127.0.0.1", *address[1:])
    return bind(self, address)


socket.socket.bind = bind_to_loopback
"""


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """It listens.

    Attributes:
        url: for ``AWS_ENDPOINT_URL``.
        log: what it writes.
    """

    url: str
    log: Path

    def account(self) -> Account:
        """An account, empty."""
        return Account(self.url, key=f"{next(_accounts):012}")


@contextmanager
def localstack(*, update_seconds: float = 0.3) -> Iterator[LocalStack]:
    """LocalStack, empty.

    Args:
        update_seconds: how long an update of a function is in progress.
    """
    if sys.platform != "linux":
        missing("LocalStack's functions are run by an emulator for Linux")
    parts = _parts()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="wherry-localstack-"))
    try:
        found = LocalStack(url=f"http://127.0.0.1:{port}", log=folder / "log.txt")
        with found.log.open("wb") as log:
            process = subprocess.Popen(
                [parts / "venv" / "bin" / "python", "-m", "localstack.runtime.main"],
                cwd=folder,
                env=_environment(folder, parts, port, update_seconds),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait(found, process)
            yield found
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, parts: Path, port: int, update_seconds: float) -> dict[str, str]:
    """Nothing of the user's but the path; everything that is written lies in the folder."""
    plugin = folder / "plugin"
    metadata = plugin / "wherry_executor-1.0.dist-info"
    metadata.mkdir(parents=True)
    shutil.copy(_EXECUTOR, plugin / "wherry_executor.py")
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: wherry-executor\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(
        "[localstack.lambda.runtime_executor]\n"
        "wherry-emulator = wherry_executor:EmulatorExecutorPlugin\n"
    )
    (plugin / "sitecustomize.py").write_text(_LOOPBACK_ONLY)
    for name in ("home", "tmp", "volume"):
        (folder / name).mkdir()
    address = f"127.0.0.1:{port}"
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(plugin),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LOCALSTACK_VOLUME_DIR": str(folder / "volume"),
        "FILESYSTEM_ROOT": str(folder / "volume"),
        "GATEWAY_LISTEN": address,
        "LOCALSTACK_HOST": address,
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "DNS_ADDRESS": "0",
        "EAGER_SERVICE_LOADING": "0",
        "LAMBDA_RUNTIME_EXECUTOR": "wherry-emulator",
        "WHERRY_TESTS_EMULATOR": str(
            next(parts.glob("emulator/samcli/local/rapid/aws-lambda-rie-*"))
        ),
        "WHERRY_TESTS_CLIENTS": str(parts / "clients"),
        "WHERRY_TESTS_UPDATE_SECONDS": str(update_seconds),
    }


def _wait(found: LocalStack, process: subprocess.Popen[bytes]) -> None:
    while True:
        with suppress(OSError), urllib.request.urlopen(f"{found.url}/_localstack/health"):
            return
        assert process.poll() is None, found.log.read_text(errors="replace")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """First asked, then made to; and whoever it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _parts() -> Path:
    """The folder with all that is installed."""
    folder = cache_folder("tools") / f"localstack-{_LOCALSTACK.rpartition('==')[2]}-py{_PYTHON}"
    done = folder / "complete"
    with alone(folder):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            python = find_python(_PYTHON)
            uv = [find_uv_bin(), "--quiet"]
            venv = folder / "venv"
            subprocess.run([*uv, "venv", "--no-project", "--python", python, venv], check=True)
            subprocess.run(
                [*uv, "pip", "install", "--python", venv / "bin" / "python", _LOCALSTACK, *_BESIDE],
                check=True,
            )
            _binary(folder / "emulator")
            for wheel in (folder / "emulator").glob("*.whl"):
                wheel.unlink()
            for client in CLIENTS:
                _client(folder / "clients", client)
            done.touch()
    return folder
