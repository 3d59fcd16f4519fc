from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from support.backends import obedient_project
from support.contexts import context
from support.projects import TINY_BACKEND, write_files
from wherry.bundle.content import read_all
from wherry.errors import ArchiveError, BuildError, ProjectError, SettingsError
from wherry.events import BuildStarted
from wherry.sources.project import Built, TreeOptions, project_bundle, project_digest

if TYPE_CHECKING:
    from pathlib import Path

    from support.reporters import Heard
    from wherry.events import Event
    from wherry.store import Store
    from wherry.target import Target

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "The.Shop"
version = "1.0"
readme = "README.md"
dependencies = ["click", "shared @ file:///somewhere/else/shared ; python_version > '3'"]

[project.scripts]
shop = "shop:main"

[tool.hatch.metadata]
allow-direct-references = true

[tool.hatch.build.targets.wheel]
packages = ["src/shop"]
"""


def make_shop(root: Path, **more: str) -> Path:
    return write_files(
        root,
        {
            "pyproject.toml": PYPROJECT,
            "README.md": "# The shop\n\nRequires-Dist: text @ file:///stays/in/a/readme\n",
            "src/shop/__init__.py": "def main(): ...\n",
            "src/shop/web.py": "app = 1\n",
            "src/shop/static/site.css": "a {}\n",
            "tests/test_shop.py": "",
            **more,
        },
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop")


def contents(built: Built) -> dict[str, bytes]:
    return {entry.path: read_all(entry.payload) for entry in built.bundle}


def test_a_project_with_a_build_system_is_its_wheel(
    shop: Path, target: Target, store: Store, heard: Heard
) -> None:
    built = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert (built.name, built.version) == ("the-shop", "1.0")
    assert {entry.owner for entry in built.bundle} == {"the-shop"}
    assert list(contents(built)) == [
        "shop/__init__.py",
        "shop/static/site.css",
        "shop/web.py",
        "the_shop-1.0.dist-info/METADATA",
        "the_shop-1.0.dist-info/RECORD",
        "the_shop-1.0.dist-info/WHEEL",
        "the_shop-1.0.dist-info/entry_points.txt",
    ]
    assert contents(built)["shop/web.py"] == b"app = 1\n"
    assert [type(event).__name__ for event in heard.events] == ["BuildStarted", "BuildFinished"]


def test_the_record_tells_what_is_installed(shop: Path, target: Target, store: Store) -> None:
    built = project_bundle(shop, TreeOptions(exclude=("*.css",)), context(store, target=target))
    files = contents(built)
    record = files["the_shop-1.0.dist-info/RECORD"].decode()
    rows = list(csv.reader(record.splitlines()))
    assert [row[0] for row in rows] == sorted(files)
    for path, digest, size in rows:
        if path.endswith("RECORD"):
            assert (digest, size) == ("", "")
            continue
        expected = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).decode()
        assert (digest, size) == (f"sha256={expected.rstrip('=')}", str(len(files[path])))


def test_nothing_written_tells_where_or_by_what_it_was_built(
    tmp_path: Path, target: Target, store: Store
) -> None:
    """B3, D6: no path of the building machine; nor the version of the backend of the day."""
    shop = make_shop(tmp_path / "UNIQUE-MARKER/shop")
    built = project_bundle(shop, TreeOptions(), context(store, target=target))
    for path, content in contents(built).items():
        assert b"UNIQUE-MARKER" not in content, path
    metadata = contents(built)["the_shop-1.0.dist-info/METADATA"].decode()
    assert "Requires-Dist: shared ; python_version > '3'" in metadata
    assert "Requires-Dist: click\n" in metadata
    assert "text @ file:///stays/in/a/readme" in metadata
    wheel = contents(built)["the_shop-1.0.dist-info/WHEEL"].decode()
    assert "Generator: wherry\n" in wheel
    assert "hatchling" not in wheel


def test_two_checkouts_are_one_bundle(
    tmp_path: Path,
    target: Target,
    store: Store,
    environments: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S7, D6: another path, umask, time zone and order of files; another store."""
    from wherry.store import Store as AnyStore

    one = project_bundle(make_shop(tmp_path / "one"), TreeOptions(), context(store, target=target))
    other_store = AnyStore(tmp_path / "other-store")
    other_store.root.mkdir()
    (other_store.root / "environments-v1").symlink_to(environments, target_is_directory=True)
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("LC_ALL", "C")
    before = os.umask(0o077)
    try:
        root = tmp_path / "a much longer path/other"
        for path in sorted((tmp_path / "one").rglob("*"), reverse=True):
            if path.is_file():
                write_files(
                    root, {path.relative_to(tmp_path / "one").as_posix(): path.read_bytes()}
                )
        other = project_bundle(root, TreeOptions(), context(other_store, target=target))
    finally:
        os.umask(before)
    assert contents(one) == contents(other)
    assert [e.executable for e in one.bundle] == [e.executable for e in other.bundle]


def test_nothing_is_written_in_the_source_tree(shop: Path, target: Target, store: Store) -> None:
    before = sorted(shop.rglob("*"))
    project_bundle(shop, TreeOptions(), context(store, target=target))
    assert sorted(shop.rglob("*")) == before


def test_an_unchanged_project_is_not_built_again(
    shop: Path, target: Target, store: Store, heard: Heard
) -> None:
    first = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    again = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert heard.builds == 1
    assert again == first
    assert project_digest(shop, TreeOptions(), context(store)) == first.digest


def test_an_edit_is_noticed_even_where_size_and_times_stay(
    shop: Path, target: Target, store: Store, heard: Heard
) -> None:
    """D5."""
    first = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    web = shop / "src/shop/web.py"
    status = web.stat()
    web.write_text("app = 2\n")
    os.utime(web, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert project_digest(shop, TreeOptions(), context(store)) != first.digest
    second = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert contents(second)["shop/web.py"] == b"app = 2\n"
    assert second.digest != first.digest
    assert heard.builds == 1, "an edit of a copied file starts no backend"


@pytest.mark.parametrize(
    "change",
    [
        {"pyproject.toml": PYPROJECT.replace("1.0", "1.1")},
        {"README.md": "# Another\n"},
        {"src/shop/new.py": ""},
        {".gitignore": "web.py\n"},
        {"LICENSE": "MIT"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_copy_is_built_anew(
    shop: Path, target: Target, store: Store, heard: Heard, change: dict[str, str]
) -> None:
    first = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    write_files(shop, change)
    second = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert heard.builds == 2
    assert contents(second) != contents(first)


def test_a_deleted_file_is_gone(shop: Path, target: Target, store: Store) -> None:
    """A5: nothing stale is ever shipped."""
    project_bundle(shop, TreeOptions(), context(store, target=target))
    (shop / "src/shop/web.py").unlink()
    assert "shop/web.py" not in contents(
        project_bundle(shop, TreeOptions(), context(store, target=target))
    )


def test_environment_variables_that_backends_heed_count(
    shop: Path, target: Target, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = project_bundle(shop, TreeOptions(), context(store, target=target))
    monkeypatch.setenv("HATCH_BUILD_HOOKS_ENABLE", "1")
    assert project_digest(shop, TreeOptions(), context(store)) != first.digest


def test_exclude_and_include(shop: Path, target: Target, store: Store) -> None:
    """K5."""
    write_files(shop, {"config/a.json": "{}", "config/b.json": "{}", ".gitignore": "config/\n"})
    built = project_bundle(
        shop,
        TreeOptions(exclude=("*.css", "b.json", "METADATA"), include=("config/",)),
        context(store, target=target),
    )
    assert "config/a.json" in contents(built)
    assert "config/b.json" not in contents(built)
    assert "shop/static/site.css" not in contents(built)
    assert "the_shop-1.0.dist-info/METADATA" in contents(built), "S5: metadata always ships"
    assert built.digest == project_digest(
        shop,
        TreeOptions(exclude=("*.css", "b.json", "METADATA"), include=("config/",)),
        context(store),
    )
    assert built.digest != project_digest(shop, TreeOptions(include=("config/",)), context(store))
    write_files(shop, {"config/a.json": "[]"})
    assert built.digest != project_digest(
        shop,
        TreeOptions(exclude=("*.css", "b.json", "METADATA"), include=("config/",)),
        context(store),
    )
    with pytest.raises(SettingsError):
        project_bundle(shop, TreeOptions(exclude=("!",)), context(store, target=target))


def test_the_output_folder_is_no_input(shop: Path, target: Target, store: Store) -> None:
    output = shop / "out"
    first = project_bundle(shop, TreeOptions(skip=(output,)), context(store, target=target))
    write_files(shop, {"out/api.zip": "1"})
    assert project_digest(shop, TreeOptions(skip=(output,)), context(store)) == first.digest
    assert project_digest(shop, TreeOptions(), context(store)) != first.digest


def test_what_is_shipped_from_a_usual_leftover_is_read(
    tmp_path: Path, target: Target, store: Store
) -> None:
    """The settings mention `dist`, so it counts as an input although builds usually write there."""
    more = '\n[tool.hatch.build.targets.wheel.force-include]\n"dist/web" = "shop/web"\n'
    shop = make_shop(
        tmp_path / "shop", **{"pyproject.toml": PYPROJECT + more, "dist/web/a.js": "1"}
    )
    (shop / "src/shop/web.py").unlink()
    assert (
        contents(project_bundle(shop, TreeOptions(), context(store, target=target)))[
            "shop/web/a.js"
        ]
        == b"1"
    )
    write_files(shop, {"dist/web/a.js": "2"})
    assert (
        contents(project_bundle(shop, TreeOptions(), context(store, target=target)))[
            "shop/web/a.js"
        ]
        == b"2"
    )


def test_what_is_shipped_from_a_cache_is_never_remembered(
    tmp_path: Path, target: Target, store: Store
) -> None:
    shop = make_shop(tmp_path / "shop", **{"src/shop/.cache/a.js": "1"})
    name = "shop/.cache/a.js"
    assert (
        contents(project_bundle(shop, TreeOptions(), context(store, target=target)))[name] == b"1"
    )
    write_files(shop, {"src/shop/.cache/a.js": "2"})
    assert (
        contents(project_bundle(shop, TreeOptions(), context(store, target=target)))[name] == b"2"
    )


def test_an_open_build_runs_each_time(
    tmp_path: Path, target: Target, store: Store, heard: Heard
) -> None:
    """A backend that is the project's own may read anything, the file next door too."""
    shop = obedient_project(tmp_path / "shop", files={"shop.py": b"A = 1\n"})
    assert project_digest(shop, TreeOptions(), context(store)) is None
    first = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    again = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert heard.builds == 2
    assert first.digest == again.digest
    assert project_digest(shop, TreeOptions(), context(store)) is None
    obedient_project(shop, files={"shop.py": b"A = 2\n"})
    assert project_bundle(shop, TreeOptions(), context(store, target=target)).digest != first.digest


def test_an_edit_during_the_build_is_not_taken_for_what_was_there(
    shop: Path, target: Target, store: Store, heard: Heard
) -> None:
    web = shop / "src/shop/web.py"

    class Editor:
        def emit(self, event: Event) -> None:
            if isinstance(event, BuildStarted):
                web.write_text("app = 2\n")

    built = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=Editor()))
    assert contents(built)["shop/web.py"] == b"app = 2\n"
    web.write_text("app = 1\n")
    assert project_digest(shop, TreeOptions(), context(store)) != built.digest
    again = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert contents(again)["shop/web.py"] == b"app = 1\n"
    assert heard.builds == 1


def test_what_left_the_store_is_built_again(
    shop: Path, target: Target, store: Store, heard: Heard
) -> None:
    first = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    shutil.rmtree(store.root / "files-v1")
    again = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert heard.builds == 2
    assert contents(again) == contents(first)


def test_damaged_memos_are_of_no_consequence(
    shop: Path, target: Target, store: Store, heard: Heard
) -> None:
    first = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    for kind in ("project-wheels-v1", "layouts-v1", "build-requirements-v1"):
        for memo in (store.root / kind).iterdir():
            if memo.name != "CACHEDIR.TAG":
                memo.write_bytes(b'{"sources": 3, "fixed": [')
    again = project_bundle(shop, TreeOptions(), context(store, target=target, reporter=heard))
    assert heard.builds == 2
    assert contents(again) == contents(first)


def test_a_plain_folder_is_its_files(tmp_path: Path, target: Target, store: Store) -> None:
    write_files(
        tmp_path / "my-app",
        {"app.py": "A = 1\n", "pyproject.toml": '[project]\nname = "My_App"\nversion = "2"\n'},
    )
    built = project_bundle(tmp_path / "my-app", TreeOptions(), context(store, target=target))
    assert contents(built) == {"app.py": b"A = 1\n"}
    assert (built.name, built.version) == ("my-app", "2")
    assert project_digest(tmp_path / "my-app", TreeOptions(), context(store)) == built.digest


@pytest.mark.parametrize(
    "table",
    [
        "[tool.poetry]\npackage-mode = false",
        "[tool.uv]\npackage = false",
        "[tool.pdm]\ndistribution = false",
    ],
)
def test_a_project_that_is_no_package_is_a_plain_folder(
    tmp_path: Path, target: Target, store: Store, table: str
) -> None:
    build = '[build-system]\nrequires = ["x"]\nbuild-backend = "x"\n'
    write_files(tmp_path, {"app.py": "", "pyproject.toml": f"{build}\n{table}\n"})
    built = project_bundle(tmp_path, TreeOptions(skip=(store.root,)), context(store, target=target))
    assert list(contents(built)) == ["app.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[build-system", "not valid TOML"),
        ("[build-system]\n", "build-system.requires is not a list"),
        ("[build-system]\nrequires = 'x'\n", "build-system.requires is not a list"),
        ("build-system = 3\n", "is not a table"),
        ("[build-system]\nrequires = []\nbuild-backend = 'a b'\n", "names no object"),
        ("[build-system]\nrequires = []\nbackend-path = 'x'\n", "is not a list of folders"),
    ],
)
def test_a_wrong_pyproject_is_one_clear_error(
    tmp_path: Path, target: Target, store: Store, text: str, message: str
) -> None:
    write_files(tmp_path, {"pyproject.toml": text})
    with pytest.raises((BuildError, ProjectError)) as caught:
        project_bundle(tmp_path, TreeOptions(), context(store, target=target))
    assert message in str(caught.value)


def test_a_folder_with_nothing_to_build(tmp_path: Path, target: Target, store: Store) -> None:
    with pytest.raises(BuildError, match="holds nothing to build"):
        project_bundle(tmp_path, TreeOptions(must_build=True), context(store, target=target))


def test_a_backend_that_makes_another_distribution(
    tmp_path: Path, target: Target, store: Store
) -> None:
    text = (
        '[project]\nname = "{}"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n'
    )
    root = write_files(
        tmp_path, {"pyproject.toml": text.format("store"), "tiny.py": TINY_BACKEND, "src/x.py": ""}
    )
    with pytest.raises(BuildError, match="`store` cannot be built") as caught:
        project_bundle(root, TreeOptions(), context(store, target=target))
    assert caught.value.where == (
        "its backend made a wheel of another distribution: `shop-1.0-py3-none-any.whl`",
    )
    lies = TINY_BACKEND.replace("Name: shop", "Name: store")
    write_files(root, {"pyproject.toml": text.format("shop"), "tiny.py": lies})
    with pytest.raises(ArchiveError, match="of another distribution or version"):
        project_bundle(root, TreeOptions(), context(store, target=target))
