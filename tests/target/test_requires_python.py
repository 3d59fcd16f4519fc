"""What is understood here is understood as packaging does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from wherry.target import RUNTIMES, Bounds, admits, parse_requires_python

VERSIONS = st.builds("{}.{}".format, st.integers(2, 4), st.integers(0, 20))
TERMS = st.builds(
    "{}{}{}".format, st.sampled_from([">=", "<", ">= ", " <"]), VERSIONS, st.sampled_from(["", " "])
)


@given(st.lists(TERMS, min_size=1, max_size=4).map(",".join))
def test_plain_bounds_are_what_packaging_says(text: str) -> None:
    ours = parse_requires_python(text)
    assert isinstance(ours, Bounds)
    for runtime in RUNTIMES.values():
        assert admits(ours, runtime) == admits(SpecifierSet(text), runtime)


@pytest.mark.parametrize(
    "text", ["", "==3.11.*", "~=3.11", ">=3.11.4", "!=3.12.*,>=3.9", ">3.11", "<=3.12", ">=3", "<4"]
)
def test_the_rest_is_packagings(text: str) -> None:
    assert isinstance(parse_requires_python(text), SpecifierSet)


def test_what_is_none_is_refused() -> None:
    with pytest.raises(InvalidSpecifier):
        parse_requires_python("three")
