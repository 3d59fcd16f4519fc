"""Start-up is a feature: what an import loads is counted in modules, which no busy machine changes."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "aws_cdk",
    "boto3",
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


def test_help_of_build_loads_nothing_heavy() -> None:
    loaded = loaded_by("from wherry.cli import run; run(['build', '--help'])")
    assert not loaded & HEAVY


def test_using_the_public_names_is_what_loads() -> None:
    loaded = loaded_by("import wherry; wherry.build")
    assert "wherry.pipeline" in loaded
    assert not loaded & {"requests", "pypi_simple", "rich", "packaging", "pathspec"}
