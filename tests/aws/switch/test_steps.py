"""Canaries as they are written, answers as they are compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.aws.switch.steps import CanaryStep, first_share, parse_canary
from wherry.aws.switch.trial import mismatches
from wherry.errors import DeployError, SettingsError
from wherry.problems import Problems
from wherry.settings.stage_test import StageTest, read_stage_tests
from wherry.settings.stages import read_stages
from wherry.sizes import duration

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("10%/5m", [(0.1, 300)]),
        ("10%/5m,50%/10m", [(0.1, 300), (0.5, 600)]),
        (" 0.5 % / 30s , 0.2/1.5h", [(0.005, 30), (0.2, 5400)]),
    ],
)
def test_steps(text: str, steps: list[tuple[float, float]]) -> None:
    parsed = parse_canary(text)
    assert [(step.share, step.seconds) for step in parsed] == steps
    assert parse_canary(",".join(map(str, parsed))) == parsed
    assert first_share(text) == steps[0][0]


@pytest.mark.parametrize(
    "text", ["", "10%", "10%/", "/5m", "10%/5", "0%/5m", "100%/5m", "10%/0m", "10%/5m,", "50%/5m,10%/5m", "10%/5m,50%", "x/5m", "10%/-5m"],
)  # fmt: skip
def test_what_is_no_canary_with_steps(text: str) -> None:
    with pytest.raises(DeployError, match="is not a canary"):
        parse_canary(text)


@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 10**5)), min_size=1, max_size=5,
             unique_by=lambda step: step[0])
)  # fmt: skip
def test_steps_are_read_as_they_are_written(parts: list[tuple[int, int]]) -> None:
    steps = tuple(CanaryStep(share=share / 100, seconds=float(seconds)) for share, seconds in sorted(parts))  # fmt: skip
    assert parse_canary(",".join(map(str, steps))) == steps


def test_a_share_alone() -> None:
    assert [first_share(one) for one in (None, 0.2, "10%", "0.25")] == [None, 0.2, 0.1, 0.25]
    for text in ("10", "x", "0%", "100%"):
        with pytest.raises(DeployError, match="is not a share"):
            first_share(text)


@given(values)
def test_a_value_is_as_expected_of_itself(value: Any) -> None:
    assert list(mismatches(value, value)) == []
    assert list(mismatches({"x": value}, {"x": value, "more": 1})) == []


@pytest.mark.parametrize(
    ("expected", "answer", "problems"),
    [
        ({"a": 1}, {}, ["a: expected 1, and it is missing"]),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3, "d": 4}]}}, ["a.b[1].c: expected 2, got 3"]),
        ([1, 2], [1], ["the answer: expected [1, 2], got [1]"]),
        (True, 1, ["the answer: expected true, got 1"]),
        (1, True, ["the answer: expected 1, got true"]),
        (1, 1.0, []),
        ({"body": {"id": 7}}, {"body": '{"id": 7}'}, []),
        ({"body": {"id": 7}}, {"body": "no"}, ['body: expected {"id": 7}, got "no"']),
        ({"body": '{"id": 7}'}, {"body": '{"id": 7}'}, []),
        (None, {}, ["the answer: expected null, got {}"]),
        ("x", "x" * 300, [f'the answer: expected "x", got "{"x" * 198}…']),
    ],
)  # fmt: skip
def test_mismatches(expected: Any, answer: Any, problems: list[str]) -> None:
    assert list(mismatches(expected, answer)) == problems


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45, "45s"), (60, "1m"), (270, "4m 30s"), (3600, "1h"), (3900, "1h 5m")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def read(table: dict[str, Any]) -> Any:
    problems = Problems(SettingsError, "wrong")
    stage = read_stages({"s": table}, problems)["s"]
    problems.raise_all()
    return stage


def test_settings() -> None:
    stage = read(
        {
            "test": ["a.json", {"event": {"id": 1}, "function": "api", "expect": None}],
            "alarms": ["x"],
            "max-error-rate": "2.5%",
            "functions": {"api": {"test": [{"event": "b.json", "error": "KeyError"}]}},
        }
    )
    assert stage.test == (
        StageTest(event="a.json"),
        StageTest(event={"id": 1}, function="api", expect=(None,)),
    )
    assert [test.name for test in stage.test] == ["a.json", '{"id": 1}']
    assert (stage.alarms, stage.max_error_rate) == (("x",), 0.025)
    assert stage.function("api").test == (StageTest(event="b.json", error="KeyError"),)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a.json", "expected a list of tests"),
        ([1], "expected a list of tests"),
        ([{}], "expected a list of tests"),
        ([{"event": ""}], "expected a list of tests"),
        ([{"event": "a", "expected": 1}], "there is no setting `expected`"),
        ([{"event": "a", "function": 1}], "function: expected the name"),
        ([{"event": "a", "error": 1}], "error: expected true"),
        ([{"event": "a", "error": True, "expect": 1}], "exclude each other"),
        ([{"event": "a", "expect": float("nan")}], "expect: expected values that JSON has"),
    ],
)
def test_wrong_tests(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_stage_tests(value)


@pytest.mark.parametrize("value", ["5", "-1%", 2, -0.1, True, "101%", None])
def test_wrong_rates(value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        read({"max-error-rate": value})
    assert caught.value.where == (
        'stages.s.max-error-rate: expected a share of calls, such as "5%" or 0.05',
    )
