"""N4: what would change on AWS, by distribution."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from support.wheels import make_wheel
from wherry.aws.package_difference import Difference, compare
from wherry.aws.remote_zip import open_local

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.wheels import Made


def package(
    path: Path, *wheels: Made, files: Mapping[str, bytes] | None = None, prefix: str = ""
) -> Path:
    """The files of wheels and others as one package."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for wheel in wheels:
            with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
                for name in archive.namelist():
                    made.writestr(prefix + name, archive.read(name))
        for name, data in (files or {}).items():
            made.writestr(prefix + name, data)
    return path


def difference(before: Path, after: Path) -> Difference:
    with open_local(before) as live:
        return compare(after, live)


BOTO3_OLD = make_wheel("boto3", "1.34.2", files={"boto3/__init__.py": b"1", "boto3/old.py": b"o"})
BOTO3_NEW = make_wheel(
    "boto3", "1.35.0", files={"boto3/__init__.py": b"2", "boto3/big.json": b"x" * 1_258_291}
)
IDNA = make_wheel("idna", "3.11")
# Another of the same name and version, with a vendored distribution inside.
VENDOR = make_wheel(
    "setuptools",
    "80.0",
    files={
        "setuptools/__init__.py": b"",
        "setuptools/_vendor/tomli-2.0.dist-info/METADATA": b"Name: tomli\n",
    },
)


@pytest.mark.parametrize("prefix", ["", "python/", "python/lib/python3.13/site-packages/"])
def test_it_is_told_by_distribution(tmp_path: Path, prefix: str) -> None:
    before = package(
        tmp_path / "before.zip",
        BOTO3_OLD,
        IDNA,
        VENDOR,
        files={"shop/api.py": b"1", "shop/a.py": b"", "shop/b.py": b"", "shop/same.py": b"s"},
        prefix=prefix,
    )
    after = package(
        tmp_path / "after.zip",
        BOTO3_NEW,
        IDNA,
        VENDOR,
        files={"shop/api.py": b"2", "shop/same.py": b"s"},
        prefix=prefix,
    )
    found = difference(before, after)
    assert found.summary() == (
        f"boto3 1.34.2 → 1.35.0, +1.2 MiB; {prefix}shop/api.py changed; two files gone"
    )
    assert list(found.lines()) == [
        "boto3 1.34.2 → 1.35.0, +1.2 MiB",
        f"{prefix}shop/a.py gone",
        f"{prefix}shop/api.py changed",
        f"{prefix}shop/b.py gone",
    ]
    assert found


def test_distributions_that_come_and_go(tmp_path: Path) -> None:
    certifi = make_wheel("certifi", "2026.1", files={"certifi/cacert.pem": b"c" * 3000})
    before = package(tmp_path / "before.zip", IDNA)
    after = package(tmp_path / "after.zip", certifi)
    found = difference(before, after)
    new, gone = found.summary().split("; ")
    assert new.startswith("certifi 2026.1 new, +3")
    assert gone.startswith("idna 3.11 gone, -")
    assert not found.files
    back = difference(after, before)
    assert [one.after for one in back.distributions] == [None, "3.11"]


def test_what_is_the_same(tmp_path: Path) -> None:
    """Also when it is zipped otherwise."""
    before = package(tmp_path / "before.zip", IDNA, files={"a.py": b"a" * 100, "b.py": b""})
    after = package(tmp_path / "after.zip", files={"b.py": b"", "a.py": b"a" * 100})
    with (
        zipfile.ZipFile(after, "a", zipfile.ZIP_STORED) as made,
        zipfile.ZipFile(io.BytesIO(IDNA.data)) as archive,
    ):
        for name in archive.namelist():
            made.writestr(name, archive.read(name))
    found = difference(before, after)
    assert not found
    assert found.summary() == "the same files, zipped otherwise"
    assert list(found.lines()) == []


def test_a_file_edited_in_place_is_noticed(tmp_path: Path) -> None:
    """D5: the version is the same, and so is its RECORD."""
    files = {"idna/__init__.py": b"edited"}
    with zipfile.ZipFile(io.BytesIO(IDNA.data)) as archive:
        rest = {name: archive.read(name) for name in archive.namelist() if name not in files}
    before = package(tmp_path / "before.zip", IDNA)
    after = package(tmp_path / "after.zip", files={**rest, **files})
    assert difference(before, after).summary() == "idna/__init__.py changed"


def test_the_execute_bit_counts(tmp_path: Path) -> None:
    for name, mode in (("before.zip", 0o100644), ("after.zip", 0o100755)):
        with zipfile.ZipFile(tmp_path / name, "w") as made:
            info = zipfile.ZipInfo("tool")
            info.external_attr = mode << 16
            made.writestr(info, b"")
    found = difference(tmp_path / "before.zip", tmp_path / "after.zip")
    assert found.summary() == "tool changed"


def test_the_first_package(tmp_path: Path) -> None:
    after = package(tmp_path / "after.zip", IDNA, files={"shop/api.py": b"x"})
    found = compare(after, None)
    assert found.summary().startswith("all of it is new: one distribution, +")
    assert found.size_before == 0
    assert found.size_after == after.stat().st_size


def test_many_changes_are_counted(tmp_path: Path) -> None:
    old = [make_wheel(f"package-{letter}", "1.0") for letter in "abcdefghij"]
    new = [make_wheel(f"package-{letter}", "2.0") for letter in "abcdefghij"]
    before = package(tmp_path / "b.zip", *old, files={f"{n}.py": b"1" for n in range(5)})
    after = package(tmp_path / "a.zip", *new, files={f"{n}.py": b"2" for n in range(5)})
    found = difference(before, after)
    assert found.summary() == (
        "package-a 1.0 → 2.0, ±0 B; package-b 1.0 → 2.0, ±0 B; package-c 1.0 → 2.0, ±0 B; "
        "seven other distributions changed; five files changed"
    )
    assert len(list(found.lines())) == 15


def test_files_of_a_data_folder_are_the_distributions(tmp_path: Path) -> None:
    """RECORD names them as they are in the wheel; in the package they lie elsewhere."""
    record = b"tool-1.0.data/scripts/tool,,\ntool-1.0.data/purelib/tool/x.py,,\n"
    info = {"tool-1.0.dist-info/METADATA": b"", "tool-1.0.dist-info/RECORD": record}
    before = package(tmp_path / "b.zip", files={"bin/tool": b"1", "tool/x.py": b"2", **info})
    after = package(tmp_path / "a.zip", files={"other.py": b""})
    found = difference(before, after)
    assert [one.name for one in found.distributions] == ["tool"]
    assert [one.path for one in found.files] == ["other.py"]


def test_the_document_is_json(tmp_path: Path) -> None:
    before = package(tmp_path / "b.zip", BOTO3_OLD, files={"a.py": b"1"})
    after = package(tmp_path / "a.zip", BOTO3_NEW, files={"a.py": b"2"})
    document = json.loads(json.dumps(to_builtins(difference(before, after))))
    assert document["distributions"][0]["before"] == "1.34.2"
    assert document["files"] == [
        {"path": "a.py", "change": "changed", "size_before": 1, "size_after": 1}
    ]


TREES = st.dictionaries(
    st.sampled_from(["a.py", "b/c.py", "b/d.py", "e.txt"]), st.binary(max_size=20)
)


@given(before=TREES, after=TREES)
def test_laws(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    """Compared with itself nothing differs; the other way round, what was new is gone."""
    folder = tmp_path_factory.mktemp("laws")
    one = package(folder / "one.zip", files=before)
    two = package(folder / "two.zip", files=after)
    assert not difference(one, one)
    there, back = difference(one, two), difference(two, one)
    assert bool(there) == (before != after)
    opposite = {"new": "gone", "gone": "new", "changed": "changed"}
    assert [(f.path, f.change) for f in there.files] == [
        (f.path, opposite[f.change]) for f in back.files
    ]
    unzipped = there.unzipped_size_after - there.unzipped_size_before
    assert unzipped == sum((f.size_after or 0) - (f.size_before or 0) for f in there.files)
