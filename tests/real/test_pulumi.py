"""The program that the documentation has for Pulumi, run with Pulumi's SDK and its mocks in place of the engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.checkouts import clone, commit
from support.index import serve_index
from support.projects import make_project, write_files
from support.tools import tool
from support.wheels import make_wheel

pytestmark = pytest.mark.real

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "pulumi.md"
ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
RUNNER = """\
import json, os, sys, pulumi
made = {}

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        made[args.typ] = {
            key: value.path if isinstance(value, pulumi.FileArchive) else value
            for key, value in args.inputs.items()
        }
        return f"{args.name}-id", {**args.inputs, "arn": f"arn:aws:iam::1:role/{args.name}"}

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks())

@pulumi.runtime.test
def run():
    exec(compile(open("program.py").read(), "program.py", "exec"), {})

run()
print(json.dumps(made))
"""


def test_the_program_of_the_documentation(tmp_path: Path) -> None:
    """Two users give Pulumi the same inputs."""
    text = PAGE.read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (command,) = re.findall(r"\$ (wherry build .*)", text)
    origin = tmp_path / "origin"
    with serve_index([ALPHA]) as index:
        make_project(origin, index, [ALPHA])
        settings = 'runtime = "python3.13"\narchitecture = "arm64"\n'
        settings += '[functions.api]\nhandler = "shop.api.handler"\n'
        write_files(origin, {"wherry.toml": settings, "infra/program.py": program})
        write_files(origin, {"infra/runner.py": RUNNER, ".gitignore": "dist/\ninfra/build.json\n"})
        commit(origin)
        found = []
        for user in clone(origin, tmp_path / "users"):
            infra = user.root / "infra"
            user.run("sh", "-ec", command, cwd=infra)
            done = subprocess.run(
                [tool("pulumi"), "runner.py"],
                cwd=infra, env={**os.environ, **user.env}, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            inputs = json.loads(done.stdout)["aws:lambda/function:Function"]
            (package,) = json.loads((infra / "build.json").read_text())["packages"]
            assert inputs["code"] == package["path"] == "../dist/lambda/api.zip"
            assert inputs["sourceCodeHash"] == package["code_sha256"]
            assert inputs["handler"] == "shop.api.handler"
            assert (inputs["runtime"], inputs["architectures"]) == ("python3.13", ["arm64"])
            found.append(inputs)
    assert found[0] == found[1]
