"""The original drover beside Wherry: one `drover.yml`, two accounts of one stand-in, and the function ends up alike."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.aws_account import Account
from support.command import Wherry
from support.functions import zip_of
from support.localstack import LocalStack, localstack
from support.projects import write_files
from support.tools import tool
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

REGION, FUNCTION = "eu-west-1", "basic-lambda"
SETTINGS = """\
stages:
  staging:
    region_name: eu-west-1
    function_name: basic-lambda
    compatible_runtime: python3.13
    function_file_patterns:
      - '^basic_lambda.*'
    function_extra_paths:
      - instance
    upload_bucket:
      region_name: eu-west-1
      bucket_name: {bucket}
      prefix: packages/
"""
HANDLER = b"import alpha\ndef handler(e, c):\n    return [alpha.A, alpha.THEIRS]\n"
DATA = {"basic_lambda/data/table.csv": b"1,2\n"}
ALPHA = {"alpha/py.typed": b"", "alpha/.data/listed.json": b"{}", "six.py": b"SIX = 6\n"}
FIRST = (
    make_wheel("basic-lambda", "1.0", files={"basic_lambda/__init__.py": HANDLER, **DATA}),
    make_wheel(
        "alpha", "1.2",
        files={"alpha/__init__.py": b"A = 1\nTHEIRS = None\n", "alpha.libs/libx.so.1": b"x", **ALPHA},
    ),
)  # fmt: skip
EDITED = (
    make_wheel(
        "basic-lambda", "1.0", files={"basic_lambda/__init__.py": HANDLER + b"# edited\n", **DATA},
    ),
    FIRST[1],
)  # fmt: skip
# Another version of the dependency, without one of its files, and with a new one.
UPGRADED = (
    make_wheel("basic-lambda", "1.1", files={"basic_lambda/__init__.py": HANDLER, "basic_lambda/more.py": b""}),
    make_wheel("alpha", "1.3", files={"alpha/__init__.py": b"A = 2\nTHEIRS = None\n", "beta.py": b"", **ALPHA}),
)  # fmt: skip
# What describes the machine that installed, which Wherry leaves out or writes anew.
OF_THE_MACHINE = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


@dataclass(frozen=True)
class Side:
    """The function as one of the two tools deploys it."""

    account: Account

    def layers(self) -> list[str]:
        """Names of the layers, in order; versions are each tool's own."""
        return [arn.split(":")[6] for arn in self.account.layers_of(FUNCTION)]

    def files(self) -> dict[str, bytes]:
        """What the function finds: `/opt/python` with later layers over earlier ones, and its own code."""
        found: dict[str, bytes] = {}
        for arn in self.account.layers_of(FUNCTION):
            layer, _, version = arn.rpartition(":")
            answer = self.account.functions.get_layer_version(
                LayerName=layer, VersionNumber=int(version)
            )
            for path, data in _unzipped(answer["Content"]["Location"]).items():
                found[f"/opt/{path}"] = data
        code = self.account.functions.get_function(FunctionName=FUNCTION)["Code"]["Location"]
        found |= {f"/var/task/{path}": data for path, data in _unzipped(code).items()}
        return {
            # It names the build backend, whose version Wherry leaves out.
            path: b"" if path.endswith(".dist-info/WHEEL") else data
            for path, data in found.items()
            if not (".dist-info/" in path and path.endswith(OF_THE_MACHINE))
        }

    def state(self) -> dict[str, Any]:
        """All in which the two must agree."""
        answered = self.account.functions.invoke(FunctionName=FUNCTION, Payload=b"{}")
        return {
            "runtime": self.account.configuration(FUNCTION)["Runtime"],
            "layers": self.layers(),
            "files": self.files(),
            "answer": json.loads(answered["Payload"].read()),
        }


def _unzipped(url: str) -> dict[str, bytes]:
    with urllib.request.urlopen(url) as answered:
        archive = zipfile.ZipFile(io.BytesIO(answered.read()))
    return {name: archive.read(name) for name in archive.namelist()}


@dataclass(frozen=True)
class Pair:
    """A project, deployed by drover to one account and by Wherry to another."""

    root: Path
    theirs: Side
    ours: Side
    wherry: Wherry

    def settings(self, *, supplemental: dict[str, str] | None = None, more: str = "") -> None:
        """`drover.yml` for each side: accounts differ, and so do ARNs and buckets."""
        for side in (self.theirs, self.ours):
            key = side.account.key
            text = SETTINGS.format(bucket=f"drover-{key}") + more
            if supplemental:
                text += "    supplemental_layer_arns:\n"
                for name, content in supplemental.items():
                    data = zip_of(self.root.parent / "x.zip", {f"python/{name}.py": content})
                    text += f"      - {side.account.layer(name, data.read_bytes())}\n"
            (self.root / f"drover-{key}.yml").write_text(text)

    def deploy(self) -> None:
        """By both. drover attaches a new layer only in its next run (D2), so it runs twice."""
        key = self.theirs.account.key
        given = ["--non-interactive", "--settings-file", f"drover-{key}.yml"]
        kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        succeeded = 0
        while succeeded < 2:
            done = subprocess.run(
                [tool("drover"), *given, "--install-path", "install", "staging"],
                cwd=self.root, env={**kept, **self.theirs.account.environment()},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            # It does not wait for its own update to end (D12).
            assert done.returncode == 0 or "ResourceConflict" in done.stderr, done.stderr
            succeeded += done.returncode == 0
        mine = self.wherry(
            "deploy", "--config", f"drover-{self.ours.account.key}.yml", "--install-path", "install",
            "staging", **self.ours.account.environment(),
        )  # fmt: skip
        assert mine.code == 0, mine.err

    def compare(self) -> dict[str, Any]:
        theirs, ours = self.theirs.state(), self.ours.state()
        assert ours["layers"] == theirs["layers"]
        assert ours["runtime"] == theirs["runtime"]
        assert ours["files"].keys() == theirs["files"].keys()
        assert ours == theirs
        return ours


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders that pip makes, as drover's documentation has it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP")}
    environment = {**kept, "PIP_CONFIG_FILE": os.devnull, "PYTHONDONTWRITEBYTECODE": ""}
    folders = {}
    for name, wheels in (("first", FIRST), ("edited", EDITED), ("upgraded", UPGRADED)):
        folder = tmp_path_factory.mktemp(name)
        for made in wheels:
            made.write(folder / "shelf")
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--find-links", "shelf",
             "--target", "install", "basic_lambda", "alpha"],
            check=True, cwd=folder, env=environment,
        )  # fmt: skip
        folders[name] = folder / "install"
    return folders


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with localstack(update_seconds=0.0) as started:
        yield started


@pytest.fixture
def pair(stack: LocalStack, tmp_path: Path, installed: dict[str, Path]) -> Pair:
    root = tmp_path / "project"
    shutil.copytree(installed["first"], root / "install")
    write_files(root, {"instance/config/settings.toml": "a = 1\n"})
    sides = []
    for _ in range(2):
        account = stack.account()
        account.bucket(f"drover-{account.key}", versioned=True)
        first = zip_of(tmp_path / "first.zip", {"x.py": ""}).read_bytes()
        foreign = zip_of(tmp_path / "f.zip", {"python/foreign.py": ""}).read_bytes()
        layers = [account.layer("foreign", foreign)]
        account.function(
            FUNCTION, first, Handler="basic_lambda.handler", Runtime="python3.12", Layers=layers
        )
        sides.append(Side(account))
    wherry = Wherry(store=tmp_path / "store", cwd=root)
    return Pair(root=root, theirs=sides[0], ours=sides[1], wherry=wherry)


def test_first_second_and_changed_deployments(pair: Pair, installed: dict[str, Path]) -> None:
    """A foreign layer goes, as with drover; code, dependencies, files and folders come and go."""
    pair.settings()
    pair.deploy()
    first = pair.compare()
    assert first["layers"] == [f"{FUNCTION}-requirements"]
    assert first["answer"] == [1, None]
    pair.deploy()
    assert pair.compare() == first
    # drover believes `RECORD`, and so would not notice an edited file (D5): each change is installed.
    for change, answer in (("edited", [1, None]), ("upgraded", [2, None])):
        shutil.rmtree(pair.root / "install")
        shutil.copytree(installed[change], pair.root / "install")
        write_files(pair.root, {f"instance/config/{change}.toml": "b = 2\n"})
        pair.deploy()
        state = pair.compare()
        assert state["answer"] == answer
        assert f"/var/task/config/{change}.toml" in state["files"]
    assert "/opt/python/alpha.libs/libx.so.1" not in state["files"]


def test_supplemental_layers(pair: Pair) -> None:
    """In their order, before that of the requirements, whose copy of a file is found; and then they change."""
    shadow = "raise ImportError"
    pair.settings(supplemental={"first": "F = 1", "six": shadow, "last": "L = 1"})
    pair.deploy()
    state = pair.compare()
    assert state["layers"] == ["first", "six", "last", f"{FUNCTION}-requirements"]
    assert state["files"]["/opt/python/six.py"] == b"SIX = 6\n"
    pair.settings(supplemental={"last": "L = 2", "first": "F = 2"})
    pair.deploy()
    assert pair.compare()["layers"] == ["last", "first", f"{FUNCTION}-requirements"]
    pair.settings()
    pair.deploy()
    assert pair.compare()["layers"] == [f"{FUNCTION}-requirements"]


def test_patterns_and_names(pair: Pair) -> None:
    """Patterns match at the start of a path; excluded files are nowhere; the layer has the name that is given."""
    pair.settings(
        more="    requirements_layer_name: shop-layer\n"
        "    package_exclude_patterns: ['.*__pycache__.*', 'alpha/py', '.*table', 'config/s']\n"
    )
    (pair.root / "install/six.py").rename(pair.root / "install/basic_lambda_six.py")
    pair.deploy()
    state = pair.compare()
    assert state["layers"] == ["shop-layer"]
    assert "/var/task/basic_lambda_six.py" in state["files"]
    assert not [path for path in state["files"] if "table" in path or "py.typed" in path]


def test_the_extra_path_wins(pair: Pair) -> None:
    """Of two files for one path, drover writes that of the extra path last."""
    pair.settings()
    write_files(pair.root, {"instance/basic_lambda/data/table.csv": "3,4\n"})
    pair.deploy()
    assert pair.compare()["files"]["/var/task/basic_lambda/data/table.csv"] == b"3,4\n"


def test_what_else_lies_in_the_folder(pair: Pair) -> None:
    """Files that no distribution lists ship, but for hidden ones, which Wherry leaves out on purpose."""
    pair.settings()
    write_files(
        pair.root / "install",
        {
            "basic_lambda/added.py": "", "basic_lambda/tests/test_a.py": "", "loose.txt": "x",
            "basic_lambda/.hidden": "h", "alpha/vendored/__init__.py": "",
        },
    )  # fmt: skip
    write_files(pair.root, {"instance/.env": "A=1\n", "instance/node/__init__.py": ""})
    pair.deploy()
    theirs, ours = pair.theirs.files(), pair.ours.files()
    assert {*theirs} - {*ours} == {"/var/task/.env", "/var/task/basic_lambda/.hidden"}
    assert {*ours} <= {*theirs}
    assert "/opt/python/alpha/.data/listed.json" in ours


def test_no_dependency_is_left(pair: Pair) -> None:
    """The layer is detached, where drover leaves it attached (D9)."""
    pair.settings()
    pair.deploy()
    install = pair.root / "install"
    for name in ("alpha", "alpha.libs", "alpha-1.2.dist-info"):
        shutil.rmtree(install / name)
    (install / "six.py").unlink()
    (install / "basic_lambda/__init__.py").write_text("def handler(e, c):\n    return 'alone'\n")
    pair.deploy()
    assert pair.theirs.layers() == [f"{FUNCTION}-requirements"]
    assert pair.ours.layers() == []
    assert pair.ours.state()["answer"] == "alone"
