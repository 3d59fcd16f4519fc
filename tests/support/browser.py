"""A headless Chromium, driven by the W3C's WebDriver protocol on loopback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from support.interpreters import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Browser", "open_browser"]

_KEYS = {
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "ArrowLeft": "\ue012",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}


@dataclass(frozen=True)
class Browser:
    """An open window; ``address`` is that of its session."""

    address: str

    def go(self, url: str) -> None:
        """Load a page."""
        self._post("url", {"url": url})

    def run(self, script: str) -> Any:
        """Run a function's body of JavaScript in the page, and return what it returns."""
        return self._post("execute/sync", {"script": script, "args": []})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by their names in JavaScript, or type text."""
        signs = [sign for key in keys for sign in ([_KEYS[key]] if key in _KEYS else key)]
        actions = [{"type": kind, "value": sign} for sign in signs for kind in ("keyDown", "keyUp")]
        self._post("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def _post(self, path: str, document: dict[str, Any]) -> Any:
        answer = requests.post(f"{self.address}/{path}", json=document, timeout=60)
        value = answer.json()["value"]
        assert answer.ok, value
        return value


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """A browser with a new profile in a folder. Debian's is installed where there is none."""
    _install()
    log = folder / "driver.log"
    with log.open("wb") as output:
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        base = f"http://127.0.0.1:{_port(log)}/session"
        arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--window-size=1200,900", f"--user-data-dir={folder / 'profile'}",
        ]  # fmt: skip
        options = {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}
        answer = requests.post(base, json={"capabilities": options}, timeout=120)
        assert answer.ok, answer.text
        address = f"{base}/{answer.json()['value']['sessionId']}"
        try:
            yield Browser(address)
        finally:
            requests.delete(address, timeout=60)
    finally:
        driver.terminate()
        driver.wait(30)


def _port(log: Path) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if match := re.search(r"on port (\d+)\.", log.read_text(errors="replace")):
            return int(match[1])
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))


def _install() -> None:
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        missing(
            "there is no chromium with chromedriver, and only root can install them with apt-get"
        )
    packages = ["chromium", "chromium-driver"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "--quiet", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
