"""The documentation as a site: built with the locked generator, strictly, and every link in it leads somewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path], str]:
    """Build the site of a checkout into a folder, and return what went wrong."""
    venv = tmp_path_factory.mktemp("venv")
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--clear", venv], check=True)
    install: list[str | Path] = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--python",
        venv,
    ]
    subprocess.run([*install, "-r", ROOT / "site" / "requirements.txt"], check=True)

    def build(checkout: Path, folder: Path) -> str:
        command: list[str | Path] = [venv / "bin" / "python", "-m", "mkdocs", "build", "--strict"]
        config: list[str | Path] = [
            "--config-file",
            checkout / "site" / "mkdocs.yml",
            "--site-dir",
            folder,
        ]
        done = subprocess.run([*command, *config], capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""

    return build


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.sources: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.add(value)
                if name == "src" or tag == "link":
                    self.sources.add(value)
            elif name == "id" and value:
                self.anchors.add(value)


def test_the_site(tmp_path: Path, build: Callable[[Path, Path], str]) -> None:
    assert build(ROOT, tmp_path) == ""
    pages = {path: Page(path) for path in tmp_path.rglob("*.html") if path.name != "404.html"}
    sources = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    made = {path.relative_to(tmp_path).with_suffix(".md") for path in pages}
    assert made == sources - {Path("README.md")}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path}: {link}"
            if parts.fragment and target in pages and not parts.fragment.startswith("__"):
                assert unquote(parts.fragment) in pages[target].anchors, f"{path}: {link}"
    index = json.loads((tmp_path / "search" / "search_index.json").read_text(encoding="utf-8"))
    # A page loads nothing from elsewhere.
    for path, page in pages.items():
        assert [link for link in page.sources if urlsplit(link).netloc] == [], path
    assert any("ephemeral-storage" in entry["text"] for entry in index["docs"])


def test_a_broken_link_fails(tmp_path: Path, build: Callable[[Path, Path], str]) -> None:
    for folder in ("docs", "site"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    page = tmp_path / "docs" / "index.md"
    text = page.read_text(encoding="utf-8")
    for link in ("how-to/nowhere.md", "reference/settings.md#nowhere"):
        page.write_text(f"{text}\n[broken]({link})\n", encoding="utf-8")
        assert "nowhere" in build(tmp_path, tmp_path / "out"), link
