"""Settings that all tests share."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import is_hypothesis_test, settings

from support.command import Wherry
from support.index import serve_index
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from support.index import Index

# A busy machine is no failure, so no example has to end in time. `WHERRY_EXAMPLES` asks for a longer search.
settings.register_profile(
    "wherry", deadline=None, max_examples=int(os.environ.get("WHERRY_EXAMPLES", "40"))
)
settings.load_profile("wherry")

# A shell in the background, and `nohup`, let the children ignore signals that some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# There is no garbage until the first test runs, and what is there by then stays.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but not through tests and modules."""
    gc.enable()
    gc.freeze()


@pytest.fixture
def index() -> Iterator[Index]:
    """An index on loopback, still empty."""
    with serve_index() as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def wherry(tmp_path: Path) -> Wherry:
    """The command, called in the folder `shop`."""
    project = tmp_path / "shop"
    project.mkdir()
    return Wherry(store=tmp_path / "store", cwd=project)


# What takes long begins first, so that no worker is left alone with it at the end.
SLOW = (
    "aws/test_faults.py",
    "house/test_docs.py",
    "real/test_check.py",
    "real/test_check_projects.py",
    "real/test_deploy.py",
    "real/test_from_cdk.py",
    "real/test_containers.py",
    "sources/installed/test_folder.py",
    "cli/test_private_index.py",
    "pipeline/test_same_bytes.py",
    "aws/test_drover.py",
    "aws/test_apply.py",
    "aws/test_deploy.py",
    "cli/test_bad_input.py",
    "cli/test_changed_locks.py",
    "cli/test_leaks.py",
)

TESTS = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no test of the folder whose tests are all left out, where nobody named it."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    left_out = everything and config.option.markexpr == "not real"
    return True if left_out and collection_path == TESTS / "real" else None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let every other worker begin with the last file, so that one finds compiled what the other has compiled."""
    report = yield
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    if isinstance(collector, pytest.Dir) and worker % 2:
        report.result.reverse()
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the property tests, and put the slow files in front of the others, which are in order of their paths."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")
    places = {TESTS / name: place for place, name in enumerate(SLOW)}
    assert all(path.is_file() for path in places)
    items.sort(key=lambda item: (places.get(item.path, len(SLOW)), item.path))
