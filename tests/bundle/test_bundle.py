"""The laws of bundles."""

from __future__ import annotations

import random
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.bundles import entries, offer
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import Entry, Payload, Slice, inline
from wherry.errors import ConflictError, EntryPathError

if TYPE_CHECKING:
    from collections.abc import Callable

Offers = dict[bytes, list[Payload]]
EMPTY = Bundle()


@pytest.fixture(scope="module")
def offers(tmp_path_factory: pytest.TempPathFactory) -> Offers:
    return offer(tmp_path_factory.mktemp("offers"))


def attempt(make: Callable[[], Bundle]) -> Bundle | type[ConflictError]:
    try:
        return make()
    except ConflictError:
        return ConflictError


def merge_in_turn(bundles: tuple[Bundle, ...]) -> Bundle:
    merged = EMPTY
    for bundle in bundles:
        merged = merged.merge(bundle)
    return merged


@given(data=st.data())
def test_merge_is_associative_and_commutative(offers: Offers, data: st.DataObject) -> None:
    a, b, c = (Bundle.of(data.draw(entries(offers))) for _ in range(3))
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == c.merge(a, b)
    assert a.merge(a) == a


@given(data=st.data())
def test_what_merge_refuses_it_refuses_in_every_order(offers: Offers, data: st.DataObject) -> None:
    try:
        a, b, c = (Bundle.of(data.draw(entries(offers, conflicts=True))) for _ in range(3))
    except ConflictError:
        return
    results = [attempt(partial(merge_in_turn, order)) for order in permutations((a, b, c))]
    assert all(result == results[0] for result in results)


@given(data=st.data())
def test_the_empty_bundle_is_the_identity(offers: Offers, data: st.DataObject) -> None:
    a = Bundle.of(data.draw(entries(offers)))
    assert a.merge(EMPTY) == EMPTY.merge(a) == a.merge() == a
    assert len(EMPTY) == 0
    assert EMPTY.unzipped_size == 0


@given(data=st.data(), p=st.sets(st.sampled_from("abc")), q=st.booleans())
def test_filtering_twice_is_filtering_by_both(
    offers: Offers, data: st.DataObject, p: set[str], q: bool
) -> None:
    a = Bundle.of(data.draw(entries(offers)))

    def owned(entry: Entry) -> bool:
        return entry.owner in p

    def marked(entry: Entry) -> bool:
        return entry.executable is q

    both = a.filter(lambda entry: owned(entry) and marked(entry))
    assert a.filter(owned).filter(marked) == a.filter(marked).filter(owned) == both
    assert a.filter(lambda _: True) == a
    assert a.filter(lambda _: False) == EMPTY


segments = st.lists(st.sampled_from(["python", "lib", "ü", "a"]), max_size=3).map("/".join)


@given(data=st.data(), one=segments, two=segments)
def test_prefixing_twice_is_prefixing_by_the_path(
    offers: Offers, data: st.DataObject, one: str, two: str
) -> None:
    a = Bundle.of(data.draw(entries(offers)))
    assert a.prefix(one).prefix(two) == a.prefix(f"{two}/{one}".strip("/"))
    assert a.prefix("") == a
    assert [e.path for e in a.prefix("p/")] == [f"p/{e.path}" for e in a]
    assert a.prefix("p") == Bundle.of(a.prefix("p"))


@pytest.mark.parametrize("folder", ["/python", "..", "a/../b", "a//b", "C:", "a\\b"])
def test_an_unsafe_prefix_is_refused(folder: str) -> None:
    with pytest.raises(EntryPathError):
        Bundle.of([inline("x", b"", owner="o")]).prefix(folder)


@given(data=st.data())
def test_the_parts_of_a_partition_make_the_whole(offers: Offers, data: st.DataObject) -> None:
    a = Bundle.of(data.draw(entries(offers)))
    parts = a.partition(lambda entry: (entry.owner, entry.executable))
    assert EMPTY.merge(*parts.values()) == a
    assert sum(len(part) for part in parts.values()) == len(a)
    assert all(parts.values())
    for (owner, executable), part in parts.items():
        assert all((e.owner, e.executable) == (owner, executable) for e in part)
        assert part == Bundle.of(part)


@given(data=st.data())
def test_payloads_survive_every_verb(offers: Offers, data: st.DataObject) -> None:
    given_entries = data.draw(entries(offers))
    expected = {e.path: (e.payload.crc, e.payload.size, read_all(e.payload)) for e in given_entries}
    a = Bundle.of(given_entries)
    done = EMPTY.merge(
        *a.filter(lambda _: True).prefix("p").partition(lambda e: e.owner).values()
    ).merge(a.prefix("p"))
    assert {
        e.path.removeprefix("p/"): (e.payload.crc, e.payload.size, read_all(e.payload))
        for e in done
    } == expected


@given(data=st.data())
def test_a_bundle_is_sorted_by_the_bytes_of_its_paths(offers: Offers, data: st.DataObject) -> None:
    given_entries = data.draw(entries(offers))
    a = Bundle.of(given_entries)
    raw = [entry.path.encode() for entry in a]
    assert raw == sorted(set(raw))
    assert set(raw) == {entry.path.encode() for entry in given_entries}
    assert a.entries == tuple(a)
    assert a.unzipped_size == sum(len(read_all(e.payload)) for e in a)


@given(data=st.data(), seed=st.integers())
def test_the_order_of_entries_does_not_matter(
    offers: Offers, data: st.DataObject, seed: int
) -> None:
    given_entries = data.draw(entries(offers))
    shuffled = given_entries[:]
    random.Random(seed).shuffle(shuffled)
    assert Bundle.of(given_entries) == Bundle.of(shuffled)
    assert hash(Bundle.of(given_entries)) == hash(Bundle.of(shuffled))


def test_one_content_compressed_in_many_ways_has_one_choice(offers: Offers) -> None:
    for payloads in offers.values():
        claims = [Entry("x", False, payload, "same") for payload in payloads]
        assert len({Bundle.of(order) for order in permutations(claims[:5])}) == 1
        assert len({Bundle.of(claims[n:] + claims[:n]) for n in range(len(claims))}) == 1


def test_the_choice_does_not_hang_on_where_the_store_is(offers: Offers) -> None:
    """The owner's name decides before anything that a machine could name differently."""
    one, two, *_ = (p for p in offers[b"one\n" * 40] if isinstance(p, Slice))
    for first, second in ((one, two), (two, one)):
        merged = Bundle.of([Entry("x", False, second, "b"), Entry("x", False, first, "a")])
        assert merged.entries == (Entry("x", False, first, "a"),)


def test_a_file_that_two_share_is_executable_when_it_is_for_one() -> None:
    plain = inline("bin/x", b"#!/bin/sh\n", owner="a")
    runnable = inline("bin/x", b"#!/bin/sh\n", owner="b", executable=True)
    for order in ([plain, runnable], [runnable, plain]):
        (entry,) = Bundle.of(order)
        assert entry.executable
        assert entry.owner == "a"


def test_a_conflict_names_the_path_both_owners_and_the_way_out() -> None:
    one = Bundle.of([inline("pkg/x.py", b"1", owner="flask")])
    two = Bundle.of([inline("pkg/x.py", b"22", owner="django")])
    messages = set()
    for left, right in ((one, two), (two, one)):
        with pytest.raises(ConflictError, match="two different files for `pkg/x.py`") as caught:
            left.merge(right)
        messages.add(str(caught.value))
    (message,) = messages
    assert "`flask` holds one of 1 bytes" in message
    assert "`django` holds one of 2 bytes" in message
    assert '[tool.wherry.conflicts] "pkg/x.py" = "django"' in message


def test_a_conflict_can_be_settled() -> None:
    asked = []

    def settle(path: str, owners: frozenset[str]) -> str | None:
        asked.append((path, owners))
        return "flask"

    one = Bundle.of([inline("x", b"1", owner="flask"), inline("y", b"1", owner="flask")])
    two = Bundle.of([inline("x", b"2", owner="django"), inline("y", b"1", owner="django")])
    for merged in (one.merge(two, settle=settle), two.merge(one, settle=settle)):
        assert {e.path: (e.owner, read_all(e.payload)) for e in merged} == {
            "x": ("flask", b"1"),
            "y": ("django", b"1"),
        }
    assert asked == [("x", frozenset({"flask", "django"}))] * 2


def test_a_winner_who_holds_no_such_file_settles_nothing() -> None:
    claims = [inline("x", b"1", owner="a"), inline("x", b"2", owner="b")]
    with pytest.raises(ConflictError):
        Bundle.of(claims, settle=lambda _path, _owners: "c")


def test_a_winner_who_contradicts_itself_settles_nothing() -> None:
    claims = [inline("x", data, owner=owner) for data in (b"1", b"2") for owner in "ab"]
    with pytest.raises(ConflictError):
        Bundle.of(claims, settle=lambda _path, _owners: "a")


def test_equal_crcs_are_no_proof_of_equal_contents() -> None:
    # Two different texts with one CRC-32.
    one, two = b"plumless", b"buckeroo"
    claims = [inline("x", one, owner="a"), inline("x", two, owner="b")]
    assert claims[0].payload.crc == claims[1].payload.crc
    with pytest.raises(ConflictError):
        Bundle.of(claims)


@pytest.mark.parametrize(
    ("file", "below"), [("a", "a/b"), ("a", "a/b/c/d"), ("a/b", "a/b/c"), ("a", "a/")]
)
def test_a_file_where_another_has_a_folder_is_refused(file: str, below: str) -> None:
    claims = [
        inline("a!", b"", owner="between"),
        inline(file, b"1", owner="one"),
        inline(below, b"2", owner="two"),
    ]
    for order in permutations(claims):
        with pytest.raises(ConflictError, match="is a file and a folder at once") as caught:
            Bundle.of(order)
        assert any("`one`" in where for where in caught.value.where)
        assert any("`two`" in where for where in caught.value.where)


def test_names_that_only_begin_alike_are_no_conflict() -> None:
    paths = ["a", "a!", "a.b", "ab/c", "a0/b", "b/a", "b/a!/c"]
    assert len(Bundle.of([inline(path, b"", owner="o") for path in paths])) == len(paths)


def test_a_bundle_equals_only_bundles() -> None:
    assert Bundle() != ()
    assert repr(Bundle.of([inline("x", b"", owner="o")])) == "<Bundle of 1 entries>"
