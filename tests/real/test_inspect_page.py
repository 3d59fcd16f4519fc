"""The page of ``wherry inspect`` in a browser: its areas, search, keyboard and colours, without network."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

import wherry
from support.browser import browser as open_browser
from support.zips import HANDLER, installed, write_package
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.browser import Browser
    from wherry.pipeline.inspect import InspectReport

pytestmark = pytest.mark.real

NOISE = random.Random(7)
FILES: dict[str, bytes | str] = {
    "app.py": f"import grid\n{HANDLER}",
    **installed("grid", {"grid/__init__.py": "", "grid/data/big.bin": NOISE.randbytes(60_000)}),
    **installed("tall", {"tall/__init__.py": "", "tall/a.bin": NOISE.randbytes(30_000)}),
    **installed("flat", {"flat/__init__.py": "", "flat/b.bin": NOISE.randbytes(10_000)}),
}
TILES = "return [...document.querySelectorAll('#map > .tile')].map(tile => ({key: tile.dataset.key, bytes: Number(tile.dataset.bytes), area: parseFloat(tile.style.width) * parseFloat(tile.style.height), faded: tile.classList.contains('faded'), colour: getComputedStyle(tile).backgroundColor}))"
FOCUSED = "return document.activeElement.dataset.key"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def report(folder: Path, against: Path | None = None) -> InspectReport:
    path = write_package(folder / "app.zip", FILES)
    return wherry.inspect(
        files=[path], handler="app.handler", store=Store(folder / "store"), against=against
    )


def show(browser: Browser, folder: Path, result: InspectReport) -> None:
    (folder / "page.html").write_text(result.html(), encoding="utf-8")
    browser.open((folder / "page.html").as_uri())


def test_areas_search_and_keyboard(browser: Browser, tmp_path: Path) -> None:
    result = report(tmp_path)
    (package,) = result.packages
    show(browser, tmp_path, result)
    tiles = browser.run(TILES)
    assert (
        sum(tile["bytes"] for tile in tiles)
        == package.size
        == (tmp_path / "app.zip").stat().st_size
    )
    whole = browser.run(
        "return document.getElementById('map').clientWidth * document.getElementById('map').clientHeight"
    )
    for tile in tiles:
        assert tile["area"] / whole == pytest.approx(
            tile["bytes"] / package.size, rel=0.01, abs=1e-4
        )
    # Every leaf is drawn, or too small to be.
    leaves = browser.run(
        "return [...document.querySelectorAll('.tile')].filter(tile => !tile.querySelector('.tile')).map(tile => Number(tile.dataset.bytes))"
    )
    assert sum(leaves) == package.size

    # Whatever the browser may do, the page asks for nothing.
    assert browser.run("return performance.getEntriesByType('resource').length") == 0

    browser.press("/", "big")
    assert {tile["key"] for tile in browser.run(TILES) if not tile["faded"]} == {"grid"}
    assert "1 file, 58.6 KiB match" in browser.run(
        "return document.getElementById('told').textContent"
    )
    browser.press("Escape")
    assert not any(tile["faded"] for tile in browser.run(TILES))

    browser.run("document.querySelector('#map > .tile[data-key=grid]').focus()")
    browser.press("ArrowRight")
    assert browser.run(FOCUSED) == "tall"
    browser.press("ArrowLeft")
    assert browser.run(FOCUSED) == "grid"
    assert "grid 1.0 · 58.7 KiB" in browser.run(
        "return document.getElementById('told').textContent"
    )
    browser.press("Enter")
    assert {tile["key"] for tile in browser.run(TILES)} == {"grid/grid", "grid/grid-1.0.dist-info"}
    browser.press("Enter")
    assert "grid/grid/data" in {tile["key"] for tile in browser.run(TILES)}
    browser.press("Escape", "Escape")
    assert browser.run(FOCUSED) == "grid"

    browser.run("document.querySelector('input[value=unzipped]').click()")
    assert sum(tile["bytes"] for tile in browser.run(TILES)) == package.unzipped_size
    browser.run("document.querySelector('input[value=init]').click()")
    assert [tile["key"] for tile in browser.run(TILES)] == ["(own files)"]


def test_the_colours_of_a_difference(browser: Browser, tmp_path: Path) -> None:
    old = {name: data for name, data in FILES.items() if not name.startswith("flat")}
    grid = {name: data for name, data in FILES.items() if name.startswith("grid/")}
    old |= {"tall/a.bin": b"small", **installed("grid", {**grid, "grid/gone.bin": b"gone" * 9})}
    against = write_package(tmp_path / "old.zip", old)
    show(browser, tmp_path, report(tmp_path, against))
    colours = {tile["key"]: tile["colour"] for tile in browser.run(TILES)}
    new, grew, same = colours["flat"], colours["tall"], colours["(own files)"]
    assert len({new, grew, same}) == 3
    # What is gone has no area, but what it was in has shrunk.
    assert colours["grid"] not in {new, grew, same}
    assert "KiB zipped)" in browser.run("return document.querySelector('h1').textContent")
