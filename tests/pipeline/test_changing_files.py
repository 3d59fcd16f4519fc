"""Files that change while a project is packaged, and files that would ship twice."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

import wherry
from support.projects import write_files
from support.wheels import make_wheel
from wherry.bundle.tree import tree_bundle
from wherry.errors import FileChangedError
from wherry.outputs.zip_files import ZipFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.bundle.bundle import Bundle
    from wherry.bundle.writer import Written

PROJECT = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n',
    "pylock.toml": 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n',
    "app.py": "A = 0\n",
    "gone.py": "",
}


class EditingOutput:
    """Zip files before whose writing somebody edits the project, so many times."""

    def __init__(self, project: Path, times: int) -> None:
        self.root = project / "out"
        self.takes_one = False
        self.key = None
        self._project, self._left = project, times
        self._files = ZipFiles(self.root)

    def takes(self, name: str) -> bool:
        return self._files.takes(name)

    def path(self, name: str) -> Path:
        return self._files.path(name)

    def write(self, packages: Sequence[tuple[str, Bundle]]) -> list[Written]:
        if self._left:
            self._left -= 1
            (self._project / "app.py").write_text(f"A = {self._left + 10}\n")
            (self._project / "gone.py").unlink(missing_ok=True)
        return self._files.write(packages)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_what_changes_is_read_again(times: int, tmp_path: Path) -> None:
    project = write_files(tmp_path / "shop", PROJECT)
    request = replace(
        wherry.read_request(project, runtime="python3.13"), output=EditingOutput(project, times)
    )
    store = wherry.Store(tmp_path / "store")
    if times > 2:
        with pytest.raises(FileChangedError, match=r"app.py` changed while") as caught:
            wherry.build(request, store=store)
        assert "exclude" in (caught.value.hint or "")
        return
    report = wherry.build(request, store=store)
    with zipfile.ZipFile(report.packages[0].path) as archive:
        assert archive.namelist() == ["app.py"]
        assert archive.read("app.py") == b"A = 10\n"


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_a_file_that_becomes_something_else_is_left_out(kind: str, tmp_path: Path) -> None:
    project = write_files(tmp_path / "shop", PROJECT)
    bundle = tree_bundle(project, owner="shop", exclude=[], include=[])
    gone = project / "gone.py"
    gone.unlink()
    match kind:
        case "pipe":
            os.mkfifo(gone)
        case "folder":
            gone.mkdir()
        case _:
            gone.symlink_to("gone.py")
    with pytest.raises(FileChangedError, match=r"cannot read `.*gone.py`") as caught:
        wherry.write_package(bundle, tmp_path / "a.zip")
    assert "end what writes to it" in (caught.value.hint or "")
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize("key", ["path", "url"])
def test_a_wheel_in_the_project_ships_once(key: str, tmp_path: Path) -> None:
    wheel = make_wheel("alpha")
    project = write_files(
        tmp_path / "shop", PROJECT | {f"vendor/{wheel.filename}": wheel.data, "vendor/x.txt": ""}
    )
    place = f"vendor/{wheel.filename}"
    if key == "url":
        place = (project / place).as_uri()
    for form in (f"wheels = [{{name = {wheel.filename!r}, ", "archive = {"):
        source = f"{form}{key} = {place!r}, hashes = {{sha256 = {wheel.sha256!r}}}}}"
        text = f"packages = [{{name = 'alpha', version = '1.0', {source}{']' * ('[' in form)}}}]"
        write_files(project, {"pylock.toml": PROJECT["pylock.toml"].replace("packages = []", text)})
        for _ in range(2):
            report = wherry.build(
                project, store=wherry.Store(tmp_path / "store"), runtime="python3.13"
            )
            with zipfile.ZipFile(report.packages[0].path) as archive:
                names = archive.namelist()
            assert "alpha.py" in names or "alpha/__init__.py" in names
            assert [name for name in names if name.startswith("vendor/")] == ["vendor/x.txt"]
            write_files(project, {"app.py": "A = 1\n"})
