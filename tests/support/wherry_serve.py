"""`wherry serve` as a process of its own, until a block ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from support.command import Wherry

__all__ = ["Serving", "serving"]


@dataclass
class Serving:
    url: str
    process: subprocess.Popen[str]
    said: list[str]

    def get(self, path: str, **options: object) -> requests.Response:
        return requests.get(self.url + path, timeout=60, **options)  # type: ignore[arg-type]


@contextmanager
def serving(
    wherry: Wherry, shared: Path, *arguments: str, number: int = signal.SIGTERM, code: int = 0
) -> Iterator[Serving]:
    """The server until the block ends, then what a signal makes of it."""
    indexes = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))
    }
    process = wherry.start(
        "serve", "--port", "0", *arguments, **indexes, WHERRY_CACHE_DIR=str(shared)
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[str] = []
    stderr = process.stderr
    thread = threading.Thread(target=lambda: said.extend(stderr))
    thread.start()
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), said
        yield Serving(url=url.rstrip("/"), process=process, said=said)
    finally:
        process.send_signal(number)
        ended = process.wait()
        thread.join()
        process.stdout.close()
        stderr.close()
    assert ended == code, said
