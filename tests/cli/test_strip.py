"""`strip`, through the command line."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deflate import deflate_compress

from support.command import Finished, Wherry
from support.index import Index
from support.libraries import Library, Part
from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry.bundle.compressor import deflated
from wherry.bundle.entry import DEFLATED, Slice
from wherry.bundle.stripped import strip_file
from wherry.elf.reader import read_elf
from wherry.pipeline.build import build as build_project
from wherry.pipeline.digest import digest
from wherry.store import Store

LIBRARY = Library().with_parts(Part(name=".debug_str", data=bytes(range(256)) * 200))
PATCHED = replace(LIBRARY, late=b"x" * 5000)
TAG = "cp313-cp313-manylinux_2_17_x86_64"
NATIVE = make_wheel(
    "native",
    files={
        "native/__init__.py": b"",
        "native/fast.cpython-313-x86_64-linux-gnu.so": LIBRARY.data(),
        "native/data.bin": bytes(9000),
        "native.libs/libpatched.so.1": PATCHED.data(),
    },
    tag=TAG,
)
STORED = make_wheel(
    "stored", files={"stored.so": LIBRARY.data()}, tag=TAG, compression=zipfile.ZIP_STORED
)
FAST = "native/fast.cpython-313-x86_64-linux-gnu.so"


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    index.add(NATIVE, STORED)
    return make_project(wherry.cwd, index, [NATIVE, STORED])


def build(wherry: Wherry, text: str, **env: str) -> dict[str, dict[str, Any]]:
    write_files(wherry.cwd, {"wherry.toml": text})
    done: Finished = wherry("build", "--json", "--runtime", "python3.13", **env)
    assert done.code == 0, done.err
    return {package["name"]: {**package, "err": done.err} for package in done.document["packages"]}


def member(project: Path, name: str, path: str) -> tuple[bytes, zipfile.ZipInfo]:
    with zipfile.ZipFile(project / "dist" / "lambda" / f"{name}.zip") as archive:
        return archive.read(path), archive.getinfo(path)


def has_debugging(data: bytes) -> bool:
    return any(section.name == ".debug_str" for section in read_elf(data).sections)


def test_it_is_off_unless_asked_for(project: Path, wherry: Wherry) -> None:
    found = build(wherry, "")["shop"]
    assert (found["stripped_files"], found["stripped_size"], found["stripped_unzipped_size"]) == (
        0,
        0,
        0,
    )
    assert member(project, "shop", FAST)[0] == LIBRARY.data()
    assert "stripped" not in found["err"]


def test_the_saving_is_shown(project: Path, wherry: Wherry) -> None:
    """A13: in the summary and in the document; unzipped and in the zip."""
    plain = build(wherry, "")["shop"]
    found = build(wherry, "strip = true")["shop"]
    assert found["stripped_files"] == 2
    assert found["unzipped_size"] == plain["unzipped_size"] - found["stripped_unzipped_size"]
    assert found["stripped_unzipped_size"] > 140_000
    assert found["size"] == plain["size"] - found["stripped_size"]
    assert re.search(
        r"\n  stripped 2 files: [\d.]+ KiB less unzipped, [\d.]+ KiB less zipped\n", found["err"]
    )
    # What lay deflated in its wheel still does, what lay stored is stored; and the rest is as it was.
    data, held = member(project, "shop", FAST)
    assert not has_debugging(data)
    assert held.compress_type == zipfile.ZIP_DEFLATED
    assert held.compress_size < held.file_size * 0.6
    data, held = member(project, "shop", "stored.so")
    assert not has_debugging(data)
    assert held.compress_type == zipfile.ZIP_STORED
    assert member(project, "shop", "native.libs/libpatched.so.1")[0] == PATCHED.data()
    assert member(project, "shop", "native/data.bin")[0] == bytes(9000)


def test_the_same_bytes_in_any_store(project: Path, wherry: Wherry, tmp_path: Path) -> None:
    """N1: deterministic; and what is remembered gives what stripping anew does."""
    first = build(wherry, "strip = true")["shop"]
    write_files(project, {"shop/more.py": ""})
    build(wherry, "strip = true")
    (project / "shop" / "more.py").unlink()
    again = build(wherry, "strip = true")["shop"]
    other = build(wherry, "strip = true", WHERRY_CACHE_DIR=str(tmp_path / "other"))["shop"]
    assert first["sha256"] == again["sha256"] == other["sha256"]
    assert first["stripped_size"] == again["stripped_size"] == other["stripped_size"]
    assert other["changed"] is False


def test_a_damaged_memo_is_no_memo(project: Path, wherry: Wherry) -> None:
    """And a stripped file that has left the store is made again."""
    first = build(wherry, "strip = true")["shop"]
    memos = sorted(
        path for path in (wherry.store / "stripped-v1").iterdir() if path.name != "CACHEDIR.TAG"
    )
    assert len(memos) == 2
    memos[0].write_bytes(b"00000000[]")
    for path in (wherry.store / "files-v1").glob("??/*"):
        # None but the wheels.
        if path.read_bytes()[:2] != b"PK":
            path.unlink()
    write_files(project, {"shop/more.py": ""})
    build(wherry, "strip = true")
    (project / "shop" / "more.py").unlink()
    assert build(wherry, "strip = true")["shop"]["sha256"] == first["sha256"]


def test_what_was_stripped_by_other_rules_is_not_used(
    project: Path, wherry: Wherry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither files nor packages; and the digest of the inputs moves."""
    store = Store(wherry.store)
    write_files(project, {"wherry.toml": "strip = true\n"})

    def made() -> tuple[str, str]:
        (package,) = digest(project, runtime="python3.13", store=store).packages
        build_project(project, runtime="python3.13", store=store)
        return package.inputs_sha256, str(member(project, "shop", FAST)[1].compress_size)

    with monkeypatch.context() as earlier:
        for module in ("inputs", "memory", "strip.strip"):
            earlier.setattr(f"wherry.pipeline.{module}.STRIPPING", "1")
        earlier.setattr(
            "wherry.bundle.stripped.deflated", lambda data: bytes(deflate_compress(data, 1))
        )
        before = made()
    after = made()
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert after[1] == str(len(deflated(member(project, "shop", FAST)[0])))


def test_a_file_that_would_grow_in_the_zip_stays(tmp_path: Path) -> None:
    """As one that was compressed with much more effort than ours."""
    text = "".join(f"{n * n % 977},{n % 7};" for n in range(40_000)).encode()
    parts = (replace(part, data=text) if part.name == ".text" else part for part in LIBRARY.parts)
    data = replace(LIBRARY, parts=tuple(parts)).data()
    for level, grows in ((12, True), (1, False)):
        stream = bytes(deflate_compress(data, level))
        (tmp_path / "stream").write_bytes(stream)
        payload = Slice(tmp_path / "stream", 0, len(stream), len(data), zlib.crc32(data), DEFLATED)
        made = strip_file(payload)
        assert (made is None) is grows
        assert made is None or len(made.data) < len(stream)


def test_patterns_functions_and_layers(project: Path, wherry: Wherry) -> None:
    """The nearer table counts; a function and its layer share a file though one of them is stripped."""
    found = build(
        wherry,
        'strip = true\n[functions.api]\nlayers = ["deps"]\n[functions.whole]\nstrip = false\n'
        '[functions.some]\nstrip = ["*", "!stored.so"]\n'
        '[layers.deps]\nstrip = ["/native/"]\n',
    )
    assert [(name, one["stripped_files"]) for name, one in found.items()] == [
        ("deps", 1), ("api", 0), ("whole", 0), ("some", 1),
    ]  # fmt: skip
    assert not has_debugging(member(project, "deps", f"python/{FAST}")[0])
    assert has_debugging(member(project, "deps", "python/stored.so")[0])
    assert found["api"]["files"] == 2
    assert has_debugging(member(project, "whole", FAST)[0])
    assert has_debugging(member(project, "some", "stored.so")[0])


def test_files_of_the_project_itself(project: Path, wherry: Wherry) -> None:
    """They may change at any time, and nothing of them is remembered."""
    write_files(project, {"shop/own.so": LIBRARY.data()})
    assert build(wherry, "strip = true")["shop"]["stripped_files"] == 3
    assert not has_debugging(member(project, "shop", "shop/own.so")[0])
    other = LIBRARY.with_parts(Part(name=".other", data=b"x" * 10)).data()
    write_files(project, {"shop/own.so": other})
    build(wherry, "strip = true")
    names = [
        section.name for section in read_elf(member(project, "shop", "shop/own.so")[0]).sections
    ]
    assert ".other" in names
    assert (project / "shop" / "own.so").read_bytes() == other


def test_commands_after_bundling_see_stripped_files(project: Path, wherry: Wherry) -> None:
    """K8: what they see is what is written."""
    text = '[hooks]\nafter = ["wc -c < {{output}}/{0} > {{output}}/size"]\nstrip = true\n'
    head, _, rest = text.partition("strip")
    found = build(wherry, f"strip{rest}{head}".format(FAST))["shop"]
    assert int(member(project, "shop", "size")[0]) == len(member(project, "shop", FAST)[0])
    assert found["stripped_files"] == 2
