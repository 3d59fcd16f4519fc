"""The package of a folder as constructs of other tools ask for it; the constructs themselves are in tests/real."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from support.projects import write_files
from wherry.cli import main
from wherry.errors import SettingsError, WherryError
from wherry.pipeline.as_it_is import ships_as_it_is
from wherry.pipeline.bundling import Bundling, read_bundling
from wherry.pipeline.entry import answer_json, function_settings
from wherry.settings.model import ContainerOptions, Copy

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "index.py": "def handler(event, context): ...\n",
    "more.py": "",
    "requirements.txt": "",
    # Functions of the settings are not meant, and the rest is.
    "wherry.toml": 'exclude = ["notes.md"]\n[functions.a]\nhandler = "x.y"\n[functions.b]\n',
    "notes.md": "",
}


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHERRY_CACHE_DIR", str(tmp_path / "store"))
    return write_files(tmp_path / "api", FILES)


def answer(entry: Path, **query: object) -> dict[str, Any]:
    return answer_json(json.dumps({"entry": str(entry), "runtime": "python3.13", **query}))


def handler(root: Path, index: str, function: str | None) -> str | None:
    return function_settings(root, None, index, function, has_layers=False).handler


def names(answered: dict[str, Any]) -> set[str]:
    with zipfile.ZipFile(answered["path"]) as archive:
        return set(archive.namelist())


def test_a_function_of_the_folder(entry: Path, tmp_path: Path) -> None:
    found = answer(entry, bundling={"asset_excludes": ["more.py"]})
    assert names(found) == {"index.py"}
    assert (found["handler"], found["runtime"]) == ("index.handler", "python3.13")
    assert found["asset_hash"] is None
    assert found["path"].startswith(str(tmp_path / "store"))
    again = answer(entry, bundling={"asset_excludes": ["more.py"], "asset_hash_type": "SOURCE"})
    assert (again["path"], len(again["asset_hash"])) == (found["path"], 64)


def test_a_layer_with_its_own_code(entry: Path) -> None:
    found = answer(entry, layer=True, runtimes=["python3.12", "python3.13"])
    assert names(found) == {"python/index.py", "python/more.py"}
    below = answer(entry, layer=True, bundling={"output_path_suffix": "lib"})
    assert names(below) == {"lib/index.py", "lib/more.py"}


def test_what_is_missing_may_be_in_given_layers(entry: Path) -> None:
    (entry / "index.py").write_text("import beta\ndef handler(event, context): ...\n")
    assert "index.py" in names(answer(entry, layers=True))
    with pytest.raises(WherryError, match="IMP001"):
        answer(entry, layers=False)


def test_one_process_answers_line_by_line(entry: Path) -> None:
    queries = [{"entry": str(entry), "runtime": name} for name in ("python3.13", "nodejs22.x")]
    done = CliRunner().invoke(
        main, ["asset", "--lines"], input="".join(f"{json.dumps(one)}\n" for one in queries)
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["handler"] == "index.handler"
    assert second["error"].startswith("error: unknown runtime `nodejs22.x`")


def test_commands_of_one_list_share_a_shell(entry: Path) -> None:
    hooks = {"before": ["cd {output}", "echo 1 > made"], "after": ["rm {output}/more.py"]}
    assert names(answer(entry, bundling={"command_hooks": hooks})) == {"index.py", "made"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"index": "nope.py"}, "there is no `nope.py`"),
        ({"index": "index.txt"}, "not the path of a module"),
        ({"runtime": "nodejs22.x"}, "unknown runtime"),
        ({"bundling": {"asset_exclude": []}}, "has no option `asset_exclude`"),
        ({"bundling": {"command": ["x"]}}, "no container runs a whole build"),
        ({"bundling": {"container": "sometimes"}}, "`bundling` is wrong"),
        ({"bundling": {"asset_hash_type": "NEVER"}}, "cannot be `NEVER`"),
        ({"bundling": {"volumes": 3}}, "cannot be read"),
        ({"handler": 3}, "handler"),
    ],
    ids=str,
)
def test_what_is_wrong(entry: Path, query: dict[str, Any], message: str) -> None:
    with pytest.raises(WherryError) as caught:
        answer(entry, **query)
    assert message in str(caught.value)
    with pytest.raises(SettingsError):
        answer_json("{")


def test_a_project_that_is_installed_has_no_folder_src(tmp_path: Path) -> None:
    files = {"src/shop/api.py": "", "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n"}
    root = write_files(tmp_path / "shop", files)
    assert handler(root, "src/shop/api.py", "run") == "src.shop.api.run"
    with (root / "pyproject.toml").open("a") as file:
        file.write('[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n')
    assert handler(root, "./src/shop/api.py", None) == "shop.api.handler"


POETRY = '[tool.poetry]\nname = "my-function"\nversion = "1.0"\n{}[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
HATCH = '[project]\nname = "my-function"\nversion = "1.0"\n{}[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
SETUPTOOLS = '[project]\nname = "my-function"\nversion = "1.0"\n{}[build-system]\nrequires = ["setuptools"]\n'
UV = '[project]\nname = "my-function"\nversion = "1.0"\n{}[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n'


@pytest.mark.parametrize(
    ("pyproject", "more", "plain"),
    [
        (POETRY.format(""), {}, True),
        (POETRY.format('packages = [{include = "lib"}]\n'), {"lib/__init__.py": ""}, True),
        (POETRY.format('packages = [{include = "handlers"}]\n'), {}, False),
        (POETRY.format(""), {"my_function/__init__.py": ""}, True),
        (HATCH.format(""), {}, True),
        (HATCH.format('[tool.hatch.build.targets.wheel]\ninclude = ["/"]\n'), {}, False),
        (SETUPTOOLS.format(""), {}, False),
        (SETUPTOOLS.format(""), {"other/__init__.py": ""}, True),
        (SETUPTOOLS.format(""), {"src/lib/__init__.py": ""}, True),
        (UV.format(""), {}, True),
        ('[project]\nname = "my-function"\nversion = "1.0"\n', {}, False),
    ],
)
def test_a_folder_that_is_no_package_ships_as_it_is(
    pyproject: str, more: dict[str, str], plain: bool, tmp_path: Path
) -> None:
    """As the alpha constructs do with all; the build would fail, or leave the handler out."""
    files = {"handlers/__init__.py": "", "handlers/api.py": "", "pyproject.toml": pyproject, **more}
    root = write_files(tmp_path / "shop", files)
    assert ships_as_it_is(root, "./handlers/api.py") is plain


def test_the_package_of_such_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERRY_CACHE_DIR", str(tmp_path / "store"))
    files = {
        "index.py": FILES["index.py"],
        "src/more.py": "",
        "pyproject.toml": POETRY.format(""),
        "requirements.txt": "",
    }
    root = write_files(tmp_path / "shop", files)
    assert names(answer(root)) == {"index.py", "src/more.py"}
    assert names(answer(root, layer=True)) == {"python/index.py", "python/src/more.py"}
    (root / "src/index.py").write_text(FILES["index.py"])
    assert answer(root, index="src/index.py")["handler"] == "src.index.handler"


def test_options_of_the_alpha_constructs() -> None:
    volume = SimpleNamespace(
        host_path="/a", container_path="/b", consistency=SimpleNamespace(name="DELEGATED")
    )
    given = SimpleNamespace(
        image=SimpleNamespace(image="registry/build:1"),
        bundling_file_access=SimpleNamespace(name="VOLUME_COPY"),
        security_opt="no-new-privileges",
        volumes=[volume],
        environment={"A": "1"},
        build_args={"PIP_INDEX_URL": "https://x/simple"},
        poetry_include_hashes=True,
    )
    options = read_bundling(given).containers(ContainerOptions())
    assert (options.image, options.copy) == ("registry/build:1", Copy.VOLUME)
    assert options.security_opt == ("no-new-privileges",)
    assert options.environment == {"A": "1", "PIP_INDEX_URL": "https://x/simple"}
    assert read_bundling(None) == Bundling()
    with pytest.raises(SettingsError, match="`working_directory`"):
        read_bundling(Bundling(working_directory="/x"))
    kept = ContainerOptions(engine="podman")
    assert Bundling().containers(kept) is kept


def test_the_constructs_need_the_extra() -> None:
    """One clear error; nothing else of Wherry imports them, which the order of layers shows."""
    code = (
        "import sys\nsys.modules['aws_cdk'] = None\n"
        "try:\n    import wherry.cdk\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "`wherry.cdk` needs aws-cdk-lib, which is not installed: pip install 'wherry[cdk]'\n"
    )
