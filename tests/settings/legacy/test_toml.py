"""Settings as TOML: what is written is what was meant."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from wherry.settings.legacy.toml import render

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
LEAVES = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), TEXTS, st.just("^a\\.b'\"\\d+$"))
LISTS = st.lists(st.one_of(TEXTS, st.fixed_dictionaries({"path": TEXTS, "to": TEXTS})), max_size=30)
TABLES = st.recursive(
    st.dictionaries(TEXTS, LEAVES | LISTS, max_size=4),
    lambda inner: st.dictionaries(TEXTS, inner | LEAVES | LISTS, max_size=4),
    max_leaves=8,
)


@given(table=TABLES, data=st.data())
def test_it_reads_back(table: dict[str, object], data: st.DataObject) -> None:
    """With comments or without, below a prefix or not."""
    comments = {key: "a line" for key in table if data.draw(st.booleans())}
    assert tomllib.loads(render(table, prefix=(), comments=comments)) == table
    read = tomllib.loads(render(table, comments=comments))
    assert read.get("tool", {}).get("wherry", {}) == table


def test_how_it_looks() -> None:
    table = {
        "runtime": "python3.13",
        "functions": {"api": {"app": "a:b", "include-regex": [r"^a\.b"]}, "other": {}},
    }
    comments = {"runtime": "the newest", "functions.api": "One.", "functions.api.app": "x" * 90}
    assert render(table, comments=comments) == (
        "[tool.wherry]\n"
        'runtime = "python3.13"  # the newest\n'
        "\n"
        "# One.\n"
        "[tool.wherry.functions.api]\n"
        f"# {'x' * 90}\n"
        'app = "a:b"\n'
        "include-regex = ['^a\\.b']\n"
        "\n"
        "[tool.wherry.functions.other]\n"
    )
