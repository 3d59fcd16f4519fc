"""Whatever bytes come, reading, mapping and writing a wheel ends well or with an error of Wherry's.

``WHERRY_FUZZ`` in the environment says how many examples to try of each kind; more for a longer search.
"""

from __future__ import annotations

import os
import random
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.archives import Odd, make_zip
from support.matrices import some
from support.wheels import make_wheel, metadata
from wherry.bundle.content import read_content
from wherry.bundle.wheel import wheel_bundle
from wherry.bundle.writer import write_package
from wherry.errors import WherryError
from wherry.store import Store, StoredFile

if TYPE_CHECKING:
    from pathlib import Path

fuzz = settings(
    max_examples=int(os.environ.get("WHERRY_FUZZ", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

_WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_FILES = {
    "demo/__init__.py": b"x = 1\n" * 20,
    "demo/ü.bin": bytes(range(64)),
    "demo-1.0.data/scripts/tool": b"#!python\nimport demo\n",
    "demo-1.0.data/data/share/x": b"",
}
_INFO = (
    Odd(name="demo-1.0.dist-info/WHEEL", content=_WHEEL),
    Odd(name="demo-1.0.dist-info/METADATA", content=metadata("demo", "1.0")),
)
SEEDS = [
    make_wheel("demo", files=_FILES, executable=["demo/__init__.py"]).data,
    make_wheel("demo", files=_FILES, compression=zipfile.ZIP_STORED).data,
    make_zip(*_INFO, *(Odd(name=n, content=c, method=12) for n, c in _FILES.items())),
    make_zip(*_INFO, *(Odd(name=n, content=c, method=14) for n, c in _FILES.items())),
    make_zip(
        *_INFO,
        *(Odd(name=n, content=c, method=8, zip64=True) for n, c in _FILES.items()),
        zip64_end=True,
        comment=b"a comment",
    ),
    make_zip(
        *_INFO,
        *(Odd(name=n, content=c, method=8, descriptor="signed") for n, c in _FILES.items()),
    ),
    make_zip(*_INFO, Odd(name="dir/", content=b""), Odd(name=b"caf\x82"), Odd(name=b"caf\x82")),
]
_NUMBERS = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def carry(folder: Path, data: bytes) -> bool:
    """Whether the whole way was gone, from a wheel's bytes to a written package."""
    path = folder / "fuzz.whl"
    path.write_bytes(data)
    store = Store(folder / "store")
    stored = StoredFile(sha256="0" * 64, size=len(data), path=path)
    try:
        bundle = wheel_bundle(stored, filename="fuzz.whl", owner="demo", store=store)
        for memo in (folder / "store").glob("wheel-index*/*"):
            memo.unlink()
        write_package(bundle.prefix("python"), folder / "out.zip")
    except WherryError as error:
        assert error.message
        assert "\n" not in error.message
        assert all("\n" not in where for where in error.where)
        str(error).encode()
        return False
    # What Wherry wrote, others read.
    with zipfile.ZipFile(folder / "out.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"python/{entry.path}" for entry in bundle]
    return all(sum(map(len, read_content(e.payload))) == e.payload.size for e in bundle)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_seeds_are_sound(folder: Path, seed: bytes) -> None:
    assert carry(folder, seed)


@fuzz
@given(st.binary(max_size=400))
@example(b"PK\5\6" + bytes(18))
@example(b"PK\5\6" + b"\xff" * 16 + bytes(2))
def test_arbitrary_bytes(folder: Path, data: bytes) -> None:
    assert not carry(folder, data)


@fuzz
@given(
    st.lists(
        st.one_of(
            st.sampled_from([b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"PK\7\x08"]),
            st.sampled_from(_NUMBERS).map(lambda n: n.to_bytes(8, "little")),
            st.binary(max_size=50),
            st.integers(0, 80).map(bytes),
        ),
        max_size=12,
    )
)
def test_pieces_of_archives_in_any_order(folder: Path, pieces: list[bytes]) -> None:
    assert not carry(folder, b"".join(pieces))


@fuzz
@given(data=st.data())
def test_changed_wheels(folder: Path, data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(whole) - 1)))
        match data.draw(st.sampled_from(["flip", "number", "cut", "copy", "insert", "shorten"])):
            case "flip":
                whole[at : at + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "number":
                width = data.draw(st.sampled_from([2, 4, 8]))
                number = data.draw(st.sampled_from(_NUMBERS)) % (1 << 8 * width)
                whole[at : at + width] = number.to_bytes(width, "little")
            case "cut":
                del whole[at : at + data.draw(st.integers(1, 100))]
            case "copy":
                source = data.draw(st.integers(0, len(whole)))
                whole[at:at] = whole[source : source + data.draw(st.integers(1, 200))]
            case "insert":
                whole[at:at] = data.draw(st.binary(max_size=30))
            case "shorten":
                del whole[at:]
    carry(folder, bytes(whole))


headers = st.fixed_dictionaries(
    {},
    optional={
        "name": st.binary(max_size=20),
        "flags": st.integers(0, 0xFFFF),
        "method": st.sampled_from([0, 8, 9, 12, 14, 93, 99]),
        "crc": st.integers(0, 0xFFFFFFFF),
        "compressed": st.sampled_from(_NUMBERS[:-2]),
        "size": st.sampled_from(_NUMBERS[:-2]),
        "extra": st.one_of(
            st.binary(max_size=40),
            st.binary(max_size=32).map(lambda b: b"\1\0" + len(b).to_bytes(2, "little") + b),
            st.lists(st.sampled_from(_NUMBERS), max_size=4).map(
                lambda numbers: (
                    b"\1\0"
                    + (8 * len(numbers)).to_bytes(2, "little")
                    + b"".join(n.to_bytes(8, "little") for n in numbers)
                )
            ),
        ),
    },
)
names = st.one_of(
    st.sampled_from(["../x", "/x", "C:\\x", "a", "a/", "a/b", "demo-1.0.data/scripts/x"]),
    st.text(max_size=12).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
    st.binary(max_size=12),
)
members = st.builds(
    Odd,
    name=names,
    content=st.sampled_from([b"", b"#!python\n", b"x" * 500]),
    method=st.sampled_from([0, 8, 12, 14]),
    flags=st.sampled_from([0, 1, 8, 1 << 11]),
    mode=st.sampled_from([0, 0o100755, 0o120777, 0o40755]),
    raw=st.none() | st.none() | st.binary(max_size=60),
    descriptor=st.sampled_from([None, "signed", "bare", "signed64"]),
    zip64=st.booleans(),
    local=st.just({}) | headers,
    central=st.just({}) | headers,
)


@fuzz
@given(
    st.lists(members, max_size=4),
    st.booleans(),
    st.dictionaries(
        st.sampled_from(["disk", "here", "count", "size", "start"]),
        st.sampled_from(_NUMBERS[:6]),
        max_size=1,
    ),
)
def test_falsified_headers(
    folder: Path, given_members: list[Odd], zip64_end: bool, end: dict[str, int]
) -> None:
    carry(folder, make_zip(*_INFO, *given_members, zip64_end=zip64_end, end64=end))


@pytest.mark.parametrize("seed", some(SEEDS, of=SEEDS[:2]))
def test_every_byte_in_turn(folder: Path, seed: bytes) -> None:
    rng = random.Random(len(seed))
    for position in range(0, len(seed), 3):
        changed = bytearray(seed)
        changed[position] ^= 1 << rng.randrange(8)
        carry(folder, bytes(changed))
