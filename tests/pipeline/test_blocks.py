"""The blocks with which other tools take a project's packages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry import block
from wherry.errors import SettingsError
from wherry.pipeline.blocks.facts import _patterns

if TYPE_CHECKING:
    from pathlib import Path

    from support.index import Index

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:tracing:3"
SETTINGS = f"""\
runtime = "python3.13"
architecture = "arm64"
[functions.api]
handler = "shop.api.handler"
layers = ["web-deps"]
[functions.web-app]
app = "shop.web:app"
layers = ["web-deps", "{ARN}"]
[layers.web-deps]
[stages.prod]
"""


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    alpha = make_wheel("alpha", "1.2")
    root = make_project(tmp_path / "shop", index, [alpha])
    write_files(root, {"wherry.toml": SETTINGS, "shop/web.py": "app = print\n"})
    return root


def load(text: str) -> Any:
    """A template, whose references are read as they are written."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!Ref", lambda _, node: {"Ref": node.value})
    return yaml.load(text, Loader)


def test_sam(project: Path) -> None:
    resources = load(block("sam", project))["Resources"]
    web = resources["WebApp"]["Properties"]
    assert web == {
        "CodeUri": "dist/lambda/web-app.zip",
        "Handler": "wherry_shim.handler",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "Layers": [{"Ref": "WebDeps"}, ARN],
    }
    assert resources["WebDeps"]["Properties"]["ContentUri"] == "dist/lambda/web-deps.zip"


def test_serverless(project: Path) -> None:
    service = load(block("serverless", project))
    assert service["provider"]["runtime"] == "python3.13"
    assert service["functions"]["web-app"]["layers"] == [
        {"Ref": "WebDashdepsLambdaLayer"},
        ARN,
    ]
    assert service["functions"]["api"]["handler"] == "shop.api.handler"
    assert service["layers"]["web-deps"]["package"]["artifact"] == "dist/lambda/web-deps.zip"


def test_terraform(project: Path) -> None:
    text = block("terraform", project)
    assert re.findall(r'^module "(\w+)"', text, re.MULTILINE) == ["web_deps", "api", "web_app"]
    assert 'inputs           = ["pylock.toml", "pyproject.toml", "wherry.toml", "shop/**"]' in text
    assert f'[aws_lambda_layer_version.web_deps.arn, "{ARN}"]' in text


def test_cdk(project: Path) -> None:
    text = block("cdk", project)
    compile(text, "stack.py", "exec")
    assert 'self.web_app = project.function("web-app")' in text
    assert "project.layer" not in text


def test_github(project: Path) -> None:
    (job,) = load(block("github", project, runtime="python3.12"))["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[-2:] == ["wherry build", "wherry deploy prod"]
    assert job["steps"][1]["with"] == {"python-version": "3.12"}


def test_patterns_have_the_deepest_folders() -> None:
    files = ("uv.lock", "api/a/x.py", "api/a/b/y.py", "../lib/src/z.py", "../uv.lock")
    assert _patterns(files) == ("uv.lock", "../uv.lock", "../lib/src/**", "api/a/**")


def test_what_has_no_block(project: Path) -> None:
    with pytest.raises(SettingsError, match="there is no block for `pulumy`"):
        block("pulumy", project)
    (project / "wherry.toml").write_text('runtime = "python3.13"\n')
    with pytest.raises(SettingsError, match="the function `shop` has no handler"):
        block("sam", project)
