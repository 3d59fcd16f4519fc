from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.wheels import make_sdist
from wherry.errors import ArchiveError
from wherry.sources.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path


def tar_with(*members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return buffer.getvalue()


def member(
    name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


def zip_with(members: dict[str, bytes], *, mode: int = stat.S_IFREG | 0o644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def unpacked(data: bytes, filename: str, tmp_path: Path) -> Path:
    archive = tmp_path / "archive"
    archive.write_bytes(data)
    into = tmp_path / "into"
    into.mkdir()
    return unpack(archive, filename=filename, into=into)


def test_an_sdist_is_its_folder(tmp_path: Path) -> None:
    made = make_sdist("shop", files={"pyproject.toml": b"", "src/shop.py": b"A = 1\n"})
    folder = unpacked(made.data, made.filename, tmp_path)
    assert folder.name == "shop-1.0"
    assert (folder / "src/shop.py").read_bytes() == b"A = 1\n"


def test_a_zip_may_be_an_sdist(tmp_path: Path) -> None:
    data = zip_with({"shop-1.0/run": b"#!", "shop-1.0/deep/": b""}, mode=stat.S_IFREG | 0o755)
    folder = unpacked(data, "shop-1.0.zip", tmp_path)
    assert folder.name == "shop-1.0"
    assert (folder / "run").stat().st_mode & stat.S_IXUSR


def test_an_archive_without_a_folder_of_its_own(tmp_path: Path) -> None:
    data = zip_with({"a.py": b"", "b.py": b""})
    assert sorted(path.name for path in unpacked(data, "x.zip", tmp_path).iterdir()) == [
        "a.py",
        "b.py",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        member("../x"),
        member("/x"),
        member("a/../../x"),
        member("C:\\x"),
        member("a\\..\\..\\x"),
        member("dev", kind=tarfile.CHRTYPE),
        member("fifo", kind=tarfile.FIFOTYPE),
        member("out", kind=tarfile.SYMTYPE, link="../../etc/passwd"),
        member("abs", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member("hard", kind=tarfile.LNKTYPE, link="../../etc/passwd"),
    ],
    ids=lambda bad: bad.name,
)
def test_unsafe_members_of_tar_archives_are_refused(bad: tarfile.TarInfo, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"`shop-1\.0\.tar\.gz` holds an unsafe member"):
        unpacked(tar_with(member("shop-1.0/ok"), bad), "shop-1.0.tar.gz", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "into"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "a\\b"])
def test_unsafe_members_of_zip_archives_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="unsafe member"):
        unpacked(zip_with({name: b""}), "x.zip", tmp_path)


def test_links_in_zip_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="link or a device"):
        unpacked(zip_with({"a": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777), "x.zip", tmp_path)


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is not a source archive"):
        unpacked(b"", "shop.rar", tmp_path)


GOOD = make_sdist("shop", files={"a.py": b"x" * 300}).data


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.integers(0, len(GOOD) - 1).map(lambda cut: GOOD[:cut]))
@pytest.mark.parametrize("filename", ["x.tar.gz", "x.zip", "x.tar.xz", "x.tar"])
def test_arbitrary_bytes_meet_our_own_errors_only(
    filename: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    try:
        unpacked(data, filename, tmp_path_factory.mktemp("fuzz"))
    except ArchiveError as error:
        assert filename in error.message
