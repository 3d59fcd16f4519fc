"""The job for GitLab that the documentation shows, as its runner does it: a clean clone, one shell, a cache by key."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.checkouts import commit
from support.index import serve_index
from support.projects import write_files
from support.tools import run_uv
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.index import Index

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
PROJECT = (
    '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
    'dependencies = ["alpha"]\n[[tool.uv.index]]\nname = "here"\nurl = "{url}"\ndefault = true\n'
)


def job() -> Mapping[str, Any]:
    """The job of the page."""
    page = (ROOT / "docs/how-to/continuous-integration.md").read_text()
    _, _, section = page.partition("## In GitLab's pipelines")
    (text,) = re.findall(r"```yaml\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    (found,) = yaml.safe_load(text).values()
    assert isinstance(found, dict)
    return found


class Runner:
    """A runner: its interpreter, and the caches that it keeps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._caches: dict[str, Path] = {}
        run_uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT), cwd=folder)
        (wheel,) = folder.glob("wherry-*.whl")
        # The version that is tested, whatever PyPI has.
        (folder / "constraints.txt").write_text(f"wherry @ {wheel.as_uri()}\n")
        run_uv("venv", "--quiet", "--seed", "--python", sys.executable, "venv", cwd=folder)

    def run(self, origin: Path) -> Path:
        """Run the job of a commit; the folder of its clone."""
        self._number += 1
        root = self._folder / f"builds{self._number}" / "group" / "shop"
        subprocess.run(["git", "clone", "--quiet", origin, root], check=True)
        given = job()
        kept = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))
        }
        predefined = {"CI": "true", "CI_PROJECT_DIR": str(root)}
        variables = {
            name: re.sub(r"\$(\w+)", lambda found: predefined[found[1]], value)
            for name, value in given["variables"].items()
        }
        key = b"".join((root / name).read_bytes() for name in given["cache"]["key"]["files"])
        cache = self._folder / "caches" / hashlib.sha1(key).hexdigest()
        for path in given["cache"]["paths"]:
            if (cache / path).exists():
                shutil.copytree(cache / path, root / path)
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join(given["script"])],
            cwd=root,
            env={
                **kept,
                **predefined,
                **variables,
                "HOME": str(self._folder),
                "PATH": f"{self._folder / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PIP_CONSTRAINT": str(self._folder / "constraints.txt"),
            },
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        shutil.rmtree(cache, ignore_errors=True)
        for path in given["cache"]["paths"]:
            shutil.copytree(root / path, cache / path)
        return root

    @staticmethod
    def artifacts(root: Path) -> dict[str, bytes]:
        """The files that the job keeps."""
        patterns = job()["artifacts"]["paths"]
        paths = [path for pattern in patterns for path in root.glob(pattern)]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index([ALPHA]) as served:
        yield served


def test_the_job_of_the_documentation(tmp_path: Path, index: Index) -> None:
    origin = write_files(
        tmp_path / "origin",
        {
            "pyproject.toml": PROJECT.format(url=index.simple),
            "shop/api.py": "def handler(event, context): ...\n",
            "wherry.toml": 'runtime = "python3.13"\n[functions.api]\nhandler = "shop.api.handler"\n',
        },
    )
    run_uv("lock", "--quiet", cwd=origin)
    shutil.rmtree(origin / ".home")
    commit(origin)
    (tmp_path / "runner").mkdir()
    runner = Runner(tmp_path / "runner")
    first = runner.artifacts(runner.run(origin))
    assert set(first) == {"dist/lambda/api.zip"}
    assert index.downloads

    # Another job of the same commit finds the wheels; so does that of an edit.
    index.requests.clear()
    assert runner.artifacts(runner.run(origin)) == first
    write_files(origin, {"shop/api.py": "def handler(event, context):\n    return 1\n"})
    commit(origin)
    edited = runner.run(origin)
    assert runner.artifacts(edited) != first
    assert index.requests == []
    assert '"changed": true' in (edited.parent / "build.json").read_text()
