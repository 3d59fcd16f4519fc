"""Several functions from one project, through the command line."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from support.backends import obedient_project
from support.projects import make_project, pylock_for, write_files
from support.tools import run_uv
from support.wheels import make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Finished, Wherry
    from support.index import Index

ALPHA = make_wheel(
    "alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n", "alpha/data/big.json": b"{}"}
)
PIP = make_wheel("pip", "25.0")
PIP_AUDIT = make_wheel("pip_audit", "2.0")
FOO_BAR = make_wheel("Foo_Bar", "3.0")
PYPROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'


def members(project: Path, name: str) -> list[str]:
    """The files of a written package, without dist-info folders."""
    found = unzipped(project / "dist" / "lambda" / f"{name}.zip")
    return [path for path in found if ".dist-info/" not in path]


def read(project: Path, name: str, path: str) -> bytes:
    return unzipped(project / "dist" / "lambda" / f"{name}.zip")[path]


def packages(done: Finished) -> dict[str, dict[str, Any]]:
    assert done.code == 0, done.err
    return {package["name"]: package for package in done.document["packages"]}


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    made = [ALPHA, PIP, PIP_AUDIT, FOO_BAR]
    index.add(*made)
    return make_project(wherry.cwd, index, made)


def test_functions_and_a_layer(project: Path, wherry: Wherry) -> None:
    """A3, S7: and building again, or with an empty store, gives the same bytes."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:x:3"
    write_files(
        project,
        {
            "wherry.toml": (
                f'[functions.api]\nlayers = ["dependencies", "{arn}"]\nhandler = "shop.api.handler"\n'
                '[functions.audit]\ninclude = ["pip*"]\nexclude = ["pip"]\nproject = false\n'
                '[layers.dependencies]\nexclude = ["pip", "foo-bar"]\n'
            )
        },
    )
    done = wherry("build", "--json", "--runtime", "python3.13")
    found = packages(done)
    assert list(found) == ["dependencies", "api", "audit"]
    assert found["api"]["layers"] == ["dependencies", arn]
    assert found["api"]["handler"] == "shop.api.handler"
    assert found["dependencies"]["kind"] == "layer"
    assert members(project, "dependencies") == [
        "python/alpha/__init__.py", "python/alpha/data/big.json", "python/pip_audit/__init__.py",
    ]  # fmt: skip
    assert members(project, "api") == [
        "foo_bar/__init__.py", "pip/__init__.py", "shop/__init__.py", "shop/api.py",
    ]  # fmt: skip
    assert members(project, "audit") == ["pip_audit/__init__.py"]
    both = found["api"]["unzipped_size"] + found["dependencies"]["unzipped_size"]
    assert found["api"]["unzipped_size_with_layers"] == both
    again = packages(wherry("build", "--json", "--runtime", "python3.13"))
    anew = packages(
        wherry(
            "build", "--json", "--runtime", "python3.13", WHERRY_CACHE_DIR=str(project.parent / "s")
        )
    )
    for other in (again, anew):
        assert {name: package["sha256"] for name, package in other.items()} == {
            name: package["sha256"] for name, package in found.items()
        }
        assert not any(package["changed"] for package in other.values())


def test_what_it_says_of_several(project: Path, wherry: Wherry) -> None:
    write_files(project, {"wherry.toml": '[functions.api]\nlayers = ["deps"]\n[layers.deps]\n'})
    done = wherry("build")
    assert done.out == "dist/lambda/deps.zip\ndist/lambda/api.zip\n"
    assert "Wrote layer dist/lambda/deps.zip for " in done.err
    assert "  layers deps\n" in done.err
    assert " with its layers, " in done.err
    assert "2 packages, 2 written, in " in done.err


def test_some_by_name(project: Path, wherry: Wherry) -> None:
    """A function's layers are built with it."""
    write_files(
        project,
        {
            "wherry.toml": '[functions.api]\nlayers = ["deps"]\n[functions.jobs]\n[layers.deps]\n[layers.x]\n'
        },
    )
    done = wherry("build", "api", "--quiet")
    assert done.out == "dist/lambda/deps.zip\ndist/lambda/api.zip\n"
    assert (
        wherry("build", "x", "jobs", "--quiet").out == "dist/lambda/x.zip\ndist/lambda/jobs.zip\n"
    )


def test_files_renames_and_extra_paths(project: Path, wherry: Wherry) -> None:
    """S6: by pattern, by expression, under other names, from elsewhere."""
    write_files(
        project,
        {
            ".gitignore": "instance/\n",
            "instance/settings.cfg": "KEY = 1\n",
            "conf/prod.toml": "[prod]\n",
            "tools/run.sh": "#!/bin/sh\n",
            "../beside/shared.py": "SHARED = 1\n",
            "wherry.toml": (
                'exclude = ["/conf/", "/tools/"]\n'
                "[functions.api]\n"
                'include = ["alpha", "f*o_bar"]\n'
                'exclude-files = ["alpha/data/"]\n'
                'exclude-regex = [".*__init__"]\n'
                'rename = { "shop/api.py" = "index.py" }\n'
                'extra-paths = ["instance", {path = "conf/prod.toml", to = "config.toml"}, '
                '{path = "conf", to = "all/"}, {path = "../beside", to = ""}, "../beside/shared.py"]\n'
                "[layers.tools]\ninclude = []\n"
                'extra-paths = [{path = "tools/run.sh", to = "/bin/"}, {path = "conf", to = "settings"}]\n'
            ),
        },
    )
    (project / "tools/run.sh").chmod(0o755)
    assert wherry("build").code == 0
    assert members(project, "api") == [
        "all/prod.toml", "config.toml", "index.py", "instance/settings.cfg", "shared.py",
    ]  # fmt: skip
    assert members(project, "tools") == ["bin/run.sh", "python/settings/prod.toml"]
    with zipfile.ZipFile(project / "dist/lambda/tools.zip") as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert modes == {"bin/run.sh": 0o755, "python/settings/prod.toml": 0o644}


def test_an_edit_of_an_extra_path_is_seen(project: Path, wherry: Wherry) -> None:
    """A5: and so is a file that went, and one that became executable."""
    write_files(
        project,
        {
            "wherry.toml": '[functions.api]\nextra-paths = ["data"]\n',
            ".gitignore": "data/\n",
            "data/a": "1",
            "data/b": "1",
        },
    )

    def changed() -> bool:
        return bool(packages(wherry("build", "--json"))["api"]["changed"])

    assert changed()
    assert not changed()
    write_files(project, {"data/a": "2"})
    assert changed()
    assert read(project, "api", "data/a") == b"2"
    (project / "data/b").unlink()
    assert changed()
    assert "data/b" not in members(project, "api")
    (project / "data/a").chmod(0o755)
    assert changed()
    assert not changed()


def test_what_the_runtime_provides(index: Index, wherry: Wherry) -> None:
    """B2: in settings, with all that it needs."""
    made = [
        make_wheel("boto3", requires=["botocore", "s3transfer"]),
        make_wheel("botocore", requires=["urllib3"]),
        make_wheel("s3transfer", requires=["botocore"]),
        make_wheel("urllib3"),
        make_wheel("requests", requires=["urllib3"]),
    ]
    index.add(*made)
    project = make_project(wherry.cwd, index, made)
    write_files(project, {"wherry.toml": 'provided = ["Boto3", "urllib3"]\n[functions.api]\n'})
    api = packages(wherry("build", "--json"))["api"]
    assert api["provided"] == ["boto3", "botocore", "s3transfer", "urllib3"]
    assert [one["name"] for one in api["distributions"]] == ["requests", "shop"]
    assert packages(wherry("build", "--json"))["api"]["provided"] == api["provided"]
    write_files(project, {"wherry.toml": 'provided = ["boto3"]\n[functions.api]\n'})
    done = wherry("build")
    assert done.code == 1
    assert done.error == (
        "error: `api` would ship a part of what the runtime provides by its settings\n"
        "  ╰─▶ `requests` needs `urllib3`, and so does `botocore`, which the runtime provides\n"
        'hint: say that the runtime provides these too, provided = ["boto3", "urllib3"], or ship all: '
        "take `boto3` out of `provided`\n"
    )


def test_extra_distributions(index: Index, wherry: Wherry) -> None:
    """S6: resolved by uv, in versions that agree with the lock."""
    beta = [make_wheel("beta", version) for version in ("1.0", "2.0")]
    index.add(
        ALPHA,
        *beta,
        make_wheel("server", "5.0", requires=["beta>=1", "alpha"]),
        make_wheel("alpha", "9.0"),
    )
    project = make_project(wherry.cwd, index, [ALPHA, beta[0]])
    write_files(
        project,
        {"wherry.toml": '[functions.api]\nextra-distributions = ["server"]\n[functions.jobs]\n'},
    )
    done = wherry("build", "--json", UV_DEFAULT_INDEX=index.simple)
    found = packages(done)
    assert [(one["name"], one["version"]) for one in found["api"]["distributions"]] == [
        ("alpha", "1.2"), ("beta", "1.0"), ("server", "5.0"), ("shop", "1.0"),
    ]  # fmt: skip
    assert [one["name"] for one in found["jobs"]["distributions"]] == ["alpha", "beta", "shop"]
    assert "the build is not locked as a whole: `server` of `extra-distributions`" in done.err
    write_files(project, {"wherry.toml": '[functions.api]\nextra-distributions = ["beta>=2"]\n'})
    done = wherry("build", UV_DEFAULT_INDEX=index.simple)
    assert done.code == 1
    assert done.error == (
        "error: `beta>=2` of `extra-distributions` cannot be installed together with what the lock has\n"
        "  ├─▶ No solution found when resolving dependencies\n"
        "  ╰─▶ Because you require beta>=2 and beta==1.0, we can conclude that your requirements are "
        "unsatisfiable.\n"
        "hint: ask for another version, or make it a dependency and lock again\n"
    )


def uv_project(wherry: Wherry, index: Index) -> dict[str, str]:
    index.add(ALPHA, PIP, FOO_BAR)
    write_files(
        wherry.cwd,
        {
            "pyproject.toml": (
                '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
                'dependencies = ["alpha"]\n[project.optional-dependencies]\nmore = ["foo-bar"]\n'
                '[dependency-groups]\ndev = []\nops = ["pip"]\n'
            ),
            "shop/__init__.py": "",
        },
    )
    env = {"UV_DEFAULT_INDEX": index.simple}
    run_uv("lock", cwd=wherry.cwd, env=env)
    return env


def test_groups_and_extras_of_each_function(index: Index, wherry: Wherry) -> None:
    env = uv_project(wherry, index)
    write_files(
        wherry.cwd,
        {
            "wherry.toml": (
                'groups = ["ops"]\n[functions.a]\n[functions.b]\ngroups = []\nextras = ["more"]\n'
                "[functions.c]\ngroups = []\n"
            )
        },
    )
    found = packages(wherry("build", "--json", **env))
    names = {name: [one["name"] for one in p["distributions"]] for name, p in found.items()}
    assert names == {
        "a": ["alpha", "pip", "shop"],
        "b": ["alpha", "foo-bar", "shop"],
        "c": ["alpha", "shop"],
    }


def test_extra_distributions_of_a_project_that_uv_locked(index: Index, wherry: Wherry) -> None:
    """The project itself is in the lock, and on no index. (S6)"""
    env = uv_project(wherry, index)
    index.add(make_wheel("server", "5.0", requires=["alpha"]))
    write_files(wherry.cwd, {"wherry.toml": '[functions.a]\nextra-distributions = ["server"]\n'})
    found = packages(wherry("build", "--json", **env))
    assert [one["name"] for one in found["a"]["distributions"]] == ["alpha", "server", "shop"]


def test_a_function_for_each_member_of_a_workspace(index: Index, wherry: Wherry) -> None:
    """A layer of what they share; a member that another depends on is bundled. (B3)"""
    index.add(ALPHA, PIP, FOO_BAR)
    member = (
        '[project]\nname = "{}"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = {}\n'
    )
    write_files(
        wherry.cwd,
        {
            "pyproject.toml": (
                '[tool.uv.workspace]\nmembers = ["api", "jobs", "core"]\n'
                '[tool.wherry.functions.api]\npackage = "api"\nlayers = ["shared"]\nhandler = "api_code.handler"\n'
                '[tool.wherry.functions.jobs]\npackage = "jobs"\nlayers = ["shared"]\n'
                '[tool.wherry.layers.shared]\npackage = "api"\ninclude = ["alpha"]\n'
            ),
            "api/pyproject.toml": member.format("api", '["alpha", "core"]')
            + "[tool.uv.sources]\ncore = { workspace = true }\n",
            "api/api_code.py": "def handler(event, context): ...\n",
            "jobs/pyproject.toml": member.format("jobs", '["alpha", "pip"]'),
            "jobs/jobs_code.py": "",
        },
    )
    obedient_project(wherry.cwd / "core", name="core", files={"core_code.py": b""})
    env = {"UV_DEFAULT_INDEX": index.simple}
    run_uv("lock", cwd=wherry.cwd, env=env)
    found = packages(wherry("build", "--json", **env))
    names = {name: [one["name"] for one in p["distributions"]] for name, p in found.items()}
    assert names["shared"] == ["alpha"]
    assert names["jobs"] == ["jobs", "pip"]
    assert set(names["api"]) == {"api", "core"}
    assert "api_code.py" in members(wherry.cwd, "api")
    assert "jobs_code.py" not in members(wherry.cwd, "api")
    again = packages(wherry("build", "--json", **env))
    assert not any(package["changed"] for package in again.values())


def test_path_dependencies_are_distributions(index: Index, wherry: Wherry) -> None:
    """B3: chosen by name as any other, and shared by a layer."""
    index.add(ALPHA)
    write_files(
        wherry.cwd,
        {
            "pyproject.toml": (
                f'{PYPROJECT.replace("3.9", "3.11")}dependencies = ["alpha", "beside"]\n'
                '[tool.uv.sources]\nbeside = { path = "../beside" }\n'
                '[tool.wherry.functions.api]\nlayers = ["deps"]\n'
                '[tool.wherry.layers.deps]\ninclude = ["Beside"]\n'
            ),
            "shop/__init__.py": "",
        },
    )
    obedient_project(wherry.cwd.parent / "beside", name="beside", files={"beside.py": b"B = 1\n"})
    env = {"UV_DEFAULT_INDEX": index.simple}
    run_uv("lock", cwd=wherry.cwd, env=env)
    assert packages(wherry("build", "--json", **env))
    assert members(wherry.cwd, "deps") == ["python/beside.py"]
    assert members(wherry.cwd, "api") == [
        "alpha/__init__.py",
        "alpha/data/big.json",
        "shop/__init__.py",
    ]
    for name in ("deps", "api"):
        data = (wherry.cwd / "dist/lambda" / f"{name}.zip").read_bytes()
        assert str(wherry.cwd).encode() not in data


def test_no_compiled_python_anywhere(project: Path, wherry: Wherry) -> None:
    """B4: neither in a function nor in a layer nor in what is added."""
    write_files(
        project,
        {
            "wherry.toml": '[functions.f]\nextra-paths = ["more"]\n[layers.l]\nproject = true\nextra-paths = ["more"]\n',
            "more/a.py": "", "more/__pycache__/a.cpython-313.pyc": "", "shop/__pycache__/api.cpython-313.pyc": "",
        },
    )  # fmt: skip
    assert wherry("build").code == 0
    for name in ("f", "l"):
        assert not [path for path in members(project, name) if "pyc" in path]


def test_a_lock_that_drops_everything_leaves_no_layer(
    project: Path, wherry: Wherry, index: Index
) -> None:
    """A5, D9: the layer is neither named nor taken any more."""
    write_files(project, {"wherry.toml": '[functions.api]\nlayers = ["deps"]\n[layers.deps]\n'})
    assert packages(wherry("build", "--json"))["api"]["layers"] == ["deps"]
    write_files(project, {"pylock.toml": pylock_for(index, [])})
    done = wherry("build", "--json")
    assert list(packages(done)) == ["api"]
    assert packages(done)["api"]["layers"] == []
    assert "note: layer `deps` is empty: it is not written, and no function takes it\n" in done.err


def test_functions_of_the_same_content_are_each_written(project: Path, wherry: Wherry) -> None:
    """Once composed and hashed, then copied; each is compared with what was there."""
    tables = "".join(
        f'[functions.f{number}]\nhandler = "shop.api.handler"\n' for number in range(4)
    )
    write_files(project, {"wherry.toml": tables})
    found = packages(wherry("build", "--json"))
    assert len({package["sha256"] for package in found.values()}) == 1
    folder = project / "dist/lambda"
    data = (folder / "f0.zip").read_bytes()
    assert {path.read_bytes() for path in folder.iterdir()} == {data}
    assert {path.stat().st_mode for path in folder.iterdir()} == {
        (folder / "f0.zip").stat().st_mode
    }
    assert len({path.stat().st_ino for path in folder.iterdir()}) == 4
    (folder / "f2.zip").write_bytes(b"another")
    (folder / "f3.zip").unlink()
    again = packages(wherry("build", "--json"))
    assert {name: package["changed"] for name, package in again.items()} == {
        "f0": False, "f1": False, "f2": True, "f3": True,
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {f"f{number}.zip" for number in range(4)}
    assert {path.read_bytes() for path in folder.iterdir()} == {data}
