"""Wheels as bundles: the same files at the same places as an installer puts them."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from support.archives import Odd, make_zip
from support.wheels import Made, make_wheel, metadata
from wherry.bundle.archive import read_archive
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import DEFLATED, STORED, Slice, SourceFile
from wherry.bundle.wheel import wheel_bundle
from wherry.errors import ArchiveError, EntryPathError, WherryError
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHEBANG = b"#!/usr/bin/env python3\n"


@pytest.fixture
def bundle_of(tmp_path: Path, store: Store) -> Callable[..., Bundle]:
    def bundle_of(made: Made | bytes, owner: str = "demo") -> Bundle:
        if isinstance(made, bytes):
            made = Made(filename="demo-1.0-py3-none-any.whl", data=made)
        stored = store.add(made.write(tmp_path / "wheels"))
        return wheel_bundle(stored, filename=made.filename, owner=owner, store=store)

    return bundle_of


def contents(bundle: Bundle) -> dict[str, bytes]:
    return {entry.path: read_all(entry.payload) for entry in bundle}


def refusal(make: Callable[[], object], kind: type[WherryError] = ArchiveError) -> str:
    with pytest.raises(kind) as caught:
        make()
    assert "\n" not in caught.value.message
    return " / ".join((caught.value.message, *caught.value.where))


def test_plain_members_stay_where_they_are(bundle_of: Callable[..., Bundle]) -> None:
    made = make_wheel(
        "demo",
        files={"demo/__init__.py": b"x = 1\n", "demo/run": b"#!/bin/sh\n"},
        executable=["demo/run"],
    )
    bundle = bundle_of(made)
    with zipfile.ZipFile(store_path(bundle)) as archive:
        assert contents(bundle) == {name: archive.read(name) for name in archive.namelist()}
    assert {e.path for e in bundle if e.executable} == {"demo/run"}
    assert {e.owner for e in bundle} == {"demo"}
    assert all(isinstance(e.payload, Slice) for e in bundle)
    assert "demo-1.0.dist-info/RECORD" in contents(bundle)


def store_path(bundle: Bundle) -> Path:
    (path,) = {e.payload.archive for e in bundle if isinstance(e.payload, Slice)}
    return path


def test_the_data_folder(bundle_of: Callable[..., Bundle]) -> None:
    data = "demo_app-1.0.data"
    bundle = bundle_of(
        make_wheel(
            "Demo_App",
            files={
                f"{data}/purelib/pure.py": b"1",
                f"{data}/platlib/plat/x.so": b"2",
                f"{data}/data/share/man/x.1": b"3",
                f"{data}/data/bin/not-a-script": b"#!python\n4",
                f"{data}/headers/sub/x.h": b"5",
                f"{data}/scripts/tool": b"#!python\nimport demo\n",
            },
        ),
        owner="demo-app",
    )
    plain = {p: c for p, c in contents(bundle).items() if ".dist-info/" not in p}
    assert plain == {
        "pure.py": b"1",
        "plat/x.so": b"2",
        "share/man/x.1": b"3",
        "bin/not-a-script": b"#!python\n4",
        "include/demo-app/sub/x.h": b"5",
        "bin/tool": SHEBANG + b"import demo\n",
    }
    assert {e.path for e in bundle if e.executable} == {"bin/tool"}


@pytest.mark.parametrize(
    "name",
    [
        "mypkg.data/platlib/x",
        "other-1.0.data/purelib/x",
        "Demo-1.0.data/purelib/x",
        "demo-1.0.0.data/purelib/x",
        "sub/demo-1.0.data/purelib/x",
        "demo-1.0.database/purelib/x",
        ".data/purelib/x",
    ],
)
def test_only_the_wheels_own_data_folder_is_special(
    bundle_of: Callable[..., Bundle], name: str
) -> None:
    assert contents(bundle_of(make_wheel("demo", files={name: b"here"})))[name] == b"here"


@pytest.mark.parametrize("rest", ["x", "unknown/x", "lib/x", "scripts", "Purelib/x"])
def test_data_of_no_known_kind_is_refused(bundle_of: Callable[..., Bundle], rest: str) -> None:
    made = make_wheel("demo", files={f"demo-1.0.data/{rest}": b""})
    said = refusal(lambda: bundle_of(made))
    assert f"`demo-1.0.data/{rest}` cannot be installed" in said
    assert "`demo-1.0-py3-none-any.whl`" in said


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (b"#!python\nx\n", SHEBANG + b"x\n"),
        (b"#!pythonw\nx", SHEBANG + b"x"),
        (b"#!python3\nx", SHEBANG + b"x"),
        (b"#!python -E\nx", SHEBANG + b"x"),
        (b"#!python\r\nx\r\n", SHEBANG + b"x\r\n"),
        (b"#!python", SHEBANG),
        (b"#!python\n", SHEBANG),
        (b"#!python\n" + b"\0\n" * 500_000, SHEBANG + b"\0\n" * 500_000),
        (b"#!python" + b" " * 400_000 + b"\nx", SHEBANG + b"x"),
        (b"#!/usr/bin/python\nx", b"#!/usr/bin/python\nx"),
        (b"#!/bin/sh\n#!python\n", b"#!/bin/sh\n#!python\n"),
        (b" #!python\n", b" #!python\n"),
        (b"#!pytho", b"#!pytho"),
        (b"\x7fELF", b"\x7fELF"),
        (b"", b""),
    ],
    ids=lambda value: repr(value[:20]),
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_scripts_get_an_interpreter_that_lambda_has(
    bundle_of: Callable[..., Bundle], script: bytes, expected: bytes, method: int
) -> None:
    made = make_wheel("demo", files={"demo-1.0.data/scripts/x": script})
    bundle = bundle_of(recompressed(made, method))
    assert contents(bundle)["bin/x"] == expected
    (entry,) = (e for e in bundle if e.path == "bin/x")
    assert entry.executable
    assert entry.payload.size == len(expected)
    assert entry.payload.crc == zlib.crc32(expected)


def recompressed(made: Made, method: int, *, whole: bool = False) -> Made:
    """The same wheel with all, or all but its WHEEL file, compressed in another way."""
    members = []
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        for info in archive.infolist():
            kept = info.filename.endswith("/WHEEL") and not whole
            own = zipfile.ZIP_DEFLATED if kept else method
            members.append(
                Odd(
                    name=info.filename,
                    content=archive.read(info),
                    method=own,
                    mode=info.external_attr >> 16,
                )
            )
    return Made(filename=made.filename, data=make_zip(*members))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_lambda_could_not_unpack_is_unpacked_into_the_store(
    bundle_of: Callable[..., Bundle], store: Store, method: int
) -> None:
    files = {"demo/__init__.py": b"x = 1\n" * 100, "demo/ü.bin": bytes(1 << 20)}
    plain = make_wheel("demo", files=files, executable=["demo/ü.bin"])
    bundle = bundle_of(recompressed(plain, method))
    expected = bundle_of(plain)
    assert contents(bundle) == contents(expected)
    assert [(e.path, e.executable) for e in bundle] == [(e.path, e.executable) for e in expected]
    for entry in bundle:
        if entry.path.endswith("/WHEEL"):
            continue
        assert isinstance(entry.payload, SourceFile)
        assert entry.payload.path.is_relative_to(store.root)
        digest = hashlib.sha256(contents(bundle)[entry.path]).hexdigest()
        assert store.find(digest) == entry.payload.path


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_wheel_without_a_member_that_lambda_could_unpack(
    bundle_of: Callable[..., Bundle], method: int
) -> None:
    plain = make_wheel("demo", files={"demo/__init__.py": b"x = 1\n" * 100})
    bundle = bundle_of(recompressed(plain, method, whole=True))
    assert contents(bundle) == contents(bundle_of(plain))


def test_no_payload_has_a_method_that_lambda_does_not_know(
    bundle_of: Callable[..., Bundle],
) -> None:
    bundle = bundle_of(recompressed(make_wheel("demo"), zipfile.ZIP_LZMA))
    slices = [e.payload for e in bundle if isinstance(e.payload, Slice)]
    assert slices
    assert {payload.method for payload in slices} <= {STORED, DEFLATED}


def test_an_empty_member_without_a_deflate_stream_is_stored(
    bundle_of: Callable[..., Bundle],
) -> None:
    """Some tools call it deflated all the same; strict readers would refuse the copy."""
    bundle = bundle_of(with_member(Odd(name="demo/x", content=b"", method=8, raw=b"")))
    (payload,) = (e.payload for e in bundle if e.path == "demo/x")
    assert isinstance(payload, Slice)
    assert payload.method == STORED
    assert read_all(payload) == b""


def test_an_unknown_method_is_refused_by_name(bundle_of: Callable[..., Bundle]) -> None:
    data = with_member(Odd(name="demo/x", method=9))
    said = refusal(lambda: bundle_of(data))
    assert "`demo-1.0-py3-none-any.whl`" in said
    assert "method 9" in said


def with_member(*members: Odd) -> bytes:
    wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return make_zip(
        Odd(name="demo-1.0.dist-info/WHEEL", content=wheel),
        Odd(name="demo-1.0.dist-info/METADATA", content=metadata("demo", "1.0")),
        *members,
    )


@pytest.mark.parametrize(
    "member",
    [
        Odd(name="demo/x", local={"crc": 1}, central={"crc": 1}),
        Odd(name="demo/x", method=8, local={"crc": 1}, central={"crc": 1}),
        Odd(name="demo/x", method=8, raw=b"\xff\xff\xff"),
        Odd(name="demo/x", method=8, local={"size": 59}, central={"size": 59}),
        Odd(name="demo/x", method=8, local={"size": 61}, central={"size": 61}),
        Odd(name="demo/x", local={"size": 61}, central={"size": 61}),
        Odd(name="demo/x", method=12, raw=b"BZh9"),
        Odd(name="demo/x", method=14, raw=b"no"),
        Odd(name="demo-1.0.data/scripts/x", local={"crc": 1}, central={"crc": 1}),
        Odd(name="demo-1.0.data/scripts/x", content=b"#!python\n", raw=b"#!python!"),
    ],
)
def test_a_damaged_member_is_found_before_it_is_packaged(
    bundle_of: Callable[..., Bundle], store: Store, member: Odd
) -> None:
    said = refusal(lambda: bundle_of(with_member(member)))
    assert "`demo-1.0-py3-none-any.whl`" in said
    assert not list((store.root / "tmp").iterdir())


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "C:\\x", "C:/x", "a\\b", "", "a/../../x", "demo-1.0.data/data/../../x",
     "demo-1.0.data/data/C:/x", "demo-1.0.data/scripts/..", "demo-1.0.data/data//x", "x" * 300],
)  # fmt: skip
def test_unsafe_members_are_refused(bundle_of: Callable[..., Bundle], name: str) -> None:
    said = refusal(lambda: bundle_of(with_member(Odd(name=name))), EntryPathError)
    assert "`demo`" in said


def test_an_unsafe_owner_is_refused(bundle_of: Callable[..., Bundle]) -> None:
    data = with_member(Odd(name="demo-1.0.data/headers/x.h"))
    for owner in ("..", "a/../..", ""):
        with pytest.raises(EntryPathError):
            bundle_of(data, owner)


class TestNotAWheel:
    def test_no_archive(self, bundle_of: Callable[..., Bundle]) -> None:
        said = refusal(lambda: bundle_of(b"<html>not found</html>"))
        assert said.startswith("`demo-1.0-py3-none-any.whl` is not a zip archive")

    def test_some_other_archive(self, bundle_of: Callable[..., Bundle]) -> None:
        assert "it has no `.dist-info/WHEEL`" in refusal(lambda: bundle_of(make_zip(Odd())))

    def test_two_wheels_in_one(self, bundle_of: Callable[..., Bundle]) -> None:
        data = with_member(Odd(name="other-1.0.dist-info/WHEEL"))
        assert "it has 2 `.dist-info/WHEEL`" in refusal(lambda: bundle_of(data))

    def test_a_vendored_one_is_no_second(self, bundle_of: Callable[..., Bundle]) -> None:
        name = "demo/_vendor/x-1.0.dist-info/WHEEL"
        assert name in contents(bundle_of(with_member(Odd(name=name))))

    @pytest.mark.parametrize("version", ["2.0", "0.9", "10.0", "x", ""])
    def test_another_wheel_version(self, bundle_of: Callable[..., Bundle], version: str) -> None:
        text = f"Wheel-Version: {version}\n".encode()
        data = make_zip(Odd(name="demo-1.0.dist-info/WHEEL", content=text))
        said = refusal(lambda: bundle_of(data))
        assert "is of an unknown wheel format" in said
        assert "\n" not in said

    @pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"Root-Is-Purelib: true\n"])
    def test_no_wheel_version(self, bundle_of: Callable[..., Bundle], text: bytes) -> None:
        data = make_zip(Odd(name="demo-1.0.dist-info/WHEEL", content=text))
        assert "no version" in refusal(lambda: bundle_of(data))

    @pytest.mark.parametrize("text", [b"Wheel-Version: 1.9\r\n", b"A: b\nWheel-Version:1.0"])
    def test_wheel_versions_that_are_understood(
        self, bundle_of: Callable[..., Bundle], text: bytes
    ) -> None:
        described = Odd(name="demo-1.0.dist-info/METADATA", content=metadata("demo", "1.0"))
        data = make_zip(Odd(name="demo-1.0.dist-info/WHEEL", content=text), described)
        assert len(bundle_of(data)) == 2

    def test_a_wheel_file_of_megabytes(self, bundle_of: Callable[..., Bundle]) -> None:
        text = b"Wheel-Version: 1.0\n" + bytes(2 << 20)
        data = make_zip(Odd(name="demo-1.0.dist-info/WHEEL", content=text, method=8))
        assert "not valid" in refusal(lambda: bundle_of(data))


def test_a_wheel_that_contradicts_itself(bundle_of: Callable[..., Bundle]) -> None:
    files = {"demo/x": b"1", "demo-1.0.data/purelib/demo/x": b"2"}
    said = refusal(lambda: bundle_of(make_wheel("demo", files=files)))
    assert "two different files for `demo/x`" in said
    assert "`demo-1.0-py3-none-any.whl`" in said
    said = refusal(lambda: bundle_of(make_wheel("demo", files={"a": b"", "a/b": b""})))
    assert "`a` is a file and a folder at once" in said


def test_the_same_file_at_one_place_twice_is_fine(bundle_of: Callable[..., Bundle]) -> None:
    files = {"demo/x": b"1", "demo-1.0.data/purelib/demo/x": b"1"}
    assert contents(bundle_of(make_wheel("demo", files=files)))["demo/x"] == b"1"


class TestMemo:
    """What was examined once is remembered, and believed only when it can be."""

    @pytest.fixture
    def made(self) -> Made:
        return make_wheel(
            "demo",
            files={
                "demo/__init__.py": b"x = 1\n" * 9,
                "zz/ü.txt": b"",
                "demo-1.0.data/scripts/tool": b"#!python\nx\n",
            },
            executable=["demo/__init__.py"],
        )

    def memo(self, store: Store) -> Path:
        (path,) = (store.root / "wheel-index-v1").glob("*-*")
        return path

    def signed(self, memo: Path, body: bytes) -> bytes:
        start = zlib.crc32(f"wheel-index\0{memo.name}\0".encode())
        return b"%08x%b" % (zlib.crc32(body, start), body)

    def test_it_gives_the_same_bundle(
        self, bundle_of: Callable[..., Bundle], store: Store, made: Made
    ) -> None:
        fresh = bundle_of(made)
        memo = self.memo(store)
        before = memo.read_bytes()
        again = bundle_of(made)
        assert again == fresh
        assert again == Bundle.of(again)
        assert memo.read_bytes() == before
        assert [e.owner for e in bundle_of(made, "other")] == ["other"] * len(fresh)

    def test_it_is_used(self, bundle_of: Callable[..., Bundle], store: Store, made: Made) -> None:
        """Changed in place with its checksum, it is what is believed."""
        bundle_of(made)
        memo = self.memo(store)
        body = memo.read_bytes()[8:].replace(b"zz/", b"yy/")
        memo.write_bytes(self.signed(memo, body))
        assert "yy/ü.txt" in contents(bundle_of(made))

    def test_whatever_is_not_one_is_ignored_and_replaced(
        self, bundle_of: Callable[..., Bundle], store: Store, made: Made
    ) -> None:
        fresh = bundle_of(made)
        memo = self.memo(store)
        good = memo.read_bytes()
        document = json.loads(good[8:])
        size = document["size"]
        bodies = [
            b"",
            b"{",
            b"[]",
            b"null",
            b"3",
            b"{}",
            b"\xff",
            b"[" * 100_000,
            json.dumps({**document, "size": size + 1}).encode(),
            json.dumps({**document, "slices": [[]]}).encode(),
            json.dumps({**document, "slices": [["a", 0, 1]]}).encode(),
            json.dumps({**document, "slices": 3}).encode(),
            json.dumps({**document, "files": [["a", 0, "no-digest", 1, 1]]}).encode(),
            json.dumps({"size": size, "slices": []}).encode(),
        ]
        signed = [self.signed(memo, body) for body in bodies]
        flipped = [good[:n] + bytes([good[n] ^ 4]) + good[n + 1 :] for n in range(0, len(good), 7)]
        for bad in [*signed, *flipped, b"", b"x", good[8:], good[: len(good) // 2], good + b" "]:
            memo.write_bytes(bad)
            assert bundle_of(made) == fresh, bad[:80]
            assert memo.read_bytes() == good, bad[:80]

    def test_content_that_is_gone_is_made_again(
        self, bundle_of: Callable[..., Bundle], made: Made
    ) -> None:
        fresh = bundle_of(made)
        (script,) = (e.payload.path for e in fresh if isinstance(e.payload, SourceFile))
        script.unlink()
        assert contents(bundle_of(made)) == contents(fresh)
        assert script.exists()

    def test_a_refused_wheel_is_not_remembered(
        self, bundle_of: Callable[..., Bundle], store: Store
    ) -> None:
        for _ in range(2):
            with pytest.raises(ArchiveError):
                bundle_of(with_member(Odd(name="x", local={"crc": 1}, central={"crc": 1})))
        assert not (store.root / "wheel-index-v1").exists()


# What installers make themselves, or write anew.
MADE_BY_UV = {
    "INSTALLER",
    "REQUESTED",
    "RECORD",
    "direct_url.json",
    "uv_cache.json",
    "uv_build.json",
}


def installed_by_uv(made: Made, folder: Path) -> dict[str, tuple[bytes, bool]]:
    wheel = made.write(folder / "in")
    subprocess.run(
        [find_uv_bin(), "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps",
         "--cache-dir", str(folder / "cache"), "--python", sys.executable,
         "--target", str(folder / "out"), str(wheel)],
        check=True,
    )  # fmt: skip
    out = folder / "out"
    return {
        path.relative_to(out).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o111))
        for path in out.rglob("*")
        if path.is_file() and path.name not in MADE_BY_UV and path.name != ".lock"
    }


WHEELS = {
    "plain": make_wheel("demo", files={"demo/__init__.py": b"", "ü/日本.txt": b"x"}),
    "modes": make_wheel("demo", files={"a": b"1", "b": b"2"}, executable=["a"]),
    "data folders": make_wheel(
        "Demo_App",
        files={
            "demo_app/__init__.py": b"x = 1\n",
            "demo_app-1.0.data/purelib/pure/x.py": b"1",
            "demo_app-1.0.data/platlib/plat/x.so": b"2",
            "demo_app-1.0.data/data/share/x": b"3",
            "demo_app-1.0.data/data/bin/plain": b"#!python\n",
            "demo_app-1.0.data/data/etc/tool": b"4",
            "demo_app-1.0.data/headers/x.h": b"5",
            "demo_app-1.0.data/headers/sub/y.h": b"6",
            "demo_app-1.0.data/scripts/own": b"#!/bin/sh\necho\n",
            "demo_app-1.0.data/scripts/binary": b"\x7fELF" + bytes(100),
            "demo_app-1.0.data/scripts/py": b"#!python\nimport demo_app\n",
            "demo_app-1.0.data/scripts/pyw": b"#!pythonw -E\nimport demo_app\n",
        },
        executable=["demo_app-1.0.data/data/etc/tool"],
    ),
    "other data folders": make_wheel(
        "demo",
        files={
            "mypkg.data/platlib/x": b"1",
            "other-1.0.data/purelib/x": b"2",
            "Demo-1.0.data/purelib/x": b"3",
            "demo-1.0.0.data/purelib/x": b"4",
            "sub/demo-1.0.data/purelib/x": b"5",
        },
    ),
    "link": Made(
        filename="demo-1.0-py3-none-any.whl",
        data=with_member(
            Odd(name="demo-1.0.dist-info/RECORD", content=b""),
            Odd(name="lib.so", content=b"lib.so.1", mode=0o120777),
            Odd(name="dos", mode=0o100755, central={"made_by": 20}),
            Odd(name="streamed", method=8, descriptor="signed"),
            Odd(name="streamed64", method=8, descriptor="bare"),
            Odd(name="dir/", content=b"", mode=0o40755),
            Odd(name="dir/again"),
            Odd(name="dir/again"),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHEELS)
def test_every_file_is_where_uv_installs_it(
    tmp_path: Path, bundle_of: Callable[..., Bundle], name: str
) -> None:
    made = WHEELS[name]
    owner = made.filename.split("-")[0].replace("_", "-")
    ours = {
        e.path: (read_all(e.payload), e.executable)
        for e in bundle_of(made, owner)
        if e.path.rpartition("/")[2] not in MADE_BY_UV
    }
    theirs = installed_by_uv(made, tmp_path / "uv")
    assert sorted(ours) == sorted(theirs)
    shebang = b"#!" + sys.executable.encode() + b"\n"
    for path, (content, executable) in theirs.items():
        expected = content
        if path.startswith("bin/") and content.startswith(shebang):
            expected = SHEBANG + content.removeprefix(shebang)
        assert ours[path] == (expected, executable), path


def test_the_index_of_a_wheel_is_read_only_once(tmp_path: Path, store: Store) -> None:
    """A later build needs no byte of the wheel before it writes."""
    stored = store.add(make_wheel("demo").write(tmp_path))
    fresh = wheel_bundle(stored, filename="demo.whl", owner="demo", store=store)
    assert read_archive(stored.path)
    stored.path.unlink()
    assert wheel_bundle(stored, filename="demo.whl", owner="demo", store=store) == fresh


def identity(stem: str, described: bytes) -> bytes:
    wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    return make_zip(
        Odd(name=f"{stem}.dist-info/WHEEL", content=wheel),
        Odd(name=f"{stem}.dist-info/METADATA", content=described),
    )


@pytest.mark.parametrize(
    ("filename", "stem", "name", "version"),
    [
        ("demo_app-1.0-py3-none-any.whl", "demo_app-1.0", "demo-app", "1.0"),
        ("demo_app-1.0-py3-none-any.whl", "Demo.App-1.0", "DEMO_app", "1.0.0"),
        ("demo_app-1.0-py3-none-any.whl", "demo-app-1.0.0", "demo-app", "v1.0"),
        ("demo_app-1.0-1build-py3-none-any.whl", "demo_app-1.0", "demo-app", "1.0"),
        ("demo_app-1.0+cu12.1-py3-none-any.whl", "demo_app-1.0+cu12.1", "demo-app", "1.0+cu12-1"),
        ("demo_app-1.0_post1-py3-none-any.whl", "demo_app-1.0.post1", "demo-app", "1.0-1"),
        ("demo_app-1!2.0rc1-py3-none-any.whl", "demo_app-1!2.0rc1", "demo-app", "1!2.0c1"),
        ("demo_app-2004d-py3-none-any.whl", "demo_app-2004d", "demo-app", "2004d"),
        (
            "demo_app-1.0-py3-none-any.whl",
            "demo_app-1.0",
            "demo-app \r\nDescription: Name: x",
            "1.0",
        ),
    ],
)
def test_names_and_versions_may_be_written_in_other_ways(
    bundle_of: Callable[..., Bundle], filename: str, stem: str, name: str, version: str
) -> None:
    data = identity(stem, f"Name: {name}\nVersion: {version}\n\nName: body\n".encode())
    assert len(bundle_of(Made(filename=filename, data=data))) == 2


@pytest.mark.parametrize(
    ("stem", "described", "reason"),
    [
        ("other-1.0", b"Name: other\nVersion: 1.0\n", "its folder is `other-1.0.dist-info`"),
        ("demo-1.1", b"Name: demo\nVersion: 1.1\n", "its folder is `demo-1.1.dist-info`"),
        ("demo-1.0", b"Name: other\nVersion: 1.0\n", "the name `other`"),
        ("demo-1.0", b"Name: demo\nVersion: 1.0.post1\n", "the version `1.0.post1`"),
        ("demo-1.0", b"Name: demo\nVersion: 1.0+evil\n", "the version `1.0+evil`"),
        ("demo-1.0", b"Name: evil\nName: demo\nVersion: 1.0\n", "the name `evil`"),
        ("demo-1.0", b"Name: demo\n\nVersion: 1.0\n", "its `METADATA` has no version"),
        ("demo-1.0", b"", "its `METADATA` has no name"),
        ("demo", b"Name: demo\nVersion: 1.0\n", "its folder is `demo.dist-info`"),
    ],
)
def test_a_wheel_of_another_distribution_is_refused(
    bundle_of: Callable[..., Bundle], stem: str, described: bytes, reason: str
) -> None:
    said = refusal(lambda: bundle_of(identity(stem, described)))
    assert "`demo-1.0-py3-none-any.whl`" in said
    assert reason in said


def test_known_bytes_under_another_name_are_refused(bundle_of: Callable[..., Bundle]) -> None:
    made = make_wheel("demo")
    assert len(bundle_of(made)) == 4
    for filename in ("demo-1.1-py3-none-any.whl", "other-1.0-py3-none-any.whl"):
        other = Made(filename=filename, data=made.data)
        assert "its folder is `demo-1.0.dist-info`" in refusal(
            lambda other=other: bundle_of(other)  # type: ignore[misc]
        )


def test_a_wheel_without_metadata_is_none(bundle_of: Callable[..., Bundle]) -> None:
    wheel = b"Wheel-Version: 1.0\n"
    data = make_zip(Odd(name="demo-1.0.dist-info/WHEEL", content=wheel))
    assert "no valid `METADATA`" in refusal(lambda: bundle_of(data))
