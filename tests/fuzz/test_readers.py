"""Every reader, briefly, with inputs that are always the same; and whatever ``make fuzz`` has found before."""

from __future__ import annotations

import resource

import pytest

from fuzz.readers import READERS
from fuzz.run import FOUND, Outcome, run_reader, surroundings, try_input

ENTRIES = sorted(FOUND.glob("*@*"))


@pytest.mark.parametrize("name", READERS)
def test_changed_samples_meet_wherrys_errors_only(name: str) -> None:
    """And neither more memory than 200 MB, nor more time than two seconds of the processor's."""
    outcome = run_reader(name, seed=0, inputs=READERS[name].brief)
    assert outcome.inputs == READERS[name].brief
    assert not outcome.found, [problem for _, problem in outcome.found.values()]


@pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.name)
def test_what_was_found_before(path) -> None:
    name = path.name.partition("@")[0].replace("_", " ")
    with surroundings(name) as around:
        assert try_input(name, path.read_bytes(), around, Outcome()) is None


def test_the_search_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that fails, one that is slow and one that takes memory are all noticed."""
    from dataclasses import replace

    from fuzz import run

    def fails(data, around):
        raise KeyError(data)

    def slow(data, around):
        sum(number * number for number in range(300_000))

    def large(data, around):
        b"x" * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + (30 << 20))

    monkeypatch.setattr(run, "SECONDS", 0.001)
    for read, found in ((fails, "KeyError in test_readers.py"), (slow, "it takes")):
        monkeypatch.setitem(READERS, "x", replace(READERS[".gitignore"], read=read))
        outcome = run_reader("x", seed=0, inputs=3)
        assert all(problem.startswith(found) for _, problem in outcome.found.values())
        assert outcome.found
    monkeypatch.setattr(run, "SECONDS", 60)
    monkeypatch.setattr(run, "MEMORY", 10 << 20)
    monkeypatch.setitem(READERS, "x", replace(READERS[".gitignore"], read=large))
    found = run_reader("x", seed=0, inputs=1).found
    assert [problem.endswith("MB") for _, problem in found.values()] == [True]
