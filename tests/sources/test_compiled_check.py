from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.backends import obedient_project
from support.contexts import context
from wherry.errors import BuildError
from wherry.sources.project import TreeOptions, project_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.store import Store
    from wherry.target import Target

ELF = b"\x7fELF\x02\x01\x01" + bytes(64)
MACH_O = b"\xcf\xfa\xed\xfe" + bytes(64)
FAT = b"\xca\xfe\xba\xbe\x00\x00\x00\x02" + bytes(64)
JAVA = b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(64)
PE = b"MZ" + bytes(64)


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "py313-none-any",
        "py2.py3-none-any",
        "cp313-none-any",
        "cp313-cp313-linux_aarch64",
        "py3-none-linux_aarch64",
    ],
)
def test_pure_wheels_pass(tag: str, tmp_path: Path, target: Target, store: Store) -> None:
    root = obedient_project(tmp_path / "shop", files={"shop.py": b""}, tag=tag)
    assert project_bundle(root, TreeOptions(), context(store, target=target)).name == "shop"


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("cp311-cp311-linux_x86_64", "`shop` must be compiled for python3.13-arm64"),
        ("cp313-cp313-linux_x86_64", "`shop` must be compiled for python3.13-arm64"),
        ("py3-none-macosx_11_0_arm64", "`shop` must be compiled for python3.13-arm64"),
        ("cp313-abi3-any", "`shop` must be compiled for python3.13-arm64"),
        ("cp311-none-any", "`shop` was not built for python3.13-arm64"),
        ("py314-none-any", "`shop` was not built for python3.13-arm64"),
    ],
)
def test_others_do_not(
    tag: str, message: str, tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(tmp_path / "shop", files={"shop.py": b""}, tag=tag)
    with pytest.raises(BuildError, match=message) as caught:
        project_bundle(root, TreeOptions(), context(store, target=target))
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("shop/_fast.so", ELF),
        ("shop/run", ELF),
        ("shop/a.so", MACH_O),
        ("a.dylib", FAT),
        ("a.pyd", PE),
    ],
)
def test_a_wheel_that_says_it_is_pure_is_not_believed(
    path: str, content: bytes, tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(tmp_path / "shop", files={path: content, "other.py": b""})
    with pytest.raises(BuildError, match="must be compiled for python3.13-arm64") as caught:
        project_bundle(root, TreeOptions(), context(store, target=target))
    assert len(caught.value.where) == 1
    assert caught.value.where[0].startswith(
        f"`shop-1.0-py3-none-any.whl` holds `{path}`, compiled where it was built: it is for "
    )


@pytest.mark.parametrize(
    ("path", "content"), [("a/launcher.exe", PE), ("A.class", JAVA), ("a", b"MZ")]
)
def test_data_is_no_machine_code(
    path: str, content: bytes, tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(tmp_path / "shop", files={path: content})
    built = project_bundle(root, TreeOptions(), context(store, target=target))
    assert path in [entry.path for entry in built.bundle]


def test_a_program_that_the_source_carries_may_stay(
    tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(
        tmp_path / "shop", files={"shop/ffmpeg": ELF}, sources={"vendor/ffmpeg": ELF}
    )
    built = project_bundle(root, TreeOptions(), context(store, target=target))
    assert "shop/ffmpeg" in [entry.path for entry in built.bundle]
