"""Zips lie in the store as Lambda lays them out."""

from __future__ import annotations

import os
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.archives import Odd, make_zip
from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import inline
from wherry.bundle.writer import write_package
from wherry.errors import ArchiveError, EntryPathError, InvokeError, StoreError
from wherry.invoke.unpack import unpack_archives, unpack_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.store import Store


def package(path: Path, **files: bytes) -> Path:
    entries = [inline(name.replace("__", "/"), data, owner="x") for name, data in files.items()]
    write_package(Bundle.of(entries), path)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_later_layer_overwrites_an_earlier_one(tmp_path: Path, store: Store) -> None:
    one = package(tmp_path / "one.zip", python__a=b"1", python__b=b"1")
    two = package(tmp_path / "two.zip", python__b=b"2", bin__c=b"2")
    assert tree(unpack_archives([one, two], store)) == {
        "python/a": b"1",
        "python/b": b"2",
        "bin/c": b"2",
    }
    assert tree(unpack_archives([two, one], store))["python/b"] == b"1"


def test_the_same_bytes_are_unpacked_once(tmp_path: Path, store: Store) -> None:
    one = unpack_archives([package(tmp_path / "one.zip", a=b"1")], store)
    inode = (one / "a").stat().st_ino
    again = unpack_archives([package(tmp_path / "other.zip", a=b"1")], store)
    assert again == one
    assert (again / "a").stat().st_ino == inode
    assert unpack_archives([package(tmp_path / "new.zip", a=b"2")], store) != one


@pytest.mark.parametrize("how", ["rewritten", "added", "removed", "made executable", "replaced"])
def test_what_a_function_has_changed_is_unpacked_again(
    how: str, tmp_path: Path, store: Store
) -> None:
    """As root, and without namespaces, it can write beside itself."""
    archive = package(tmp_path / "one.zip", a=b"1", folder__b=b"2")
    folder = unpack_archives([archive], store)
    before = tree(folder)
    (folder / "folder").chmod(0o755)
    path = folder / "folder/b"
    status = path.stat()
    match how:
        case "rewritten":
            path.chmod(0o644)
            path.write_bytes(b"3")
            path.chmod(0o444)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        case "added":
            (folder / "folder/json.py").write_bytes(b"evil")
        case "removed":
            path.unlink()
        case "made executable":
            path.chmod(0o755)
        case "replaced":
            (folder / "folder/c").write_bytes(b"3")
            (folder / "folder/c").replace(path)
    again = unpack_archives([archive], store)
    assert again == folder
    assert tree(again) == before
    assert stat.S_IMODE((again / "folder/b").stat().st_mode) == 0o444
    assert unpack_archives([archive], store) == folder


def test_files_are_read_only_and_keep_their_executable_bit(tmp_path: Path, store: Store) -> None:
    entries = [
        inline("bin/tool", b"x", owner="x", executable=True),
        inline("a/b/data", b"x", owner="x"),
    ]
    write_package(Bundle.of(entries), tmp_path / "one.zip")
    folder = unpack_archives([tmp_path / "one.zip"], store)

    def mode(path: str) -> int:
        return stat.S_IMODE((folder / path).stat().st_mode) & ~0o022

    assert (mode("bin/tool"), mode("a/b/data")) == (0o555, 0o444)
    assert {mode("."), mode("bin"), mode("a"), mode("a/b")} == {0o555}


@pytest.mark.parametrize("name", ["../out", "/abs", "a/../../out", "a\\..\\b", "C:x"])
def test_nothing_escapes(name: str, tmp_path: Path, store: Store) -> None:
    (tmp_path / "evil.zip").write_bytes(make_zip(Odd(name=name, content=b"x")))
    with pytest.raises(EntryPathError):
        unpack_archives([tmp_path / "evil.zip"], store)
    assert not (tmp_path / "out").exists()
    assert not list((store.root / "unpacked-v1").glob("[0-9a-f]*"))
    assert not list((store.root / "tmp").iterdir())


def test_a_link_is_a_file_that_names_its_target(tmp_path: Path, store: Store) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    folder = unpack_archives([tmp_path / "l.zip"], store)
    assert not (folder / "link").is_symlink()
    assert (folder / "link").read_bytes() == b"/etc/passwd"


def test_a_file_where_another_zip_has_a_folder(tmp_path: Path, store: Store) -> None:
    one, two = package(tmp_path / "one.zip", a=b"1"), package(tmp_path / "two.zip", a__b=b"2")
    for archives in ([one, two], [two, one]):
        with pytest.raises(InvokeError, match="unpacked over"):
            unpack_archives(archives, store)


def test_what_is_no_zip_or_not_there(tmp_path: Path, store: Store) -> None:
    with pytest.raises(InvokeError, match=r"cannot read.*none\.zip") as caught:
        unpack_archives([tmp_path / "none.zip"], store)
    assert caught.value.hint == "run `wherry build`"
    (tmp_path / "text.zip").write_bytes(b"not a zip at all")
    with pytest.raises(ArchiveError):
        unpack_archives([tmp_path / "text.zip"], store)


def test_lambda_knows_two_compressions(tmp_path: Path, store: Store) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", b"x" * 100)
    with pytest.raises(ArchiveError, match="cannot unpack"):
        unpack_archives([tmp_path / "b.zip"], store)


def test_a_bundle(tmp_path: Path, store: Store) -> None:
    bundle = Bundle.of([inline("boto3/__init__.py", b"X = 1", owner="boto3")])
    folder = unpack_bundle(bundle, store)
    assert tree(folder) == {"boto3/__init__.py": b"X = 1"}
    assert unpack_bundle(bundle, store) == folder


def test_a_store_that_cannot_be_written(tmp_path: Path, store: Store) -> None:
    one = package(tmp_path / "one.zip", a=b"1")
    store.root.write_text("a file")
    with pytest.raises(StoreError):
        unpack_archives([one], store)


def test_an_empty_package(tmp_path: Path, store: Store) -> None:
    folder = unpack_archives([package(tmp_path / "none.zip")], store)
    assert os.listdir(folder) == []
