"""The real Terraform, with the provider for AWS that is on the machine, against a stand-in.

HashiCorp's provider ``external`` is nothing that PyPI, npm or Debian have: ``support.terraform_external`` takes its
place, which Terraform starts and asks as it does with every provider.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.checkouts import wherry_command
from support.interpreters import missing
from support.tools import tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.aws_account import Account
    from support.checkouts import User

__all__ = ["FILES", "PROVIDER", "ROOT", "Terraform", "provider"]

ROOT = Path(__file__).parents[2]
PROVIDER = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
"""


_SETTINGS = """\
runtime = "python3.13"
[functions.api]
handler = "shop.api.handler"
root = "api"
layers = ["deps"]
[functions.jobs]
handler = "nightly.jobs.handler"
root = "jobs"
layers = ["deps"]
[layers.deps]
"""
FILES = {
    "wherry.toml": _SETTINGS,
    "api/shop/api.py": "def handler(event, context):\n    return 1\n",
    "jobs/nightly/jobs.py": "def handler(event, context):\n    return 2\n",
}
"""Two functions with folders of their own, and a layer."""


def _provider() -> Path:
    """The provider for AWS: where Terraform looks by itself, or where a machine keeps it in ``/opt``."""
    folders = [Path.home() / ".terraform.d" / "plugins", *Path("/usr").glob("*/terraform/plugins")]
    folders += [Path("/usr/local/share/terraform/plugins"), *sorted(Path("/opt").glob("*"))]
    for folder in folders:
        aws = folder / "registry.terraform.io" / "hashicorp" / "aws"
        for found in sorted(aws.glob("*/*/terraform-provider-aws*")):
            return found
    missing("Terraform's provider for AWS is not on this machine")
    raise AssertionError


@contextmanager
def provider(account: Account, *, cwd: Path) -> Iterator[str]:
    """Start the provider once for many commands in a folder, as it takes seconds: ``TF_REATTACH_PROVIDERS``."""
    with _started([str(_provider()), "-debug"], _environment(account), cwd) as attached:
        yield attached


@contextmanager
def _started(command: list[str], env: Mapping[str, str], cwd: Path) -> Iterator[str]:
    """A provider's process in the mode for debuggers, in which it says how it is reached."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.strip().removeprefix("export ").partition("=")
            if name == "TF_REATTACH_PROVIDERS":
                yield value.strip("'")
                return
        raise AssertionError("the provider does not say how to reach it")
    finally:
        process.kill()
        process.communicate()


def _environment(account: Account) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TF_", "AWS_", "WHERRY_", "UV_", "PIP_"))
    }
    return {**inherited, **account.environment()}


class Terraform:
    """A folder with a configuration."""

    def __init__(
        self,
        folder: Path,
        account: Account,
        *,
        store: Path,
        attached: str,
        user: User | None = None,
    ) -> None:
        """Take a folder; ``store`` is Wherry's, ``attached`` is the provider, and a user may do it."""
        if shutil.which("terraform") is None:
            missing("Terraform is not on this machine")
        self.folder = folder
        self._account = account
        self._attached = attached
        commands = wherry_command(store.parent / f"{store.name}-commands").parent
        path = f"{commands}{os.pathsep}{os.environ['PATH']}"
        self._env = {
            **_environment(account),
            "PATH": path,
            **(user.env if user else {}),
            "TF_REATTACH_PROVIDERS": attached,
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "WHERRY_CACHE_DIR": str(store),
        }
        self._umask = user.umask if user else -1

    def elsewhere(self, folder: Path, *, of: Path, store: Path) -> Terraform:
        """The same in a copy of the folder ``of`` with other modes, without packages and with an empty store."""
        shutil.copytree(
            of, folder, symlinks=True, ignore=shutil.ignore_patterns("dist", "__pycache__")
        )
        for path in folder.rglob("*.py"):
            path.chmod(0o600)
        inner = self.folder.relative_to(of)
        return Terraform(folder / inner, self._account, store=store, attached=self._attached)

    @contextmanager
    def with_external(self) -> Iterator[None]:
        """Attach the provider ``external``, which runs programs in this folder."""
        before = self._env["TF_REATTACH_PROVIDERS"]
        script = str(Path(__file__).with_name("terraform_external.py"))
        command = [str(tool("tf")), "-u", script, "--dev"]
        with _started(command, self._env, self.folder) as external:
            attached = {**json.loads(before), **json.loads(external)}
            self._env["TF_REATTACH_PROVIDERS"] = json.dumps(attached)
            yield
        self._env["TF_REATTACH_PROVIDERS"] = before

    def init(self, *options: str) -> None:
        self.run("init", *options)

    def plan(self, *options: str) -> tuple[dict[str, str], str]:
        """What is planned for each address, and all that is said."""
        said = self.run("plan", "-lock=false", *options)
        planned = re.findall(
            r"^ *# (\S+) (?:will be|must be) (\w+)", said.replace("(tainted)", ""), re.MULTILINE
        )
        assert bool(planned) != ("No changes" in said), said
        return dict(planned), said

    def apply(self, *options: str) -> str:
        return self.run("apply", "-auto-approve", *options)

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            ["terraform", words[0], "-no-color", *words[1:]],
            cwd=self.folder, env=self._env, umask=self._umask, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout
