"""What tools leave in a project, Wherry among them, stays out of packages at every depth."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.bundle.bundle import Bundle
from wherry.bundle.content import read_all
from wherry.bundle.entry import inline
from wherry.bundle.leftovers import is_written_package
from wherry.bundle.tree import TreeRules, read_tree, tree_bundle
from wherry.bundle.writer import write_package
from wherry.errors import EntryPathError
from wherry.sources.extra_paths import read_extra_path
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HIDDEN = [".env", ".ssh/id_rsa", ".DS_Store", "__pycache__/a.pyc", "a.pyc", "b.pyo", ".cache/x/y"]


def paths(bundle: Bundle) -> list[str]:
    return [entry.path for entry in bundle]


def tree(root: Path, include: Sequence[str] = ()) -> list[str]:
    return paths(tree_bundle(root, owner="shop", include=include))


def package(path: Path) -> Path:
    entries = [inline(name, b"x", owner="x") for name in ("a.py", "b/c.py", "größe.txt")]
    write_package(Bundle.of(entries), path)
    return path


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    hidden = {f"conf/{folder}{name}": "x" for folder in ("", "prod/", "a/b/c/") for name in HIDDEN}
    return write_files(tmp_path, hidden | {"conf/prod/x.ini": "", "conf/node_modules/y.js": ""})


def test_hidden_files_stay_out_of_extra_paths_at_every_depth(nested: Path) -> None:
    read = read_extra_path(nested, "conf", to="c", owner="extra")
    assert paths(read.bundle) == ["c/node_modules/y.js", "c/prod/x.ini"]
    named = read_extra_path(nested, "conf/prod/.env", to=None, owner="extra")
    assert paths(named.bundle) == ["conf/prod/.env"]


@pytest.mark.parametrize("pattern", ["/conf/", "conf", "*", "**", "conf/**", "/conf/*"])
def test_a_folder_that_is_included_brings_nothing_hidden(nested: Path, pattern: str) -> None:
    assert "conf/prod/x.ini" in tree(nested, [pattern])
    assert not [path for path in tree(nested, [pattern]) if path.endswith(tuple(HIDDEN))]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/conf/prod/.env", "conf/prod/.env"),
        ("*.pyc", "conf/prod/__pycache__/a.pyc"),
        (".ssh/", "conf/prod/.ssh/id_rsa"),
        (".c*/", "conf/a/b/c/.cache/x/y"),
        (".env", "conf/.env"),
    ],
)
def test_what_is_hidden_ships_when_it_is_named(nested: Path, pattern: str, path: str) -> None:
    assert path in tree(nested, ["/conf/", pattern])


def test_everything_is_everything(nested: Path) -> None:
    package(nested / "conf/a.zip")
    rules = TreeRules(include=("*",), everything=True)
    found = paths(read_tree(nested, owner="x", rules=rules).bundle)
    assert {"conf/prod/.env", "conf/a/b/c/a.pyc", "conf/a.zip"} <= set(found)


def test_stores_and_other_caches_stay_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": "", "data/CACHEDIR.TAG": "by hand", "data/x": ""})
    store = Store(tmp_path / "deep/cache")
    store.remember("x", "y", b"z")
    tag = "Signature: 8a477f597d28d172789f06886806bc55\n# by another tool\n"
    write_files(tmp_path, {"target/CACHEDIR.TAG": tag, "target/x.py": ""})
    expected = ["app.py", "data/CACHEDIR.TAG", "data/x"]
    assert tree(tmp_path) == expected
    assert paths(read_extra_path(tmp_path, ".", to=None, owner="x").bundle) == expected


def test_packages_of_earlier_builds_stay_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"out/app.py": ""})
    package(tmp_path / "out/x86_64/api.zip")
    assert tree(tmp_path) == ["out/app.py"]
    assert paths(read_extra_path(tmp_path, "out", to=None, owner="x").bundle) == ["out/app.py"]
    assert tree(tmp_path, ["/out/x86_64/api.zip"]) == ["out/app.py", "out/x86_64/api.zip"]
    assert tree(tmp_path, ["/out/"]) == ["out/app.py"]


def test_archives_of_others_are_none_of_them(tmp_path: Path) -> None:
    path = package(tmp_path / "a.zip")
    assert is_written_package(path)
    data = path.read_bytes()
    for name, content in {
        "empty": b"",
        "text": b"PK" * 40,
        "short": data[:-1],
        "comment": data[:-2] + b"\1\0x",
        "cut": data[30:],
    }.items():
        path.write_bytes(content)
        assert not is_written_package(path), name
    for info in (zipfile.ZipInfo("a.py"), zipfile.ZipInfo("a.py", (2026, 1, 1, 0, 0, 0))):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(info, "x")
        assert not is_written_package(path)
    shutil.rmtree(tmp_path / "a.zip", ignore_errors=True)
    assert not is_written_package(tmp_path / "none.zip")


def test_output_of_the_process_itself_stays_out(tmp_path: Path) -> None:
    write_files(tmp_path, {"app.py": ""})
    program = (
        "from pathlib import Path\nfrom wherry.bundle.tree import tree_bundle\n"
        "from wherry.files import ProjectFiles\nfrom wherry.sources.inputs import InputOptions, read_inputs\n"
        "print([e.path for e in tree_bundle(Path(), owner='x')], flush=True)\n"
        "print([f.path for f in read_inputs(Path.cwd(), InputOptions(), ProjectFiles()).files])\n"
    )
    with (tmp_path / "build.log").open("wb") as out, (tmp_path / "errors.log").open("wb") as err:
        subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, stdout=out, stderr=err, check=True
        )
    assert (tmp_path / "build.log").read_text() == "['app.py']\n['app.py']\n"


def test_links_out_of_the_project_are_an_opt_in(tmp_path: Path) -> None:
    write_files(tmp_path, {"shared/a.py": "A", "shared/.env": "", "one.py": "1", "shop/app.py": ""})
    shop = tmp_path / "shop"
    (shop / "one.py").symlink_to("../one.py")
    (shop / "shared").symlink_to("../shared", target_is_directory=True)
    with pytest.raises(EntryPathError, match="cannot be followed") as caught:
        tree(shop)
    assert "follow-links" in (caught.value.hint or "")
    bundle = tree_bundle(shop, owner="shop", follow_links=True)
    assert {entry.path: read_all(entry.payload) for entry in bundle} == {
        "app.py": b"",
        "one.py": b"1",
        "shared/a.py": b"A",
    }
    (shop / "up").symlink_to("..", target_is_directory=True)
    (shop / "none").symlink_to("../none")
    with pytest.raises(EntryPathError, match="cannot be followed") as caught:
        tree_bundle(shop, owner="shop", follow_links=True)
    assert [line.split(" to ")[0] for line in caught.value.where] == [
        "the link `none`",
        "the link `up`",
    ]


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="cannot hold both names")
def test_names_in_two_forms_of_unicode_are_called_that(tmp_path: Path) -> None:
    write_files(tmp_path, {"caf\u00e9.py": "", "cafe\u0301.py": ""})
    with pytest.raises(EntryPathError, match="differ only by the encoding of accents") as caught:
        tree(tmp_path)
    assert [ascii("caf\u00e9.py") in line for line in caught.value.where] == [True]
    write_files(tmp_path, {"a": "", "A": ""})
    with pytest.raises(EntryPathError, match="differ only by case or the encoding of accents"):
        tree(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="a backslash is a separator")
def test_a_backslash_in_an_own_name_is_nobody_elses(tmp_path: Path) -> None:
    write_files(tmp_path, {"a\\b.py": ""})
    with pytest.raises(EntryPathError) as caught:
        tree(tmp_path)
    assert caught.value.hint == "rename the file, or exclude it"


def test_a_link_of_an_extra_path_to_another_folder_of_the_project(tmp_path: Path) -> None:
    project = write_files(tmp_path / "shop", {"conf/a.json": "", "data/b.json": ""})
    write_files(tmp_path, {"else/c.json": ""})
    (project / "conf" / "data").symlink_to("../data")
    read = read_extra_path(project, "conf", to=None, owner="extra")
    assert paths(read.bundle) == ["conf/a.json", "conf/data/b.json"]
    for target in ("..", "../../else"):
        link = project / "conf" / "link"
        link.symlink_to(target)
        with pytest.raises(EntryPathError):
            read_extra_path(project, "conf", to=None, owner="extra")
        link.unlink()
