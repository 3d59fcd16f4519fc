"""The lines that are suggested save what is told: each is applied to a project that is built."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import wherry
from support.libraries import Library
from support.projects import make_project, write_files
from support.wheels import make_wheel
from support.zips import HANDLER, installed, write_package
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.index import Index
    from wherry.inspect.model import Inspected, Suggestion

RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that cannot be compressed."""
    return random.Random(seed).randbytes(size)


def words(size: int, seed: int = 1) -> bytes:
    """A source text that is hardly smaller compressed."""
    return b"".join(b"v%d = %d\n" % (n, random.Random(seed + n).getrandbits(400)) for n in range(size // 130))  # fmt: skip


def service(name: str, seed: int) -> dict[str, bytes]:
    return {f"botocore/data/{name}/2020-01-01/service-2.json": noise(30_000, seed)}


DEBUGGED = replace(
    Library(),
    parts=tuple(
        replace(part, data=noise(90_000)) if part.name == ".debug_info" else part
        for part in Library().parts
    ),
)
WHEELS = [
    make_wheel("boto3", files={"boto3/__init__.py": b"import botocore"}, requires=["botocore"]),
    make_wheel(
        "botocore",
        files={"botocore/__init__.py": b"", **service("s3", 2), **service("ec2", 3), **service("sts", 4)},
        requires=["urllib3"],
    ),
    make_wheel(
        "urllib3",
        files={"urllib3/__init__.py": b"", "urllib3-1.0.data/scripts/url": b"#!python\n" + words(9000)},
    ),
    make_wheel(
        "dep",
        files={
            "dep/__init__.py": b"import urllib3, dep.big\ndef late():\n    import dep.kept.tests",
            "dep/big.py": words(60_000, 5),
            "dep/tests/test_dep.py": words(60_000),
            "dep/kept/tests/__init__.py": words(30_000, 7),
            "dep/types.pyi": words(60_000, 8),
            "dep/small.h": b"int x;",
            "dep/lib.so": DEBUGGED.data(),
        },
        requires=["urllib3"],
    ),
    make_wheel("idle", files={"idle/__init__.py": words(40_000, 9)}, requires=[]),
]  # fmt: skip
OWN = {
    "shop/__init__.py": "",
    "shop/api.py": f"import boto3, dep\ns3 = boto3.client('s3')\nfrom shop import big\n{HANDLER}",
    "shop/big.py": words(60_000, 11).decode(),
}


def settings(line: str = "") -> str:
    return f'check = "off"\n[functions.api]\nhandler = "shop.api.handler"\n{line}\n'


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    index.add(*WHEELS)
    root = tmp_path / "project"
    root.mkdir()
    make_project(root, index, WHEELS, files=OWN)
    for name in ("a", "[b]"):
        (root / "shop" / f"{name}.bin").write_bytes(noise(40_000, 12))
    return write_files(root, {"wherry.toml": settings()})


def look(project: Path, name: str = "") -> Inspected:
    store = Store(project.parent / "store")
    packages = wherry.inspect(project, store=store, runtime=RUNTIME).packages
    return next(package for package in packages if name in {"", package.name})


def test_each_line_saves_what_it_tells(project: Path) -> None:
    package = look(project)
    lines = {each.setting: each for each in package.suggestions}
    assert sorted(lines) == [
        'botocore-services = ["s3"]',
        'bytecode = "init"',
        'exclude = ["idle"]',
        'exclude-files = ["/shop/a.bin"]',
        'provided = ["boto3", "urllib3"]',
        'slim = ["tests", "stubs"]',
        "strip = true",
    ]
    for line, each in lines.items():
        assert each.table == "tool.wherry.functions.api"
        write_files(project, {"wherry.toml": settings(line)})
        after = look(project)
        # To the byte: what goes, and the headers of it.
        assert (package.size - after.size, package.unzipped_size - after.unzipped_size) == (
            each.size,
            each.unzipped_size,
        ), line
        # What is done is not suggested again.
        assert line not in {other.setting for other in after.suggestions}


def test_the_lines_of_a_layer_save_what_they_tell(project: Path) -> None:
    text = settings('layers = ["deps"]') + '[layers.deps]\ninclude = ["*"]\n'
    write_files(project, {"wherry.toml": text})
    package = look(project, "deps")
    lines = {each.setting: each for each in package.suggestions}
    assert {line.partition(" = ")[0] for line in lines} == {
        "botocore-services", "bytecode", "provided", "slim", "strip",
    }  # fmt: skip
    for line, each in lines.items():
        assert each.table == "tool.wherry.layers.deps"
        write_files(project, {"wherry.toml": f"{text}{line}\n"})
        after = look(project, "deps")
        saved = package.size - after.size, package.unzipped_size - after.unzipped_size
        assert saved == (each.size, each.unzipped_size), line


def test_lists_keep_what_they_have(project: Path) -> None:
    write_files(project, {"wherry.toml": settings('slim = ["stubs"]\nexclude = ["urllib3"]')})
    lines = {each.setting for each in look(project).suggestions}
    assert 'slim = ["stubs", "tests"]' in lines
    assert 'exclude = ["urllib3", "idle"]' in lines


def test_a_project_without_functions_has_lines_for_its_own_table(project: Path) -> None:
    write_files(project, {"wherry.toml": 'check = "off"\n'})
    suggestions = look(project).suggestions
    assert {each.table for each in suggestions} == {"tool.wherry"}
    assert 'functions.shop.exclude = ["idle"]' in {each.setting for each in suggestions}


def of_zip(tmp_path: Path, files: Mapping[str, bytes | str], **options: object) -> list[Suggestion]:
    write_package(tmp_path / "app.zip", files)
    report = wherry.inspect(
        files=[tmp_path / "app.zip"],
        handler="app.handler",
        runtime="python3.13",
        architecture="x86_64",
        store=Store(tmp_path / "store"),
        **options,  # type: ignore[arg-type]
    )
    return [each for package in report.packages for each in package.suggestions]


def test_a_layer_is_judged_by_all_functions_that_take_it(tmp_path: Path, index: Index) -> None:
    index.add(*WHEELS)
    functions = '[functions.{0}]\nhandler = "shop.{0}.handler"\nlayers = ["deps"]\n'
    make_project(
        tmp_path, index, WHEELS, files={
            "shop/api.py": f"import boto3\nboto3.client('s3')\n{HANDLER}",
            "shop/web.py": f"import boto3\nboto3.client('sqs')\nboto3.client('ec2')\n{HANDLER}",
            "wherry.toml": 'check = "off"\n[layers.deps]\ninclude = ["*"]\n' + functions.format("api") + functions.format("web"),
        },
    )  # fmt: skip
    options = {"store": Store(tmp_path / "store"), "runtime": RUNTIME}
    lines = [
        {each.setting for package in wherry.inspect(tmp_path, names=names, **options).packages for each in package.suggestions}  # type: ignore[arg-type]
        for names in ((), ("api",))
    ]  # fmt: skip
    # Both services are used, and what a function asks for that is not looked at is not known.
    assert not any("botocore-services" in line for each in lines for line in each)


@pytest.mark.parametrize("requires", ["boto3", 'boto3; extra == "aws"'])
def test_services_are_not_told_where_a_dependency_hides_one(tmp_path: Path, requires: str) -> None:
    files: dict[str, bytes | str] = {
        "app.py": f"import boto3, tool\nboto3.client('s3')\n{HANDLER}",
        **installed("boto3", requires=["botocore"]),
        **installed(
            "botocore", {"botocore/__init__.py": "", **service("s3", 1), **service("ec2", 2)}
        ),
        **installed("tool", {"tool/__init__.py": "import boto3\nboto3.client(name)"}, requires=[requires]),
    }  # fmt: skip
    assert not [each for each in of_zip(tmp_path, files) if "services" in each.text]
    files["tool/__init__.py"] = "import boto3\nboto3.client('ec2')"
    assert not [each for each in of_zip(tmp_path, files) if "services" in each.text]
    files["tool/__init__.py"] = "import boto3\nboto3.client('s3')"
    assert [each.setting for each in of_zip(tmp_path, files) if "services" in each.text] == [
        'botocore-services = ["s3"]'
    ]


def test_screens_and_graphics_processors(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "app.py": f"import cv2, xgboost\n{HANDLER}",
        **installed(
            "opencv-python",
            {"cv2/__init__.py": "", "cv2/qt/fonts/a.ttf": noise(30_000), "opencv_python.libs/libQt5Gui-1.so.5": noise(30_000, 2), "opencv_python.libs/libavcodec.so": noise(9000)},
        ),
        **installed("xgboost", requires=["nvidia-nccl-cu12"]),
        **installed("nvidia-nccl-cu12", {"nvidia/nccl/lib/libnccl.so.2": noise(50_000, 3)}),
    }  # fmt: skip
    found = {each.text: each.unzipped_size for each in of_zip(tmp_path, files)}
    screens = "windows of `opencv-python`, for which Lambda has no screen: require `opencv-python-headless` in its place"
    graphics = "libraries of graphics processors, which Lambda does not have: require `xgboost-cpu` in place of `xgboost`"
    assert found[screens] == 60_000
    assert found[graphics] > 50_000


def test_what_a_layer_has_too(tmp_path: Path) -> None:
    big = installed("grid", {"grid/__init__.py": words(40_000)})
    layer = write_package(tmp_path / "deps.zip", installed("grid", {"grid/__init__.py": words(40_000)}, folder="python/"))  # fmt: skip
    (found, *_) = of_zip(tmp_path, {"app.py": f"import grid\n{HANDLER}", **big}, layer_files=[layer])  # fmt: skip
    assert (found.text, found.setting) == (
        "distributions that a layer has, too (grid)",
        'exclude = ["grid"]',
    )
    assert found.unzipped_size == sum(len(data) for data in big.values())


def test_copies_of_libraries_and_of_own_data(tmp_path: Path) -> None:
    library = Library().data() + b"\0" * 20_000
    files: dict[str, bytes | str] = {
        "app.py": f"import fast\n{HANDLER}",
        "fast.cpython-313-x86_64-linux-gnu.so": library,
        "copy/fast.cpython-313-x86_64-linux-gnu.so": library,
        "data/one.bin": noise(30_000),
        **installed("grid", {"grid/__init__.py": "", "grid/one.bin": noise(30_000), "grid/two.bin": noise(30_000)}),
    }  # fmt: skip
    # Distributions open their data by their paths; the project's own copy of it can go.
    lines = [each.setting for each in of_zip(tmp_path, files) if "same content" in each.text]
    assert lines == [
        'exclude-files = ["/copy/fast.cpython-313-x86_64-linux-gnu.so", "/data/one.bin"]'
    ]
