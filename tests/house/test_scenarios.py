"""The codes of scenarios that tests cite are explained in the documentation, which names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "scenarios.md"
ROWS = dict(
    re.findall(r"^\| ([A-Z]\d+) \| .+ \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
)
LETTERS = "".join(sorted({code[0] for code in ROWS}))


def cited(path: Path) -> set[str]:
    return set(re.findall(rf"\b[{LETTERS}]\d{{1,2}}\b", path.read_text(encoding="utf-8")))


def test_every_code_that_tests_cite_is_explained() -> None:
    assert LETTERS == "ABDKNS"
    codes = {code for path in (ROOT / "tests").rglob("*.py") for code in cited(path)}
    assert len(codes) > 50
    assert not codes - ROWS.keys()


@pytest.mark.parametrize(
    ("code", "file"), [(code, shown) for code, shown in ROWS.items() if shown != "–"]
)
def test_the_file_that_shows_a_scenario_cites_it(code: str, file: str) -> None:
    assert code in cited(ROOT / file.strip("`"))
