from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from wherry.lock.poetry.constraint import parse_constraint


@pytest.mark.parametrize(
    ("text", "specifiers"),
    [
        ("^1.2.3", ["<2,>=1.2.3"]),
        ("^1.2", ["<2,>=1.2"]),
        ("^1", ["<2,>=1"]),
        ("^0.2.3", ["<0.3,>=0.2.3"]),
        ("^0.0.3", ["<0.0.4,>=0.0.3"]),
        ("^0.0", ["<0.1,>=0.0"]),
        ("^0", ["<1,>=0"]),
        ("~1.2.3", ["<1.3,>=1.2.3"]),
        ("~1.2", ["<1.3,>=1.2"]),
        ("~1", ["<2,>=1"]),
        ("~=1.4.5", ["~=1.4.5"]),
        ("*", [""]),
        ("1.*", ["==1.*"]),
        ("1.2.*", ["==1.2.*"]),
        ("1.2.3", ["==1.2.3"]),
        ("=1.2", ["==1.2"]),
        (">=1,<2", ["<2,>=1"]),
        (">= 1.0, < 2.0", ["<2.0,>=1.0"]),
        (">=1 <2", ["<2,>=1"]),
        ("!=1.5", ["!=1.5"]),
        ("<2 || >=3", ["<2", ">=3"]),
        (">=1.5.6,<1.5.7 || >1.5.7", ["<1.5.7,>=1.5.6", ">1.5.7"]),
        ("^2.7 || ^3.4", ["<3,>=2.7", "<4,>=3.4"]),
    ],
)
def test_constraints_mean_what_poetry_says(text: str, specifiers: list[str]) -> None:
    constraint = parse_constraint(text)
    assert [
        ",".join(sorted(str(each).split(","))) for each in constraint.alternatives
    ] == specifiers


def test_a_version_is_allowed_by_one_alternative() -> None:
    constraint = parse_constraint("<2 || >=3")
    assert constraint.contains("1.0")
    assert not constraint.contains("2.5")
    assert constraint.contains("3.0")


@pytest.mark.parametrize("text", ["nonsense!", "^", ">=", "1.0 ^^ 2", "^abc", "||^", "a" * 1000])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_constraint(text)


@given(st.text(alphabet="^~=<>!|,. *x0123456789abrc-+", max_size=20))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        constraint = parse_constraint(text)
    except ValueError:
        return
    assert constraint.contains("1.0") in {True, False}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (">=3.9,<3.13", False),
        ("^3.9", True),
        ("3.13.*", True),
        ("~3.12", False),
        ("<3 || >=3.13", True),
    ],
)
def test_a_python_constraint_becomes_a_marker(text: str, holds: bool) -> None:
    marker = parse_constraint(text).python_marker()
    assert marker is not None
    environment = {"python_version": "3.13", "python_full_version": "3.13.0"}
    assert Marker(marker).evaluate(environment) is holds


def test_any_python_needs_no_marker() -> None:
    assert parse_constraint("*").python_marker() is None
