"""What an alias stood at, in its description."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.aws.history import AliasHistory

numbers = st.integers(1, 10**6)
histories = st.builds(
    AliasHistory,
    text=st.text(max_size=100).map(str.rstrip),
    versions=st.lists(numbers, min_size=1, max_size=8).map(tuple),
    rejected=st.lists(numbers, max_size=8, unique=True).map(tuple),
)


@given(histories)
def test_it_is_read_as_it_was_written(history: AliasHistory) -> None:
    assert AliasHistory.parse(history.description()) == history
    assert history.description().startswith(history.text)


@given(st.lists(numbers, min_size=1, max_size=200), st.text(max_size=250))
def test_it_fits_and_keeps_the_newest(versions: list[int], text: str) -> None:
    history = AliasHistory(text=text.rstrip(), versions=tuple(versions), rejected=tuple(versions))
    described = history.description()
    assert len(described) <= 256
    assert described.startswith(history.text)
    known = AliasHistory.parse(described).versions
    assert known == tuple(versions[: len(known)])


@pytest.mark.parametrize(
    "text", ["", "Live traffic", "[wherry: x]", "[wherry: 1] and more", "wherry: 1 2"]
)
def test_a_description_without_a_record(text: str) -> None:
    history = AliasHistory.parse(text)
    assert (history.text, history.versions, history.before(4)) == (text, (), ())
    assert history.description() == text


def test_a_deployment_and_the_way_back() -> None:
    history = AliasHistory(text="Live").at(1).moved(1, 2).moved(2, 3)
    assert history.description() == "Live [wherry: 3 2 1]"
    assert history.before(3) == (2, 1)
    back = history.back(3, 2)
    assert back.description() == "Live [wherry: 2 1; not 3]"
    assert back.moved(2, 4).before(4) == (2, 1)
    # Somebody deploys it again, which is a decision of its own.
    assert back.moved(2, 3).description() == "Live [wherry: 3 2 1]"


def test_an_alias_that_somebody_else_moved() -> None:
    history = AliasHistory().at(1).moved(1, 2)
    assert history.before(7) == (2, 1)
    assert history.moved(7, 8).versions == (8, 7, 2, 1)


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, int]]:
    kinds = st.sampled_from(["deploy", "canary", "promote", "end", "rollback", "else"])
    return [(draw(kinds), draw(st.integers(0, 3))) for _ in range(draw(st.integers(1, 30)))]


@given(steps())
def test_callers_never_get_back_what_was_rejected(script: list[tuple[str, int]]) -> None:
    """A model of one alias, moved by Wherry and by others; the history passes through its description each time."""
    stands, newest, canary = 1, 1, 0
    rejected: set[int] = set()
    history = AliasHistory().at(1)
    had = {1}
    for kind, _ in script:
        history = AliasHistory.parse(history.description())
        match kind:
            case "deploy":
                newest += 1
                history = history.moved(stands, newest, canaries=(canary,) if canary else ())
                rejected |= {canary} - {0}
                stands, canary = newest, 0
                had.add(stands)
            case "canary":
                rejected |= {canary} - {0}
                history = history.at(stands).rejecting(canary)
                newest += 1
                canary = newest
            case "promote" if canary:
                history = history.moved(stands, canary, canaries=(canary,))
                stands, canary = canary, 0
                had.add(stands)
            case "end" if canary:
                rejected.add(canary)
                history, canary = history.at(stands).rejecting(canary), 0
            case "else":
                newest += 1
                stands, canary = newest, 0
                had.add(stands)
            case "rollback" if not canary:
                known = history.before(stands)
                if not known:
                    continue
                assert known[0] in had - rejected - {stands}
                history = history.back(stands, known[0])
                rejected.add(stands)
                stands = known[0]


def test_an_alias_that_somebody_moved() -> None:
    """To $LATEST: callers had the last recorded version before. The version it stands at is never gone back to."""
    history = AliasHistory(versions=(5, 4), rejected=(3,))
    assert history.before(0) == (5, 4)
    assert history.before(5) == (4,)
    assert AliasHistory(versions=(3, 3, 2, 3, 2)).before(3) == (2, 2)
