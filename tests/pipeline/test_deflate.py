"""What would be stored is deflated where that saves more than 64 KiB in a package, and otherwise left alone."""

from __future__ import annotations

import random
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from support.wheels import make_wheel
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import STORED, BuiltSlice, Entry, Slice, inline, zipped_size
from wherry.bundle.tree import tree_bundle
from wherry.bundle.wheel import wheel_bundle
from wherry.bundle.writer import write_package
from wherry.compose.model import Composition, Package
from wherry.errors import FileChangedError
from wherry.pipeline.deflate import deflate_packages
from wherry.store import Store
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024
TARGET = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("x86_64"))
TEXT = "\n".join(f"value_{n} = {n * 40503 % 9973}" for n in range(2000))


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def composition(*bundles: Bundle) -> Composition:
    return Composition(
        target=TARGET,
        packages=tuple(
            Package(name=f"p{number}", kind="function", bundle=bundle, distributions=())
            for number, bundle in enumerate(bundles)
        ),
    )


def packed(bundle: Bundle, store: Store) -> Bundle:
    return deflate_packages(composition(bundle), store).packages[0].bundle


def size_of(bundle: Bundle) -> int:
    return sum(zipped_size(entry.payload) for entry in bundle)


def contents(bundle: Bundle) -> dict[str, bytes]:
    return {entry.path: read_all(entry.payload) for entry in bundle}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {f"pkg{n % 7}/m{n}.py": TEXT[n * 50 : n * 50 + 4000] for n in range(60)}
    return write_files(
        tmp_path / "shop",
        {**files, "data.csv": TEXT * 20, "noise.bin": noise(300 * KIB), "empty.py": ""},
    )


def test_a_large_project_is_deflated_and_a_small_one_is_not(project: Path, store: Store) -> None:
    bundle = tree_bundle(project, owner="shop")
    smaller = packed(bundle, store)
    assert contents(smaller) == contents(bundle)
    assert [e.payload.crc for e in smaller] == [e.payload.crc for e in bundle]
    assert size_of(smaller) < size_of(bundle) - 500 * KIB
    kept = {e.path for e, old in zip(smaller, bundle, strict=True) if e.payload is old.payload}
    assert kept == {"noise.bin", "empty.py"}
    small = bundle.filter(lambda entry: entry.path.startswith("pkg1/"))
    assert packed(small, store) is small
    loud = bundle.filter(lambda entry: entry.path == "noise.bin" or entry.path.startswith("pkg1/"))
    assert packed(loud, store) is loud, "it would save less than 64 KiB"


@pytest.mark.parametrize(("saved", "is_deflated"), [(64 * KIB, False), (64 * KIB + 1, True)])
def test_the_limit_is_exact(saved: int, is_deflated: bool, store: Store) -> None:
    from wherry.bundle.compressor import deflated

    size = saved
    while size - len(deflated(bytes(size))) < saved:
        size += 1
    assert size - len(deflated(bytes(size))) == saved
    bundle = Bundle.of([inline("x", bytes(size), owner="x")])
    assert (packed(bundle, store) is not bundle) is is_deflated


def test_the_bytes_are_the_same_with_and_without_memory(
    project: Path, store: Store, tmp_path: Path
) -> None:
    bundle = tree_bundle(project, owner="shop")
    first = write_package(packed(bundle, store), tmp_path / "1.zip")
    edited = write_files(project, {"pkg3/m3.py": "X = 1\n", "data.csv": TEXT * 19 + "!"})
    packed(tree_bundle(edited, owner="shop"), store)
    again = write_package(packed(bundle, store), tmp_path / "2.zip")
    assert first.sha256 == again.sha256
    other = Store(tmp_path / "other")
    now = tree_bundle(edited, owner="shop")
    sums = {write_package(packed(now, one), tmp_path / "3.zip").sha256 for one in (store, other)}
    assert len(sums) == 1
    with zipfile.ZipFile(tmp_path / "3.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("data.csv") == (TEXT * 19 + "!").encode()


def test_what_is_remembered_is_not_read_again(project: Path, store: Store) -> None:
    bundle = tree_bundle(project, owner="shop")
    first = packed(bundle, store)
    for path in ("data.csv", *(e.path for e in bundle if e.path.startswith("pkg"))):
        (project / path).unlink()
    assert contents(packed(bundle, store).filter(lambda e: e.path != "noise.bin")) == (
        contents(first.filter(lambda e: e.path != "noise.bin"))
    )


def test_what_changed_meanwhile_is_not_remembered(project: Path, store: Store) -> None:
    bundle = tree_bundle(project, owner="shop")
    (project / "data.csv").write_text("!" + (TEXT * 20)[1:])
    with pytest.raises(FileChangedError):
        packed(bundle, store)


def test_published_wheels_are_copied_and_built_ones_deflated(store: Store, tmp_path: Path) -> None:
    files = {"alpha/data.txt": TEXT.encode() * 5}
    made = make_wheel("alpha", files=files, compression=zipfile.ZIP_STORED)
    stored = store.add(made.write(tmp_path))
    bundle = wheel_bundle(stored, filename=made.filename, owner="alpha", store=store)
    assert packed(bundle, store) is bundle
    built = Bundle(
        tuple(
            Entry(path, executable, BuiltSlice(*payload), owner)
            for path, executable, payload, owner in bundle
            if isinstance(payload, Slice) and payload.method == STORED
        )
    )
    assert size_of(packed(built, store)) < 60 * KIB
    assert contents(packed(built, store)) == contents(built)


def test_packages_of_one_bundle_go_on_sharing_it(project: Path, store: Store) -> None:
    bundle = tree_bundle(project, owner="shop")
    first, second = deflate_packages(composition(bundle, bundle), store).packages
    assert first.bundle is second.bundle


def test_a_small_build_does_not_import_the_compressor(tmp_path: Path) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'
    files = {"app.py": TEXT[:2000], "pyproject.toml": '[project]\nname = "x"\n'}
    write_files(tmp_path / "x", {**files, "pylock.toml": lock})
    program = (
        "import sys, wherry\nfrom pathlib import Path\n"
        f"wherry.build({str(tmp_path / 'x')!r}, store=wherry.Store(Path({str(tmp_path / 's')!r})))\n"
        "assert 'deflate' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
