"""Packages that were written before, taken as if they had just been built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.index import Index
from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry.errors import OutputError, QuotaError
from wherry.pipeline.build import build
from wherry.pipeline.request import read_request
from wherry.pipeline.written import report_written

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.pipeline.report import BuildReport

ALPHA = make_wheel("alpha", "1.0", files={"alpha/__init__.py": b"A = 1\n" * 1000})
FULL = """
runtime = "python3.13"
architecture = "arm64"
[functions.api]
handler = "shop.api.handler"
layers = ["dependencies", "empty", "arn:aws:lambda:eu-west-1:123456789012:layer:theirs:3"]
[functions.web]
app = "shop.web:app"
layers = ["dependencies"]
[layers.dependencies]
include = ["*"]
runtimes = ["python3.12", "python3.13"]
[layers.empty]
include = []
"""


@pytest.fixture
def shop(tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch) -> Path:
    index.add(ALPHA)
    monkeypatch.setenv("WHERRY_CACHE_DIR", str(tmp_path / "store"))
    files = {
        "shop/__init__.py": "",
        "shop/api.py": "import alpha\n\ndef handler(event, context):\n    return event\n",
        "shop/web.py": "def app(environ, start_response):\n    return []\n",
    }
    return make_project(tmp_path / "shop", index, [ALPHA], files=files)


def taken(root: Path, *names: str) -> BuildReport:
    return report_written(read_request(root, names=names))


@pytest.mark.parametrize("settings", [FULL, 'runtime = "python3.13"\n'], ids=["several", "one"])
def test_it_tells_what_the_build_told(shop: Path, settings: str) -> None:
    """But for what only the build knows: distributions, and what was left out."""
    write_files(shop, {"wherry.toml": settings})
    built = build(shop).document()
    found = taken(shop).document()
    assert len(built["packages"]) in {1, 3}
    for package in (*built["packages"], *found["packages"]):
        for key in ("distributions", "provided", "changed"):
            del package[key]
        package["path"] = package["path"].rpartition("dist/lambda")[2]
    assert found == built


def test_named_ones_and_their_layers(shop: Path) -> None:
    write_files(shop, {"wherry.toml": FULL})
    build(shop)
    assert {one.name for one in taken(shop, "web").packages} == {"web", "dependencies"}


def test_what_was_not_built(shop: Path) -> None:
    write_files(shop, {"wherry.toml": FULL})
    build(shop)
    (shop / "dist/lambda/web.zip").unlink()
    with pytest.raises(OutputError) as caught:
        taken(shop)
    assert str(caught.value).replace(shop.as_posix(), "SHOP") == (
        "`web` was not built\n"
        "  ╰─▶ there is no `SHOP/dist/lambda/web.zip`\n"
        "hint: leave `--no-build` out, or run `wherry build`"
    )
    assert {one.name for one in taken(shop, "api").packages} == {"api", "dependencies"}


def test_what_is_too_big_unzipped(shop: Path) -> None:
    """A12: it fails before anything is uploaded, function and layers together."""
    write_files(shop, {"wherry.toml": FULL})
    report = build(shop)
    sizes = {package.name: package.unzipped_size for package in report.packages}
    assert sizes["dependencies"] > 6000
    exactly = sizes["dependencies"] + max(sizes["api"], sizes["web"])
    write_files(shop, {"wherry.toml": f"{FULL}[quotas]\nunzipped = {exactly}\n"})
    taken(shop)
    write_files(shop, {"wherry.toml": f"{FULL}[quotas]\nunzipped = {exactly - 1}\n"})
    with pytest.raises(QuotaError, match="with its layers"):
        taken(shop)
    write_files(shop, {"wherry.toml": f"{FULL}[quotas]\nunzipped = 5000\n"})
    with pytest.raises(QuotaError) as caught:
        taken(shop)
    assert caught.value.message.startswith("`dependencies` is")
