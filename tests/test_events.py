"""S11: the whole of it from Python: one call, and a reporter that hears what happens."""

from __future__ import annotations

import subprocess
import sys
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

import wherry
from support.backends import obedient_project
from support.index import serve_index
from support.projects import make_project, write_files
from support.reporters import Heard
from support.wheels import Made, make_wheel
from wherry.events import (
    SILENT,
    BuildFinished,
    BuildStarted,
    DownloadAdvanced,
    DownloadFinished,
    DownloadStarted,
    Event,
    LockRead,
    Note,
    Warned,
)
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.index import Index

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
BETA = make_wheel("beta", "2.0")


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index([ALPHA, BETA]) as served:
        yield served


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    return make_project(tmp_path / "shop", index, [ALPHA, BETA])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_one_call_builds(project: Path, store: Store) -> None:
    report = wherry.build(project, runtime="python3.13", architecture="arm64", store=store)
    [package] = report.packages
    assert str(report.target) == "python3.13-arm64"
    assert package.path == project / "dist" / "lambda" / "shop.zip"
    assert package.changed
    assert [one.name for one in package.distributions] == ["alpha", "beta", "shop"]
    assert zipfile.is_zipfile(package.path)
    assert isinstance(report, wherry.BuildReport)
    assert isinstance(package, wherry.PackageReport)
    with pytest.raises(AttributeError):
        package.changed = False  # type: ignore[misc]
    again = wherry.build(str(project), runtime="python3.13", architecture="arm64", store=store)
    assert again.packages[0].changed is False
    assert {**again.document()["packages"][0], "changed": True} == report.document()["packages"][0]


def test_its_errors_are_of_one_family(tmp_path: Path, store: Store) -> None:
    with pytest.raises(wherry.WherryError) as caught:
        wherry.build(tmp_path / "none", store=store)
    error = caught.value
    assert error.message == f"`{tmp_path / 'none'}` is not a folder"
    assert str(error) == f"{error.message}\nhint: {error.hint}"


def test_what_a_reporter_hears(project: Path, store: Store) -> None:
    heard = Heard()
    wherry.build(project, runtime="python3.13", store=store, reporter=heard)
    first, second, *downloads = heard.events
    assert first == Note(text="building for python3.13-x86_64: as asked")
    assert isinstance(second, LockRead)
    assert (second.path, second.packages, second.locked) == (project / "pylock.toml", 2, True)
    assert second.seconds > 0
    for made in (ALPHA, BETA):
        own = [event for event in downloads if getattr(event, "filename", "") == made.filename]
        assert own[0] == DownloadStarted(filename=made.filename, size=len(made.data))
        assert own[-1] == DownloadFinished(filename=made.filename, size=len(made.data))
        received = [event.received for event in own[1:-1] if isinstance(event, DownloadAdvanced)]
        assert len(received) == len(own) - 2
        assert sum(received) == len(made.data)
    # The second time there is nothing to tell but what it is for.
    again = Heard()
    wherry.build(project, runtime="python3.13", store=store, reporter=again)
    assert again.events == [first]


def test_builds_and_warnings_are_heard(tmp_path: Path, index: Index, store: Store) -> None:
    index.add(Made(filename=ALPHA.filename, data=ALPHA.data, yanked=""))
    root = obedient_project(tmp_path / "shop", files={"shop.py": b""})
    write_files(
        root,
        {
            "pylock.toml": (
                'lock-version = "1.0"\ncreated-by = "tests"\n'
                '[[packages]]\nname = "alpha"\nversion = "1.2"\n'
                f'[[packages.wheels]]\nname = "{ALPHA.filename}"\n'
                f'url = "index+{index.simple}alpha/{ALPHA.filename}"\n'
                f'hashes = {{sha256 = "{ALPHA.sha256}"}}\n'
            )
        },
    )
    heard = Heard()
    wherry.build(root, runtime="python3.13", store=store, reporter=heard)
    warnings = [event for event in heard.events if isinstance(event, Warned)]
    assert warnings == [
        Warned(
            text=f"`{ALPHA.filename}` was yanked from the index",
            hint="lock again to get another version",
        )
    ]
    builds = [event for event in heard.events if isinstance(event, BuildStarted | BuildFinished)]
    assert [event.name for event in builds] == ["shop", "shop"]
    assert isinstance(builds[0], BuildStarted)
    assert isinstance(builds[1], BuildFinished)
    assert builds[1].seconds > 0


def test_events_come_from_several_threads(tmp_path: Path, index: Index, store: Store) -> None:
    """A reporter is called where the work is done, and by nobody when the build has ended."""
    many = [make_wheel(f"dist{number}") for number in range(12)]
    index.add(*many)
    root = make_project(tmp_path / "shop", index, many)
    threads = set()

    class Watching(Heard):
        def emit(self, event: Event) -> None:
            threads.add(threading.current_thread().name)
            super().emit(event)

    heard = Watching()
    wherry.build(root, runtime="python3.13", store=store, reporter=heard)
    count = len(heard.events)
    assert len(threads) > 1
    assert sum(isinstance(event, DownloadFinished) for event in heard.events) == 12
    assert len(heard.events) == count


def test_nobody_listens_by_default(
    project: Path, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    wherry.build(project, runtime="python3.13", store=store)
    SILENT.emit(Note(text="nobody hears this"))
    assert capfd.readouterr() == ("", "")


def test_events_cannot_be_changed() -> None:
    event = Note(text="one")
    with pytest.raises(AttributeError):
        event.text = "two"  # type: ignore[misc]
    assert event == Note(text="one")


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, wherry; assert callable(wherry.build);"
        "print([name for name in ('requests', 'rich', 'click', 'tomllib', 'subprocess')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
