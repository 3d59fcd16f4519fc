"""K1 to K8: constructs of the AWS CDK, synthesised by the real one without a container engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from support.cdk import ROOT, cdk_environment, cdk_python, run_app
from support.index import serve_index
from support.libraries import Library
from support.locks import content_hash
from support.projects import make_project, pylock_for, write_files
from support.tools import run_uv
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.index import Index

pytestmark = pytest.mark.real

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
COMPILED = [
    make_wheel(
        "gamma",
        files={"gamma.so": Library(machine=machine).data()},
        tag=f"py3-none-manylinux_2_17_{name}",
    )
    for machine, name in ((62, "x86_64"), (183, "aarch64"))
]
HANDLER = "def handler(event, context):\n    return event\n"
USER, PASSWORD = "reader", "top:secret@/x"
TOML = (
    '[functions.api]\nhandler = "shop.api.handler"\nlayers = ["deps"]\n'
    '[functions.web]\napp = "shop.web:app"\nlayers = ["deps"]\n[layers.deps]\n'
)
WEB = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'']\n"


def entries(folder: Path, index: Index) -> dict[str, str]:
    own = {"shop/__init__.py": "", "shop/api.py": HANDLER}
    hashed = f"alpha==1.2 --hash=sha256:{ALPHA.sha256}\n"
    pyproject = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["alpha"]\n'
    pipfile = {
        "_meta": {
            "hash": {},
            "pipfile-spec": 6,
            "requires": {},
            "sources": [{"name": "here", "url": index.simple, "verify_ssl": False}],
        },
        "default": {
            "alpha": {"hashes": [f"sha256:{ALPHA.sha256}"], "index": "here", "version": "==1.2"}
        },
        "develop": {},
    }
    poetry_project = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\nalpha = "*"\n'
    poetry = (
        '[[package]]\nname = "alpha"\nversion = "1.2"\noptional = false\npython-versions = "*"\n'
        f'files = [{{file = "{ALPHA.filename}", hash = "sha256:{ALPHA.sha256}"}}]\n'
        f'[package.source]\ntype = "legacy"\nurl = "{index.simple}"\nreference = "here"\n'
        f'[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "{content_hash(poetry_project)}"\n'
    )
    files = {
        "Requirements": {"requirements.txt": f"--index-url {index.simple}\n{hashed}"},
        "Pipenv": {"Pipfile.lock": json.dumps(pipfile)},
        "Poetry": {"poetry.lock": poetry, "pyproject.toml": poetry_project},
        "Pylock": {"pylock.toml": pylock_for(index, [ALPHA])},
        "Uv": {
            "pyproject.toml": f'{pyproject}[[tool.uv.index]]\nname = "here"\nurl = "{index.simple}"\ndefault = true\n'
        },
    }
    for name, given in files.items():
        write_files(folder / name, {**own, **given})
    run_uv("lock", "--quiet", cwd=folder / "Uv")
    return {name: str(folder / name) for name in files}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cdk")


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serve_index([ALPHA, *COMPILED]) as served:
        yield served


@pytest.fixture(scope="module")
def results(folder: Path, index: Index) -> dict[str, Any]:
    """One process with most scenarios: starting the CDK takes longer than all of them."""
    plain = make_project(folder / "plain", index, [ALPHA])
    write_files(plain, {"shop/web.py": WEB})
    options = write_files(
        folder / "options",
        {"index.py": HANDLER, "secret.py": "", "gone.py": "", "requirements.txt": ""},
    )
    project = shutil.copytree(plain, folder / "project")
    write_files(project, {"wherry.toml": f'runtime = "python3.13"\n{TOML}'})
    compiled = make_project(folder / "compiled", index)
    lock = tomllib.loads(pylock_for(index, COMPILED))
    first, second = lock["packages"]
    first["wheels"] += second["wheels"]
    write_files(compiled, {"pylock.toml": tomli_w.dumps({**lock, "packages": [first]})})
    stale = write_files(
        folder / "stale", {"index.py": HANDLER, "requirements.txt": "alpha @@ beta\n"}
    )
    out = str(folder / "out")
    secret = folder / "secret"
    login = f"http://{USER}:{PASSWORD.replace('@', '%40').replace('/', '%2F').replace(':', '%3A')}@"
    write_files(
        secret,
        {
            "index.py": HANDLER,
            "requirements.txt": f"alpha==1.2 --hash=sha256:{ALPHA.sha256}\n",
        },
    )
    return run_app(
        {
            "not_bundled": {"folder": out, "entry": str(folder / "nowhere")},
            "formats": {"folder": out, "entries": entries(folder, index)},
            "function": {"folder": out, "entry": str(plain)},
            "again": {"scenario": "function", "folder": out, "entry": str(plain), "name": "again"},
            "source": {
                "scenario": "function",
                "folder": out,
                "entry": str(plain),
                "name": "source",
                "bundling": {"asset_hash_type": "SOURCE"},
            },
            "arm": {
                "scenario": "function",
                "folder": out,
                "entry": str(compiled),
                "name": "arm",
                "architecture": "ARM_64",
            },
            "private": {
                "scenario": "function",
                "folder": out,
                "entry": str(secret),
                "name": "private",
                "index": "index.py",
                "bundling": {
                    "build_args": {"PIP_INDEX_URL": index.simple.replace("http://", login)}
                },
            },
            "alpha_options": {"folder": out, "entry": str(options)},
            "layers": {"folder": out, "entry": str(plain), "project": str(project)},
            "many": {"folder": out, "entry": str(plain)},
            "errors": {
                "folder": out,
                "cases": {
                    "no index": {"entry": str(plain)},
                    "wrong runtime": {"entry": str(options), "runtime": "NODEJS_22_X"},
                    "lock": {"entry": str(stale)},
                    "option": {"entry": str(options), "bundling": {"asset_exclude": []}},
                    "command": {"entry": str(options), "bundling": {"command": ["x"]}},
                    "app": {"entry": str(options), "app": "index:app", "index": "index.py"},
                    "compiled layer": {"entry": str(compiled), "layer": True},
                },
            },
        },
        cwd=folder,
        store=folder / "store",
    )


def names(result: dict[str, Any], construct: str) -> set[str]:
    key = result["resources"][construct]["key"]
    with zipfile.ZipFile(Path(result["folder"]) / f"asset.{key}") as archive:
        return set(archive.namelist())


def test_every_format_of_locks(results: dict[str, Any]) -> None:
    """K3."""
    found = results["formats"]
    for construct in ("Requirements", "Pipenv", "Poetry", "Pylock", "Uv"):
        assert {"shop/api.py", "alpha/__init__.py"} <= names(found, construct), construct


def test_a_function(results: dict[str, Any]) -> None:
    """K1."""
    properties = results["function"]["resources"]["Api"]["properties"]
    assert properties["Handler"] == "shop.api.handler"
    assert (properties["Runtime"], properties["MemorySize"]) == ("python3.13", 512)
    assert properties["Environment"] == {"Variables": {"A": "1"}}
    assert (
        results["function"]["resources"]["Api"]["key"]
        == results["again"]["resources"]["Api"]["key"]
    )


def test_the_digest_of_the_inputs_as_the_asset(results: dict[str, Any]) -> None:
    """K4."""
    key = results["source"]["resources"]["Api"]["key"]
    assert key != results["function"]["resources"]["Api"]["key"]
    assert names(results["source"], "Api") == names(results["function"], "Api")


def test_options_of_the_alpha_constructs(results: dict[str, Any]) -> None:
    """K5, K8."""
    found = results["alpha_options"]
    assert names(found, "Api") == {"index.py", "made.txt"}
    assert names(found, "Below") == {"inner/index.py", "inner/gone.py"}
    assert found["resources"]["Api"]["properties"]["Timeout"] == 9


def test_layers(results: dict[str, Any]) -> None:
    """K2."""
    found = results["layers"]
    resources = found["resources"]
    assert {"python/alpha/__init__.py", "python/shop/api.py"} <= names(found, "Deps")
    layer = resources["Deps"]["properties"]
    assert layer["CompatibleRuntimes"] == ["python3.12", "python3.13"]
    assert layer["CompatibleArchitectures"] == ["arm64", "x86_64"]
    assert "python3.7" not in resources["ByDefault"]["properties"]["CompatibleRuntimes"]
    assert resources["Api"]["properties"]["Layers"] == [{"Ref": resources["Deps"]["id"]}]
    shared = [{"Ref": resources["Shop/deps"]["id"]}]
    for name in ("Shop/api", "Shop/web"):
        assert resources[name]["properties"]["Layers"] == shared
        assert not any(path.startswith("alpha/") for path in names(found, name))
    assert resources["Shop/web"]["properties"]["Handler"].endswith(".handler")
    assert resources["Code"]["key"] == resources["Api"]["key"]


def test_nothing_is_built_where_bundling_is_not_required(results: dict[str, Any]) -> None:
    found = results["not_bundled"]
    keys = {one["key"] for one in found["resources"].values()}
    assert len(keys) == 1
    size = sum(path.stat().st_size for path in Path(found["folder"]).rglob("*") if path.is_file())
    assert size < 100_000


def test_equal_requests_are_built_once(results: dict[str, Any]) -> None:
    found = results["many"]
    assert len({one["key"] for one in found["resources"].values()}) == 1
    assert found["rest"] < 2


def test_compiled_files_are_those_of_the_architecture(
    results: dict[str, Any], folder: Path
) -> None:
    """K6."""
    found = results["arm"]
    key = found["resources"]["Api"]["key"]
    with zipfile.ZipFile(Path(found["folder"]) / f"asset.{key}") as archive:
        assert archive.read("gamma.so")[18:20] == b"\xb7\x00"
    assert found["resources"]["Api"]["properties"]["Architectures"] == ["arm64"]


def test_no_password_is_in_the_assembly(results: dict[str, Any], folder: Path) -> None:
    """K7."""
    assert "alpha/__init__.py" in names(results["private"], "Api")
    secret = PASSWORD.replace("@", "%40").replace("/", "%2F").replace(":", "%3A")
    for path in (*Path(results["private"]["folder"]).rglob("*"), *(folder / "store").rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            assert PASSWORD.encode() not in data, path
            assert secret.encode() not in data, path


def test_errors_name_the_construct(results: dict[str, Any]) -> None:
    found = results["errors"]
    expected = {
        "no index": "there is no `index.py`",
        "wrong runtime": "unknown runtime `nodejs22.x`",
        "lock": "a requirement cannot be understood",
        "option": "`bundling` has no option `asset_exclude`",
        "command": "no container runs a whole build here",
        "app": "`app` takes the place",
        "compiled layer": "gamma",
    }
    for name, message in expected.items():
        assert message in found[name], found[name]
        assert "in the construct `S/Bad`" in found[name]
        assert found[name].startswith("wherry.errors.")
    assert found["option"].rstrip().endswith("did you mean `asset_excludes`?")


def test_the_same_keys_from_another_checkout(
    results: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    """K4: another folder, umask and time zone; all files touched; then one byte edited."""
    plain = Path(shutil.copytree(folder / "plain", tmp_path / "elsewhere" / "copy"))
    for path in plain.rglob("*"):
        os.utime(path)
    first = _function(plain, tmp_path / "1", folder, umask=0o077, TZ="Asia/Tokyo")
    assert first["resources"]["Api"]["key"] == results["function"]["resources"]["Api"]["key"]
    assert first["version"] == results["function"]["version"]
    (plain / "shop/api.py").write_text(HANDLER + "# edited\n")
    second = _function(plain, tmp_path / "2", folder)
    assert second["resources"]["Api"]["key"] != first["resources"]["Api"]["key"]
    assert second["version"] != first["version"]


def _function(
    entry: Path, out: Path, folder: Path, *, umask: int = -1, **env: str
) -> dict[str, Any]:
    out.mkdir()
    case = {"folder": str(out), "entry": str(entry)}
    store = folder / "store"
    found: dict[str, Any] = run_app({"function": case}, cwd=out, store=store, umask=umask, **env)
    return found["function"]  # type: ignore[no-any-return]


def test_the_types(tmp_path: Path) -> None:
    """Strictly, with the types of the CDK."""
    done = subprocess.run(
        [cdk_python(), "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "-p", "wherry.cdk"],
        cwd=tmp_path,
        env={**cdk_environment(tmp_path / "store"), "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_is_that_of_the_tests(tmp_path: Path) -> None:
    """What is tested is this checkout."""
    done = subprocess.run(
        [cdk_python(), "-c", "import wherry; print(wherry.__file__)"],
        env=cdk_environment(tmp_path / "store"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(ROOT)
    assert sys.version_info >= (3, 11)
