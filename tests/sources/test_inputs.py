from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.sources.inputs import read_inputs

if TYPE_CHECKING:
    from pathlib import Path


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
    read = read_inputs(tmp_path, mentioned={"dist"}, skip=[tmp_path / "a.py"])
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
