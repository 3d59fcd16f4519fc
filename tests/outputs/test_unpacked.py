"""A package's files in a folder: fixed dates and modes, and nothing of anybody's deleted."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wherry
from support.projects import write_files
from wherry.errors import OutputError, SettingsError
from wherry.store import Store

if TYPE_CHECKING:
    from wherry import BuildReport

PROJECT = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n',
    "shop/api.py": "def handler(event, context): ...\n",
    "shop/deep/er/data.json": "{}",
    "run.sh": "#!/bin/sh\n",
}
DATE = 315532800


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = write_files(tmp_path / "shop", PROJECT)
    (root / "run.sh").chmod(0o755)
    return root


def build(project: Path, folder: Path, *names: str) -> BuildReport:
    return wherry.build(
        project,
        store=Store(project.parent / "store"),
        runtime="python3.13",
        unpacked=folder,
        names=names,
    )


def paths(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_files_are_those_of_the_zip_archive(project: Path, tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "new" / "out"
    before = os.umask(umask)
    try:
        (package,) = build(project, folder).packages
    finally:
        os.umask(before)
    (zipped,) = wherry.build(
        project, store=Store(tmp_path / "store"), runtime="python3.13", output=tmp_path / "a.zip"
    ).packages
    assert package.code_sha256 == zipped.code_sha256
    assert (package.path, package.changed) == (folder, True)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert paths(folder) == set(archive.namelist())
        for info in archive.infolist():
            status = (folder / info.filename).stat()
            assert (folder / info.filename).read_bytes() == archive.read(info)
            assert status.st_mode & 0o777 == info.external_attr >> 16 & 0o777
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mtime == DATE
        assert not path.is_dir() or path.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def test_the_same_is_not_written_again(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    build(project, folder)
    inode = folder.stat().st_ino
    assert not build(project, folder).packages[0].changed
    assert folder.stat().st_ino == inode
    # What Python leaves behind is nobody's.
    write_files(folder, {"shop/__pycache__/api.cpython-313.pyc": "x"})
    (project / "shop/api.py").write_text("A = 1\n")
    assert build(project, folder).packages[0].changed
    assert "shop/__pycache__/api.cpython-313.pyc" not in paths(folder)
    assert (folder / "shop/api.py").read_text() == "A = 1\n"


def _edited(folder: Path) -> None:
    (folder / "shop/api.py").write_text("mine\n")


def _added(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine\n")


def _removed(folder: Path) -> None:
    (folder / "shop/deep/er/data.json").unlink()


def _foreign(folder: Path) -> None:
    wherry_free = folder.with_name("gone")
    folder.rename(wherry_free)
    write_files(folder, {"thesis.tex": "mine"})


@pytest.mark.parametrize("change", [_edited, _added, _removed, _foreign])
def test_what_somebody_else_wrote_is_kept(project: Path, tmp_path: Path, change: object) -> None:
    folder = tmp_path / "out"
    build(project, folder)
    change(folder)  # type: ignore[operator]
    before = paths(folder)
    with pytest.raises(OutputError, match="not a folder that Wherry has written"):
        build(project, folder)
    assert paths(folder) == before


def test_an_empty_folder_is_filled_and_a_file_is_not(project: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    build(project, tmp_path / "out")
    assert "shop/api.py" in paths(tmp_path / "out")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="not a folder that Wherry has written"):
        build(project, tmp_path / "file")


def test_one_of_several_packages(project: Path, tmp_path: Path) -> None:
    toml = (
        '[functions.api]\nlayers = ["l"]\n[functions.web]\n[layers.l]\nextra-paths = ["run.sh"]\n'
    )
    write_files(project, {"wherry.toml": toml})
    report = build(project, tmp_path / "out", "api")
    assert [package.name for package in report.packages] == ["api"]
    assert "shop/api.py" in paths(tmp_path / "out")
    build(project, tmp_path / "layer", "l")
    assert paths(tmp_path / "layer") == {"python/run.sh"}
    # A build of zip files remembers its own.
    zips = wherry.build(
        project, store=Store(tmp_path / "store"), runtime="python3.13", names=["api"]
    )
    assert [package.name for package in zips.packages] == ["l", "api"]
    with pytest.raises(SettingsError, match="has room for one package") as caught:
        build(project, tmp_path / "out")
    assert caught.value.hint == "name one: wherry build NAME --unpacked DIR"


def test_two_outputs_are_refused(project: Path, tmp_path: Path) -> None:
    """Neither is passed over in silence."""
    with pytest.raises(SettingsError, match="both say where the package goes") as caught:
        wherry.build(project, output=tmp_path / "a.zip", unpacked=tmp_path / "files")
    assert "a.zip" in caught.value.where[0]
    assert not (tmp_path / "a.zip").exists()
    assert not (tmp_path / "files").exists()
