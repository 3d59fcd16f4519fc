"""`wherry build` with the older tools' settings, unchanged. (D1, D5, D6, D10, S1, S8, S9)"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.projects import TINY_BACKEND, make_project, write_files
from support.wheels import make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from support.command import Wherry
    from support.index import Index

ALPHA = make_wheel("alpha", "1.2")
LAMBDA = make_wheel(
    "basic-lambda",
    "1.0",
    files={
        "basic_lambda/__init__.py": b"import alpha\n",
        "basic_lambda/README.md": b"# it\n",
        "basic_lambda_tools.py": b"",
    },
)
DROVER = """\
stages:
  staging:
    region_name: us-east-1
    function_name: basic-lambda
    compatible_runtime: python3.8
    function_file_patterns:
      - '^basic_lambda.*'
    function_extra_paths:
      - instance
    upload_bucket:
      region_name: us-east-1
      bucket_name: drover-examples
"""
SPINDRIFT = """\
package:
  type: flask
  name: yourwebapp
  entry: from yourwebapp.main import app
  runtime: python3.6

output:
  path: out/yourwebapp.zip
"""
RUNTIME = ("--runtime", "python3.13")


@cache
def installed() -> dict[str, str | bytes]:
    """The files of `pip install --target install basic_lambda`, as drover's documentation has it."""
    with tempfile.TemporaryDirectory() as folder:
        shelf, target = Path(folder, "shelf"), Path(folder, "install")
        LAMBDA.write(shelf)
        ALPHA.write(shelf)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index"]
        command += ["--find-links", str(shelf), "--target", str(target), "basic_lambda", "alpha"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP")}
        environment = {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        subprocess.run(command, check=True, env=environment)
        paths = [path for path in target.rglob("*") if path.is_file()]
        return {path.relative_to(target).as_posix(): path.read_bytes() for path in paths}


def drover_project(root: Path, *, settings: str = DROVER) -> Path:
    files = {
        "drover.yml": settings,
        "setup.py": "",
        "instance/config.toml": "a = 1\n",
        "instance/deep/x.txt": "x\n",
        "instance/__pycache__/x.pyc": "",
    }
    write_files(root, files)
    write_files(root / "install", installed())
    return root


DROVER_BUILD = ("build", "--config", "drover.yml", "--install-path", "install")


def test_drover_unchanged(wherry: Wherry) -> None:
    """The function, with the contents of extra paths at its root, and the layer with all else. (D1)"""
    drover_project(wherry.cwd)
    done = wherry(*DROVER_BUILD, "--stage", "staging", *RUNTIME, "--json")
    assert done.code == 0, done.err
    packages = {package["name"]: package for package in done.document["packages"]}
    assert {name: package["kind"] for name, package in packages.items()} == {
        "basic-lambda": "function",
        "basic-lambda-requirements": "layer",
    }
    assert packages["basic-lambda"]["layers"] == ["basic-lambda-requirements"]
    function = unzipped(wherry.cwd / "dist/lambda/basic-lambda.zip")
    layer = unzipped(wherry.cwd / "dist/lambda/basic-lambda-requirements.zip")
    assert sorted(function) == [
        "basic_lambda-1.0.dist-info/METADATA",
        "basic_lambda-1.0.dist-info/RECORD",
        "basic_lambda-1.0.dist-info/WHEEL",
        "basic_lambda/README.md",
        "basic_lambda/__init__.py",
        "basic_lambda_tools.py",
        "config.toml",
        "deep/x.txt",
    ]
    assert sorted(layer) == [
        "python/alpha-1.2.dist-info/METADATA",
        "python/alpha-1.2.dist-info/RECORD",
        "python/alpha-1.2.dist-info/WHEEL",
        "python/alpha/__init__.py",
    ]
    assert '[tool.wherry.functions.basic-lambda]\n  layers = ["basic-lambda-req' in done.err


def test_drover_again_writes_nothing(wherry: Wherry) -> None:
    """(D3, the building half)"""
    drover_project(wherry.cwd)
    assert wherry(*DROVER_BUILD, *RUNTIME).code == 0
    again = wherry(*DROVER_BUILD, *RUNTIME, "--json").document
    assert [package["changed"] for package in again["packages"]] == [False, False]


def test_drover_in_two_folders(wherry: Wherry, tmp_path: Path) -> None:
    """(D6)"""
    drover_project(wherry.cwd)
    drover_project(tmp_path / "elsewhere" / "shop")
    digests = []
    for root in (wherry.cwd, tmp_path / "elsewhere" / "shop"):
        command = ("build", "--project", root, "--config", root / "drover.yml")
        done = wherry(*command, "--install-path", root / "install", *RUNTIME, "--json")
        assert done.code == 0, done.err
        digests.append([package["sha256"] for package in done.document["packages"]])
    # The extra path starts at the project in both.
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("install/basic_lambda/__init__.py", ["basic-lambda"]),
        ("install/alpha/__init__.py", ["basic-lambda-requirements"]),
        ("instance/config.toml", ["basic-lambda"]),
    ],
)
@pytest.mark.parametrize("how", ["edit", "rename"])
def test_drover_notices(wherry: Wherry, path: str, how: str, changed: list[str]) -> None:
    """(D5; D4, the building half)"""
    drover_project(wherry.cwd)
    assert wherry(*DROVER_BUILD, *RUNTIME).code == 0
    file = wherry.cwd / path
    if how == "edit":
        file.write_bytes(bytes(reversed(file.read_bytes())))
    else:
        file.rename(file.with_name("renamed" + file.suffix))
    done = wherry(*DROVER_BUILD, *RUNTIME, "--json")
    assert done.code == 0, done.err
    assert [each["name"] for each in done.document["packages"] if each["changed"]] == changed


def test_drover_excludes_everywhere(wherry: Wherry) -> None:
    """Patterns of excludes apply to the function, the layer and the extra paths."""
    excludes = "    package_exclude_patterns: ['.*\\.md$', '.*/METADATA', 'deep/']\n"
    drover_project(wherry.cwd, settings=DROVER + excludes)
    assert wherry(*DROVER_BUILD, *RUNTIME).code == 0
    names = [
        name
        for package in ("basic-lambda", "basic-lambda-requirements")
        for name in unzipped(wherry.cwd / f"dist/lambda/{package}.zip")
    ]
    assert not [name for name in names if name.endswith((".md", "METADATA")) or "deep" in name]


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ((*DROVER_BUILD,), "unknown runtime `python3.8`", None),
        ((*DROVER_BUILD, "--stage", "prod", *RUNTIME), "there is no stage `prod`", None),
        (
            ("build", "--config", "nothing.yml", "--install-path", "install", *RUNTIME),
            "nothing.yml",
            None,
        ),
        (
            ("build", "--config", "drover.yml", "--install-path", "nowhere", *RUNTIME),
            "nowhere",
            "pip install --target nowhere",
        ),
        (("build", "--config", "bad.yml", "--install-path", "install", *RUNTIME), "bad.yml", None),
    ],
)
def test_drover_that_is_wrong(
    wherry: Wherry, arguments: tuple[str, ...], error: str, hint: str | None
) -> None:
    """(D10)"""
    drover_project(wherry.cwd)
    write_files(wherry.cwd, {"bad.yml": DROVER.replace("'^basic_lambda.*'", "'(unclosed'")})
    done = wherry(*arguments)
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    assert error in done.error
    assert hint is None or hint in done.error
    assert not (wherry.cwd / "dist").exists()


def spindrift_project(root: Path, index: Index, settings: str = SPINDRIFT) -> Path:
    flask = make_wheel("flask", "3.1.3", files={"flask/__init__.py": b"class Flask: ...\n"})
    apig = make_wheel("apig-wsgi", "2.20.0", files={"apig_wsgi/__init__.py": b""})
    index.add(flask, apig)
    files = {
        "yourwebapp/__init__.py": "",
        "yourwebapp/main.py": "from flask import Flask\napp = Flask('x')\n",
        "yourwebapp/jobs.py": "def run(event, context): ...\n",
    }
    make_project(root, index, [flask, apig], files=files)
    write_files(
        root,
        {
            "pyproject.toml": '[project]\nname = "yourwebapp"\nversion = "1.0"\n',
            "settings.spindrift": settings,
        },
    )
    return root


def test_spindrift_unchanged(wherry: Wherry, index: Index) -> None:
    """With the one flag that its runtime needs. (S1)"""
    spindrift_project(wherry.cwd, index)
    done = wherry("build", "--config", "settings.spindrift", *RUNTIME, "--json")
    assert done.code == 0, done.err
    (package,) = done.document["packages"]
    assert (package["name"], package["path"]) == ("yourwebapp", "out/yourwebapp.zip")
    assert package["handler"]
    assert {"yourwebapp/main.py", "flask/__init__.py"} <= set(
        unzipped(wherry.cwd / "out/yourwebapp.zip")
    )
    assert 'app = "yourwebapp.main:app"' in done.err


def test_spindrift_plain(wherry: Wherry, index: Index) -> None:
    """(S1)"""
    settings = (
        "package: {type: plain, entry: from yourwebapp.jobs import run, runtime: python3.12}\n"
    )
    spindrift_project(wherry.cwd, index, settings)
    done = wherry("build", "--config", "settings.spindrift", "--json")
    assert done.code == 0, done.err
    (package,) = done.document["packages"]
    assert package["handler"] == "yourwebapp.jobs.run"


def test_flags_win_over_the_file(wherry: Wherry, index: Index) -> None:
    """(S1)"""
    spindrift_project(wherry.cwd, index)
    flags = ("--name", "other", "--handler", "yourwebapp.jobs.run", "--output", "there/x.zip")
    done = wherry("build", "--config", "settings.spindrift", *RUNTIME, *flags, "--json")
    assert done.code == 0, done.err
    (package,) = done.document["packages"]
    assert (package["name"], package["path"]) == ("other", "there/x.zip")
    assert package["handler"] == "yourwebapp.jobs.run"


def test_flags_alone_say_the_same(wherry: Wherry, index: Index) -> None:
    """Byte for byte. (S1)"""
    spindrift_project(wherry.cwd, index)
    by_file = wherry("build", "--config", "settings.spindrift", *RUNTIME, "--json").document
    (wherry.cwd / "settings.spindrift").unlink()
    shutil.rmtree(wherry.cwd / "out")
    flags = ("--name", "yourwebapp", "--app", "yourwebapp.main:app", "--interface", "wsgi")
    done = wherry("build", *flags, *RUNTIME, "--output", "flags/yourwebapp.zip", "--json")
    assert done.code == 0, done.err
    assert done.document["packages"][0]["sha256"] == by_file["packages"][0]["sha256"]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (SPINDRIFT.replace("flask", "django"), "there is no type `django`"),
        (SPINDRIFT.replace("name: yourwebapp", "name: another"), "is for another project"),
        (SPINDRIFT.replace("import app", "import nothing"), "nothing"),
        (SPINDRIFT.replace("yourwebapp.main", "yourwebapp.missing"), "missing"),
        (SPINDRIFT, "unknown runtime `python3.6`"),
    ],
)
def test_spindrift_that_is_wrong(wherry: Wherry, index: Index, settings: str, error: str) -> None:
    """Unknown type, name, module, object or runtime: one clear error. (S9)"""
    spindrift_project(wherry.cwd, index, settings)
    runtime = () if "python3.6" in error else RUNTIME
    done = wherry("build", "--config", "settings.spindrift", *runtime)
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    assert error in done.error
    assert not (wherry.cwd / "out").exists()


def test_what_init_writes_builds_the_same(wherry: Wherry) -> None:
    """Byte for byte, and without an option. (D1)"""
    drover_project(wherry.cwd)
    options = (*DROVER_BUILD, *RUNTIME, "--json")
    by_file = wherry(*options).document["packages"]
    written = wherry("init", *RUNTIME, "--install-path", "install")
    assert (written.code, written.out) == (0, "wherry.toml\n"), written.err
    (wherry.cwd / "drover.yml").unlink()
    done = wherry("build", "--json")
    assert done.code == 0, done.err
    by_settings = done.document["packages"]
    assert [each["sha256"] for each in by_settings] == [each["sha256"] for each in by_file]
    assert [each["changed"] for each in by_settings] == [False, False]


def test_drover_with_a_lock(wherry: Wherry, index: Index) -> None:
    """Without an installed folder the same patterns split what the lock and the project give. (D1)"""
    index.add(ALPHA)
    files = {
        "basic_lambda/__init__.py": "",
        "instance/config.toml": "a = 1\n",
        "drover.yml": DROVER,
    }
    make_project(wherry.cwd, index, [ALPHA], files=files)
    done = wherry("build", "--config", "drover.yml", *RUNTIME, "--json")
    assert done.code == 0, done.err
    function = unzipped(wherry.cwd / "dist/lambda/basic-lambda.zip")
    assert sorted(function) == ["basic_lambda/__init__.py", "config.toml"]
    layer = unzipped(wherry.cwd / "dist/lambda/basic-lambda-requirements.zip")
    assert "python/alpha/__init__.py" in layer


def test_an_editable_project_is_bundled(wherry: Wherry) -> None:
    """`pip install --target install -e .`: its sources ship, and an edit of them is noticed. (S8, D5)"""
    drover_project(wherry.cwd)
    source = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n',
        "tiny.py": TINY_BACKEND,
        "src/basic_lambda_shop/__init__.py": "S = 1\n",
    }
    write_files(wherry.cwd / "own", source)
    info = "install/shop-1.0.dist-info"
    url = (wherry.cwd / "own").as_uri()
    write_files(
        wherry.cwd,
        {
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n",
            f"{info}/RECORD": "shop.pth,,\n",
            f"{info}/direct_url.json": f'{{"url": "{url}", "dir_info": {{"editable": true}}}}',
            "install/shop.pth": str(wherry.cwd / "own/src"),
        },
    )
    done = wherry(*DROVER_BUILD, *RUNTIME)
    assert done.code == 0, done.err
    function = unzipped(wherry.cwd / "dist/lambda/basic-lambda.zip")
    assert function["basic_lambda_shop/__init__.py"] == b"S = 1\n"
    everything = b"".join(
        [
            *function.values(),
            *unzipped(wherry.cwd / "dist/lambda/basic-lambda-requirements.zip").values(),
        ]
    )
    assert str(wherry.cwd).encode() not in everything
    write_files(wherry.cwd / "own", {"src/basic_lambda_shop/__init__.py": "S = 2\n"})
    assert wherry(*DROVER_BUILD, *RUNTIME).code == 0
    function = unzipped(wherry.cwd / "dist/lambda/basic-lambda.zip")
    assert function["basic_lambda_shop/__init__.py"] == b"S = 2\n"
