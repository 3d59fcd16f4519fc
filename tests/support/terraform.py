"""The real Terraform, with the provider for AWS that is on the machine, against a stand-in."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.interpreters import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.aws_account import Account

__all__ = ["PROVIDER", "ROOT", "Terraform", "provider"]

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
    process = subprocess.Popen(
        [_provider(), "-debug"],
        cwd=cwd,
        env=_environment(account),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            name, _, value = line.strip().partition("=")
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

    def __init__(self, folder: Path, account: Account, *, store: Path, attached: str) -> None:
        """Take a folder; ``store`` is Wherry's, ``attached`` is the provider."""
        if shutil.which("terraform") is None:
            missing("Terraform is not on this machine")
        self.folder = folder
        self._account = account
        self._attached = attached
        commands = store.parent / f"{store.name}-commands"
        commands.mkdir(parents=True, exist_ok=True)
        shim = commands / "wherry"
        shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wherry "$@"\n')
        shim.chmod(0o755)
        self._env = {
            **_environment(account),
            "TF_REATTACH_PROVIDERS": attached,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "WHERRY_CACHE_DIR": str(store),
        }

    def elsewhere(self, folder: Path, *, of: Path, store: Path) -> Terraform:
        """The same in a copy of the folder ``of`` with other modes, without packages and with an empty store."""
        shutil.copytree(
            of, folder, symlinks=True, ignore=shutil.ignore_patterns("dist", "__pycache__")
        )
        for path in folder.rglob("*.py"):
            path.chmod(0o600)
        inner = self.folder.relative_to(of)
        return Terraform(folder / inner, self._account, store=store, attached=self._attached)

    def init(self) -> None:
        self.run("init")

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
            cwd=self.folder, env=self._env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout
