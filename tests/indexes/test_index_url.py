from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.indexes.index_url import IndexFile, index_url, parse_index_url

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", fullmatch=True)
FILENAMES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1)
INDEXES = st.none() | st.sampled_from(
    ["https://host/simple", "http://127.0.0.1:8080/a/b/simple", "https://user:p%40ss@host/simple"]
)


@given(project=NAMES, filename=FILENAMES, index=INDEXES)
def test_what_is_built_is_parsed_again(project: str, filename: str, index: str | None) -> None:
    parsed = parse_index_url(index_url(project, filename, index=index))
    assert parsed == IndexFile(index=index, project=project, filename=filename)


def test_the_scheme_is_as_documented() -> None:
    assert (
        index_url("a", "a-1.whl", index="https://h/simple/") == "index+https://h/simple/a/a-1.whl"
    )
    assert index_url("a", "a-1.whl", index=None) == "index+default:/a/a-1.whl"


@pytest.mark.parametrize(
    "url",
    ["https://host/simple/a/a-1.whl", "index+", "index+default:", "index+default:/a", "", "/"],
)
def test_other_urls_are_told_apart(url: str) -> None:
    assert parse_index_url(url) is None


def test_a_variable_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever wrote the lock need not be somebody who may read it."""
    monkeypatch.setenv("WHERRY_TEST_PASSWORD", "p@ss:w/rd")
    url = index_url("a", "a-1.whl", index="https://me:${WHERRY_TEST_PASSWORD}@host/simple")
    parsed = parse_index_url(url)
    assert parsed is not None
    assert parsed.index == "https://me:${WHERRY_TEST_PASSWORD}@host/simple"
