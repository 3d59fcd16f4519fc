"""Sizes, what is loaded when, reasons, differences and suggestions of packages of whatever tool."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

import wherry
from support.zips import HANDLER, installed, write_package
from wherry.inspect.difference import ChangedFile, fold_changes
from wherry.inspect.groups import group_files
from wherry.inspect.model import FileSize
from wherry.inspect.retained import find_dominators, retained_sizes
from wherry.sizes import parse_size
from wherry.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.pipeline.inspect import InspectReport


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that cannot be compressed."""
    return random.Random(seed).randbytes(size)


SHOP: Mapping[str, bytes | str] = {
    "app.py": f"import frame\n{HANDLER}    import late\n",
    **installed(
        "frame",
        {"frame/__init__.py": "import grid", "frame/data.bin": noise(3000)},
        version="2.1",
        requires=["grid"],
    ),
    **installed("grid", {"grid/__init__.py": "", "grid/more.py": ""}, requires=["base"]),
    **installed("late", requires=["base", 'other; sys_platform == "win32"']),
    **installed("base"),
    **installed("idle", {"idle/__init__.py": noise(40_000).hex().join("##")}),
}


def inspected(
    path: Path, files: Mapping[str, bytes | str] = SHOP, **options: object
) -> InspectReport:
    write_package(path / "app.zip", files)
    return wherry.inspect(
        files=[path / "app.zip"],
        handler="app.handler",
        runtime="python3.13",
        architecture="x86_64",
        store=Store(path / "store"),
        **options,  # type: ignore[arg-type]
    )


def test_the_sizes_add_up_to_the_zip(tmp_path: Path) -> None:
    document = inspected(tmp_path).document()
    (package,) = document["packages"]
    assert document.keys() == {"schema", "packages"}
    assert list(package) == ["name", "size", "unzipped_size", "overhead", "distributions"]
    assert package["size"] == (tmp_path / "app.zip").stat().st_size
    sizes = [each["size"] for each in package["distributions"]]
    assert sum(sizes) + package["overhead"] == package["size"]
    assert sizes == sorted(sizes, reverse=True)
    plain = [each["unzipped_size"] for each in package["distributions"]]
    assert sum(plain) == package["unzipped_size"] == sum(len(data) for data in SHOP.values())
    frame = next(each for each in package["distributions"] if each["name"] == "frame")
    assert frame == {
        "name": "frame",
        "version": "2.1",
        "size": frame["size"],
        "unzipped_size": sum(len(data) for name, data in SHOP.items() if name.startswith("frame")),
        "retained_size": frame["retained_size"],
        "files": 4,
        "loaded": "init",
    }
    assert json.loads(json.dumps(document)) == document


def test_what_is_loaded_and_what_would_go(tmp_path: Path) -> None:
    (package,) = inspected(tmp_path).packages
    by_name = {each.name: each for each in package.distributions}
    assert {name: each.loaded for name, each in by_name.items()} == {
        "(own files)": "init",
        "frame": "init",
        "grid": "init",
        "late": "lazy",
        # No import reaches it, but compiled code of what is loaded could.
        "base": "lazy",
        "idle": "unreached",
    }
    # `base` is needed by `grid` and by `late`, and so goes with neither.
    assert by_name["frame"].retained_size == by_name["frame"].size + by_name["grid"].size
    assert by_name["grid"].retained_size == by_name["grid"].size
    times = {file.path: file.loaded for file in package.files}
    assert times["grid/__init__.py"] == "init"
    assert times["grid/more.py"] == "unreached"
    assert times["frame/data.bin"] is None


def test_dominators_of_circles_and_of_what_nothing_needs() -> None:
    needs = {
        "own": ["a"],
        "a": ["b", "c"],
        "b": ["d"],
        "c": ["d"],
        "d": ["a"],
        "x": ["y"],
        "y": ["x"],
    }
    found = find_dominators("abcdxyz", needs, "own")
    assert found == {
        "own": "",
        "a": "own",
        "b": "a",
        "c": "a",
        "d": "a",
        "x": "",
        "y": "x",
        "z": "",
    }
    sizes = {"own": 1, "a": 2, "b": 4, "c": 8, "d": 16, "x": 32, "y": 64}
    assert retained_sizes(found, sizes) == {
        "own": 31, "a": 30, "b": 4, "c": 8, "d": 16, "x": 96, "y": 64, "z": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "owner", "chains", "imports"),
    [
        ("Grid", "grid", ["(own files) frame grid"], "app frame grid"),
        ("base", "base", ["(own files) late base", "(own files) frame grid base"], ""),
        ("idle", "idle", [], ""),
        ("frame/data.bin", "frame", ["(own files) frame"], ""),
        ("/var/task/grid/__init__.py", "grid", ["(own files) frame grid"], "app frame grid"),
        ("grid.more", "grid", ["(own files) frame grid"], ""),
        ("grid-1.0.dist-info", "grid", ["(own files) frame grid"], ""),
        ("/var/task/grid-1.0.dist-info/", "grid", ["(own files) frame grid"], ""),
    ],
)
def test_reasons(tmp_path: Path, subject: str, owner: str, chains: list[str], imports: str) -> None:
    reason = inspected(tmp_path, why=subject).reason
    assert reason is not None
    assert reason.owner == owner
    assert [" ".join(chain) for chain in reason.requirements] == chains
    assert " ".join(reason.imports) == imports


def test_a_zip_with_the_project_installed_begins_at_it(tmp_path: Path) -> None:
    app = installed("shop", {"app.py": f"import frame\n{HANDLER}"}, requires=["frame"])
    (package,) = inspected(tmp_path, {**SHOP, **app}).packages
    assert "(own files)" not in {each.name for each in package.distributions}
    reason = inspected(tmp_path, {**SHOP, **app}, why="base").reason
    assert reason is not None
    assert reason.requirements == (("shop", "frame", "grid", "base"), ("late", "base"))


def test_folders_that_came_or_went_are_told_together() -> None:
    def changed(path: str, change: str, size: int = 1) -> ChangedFile:
        before, after = {"new": (0, size), "gone": (size, 0)}.get(change, (1, 1 + size))
        return ChangedFile(
            path=path, change=change, owner="a", size_before=before, size_after=after
        )

    def kept(path: str) -> FileSize:
        return FileSize(path=path, owner="a", size=1, unzipped_size=1, crc=1, loaded=None)

    files = [
        *(changed(f"lib/tests/{name}/x.py", "gone", 10) for name in "abc"),
        *(changed(f"lib/data/{number}/x.json", "gone") for number in range(9)),
        changed("lib/new/a.py", "new", 5),
        changed("lib/new/deep/b.py", "new", 2),
        changed("lib/both/a.py", "new", 3),
        changed("lib/both/b.py", "gone", 4),
        changed("lib/one.py", "changed", 6),
    ]
    after = [kept("lib/data/kept.json"), kept("lib/new/a.py"), kept("lib/new/deep/b.py")]
    assert fold_changes(files, after) == (
        ("lib/tests/", "gone", 3, -30),
        ("lib/data/*", "gone", 9, -9),
        ("lib/new/", "new", 2, 7),
        ("lib/one.py", "changed", 1, 6),
        ("lib/both/b.py", "gone", 1, -4),
        ("lib/both/a.py", "new", 1, 3),
    )


def test_what_is_not_there_has_no_reason(tmp_path: Path) -> None:
    with pytest.raises(wherry.WherryError, match="`fram` is not in the package") as caught:
        inspected(tmp_path, why="fram")
    assert caught.value.hint == "did you mean `frame`?"


def test_equal_packages_have_no_difference(tmp_path: Path) -> None:
    old = write_package(tmp_path / "old.zip", SHOP, date=(2020, 1, 1, 1, 1, 2))
    report = inspected(tmp_path, against=old)
    assert not report.differs
    (document,) = report.document()["differences"]
    assert (document["distributions"], document["files"]) == ([], [])


def test_a_difference_by_distribution_and_file(tmp_path: Path) -> None:
    old = {name: data for name, data in SHOP.items() if not name.startswith("idle")}
    old |= {"app.py": HANDLER, **installed("gone")}
    report = inspected(tmp_path, against=write_package(tmp_path / "old.zip", old))
    assert report.differences is not None
    (difference,) = report.differences
    assert [(each.name, each.before, each.after) for each in difference.distributions] == [
        ("idle", None, "1.0"),
        ("gone", "1.0", None),
        ("(own files)", "", ""),
    ]
    changes = {file.path: file.change for file in difference.files}
    assert changes["app.py"] == "changed"
    assert changes["gone/__init__.py"] == "gone"
    assert changes["idle/__init__.py"] == "new"
    new = sum(each.size_after - each.size_before for each in difference.files)
    assert new == sum(each.size_after - each.size_before for each in difference.distributions)


def test_a_budget(tmp_path: Path) -> None:
    size = inspected(tmp_path).packages[0].size
    assert inspected(tmp_path, budget=size).over_budget == ()
    assert inspected(tmp_path, budget=size - 1).over_budget == ("app",)


@pytest.mark.parametrize(
    ("text", "size"),
    [("5MB", 5_000_000), ("1.5 MiB", 1_572_864), ("7", 7), ("2k", 2000), ("1 GB", 10**9)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "5 TB", "5 MB more", "1e3"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("by", ["distribution", "folder", "kind"])
def test_groups_hold_every_file_once(tmp_path: Path, by: str) -> None:
    (package,) = inspected(tmp_path).packages
    groups = group_files(package, by)
    assert sum(each.size for each in groups) + package.overhead == package.size
    assert sum(each.files for each in groups) == len(package.files)


def suggestions(tmp_path: Path, files: Mapping[str, bytes | str]) -> dict[str, tuple[int, str]]:
    (package,) = inspected(tmp_path, files).packages
    return {
        each.text.partition(",")[0]: (each.unzipped_size, each.setting)
        for each in package.suggestions
    }


BOTOCORE: Mapping[str, bytes | str] = {
    "botocore/__init__.py": "",
    **{f"botocore/data/{name}/2020-01-01/service-2.json": noise(30_000, seed) for seed, name in enumerate(("s3", "ec2", "sts"))},
    "botocore/data/endpoints.json": noise(30_000, 9),
}  # fmt: skip
CLOUD: Mapping[str, bytes | str] = {
    **installed("boto3", {"boto3/__init__.py": "import botocore"}, requires=["botocore"]),
    **installed("botocore", BOTOCORE, requires=["urllib3"]),
    **installed("urllib3", requires=[]),
    **installed("web", requires=["urllib3"]),
}


def test_services_that_no_code_asks_for(tmp_path: Path) -> None:
    app = f'import boto3, web\ns3 = boto3.client("s3")\n{HANDLER}'
    found = suggestions(tmp_path, {"app.py": app, **CLOUD})
    assert found["descriptions of AWS services other than s3"] == (
        30_000,
        'botocore-services = ["s3"]',
    )
    size, setting = found["boto3 and what it needs: python3.13 has its own"]
    assert size > 120_000
    # All or nothing: what others need too is named.
    assert setting == 'provided = ["boto3", "urllib3"]'
    # A name that is not written there could be any.
    app = f"import boto3, web\ndef get(name):\n    return boto3.client(name)\n{HANDLER}"
    assert not [
        text for text in suggestions(tmp_path, {"app.py": app, **CLOUD}) if "services" in text
    ]


def test_tests_that_nothing_imports(tmp_path: Path) -> None:
    files = {"lib/__init__.py": "", "lib/a/tests/test_a.py": noise(30_000).hex()}
    used = {
        "sub/__init__.py": "import sub.tests",
        "sub/tests/__init__.py": noise(30_000, 2).hex().join("##"),
    }
    found = suggestions(
        tmp_path,
        {
            "app.py": f"import lib, sub\n{HANDLER}",
            "own/tests/data.bin": noise(30_000, 3),
            **installed("lib", files),
            **installed("sub", used),
        },
    )
    assert found == {"tests of distributions": (60_000, 'slim = ["tests"]')}


def test_what_is_not_reached_and_what_is_there_twice(tmp_path: Path) -> None:
    plugin = {
        "plugin/__init__.py": noise(30_000, 5).hex().join("##"),
        "plugin-1.0.dist-info/entry_points.txt": "[app.plugins]\na = plugin\n",
    }
    found = suggestions(
        tmp_path,
        {**SHOP, "a.bin": noise(30_000), "b.bin": noise(30_000), **installed("plugin", plugin)},
    )
    idle = sum(len(data) for name, data in SHOP.items() if name.startswith("idle"))
    assert found == {
        "distributions that neither the handler nor anything that it imports needs": (
            idle,
            'exclude = ["idle"]',
        ),
        "files of the same content as `a.bin`": (30_000, 'exclude-files = ["/b.bin"]'),
    }


def test_the_page_is_the_same_for_the_same_package(tmp_path: Path) -> None:
    files = {**SHOP, "evil</script><b>.txt": noise(300)}
    page = inspected(tmp_path, files).html()
    assert page == inspected(tmp_path, files).html()
    assert "http:" not in page
    assert "https:" not in page
    assert page.count("</script>") == 2
    assert "default-src 'none'" in page
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    (package,) = data["packages"]
    sizes = [file[1] for each in package["distributions"] for file in each["files"]]
    assert sum(sizes) + package["overhead"] == package["size"]


def test_a_layer_is_a_package_of_its_own(tmp_path: Path) -> None:
    layer = write_package(tmp_path / "deps.zip", installed("lib", folder="python/"))
    report = inspected(tmp_path, {"app.py": f"import lib\n{HANDLER}"}, layer_files=[layer])
    function, other = report.packages
    assert [each.name for each in function.distributions] == ["(own files)"]
    assert [(each.name, each.loaded) for each in other.distributions] == [("lib", "init")]
    assert (function.kind, other.kind, other.name) == ("function", "layer", "deps")
