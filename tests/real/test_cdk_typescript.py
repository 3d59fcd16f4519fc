"""The constructs for TypeScript, compiled, and used with the real command line of the CDK."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.cdk import CLI, ROOT, run_app
from support.index import serve_index
from support.npm import node_modules
from support.projects import make_project, write_files
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
APP = """\
const cdk = require("aws-cdk-lib");
const lambda = require("aws-cdk-lib/aws-lambda");
const { PythonFunction, PythonLayerVersion } = require("./module/dist/index.js");
const app = new cdk.App();
const stack = new cdk.Stack(app, "S");
const runtime = lambda.Runtime.PYTHON_3_13;
new PythonFunction(stack, "Api", { entry: "shop", runtime, index: "shop/api.py", memorySize: 512 });
new PythonLayerVersion(stack, "Deps", { entry: "shop", compatibleRuntimes: [runtime] });
new PythonFunction(stack, "Hooks", {
  entry: "shop", runtime, index: "shop/api.py",
  bundling: {
    assetExcludes: ["shop/more.py"],
    commandHooks: {
      beforeBundling: (from, to) => [`cd ${from}`, `cp pylock.toml ${to}/copied.toml`],
      afterBundling: () => [],
    },
  },
});
if (process.env.BAD) new PythonFunction(stack, "Bad", { entry: "shop", runtime, index: "nope.py" });
app.synth();
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An application with the package, compiled as it would be published."""
    root = tmp_path_factory.mktemp("typescript")
    with serve_index([ALPHA]) as index:
        make_project(root / "shop", index, [ALPHA])
        write_files(root / "shop", {"shop/more.py": ""})
        write_files(
            root, {"package.json": "{}", "app.js": APP, "cdk.json": '{"app": "node app.js"}'}
        )
        module = ROOT / "integrations" / "cdk-typescript"
        ignored = shutil.ignore_patterns("node_modules", "dist", "package-lock.json")
        shutil.copytree(module, root / "module", ignore=ignored)
        (root / "node_modules").symlink_to(node_modules(*CLI))
        _run(root, "node_modules/.bin/tsc", "--project", "module")
        yield root


def _run(root: Path, *command: str, **env: str) -> str:
    home = root / ".home"
    home.mkdir(exist_ok=True)
    commands = root / "commands"
    commands.mkdir(exist_ok=True)
    wherry = commands / "wherry"
    if not wherry.exists():
        wherry.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wherry "$@"\n')
        wherry.chmod(0o755)
    done = subprocess.run(
        command,
        cwd=root,
        env={
            **os.environ,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "WHERRY_CACHE_DIR": str(root / "store"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            **env,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout + done.stderr
    assert done.returncode == ("BAD" in env), text
    return text


def _cdk(root: Path, *arguments: str, **env: str) -> str:
    options = ("--no-notices", "--output", "cdk.out")
    return _run(root, "node_modules/.bin/cdk", *arguments, *options, **env)


def _template(root: Path) -> dict[str, Any]:
    resources = json.loads((root / "cdk.out/S.template.json").read_text())["Resources"]
    return {
        resource["Metadata"]["aws:cdk:path"].split("/")[1]: resource["Properties"]
        for resource in resources.values()
        if resource["Type"].startswith("AWS::Lambda")
    }


def _names(root: Path, key: str) -> set[str]:
    with zipfile.ZipFile(root / "cdk.out" / f"asset.{key}") as archive:
        return set(archive.namelist())


def test_synth_gives_the_keys_of_the_constructs_for_python(folder: Path, tmp_path: Path) -> None:
    _cdk(folder, "synth", "--quiet")
    found = _template(folder)
    assert found["Api"]["Handler"] == "shop.api.handler"
    assert found["Deps"]["CompatibleRuntimes"] == ["python3.13"]
    hooks = _names(folder, found["Hooks"]["Code"]["S3Key"])
    assert "copied.toml" in hooks
    assert "shop/more.py" not in hooks
    case = {"folder": str(tmp_path / "out"), "entry": str(folder / "shop")}
    python = run_app({"function": case}, cwd=tmp_path, store=folder / "store")["function"]
    assert python["resources"]["Api"]["key"] == found["Api"]["Code"]["S3Key"]


def test_an_edit_is_one_difference_that_hotswap_takes(folder: Path) -> None:
    """Hotswap updates a function of which `Code` alone has changed."""
    _cdk(folder, "synth", "--quiet")
    before = _template(folder)
    shutil.copyfile(folder / "cdk.out/S.template.json", folder / "before.json")
    assert "differences: 0" in _cdk(folder, "diff", "--template", "before.json", "S")
    (folder / "shop/shop/api.py").write_text("def handler(event, context):\n    return 2\n")
    text = _cdk(folder, "diff", "--template", "before.json", "S")
    _cdk(folder, "synth", "--quiet")
    after = _template(folder)
    changed = {key for key in after["Api"] if after["Api"][key] != before["Api"][key]}
    assert changed == {"Code"}
    assert ".S3Key" in text
    assert "Handler" not in text


def test_listing_builds_nothing(folder: Path) -> None:
    store = folder / "nothing"
    assert "S" in _cdk(folder, "ls", WHERRY_CACHE_DIR=str(store), WHERRY="no-such-command")
    assert not store.exists()


def test_an_error_names_the_construct(folder: Path) -> None:
    text = _cdk(folder, "synth", BAD="1")
    assert "in the construct `S/Bad`" in text
    assert "there is no `nope.py` in `shop`" in text
