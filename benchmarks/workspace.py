"""Many functions on one dependency set: what each costs beyond the first, beside `cp` of its zip.

    python benchmarks/workspace.py [--runs 3] [--counts 1,10,50,100]

Three projects with the dependencies of the other benchmarks: functions that each hold everything, functions
that share a layer, and the members of a uv workspace that share a layer. Each build is a whole process after
an edit of every function's code; the best of several runs counts, as what else a machine does only adds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from run import MIB, RUNTIME, WHERRY, fetch_wheels, make_project, simple_index, start

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS = (1, 10, 50, 100)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A kind of project: what it is called in the table, and how one with so many functions is made."""

    title: str
    make: Callable[[Workspace, Path, int], None]


class Workspace:
    def __init__(self, scratch: Path, cache: Path, index: str, uv: str, runs: int) -> None:
        self.scratch = scratch
        self.cache = cache
        self.index = index
        self.uv = uv
        self.runs = runs
        self.edits = 0
        # As installed: with compiled modules, whatever this shell says.
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.env = {
            **inherited,
            "WHERRY_CACHE_DIR": str(scratch / "store"),
            "UV_CACHE_DIR": str(scratch / "uv-cache"),
            "UV_DEFAULT_INDEX": index,
            "UV_PYTHON_DOWNLOADS": "never",
        }

    def table(self, counts: tuple[int, ...]) -> str:
        rows = []
        for project in PROJECTS:
            first = None
            for count in counts:
                folder = self.scratch / "project"
                shutil.rmtree(folder, ignore_errors=True)
                project.make(self, folder, count)
                seconds = self.best(partial(self.edited_build, folder))
                zips = sorted((folder / "dist" / "lambda").glob("*.zip"))
                functions = [path for path in zips if path.stem.startswith("function")]
                assert len(functions) == count
                copied = self.best(partial(self.copy, functions)) / count
                first = seconds if first is None else first
                row = f"| {project.title} | {count} | {seconds * 1000:.0f} ms "
                if count > 1:
                    each = (seconds - first) / (count - counts[0])
                    row += (
                        f"| {each * 1000:.1f} ms | {copied * 1000:.1f} ms | {each / copied:.1f}× |"
                    )
                else:
                    row += f"| | {copied * 1000:.1f} ms | |"
                size = functions[0].stat().st_size
                rows.append(f"{row} {size / MIB:.1f} MiB |")
                print(rows[-1], file=sys.stderr, flush=True)
        return (
            "| Project | functions | edit and rebuild | each beyond the first | `cp` of each zip | ratio "
            "(goal: within 3×) | a zip |\n|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )

    def best(self, step: Callable[[], float]) -> float:
        step()
        return min(step() for _ in range(self.runs))

    def edited_build(self, folder: Path) -> float:
        self.edits += 1
        for path in folder.rglob("edited.py"):
            path.write_text(f"EDIT = {self.edits}\n")
        os.sync()
        return start(
            [WHERRY, "build", "--quiet", "--runtime", f"python{RUNTIME}"],
            cwd=folder, env=self.env,
        ).seconds  # fmt: skip

    def copy(self, zips: list[Path]) -> float:
        """One process for each zip, over the copy that is there, as one deploys function by function."""
        copies = self.scratch / "copies"
        copies.mkdir(exist_ok=True)
        os.sync()
        return sum(
            start(["cp", str(path), str(copies)], cwd=self.scratch, env=self.env).seconds
            for path in zips
        )


def _one_project(layers: str) -> Callable[[Workspace, Path, int], None]:
    def make(workspace: Workspace, folder: Path, count: int) -> None:
        make_project(folder, workspace.cache, workspace.index, workspace.uv)
        tables = ["[layers.shared]\n"] if layers else []
        for number in range(count):
            module = f"function{number}"
            (folder / "shop" / f"{module}.py").write_text("def handler(event, context): ...\n")
            tables.append(f'[functions.{module}]\nhandler = "shop.{module}.handler"\n{layers}')
        (folder / "shop" / "edited.py").write_text("")
        (folder / "wherry.toml").write_text("".join(tables))

    return make


def _members(workspace: Workspace, folder: Path, count: int) -> None:
    requirements = [
        line for line in (workspace.cache / "pins.txt").read_text().splitlines() if "==" in line
    ]
    folder.mkdir()
    tables = ['[tool.wherry.layers.shared]\npackage = "function0"\n']
    for number in range(count):
        name = f"function{number}"
        member = folder / "services" / name
        package = member / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "api.py").write_text("def handler(event, context): ...\n")
        (package / "edited.py").write_text("")
        (member / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            f"dependencies = {requirements}\n"
        )
        tables.append(
            f'[tool.wherry.functions.{name}]\npackage = "{name}"\nhandler = "{name}.api.handler"\n'
            'layers = ["shared"]\n'
        )
    (folder / "pyproject.toml").write_text(
        '[tool.uv.workspace]\nmembers = ["services/*"]\n'
        f"[tool.uv]\nenvironments = [\"sys_platform == 'linux' and python_version == '{RUNTIME}'\"]\n"
        + "".join(tables)
    )
    subprocess.run([workspace.uv, "lock", "--quiet"], cwd=folder, env=workspace.env, check=True)


def hashed(index: Path, folder: Path) -> Path:
    """The same index with pages that tell hashes, as uv wants them for a lock that it exports offline."""
    shutil.copytree(index, folder, copy_function=os.link)
    for project in filter(Path.is_dir, folder.iterdir()):
        links = (
            f'<a href="{wheel.name}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}">{wheel.name}</a>'
            for wheel in project.glob("*.whl")
        )
        (project / "index.html").write_text("\n".join(links))
    return folder


PROJECTS = (
    Project(title="each holds everything", make=_one_project("")),
    Project(title="one project, one layer", make=_one_project('layers = ["shared"]\n')),
    Project(title="uv workspace, one layer", make=_members),
)


def measure(
    cache: Path, index: Path, uv: str, *, runs: int, counts: tuple[int, ...] = COUNTS
) -> str:
    """The table; ``index`` is a folder laid out as a Simple index."""
    # Beside the wheels, whose hard links it takes.
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        folder = hashed(index, Path(scratch) / "index")
        with simple_index(folder) as address:
            return Workspace(Path(scratch), cache, address, uv, runs).table(counts)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--counts", default=",".join(map(str, COUNTS)))
    options = arguments.parse_args()
    from uv import find_uv_bin

    uv = find_uv_bin()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "wherry-benchmarks"
    counts = tuple(map(int, options.counts.split(",")))
    print(measure(cache, fetch_wheels(cache, uv), uv, runs=options.runs, counts=counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
