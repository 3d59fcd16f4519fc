from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.backends import HATCHLING, installed_wheel
from support.reporters import Heard
from wherry.store import Store
from wherry.target import RUNTIMES, Architecture, Target

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def target() -> Target:
    return Target(runtime=RUNTIMES["python3.13"], architecture=Architecture.ARM64)


@pytest.fixture(scope="session")
def links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of hatchling and all it needs."""
    folder = tmp_path_factory.mktemp("links")
    for name in HATCHLING:
        installed_wheel(name).write(folder)
    return folder


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build environments, which all tests share."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def store(
    tmp_path: Path,
    environments: Path,
    links: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Store:
    """An empty store, but for build environments. Requirements come from the links alone."""
    if request.node.get_closest_marker("real") is None:
        monkeypatch.setenv("UV_FIND_LINKS", str(links))
        monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    root = tmp_path / "store"
    root.mkdir()
    (root / "environments-v1").symlink_to(environments, target_is_directory=True)
    return Store(root)


@pytest.fixture
def no_other_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has no other Python than the one that runs the tests."""
    for name in ("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))


@pytest.fixture
def heard() -> Heard:
    return Heard()
