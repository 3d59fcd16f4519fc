"""Layers, through the command line: where they lie, whom they are for, and what they are made from."""

from __future__ import annotations

import hashlib
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from support.aws_account import code_sha256
from support.projects import make_project, pylock_for, write_files
from support.tools import run_uv
from support.wheels import make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Finished, Wherry
    from support.index import Index

PURE = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n"})
ARM = "cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64"
INTEL = "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"
NATIVE = [
    make_wheel("native", "1.0", tag=tag, files={"native.py": tag.encode()}) for tag in (ARM, INTEL)
]
ABI3 = make_wheel("stable", "1.0", tag="cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", files={"stable.abi3.so": b"ELF"})  # fmt: skip
OLDER = make_wheel("elsewhere")
BOTH = 'runtimes = ["python3.12", "python3.13"]\narchitectures = ["x86_64", "arm64"]\n'
BUILD = ("build", "--runtime", "python3.12")


def layer(done: Finished) -> dict[str, Any]:
    assert done.code == 0, done.err
    (package,) = done.document["packages"]
    return dict(package)


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    index.add(PURE, *NATIVE, ABI3, OLDER)
    make_project(wherry.cwd, index, [PURE, *NATIVE, ABI3, OLDER])
    lock = tomllib.loads((wherry.cwd / "pylock.toml").read_text())
    pure, arm, intel, stable, older = lock["packages"]
    native = {**arm, "wheels": arm["wheels"] + intel["wheels"]}
    lock["packages"] = [pure, native, stable, {**older, "marker": "python_version < '3.13'"}]
    (wherry.cwd / "pylock.toml").write_text(tomli_w.dumps(lock))
    return wherry.cwd


def test_pure_content_is_for_several_targets(project: Path, wherry: Wherry, index: Index) -> None:
    """Whatever else the project has: what does not go into the layer need not run there."""
    write_files(project, {"wherry.toml": f'[layers.l]\ninclude = ["alpha"]\n{BOTH}'})
    found = layer(wherry(*BUILD, "--json"))
    assert (found["runtimes"], found["architectures"]) == (
        ["python3.12", "python3.13"], ["x86_64", "arm64"],
    )  # fmt: skip
    write_files(project, {"pylock.toml": pylock_for(index, [PURE])})
    for target in (("python3.13", "x86_64"), ("python3.12", "arm64")):
        again = wherry("build", "--json", "--runtime", target[0], "--architecture", target[1])
        assert layer(again)["sha256"] == found["sha256"]
    said = wherry(*BUILD, "--output", "elsewhere").err
    assert "for python3.12, python3.13 on x86_64, arm64" in said


def test_the_stable_abi_is_for_several_runtimes(project: Path, wherry: Wherry) -> None:
    runtimes = BOTH.splitlines()[0]
    write_files(project, {"wherry.toml": f'[layers.l]\ninclude = ["stable"]\n{runtimes}\n'})
    assert layer(wherry(*BUILD, "--json"))["runtimes"] == ["python3.12", "python3.13"]


@pytest.mark.parametrize(
    ("names", "keys", "where"),
    [
        (
            ["native"],
            'architectures = ["x86_64", "arm64"]',
            [
                "error: layer `l` is not the same for python3.12-x86_64 and python3.12-arm64",
                f"  ╰─▶ `native` is native-1.0-{INTEL}.whl for one and native-1.0-{ARM}.whl for the other",
            ],
        ),
        (
            ["elsewhere"],
            'runtimes = ["python3.12", "python3.13"]',
            [
                "error: layer `l` is not the same for python3.12-x86_64 and python3.13-x86_64",
                "  ╰─▶ `elsewhere` is needed for python3.12-x86_64 only",
            ],
        ),
        (
            ["stable"],
            'architectures = ["x86_64", "arm64"]',
            ["error: layer `l` cannot be for python3.12-arm64"],
        ),
    ],
)
def test_content_that_differs_is_refused(
    project: Path, wherry: Wherry, names: list[str], keys: str, where: list[str]
) -> None:
    write_files(project, {"wherry.toml": f"[layers.l]\ninclude = {names}\n{keys}\n"})
    done = wherry(*BUILD)
    assert (done.code, done.out) == (1, "")
    assert done.error.splitlines()[: len(where)] == where
    assert "stable" in done.error or "native" in done.error or "elsewhere" in done.error
    assert not (project / "dist").exists()


def test_a_layer_for_another_target(project: Path, wherry: Wherry, index: Index) -> None:
    write_files(project, {"pylock.toml": pylock_for(index, [PURE])})
    text = '[layers.l]\ninclude = ["alpha"]\narchitectures = ["arm64"]\n[functions.f]\nlayers = ["l"]\ninclude = ["alpha"]\n'
    write_files(project, {"wherry.toml": text})
    done = wherry(*BUILD)
    assert (done.code, done.out) == (1, "")
    assert done.error == (
        "error: layer `l` is not for python3.12-x86_64\n"
        "  ╰─▶ layers.l.architectures names arm64\n"
        "hint: add `x86_64` there, or build for another target\n"
    )
    assert wherry(*BUILD, "--architecture", "arm64").code == 0


def test_layouts(project: Path, wherry: Wherry) -> None:
    write_files(
        project,
        {
            "wherry.toml": '[layers.l]\ninclude = ["alpha"]\nlayout = "site-packages"\n[layers.p]\ninclude = ["alpha"]\n'
        },
    )
    assert wherry(*BUILD).code == 0
    for name, folder in (("l", "python/lib/python3.12/site-packages/"), ("p", "python/")):
        paths = unzipped(project / f"dist/lambda/{name}.zip")
        assert all(path.startswith(folder) for path in paths)
        assert f"{folder}alpha/__init__.py" in paths


def test_a_quota_is_exceeded(project: Path, wherry: Wherry) -> None:
    """A12: before anything is written; all layers count."""
    write_files(
        project,
        {
            "wherry.toml": (
                '[quotas]\nunzipped = 400\n[functions.f]\ninclude = ["alpha"]\nlayers = ["l"]\n'
                '[layers.l]\ninclude = ["alpha"]\n'
            )
        },
    )
    done = wherry(*BUILD)
    assert (done.code, done.out) == (1, "")
    assert done.error.startswith(
        "error: `f` with its layers is 438 B unzipped, and AWS Lambda takes 400 B\n  ├─▶ `alpha` is "
    )
    assert not (project / "dist").exists()


def test_too_many_layers(project: Path, wherry: Wherry) -> None:
    arns = [f"arn:aws:lambda:eu-west-1:123456789012:layer:x{number}:3" for number in range(6)]
    write_files(project, {"wherry.toml": f'[functions.f]\ninclude = ["alpha"]\nlayers = {arns}\n'})
    done = wherry(*BUILD)
    assert (done.code, done.out) == (1, "")
    assert done.error == (
        "error: `f` takes 6 layers, and AWS Lambda allows 5\n"
        f"  ╰─▶ {', '.join(arns)}\n"
        "hint: put several layers into one\n"
    )


def test_a_layer_of_each_lock(index: Index, wherry: Wherry) -> None:
    """A1, A2, A4: the locked versions, no development group, and one digest whatever the format."""
    newer, dev = make_wheel("alpha", "2.0"), make_wheel("devtool", "9.0")
    index.add(PURE, dev)
    uv = wherry.cwd / "uv"
    write_files(
        uv,
        {
            "pyproject.toml": (
                '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
                'dependencies = ["alpha>=1"]\n[dependency-groups]\ndev = ["devtool"]\n'
            )
        },
    )
    env = {"UV_DEFAULT_INDEX": index.simple}
    run_uv("lock", cwd=uv, env=env)
    index.add(newer)
    digest = f"sha256:{PURE.sha256}"
    write_files(wherry.cwd / "pip", {"requirements.txt": f"alpha==1.2 --hash={digest}\n"})
    write_files(wherry.cwd / "pylock", {"pylock.toml": pylock_for(index, [PURE])})
    found = set()
    for name in ("uv", "pip", "pylock"):
        write_files(wherry.cwd / name, {"wherry.toml": "[layers.l]\n"})
        package = layer(
            wherry("build", "--json", "--project", name, "--runtime", "python3.12", **env)
        )
        data = (wherry.cwd / name / "dist/lambda/l.zip").read_bytes()
        assert [(one["name"], one["version"]) for one in package["distributions"]] == [
            ("alpha", "1.2")
        ]
        assert package["sha256"] == hashlib.sha256(data).hexdigest()
        assert package["code_sha256"] == code_sha256(data)
        paths = unzipped(wherry.cwd / name / "dist/lambda/l.zip")
        assert all(path.startswith("python/") for path in paths)
        found.add(package["sha256"])
    assert len(found) == 1
