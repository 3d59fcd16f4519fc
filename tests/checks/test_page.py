"""docs/reference/checks.md and the rules say the same."""

from __future__ import annotations

import re
from pathlib import Path

from wherry.checks.registry import rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "checks.md"


def test_every_rule_is_documented_with_an_example_and_the_remedy() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = dict(
        re.findall(r"^\| \[`([A-Z]+\d+)`\]\(#\w+\) \| (.+?) \| .+ \|$", text, re.MULTILINE)
    )
    assert table == {code: rule.title for code, rule in rules().items()}
    sections = re.findall(
        r"^### `([A-Z]+\d+)`\n\n(.+)\.\n\nExample: .+\n\nRemedy: .+$", text, re.MULTILINE
    )
    assert [code for code, _ in sections] == list(table)
    assert {code: title.lower() for code, title in sections} == {
        code: title.lower() for code, title in table.items()
    }
