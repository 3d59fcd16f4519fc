"""Requests: what was asked, read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.errors import SettingsError
from wherry.pipeline.request import read_request

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
