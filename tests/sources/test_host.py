"""A13: wheels built here are taken where their compiled files prove that they run on the target."""

from __future__ import annotations

import platform
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.backends import obedient_project
from support.contexts import context
from support.interpreters import find_python
from support.projects import write_files
from support.shared_objects import AARCH64, X86_64, SharedObject
from wherry.builders import Source
from wherry.bundle.content import read_all
from wherry.errors import BuildError, IncompatibleError
from wherry.events import Warned
from wherry.sources.host import HostBuilder, agrees, wants_compiler
from wherry.sources.project import TreeOptions, project_bundle, project_digest
from wherry.target import RUNTIMES, Architecture, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.reporters import Heard
    from wherry.bundle.canonical import Canonical
    from wherry.store import Store

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
TAG = f"cp{HERE.replace('.', '')}-cp{HERE.replace('.', '')}-linux_{{}}"
OBJECT = SharedObject(wants={"libc.so.6": {"GLIBC_2.17": ["clock_gettime"]}})


def on(runtime: str = f"python{HERE}", architecture: Architecture = Architecture.X86_64) -> Target:
    return Target(runtime=RUNTIMES[runtime], architecture=architecture)


def library(**wants: dict[str, list[str]]) -> bytes:
    return SharedObject(
        machine=X86_64, wants={f"{name}.so.6": versions for name, versions in wants.items()}
    ).data()


def test_what_runs_is_taken(tmp_path: Path, store: Store) -> None:
    root = obedient_project(
        tmp_path / "shop", files={"shop/_fast.so": OBJECT.data()}, tag=TAG.format("x86_64")
    )
    built = project_bundle(root, TreeOptions(), context(store, target=on()))
    assert "shop/_fast.so" in [entry.path for entry in built.bundle]
    # It depends on this machine's headers and libraries, so that no digest can tell beforehand.
    assert project_digest(root, TreeOptions(), context(store)) is None


def test_a_newer_c_library_is_refused_with_symbol_and_file(tmp_path: Path, store: Store) -> None:
    """N3: whatever the tag says."""
    data = library(libc={"GLIBC_2.38": ["__isoc23_strtol"], "GLIBC_2.2.5": ["free"]})
    root = obedient_project(
        tmp_path / "shop", files={"shop/_fast.so": data}, tag=TAG.format("x86_64")
    )
    with pytest.raises(
        IncompatibleError, match=f"`shop` must be compiled for python{HERE}-x86_64"
    ) as caught:
        project_bundle(root, TreeOptions(), context(store, target=on()))
    glibc = ".".join(map(str, RUNTIMES[f"python{HERE}"].glibc))
    (reason,) = caught.value.where
    assert reason == (
        f"`shop-1.0-{TAG.format('x86_64')}.whl` holds `shop/_fast.so`, compiled where it was built: "
        f"it needs `__isoc23_strtol` in `GLIBC_2.38` of libc.so.6, and python{HERE} has GLIBC_{glibc}"
    )
    assert "--container auto" in (caught.value.hint or "")


def test_a_tag_is_not_believed(tmp_path: Path, store: Store) -> None:
    """The files say otherwise."""
    wrong = SharedObject(machine=AARCH64).data()
    root = obedient_project(tmp_path / "shop", files={"a.so": wrong}, tag=TAG.format("x86_64"))
    with pytest.raises(IncompatibleError) as caught:
        project_bundle(root, TreeOptions(), context(store, target=on()))
    assert "it is for aarch64, not for x86_64" in caught.value.where[0]


@pytest.mark.usefixtures("no_other_python")
def test_a_pure_wheel_that_is_none_is_for_this_python(tmp_path: Path, store: Store) -> None:
    root = obedient_project(tmp_path / "shop", files={"a.so": OBJECT.data()})
    project_bundle(root, TreeOptions(), context(store, target=on()))
    other = "python3.13" if HERE != "3.13" else "python3.12"
    with pytest.raises(IncompatibleError) as caught:
        project_bundle(root, TreeOptions(), context(store, target=on(other)))
    assert f"it was compiled with Python {HERE}" in caught.value.where[0]


def test_libraries_that_nobody_brings_are_told(tmp_path: Path, store: Store, heard: Heard) -> None:
    data = SharedObject(needed=("libc.so.6", "libpq.so.5")).data()
    root = obedient_project(tmp_path / "shop", files={"a.so": data}, tag=TAG.format("x86_64"))
    project_bundle(root, TreeOptions(), context(store, target=on(), reporter=heard))
    (warning,) = [event for event in heard.events if isinstance(event, Warned)]
    assert warning.text == (
        "`shop` was compiled against `libpq.so.5` (for `a.so`), and its wheel does not bring it"
    )


def source(root: Path) -> Source:
    @contextmanager
    def tree() -> Iterator[Path]:
        yield root

    return Source(name="shop", identity=["test", root.name], place=root.name, tree=tree)


@pytest.mark.usefixtures("no_other_python")
def test_what_is_remembered_is_proved_anew(tmp_path: Path, store: Store) -> None:
    """For another target it may not do."""
    newer = library(libc={"GLIBC_2.30": ["gettid"]})
    root = obedient_project(tmp_path / "shop", files={"a.so": newer}, tag="py3-none-linux_x86_64")
    builder = HostBuilder(context=context(store, target=on("python3.13")))
    (built,) = builder.build([source(root)])
    assert not isinstance(built, BuildError)
    assert built.compiled == ("a.so",)
    recalled = builder.recall(source(root))
    assert recalled == built
    with pytest.raises(IncompatibleError, match="must be compiled for python3.11-x86_64"):
        HostBuilder(context=context(store, target=on("python3.11"))).recall(source(root))


def test_another_compiler_builds_anew(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = obedient_project(tmp_path / "shop", files={"a.py": b""})
    builder = HostBuilder(context=context(store, target=on()))
    builder.build([source(root)])
    assert builder.recall(source(root)) is not None
    monkeypatch.setenv("CFLAGS", "-O0")
    assert builder.recall(source(root)) is None


WHO = """
import sys, pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "shop-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder, "shop-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("who.txt", "%d.%d" % sys.version_info[:2])
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return "shop-1.0-py3-none-any.whl"
"""
BACKEND = (
    '[project]\nname = "shop"\nversion = "1.0"\n'
    '[build-system]\nrequires = []\nbuild-backend = "who"\nbackend-path = ["."]\n'
)


def who(wheel: Canonical | BuildError) -> str:
    assert not isinstance(wheel, BuildError)
    (entry,) = [entry for entry in wheel.bundle(owner="shop") if entry.path == "who.txt"]
    return read_all(entry.payload).decode()


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_the_targets_python_builds(
    tmp_path: Path, store: Store, heard: Heard, version: str
) -> None:
    """Also one that knows no `-P`."""
    find_python(version)
    root = write_files(tmp_path / "shop", {"pyproject.toml": BACKEND, "who.py": WHO})
    for runtime in (version, HERE):
        builder = HostBuilder(context=context(store, target=on(f"python{runtime}"), reporter=heard))
        assert builder.recall(source(root)) is None
        (built,) = builder.build([source(root)])
        assert who(built) == runtime
        assert builder.recall(source(root)) == built
    assert not [event for event in heard.events if isinstance(event, Warned)]


def test_of_a_tree_of_somebody_else_no_settings_are_hinted_at(tmp_path: Path, store: Store) -> None:
    said = "No file/folder found for package shop"
    root = obedient_project(tmp_path / "shop", files={}, say=said, fail=1)
    with pytest.raises(BuildError) as caught:
        project_bundle(root, TreeOptions(), context(store, target=on()))
    assert "[tool.uv] of `pyproject.toml`" in (caught.value.hint or "")
    (error,) = HostBuilder(context=context(store, target=on())).build([source(root)])
    assert isinstance(error, BuildError)
    assert (error.hint or "").startswith("the whole output is in")


@pytest.mark.usefixtures("no_other_python")
def test_another_python_that_builds_is_told(tmp_path: Path, store: Store, heard: Heard) -> None:
    other = "3.13" if HERE != "3.13" else "3.12"
    root = write_files(tmp_path / "shop", {"pyproject.toml": BACKEND, "who.py": WHO})
    builder = HostBuilder(context=context(store, target=on(f"python{other}"), reporter=heard))
    (built,) = builder.build([source(root)])
    assert who(built) == HERE
    (warning,) = [event for event in heard.events if isinstance(event, Warned)]
    assert warning.text == (
        f"`shop` is built by Python {HERE}, as there is no Python {other} on this machine: the result may differ"
    )
    assert f"uv python install {other}" in (warning.hint or "")


@pytest.mark.usefixtures("no_other_python")
def test_whether_this_machine_agrees(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Architecture.ARM64 if platform.machine() in {"aarch64", "arm64"} else Architecture.X86_64
    there = Architecture.X86_64 if here is Architecture.ARM64 else Architecture.ARM64
    assert agrees(context(store, target=on(architecture=here))) == (sys.platform == "linux")
    assert not agrees(context(store, target=on(architecture=there)))
    other = "python3.13" if HERE != "3.13" else "python3.12"
    assert not agrees(context(store, target=on(other, here)))
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not agrees(context(store, target=on(architecture=here)))


@pytest.mark.parametrize(
    ("name", "wants"),
    [
        ("x.c", True),
        ("a/b.pyx", True),
        ("Cargo.toml", True),
        ("x.cpp", True),
        ("x.py", False),
        ("c", False),
    ],
)
def test_what_wants_a_compiler(tmp_path: Path, name: str, wants: bool) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert wants_compiler(tmp_path) is wants
