"""The modules for Terraform, used with the real one: what a plan says, and what an apply brings to AWS."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from support.aws_account import code_sha256
from support.index import serve_index
from support.moto import moto as serve_moto
from support.projects import make_project, write_files
from support.terraform import FILES, PROVIDER, ROOT, Terraform, provider
from support.wheels import make_wheel
from wherry import block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.aws_account import Account

pytestmark = pytest.mark.real

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
FOREIGN = make_wheel("foreign", files={"shop/api.py": b""}).data
MODULES = ROOT / "integrations" / "terraform"
MODULE = """
module "{name}" {{
  source           = "../modules/{way}"
  project          = "${{path.module}}/../project"
  name             = "{name}"
  live_code_sha256 = {resource}.code_sha256
{more}}}
"""
FUNCTION = """
resource "aws_lambda_function" "{name}" {{
  function_name    = "{name}"
  role             = "{role}"
  filename         = module.{name}.filename
  source_code_hash = module.{name}.source_code_hash
  handler          = module.{name}.handler
  runtime          = module.{name}.runtime
  architectures    = [module.{name}.architecture]
  memory_size      = var.memory
  layers           = [aws_lambda_layer_version.deps.arn]
}}
"""
LAYER = """
resource "aws_lambda_layer_version" "deps" {
  layer_name               = "deps"
  filename                 = module.deps.filename
  source_code_hash         = module.deps.source_code_hash
  compatible_runtimes      = [module.deps.runtime]
  compatible_architectures = [module.deps.architecture]
}

variable "memory" {
  default = 128
}
"""


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serve_moto() as served:
        yield served.account()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A repository with a project, the modules and a folder for Terraform."""
    place = tmp_path / "repository"
    with serve_index([ALPHA]) as index:
        make_project(place / "project", index, [ALPHA], files=FILES)
        (place / "project" / "pyproject.toml").unlink()
        shutil.copytree(MODULES, place / "modules")
        yield place


@pytest.fixture
def attached(place: Path, account: Account) -> Iterator[str]:
    (place / "infra").mkdir()
    with provider(account, cwd=place / "infra") as found:
        yield found


def configure(place: Path, way: str, account: Account, attached: str, **more: str) -> Terraform:
    text = PROVIDER + LAYER
    for name in ("api", "jobs", "deps"):
        kind = "layer_version" if name == "deps" else "function"
        text += MODULE.format(
            name=name, way=way, resource=f"aws_lambda_{kind}.{name}", more=more.get(name, "")
        )
        if name != "deps":
            text += FUNCTION.format(name=name, role=account.role())
    write_files(place / "infra", {"main.tf": text})
    return Terraform(place / "infra", account, store=place.parent / "store", attached=attached)


def forget(account: Account) -> None:
    """Remove the functions of another test."""
    for function in account.functions.list_functions()["Functions"]:
        account.functions.delete_function(FunctionName=function["FunctionName"])


def live(account: Account, name: str) -> str:
    return str(account.functions.get_function_configuration(FunctionName=name)["CodeSha256"])


def built(place: Path, name: str) -> str:
    return code_sha256((place / "project" / "dist" / "lambda" / f"{name}.zip").read_bytes())


def inputs(handler: str | None, *patterns: str) -> str:
    lines = [f"  inputs = {json.dumps(['pylock.toml', 'wherry.toml', *patterns])}"]
    lines += ['  runtime = "python3.13"', *([f'  handler = "{handler}"'] if handler else [])]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("way", ["build-at-apply", "external-data"])
def test_built_at_apply(
    way: str, place: Path, account: Account, attached: str, tmp_path: Path
) -> None:
    forget(account)
    more = {
        "api": inputs("shop.api.handler", "api/**", ".gitignore"),
        "jobs": inputs("nightly.jobs.handler", "jobs/**"),
        "deps": inputs(None),
    }
    terraform = configure(
        place, way, account, attached, **(more if way == "build-at-apply" else {})
    )
    with ExitStack() as stack:
        if way == "external-data":
            stack.enter_context(terraform.with_external())
        _build_at_apply(terraform, place, account, tmp_path)
        if way == "build-at-apply":
            # A hidden file counts where it is named.
            write_files(place / "project", {".gitignore": "*.log\n", ".hidden": "x"})
            planned, _ = terraform.plan("-var=memory=256")
            assert [name for name in planned if "build" in name] == [
                "module.api.terraform_data.build"
            ]
        if way == "external-data":
            # An error of the program is shown as it is.
            (place / "project" / "pylock.toml").write_text("[[")
            said = re.sub(r"[\s│]+", " ", terraform.run("plan", "-lock=false", code=1))
            assert "error: `" in said
            assert "pylock.toml" in said


def _build_at_apply(terraform: Terraform, place: Path, account: Account, tmp_path: Path) -> None:
    dist = place / "project" / "dist"
    terraform.init()
    assert not dist.exists()
    said = terraform.apply()
    assert "9 added, 0 changed" in said
    assert live(account, "api") == built(place, "api")

    # Without the packages, and elsewhere, there is nothing to do.
    shutil.rmtree(dist)
    assert terraform.plan()[0] == {}
    other = terraform.elsewhere(tmp_path / "other", of=place, store=tmp_path / "empty")
    with other.with_external():
        planned, said = other.plan()
    assert planned == {}
    assert "Warning" not in said
    assert not (tmp_path / "other" / "project" / "dist").exists()

    # A setting of the function wants no package.
    terraform.apply("-var=memory=256")
    assert not dist.exists()
    assert live(account, "jobs")

    # An edit changes its function, and what it is built by.
    source = place / "project" / "api" / "shop" / "api.py"
    source.write_text("def handler(event, context):\n    return 3\n")
    planned, _ = terraform.plan("-var=memory=256", "-out=saved")
    assert planned == {
        "module.api.terraform_data.build": "replaced",
        "module.api.terraform_data.applied": "replaced",
        "aws_lambda_function.api": "updated",
    }
    before = live(account, "api")
    terraform.run("apply", "saved")
    assert live(account, "api") == built(place, "api") != before

    # What has changed since a plan was made is not applied.
    shutil.rmtree(dist)
    source.write_text("def handler(event, context):\n    return 4\n")
    terraform.plan("-var=memory=256", "-out=saved")
    source.write_text("def handler(event, context):\n    return 5\n")
    before = live(account, "api")
    terraform.run("apply", "saved", code=1)
    assert live(account, "api") == before
    terraform.apply("-var=memory=256")

    # Code of others is noticed, and can be replaced.
    account.functions.update_function_code(FunctionName="api", ZipFile=FOREIGN)
    planned, said = terraform.plan("-var=memory=256")
    assert planned == {}
    assert "`api` on AWS has the code" in said
    assert code_sha256(FOREIGN) in said
    assert "`jobs` on AWS" not in said
    main = terraform.folder / "main.tf"
    again = main.read_text().replace('name             = "api"', 'name = "api"\n  again = "1"')
    main.write_text(again)
    assert "Warning" not in terraform.apply("-var=memory=256")
    assert live(account, "api") == built(place, "api")


def build_first(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wherry", "build", "--json", "--quiet"],
        cwd=place / "project", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    write_files(place / "project", {"dist/lambda/build.json": done.stdout})


def test_built_first(place: Path, account: Account, attached: str, tmp_path: Path) -> None:
    forget(account)
    build_first(place)
    terraform = configure(place, "build-first", account, attached)
    terraform.init()
    terraform.apply()
    assert live(account, "api") == built(place, "api")
    for package in (place / "project" / "dist" / "lambda").glob("*.zip"):
        package.unlink()
    assert terraform.plan()[0] == {}
    other = terraform.elsewhere(tmp_path / "other", of=place, store=tmp_path / "empty")
    build_first(tmp_path / "other")
    assert other.plan()[0] == {}

    source = place / "project" / "jobs" / "nightly" / "jobs.py"
    source.write_text("def handler(event, context):\n    return 3\n")
    build_first(place)
    assert terraform.plan()[0] == {
        "aws_lambda_function.jobs": "updated",
        "module.jobs.terraform_data.applied": "updated",
    }
    terraform.apply()
    assert live(account, "jobs") == built(place, "jobs")

    account.functions.update_function_code(FunctionName="api", ZipFile=FOREIGN)
    planned, said = terraform.plan()
    assert planned == {}
    assert f"not {built(place, 'api')}, which Wherry built" in re.sub(r"\s+", " ", said)


def test_the_block_of_a_project(place: Path, account: Account, attached: str) -> None:
    """What ``wherry init --for terraform`` prints is a sound configuration, formatted as Terraform does."""
    shutil.copytree(MODULES, place / "infra" / "wherry")
    text = block("terraform", place / "project").replace("path.module", '"../project"')
    write_files(place / "infra", {"provider.tf": PROVIDER, "main.tf": text})
    terraform = Terraform(place / "infra", account, store=place.parent / "store", attached=attached)
    terraform.init()
    assert terraform.run("fmt", "-check", "-diff", "-recursive") == ""
    assert len(terraform.plan()[0]) == 11
