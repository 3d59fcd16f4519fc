"""Scripts of pip, zip and the AWS CLI move to Wherry, as the how-to page says; before and after run on LocalStack."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.functions import zip_of
from support.index import serve_index
from support.pages import commands_of, marked
from support.projects import write_files
from support.tools import tool
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.aws_account import Account
    from support.index import Index

pytestmark = pytest.mark.real

PAGE = "from-layers-by-hand.md"
ALPHA = make_wheel("alpha", "1.2", files={"alpha.py": b"VERSION = '1.2'\n"}, requires=["beta"])
BETA = make_wheel(
    "beta", "2.0", files={"beta.py": b"VERSION = '2.0'\n"},
    tag="cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64",
)  # fmt: skip
HANDLER = """\
import alpha, beta


def handler(event, context):
    return {"event": event, "versions": [alpha.VERSION, beta.VERSION]}
"""


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index([ALPHA, BETA]) as served:
        yield served


def invoke(account: Account) -> Any:
    answered = account.functions.invoke(FunctionName="orders-api", Payload=b'{"id": 7}')
    answer = json.loads(answered["Payload"].read())
    assert "FunctionError" not in answered, answer
    return answer


@pytest.mark.parametrize("kind", ["layer", "package"])
def test_the_script_is_not_needed_any_more(
    kind: str, tmp_path: Path, account: Account, index: Index
) -> None:
    files = {"orders/__init__.py": "", "orders/api.py": HANDLER, "requirements.txt": "alpha==1.2\n"}
    root = write_files(tmp_path / "orders", files)
    commands = {
        "aws": [str(tool("aws"))],
        "pip": [sys.executable, "-m", "pip"],
        "wherry": [sys.executable, "-m", "wherry"],
    }
    for name, words in commands.items():
        write_files(tmp_path / "bin", {name: f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'})
        (tmp_path / "bin" / name).chmod(0o755)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PIP_", "UV_", "WHERRY_"))
    }

    def run(command: str) -> str:
        done = subprocess.run(
            ["sh", "-e", "-c", command], cwd=root, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env={
                **inherited,
                **account.environment(),
                "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "PIP_INDEX_URL": index.simple,
                "UV_DEFAULT_INDEX": index.simple,
                "WHERRY_CACHE_DIR": str(tmp_path / "store"),
                "HOME": str(tmp_path),
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    first = zip_of(tmp_path / "first.zip", {"orders/api.py": HANDLER}).read_bytes()
    account.function("orders-api", first, Handler="orders.api.handler", MemorySize=256)
    run(marked(PAGE, kind))
    account.wait("orders-api")
    before, answer = account.configuration("orders-api"), invoke(account)
    assert answer == {"event": {"id": 7}, "versions": ["1.2", "2.0"]}

    *_, plan, _ = [run(command) for command in commands_of(PAGE, "move")]
    account.wait("orders-api")
    after = account.configuration("orders-api")
    assert invoke(account) == answer
    assert after["CodeSha256"] != before["CodeSha256"]
    for key in ("Handler", "Runtime", "MemorySize", "Role", "Timeout"):
        assert after[key] == before[key]
    settings = (root / "wherry.toml").read_text()
    if kind == "layer":
        assert "publish a version" in plan
        assert account.layers_of("orders-api")[0].endswith(":layer:orders-dependencies:2")
        assert 'layers = ["dependencies"]' in settings
    else:
        assert account.layers_of("orders-api") == []
        assert "layers" not in settings

    (root / "orders/api.py").write_text(HANDLER.replace('{"event"', '{"new": 1, "event"'))
    run("wherry deploy production")
    account.wait("orders-api")
    assert invoke(account) == {"new": 1, **answer}
    assert account.layers_of("orders-api") == [layer["Arn"] for layer in after.get("Layers", ())]
    assert "Stage production is as it should be" in run("wherry deploy production")
