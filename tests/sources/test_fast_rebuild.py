"""The law of the fast path: it gives what the backend would have given."""

from __future__ import annotations

import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.contexts import context
from support.projects import write_files
from support.reporters import Heard
from wherry.bundle.content import read_all
from wherry.errors import BuildError, OutputError
from wherry.sources.project import Built, TreeOptions, project_bundle, project_digest
from wherry.store import Store
from wherry.target import RUNTIMES, Architecture, Target

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    Steps = list[tuple[str, str, str]]

TARGET = Target(runtime=RUNTIMES["python3.12"], architecture=Architecture.X86_64)

PROJECT: dict[str, Any] = {
    "name": "shop",
    "version": "1.0",
    "description": "A shop",
    "readme": "README.md",
    "requires-python": ">=3.9",
}

BACKENDS: dict[str, dict[str, Any]] = {
    "hatchling": {
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "project": PROJECT,
    },
    "hatchling, dynamic": {
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "project": {key: value for key, value in PROJECT.items() if key != "version"}
        | {"dynamic": ["version"]},
        "tool": {"hatch": {"version": {"path": "src/shop/__init__.py"}}},
    },
    "setuptools": {
        "build-system": {"requires": ["setuptools"], "build-backend": "setuptools.build_meta"},
        "project": PROJECT,
    },
    "setuptools, dynamic": {
        "build-system": {"requires": ["setuptools"], "build-backend": "setuptools.build_meta"},
        "project": {key: value for key, value in PROJECT.items() if key != "version"}
        | {"dynamic": ["version"]},
        "tool": {
            "setuptools": {
                "dynamic": {"version": {"attr": "shop.__version__"}},
                "package-data": {"shop": ["**/*.txt", "*.md"]},
            }
        },
    },
    "poetry-core": {
        "build-system": {
            "requires": ["poetry-core"],
            "build-backend": "poetry.core.masonry.api",
        },
        "project": PROJECT,
        "tool": {"poetry": {"packages": [{"include": "shop", "from": "src"}]}},
    },
    "flit_core": {
        "build-system": {"requires": ["flit_core"], "build-backend": "flit_core.buildapi"},
        "project": PROJECT,
    },
    "flit_core, dynamic": {
        "build-system": {"requires": ["flit_core"], "build-backend": "flit_core.buildapi"},
        "project": {
            key: value for key, value in PROJECT.items() if key not in {"version", "description"}
        }
        | {"dynamic": ["version", "description"]},
    },
    "uv_build": {
        "build-system": {"requires": ["uv_build"], "build-backend": "uv_build"},
        "project": PROJECT,
    },
    "pdm-backend": {
        "build-system": {"requires": ["pdm-backend"], "build-backend": "pdm.backend"},
        "project": PROJECT,
    },
}
REAL = [pytest.param(name, marks=pytest.mark.real) for name in BACKENDS if "hatch" not in name]
HERMETIC = [name for name in BACKENDS if "hatch" in name]
FIRST = '"""A shop."""\n\n__version__ = "1.0"\n'

INITIAL = {
    "README.md": "# Shop\n",
    "LICENSE": "MIT\n",
    ".gitignore": "*.log\n",
    "src/shop/__init__.py": FIRST,
    "src/shop/web.py": "app = 1\n",
    "src/shop/data.txt": "data\n",
    "src/shop/README.md": "inner\n",
    "src/shop/deep/__init__.py": "",
    "src/shop/deep/same.py": "",
    "tests/test_shop.py": "",
}

contents = st.sampled_from(["", "A = 1\n", "B = 2\n", '"""Doc."""\n__version__ = "2.0"\n', "é\n"])
files = st.sampled_from(
    [
        *INITIAL,
        "src/shop/new.py",
        "src/shop/deep/new.txt",
        "src/shop/ignored.log",
        "src/shop/LICENSE",
        "src/other/__init__.py",
        "shop/web.py",
        "build/lib/shop/stale.py",
        "src/shop.egg-info/SOURCES.txt",
    ]
)
KEPT = {"README.md", "src/shop/__init__.py"}
edits = st.tuples(st.just("write"), files, contents)
removals = st.tuples(st.just("remove"), files.filter(lambda path: path not in KEPT), st.just(""))
renames = st.tuples(
    st.just("rename"),
    files.filter(lambda path: path not in KEPT),
    st.sampled_from(["src/shop/renamed.py", "src/shop/deep/web.py", "notes.txt"]),
)
modes = st.tuples(st.just("mode"), files, st.sampled_from(["755", "644"]))
steps = st.lists(edits | edits | edits | removals | renames | modes, min_size=1, max_size=4)


def change(root: Path, action: str, path: str, detail: str) -> None:
    place = root / path
    if action == "write":
        # The module that metadata is read from must go on having it.
        lead = FIRST if path == "src/shop/__init__.py" else ""
        write_files(root, {path: lead + detail})
    elif not place.is_file():
        return
    elif action == "remove":
        place.unlink()
    elif action == "rename":
        (root / detail).parent.mkdir(parents=True, exist_ok=True)
        place.rename(root / detail)
    else:
        place.chmod(int(detail, 8))


def files_of(built: Built) -> dict[str, tuple[bool, bytes]]:
    return {entry.path: (entry.executable, read_all(entry.payload)) for entry in built.bundle}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Store]:
    """One store that learns, and one that is made to forget, with the same build environments."""
    root = tmp_path_factory.mktemp("stores")
    (root / "environments").mkdir()
    for name in ("learning", "forgetful"):
        (root / name).mkdir()
        (root / name / "environments-v1").symlink_to(root / "environments")
    return Store(root / "learning"), Store(root / "forgetful")


@pytest.fixture(autouse=True)
def hermetic(request: pytest.FixtureRequest, links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("real") is None:
        monkeypatch.setenv("UV_FIND_LINKS", str(links))
        monkeypatch.setenv("UV_OFFLINE", "1")


def pyproject(backend: str) -> str:
    return tomli_w.dumps(BACKENDS[backend])


def forget(store: Store) -> None:
    for kind in ("project-wheels-v1", "layouts-v1"):
        shutil.rmtree(store.root / kind, ignore_errors=True)


def check_law(root: Path, stores: tuple[Store, Store]) -> int:
    """That the learning store gives what a real build gives; how many builds it took."""
    heard = Heard()
    learning, forgetful = stores
    forget(forgetful)
    try:
        real = project_bundle(root, TreeOptions(), context(forgetful, target=TARGET))
    except BuildError:
        # Flit, for one, refuses two folders of the package's name.
        with pytest.raises(BuildError):
            project_bundle(root, TreeOptions(), context(learning, target=TARGET))
        return 1
    quick = project_bundle(root, TreeOptions(), context(learning, target=TARGET, reporter=heard))
    assert files_of(quick) == files_of(real)
    assert quick.digest == project_digest(root, TreeOptions(), context(learning))
    return heard.builds


@pytest.mark.parametrize("backend", [*HERMETIC, *REAL])
def test_an_edit_of_a_copied_file_starts_no_backend(
    backend: str, tmp_path: Path, stores: tuple[Store, Store]
) -> None:
    root = write_files(tmp_path, {**INITIAL, "pyproject.toml": pyproject(backend)})
    assert check_law(root, stores) == 1
    for content in ("app = 2\n", "app = 3\n", "", "app = 1\n"):
        write_files(root, {"src/shop/web.py": content})
        assert check_law(root, stores) == 0


def follow(root: Path, backend: str, stores: tuple[Store, Store], history: Steps) -> None:
    write_files(root, {**INITIAL, "pyproject.toml": pyproject(backend)})
    check_law(root, stores)
    for action, path, detail in history:
        change(root, action, path, detail)
        check_law(root, stores)


unhurried = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@settings(unhurried, max_examples=2)
@given(history=steps)
def test_the_fast_path_gives_what_the_backend_gives(
    tmp_path_factory: pytest.TempPathFactory, stores: tuple[Store, Store], history: Steps
) -> None:
    follow(tmp_path_factory.mktemp("shop"), "hatchling", stores, history)


@pytest.mark.real
@pytest.mark.parametrize("backend", BACKENDS)
@settings(unhurried, max_examples=12)
@given(history=steps)
def test_the_fast_path_gives_what_any_backend_gives(
    backend: str,
    tmp_path_factory: pytest.TempPathFactory,
    stores: tuple[Store, Store],
    history: Steps,
) -> None:
    follow(tmp_path_factory.mktemp("shop"), backend, stores, history)


def with_hatch(**tables: Any) -> str:
    document: dict[str, Any] = tomllib.loads(pyproject("hatchling"))
    return tomli_w.dumps(document | {"tool": {"hatch": {"build": tables}}})


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (
            with_hatch(targets={"wheel": {"force-include": {"src/shop/web.py": "shop/again.py"}}}),
            {},
        ),
        (with_hatch(targets={"wheel": {"sources": {"src": "", "lib": "shop"}}}), {}),
        (
            with_hatch(),
            {
                "copy/shop/web.py": "app = 1\n",
                **{
                    f"copy/{path.removeprefix('src/')}": content
                    for path, content in INITIAL.items()
                    if path.startswith("src/")
                },
            },
        ),
    ],
    ids=["a file twice", "a renamed folder", "two places that a file can come from"],
)
def test_what_is_not_certain_is_built(
    text: str, more: dict[str, str], tmp_path: Path, stores: tuple[Store, Store]
) -> None:
    root = write_files(tmp_path, {**INITIAL, **more, "pyproject.toml": text})
    assert check_law(root, stores) == 1
    write_files(root, {"src/shop/web.py": "app = 2\n"})
    assert check_law(root, stores) == 1


@pytest.mark.parametrize(
    "path", ["README.md", "LICENSE", "src/shop/README.md", "tests/test_shop.py"]
)
def test_what_metadata_may_be_made_of_is_built(
    path: str, tmp_path: Path, stores: tuple[Store, Store]
) -> None:
    root = write_files(tmp_path, {**INITIAL, "pyproject.toml": pyproject("hatchling")})
    check_law(root, stores)
    write_files(root, {path: "another\n"})
    assert check_law(root, stores) == 1


def test_a_readme_among_the_sources_is_metadata_too(
    tmp_path: Path, stores: tuple[Store, Store]
) -> None:
    text = pyproject("hatchling").replace('"README.md"', '"src/shop/about.md"')
    root = write_files(tmp_path, {**INITIAL, "src/shop/about.md": "one\n", "pyproject.toml": text})
    check_law(root, stores)
    write_files(root, {"src/shop/about.md": "two\n"})
    assert check_law(root, stores) == 1


def test_a_file_that_changes_after_the_bundle_was_made_is_noticed(
    tmp_path: Path, stores: tuple[Store, Store]
) -> None:
    root = write_files(tmp_path, {**INITIAL, "pyproject.toml": pyproject("hatchling")})
    check_law(root, stores)
    write_files(root, {"src/shop/web.py": "app = 4\n"})
    built = project_bundle(root, TreeOptions(), context(stores[0], target=TARGET))
    write_files(root, {"src/shop/web.py": "app = 5\n"})
    with pytest.raises(OutputError, match="changed while it was being packaged"):
        files_of(built)
