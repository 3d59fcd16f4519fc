"""D5, A5, N1: whatever is remembered, a build gives what a build with an empty store gives."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wherry
from support.files import file_digest
from support.index import serve_index
from support.projects import make_project, pylock_for, write_files
from support.wheels import make_wheel
from wherry.pipeline.lock_inputs import lock_names
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.index import Index
    from wherry.pipeline.report import PackageReport

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
BETA = make_wheel("beta", "2.0")
PYPROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.9"\n'


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    with serve_index([ALPHA, BETA]) as served:
        yield served


class Place:
    """A project beside a folder that it depends on, and a store that remembers."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index
        self.store = folder / "store"
        self.output = folder / "out"
        self.options: dict[str, Any] = {"runtime": "python3.13"}
        self.root = make_project(folder / "shop", index, [ALPHA])
        self.fresh = 0
        self.write_lock(ALPHA)

    def write_lock(self, *wheels: Any, name: str = "pylock.toml") -> None:
        shared = '\n[[packages]]\nname = "shared"\n[packages.directory]\npath = "../shared"\n'
        write_files(self.root, {name: pylock_for(self.index, wheels)})
        if not (self.folder / "shared").exists():
            write_files(
                self.folder / "shared",
                {"pyproject.toml": SHARED, "shared.py": "S = 1\n", "tiny.py": BACKEND},
            )
        with (self.root / name).open("a") as file:
            file.write(shared)

    @property
    def package(self) -> Path:
        return next(self.output.glob("*.zip"))

    def build(self) -> PackageReport:
        """With all that is remembered."""
        report = wherry.build(
            self.root, output=self.output, store=Store(self.store), **self.options
        )
        package = report.packages[0]
        assert file_digest(package.path) == package.sha256
        return package

    def truth(self) -> str:
        """The digest of what a build with nothing remembered gives."""
        self.fresh += 1
        report = wherry.build(
            self.root,
            output=self.folder / f"fresh-{self.fresh}" / "out",
            store=Store(self.folder / f"fresh-{self.fresh}" / "store"),
            **self.options,
        )
        return report.packages[0].sha256


BACKEND = """\
import pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "shared-1.0-py3-none-any.whl"
    info = "shared-1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.write("shared.py")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: shared\\nVersion: 1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return name
"""
SHARED = (
    '[project]\nname = "shared"\nversion = "1.0"\n'
    '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n'
)


class Plain(Place):
    """Without the folder beside it, whose backend is asked each time."""

    def write_lock(self, *wheels: Any, name: str = "pylock.toml") -> None:
        write_files(self.root, {name: pylock_for(self.index, wheels)})


@pytest.fixture
def place(tmp_path: Path, index: Index) -> Plain:
    return Plain(tmp_path, index)


@contextmanager
def same_times(path: Path) -> Iterator[None]:
    before = path.stat()
    yield
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def edit_lock(place: Place) -> None:
    place.write_lock(ALPHA, BETA)


def edit_lock_back(place: Place) -> None:
    place.write_lock(ALPHA)


def edit_settings(place: Place) -> None:
    (place.root / "wherry.toml").unlink(missing_ok=True)
    write_files(place.root, {"pyproject.toml": PYPROJECT + '[tool.wherry]\nexclude = ["api.py"]\n'})


def edit_settings_elsewhere(place: Place) -> None:
    write_files(place.root, {"pyproject.toml": PYPROJECT})
    write_files(place.root, {"wherry.toml": 'exclude = ["__init__.py"]\n'})


def edit_source(place: Place) -> None:
    write_files(place.root, {"shop/api.py": "EDITED = True\n"})


def edit_source_in_secret(place: Place) -> None:
    source = place.root / "shop" / "__init__.py"
    source.write_text("A = 1\n")
    place.build()
    with same_times(source):
        source.write_text("A = 2\n")


def edit_through_a_replaced_file(place: Place) -> None:
    source = place.root / "shop" / "api.py"
    with same_times(source):
        other = source.with_suffix(".new")
        other.write_bytes(source.read_bytes().upper())
        other.replace(source)


def add_file(place: Place) -> None:
    write_files(place.root, {"shop/new.py": "", "data/x.json": "{}"})


def add_package_file_without_content(place: Place) -> None:
    write_files(place.root, {"shop/sub/__init__.py": ""})


def remove_file(place: Place) -> None:
    (place.root / "shop" / "api.py").unlink(missing_ok=True)


def rename_file(place: Place) -> None:
    source = place.root / "shop" / "__init__.py"
    if source.exists():
        source.rename(place.root / "shop" / "renamed.py")


def make_executable(place: Place) -> None:
    (place.root / "shop" / "run.sh").write_text("#!/bin/sh\n")
    place.build()
    (place.root / "shop" / "run.sh").chmod(0o755)


def ignore_a_file(place: Place) -> None:
    write_files(place.root, {".gitignore": "api.py\n"})


def choose_another_architecture(place: Place) -> None:
    place.options["architecture"] = "arm64"


def choose_another_runtime(place: Place) -> None:
    place.options["runtime"] = "python3.12"


def choose_another_lock(place: Place) -> None:
    place.write_lock(BETA, name="pylock.other.toml")
    place.options["lock"] = place.root / "pylock.other.toml"


def remove_the_lock(place: Place) -> None:
    for lock in place.root.glob("pylock*.toml"):
        lock.unlink()
    place.options.pop("lock", None)


def put_another_package_there(place: Place) -> None:
    place.package.write_bytes(b"not what was built")


def put_another_package_there_in_secret(place: Place) -> None:
    data = place.package.read_bytes()
    with same_times(place.package):
        place.package.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def remove_the_package(place: Place) -> None:
    place.package.unlink()


def empty_the_store(place: Place) -> None:
    shutil.rmtree(place.store)


def remove_the_wheels(place: Place) -> None:
    shutil.rmtree(next(place.store.glob("files-v*")), ignore_errors=True)
    place.package.unlink()


def do_nothing(place: Place) -> None:
    pass


EDITS: list[Callable[[Place], None]] = [
    edit_lock,
    edit_settings,
    edit_settings_elsewhere,
    edit_source,
    edit_source_in_secret,
    edit_through_a_replaced_file,
    add_file,
    add_package_file_without_content,
    remove_file,
    rename_file,
    make_executable,
    ignore_a_file,
    choose_another_lock,
    remove_the_lock,
]
# These change nothing about what the package is to hold.
OTHERS: list[Callable[[Place], None]] = [
    edit_lock_back,
    choose_another_architecture,
    choose_another_runtime,
    put_another_package_there,
    put_another_package_there_in_secret,
    remove_the_package,
    empty_the_store,
    remove_the_wheels,
    do_nothing,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_is_in_the_next_package(place: Plain, edit: Callable[[Place], None]) -> None:
    first = place.build()
    assert place.build().changed is False
    edit(place)
    assert place.build().sha256 == place.truth() != first.sha256


@pytest.mark.parametrize("edit", OTHERS, ids=lambda edit: edit.__name__)
def test_whatever_else_happens_the_package_is_the_same(
    place: Plain, edit: Callable[[Place], None]
) -> None:
    first = place.build()
    edit(place)
    assert place.build().sha256 == place.truth() == first.sha256
    assert place.build().changed is False


def test_an_edit_of_a_path_dependency(tmp_path: Path, index: Index) -> None:
    place = Place(tmp_path, index)
    first = place.build()
    assert place.build().changed is False
    shared = tmp_path / "shared" / "shared.py"
    with same_times(shared):
        shared.write_text("S = 2\n")
    second = place.build()
    assert second.sha256 == place.truth() != first.sha256
    assert second.changed is True


def test_a_lock_that_appears_where_there_was_none(place: Plain) -> None:
    """Not one of the files that were read has changed."""
    (place.root / "pylock.toml").unlink()
    first = place.build()
    assert place.build().changed is False
    place.write_lock(BETA)
    assert place.build().sha256 == place.truth() != first.sha256


def test_a_second_lock_that_disagrees(place: Plain) -> None:
    place.build()
    write_files(place.root, {"poetry.lock": "", "pyproject.toml": PYPROJECT})
    with pytest.raises(wherry.WherryError, match=r"poetry\.lock"):
        place.build()


def test_a_lock_that_appears_above_the_project(tmp_path: Path, index: Index) -> None:
    """A folder that becomes a member of a workspace has its lock."""
    place = Plain(tmp_path / "apps", index)
    (place.root / "pylock.toml").unlink()
    place.build()
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[tool.uv.workspace]\nmembers = ["apps/*"]\n',
            "uv.lock": "version = 9\n",
        },
    )
    with pytest.raises(wherry.WherryError, match="unknown lock version"):
        place.build()


@settings(max_examples=12)
@given(edits=st.lists(st.sampled_from([*EDITS, *OTHERS]), min_size=2, max_size=6))
def test_any_sequence_of_edits(edits: list[Callable[[Place], None]]) -> None:
    with (
        serve_index([ALPHA, BETA]) as index,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        place = Plain(Path(folder), index)
        place.build()
        for edit in edits:
            try:
                edit(place)
            except (FileNotFoundError, StopIteration):
                continue  # An edit before it took away what it edits.
            assert place.build().sha256 == place.truth(), edit.__name__


# --- memos that are damaged ---


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda memo: memo[: len(memo) // 2],
    "noise": lambda memo: os.urandom(len(memo)),
    "nothing": lambda _: b"null",
    "a list": lambda _: b"[]",
    "an object": lambda _: b"{}",
    "other values": lambda _: json.dumps(
        {"files": None, "folders": [], "trees": 1, "acquired": "x", "packages": []}
    ).encode(),
    "a bit": lambda memo: memo[:-9] + bytes([memo[-9] ^ 4]) + memo[-8:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_memo_of_a_build(place: Plain, damage: str) -> None:
    first = place.build()
    [memo] = [path for path in place.store.glob("builds-v*/*") if path.name != "CACHEDIR.TAG"]
    memo.write_bytes(DAMAGES[damage](memo.read_bytes()))
    assert place.build().sha256 == first.sha256
    memo.write_bytes(DAMAGES[damage](memo.read_bytes()))
    place.package.unlink()
    assert place.build().sha256 == first.sha256


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "a bit"])
def test_damaged_memos_of_every_kind(tmp_path: Path, index: Index, damage: str) -> None:
    place = Place(tmp_path, index)
    first = place.build()
    memos = [
        path
        for path in place.store.glob("*-v*/*")
        if path.is_file()
        and path.name != "CACHEDIR.TAG"
        and not path.parent.name.startswith(("files", "environments"))
    ]
    assert len({path.parent for path in memos}) > 1
    for memo in memos:
        memo.write_bytes(DAMAGES[damage](memo.read_bytes()))
    place.package.unlink()
    assert place.build().sha256 == first.sha256


def test_the_names_that_decide(tmp_path: Path) -> None:
    names = ["uv.lock", "pylock.api.toml", "requirements-dev.txt", "Pipfile", "setup.cfg"]
    write_files(tmp_path, dict.fromkeys([*names, "a.lock", "notes.txt", "pylock.toml.bak"], ""))
    assert lock_names(tmp_path) == sorted(names)
    assert lock_names(tmp_path / "none") == []
