"""Requests: what was asked, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import wherry
from support.projects import write_files
from wherry.errors import BuildError, SettingsError
from wherry.pipeline.request import read_request
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("services/api", "build the project in that folder with `--project services/api`"),
        ("app.py", "name a function of it with `--handler app.FUNCTION`"),
        ("requirements-prod.txt", "read that lock with `--lock requirements-prod.txt`"),
    ],
)
def test_a_path_in_place_of_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    files = {"app.py": "", "services/api/app.py": "", "requirements-prod.txt": ""}
    monkeypatch.chdir(write_files(tmp_path / "shop", files))
    with pytest.raises(SettingsError, match="there is no function or layer") as caught:
        read_request(names=[name])
    assert caught.value.hint == hint
    # The name of a function may be that of a folder, too.
    write_files(tmp_path, {"shop/shop/__init__.py": ""})
    assert [recipe.name for recipe in read_request(names=["shop"]).recipes] == ["shop"]


def test_what_is_not_shipped_is_not_built(tmp_path: Path) -> None:
    """The build backend of this project fails, and says so as poetry-core does."""
    backend = "raise SystemExit('No file/folder found for package shop')\n"
    system = '[build-system]\nrequires = []\nbuild-backend = "broken"\nbackend-path = ["."]\n'
    root = write_files(
        tmp_path / "shop",
        {
            "pyproject.toml": f'[project]\nname = "shop"\nversion = "1"\n{system}',
            "broken.py": backend,
            "pylock.toml": 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n',
            "wherry.toml": 'runtime = "python3.13"\n[functions.f]\n',
        },
    )
    store = Store(tmp_path / "store")
    with pytest.raises(BuildError) as caught:
        wherry.build(root, store=store)
    assert "`package = false` in [tool.uv] of `pyproject.toml`" in (caught.value.hint or "")
    settings = 'runtime = "python3.13"\n[functions.f]\nproject = false\n'
    write_files(root, {"wherry.toml": settings})
    assert [package.files for package in wherry.build(root, store=store).packages] == [0]
    assert not wherry.build(root, store=store).packages[0].changed
