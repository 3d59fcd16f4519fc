"""A password for a private index is in nothing that CDK, Terraform, SAM and Serverless write or say, wherever it comes from."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from support.cdk import CLI, cdk_environment, cdk_python
from support.checkouts import User
from support.hunt import files_with
from support.index import serve_index
from support.keyrings import keyring_command
from support.moto import moto as serve_moto
from support.npm import node_modules
from support.private import BACKEND, BETA, PASSWORD, USER, forms
from support.projects import pylock_for, write_files
from support.serverless import ENVIRONMENT, files_of_service, serverless
from support.terraform import PROVIDER, ROOT, Terraform, provider
from support.tools import tool
from support.wheels import make_wheel
from wherry import block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.aws_account import Account
    from support.index import Index

pytestmark = pytest.mark.real

# The functions, each with a lock whose files an index has that is opened in another way.
WAYS = ("variable", "netrc", "keyring")
WHEELS = {way: make_wheel("alpha", "1.2", files={f"{way}_alpha.py": b""}) for way in WAYS}
# Whatever a tool asks for, Wherry says all that it can say.
VERBOSE = """\
#!{python}
import sys
from wherry.cli import run
words = sys.argv[1:]
if words[0] == "build":
    words = [word for word in words if word != "--quiet"] + ["--verbose"]
sys.exit(run(words))
"""


class Shop:
    """A user with a project of three functions, and what leads to the passwords of its indexes."""

    def __init__(self, folder: Path, indexes: dict[str, Index], account: Account) -> None:
        self._indexes = indexes
        self.account = account
        home = folder / "home"
        self.root = folder / "shop"
        settings = 'runtime = "python3.13"\n'
        for way, index in indexes.items():
            settings += f'[[indexes]]\nname = "{way}"\nurl = "{index.simple}"\n'
        for way in indexes:
            settings += f'[functions.{way}]\nhandler = "{way}.handler"\nroot = "{way}"\n'
        write_files(self.root, {"wherry.toml": settings})
        for way, index in indexes.items():
            lock = pylock_for(index, [WHEELS[way]])
            if way == "variable":
                # Built here, by a backend of that index.
                lock += (
                    f'[[packages]]\nname = "beta"\nversion = "1.0"\n[packages.sdist]\nname = "{BETA.filename}"\n'
                    f'url = "{index.url}/files/{BETA.filename}"\nhashes = {{sha256 = "{BETA.sha256}"}}\n'
                )
            code = "def handler(event, context): ...\n"
            write_files(self.root / way, {f"{way}.py": code, "pylock.toml": lock})
        self._netrc = home / "netrc"
        keyring_command(
            home / "keys", {indexes["keyring"].url.partition("://")[2]: (USER, PASSWORD)}
        )
        write_files(home, {"bin/wherry": VERBOSE.format(python=sys.executable), "tmp/.keep": ""})
        (home / "bin" / "wherry").chmod(0o755)
        self._netrc.write_text(f'machine localhost\nlogin {USER}\npassword "{PASSWORD}"\n')
        self._netrc.chmod(0o600)
        self.user = User(
            root=self.root,
            home=home,
            more={
                **account.environment(),
                "PATH": os.pathsep.join(
                    [str(home / "keys"), str(home / "bin"), os.environ["PATH"]]
                ),
                "HTTPS_PROXY": "",
                "NETRC": str(self._netrc),
                "TMPDIR": str(home / "tmp"),
                "UV_CACHE_DIR": str(home / "uv"),
                "UV_DEFAULT_INDEX": indexes["variable"].simple,
                "UV_INDEX_VARIABLE_USERNAME": USER,
                "UV_INDEX_VARIABLE_PASSWORD": PASSWORD,
            },
        )

    def hunt(self, *said: str) -> None:
        """Nothing has the password, and it was needed."""
        for index in self._indexes.values():
            assert any(index.authorizations)
            assert index.downloads
        secret = forms(USER, PASSWORD)
        given = [self._netrc, self.user.home / "keys" / "known.json"]
        assert files_with(secret, self.root, self.user.home, but=given) == []
        for text in said:
            assert not [form for form in secret if form in text.encode()]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with serve_moto() as served:
        account = served.account()
        account.bucket("packages")
        yield account


@pytest.fixture
def shop(tmp_path: Path, account: Account) -> Iterator[Shop]:
    with ExitStack() as stack:
        indexes = {
            way: stack.enter_context(
                serve_index([WHEELS[way], BETA, BACKEND], auth=(USER, PASSWORD))
            )
            for way in WAYS
        }
        # The file has passwords by host alone, without the port.
        indexes["netrc"].url = indexes["netrc"].url.replace("127.0.0.1", "localhost")
        yield Shop(tmp_path, indexes, account)


def test_the_hunt_finds_what_is_there(shop: Shop) -> None:
    """And the password is needed: without it nothing is built."""
    without = {
        name: value for name, value in shop.user.more.items() if name not in {"NETRC", "PATH"}
    }
    other = User(root=shop.root, home=shop.user.home, more=without)
    assert "401" in other.run("wherry", "build", "netrc", code=1)
    assert "401" in other.run("wherry", "build", "keyring", code=1)
    said = shop.user.run("wherry", "build")
    shop.hunt(said)
    for where in ("a log", "cdk.out/asset"):
        path = shop.root / where
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"x{PASSWORD}y")
        with pytest.raises(AssertionError):
            shop.hunt()
        path.unlink()
    with pytest.raises(AssertionError):
        shop.hunt(f"{USER}:{PASSWORD}")


APP = """\
import aws_cdk as cdk
from wherry.cdk import Project
app = cdk.App()
shop = Project(cdk.Stack(app, "S"), "Shop", root="shop")
for name in ("variable", "netrc", "keyring"):
    shop.function(name)
app.synth()
"""


def test_cdk(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "app"
    write_files(folder, {"app.py": APP})
    shutil.move(shop.root, folder / "shop")
    shop.root = folder / "shop"
    kept = ("PYTHONPATH", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION")
    env = {name: cdk_environment(shop.user.store)[name] for name in kept}
    user = User(root=folder, home=shop.user.home, more={**shop.user.more, **env, "JSII_DEBUG": "1"})
    cdk = node_modules(*CLI) / ".bin" / "cdk"
    app = f"{cdk_python()} app.py"
    said = user.run(cdk, "synth", "-vvv", "--debug", "--no-notices", "--app", app)
    assert len([*(folder / "cdk.out").glob("asset.*")]) == 3
    assert "cdk.out" in said
    shop.hunt(said)


MODULE = """
module "{name}" {{
  source       = "../modules/{way}"
  project      = "${{path.module}}/../shop"
  name         = "{name}"
{more}}}

resource "aws_lambda_function" "{name}" {{
  function_name    = "{name}"
  role             = "{role}"
  filename         = module.{name}.filename
  source_code_hash = module.{name}.source_code_hash
  handler          = module.{name}.handler
  runtime          = module.{name}.runtime
}}
"""


def test_terraform(shop: Shop, tmp_path: Path, account: Account) -> None:
    text = PROVIDER
    for name in WAYS:
        way, more = "external-data", ""
        if name != "netrc":
            way, more = (
                "build-at-apply",
                f'  handler = "{name}.handler"\n  runtime = "python3.13"\n',
            )
        text += MODULE.format(name=name, way=way, more=more, role=account.role())
    folder = shop.user.home / "infra"
    write_files(folder, {"main.tf": text})
    shutil.copytree(ROOT / "integrations" / "terraform", shop.user.home / "modules")
    (shop.user.home / "shop").symlink_to(shop.root)
    log = {"TF_LOG": "TRACE", "TF_LOG_PATH": str(folder / "trace.log")}
    user = User(root=shop.root, home=shop.user.home, more={**shop.user.more, **log})
    with provider(account, cwd=folder) as attached:
        terraform = Terraform(folder, account, store=user.store, attached=attached, user=user)
        with terraform.with_external():
            terraform.init()
            said = [terraform.apply(), terraform.run("show"), terraform.run("show", "-json")]
    assert "9 added" in said[0]
    assert "code sha256" in said[0]
    assert (folder / "trace.log").stat().st_size > 100_000
    shop.hunt(*said)


def test_sam(shop: Shop) -> None:
    template = block("sam", shop.root)
    makefile = ""
    for name in WAYS:
        before = f"dist/lambda/{name}.zip"
        assert before in template
        template = template.replace(before, ".").replace(
            f"  {name.title()}:\n", f"  {name.title()}:\n    Metadata: {{BuildMethod: makefile}}\n"
        )
        makefile += f'build-{name.title()}:\n\twherry build {name} --unpacked "$(ARTIFACTS_DIR)"\n'
    write_files(shop.root, {"template.yaml": template, "Makefile": makefile})
    user = User(
        root=shop.root, home=shop.user.home, more={**shop.user.more, "SAM_CLI_TELEMETRY": "0"}
    )
    said = user.run(tool("sam"), "build", "--build-in-source", "--debug")
    assert "Build Succeeded" in said
    packaged = user.run(
        *(tool("sam"), "package", "--debug", "--s3-bucket", "packages"),
        *("--output-template-file", ".aws-sam/packaged.yaml"),
    )
    shop.hunt(said, packaged)


def test_serverless(shop: Shop, account: Account) -> None:
    service = block("serverless", shop.root)
    files = files_of_service(service, region=account.region, built_by_plugin=True)
    write_files(shop.root, files)
    user = User(root=shop.root, home=shop.user.home, more={**shop.user.more, **ENVIRONMENT})
    said = user.run(serverless(), "deploy", "--verbose", "--debug=*")
    assert len([*(shop.root / ".serverless").glob("*.zip")]) == 3
    assert len(said) > 10_000
    shop.hunt(said)
