from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Self

import pytest

from support.files import link_folders
from support.projects import write_files
from wherry.errors import BuildError
from wherry.files import ProjectFiles
from wherry.sources.inputs import InputOptions, Inputs
from wherry.sources.inputs import read_inputs as read_inputs_of


class Opened:
    """The names of the files below a folder that are opened while the block runs."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str] = []
        self._folder = str(folder)
        self._active = False

    def __enter__(self) -> Self:
        self._active = True
        sys.addaudithook(self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        self._active = False

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._active and event == "open" and str(arguments[0]).startswith(self._folder):
            self.names.append(Path(str(arguments[0])).name)


def read_inputs(root: Path, *, mentioned: str = "", skip: tuple[Path, ...] = ()) -> Inputs:
    options = InputOptions(mentioned=frozenset(mentioned.split()), skip=skip)
    return read_inputs_of(root, options, ProjectFiles())


def paths(root: Path) -> list[str]:
    return [file.path for file in read_inputs(root).files]


def test_ignored_and_generated_files_count(tmp_path: Path) -> None:
    write_files(
        tmp_path, {".gitignore": "gen.py\n", "gen.py": "", "src/build/a.py": "", ".env": ""}
    )
    assert paths(tmp_path) == [".env", ".gitignore", "gen.py", "src/build/a.py"]


def test_what_no_build_reads_is_passed_over(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        dict.fromkeys(
            [
                *[".git/HEAD", ".venv/pyvenv.cfg", ".venv/x.py", "env/pyvenv.cfg", "env/x.py"],
                *["dist/a.whl", "build/lib/a.py", "shop.egg-info/PKG-INFO", "a.pyc"],
                *["__pycache__/a.pyc", ".mypy_cache/x", "web/node_modules/x.js", "a.py"],
            ],
            "",
        ),
    )
    assert paths(tmp_path) == ["a.py"]
    read = read_inputs(tmp_path, mentioned="dist", skip=(tmp_path / "a.py",))
    assert [file.path for file in read.files] == ["dist/a.whl"]


def test_ignore_files_above_count(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            ".gitignore": "too far",
            "top/.git/HEAD": "",
            "top/.gitignore": "a",
            "top/one/two/a.py": "",
        },
    )
    assert paths(tmp_path / "top/one/two") == ["../../.gitignore", "a.py"]


def test_every_change_is_seen(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "1", "b.py": ""})
    seen = [read_inputs(tmp_path)]
    status = (tmp_path / "a.py").stat()
    (tmp_path / "a.py").write_text("2")
    os.utime(tmp_path / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.append(read_inputs(tmp_path))
    assert seen[0].shape == seen[1].shape
    (tmp_path / "b.py").chmod(0o755)
    seen.append(read_inputs(tmp_path))
    (tmp_path / "empty").mkdir()
    seen.append(read_inputs(tmp_path))
    (tmp_path / "link.py").symlink_to("a.py")
    seen.append(read_inputs(tmp_path))
    (tmp_path / "link.py").unlink()
    (tmp_path / "link.py").write_text("2")
    seen.append(read_inputs(tmp_path))
    assert len({inputs.digest for inputs in seen}) == len(seen)
    assert len({inputs.shape for inputs in seen[1:]}) == len(seen) - 1
    assert read_inputs(tmp_path) == seen[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_links_are_followed_wherever_they_lead_but_not_in_circles(tmp_path: Path) -> None:
    write_files(tmp_path, {"outside/x.py": "1", "project/pkg/a.py": ""})
    project = tmp_path / "project"
    (project / "lib").symlink_to("../outside", target_is_directory=True)
    (project / "pkg/loop").symlink_to("..", target_is_directory=True)
    (project / "self").symlink_to("self")
    (project / "broken").symlink_to("nowhere")
    before = read_inputs(project)
    assert [file.path for file in before.files] == ["lib/x.py", "pkg/a.py"]
    write_files(tmp_path, {"outside/x.py": "2"})
    assert read_inputs(project).digest != before.digest


def test_a_check_after_a_build_reads_only_what_may_have_changed(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.py": "1", "b.py": "1", "c.py": "1"})
    for name in ("a.py", "b.py", "c.py"):
        os.utime(tmp_path / name, ns=(1, 1_000_000_001))
    time.sleep(0.15)  # until times of the file system can tell
    before = read_inputs(tmp_path)
    assert all(file.signature for file in before.files)
    (tmp_path / "b.py").write_text("2")
    os.utime(tmp_path / "b.py", ns=(1, 1_000_000_001))
    opened = Opened(tmp_path)
    options = InputOptions()
    with opened:
        after = read_inputs_of(tmp_path, options, ProjectFiles(), before=before)
    assert opened.names == ["b.py"]
    assert after.digest != before.digest
    assert after.digest == read_inputs(tmp_path).digest


def test_files_that_were_read_are_not_opened_again(tmp_path: Path) -> None:
    write_files(tmp_path, {"setup.cfg": "", "src/shop/__init__.py": "", "a.py": ""})
    files = ProjectFiles()
    files.read(tmp_path / "setup.cfg")
    options = InputOptions(wanted=("shop/__init__.py",))
    with Opened(tmp_path) as opened:
        inputs = read_inputs_of(tmp_path, options, files)
        files.read(tmp_path / "src/shop/__init__.py")
    assert sorted(opened.names) == ["__init__.py", "a.py"]
    assert inputs.digest == read_inputs(tmp_path).digest


def test_links_without_end(tmp_path: Path) -> None:
    link_folders(tmp_path)
    with pytest.raises(BuildError, match="links that lead to too many files and folders"):
        read_inputs(tmp_path)


def test_links_to_more_than_a_build_can_read(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "big").touch()
    os.truncate(tmp_path / "big", 65 << 30)
    (tmp_path / "project" / "big").symlink_to("../big")
    with pytest.raises(BuildError, match="or to more than 64 GiB"):
        read_inputs(tmp_path / "project")
