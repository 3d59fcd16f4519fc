"""N1, S7, A4: the same lock, sources and settings give the same bytes, wherever and however they are built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import wherry
from support.index import serve_index
from support.interpreters import compiled_parts, find_python
from support.libraries import Library
from support.projects import TINY_BACKEND, make_project, write_files
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.index import Index

WHEELS = [
    make_wheel(
        "alpha",
        "1.2",
        files={"alpha/__init__.py": b"A = 1\n" * 500, "alpha/data.bin": b"\0\xff" * 999},
    ),
    make_wheel(
        "beta",
        "2.0",
        files={"beta.py": b"import alpha\n" * 50, "beta-run": b"x"},
        executable=["beta-run"],
    ),
    make_wheel(
        "gamma",
        files={"gamma.so": Library().data()},
        tag="py3-none-manylinux_2_17_x86_64",
    ),
]
OWN = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'
    '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n',
    "tiny.py": TINY_BACKEND,
    "src/shop/__init__.py": "",
    "src/shop/api.py": "# a comment that any compressor can shorten\n" * 200,
    "src/shop/größe.txt": "non-ASCII",
    # So that the package is deflated.
    "src/shop/table.csv": "".join(f"{n},{n * n % 977}\n" for n in range(30_000)),
}
PLAIN = {name: content for name, content in OWN.items() if name.startswith("src/")} | {
    "run.sh": "#!/bin/sh\n"
}
# With commands around the bundling, and compiled files without what only debuggers read.
TREATED = PLAIN | {
    "wherry.toml": "strip = true\n[hooks]\n"
    'before = ["cp src/shop/api.py {output}/made.py"]\n'
    'after = ["echo 1 >> {output}/made.py; cp {output}/made.py {output}/a.py; rm {output}/alpha/data.bin"]\n'
}


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serve_index(WHEELS) as served:
        yield served


@pytest.fixture(scope="module", params=["plain", "built", "treated"])
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"plain": PLAIN, "built": OWN, "treated": TREATED}[request.param]


def built(
    project: Path, store: Path, *, python: str = sys.executable, umask: int = 0o022, **env: str
) -> str:
    """The digest of the package, built by a process of its own with an empty store."""
    done = subprocess.run(
        [
            python,
            "-m",
            "wherry",
            "build",
            "--json",
            "--runtime",
            "python3.12",
            "--project",
            str(project),
        ],
        env={**os.environ, "WHERRY_CACHE_DIR": str(store), **env},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    assert done.returncode == 0, done.stderr
    package = json.loads(done.stdout)["packages"][0]
    assert package["changed"] is True
    return str(package["sha256"])


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, index: Index, files: dict[str, str]) -> str:
    folder = tmp_path_factory.mktemp("reference")
    return built(make_project(folder / "reference", index, WHEELS, files=files), folder / "store")


def other(place: Path, index: Index, files: dict[str, str], *, backwards: bool = False) -> Path:
    ordered = dict(reversed(files.items())) if backwards else files
    return make_project(place, index, WHEELS, files=ordered)


def test_another_place_umask_time_zone_and_locale(
    tmp_path: Path, index: Index, files: dict[str, str], reference: str
) -> None:
    """D6: the same project in two folders gives the same digest."""
    project = other(tmp_path / "another" / "much longer place", index, files, backwards=True)
    digest = built(
        project,
        tmp_path / "store",
        umask=0o077,
        TZ="Pacific/Kiritimati",
        LC_ALL="C",
        LANG="C",
        PYTHONHASHSEED="7",
        SOURCE_DATE_EPOCH="1",
    )
    assert digest == reference


def test_files_with_other_modes_and_times(
    tmp_path: Path, index: Index, files: dict[str, str], reference: str
) -> None:
    """S7: modes are 0644 or 0755, whatever the checkout's umask made of them."""
    project = other(tmp_path / "modes", index, files)
    for path in project.rglob("*"):
        os.utime(path, (10**9, 10**9))
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert built(project, tmp_path / "store") == reference


@pytest.mark.real
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_another_python(
    tmp_path: Path, index: Index, files: dict[str, str], reference: str, version: str
) -> None:
    python = find_python(version)
    # Wherry and its pure dependencies are imported from here by the other interpreter, compiled ones from PyPI.
    site = [path for path in sys.path if path.endswith("site-packages")]
    places = os.pathsep.join([compiled_parts(python), str(Path(wherry.__file__).parents[1]), *site])
    project = other(tmp_path / "project", index, files)
    assert built(project, tmp_path / "store", python=python, PYTHONPATH=places) == reference


def test_another_zlib(tmp_path: Path, index: Index, files: dict[str, str], reference: str) -> None:
    """Two builds of zlib compress differently, and the package does not show it."""
    from zlib_ng import zlib_ng

    sample = OWN["src/shop/api.py"].encode() + Path(__file__).read_bytes()
    assert zlib.compress(sample) != zlib_ng.compress(sample), "the two are one: nothing is proved"
    write_files(
        tmp_path / "site",
        {
            "sitecustomize.py": "import sys\nfrom zlib_ng import zlib_ng\nsys.modules['zlib'] = zlib_ng\n"
        },
    )
    check = subprocess.run(
        [sys.executable, "-c", "import zlib; print(zlib.__name__)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "zlib_ng" in check.stdout
    project = other(tmp_path / "project", index, files)
    assert built(project, tmp_path / "store", PYTHONPATH=str(tmp_path / "site")) == reference


def test_an_edit_is_another_digest_and_undoing_it_the_first(
    tmp_path: Path, index: Index, files: dict[str, str], reference: str
) -> None:
    """D5: an edit that keeps a file's size and time is noticed."""
    project = other(tmp_path / "project", index, files)
    store = tmp_path / "store"
    assert built(project, store) == reference
    source = project / "src" / "shop" / "api.py"
    content, times = source.read_bytes(), source.stat()
    source.write_bytes(content.replace(b"comment", b"cOmment"))
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert built(project, store) != reference
    source.write_bytes(content)
    assert built(project, store) == reference


def test_building_twice_leaves_nothing_stale(
    tmp_path: Path, index: Index, files: dict[str, str]
) -> None:
    """A5: a file that was removed is gone from the package."""
    import zipfile

    project = other(tmp_path / "project", index, files | {"src/shop/old.py": "OLD = 1\n"})
    store = tmp_path / "store"
    built(project, store)
    (project / "src" / "shop" / "old.py").unlink()
    built(project, store)
    with zipfile.ZipFile(project / "dist" / "lambda" / "shop.zip") as archive:
        assert not [name for name in archive.namelist() if "old" in name]
    shutil.rmtree(store)
