"""Two users with a checkout each take turns with the tools of others: where nothing has changed, nothing changes."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from support.aws_account import code_sha256
from support.checkouts import clone, commit, reformat
from support.index import serve_index
from support.moto import moto as serve_moto
from support.projects import make_project, write_files
from support.terraform import PROVIDER, ROOT, Terraform, provider
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.aws_account import Account
    from support.checkouts import User
    from support.index import Index

pytestmark = pytest.mark.real

TURNS = 10
ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
EDITED = "def handler(event, context):\n    return 'edited'\n"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serve_moto() as served:
        yield served.account()


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index([ALPHA]) as served:
        yield served


FUNCTION = """
module "{name}" {{
  source           = "../modules/{way}"
  project          = "${{path.module}}/../{project}"
  name             = "{name}"
  live_code_sha256 = aws_lambda_function.{name}.code_sha256
{more}}}

resource "aws_lambda_function" "{name}" {{
  function_name    = "{name}"
  role             = "{role}"
  filename         = module.{name}.filename
  source_code_hash = module.{name}.source_code_hash
  handler          = module.{name}.handler
  runtime          = module.{name}.runtime
  architectures    = [module.{name}.architecture]
}}
"""
WAYS = {
    "first": ("build-first", ""),
    "applied": ("build-at-apply", '  handler = "shop.api.handler"\n  runtime = "python3.13"\n'),
    "asked": ("external-data", ""),
}
"""The ways of Terraform's modules: one function and one project for each."""


def test_terraform(tmp_path: Path, index: Index, account: Account) -> None:
    origin = tmp_path / "origin"
    text = f'{PROVIDER}\nterraform {{\n  backend "local" {{}}\n}}\n'
    for name, (way, more) in WAYS.items():
        make_project(origin / name, index, [ALPHA])
        settings = f'runtime = "python3.13"\n[functions.{name}]\nhandler = "shop.api.handler"\n'
        write_files(origin / name, {"wherry.toml": settings})
        text += FUNCTION.format(name=name, way=way, project=name, role=account.role(), more=more)
    shutil.copytree(ROOT / "integrations" / "terraform", origin / "modules")
    write_files(origin, {"infra/main.tf": text, ".gitignore": "dist/\n.terraform/\n"})
    commit(origin)
    users = clone(origin, tmp_path / "users", **account.environment())
    for name in ("first", "asked"):
        # Terraform itself digests the files of the way that builds at apply.
        reformat(users[1].root / name / "pylock.toml")
    with ExitStack() as stack:
        turns = [_terraform(user, tmp_path / "state", account, stack) for user in users]
        ann, bob = turns
        _build_first(users[0])
        assert "8 added, 0 changed, 0 destroyed" in ann.apply()
        live = _live(account)
        for turn in range(TURNS):
            _build_first(users[1 - turn % 2])
            said = turns[1 - turn % 2].apply()
            assert "No changes." in said
            assert "Warning" not in said
            assert "0 added, 0 changed, 0 destroyed" in said
        assert _live(account) == live

        # One edit of each is that change, and none for the other user, who has it from a commit.
        (bob_, ann_) = (users[1].root, users[0].root)
        for name in WAYS:
            (bob_ / name / "shop/api.py").write_text(EDITED)
        _build_first(users[1])
        planned, _ = bob.plan("-out=saved")
        assert planned == {
            "aws_lambda_function.first": "updated",
            "module.first.terraform_data.applied": "updated",
            **{f"aws_lambda_function.{name}": "updated" for name in ("applied", "asked")},
            **{
                f"module.{name}.terraform_data.{each}": "replaced"
                for name in ("applied", "asked")
                for each in ("build", "applied")
            },
        }
        bob.run("apply", "saved")
        for name in WAYS:
            assert _live(account)[name] != live[name]
            package = (bob_ / name / "dist/lambda" / f"{name}.zip").read_bytes()
            assert _live(account)[name] == code_sha256(package)
            (ann_ / name / "shop/api.py").write_text(EDITED)
        _build_first(users[0])
        planned, said = ann.plan()
        assert planned == {}
        assert "Warning" not in said


def _terraform(user: User, state: Path, account: Account, stack: ExitStack) -> Terraform:
    folder = user.root / "infra"
    attached = stack.enter_context(provider(account, cwd=folder))
    terraform = Terraform(folder, account, store=user.store, attached=attached, user=user)
    stack.enter_context(terraform.with_external())
    terraform.init(f"-backend-config=path={state / 'terraform.tfstate'}")
    return terraform


def _build_first(user: User) -> None:
    document = user.run("wherry", "build", "--json", "--quiet", cwd=user.root / "first")
    write_files(user.root / "first", {"dist/lambda/build.json": document})


def _live(account: Account) -> dict[str, str]:
    found = {}
    for name in WAYS:
        configuration = account.functions.get_function_configuration(FunctionName=name)
        found[name] = str(configuration["CodeSha256"])
    return found
