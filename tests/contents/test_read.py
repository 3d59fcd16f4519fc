"""Contents of packages: owners, modules, what is reached, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.shared_objects import SharedObject
from support.zips import HANDLER, installed, write_package
from wherry.contents.guess import guess_target
from wherry.contents.imports import When
from wherry.contents.parts import part_of_zip
from wherry.contents.read import Contents, Options
from wherry.errors import ArchiveError
from wherry.store import Store
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TARGET = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("x86_64"))


def contents_of(
    folder: Path,
    files: Mapping[str, bytes | str],
    layer: Mapping[str, bytes | str] | None = None,
    store: Store | None = None,
) -> Contents:
    parts = [part_of_zip(write_package(folder / "app.zip", files), kind="function")]
    if layer is not None:
        parts.append(part_of_zip(write_package(folder / "layer.zip", layer), kind="layer"))
    return Contents(parts, TARGET, Options(handler="app.handler", store=store))


def test_files_belong_to_who_recorded_them(tmp_path: Path) -> None:
    contents = contents_of(
        tmp_path,
        {
            "app.py": HANDLER,
            **installed("lib", {"lib/__init__.py": "", "lib/data.json": "{}"}),
            "lib/__pycache__/__init__.cpython-313.pyc": "",
            "lib/own.py": "",
            **installed("norecord", {"norecord/__init__.py": ""}, record=False),
        },
        layer=installed("other", folder="python/"),
    )
    owners = {place.split("/", 3)[-1]: owner for place, owner in contents.owners.items()}
    assert owners["lib/data.json"] == owners["lib/__pycache__/__init__.cpython-313.pyc"] == "lib"
    assert owners["norecord/__init__.py"] == "norecord"
    assert contents.owner_of("/opt/python/other/__init__.py") == "other"
    assert contents.owner_of("/var/task/app.py") is None
    assert contents.owner_of("/var/task/lib/own.py") is None
    assert [each.name for each in contents.distributions] == ["lib", "norecord", "other"]


def test_a_damaged_source_is_an_error(tmp_path: Path) -> None:
    contents = contents_of(tmp_path, {"app.py": HANDLER * 9})
    path = tmp_path / "app.zip"
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="a damaged member"):
        _ = contents.init_graph.reached


def test_a_project_that_was_installed_from_its_folder_is_own_code(tmp_path: Path) -> None:
    url = '{"url": "file:///home/me/shop", "dir_info": {}}'
    shop = installed("shop", {"shop/__init__.py": "", "shop-1.0.dist-info/direct_url.json": url})
    contents = contents_of(tmp_path, {"app.py": HANDLER, **shop})
    assert contents.owner_of("/var/task/shop/__init__.py") is None


def test_python_prefers_packages_then_extensions_then_sources(tmp_path: Path) -> None:
    so = SharedObject().data()
    table = contents_of(
        tmp_path,
        {
            "app.py": HANDLER,
            "a/__init__.py": "",
            "a.py": "",
            "b.so": so,
            "b.py": "",
            "c.cpython-313-x86_64-linux-gnu.so": so,
            "c.cpython-312-x86_64-linux-gnu.so": so,
            "d.pyc": "",
            "e/inner.py": "",
            "f.cpython-312-x86_64-linux-gnu.so": so,
            "site.egg/g.py": "",
        },
        layer={"python/a.py": "", "python/h.py": "", "python/e/other.py": ""},
    ).modules
    kinds = {module.name: (module.kind, module.is_package) for module in table}
    assert kinds == {
        "a": ("source", True),
        "app": ("source", False),
        "b": ("extension", False),
        "c": ("extension", False),
        "d": ("bytecode", False),
        "e": ("namespace", True),
        "e.inner": ("source", False),
        "e.other": ("source", False),
        "h": ("source", False),
    }
    assert list(table.unusable) == ["c", "f"]


def test_modules_are_reached_at_init_by_condition_or_lazily(tmp_path: Path) -> None:
    contents = contents_of(
        tmp_path,
        {
            "app.py": f"import lib\ntry:\n    import maybe\nexcept ImportError: ...\n{HANDLER}    import later\n",
            "lib/__init__.py": "from . import inner\n",
            "lib/inner.py": "",
            "lib/unused.py": "",
            "maybe.py": "import beyond\n",
            "beyond.py": "",
            "later.py": "import lib.inner\n",
        },
    )
    reached = {name: each.when for name, each in contents.graph.reached.items()}
    assert reached == {
        "app": When.INIT,
        "lib": When.INIT,
        "lib.inner": When.INIT,
        "maybe": When.GUARDED,
        "beyond": When.GUARDED,
        "later": When.LAZY,
    }
    assert contents.graph.chain("beyond") == ("app", "maybe", "beyond")
    assert set(contents.init_graph.reached) == {"app", "lib", "lib.inner"}


def test_sizes_add_up_to_the_archive(tmp_path: Path) -> None:
    (part,) = contents_of(tmp_path, {"app.py": HANDLER, "data.bin": bytes(5000)}).parts
    assert part.size == (tmp_path / "app.zip").stat().st_size
    assert sum(file.zipped for file in part.files) + part.overhead == part.size
    assert part.unzipped_size == len(HANDLER) + 5000


def test_what_was_parsed_is_remembered_until_a_file_changes(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    files = {
        "app.py": f"import lib\n{HANDLER}",
        **installed("lib", {"lib/__init__.py": "import a"}),
    }
    first = contents_of(tmp_path, files, store=store)
    assert "lib" in first.graph.reached
    first.remember()
    memos = sorted((tmp_path / "store" / "imports-v1").iterdir())
    again = contents_of(tmp_path, files, store=store)
    assert [each.name for each in again.graph.missing] == ["a"]
    again.remember()
    assert sorted((tmp_path / "store" / "imports-v1").iterdir()) == memos
    changed = {**files, "lib/__init__.py": "import b"}
    assert [each.name for each in contents_of(tmp_path, changed, store=store).graph.missing] == [
        "b"
    ]
    changed = {**files, "app.py": f"import c\n{HANDLER}"}
    assert [each.name for each in contents_of(tmp_path, changed, store=store).graph.missing] == [
        "c"
    ]


def test_the_target_is_guessed_by_compiled_files(tmp_path: Path) -> None:
    arm = SharedObject(machine=183).data()
    path = write_package(tmp_path / "a.zip", {"x.cpython-312-aarch64-linux-gnu.so": arm})
    assert str(guess_target([part_of_zip(path)])) == "python3.12-arm64"
    path = write_package(tmp_path / "b.zip", {"app.py": HANDLER})
    assert str(guess_target([part_of_zip(path)])) == "python3.14-x86_64"


def test_a_layer_is_told_by_its_folders(tmp_path: Path) -> None:
    layer = write_package(tmp_path / "deps.zip", installed("lib", folder="python/"))
    function = write_package(tmp_path / "app.zip", {"app.py": HANDLER, "python/__init__.py": ""})
    assert (part_of_zip(layer).kind, part_of_zip(function).kind) == ("layer", "function")
