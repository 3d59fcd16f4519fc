"""Deflate streams with another beginning and another end."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.bundle.splice import SpliceError, splice


def deflated(data: bytes, *, level: int = 6, strategy: int = 0, memory: int = 8) -> bytes:
    machine = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, memory, strategy)
    return machine.compress(data) + machine.flush()


def content(seed: int, size: int) -> bytes:
    """Bytes that compressors find long and short repetitions in, near and far, and some that are none."""
    chance = random.Random(seed)
    pool = bytes(chance.choices(b"\0\1abcdefgh", k=300))
    out = bytearray()
    while len(out) < size:
        start = chance.randrange(300)
        kind = chance.randrange(5)
        if kind == 0:
            out += bytes(chance.randrange(600))
        elif kind == 1:
            out += chance.randbytes(chance.randrange(40))
        elif kind == 2 and out:
            begin = chance.randrange(len(out))
            out += out[begin : begin + chance.randrange(300)]
        else:
            out += pool[start : start + chance.randrange(100)]
    return bytes(out[:size])


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_stream_gives_what_is_wanted(data: st.DataObject) -> None:
    """N1: whoever made the stream, and wherever it is cut."""
    size = data.draw(st.sampled_from([1, 50, 1000, 20_000, 90_000, 200_000]))
    old = content(data.draw(st.integers(0, 999)), size)
    kept = data.draw(st.integers(0, size))
    new = bytearray(old[:kept])
    if kept:
        for at in data.draw(st.lists(st.integers(0, min(kept, 64) - 1), max_size=12)):
            new[at] ^= 0x55
    tail = data.draw(st.sampled_from([b"", b"tail", bytes(3000), content(1, 70_000)]))
    wanted = bytes(new) + tail
    stream = deflated(
        old,
        level=data.draw(st.sampled_from([0, 1, 4, 6, 9])),
        strategy=data.draw(st.sampled_from([0, 1, 2, 3, 4])),
        memory=data.draw(st.sampled_from([1, 8, 9])),
    )
    made = splice(stream, old, wanted, kept=kept)
    assert zlib.decompress(made, -zlib.MAX_WBITS) == wanted


def test_compressed_bytes_are_copied_and_not_made() -> None:
    """N1: no compressor of this machine has a say; a stream that another one made gives another result."""
    old = content(7, 400_000)
    changed = b"\xff" * 8 + old[8:300_000]
    for level in (1, 9):
        stream = deflated(old, level=level)
        made = splice(stream, old, changed, kept=300_000)
        assert len(made) < len(deflated(changed, level=level)) * 1.1
        assert made == splice(stream, old, changed, kept=300_000)
        # Behind the first window nothing is touched but the position of the bits.
        whole = int.from_bytes(stream, "little") >> 8 * 10_000
        piece = whole & (1 << 8 * 500) - 1
        copied = int.from_bytes(made, "little")
        assert any(
            (copied >> shift) & (1 << 8 * 500) - 1 == piece
            for shift in range(8 * 10_000, 8 * 12_000)
        )


def test_an_end_of_many_blocks() -> None:
    old = content(3, 5000)
    wanted = old + content(4, 3 * 65535)
    assert zlib.decompress(splice(deflated(old), old, wanted, kept=5000), -zlib.MAX_WBITS) == wanted


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_damaged_stream_is_refused(place: int, damage: bytes) -> None:
    """Or it happens to mean the same."""
    old = content(5, 3000)
    stream = bytearray(deflated(old))
    at = place % len(stream)
    stream[at : at + len(damage)] = damage
    try:
        made = splice(bytes(stream), old, old[:2000], kept=2000)
    except SpliceError:
        return
    assert zlib.decompress(made, -zlib.MAX_WBITS) == old[:2000]


@pytest.mark.parametrize(
    "stream", [b"", b"\7", b"\x06\x00", deflated(b"x" * 4000)[:-3], b"\xff" * 50]
)
def test_what_is_no_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(SpliceError):
        splice(stream, b"x" * 4000, b"x" * 4000, kept=4000)


def test_a_stream_of_something_else_is_refused() -> None:
    with pytest.raises(SpliceError):
        splice(deflated(b"y" * 100), b"x" * 100, b"x" * 50, kept=50)
