"""Well-known wheels are read as Python reads them, and packaged whole."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from wherry.bundle.archive import read_archive
from wherry.bundle.wheel import wheel_bundle
from wherry.bundle.writer import write_package
from wherry.store import Store

pytestmark = pytest.mark.real

# Between them, many build backends, and folders of data and scripts.
NAMES = [
    "attrs",
    "awscli",
    "boto3",
    "botocore",
    "certifi",
    "cffi",
    "cryptography",
    "django",
    "flit-core",
    "google-cloud-storage",
    "greenlet",
    "grpcio",
    "hatchling",
    "jupyterlab",
    "lxml",
    "maturin",
    "meson",
    "ninja",
    "notebook",
    "numpy",
    "opentelemetry-api",
    "orjson",
    "pandas",
    "pillow",
    "pip",
    "poetry-core",
    "protobuf",
    "psycopg2-binary",
    "pybind11",
    "pydantic-core",
    "pyyaml",
    "regex",
    "ruff",
    "scipy",
    "setuptools",
    "tzdata",
    "wheel",
    "widgetsnbextension",
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [find_uv_bin(), "run", "--no-project", "--with", "pip", "python", "-m", "pip", "download",
         "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *NAMES],
        check=True,
    )  # fmt: skip
    return sorted(folder.glob("*.whl"))


def test_they_are_read_as_python_reads_them(wheels: list[Path]) -> None:
    assert len(wheels) == len(NAMES)
    for path in wheels:
        with zipfile.ZipFile(path) as archive:
            expected = [
                (i.filename, i.file_size, i.compress_size, i.CRC, i.compress_type)
                for i in archive.infolist()
                if not i.is_dir()
            ]
        ours = [(m.name, m.size, m.compressed_size, m.crc, m.method) for m in read_archive(path)]
        assert ours == expected, path.name


def test_they_are_packaged_whole(wheels: list[Path], tmp_path: Path) -> None:
    """What is in the zip has the CRCs of what is in the wheel, but for scripts' first lines."""
    store = Store(tmp_path / "store")
    for path in wheels:
        stored = store.add(path)
        bundle = wheel_bundle(stored, filename=path.name, owner="real", store=store)
        assert wheel_bundle(stored, filename=path.name, owner="real", store=store) == bundle
        write_package(bundle, tmp_path / "x.zip")
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
        scripts = {i.filename for i in files if ".data/scripts/" in i.filename}
        expected = sorted(i.CRC for i in files if i.filename not in scripts)
        with zipfile.ZipFile(tmp_path / "x.zip") as archive:
            assert archive.testzip() is None
            crcs = {info.filename: info.CRC for info in archive.infolist()}
        for name in scripts:
            assert crcs.pop(f"bin/{Path(name).name}", None) is not None, name
        assert sorted(crcs.values()) == expected, path.name
