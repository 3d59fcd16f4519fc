"""Runs what LocalStack holds by AWS's Runtime Interface Emulator; loaded by LocalStack, not by the tests.

LocalStack finds it by an entry point that ``support.localstack`` writes. Where we are root the function sees its
code at ``/var/task`` and its layers at ``/opt``, read-only, in namespaces of its own, and nothing of it
outlives the first process in them.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.lambda_models import (  # type: ignore[import-not-found]
    InvocationResult,
)
from localstack.services.lambda_.invocation.plugins import (  # type: ignore[import-not-found]
    RuntimeExecutorPlugin,
)
from localstack.services.lambda_.invocation.runtime_executor import (  # type: ignore[import-not-found]
    RuntimeExecutor,
)

__all__ = ["EmulatorExecutor", "EmulatorExecutorPlugin"]


class EmulatorExecutor(RuntimeExecutor):  # type: ignore[misc]
    """One execution environment."""

    def __init__(self, id: str, function_version: Any) -> None:
        super().__init__(id, function_version)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._folder = Path(tempfile.mkdtemp(prefix="environment-"))

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unzip code and layers, and take the time that AWS takes."""
        config = function_version.config
        time.sleep(float(os.environ.get("WHERRY_TESTS_UPDATE_SECONDS", "0")))
        config.code.prepare_for_execution()
        for layer in config.layers:
            layer.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Leave it to the end of the folder."""

    def start(self, env_vars: dict[str, str]) -> None:
        config = self.function_version.config
        python = config.runtime.removeprefix("python")
        task = config.code.get_unzipped_code_location()
        opt = self._folder / "opt"
        opt.mkdir()
        for layer in config.layers:
            shutil.copytree(layer.code.get_unzipped_code_location(), opt, dirs_exist_ok=True)
        self._port = _free_port()
        command = [
            os.environ["WHERRY_TESTS_EMULATOR"],
            "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}",
            "--runtime-api-address", f"127.0.0.1:{_free_port()}",
            str(Path(os.environ["WHERRY_TESTS_CLIENTS"]) / f"python{python}" / "bin" / "python"),
            "-m", "awslambdaric", config.handler,
        ]  # fmt: skip
        root, layers = task, opt
        if os.geteuid() == 0:
            mounts = (
                "mount -t tmpfs none /var && mkdir /var/task && "
                f"mount --bind {shlex.quote(str(task))} /var/task && mount -o remount,bind,ro /var/task && "
                f"mount --bind {shlex.quote(str(opt))} /opt && mount -o remount,bind,ro /opt && "
                'cd /var/task && exec "$@"'
            )
            inside = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            command = ["unshare", *inside, "sh", "-c", mounts, "sh", *command]
            root, layers = Path("/var/task"), Path("/opt")
        env = {
            **{name: str(value) for name, value in env_vars.items()},
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "LAMBDA_TASK_ROOT": str(root),
            "PYTHONPATH": f"{layers}/python/lib/python{python}/site-packages:{layers}/python",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with (self._folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(command, cwd=task, env=env, stdout=log, stderr=log)
        for _ in range(200):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(self.get_logs())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/2015-03-31/functions/function/invocations",
            data=payload["payload"].encode(),
        )
        try:
            with urllib.request.urlopen(request) as answered:
                answer = answered.read()
        except urllib.error.HTTPError as error:
            with error:
                answer = error.read()
        said = json.loads(answer or b"null")
        failed = isinstance(said, dict) and "errorMessage" in said and "errorType" in said
        return InvocationResult(payload["invoke-id"], answer, failed, self.get_logs())

    def get_logs(self) -> str:
        log = self._folder / "log.txt"
        return log.read_text(errors="replace") if log.exists() else ""


class EmulatorExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]
    name = "wherry-emulator"

    def load(self, *_: object, **__: object) -> type[EmulatorExecutor]:
        return EmulatorExecutor


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
