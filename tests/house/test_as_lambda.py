"""Each point of the page that compares local runs with Lambda names the tests that show it, and they exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "as-lambda.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| Point ")
]


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_point_is_shown(row: list[str]) -> None:
    point, there, here, shown = row
    assert all((point, there, here))
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown)
    assert named
    assert re.sub(r"`[^`]*`|[, ]", "", shown) == ""
    for path, name in named:
        assert name in functions_in(path), f"{path} has no {name}"


def test_nothing_is_left_out() -> None:
    """What people ask about first is among the points."""
    points = " ".join(row[0].lower() for row in ROWS)
    asked = (
        "/dev", "/tmp", "capabilities", "read-only", "search path", "environment", "credentials", "events and results",
        "log", "memory", "timeout", "extensions", "snapstart", "concurrency", "reuse", "boto3", "layers",
    )  # fmt: skip
    assert [word for word in asked if word not in points] == []
