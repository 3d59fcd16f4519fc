"""What a store remembers comes back as it was, or not at all."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.store import Store
from wherry.store.memo import Memo, memo_key

ANYTHING: Memo[Any] = Memo("anything", encode=lambda value: value, decode=lambda value: value)
PAIRS: Memo[tuple[str, int]] = Memo(
    "pairs", encode=list, decode=lambda value: (str(value[0]), int(value[1]))
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
keys = st.text(st.characters(codec="utf-8"), max_size=30)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def file_of(store: Store, kind: str) -> Path:
    (path,) = (
        path for path in (store.root / f"{kind}-v1").iterdir() if path.name != "CACHEDIR.TAG"
    )
    return path


@settings(max_examples=60, deadline=None)
@given(key=keys, value=json_values, other=json_values)
def test_recall_gives_what_was_remembered_last(key: str, value: object, other: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "cache")
        assert ANYTHING.recall(store, key) is None
        ANYTHING.remember(store, key, other)
        ANYTHING.remember(store, key, value)
        assert ANYTHING.recall(Store(store.root), key) == value


@settings(max_examples=60, deadline=None)
@given(value=st.tuples(st.text(), st.integers()), data=st.data())
def test_a_damaged_memo_is_none(value: tuple[str, int], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "cache")
        PAIRS.remember(store, "key", value)
        path = file_of(store, "pairs")
        memo = path.read_bytes()
        place = data.draw(st.integers(0, len(memo) - 1))
        flipped = memo[place] ^ (1 << data.draw(st.integers(0, 7)))
        path.write_bytes(memo[:place] + bytes([flipped]) + memo[place + 1 :])
        assert PAIRS.recall(store, "key") is None
        path.write_bytes(memo[:place])
        assert PAIRS.recall(store, "key") is None
        path.write_bytes(memo + b" ")
        assert PAIRS.recall(store, "key") is None
        path.write_bytes(memo)
        assert PAIRS.recall(store, "key") == value


def test_a_memo_of_another_key_or_kind_is_none(store: Store) -> None:
    PAIRS.remember(store, "one", ("a", 1))
    memo = file_of(store, "pairs").read_bytes()
    store.remember("pairs", "two", memo)
    store.remember("anything", "one", memo)
    assert PAIRS.recall(store, "two") is None
    assert ANYTHING.recall(store, "one") is None
    assert PAIRS.recall(store, "one") == ("a", 1)


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 40, b'00000000["a",1]', b'["a",1]'])
def test_what_is_no_memo_is_none(store: Store, content: bytes) -> None:
    store.remember("pairs", "key", content)
    assert PAIRS.recall(store, "key") is None


@pytest.mark.parametrize("value", [None, 3, [], ["a"], ["a", "b"], ["a", None], {"a": 1}])
def test_a_value_that_cannot_be_decoded_is_none(store: Store, value: object) -> None:
    """As when a newer Wherry keeps another shape under the same key."""
    Memo[object]("pairs", encode=lambda same: same, decode=PAIRS.decode).remember(
        store, "key", value
    )
    assert PAIRS.recall(store, "key") is None


def test_a_store_that_cannot_be_written_remembers_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    PAIRS.remember(store, "key", ("a", 1))
    assert PAIRS.recall(store, "key") is None


@given(facts=st.lists(json_values, max_size=3), others=st.lists(json_values, max_size=3))
def test_keys_are_equal_where_the_facts_are(facts: list[object], others: list[object]) -> None:
    same = json.dumps(facts, sort_keys=True) == json.dumps(others, sort_keys=True)
    assert (memo_key(*facts) == memo_key(*others)) is same


def test_a_key_ignores_the_order_of_mappings_and_sets_and_knows_paths() -> None:
    assert memo_key({"a": 1, "b": 2}) == memo_key({"b": 2, "a": 1})
    assert memo_key(Path("folder", "file")) == memo_key(str(Path("folder", "file")))
    assert memo_key("ab", "c") != memo_key("a", "bc")
    assert memo_key({1, 2}) == memo_key({2, 1})
    assert memo_key(Path("\udcff")) == memo_key("\udcff") != memo_key("\udcfe")
    with pytest.raises(TypeError):
        memo_key(object())


@pytest.mark.parametrize("value", [float("inf"), "a path of bytes: \udcff", {"\ud800": [1]}])
def test_what_json_does_not_have_comes_back_too(store: Store, value: object) -> None:
    ANYTHING.remember(store, "key", value)
    assert ANYTHING.recall(store, "key") == value
