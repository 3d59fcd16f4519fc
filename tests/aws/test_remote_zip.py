"""N4: what is live is looked at without being downloaded."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.storage import Storage, serve_storage
from wherry.aws.remote_zip import download, open_local, open_remote
from wherry.errors import ArchiveError, FetchError

if TYPE_CHECKING:
    from pathlib import Path


def archive(path: Path, *, files: int = 3, size: int = 400_000) -> dict[str, bytes]:
    content = {f"package/module_{number:05}.bin": os.urandom(size) for number in range(files)}
    content["tool"] = b"#!/bin/sh\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o100755 if name == "tool" else 0o100644) << 16
            made.writestr(info, data)
    return content


def test_only_the_directory_is_read(tmp_path: Path) -> None:
    """One request, a twentieth of the file."""
    content = archive(tmp_path / "code.zip")
    storage = Storage((tmp_path / "code.zip").read_bytes())
    with (
        serve_storage(storage),
        open_remote(storage.url()) as live,
        open_local(tmp_path / "code.zip") as local,
    ):
        assert set(live.files) == set(content)
        assert live.files == local.files
        assert live.size == local.size == len(storage.data)
        assert {path for path, file in live.files.items() if file.executable} == {"tool"}
        assert storage.asked == ["bytes=-65558"]
        assert storage.served < len(storage.data) / 15
        # A member that somebody wants is fetched, and the others still are not.
        assert live.read("package/module_00001.bin") == content["package/module_00001.bin"]
    assert len(storage.data) / 3 < storage.served < len(storage.data) / 2
    assert storage.logins == [None] * len(storage.asked)


def test_a_directory_longer_than_the_tail(tmp_path: Path) -> None:
    content = archive(tmp_path / "code.zip", files=3000, size=100)
    storage = Storage((tmp_path / "code.zip").read_bytes())
    with serve_storage(storage), open_remote(storage.url()) as live:
        assert set(live.files) == set(content)
        assert len(storage.asked) == 2


def test_without_ranges_the_whole_is_fetched(tmp_path: Path) -> None:
    content = archive(tmp_path / "code.zip")
    storage = Storage((tmp_path / "code.zip").read_bytes(), ranges=False)
    with serve_storage(storage), open_remote(storage.url()) as live:
        assert live.size == len(storage.data)
        assert {path: live.read(path) for path in live.files} == content
    assert len(storage.asked) == 1


def test_the_login_of_netrc_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 refuses a request that has a signature and a login."""
    archive(tmp_path / "code.zip")
    (tmp_path / "netrc").write_text("default login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    storage = Storage((tmp_path / "code.zip").read_bytes())
    with serve_storage(storage), open_remote(storage.url()):
        assert storage.logins == [None]


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_keeps_the_signature_secret(tmp_path: Path, status: int) -> None:
    with (
        serve_storage(Storage(b"", status=status)) as storage,
        pytest.raises(FetchError) as caught,
        open_remote(storage.url()),
    ):
        pass
    assert str(status) in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.message == "cannot fetch the live package"


@pytest.mark.parametrize("lie", ["bytes 0-9/10", "bytes */100", "nonsense"])
def test_a_server_that_lies(tmp_path: Path, lie: str) -> None:
    archive(tmp_path / "code.zip")
    storage = Storage((tmp_path / "code.zip").read_bytes(), lie=lie)
    with (
        serve_storage(storage),
        pytest.raises(FetchError, match="part"),
        open_remote(storage.url()),
    ):
        pass


def test_what_is_no_zip_archive(tmp_path: Path) -> None:
    with (
        serve_storage(Storage(b"not a zip" * 20_000)) as storage,
        pytest.raises(ArchiveError, match="the live package is not a valid zip archive"),
        open_remote(storage.url()),
    ):
        pass
    (tmp_path / "code.zip").write_bytes(b"")
    with pytest.raises(ArchiveError, match="code.zip"), open_local(tmp_path / "code.zip"):
        pass
    with pytest.raises(ArchiveError, match="cannot read"), open_local(tmp_path / "none.zip"):
        pass


def test_a_damaged_member(tmp_path: Path) -> None:
    archive(tmp_path / "code.zip")
    data = bytearray((tmp_path / "code.zip").read_bytes())
    data[200_000] ^= 0xFF
    with serve_storage(Storage(bytes(data))) as storage, open_remote(storage.url()) as live:
        with pytest.raises(ArchiveError):
            live.read("package/module_00000.bin")
        assert live.read("tool") == b"#!/bin/sh\n"


def test_a_whole_download(tmp_path: Path) -> None:
    with serve_storage(Storage(os.urandom(3_000_000))) as storage:
        download(storage.url(), tmp_path / "code.zip")
        assert (tmp_path / "code.zip").read_bytes() == storage.data
        storage.short = 1000
        with pytest.raises(FetchError) as caught:
            download(storage.url(), tmp_path / "code.zip")
    assert "secret" not in str(caught.value)
