"""The quick look at filenames comes to what packaging says at length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import create_compatible_tags_selector
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from wherry.target import RUNTIMES, Architecture, Target
from wherry.wheels.compatibility import best, rank, wheel_tags

TARGETS = [
    Target(runtime=runtime, architecture=architecture)
    for runtime in RUNTIMES.values()
    for architecture in Architecture
]

targets = st.sampled_from(TARGETS)
pythons = st.sampled_from(
    ["py2", "py3", "py2.py3", "cp39", "cp311", "cp312", "cp313", "cp314", "pp311"]
)
abis = st.sampled_from(["none", "abi3", "cp311", "cp312", "cp313", "cp313t", "cp314", "abi3.none"])
platforms = st.sampled_from(
    [
        "any",
        "linux_x86_64",
        "linux_aarch64",
        "manylinux1_x86_64",
        "manylinux2014_aarch64",
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "manylinux_2_26_x86_64",
        "manylinux_2_27_x86_64.manylinux_2_28_x86_64",
        "manylinux_2_34_aarch64",
        "manylinux_2_35_aarch64",
        "musllinux_1_2_x86_64",
        "macosx_11_0_arm64",
        "win_amd64",
    ]
)
builds = st.sampled_from(["", "", "-1", "-2", "-10", "-2b"])
wheels = st.builds("foo-1.0{}-{}-{}-{}.whl".format, builds, pythons, abis, platforms)


@given(target=targets, filename=wheels)
def test_a_wheel_fits_when_packaging_says_so(target, filename):
    tags = wheel_tags(filename)
    assert tags is not None
    by_packaging = parse_wheel_filename(filename)[3] & frozenset(target.tags)
    place = rank(tags, target)
    if by_packaging:
        assert place == min(target.tags.index(tag) for tag in by_packaging)
    else:
        assert place is None


@given(target=targets, filenames=st.lists(wheels, max_size=8, unique=True), data=st.data())
def test_the_best_wheel_is_the_best_in_any_order(target, filenames, data):
    chosen = best(filenames, target)
    assert chosen == best(data.draw(st.permutations(filenames)), target)
    selector = create_compatible_tags_selector(target.tags)
    parsed = [(name, parse_wheel_filename(name)) for name in filenames]
    ordered = list(selector((name, parts[3]) for name, parts in parsed))
    assert (chosen is None) == (not ordered)
    if chosen is not None:
        tags = wheel_tags(chosen)
        first = wheel_tags(ordered[0])
        assert tags is not None
        assert first is not None
        assert rank(tags, target) == rank(first, target)
        assert parse_wheel_filename(chosen)[3] & frozenset(target.tags)


@given(target=targets, filenames=st.lists(wheels, min_size=1, max_size=8, unique=True))
def test_without_the_best_the_next_best_is_chosen(target, filenames):
    ranking = []
    while (chosen := best(filenames, target)) is not None:
        tags = wheel_tags(chosen)
        assert tags is not None
        ranking.append((rank(tags, target), tuple(-1 * part for part in tags.build[:1])))
        filenames.remove(chosen)
    assert ranking == sorted(ranking)


@given(filename=st.text(max_size=40) | st.from_regex(r"[a-z0-9._-]{1,30}\.whl", fullmatch=True))
def test_no_text_is_too_odd(filename):
    target = TARGETS[0]
    chosen = best([filename], target)
    if chosen is not None:
        assert parse_wheel_filename(chosen)
    if wheel_tags(filename) is None:
        with pytest.raises(InvalidWheelFilename):
            parse_wheel_filename(filename)


@pytest.mark.parametrize(
    ("filenames", "expected"),
    [
        # Tags come before build numbers, and build numbers are numbers.
        (["foo-1-9-py3-none-any.whl", "foo-1-cp313-cp313-manylinux_2_17_x86_64.whl"], 1),
        (["foo-1-9-py3-none-any.whl", "foo-1-10-py3-none-any.whl"], 1),
        (["foo-1-py3-none-any.whl", "foo-1-0-py3-none-any.whl"], 1),
        (["foo-1-2-py3-none-any.whl", "foo-1-2a-py3-none-any.whl"], 1),
        # The newest policy that runs is the best, then the stable ABI, then pure Python.
        (
            [
                "foo-1-cp313-cp313-manylinux_2_17_x86_64.whl",
                "foo-1-cp313-cp313-manylinux_2_28_x86_64.whl",
                "foo-1-cp313-cp313-manylinux_2_35_x86_64.whl",
            ],
            1,
        ),
        (["foo-1-py3-none-any.whl", "foo-1-cp37-abi3-manylinux2014_x86_64.whl"], 1),
        (["foo-1-cp37-abi3-linux_x86_64.whl", "foo-1-cp313-cp313-linux_x86_64.whl"], 1),
        # A free-threaded wheel does not run.
        (["foo-1-cp313-cp313t-manylinux_2_17_x86_64.whl", "foo-1-py3-none-any.whl"], 1),
    ],
)
def test_preferences(filenames, expected):
    target = Target(runtime=RUNTIMES["python3.13"], architecture=Architecture.X86_64)
    assert best(filenames, target) == filenames[expected]


@pytest.mark.parametrize(
    "filename",
    [
        "foo.whl",
        "foo-1.0.tar.gz",
        "foo-1-py3-none.whl",
        "foo-1-b-py3-none-any.whl",
        "a-b-1-2-py3-none-any.whl",
        "",
        "-----",
    ],
)
def test_what_is_no_wheel_has_no_tags(filename):
    assert wheel_tags(filename) is None


def test_a_fitting_name_that_packaging_refuses_is_passed_over():
    target = TARGETS[0]
    assert wheel_tags("foo-not!a!version-py3-none-any.whl") is not None
    assert best(["foo-not!a!version-py3-none-any.whl"], target) is None
