"""Terraform's modules repeat one another, as each is copied alone: what they share is the same in all."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / "integrations" / "terraform"
WAYS = ("build-at-apply", "build-first", "external-data")
SHARED = ("variable project", "variable name", "variable live_code_sha256")
# Of the modules that build when a plan is applied.
OF_BUILDING = (
    "variable wherry",
    "variable again",
    "resource terraform_data applied",
    "check live_code",
    "output code_sha256",
)
OUTPUTS = {"filename", "source_code_hash", "code_sha256", "handler", "runtime", "architecture"}
_BLOCK = re.compile(
    r"^((?:variable|output|resource|check) .*?) \{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL
)


@cache
def blocks(way: str) -> dict[str, str]:
    text = (MODULES / way / "main.tf").read_text()
    return {head.replace('"', ""): body for head, body in _BLOCK.findall(text)}


def test_every_module_is_known() -> None:
    assert {path.name for path in MODULES.iterdir()} == {*WAYS}


@pytest.mark.parametrize("block", SHARED)
def test_all_take_the_same(block: str) -> None:
    assert len({blocks(way)[block] for way in WAYS}) == 1


@pytest.mark.parametrize("block", OF_BUILDING)
def test_those_that_build_are_alike(block: str) -> None:
    assert blocks("build-at-apply")[block] == blocks("external-data")[block]


@pytest.mark.parametrize("way", WAYS)
def test_all_give_the_same(way: str) -> None:
    found = {head.removeprefix("output ") for head in blocks(way) if head.startswith("output ")}
    assert found == OUTPUTS
    for name in ("filename", "handler", "runtime", "architecture"):
        description = re.findall(r"description = .*", blocks(way)[f"output {name}"])
        assert description == re.findall(r"description = .*", blocks(WAYS[0])[f"output {name}"])


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_described(way: str) -> None:
    """And a variable without a default is one that has no sensible one."""
    for head, body in blocks(way).items():
        if head.startswith(("variable ", "output ")):
            assert "description = " in re.sub(" +", " ", body), head
    required = {head for head, body in blocks(way).items() if "default" not in body}
    variables = {head.removeprefix("variable ") for head in required if head.startswith("variable")}
    assert variables == {"project", "name", *(["runtime"] if way == "build-at-apply" else [])}
