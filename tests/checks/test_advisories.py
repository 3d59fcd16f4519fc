"""Known vulnerabilities, as uv tells them of a database on loopback that speaks as OSV does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import wherry
from support.loopback import QuietHandler, serve
from support.zips import HANDLER, installed, write_package
from wherry.errors import FetchError
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADVISORY = {
    "id": "GHSA-1",
    "aliases": ["CVE-1"],
    "summary": "it leaks",
    "details": "more",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "lib"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


class Database(QuietHandler):
    """It knows one vulnerability, of version 1.0 of `lib`."""

    asked: list[tuple[str, str]]

    def do_POST(self) -> None:
        queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        names = [(query["package"]["name"], query["version"]) for query in queries]
        self.asked += names
        found = {"vulns": [{"id": "GHSA-1", "modified": "2026-01-01T00:00:00Z"}]}
        results = [found if name == ("lib", "1.0") else {} for name in names]
        self.answer(200, json.dumps({"results": results}).encode())

    def do_GET(self) -> None:
        self.answer(200, json.dumps(ADVISORY).encode())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """The names and versions that the database was asked about."""
    Database.asked = []
    with serve(Database) as url:
        monkeypatch.setenv("WHERRY_ADVISORIES_URL", url)
        yield Database.asked


def package(folder: Path) -> Path:
    shop = '{"url": "file:///home/me/shop", "dir_info": {}}'
    files = {
        "app.py": HANDLER,
        **installed("lib"),
        **installed("sound", version="2.0"),
        **installed("shop", {"shop.py": "", "shop-1.0.dist-info/direct_url.json": shop}),
    }
    return write_package(folder / "app.zip", files)


def test_a_known_vulnerability_is_told(tmp_path: Path, asked: list[tuple[str, str]]) -> None:
    store = Store(tmp_path / "store")
    report = wherry.check(
        files=[package(tmp_path)],
        advisories=True,
        select=["ADV"],
        runtime="python3.13",
        store=store,
    )
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.owner) == ("ADV001", "error", "lib")
    assert finding.message == "`lib` 1.0 is vulnerable: it leaks (GHSA-1, CVE-1)"
    assert finding.hint == "take version 1.1"
    # The project itself is nobody's business.
    assert sorted(asked) == [("lib", "1.0"), ("sound", "2.0")]


def test_without_the_network_nothing_is_known(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="cannot ask for known vulnerabilities"):
        wherry.check(
            files=[package(tmp_path)],
            advisories=True,
            offline=True,
            select=["ADV"],
            store=Store(tmp_path / "store"),
        )
