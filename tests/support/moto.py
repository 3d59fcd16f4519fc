"""moto, a light stand-in for AWS, as a server on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.aws_account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Moto", "moto"]

# For each request it looks into all its folders, and through the addresses of all services.
_SERVER = """\
import functools, logging
from moto.moto_server.werkzeug_app import DomainDispatcherApplication as Application
from moto.server import main
Application.get_backend_for_host = functools.cache(Application.get_backend_for_host)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
main()
"""


@dataclass(frozen=True, kw_only=True)
class Moto:
    """It listens; ``url`` is for ``AWS_ENDPOINT_URL``."""

    url: str

    def reset(self) -> None:
        """Forget everything."""
        # Functions are not run: that takes Docker.
        settings = json.dumps({"lambda": {"use_docker": False}}).encode()
        for path, data in (("reset", b""), ("config", settings)):
            request = urllib.request.Request(f"{self.url}/moto-api/{path}", data=data)
            with urllib.request.urlopen(request) as answered:
                answered.read()

    def invoke_simply(self) -> None:
        """Have functions answer with a text in place of being run."""
        config = json.dumps({"lambda": {"use_docker": False}}).encode()
        request = urllib.request.Request(f"{self.url}/moto-api/config", data=config)
        with urllib.request.urlopen(request) as answered:
            answered.read()

    def account(self, region: str = "eu-west-1") -> Account:
        """An account, empty."""
        self.reset()
        return Account(self.url, region)


@contextmanager
def moto() -> Iterator[Moto]:
    """A server in a process of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _SERVER, "-H", "127.0.0.1", "-p", str(port)],
            env={
                name: value for name, value in os.environ.items() if not name.startswith("AWS_")
            },
            stdout=log,
            stderr=log,
        )  # fmt: skip
        found = Moto(url=f"http://127.0.0.1:{port}")
        try:
            while True:
                with suppress(urllib.error.URLError, OSError):
                    found.reset()
                    break
                if process.poll() is not None:
                    log.seek(0)
                    raise AssertionError(log.read().decode(errors="replace"))
                time.sleep(0.05)
            yield found
        finally:
            process.kill()
            process.wait()
