"""Two users with a checkout each take turns with the tools of others: where nothing has changed, nothing changes."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.aws_account import Account, code_sha256
from support.cdk import run_app
from support.checkouts import clone, commit, reformat
from support.index import serve_index
from support.localstack import localstack
from support.moto import moto as serve_moto
from support.projects import make_project, write_files
from support.serverless import ENVIRONMENT, files_of_service, serverless
from support.terraform import FILES, PROVIDER, ROOT, Terraform, provider
from support.tools import tool
from support.wheels import make_wheel
from wherry import block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


def project(origin: Path, index: Index) -> Path:
    """Two functions with folders of their own, and a layer."""
    ignored = {".gitignore": "dist/\n.serverless/\npackaged.yaml\n"}
    make_project(origin, index, [ALPHA], files={**FILES, **ignored})
    (origin / "pyproject.toml").unlink()
    return origin


def test_cdk(tmp_path: Path, index: Index) -> None:
    origin = project(tmp_path / "shop", index)
    commit(origin)
    users = clone(origin, tmp_path / "users")
    reformat(users[1].root / "pylock.toml")
    outputs = itertools.count()

    def synthesise(user: User, times: int = 1) -> dict[str, Any]:
        out = user.home / f"out{next(outputs)}"
        out.mkdir()
        case = {"folder": str(out), "entry": str(user.root), "times": times}
        env = {"HOME": str(user.home), **user.more}
        result = run_app({"shop": case}, cwd=out, store=user.store, umask=user.umask, **env)
        (template,) = set(result["shop"]["templates"])
        found: dict[str, Any] = json.loads(template)["Resources"]
        return found

    first = synthesise(users[0])
    # A process of the CDK takes several seconds to start: each of four makes some of the ten.
    for turn, times in enumerate((3, 3, 2, 2)):
        assert synthesise(users[1 - turn % 2], times) == first

    (users[1].root / "api/shop/api.py").write_text(EDITED)
    edited = synthesise(users[1])
    changed = {
        name
        for name in {*first, *edited}
        if first.get(name) != edited.get(name) and first.get(name, edited.get(name))
    }
    # The code of the function, and a new version in place of the one before.
    kinds = sorted(first.get(name, edited.get(name))["Type"] for name in changed)  # type: ignore[index]
    assert kinds == ["AWS::Lambda::Function", *["AWS::Lambda::Version"] * 2]
    (name,) = (each for each in changed & {*first} & {*edited})
    properties = first[name]["Properties"]
    assert edited[name]["Properties"] == {
        **properties,
        "Code": edited[name]["Properties"]["Code"],
    }
    (users[0].root / "api/shop/api.py").write_text(EDITED)
    assert synthesise(users[0]) == edited


def test_sam(tmp_path: Path, index: Index, account: Account) -> None:
    origin = project(tmp_path / "shop", index)
    write_files(origin, {"template.yaml": block("sam", origin)})
    commit(origin)
    env = {**account.environment(), "SAM_CLI_TELEMETRY": "0"}
    users = clone(origin, tmp_path / "users", **env)
    reformat(users[1].root / "pylock.toml")
    account.bucket("packages")
    command = ["package", "--s3-bucket", "packages", "--output-template-file", "packaged.yaml"]

    def package(user: User) -> dict[str, Any]:
        user.run("wherry", "build", "--quiet")
        user.run(tool("sam"), *command)
        found: dict[str, Any] = yaml.safe_load((user.root / "packaged.yaml").read_text())
        return found["Resources"]  # type: ignore[no-any-return]

    first = package(users[0])
    for turn in range(TURNS):
        assert package(users[1 - turn % 2]) == first
    assert len(account.storage.list_objects_v2(Bucket="packages")["Contents"]) == 3

    (users[1].root / "api/shop/api.py").write_text(EDITED)
    edited = package(users[1])
    assert {name for name in first if edited[name] != first[name]} == {"Api"}
    changed = {**first["Api"]["Properties"], "CodeUri": edited["Api"]["Properties"]["CodeUri"]}
    assert edited["Api"]["Properties"] == changed
    (users[0].root / "api/shop/api.py").write_text(EDITED)
    assert package(users[0]) == edited
    assert len(account.storage.list_objects_v2(Bucket="packages")["Contents"]) == 4


def test_serverless(tmp_path: Path, index: Index) -> None:
    """Deployed for real: what the framework takes for unchanged, it does not deploy."""
    with localstack(update_seconds=0.0) as stand_in:
        account = Account(stand_in.url, key="000000000000")
        origin = project(tmp_path / "shop", index)
        service = block("serverless", origin)
        write_files(origin, files_of_service(service, region=account.region, built_by_plugin=True))
        commit(origin)
        env = {**account.environment(), **ENVIRONMENT, "HTTPS_PROXY": ""}
        users = clone(origin, tmp_path / "users", **env)
        reformat(users[1].root / "pylock.toml")

        def deploy(user: User) -> str:
            return user.run(serverless(), "deploy", "--verbose")

        def digests() -> dict[str, str]:
            functions = account.functions.list_functions()["Functions"]
            return {one["FunctionName"]: one["CodeSha256"] for one in functions}

        assert "Service deployed to stack" in deploy(users[0])
        built = read_packages(users[0].root / ".serverless")
        before = digests()
        assert before == {f"shop-dev-{name}": built[name] for name in ("api", "jobs")}
        configuration = account.functions.get_function_configuration(FunctionName="shop-dev-api")
        (layer,) = configuration["Layers"]
        version = account.functions.get_layer_version_by_arn(Arn=layer["Arn"])
        assert version["Content"]["CodeSha256"] == built["deps"]
        template = compiled(users[0])
        for turn in range(TURNS):
            user = users[1 - turn % 2]
            assert "No changes to deploy. Deployment skipped." in deploy(user)
            assert compiled(user) == template

        (users[1].root / "api/shop/api.py").write_text(EDITED)
        assert "Service deployed to stack" in deploy(users[1])
        after = digests()
        assert {name for name in after if after[name] != before[name]} == {"shop-dev-api"}
        answer = account.functions.invoke(FunctionName="shop-dev-api", Payload=b"{}")
        assert answer["Payload"].read() == b'"edited"'
        (users[0].root / "api/shop/api.py").write_text(EDITED)
        # The framework uploads no layer that it knows, and misses it when it compares the next time.
        deploy(users[0])
        assert digests() == after
        configuration = account.functions.get_function_configuration(FunctionName="shop-dev-api")
        assert configuration["Layers"] == [layer]


def read_packages(folder: Path) -> dict[str, str]:
    """The digests of the packages in a folder."""
    return {path.stem: code_sha256(path.read_bytes()) for path in folder.glob("*.zip")}


def compiled(user: User) -> Any:
    """The template of the framework, without the time of packaging that is in keys of objects; in any order."""
    text = (user.root / ".serverless" / "cloudformation-template-update-stack.json").read_text()
    return json.loads(re.sub(r"/\d{13}-[^/]*/", "/TIME/", text))


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
