"""Start-up is a feature: what an import loads is counted in modules, which no busy machine changes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.projects import EMPTY_LOCK, write_files
from support.wheels import make_wheel
from wherry.cli import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    "anyio",
    "aws_cdk",
    "boto3",
    "botocore",
    "bs4",
    "concurrent.futures",
    "email.parser",
    "http.client",
    "packaging",
    "pathspec",
    "platformdirs",
    "pydantic",
    "pypi_simple",
    "requests",
    "yaml",
    "rich",
    "ssl",
    "subprocess",
    "tomllib",
    "urllib3",
    "watchfiles",
    "zipfile",
}


def loaded_by(code: str) -> set[str]:
    """The modules that are there after this code and were not there before."""
    script = (
        "import sys, json, io; before = set(sys.modules); out = sys.stdout; sys.stdout = io.StringIO()\n"
        f"{code}\n"
        "out.write(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_wherry_loads_nothing_heavy() -> None:
    loaded = loaded_by("import wherry")
    assert not loaded & HEAVY
    assert len(loaded) < 15


def test_help_loads_no_command_and_nothing_heavy() -> None:
    loaded = loaded_by("from wherry.cli import run; run(['--help'])")
    assert not loaded & HEAVY
    assert not {name for name in loaded if name.startswith("wherry.cli.build")}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    loaded = loaded_by(f"from wherry.cli import run; run(['{command}', '--help'])")
    assert not loaded & HEAVY


def test_building_loads_nothing_of_aws(tmp_path: Path) -> None:
    """Also where there are stages: they are for deployments."""
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n',
            "pylock.toml": EMPTY_LOCK,
            "wherry.toml": 'runtime = "python3.13"\n[stages.staging]\nregion = "eu-west-1"\n',
            "shop.py": "def handler(event, context): ...\n",
        },
    )
    loaded = loaded_by(
        f"import os; os.environ['WHERRY_CACHE_DIR'] = {str(tmp_path / 'store')!r}\n"
        f"from wherry.cli import run; assert run(['build', '--quiet', '--project', {str(tmp_path)!r}]) == 0"
    )
    assert (tmp_path / "dist/lambda/shop.zip").is_file()
    assert not loaded & {"boto3", "botocore"}
    assert not {name for name in loaded if name.startswith("wherry.aws")}


def test_using_the_public_names_is_what_loads() -> None:
    loaded = loaded_by("import wherry; wherry.build")
    assert "wherry.pipeline.build" in loaded
    assert not loaded & {"requests", "pypi_simple", "rich", "packaging", "pathspec"}


def test_a_private_index_is_told_from_pypi_without_the_library_that_asks_indexes() -> None:
    loaded = loaded_by(
        "from wherry.indexes.declared import is_pypi; assert not is_pypi('https://host/simple')"
    )
    assert not loaded & {"pypi_simple", "requests", "bs4"}


def test_a_plain_build_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """Commands, stripping and containers cost nothing where nobody asks for them."""
    (tmp_path / "main.py").write_text("def handler(event, context): ...\n")
    wheel = make_wheel("alpha")
    (tmp_path / wheel.filename).write_bytes(wheel.data)
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "alpha"\nversion = "1.0"\n'
        f"archive = {{path = {wheel.filename!r}, hashes = {{sha256 = {wheel.sha256!r}}}}}\n"
    )
    build = (
        "from pathlib import Path; import wherry; from wherry.store import Store; "
        f"wherry.build({str(tmp_path)!r}, store=Store(Path({str(tmp_path / 'store')!r})))"
    )
    # Once for good, once after an edit, and once with nothing to do.
    for text in ("def handler(event, context): ...\n", "def handler(event, context): 1\n", None):
        if text is not None:
            (tmp_path / "main.py").write_text(text)
        loaded = loaded_by(build)
        if text is None or text.endswith("1\n"):
            assert not loaded & {"packaging", "subprocess", "logging", "tempfile", "graphlib"}
        if text is None:
            assert not loaded & {"base64", "wherry.indexes.redact", "wherry.bundle.writer"}
        rooms = {name.split(".")[1] for name in loaded if name.startswith("wherry.")}
        assert "pipeline" in rooms
        assert "elf" not in rooms
        assert not {each for each in loaded if each.startswith("wherry.pipeline.hooks.")}
        assert not {each for each in loaded if each.startswith("wherry.pipeline.strip.")}
        assert "wherry.containers.engine" not in loaded
        assert "wherry.bundle.stripped" not in loaded


def test_a_build_with_nothing_to_do_compiles_no_expression_before_it_needs_it(
    tmp_path: Path,
) -> None:
    """The expressions of modules are text, which `re` compiles when one of them is first asked."""
    (tmp_path / "main.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "x"\npackages = []\n')
    build = (
        f"import os, re; os.environ['WHERRY_CACHE_DIR'] = {str(tmp_path / 'store')!r}\n"
        "from wherry.cli import run\n"
        f"assert run({['build', '--quiet', '--runtime', 'python3.13', '--project', str(tmp_path)]!r}) == 0\n"
        "print([f'{name}.{key}' for name, module in sys.modules.items() if name.startswith('wherry')"
        " for key, value in vars(module).items() if isinstance(value, re.Pattern)], file=sys.stderr)"
    )
    loaded_by(build)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{build}"], capture_output=True, text=True, check=True
    )
    # The one that every path is compared with.
    assert done.stderr.splitlines()[-1] == "['wherry.bundle.entry._UNSAFE']"


def test_a_digest_loads_little_more_than_a_build_with_nothing_to_do(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "pylock.toml").write_text('lock-version = "1.0"\ncreated-by = "x"\npackages = []\n')
    loaded = {}
    for command in ("build", "digest", "build", "digest"):
        words = [command, "--quiet", "--runtime", "python3.13", "--project", str(tmp_path)]
        loaded[command] = loaded_by(
            f"import os; os.environ['WHERRY_CACHE_DIR'] = {str(tmp_path / 'store')!r}\n"
            f"from wherry.cli import run; assert run({words!r}) == 0"
        )
    more = loaded["digest"] - loaded["build"]
    assert not more & HEAVY
    assert len(more) < 25
    assert {name for name in more if not name.startswith("wherry.")} <= {
        "_csv",
        "_struct",
        "base64",
        "binascii",
        "csv",
        "struct",
    }
