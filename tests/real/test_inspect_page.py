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


BARS = "return [...document.querySelectorAll('#map [data-index]')].map(bar => ({name: imports()[bar.dataset.index].name, total: Number(bar.dataset.total), left: parseFloat(bar.style.left), width: parseFloat(bar.style.width), row: parseFloat(bar.style.top) / 20, faded: bar.classList.contains('faded'), title: bar.title}))"
HOSTILE = "<img/src=x/onerror=alert(1)>"
LOG = f"""\
import time: 30 | 30 | awslambdaric.bootstrap
import time: 20000 | 20000 |   grid.core
import time: 5000 | 5000 |     json.decoder
import time: 10000 | 15000 |   json
import time: 40000 | 75000 | grid
import time: 9000 | 9000 | tall
import time: 1000 | 1000 | {HOSTILE}
"""


def show_profile(browser: Browser, folder: Path, log: str) -> None:
    (folder / "log").write_text(log)
    path = write_package(folder / "app.zip", FILES)
    options = {"handler": "app.handler", "store": Store(folder / "store")}
    report = wherry.inspect(files=[path], profile=folder / "log", **options)  # type: ignore[arg-type]
    show(browser, folder, report)


def test_the_flame_graph(browser: Browser, tmp_path: Path) -> None:
    show_profile(browser, tmp_path, LOG)
    bars = {bar["name"]: bar for bar in browser.run(BARS)}
    whole = bars["imports"]
    assert whole["total"] == 85_030
    for name, total, row, below in [
        ("grid", 75_000, 1, "imports"),
        ("grid.core", 20_000, 2, "grid"),
        ("json", 15_000, 2, "grid"),
        ("json.decoder", 5000, 3, "json"),
        ("tall", 9000, 1, "imports"),
        (HOSTILE, 1000, 1, "imports"),
    ]:
        bar, parent = bars[name], bars[below]
        assert (bar["total"], bar["row"]) == (total, row)
        assert bar["width"] / whole["width"] == pytest.approx(total / whole["total"], rel=1e-3)
        assert parent["left"] <= bar["left"] + 1e-6
        assert bar["left"] + bar["width"] <= parent["left"] + parent["width"] + 1e-6
    assert "75.0 ms (88.2%) · 40.0 ms itself · grid 1.0" in bars["grid"]["title"]
    assert "standard library · imported by grid" in bars["json"]["title"]
    # The sums of the table are those of the graph.
    table = browser.run(
        "return [...document.querySelectorAll('section table')][0].innerText.split('\\n').map(row => row.split('\\t'))"
    )
    assert [row[:2] for row in table[1:]] == [
        ["grid 1.0", "60.0 ms"],
        ["standard library", "15.0 ms"],
        ["tall 1.0", "9.0 ms"],
        ["not in a file of the package", "1.0 ms"],
        ["runtime", "0.0 ms"],
        ["together", "85.0 ms"],
    ]
    # Names are text, whatever is in them.
    assert browser.run("return document.querySelectorAll('img').length") == 0
    assert browser.run("return performance.getEntriesByType('resource').length") == 0


def test_search_and_keyboard_of_the_flame_graph(browser: Browser, tmp_path: Path) -> None:
    show_profile(browser, tmp_path, LOG)
    focused = "return imports()[document.activeElement.dataset.index].name"
    told = "return document.getElementById('told').textContent"
    browser.run("document.querySelector('#map [data-index]').focus()")
    browser.press("ArrowDown")
    assert browser.run(focused) == "grid"
    browser.press("ArrowRight")
    assert browser.run(focused) == "tall"
    browser.press("ArrowLeft", "ArrowDown", "ArrowRight")
    assert browser.run(focused) == "json"
    assert "15.0 ms (17.6%) · 10.0 ms itself" in browser.run(told)
    browser.press("Enter")
    bars = browser.run(BARS)
    # What imports it stays above; it and what it imports have the whole width.
    assert [bar["name"] for bar in bars] == ["imports", "grid", "json", "json.decoder"]
    assert bars[2]["width"] == bars[0]["width"]
    assert (
        browser.run("return document.querySelector('nav').innerText") == "imports\n›\ngrid\n›\njson"
    )
    browser.press("Escape")
    assert (browser.run(focused), len(browser.run(BARS))) == ("json", 5)
    browser.press("Escape")
    browser.press("/", "json")
    assert {bar["name"] for bar in browser.run(BARS) if not bar["faded"]} == {
        "json",
        "json.decoder",
    }
    assert browser.run(told) == "2 modules, 15.0 ms match"
    # The treemap of the same page has the same search.
    browser.run("document.querySelector('input[value=zipped]').click()")
    assert all(tile["faded"] for tile in browser.run(TILES))
    browser.run("document.querySelector('input[value=time]').click()")
    assert browser.run(told) == "2 modules, 15.0 ms match"


def test_deep_stacks_and_thousands_of_modules(browser: Browser, tmp_path: Path) -> None:
    deep = [
        f"import time: 100 | {(80 - depth) * 100} | {'  ' * depth}deep{depth}"
        for depth in reversed(range(80))
    ]
    wide = [f"import time: 10 | 10 |   wide{number}" for number in range(4000)]
    log = "\n".join([*deep, *wide, "import time: 10 | 40010 | wide", ""])
    show_profile(browser, tmp_path, log)
    started = browser.run(
        "const start = performance.now(); render(); return performance.now() - start"
    )
    assert started < 500
    # What is too narrow is counted together, and nothing is wider than what imports it.
    assert "4000 more · 40.0 ms" in browser.run("return document.querySelector('.rest').title")
    assert len(browser.run(BARS)) < 100
    browser.run("openImport(imports().findIndex(each => each.name === 'deep60'))")
    assert "…" in browser.run("return document.querySelector('nav').innerText")
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
