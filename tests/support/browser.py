"""Headless Chromium, driven by the W3C WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from support.debian import install_packages

__all__ = ["Browser", "browser"]

# The key of an element's reference in the protocol.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_KEYS = {
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "ArrowLeft": "\ue012",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}
_ARGUMENTS = (
    "--window-size=1200,900",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class Browser:
    """A window."""

    def __init__(self, session: str) -> None:
        self._session = session

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(
            method, f"{self._session}/{path}", json=body if method == "POST" else None, timeout=60
        )
        document = answer.json()["value"]
        assert answer.ok, document
        return document

    def open(self, url: str) -> None:
        self._ask("POST", "url", url=url)

    def run(self, script: str) -> Any:
        """Run a function's body of JavaScript in the page, and return what it returns."""
        return self._ask("POST", "execute/sync", script=script, args=[])

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by their names in JavaScript, or type text."""
        signs = [sign for key in keys for sign in ([_KEYS[key]] if key in _KEYS else key)]
        actions = [{"type": kind, "value": sign} for sign in signs for kind in ("keyDown", "keyUp")]
        self._ask(
            "POST", "actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}]
        )

    @property
    def url(self) -> str:
        return str(self._ask("GET", "url"))

    @property
    def text(self) -> str:
        return str(self._ask("GET", f"element/{self._find('body')}/text"))

    @property
    def cookies(self) -> dict[str, str]:
        return {each["name"]: each["value"] for each in self._ask("GET", "cookie")}

    def _find(self, selector: str) -> str:
        return str(self._ask("POST", "element", using="css selector", value=selector)[_ELEMENT])

    def write(self, selector: str, text: str) -> None:
        """Type into a field; into one for a file, its path."""
        self._ask("POST", f"element/{self._find(selector)}/value", text=text)

    def click(self, selector: str) -> None:
        self._ask("POST", f"element/{self._find(selector)}/click")


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with an empty profile in a folder, until the block ends."""
    install_packages({"chromium": "chromium", "chromium-driver": "chromedriver"})
    process = subprocess.Popen(
        ["chromedriver", "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = next(
            line.rpartition(" ")[2].strip(" .\n")
            for line in process.stdout
            if "started successfully on port" in line
        )
        options = {"args": [*_ARGUMENTS, f"--user-data-dir={folder}"]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        base = f"http://127.0.0.1:{port}/session"
        made = requests.post(base, json=wanted, timeout=120).json()["value"]
        session = f"{base}/{made['sessionId']}"
        try:
            yield Browser(session)
        finally:
            requests.delete(session, timeout=60)
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
