"""Hooks of MkDocs: the navigation from docs/README.md, and what forges and MkDocs write differently."""  # noqa: INP001

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

ROOT = Path(__file__).resolve().parents[1]


def navigation(page: str) -> list[dict[str, Any]]:
    """Return the navigation in the form of MkDocs from the page that lists all pages.

    A ``##`` heading is a section. A line that ends with a colon is a section in it, for the list that follows.
    """
    sections: list[dict[str, Any]] = [{"Start": "index.md"}]
    entries: list[dict[str, Any]] = []
    for line in page.splitlines():
        if line.startswith("## "):
            entries = []
            sections.append({line[3:]: entries})
            part = entries
        elif re.fullmatch(r"[A-Z][a-z ]+:", line) and len(sections) > 1:
            part = []
            entries.append({line[:-1]: part})
        elif link := re.match(r"- \[(.+?)\]\((.+?)\)", line):
            part.append({link[1].replace("`", ""): link[2]})
    return sections


def on_config(config: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Set the navigation."""
    config["nav"] = navigation((ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Show the name of a file over its block, and links to files that are no pages as their text.

    Raises:
        FileNotFoundError: a link leads out of docs to a file that is not there.
    """
    markdown = re.sub(r"^```(\w+) (\S+)$", r'```\1 title="\2"', markdown, flags=re.MULTILINE)
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def text_of(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[2].partition("#")[0]))
        if path.startswith("docs/") and not (ROOT / path).is_dir():
            return link[0]
        if not (ROOT / path).exists():
            raise FileNotFoundError(f"{page.file.src_uri}: there is no {path}")
        return f"{link[1]} (`{path}`)" if f"`{path}`" != link[1] else link[1]

    return re.sub(r"\[([^\]]+)\]\((\.\./[^)\s]*)\)", text_of, markdown)
