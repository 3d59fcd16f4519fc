from __future__ import annotations

import json
import stat
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.backends import obedient_project
from support.contexts import context
from support.projects import write_files
from wherry.bundle.content import read_all
from wherry.errors import BuildError, WherryError
from wherry.files import ProjectFiles
from wherry.sources.declaration import read_declaration
from wherry.sources.environment import Environment
from wherry.sources.hooks import Outcome, call_backend
from wherry.sources.project import TreeOptions, project_bundle

if TYPE_CHECKING:
    from wherry.store import Store
    from wherry.target import Target


def failure(root: Path, target: Target, store: Store) -> BuildError:
    with pytest.raises(BuildError) as caught:
        project_bundle(root, TreeOptions(), context(store, target=target))
    return caught.value


def test_a_failing_backend_says_what_it_said(tmp_path: Path, target: Target, store: Store) -> None:
    """A8: a password in what it said is in neither the error nor the log."""
    said = "\n".join([*(f"line {number}" for number in range(50)), "from https://me:secret@host/x"])
    root = obedient_project(tmp_path / "shop", files={}, say=said, fail=3)
    error = failure(root, target, store)
    assert error.message == "`shop` could not be built"
    assert error.where[0] == "`obedient` failed with status 3"
    assert error.where[-1] == "from https://****@host/x"
    assert "line 49" in error.where
    assert "line 1" not in error.where
    assert error.hint is not None
    log = Path(error.hint.split("`")[1])
    assert "line 1\n" in log.read_text()
    assert "secret" not in log.read_text()


@pytest.mark.parametrize(
    ("backend", "cause"),
    [
        ("raise ImportError('no such thing')", "cannot be imported"),
        ("", "has no attribute 'build_wheel'"),
        (
            "def build_wheel(*args, **more): raise ValueError('no licence')",
            "ValueError: no licence",
        ),
        ("def build_wheel(*args, **more): return 'none.whl'", "made no wheel but 'none.whl'"),
        ("def build_wheel(*args, **more): return '../x.whl'", "made no wheel but '../x.whl'"),
        ("def build_wheel(*args, **more): return None", "made no wheel but None"),
        ("import os\ndef build_wheel(*args, **more): os._exit(0)", "ended without an answer"),
        ("def get_requires_for_build_wheel(*args): return ['no such @@']", "cannot be installed"),
    ],
)
def test_a_broken_backend_is_one_clear_error(
    backend: str, cause: str, tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    error = failure(root, target, store)
    assert cause in str(error)
    assert not any("Traceback" in line or line.startswith(" ") for line in error.where)


def test_a_backend_path_that_leaves_the_project(
    tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(tmp_path / "shop", files={})
    text = (root / "pyproject.toml").read_text().replace('["."]', '[".."]')
    write_files(root, {"pyproject.toml": text})
    assert "is not inside the source tree" in str(failure(root, target, store))


def test_a_wheel_that_is_none(tmp_path: Path, target: Target, store: Store) -> None:
    backend = (
        "import pathlib\n"
        "def build_wheel(folder, *args, **more):\n"
        "    pathlib.Path(folder, 'shop-1.0-py3-none-any.whl').write_bytes(b'no zip')\n"
        "    return 'shop-1.0-py3-none-any.whl'\n"
    )
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    with pytest.raises(WherryError, match="shop-1.0-py3-none-any.whl"):
        project_bundle(root, TreeOptions(), context(store, target=target))


def test_the_backend_sees_a_fixed_world(
    tmp_path: Path, target: Target, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S7: clock, locale, time zone, hash seed and the user's own packages have no say."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    backend = (
        "import os, sys, zipfile, pathlib\n"
        "def build_wheel(folder, *args, **more):\n"
        "    kept = ['SOURCE_DATE_EPOCH', 'TZ', 'LC_ALL', 'PYTHONHASHSEED', 'PYTHONPATH', 'VIRTUAL_ENV']\n"
        "    seen = repr([os.environ.get(name) for name in kept]) + oct(os.umask(0))\n"
        "    with zipfile.ZipFile(pathlib.Path(folder, 'shop-1-py3-none-any.whl'), 'w') as wheel:\n"
        "        wheel.writestr('seen.txt', seen)\n"
        "        wheel.writestr('shop-1.dist-info/METADATA', 'Name: shop\\nVersion: 1')\n"
        "        wheel.writestr('shop-1.dist-info/WHEEL', 'Wheel-Version: 1.0')\n"
        "    return 'shop-1-py3-none-any.whl'\n"
    )
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    built = project_bundle(root, TreeOptions(), context(store, target=target))
    seen = {entry.path: read_all(entry.payload) for entry in built.bundle}["seen.txt"].decode()
    assert seen == "['315532800', 'UTC', 'C.UTF-8', '0', None, None]0o22"


@pytest.mark.parametrize("end", ["raise SystemExit(3)", "raise ValueError('no')"])
def test_output_of_any_size_is_kept_in_part(
    end: str, tmp_path: Path, target: Target, store: Store
) -> None:
    backend = (
        "import os\n"
        "def build_wheel(*args, **more):\n"
        "    os.write(1, b'begin\\n')\n"
        "    for _ in range(200): os.write(1, b'x' * 1000 + b'\\n' + b'y' * 999_000)\n"
        f"    os.write(1, b'\\nlast\\n')\n    {end}\n"
    )
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    tracemalloc.start()
    error = failure(root, target, store)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
    assert "last" in error.where
    assert max(map(len, error.where)) < 10_000
    assert error.hint is not None
    log = Path(error.hint.split("`")[1])
    assert log.stat().st_size < 10_000_000
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    text = log.read_text()
    assert text.startswith("begin\n")
    assert "bytes were left out here" in text


@pytest.mark.parametrize("character", ["\x1b", "\r", "\x07", "\x9b", "\u202e", "\x08"])
def test_control_characters_are_shown(
    character: str, tmp_path: Path, target: Target, store: Store
) -> None:
    root = obedient_project(
        tmp_path / "shop", files={}, say=f"a{character}[2Jb\tdone", fail=3, sources={}
    )
    error = failure(root, target, store)
    assert character not in str(error)
    if character != "\r":
        escaped = character.encode("unicode_escape").decode()
        assert f"a{escaped}[2Jb\tdone" in error.where


def test_a_backend_that_does_not_end_is_ended_with_its_children(
    tmp_path: Path, target: Target, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = (
        "import subprocess, time\n"
        "def build_wheel(*args, **more):\n"
        f"    child = subprocess.Popen(['sleep', '300'])\n"
        f"    open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "    print('working', flush=True)\n"
        "    time.sleep(300)\n"
    )
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    monkeypatch.setenv("WHERRY_BUILD_TIMEOUT", "2")
    error = failure(root, target, store)
    assert error.where == ("`obedient` was ended after 2 seconds", "working")
    assert error.hint is not None
    assert error.hint.startswith("set `WHERRY_BUILD_TIMEOUT` to more seconds\n")
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        place = Path(f"/proc/{child}/stat")
        if not place.exists() or place.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("its child runs on")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("'[' * 200_000", "ended without an answer"),
        ("'[]'", "ended without an answer"),
        ("'{\"requires\": 7}'", "returned no list"),
        ("'{}'", "ended without an answer"),
        ("'{\"filename\": \"' + 'x' * 5000 + '.whl\"}'", "made no wheel but"),
        ('\'{"filename": "a\\\\u0000b.whl"}\'', "made no wheel but"),
    ],
)
def test_an_answer_that_the_backend_wrote_itself(
    answer: str, cause: str, tmp_path: Path, target: Target, store: Store
) -> None:
    backend = (
        "import json, os, sys\n"
        "def build_wheel(*args, **more):\n"
        f"    open(json.loads(sys.argv[1])['answer'], 'w').write({answer})\n"
        "    os._exit(0)\n"
    )
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    assert cause in str(failure(root, target, store))


@pytest.mark.parametrize("requires", ["7", "'setuptools'", "None", "{'a': 1}"])
def test_requirements_that_are_no_list(
    requires: str, tmp_path: Path, target: Target, store: Store
) -> None:
    backend = f"def get_requires_for_build_wheel(*args): return {requires}\n"
    root = obedient_project(tmp_path / "shop", files={}, sources={"obedient.py": backend})
    assert "get_requires_for_build_wheel returned no list" in str(failure(root, target, store))


SETUPTOOLS = """\
[build-system]
requires = ["{requires}"]
build-backend = "setuptools.build_meta"
[project]
name = "shop"
version = "1.0"
"""


@pytest.mark.real
@pytest.mark.parametrize("requires", ["setuptools", "setuptools==62.6.0"])
def test_what_setuptools_left_behind_never_ships(
    requires: str, tmp_path: Path, target: Target, store: Store
) -> None:
    """A5: a deleted module does not come back out of an old `build/lib`."""
    root = write_files(
        tmp_path / "shop",
        {
            "pyproject.toml": SETUPTOOLS.format(requires=requires),
            "src/shop/__init__.py": "",
            "src/shop/web.py": "",
            "build/lib/shop/deleted.py": "",
            "build/lib/shop/web.py": "stale",
            "src/shop.egg-info/SOURCES.txt": "src/shop/deleted.py",
        },
    )
    before = sorted(root.rglob("*"))
    built = project_bundle(root, TreeOptions(), context(store, target=target))
    files = {entry.path: read_all(entry.payload) for entry in built.bundle}
    assert files["shop/web.py"] == b""
    assert "shop/deleted.py" not in files
    assert sorted(root.rglob("*")) == before
    (root / "src/shop/web.py").unlink()
    again = project_bundle(root, TreeOptions(), context(store, target=target))
    assert "shop/web.py" not in [entry.path for entry in again.bundle]


@pytest.mark.real
def test_a_project_that_is_setup_py_alone(tmp_path: Path, target: Target, store: Store) -> None:
    root = write_files(
        tmp_path / "old",
        {
            "setup.py": "import old\nfrom setuptools import setup\nsetup(name='old', version=old.V, py_modules=['old'])\n",
            "old.py": "V = '3.1'\n",
        },
    )
    built = project_bundle(root, TreeOptions(must_build=True), context(store, target=target))
    assert (built.name, built.version) == ("old", "3.1")
    assert "old.py" in [entry.path for entry in built.bundle]
    assert sorted(path.name for path in root.iterdir()) == ["old.py", "setup.py"]


@pytest.mark.real
def test_a_poetry_project_with_a_path_dependency(
    tmp_path: Path, target: Target, store: Store
) -> None:
    """B3: poetry-core writes the neighbour's absolute path into the metadata."""
    pyproject = (
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
        '[tool.poetry]\nname = "shop"\nversion = "1.0"\ndescription = ""\nauthors = []\n'
        '[tool.poetry.dependencies]\npython = "^3.9"\n'
        'shared = {path = "../shared", develop = true}\n'
    )
    base = tmp_path / "UNIQUE-MARKER"
    write_files(base / "shared", {"pyproject.toml": pyproject.replace("shop", "shared")})
    root = write_files(base / "shop", {"pyproject.toml": pyproject, "shop/__init__.py": ""})
    built = project_bundle(root, TreeOptions(), context(store, target=target))
    files = {entry.path: read_all(entry.payload) for entry in built.bundle}
    assert not [path for path, content in files.items() if b"UNIQUE-MARKER" in content]
    assert b"Requires-Dist: shared\n" in files["shop-1.0.dist-info/METADATA"]


BACKEND = """\
import json, os, pathlib, sys, zipfile
state = []
def get_requires_for_build_wheel(settings=None):
    state.append("asked")
    return {requires}
def build_wheel(folder, *args):
    try:
        import pytest
        found = True
    except ImportError:
        found = False
    told = [state, found, os.environ["PATH"].split(os.pathsep)[0]]
    pathlib.Path(folder, "x.whl").write_text(json.dumps(told))
    return "x.whl"
"""


def called(tmp_path: Path, store: Store, *, requires: list[str], ask: bool = True) -> Outcome:
    folder = write_files(tmp_path / "modules", {"some.py": BACKEND.format(requires=requires)})
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "some"\n'
    root = write_files(tmp_path / "shop", {"pyproject.toml": pyproject})
    declaration = read_declaration(root, ProjectFiles())
    environment = Environment(folder=folder, virtual=False, identity="", installed={})
    with call_backend(declaration, environment, store, ask=ask) as outcome:
        if outcome.wheel is None:
            return outcome
        state, found, scripts = json.loads(outcome.wheel.read_text())
        assert not found, "modules beside Wherry are not seen"
        assert scripts == str(folder / "bin")
        assert state == [], "each hook is called in a process of its own"
        return outcome


def test_a_wheel_is_made_at_once_where_nothing_more_is_asked_for(
    tmp_path: Path, store: Store
) -> None:
    assert called(tmp_path, store, requires=[]).wheel is not None


def test_requirements_that_are_asked_for_come_first(tmp_path: Path, store: Store) -> None:
    assert called(tmp_path, store, requires=["ninja"]).requires == ("ninja",)
    assert called(tmp_path, store, requires=["ninja"], ask=False).wheel is not None
