from __future__ import annotations

import csv
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.wheels import make_wheel
from wherry.bundle.bundle import Bundle
from wherry.bundle.canonical import (
    Canonical,
    canonical,
    wheel_from_document,
    wheel_memo,
)
from wherry.bundle.content import read_all
from wherry.bundle.entry import STORED, Slice, inline
from wherry.bundle.wheel import wheel_bundle
from wherry.errors import ArchiveError
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from support.wheels import Made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def canonical_of(made: Made, store: Store, folder: Path) -> Canonical:
    stored = store.add(made.write(folder))
    bundle = wheel_bundle(stored, filename=made.filename, owner="shop", store=store)
    return canonical(bundle, filename=made.filename, store=store)


def files(bundle: Bundle) -> dict[str, bytes]:
    return {entry.path: read_all(entry.payload) for entry in bundle}


FILES = {
    "shop/__init__.py": b"x = 1\n" * 100,
    "shop/a,b.txt": b"comma",
    "shop/big.bin": bytes(200_000),
    "shop-1.0.data/scripts/run": b"#!python\nprint()\n",
    "shop-1.0.data/data/etc/shop.conf": b"[shop]",
    "shop-1.0.dist-info/INSTALLER": b"pip",
    "shop-1.0.dist-info/direct_url.json": b'{"url": "file:///here"}',
    "shop-1.0.dist-info/REQUESTED": b"",
    "shop-1.0.dist-info/RECORD.jws": b"",
}


def test_no_compressor_has_a_say(store: Store, tmp_path: Path) -> None:
    """S7: the same wheel, deflated or stored, has one canonical form."""
    deflated = make_wheel("shop", files=FILES)
    stored = make_wheel("shop", files=FILES, compression=zipfile.ZIP_STORED)
    assert deflated.data != stored.data
    one = canonical_of(deflated, store, tmp_path / "one")
    other = canonical_of(stored, store, tmp_path / "other")
    assert one.digest == other.digest
    assert one.bundle(owner="shop") == other.bundle(owner="shop")
    for entry in one.bundle(owner="shop"):
        assert not isinstance(entry.payload, Slice) or entry.payload.method == STORED


def test_what_an_installer_leaves_is_gone_and_the_record_is_of_what_is_there(
    store: Store, tmp_path: Path
) -> None:
    """D6: `direct_url.json` carried the path."""
    found = files(
        canonical_of(make_wheel("shop", files=FILES), store, tmp_path).bundle(owner="shop")
    )
    assert sorted(found) == [
        "bin/run",
        "etc/shop.conf",
        "shop-1.0.dist-info/METADATA",
        "shop-1.0.dist-info/RECORD",
        "shop-1.0.dist-info/WHEEL",
        "shop/__init__.py",
        "shop/a,b.txt",
        "shop/big.bin",
    ]
    record = found["shop-1.0.dist-info/RECORD"].decode()
    assert [row[0] for row in csv.reader(record.splitlines())] == sorted(found)
    assert b"Generator: wherry\n" in found["shop-1.0.dist-info/WHEEL"]
    assert b"tests" not in found["shop-1.0.dist-info/WHEEL"]


@pytest.mark.parametrize(
    ("requirement", "canonical_form"),
    [
        ("shared @ file:///home/me/shared", "shared"),
        ("shared@file:///home/me/shared", "shared"),
        ("shared[a,b] @ file:///home/me/my%20shared ; extra == 'x'", "shared[a,b] ; extra == 'x'"),
        ("shared @ file:../shared", "shared"),
        ("shared @ https://host/shared.whl", "shared @ https://host/shared.whl"),
        ("shared (>=1)", "shared (>=1)"),
    ],
)
def test_requirements_of_the_local_file_system_go_by_name(
    requirement: str, canonical_form: str, store: Store, tmp_path: Path
) -> None:
    """B3."""
    made = make_wheel("shop", requires=["click", requirement, "flask>=3"])
    metadata = files(canonical_of(made, store, tmp_path).bundle(owner="shop"))[
        "shop-1.0.dist-info/METADATA"
    ].decode()
    lines = [line for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    assert lines == [
        "Requires-Dist: click",
        f"Requires-Dist: {canonical_form}",
        "Requires-Dist: flask>=3",
    ]


def test_a_remembered_wheel_is_the_wheel(store: Store, tmp_path: Path) -> None:
    wheel = canonical_of(make_wheel("shop", files=FILES), store, tmp_path)
    wheel_memo("wheels", store).remember(store, "shop", wheel)
    assert wheel_memo("wheels", store).recall(store, "shop") == wheel
    assert wheel_memo("wheels", store).recall(store, "other") is None
    shutil.rmtree(store.root / "files-v1")
    assert wheel_memo("wheels", store).recall(store, "shop") is None


@pytest.mark.parametrize("document", [None, [], {}, {"archive": "0", "members": 3}, "text"])
def test_a_document_that_is_no_wheel(document: object, store: Store) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        wheel_from_document(document, store)


def test_a_wheel_without_a_wheel_file(store: Store) -> None:
    bundle = Bundle.of([inline("a.py", b"", owner="x")])
    with pytest.raises(ArchiveError, match="is not a wheel"):
        canonical(bundle, filename="x-1-py3-none-any.whl", store=store)


def test_kept_files_are_the_wheels_own_and_its_metadata(store: Store, tmp_path: Path) -> None:
    wheel = canonical_of(make_wheel("shop"), store, tmp_path)
    kept = wheel.bundle(owner="shop", keep=lambda path: False)
    assert [entry.path for entry in kept] == [
        f"shop-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")
    ]
