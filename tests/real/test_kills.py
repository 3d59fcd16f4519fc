"""Builds that are killed at random, two at once, in a store that somebody else keeps files in.

``KILLS=200`` sets how often, ``KILLS_SEED`` where the random numbers begin.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.index import serve_index
from support.projects import make_project, write_files
from support.wheels import make_wheel

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc"),
]

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("KILLS_SEED", "1"))
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
MARK = "KILLED_AT_RANDOM"
BACKEND = """
import os, pathlib, subprocess, time, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    child = subprocess.Popen(["sleep", "300"])
    time.sleep(0.3)
    name = "shop-1.0-py3-none-any.whl"
    info = "shop-1.0.dist-info"
    files = {
        "shop/api.py": pathlib.Path("shop/api.py").read_text(),
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"]))
    child.kill()
    child.wait()
    return name
"""
SETTINGS = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[tool.wherry]
runtime = "python3.13"
[tool.wherry.functions.shop]
handler = "shop.api.handler"
[tool.wherry.hooks]
before = ["sleep 0.1; echo made > {output}/made.txt"]
"""
# Names that are nearly Wherry's, and are somebody else's.
FOREIGN = ("letter.txt", "12-0123", ".shop.zip.mine.tmp", "wherry-build-mine")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    wheels = [make_wheel(name, files={f"{name}.py": os.urandom(200_000)}) for name in ("a1", "b2")]
    with serve_index(wheels) as index:
        root = make_project(tmp_path / "project", index, wheels)
        write_files(root, {"backend.py": BACKEND})
        with (root / "pyproject.toml").open("a") as file:
            file.write(SETTINGS)
        (tmp_path / "tmp").mkdir()
        yield root


def start(project: Path, output: str, store: str = "store") -> subprocess.Popen[bytes]:
    above = project.parent
    environment = {
        **os.environ,
        "WHERRY_CACHE_DIR": str(above / store),
        "TMPDIR": str(above / "tmp"),
        MARK: str(above),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "wherry", "build", "--output", output],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def await_start(process: subprocess.Popen[bytes]) -> None:
    """Until then it is Python that starts, and ends by the signal itself."""
    bit = 1 << (signal.SIGHUP - 1)
    while process.poll() is None:
        caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
        if caught is not None and int(caught[1], 16) & bit:
            break
        time.sleep(0.001)


def build(project: Path, output: str, store: str = "store") -> None:
    """A build that nobody disturbs."""
    process = start(project, output, store)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()


def left_running(project: Path) -> list[str]:
    """Processes of these builds."""
    mark = f"{MARK}={project.parent}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes() + b"\0":
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found


def put_files_of_others(folders: list[Path]) -> dict[Path, str]:
    """A file of somebody else's in every folder, and what they hold."""
    texts = {}
    for top in folders:
        for folder in (top, *(path for path in top.rglob("*") if path.is_dir())):
            for name in FOREIGN:
                path = folder / name
                # In an unpacked folder or an environment it would be a part of that.
                if not any(
                    part.startswith(("environments-v", "unpacked-v")) for part in path.parts
                ):
                    path.write_text(f"mine, {path}")
                    texts[path] = path.read_text()
    return texts


def temporaries(project: Path) -> list[Path]:
    above = project.parent
    places = [above / "tmp", above / "store/tmp", project / "out"]
    found = [path for place in places if place.is_dir() for path in place.iterdir()]
    return [path for path in found if path.name not in {*FOREIGN, "one", "two"}] + [
        path for path in (project / "out").rglob(".*.tmp") if path.name not in FOREIGN
    ]


def test_killed_at_random(project: Path) -> None:
    source = project / "shop/api.py"
    numbers = random.Random(SEED)
    build(project, "out/one")
    # The others find a store that is filled, as this one does; but two run at once.
    source.write_text("def handler(event, context):\n    return 'the first'\n")
    begin = time.monotonic()
    build(project, "out/one")
    longest = time.monotonic() - begin
    others = put_files_of_others(
        [project.parent / "store", project.parent / "tmp", project / "out"]
    )
    ended: dict[int, int] = {}
    for number in range(KILLS):
        source.write_text(f"def handler(event, context):\n    return {number}\n")
        (project / "out/one/shop.zip").unlink(missing_ok=True)
        victim, other = start(project, "out/one"), start(project, "out/two")
        await_start(victim)
        time.sleep(numbers.uniform(0, longest))
        chosen = numbers.choice(SIGNALS)
        victim.send_signal(chosen)
        said, _ = victim.communicate(timeout=120)
        said_too, _ = other.communicate(timeout=120)
        assert victim.returncode in {0, 128 + chosen, -chosen}, said
        assert victim.returncode != -chosen or chosen is signal.SIGKILL, said
        assert "Traceback" not in said.decode(), said.decode()
        assert other.returncode == 0, said_too
        ended[victim.returncode] = ended.get(victim.returncode, 0) + 1
        until = time.monotonic() + 5
        while left_running(project) and time.monotonic() < until:
            time.sleep(0.05)
        assert left_running(project) == []
        if number % 4 == 3:
            build(project, "out/one")
            assert temporaries(project) == []
    source.write_text("def handler(event, context):\n    return 'the last'\n")
    for output, store in (("out/one", "store"), ("../fresh", "fresh-store")):
        build(project, output, store)
    fresh = project.parent / "fresh/shop.zip"
    assert (project / "out/one/shop.zip").read_bytes() == fresh.read_bytes()
    assert temporaries(project) == []
    assert {path: path.read_text() for path in others} == others
    # Some of them must have been in the middle of their work.
    assert sum(ended.values()) - ended.get(0, 0) > KILLS // 3, ended
