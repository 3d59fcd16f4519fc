"""A small project that is deployed: its package, what it should become on AWS, and whether it did."""

from __future__ import annotations

import contextlib
import io
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from support.aws_account import code_sha256
from support.command import Finished, Wherry
from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry.cli import run

if TYPE_CHECKING:
    from support.aws_account import Account
    from support.aws_faults import Proxy
    from support.forks import Forks
    from support.index import Index

__all__ = ["ALIAS", "BUCKET", "FUNCTION", "LAYER", "Site", "hasty", "make_site", "plain"]

FUNCTION, LAYER, ALIAS, BUCKET = "shop-api", "shop-dependencies", "live", "deploys"
ONE = make_wheel("alpha", "1.0", files={"alpha/__init__.py": b"VERSION = 1\n"})
TWO = make_wheel("alpha", "2.0", files={"alpha/__init__.py": b"VERSION = 2\n"})
HANDLER = """\
import alpha

SAYS = {says!r}

def handler(event, context):
    return {{"says": SAYS, "alpha": alpha.VERSION, "version": context.function_version}}
"""


def plain(text: str) -> str:
    """Without durations, sizes, days and digests, which differ from run to run."""
    text = re.sub(r"[0-9a-f]{64}", "DIGEST", re.sub(r"\d{4}-\d\d-\d\d", "DAY", text))
    return re.sub(r"\b\d+(\.\d+)?m?s\b", "TIME", re.sub(r"[\d.]+ (KiB|B)\b", "SIZE", text))


@contextlib.contextmanager
def hasty(monkeypatch: Any) -> Iterator[None]:
    """Whoever sleeps in this process, sleeps a hundredth of it."""
    sleep = time.sleep
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", lambda seconds: sleep(seconds / 100))
        yield


@dataclass(kw_only=True)
class Site:
    """A project with one function and one layer, and an account that it is deployed to.

    Attributes:
        wherry: the command, in the project's folder.
        account: the account.
        index: where the project's distributions are.
        proxy: what Wherry's calls go through.
        settings: of the stage, beside region and names.
        shell: variables of the process that deploys.
    """

    wherry: Wherry
    account: Account
    index: Index
    proxy: Proxy
    settings: dict[str, Any] = field(default_factory=dict)
    shell: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.wherry.cwd

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the user's own AWS configuration."""
        own = self.wherry.environment()
        inherited = {name: text for name, text in own.items() if not name.startswith("AWS_")}
        return {**inherited, **self.account.environment(url=self.proxy.url), **self.shell}

    def write(
        self,
        *,
        says: str = "one",
        alpha: Any = ONE,
        stage: Mapping[str, Any] | None = None,
        **function: Any,
    ) -> None:
        """The project's code, lock and settings; without its dependency where `alpha` is None."""
        locked = [] if alpha is None else [alpha]
        for wheel in locked:
            self.index.add(wheel)
        make_project(
            self.root,
            self.index,
            locked,
            files={"shop/__init__.py": "", "shop/api.py": HANDLER.format(says=says)},
        )
        if stage is not None:
            self.settings = dict(stage)
        settings = {
            "runtime": "python3.13",
            "functions": {"api": {"handler": "shop.api.handler", "layers": ["dependencies"]}},
            "layers": {"dependencies": {"include": ["*"]}},
            "stages": {
                "staging": {
                    "region": self.account.region,
                    "functions": {"api": {"name": FUNCTION, "alias": ALIAS, **function}},
                    "layers": {"dependencies": {"name": LAYER}},
                    **self.settings,
                }
            },
        }
        write_files(self.root, {"wherry.toml": tomli_w.dumps(settings)})

    def change(self, old: str, new: str = "") -> None:
        """Replace a part of the settings."""
        path = self.root / "wherry.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def add(self, table: str) -> None:
        """Add to the end of the settings."""
        with (self.root / "wherry.toml").open("a") as file:
            file.write(f"\n{table}\n")

    def build(self) -> dict[str, str]:
        """Build; AWS's hash of each package by its name."""
        self.run("build", "--quiet", code=0)
        return {
            path.stem: code_sha256(path.read_bytes())
            for path in (self.root / "dist" / "lambda").glob("*.zip")
        }

    def run(self, *arguments: str, code: int | None = None) -> Finished:
        """The command, in this process."""
        out, err, kept = io.StringIO(), io.StringIO(), dict(os.environ)
        with (
            contextlib.chdir(self.root),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            given = self.environment
            os.environ.clear()
            os.environ.update(given)
            try:
                left = run(arguments)
            finally:
                os.environ.clear()
                os.environ.update(kept)
        done = Finished(code=left, out=out.getvalue(), err=err.getvalue())
        assert "Traceback" not in done.err, done.err
        if code is not None:
            assert done.code == code, f"{arguments}: {done.code}\n{done.out}\n{done.err}"
        return done

    def deploy(self, *arguments: str, code: int | None = 0) -> Finished:
        return self.run("deploy", "staging", *arguments, code=code)

    def plan(self, *arguments: str, code: int | None = 0) -> Finished:
        return self.run("plan", "staging", "--exit-code", *arguments, code=code)

    def deploy_killed(self, forks: Forks, *arguments: str) -> int:
        """The command in a process of its own, that the proxy may kill; its exit code."""
        self.proxy.victim = lambda: forks.running
        try:
            return forks.run("deploy", "staging", *arguments, cwd=self.root, env=self.environment)
        finally:
            self.proxy.victim = lambda: None


def make_site(wherry: Wherry, account: Account, index: Index, proxy: Proxy, **stage: Any) -> Site:
    """The project, as it is at first; other keys of the stage as keywords."""
    site = Site(wherry=wherry, account=account, index=index, proxy=proxy)
    site.write(stage={key.replace("_", "-"): value for key, value in stage.items()})
    return site
