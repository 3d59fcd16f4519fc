"""Wheels that do not run on the runtime: checks name them, with the chain of imports that leads there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.judged import VERSION, findings_of, install
from support.zips import HANDLER
from wherry.store import Store

pytestmark = pytest.mark.real


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """Wheels of PyPI in a function, and the errors: owner, code, and what the message tells."""

    names: tuple[str, ...]
    platform: str = "x86_64-manylinux_2_34"
    wheels: str = VERSION
    runtime: str = VERSION
    errors: tuple[tuple[str, str, str], ...] = ()


NUMPY = r"\(app → numpy → .*numpy\._core\._multiarray_umath\)"
PYDANTIC = r"\(app → pydantic → .*pydantic_core\._pydantic_core\)"
WHEELS = {
    "opencv": Wheels(names=("opencv-python",), errors=(
        ("opencv-python", "ELF003", r"`libGL\.so\.1` \(for libQt5\w+-[\w.-]+\).* \(app → cv2 → cv2\.cv2\)"),
    )),
    "opencv-headless": Wheels(names=("opencv-python-headless",)),
    "musl": Wheels(names=("numpy",), platform="x86_64-unknown-linux-musl", errors=(
        ("numpy", "ELF004", f"the runtime has glibc {NUMPY}"),
    )),
    "other-minor-version": Wheels(names=("numpy",), wheels="3.12", errors=(
        ("numpy", "ELF005", f"for Python 3.12, and the runtime has 3.13 {NUMPY}"),
    )),
    "newer-glibc": Wheels(names=("numpy",), wheels="3.11", runtime="3.11", errors=(
        ("numpy", "ELF002", rf"in `GLIBC_2\.\d+` of lib[cm]\.so\.6, and python3\.11 has GLIBC_2\.26 {NUMPY}"),
    )),
    "mac": Wheels(names=("pydantic",), platform="aarch64-apple-darwin", errors=(
        ("pydantic-core", "ELF001", f"it is for macOS {PYDANTIC}"),
    )),
    "arm": Wheels(names=("pydantic",), platform="aarch64-manylinux_2_28", errors=(
        ("pydantic-core", "ELF001", f"it is not for x86_64 {PYDANTIC}"),
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", WHEELS)
def test_wheels_that_do_not_run_are_named_with_their_chain(name: str, tmp_path: Path) -> None:
    wheels = WHEELS[name]
    folder = tmp_path / "function"
    install(folder, wheels.names, platform=wheels.platform, version=wheels.wheels)
    module = MODULES.get(wheels.names[0], wheels.names[0])
    (folder / "app.py").write_text(f"import {module}\n{HANDLER}")
    store = Store(tmp_path / "store")
    found = findings_of(folder, tmp_path / "function.zip", store, wheels.runtime)
    assert {(each.owner, each.code) for each in found} == {each[:2] for each in wheels.errors}
    for owner, code, message in wheels.errors:
        told = [each.message for each in found if (each.owner, each.code) == (owner, code)]
        assert any(re.search(message, text) for text in told), told


MODULES = {"opencv-python": "cv2", "opencv-python-headless": "cv2"}


def test_a_library_of_a_mac_in_the_own_folder_is_named(tmp_path: Path) -> None:
    wheel = install(tmp_path / "wheel", ["markupsafe"], platform="aarch64-apple-darwin")
    folder = tmp_path / "function"
    (folder / "shop").mkdir(parents=True)
    (library,) = wheel.glob("markupsafe/*.so")
    library.rename(folder / "shop" / library.name)
    (folder / "shop" / "__init__.py").write_text("from shop import _speedups\n")
    (folder / "app.py").write_text(f"import shop\n{HANDLER}")
    (found,) = findings_of(folder, tmp_path / "function.zip", Store(tmp_path / "store"))
    assert (found.code, found.owner) == ("ELF001", "function")
    assert found.where == f"shop/{library.name}"
    assert "it is for macOS (app → shop → shop._speedups)" in found.message
