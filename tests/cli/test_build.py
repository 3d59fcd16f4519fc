"""`wherry build` as a user meets it: data on stdout, talk on stderr."""

from __future__ import annotations

import hashlib
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from support.aws_account import code_sha256
from support.projects import make_project, write_files
from support.wheels import make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Wherry
    from support.index import Index

ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"A = 1\n" * 40})
BETA = make_wheel("beta", "2.0")


@pytest.fixture
def project(index: Index, wherry: Wherry) -> Path:
    index.add(ALPHA, BETA)
    return make_project(wherry.cwd, index, [ALPHA, BETA])


def written(project: Path) -> tuple[int, int]:
    found = (project / "dist" / "lambda" / "shop.zip").stat()
    return found.st_ino, found.st_mtime_ns


def test_what_it_says(project: Path, wherry: Wherry) -> None:
    done = wherry("build", "--runtime", "python3.13")
    assert done.code == 0
    assert done.out == "dist/lambda/shop.zip\n"
    said = re.sub(r"\d+(\.\d+)?m?s\b", "TIME", done.err)
    said = re.sub(r"code sha256 \S{43}=", "code sha256 DIGEST", said)
    assert said == (
        "note: building for python3.13-x86_64: as asked\n"
        "Read 2 distributions from pylock.toml in TIME\n"
        "Fetched 2 files (1.7 KiB) in TIME\n"
        "Wrote dist/lambda/shop.zip for python3.13-x86_64 in TIME\n"
        "  1.9 KiB zipped (0% of a direct upload), 1.1 KiB unzipped (0% of the quota), 10 files\n"
        "  code sha256 DIGEST\n"
        "  3 distributions\n"
        "    alpha 1.2       331 B zipped       628 B unzipped\n"
        "    beta 2.0        336 B zipped       402 B unzipped\n"
        "    shop 1.0         46 B zipped        46 B unzipped\n"
    )


def test_the_json_document(project: Path, wherry: Wherry) -> None:
    """S10: the base64 SHA-256 is at hand for Terraform."""
    document = wherry(
        "build", "--runtime", "python3.12", "--architecture", "arm64", "--json"
    ).document
    package = document["packages"][0]
    data = (project / package["path"]).read_bytes()
    with zipfile.ZipFile(project / package["path"]) as archive:
        members = archive.infolist()
    distributions = package.pop("distributions")
    assert document == {
        "schema": 1,
        "target": {"runtime": "python3.12", "architecture": "arm64"},
        "packages": [
            {
                "name": "shop",
                "kind": "function",
                "path": "dist/lambda/shop.zip",
                "handler": None,
                "sha256": hashlib.sha256(data).hexdigest(),
                "code_sha256": code_sha256(data),
                "size": len(data),
                "unzipped_size": sum(member.file_size for member in members),
                "files": len(members),
                "changed": True,
                "layers": [],
                "runtimes": ["python3.12"],
                "architectures": ["arm64"],
                "unzipped_size_with_layers": sum(member.file_size for member in members),
                "provided": [],
                "stripped_files": 0,
                "stripped_size": 0,
                "stripped_unzipped_size": 0,
                "slimmed_files": 0,
                "slimmed_size": 0,
                "slimmed_unzipped_size": 0,
                "bytecode_files": 0,
                "bytecode_size": 0,
                "bytecode_unzipped_size": 0,
            }
        ],
    }
    assert [(one["name"], one["version"]) for one in distributions] == [
        ("alpha", "1.2"),
        ("beta", "2.0"),
        ("shop", "1.0"),
    ]
    assert sum(one["files"] for one in distributions) == len(members)
    assert sum(one["unzipped_size"] for one in distributions) == package["unzipped_size"]
    assert sum(one["size"] for one in distributions) == sum(m.compress_size for m in members)


def test_nothing_changed_and_nothing_is_written(
    project: Path, wherry: Wherry, index: Index
) -> None:
    assert wherry("build", "--json").document["packages"][0]["changed"] is True
    before, asked = written(project), len(index.requests)
    second = wherry("build", "--json").document["packages"][0]
    third = wherry("build", "--json").document["packages"][0]
    assert second["changed"] is False
    assert third == second
    assert written(project) == before
    assert len(index.requests) == asked


def test_an_empty_store_gives_the_same_and_writes_nothing(
    project: Path, wherry: Wherry, tmp_path: Path
) -> None:
    wherry("build")
    before = written(project)
    done = wherry("build", "--json", WHERRY_CACHE_DIR=str(tmp_path / "another"))
    assert done.document["packages"][0]["changed"] is False
    assert written(project) == before


def test_a_package_that_was_touched_is_looked_at(project: Path, wherry: Wherry) -> None:
    wherry("build")
    package = project / "dist" / "lambda" / "shop.zip"
    data = package.read_bytes()
    package.write_bytes(data[:-1] + b"!")
    assert wherry("build", "--json").document["packages"][0]["changed"] is True
    assert package.read_bytes() == data
    package.unlink()
    assert wherry("build", "--json").document["packages"][0]["changed"] is True
    assert package.read_bytes() == data


def test_a_changed_lock_is_another_package(project: Path, wherry: Wherry, index: Index) -> None:
    """A5: no stale entries."""
    wherry("build")
    make_project(project, index, [ALPHA])
    done = wherry("build", "--json").document["packages"][0]
    assert done["changed"] is True
    assert [one["name"] for one in done["distributions"]] == ["alpha", "shop"]
    assert not [name for name in unzipped(project / done["path"]) if name.startswith("beta")]


def test_another_lock_that_appears_is_seen(project: Path, wherry: Wherry) -> None:
    wherry("build")
    write_files(
        project, {"pylock.toml": "", "pyproject.toml": (project / "pyproject.toml").read_text()}
    )
    (project / "pylock.toml").unlink()
    done = wherry("build", "--json", "--offline")
    assert [one["name"] for one in done.document["packages"][0]["distributions"]] == ["shop"]


def test_only_quiet(project: Path, wherry: Wherry) -> None:
    done = wherry("build", "--quiet")
    assert (done.out, done.err) == ("dist/lambda/shop.zip\n", "")


def test_verbose_lists_all(project: Path, wherry: Wherry, index: Index) -> None:
    many = [make_wheel(f"dist{number}") for number in range(8)]
    index.add(*many)
    make_project(project, index, many)
    assert "dist7 1.0" not in wherry("build").err
    assert "dist7 1.0" in wherry("build", "--verbose").err


@pytest.mark.parametrize("given", ["out", "out/"])
def test_output_is_a_folder(project: Path, wherry: Wherry, given: str) -> None:
    assert wherry("build", "--output", given).out == "out/shop.zip\n"
    assert zipfile.is_zipfile(project / "out" / "shop.zip")
    assert not (project / "dist").exists()


def test_output_is_a_file(project: Path, wherry: Wherry, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "api.zip"
    assert wherry("build", "--output", path).out == f"{path.as_posix()}\n"
    assert zipfile.is_zipfile(path)


def test_the_output_is_never_packaged(project: Path, wherry: Wherry) -> None:
    first = wherry("build", "--output", "packages").out
    before = (project / first.strip()).read_bytes()
    (project / "shop" / "api.py").write_text("EDITED = True\n")
    wherry("build", "--output", "packages")
    assert not [name for name in unzipped(project / first.strip()) if name.endswith(".zip")]
    assert (project / first.strip()).read_bytes() != before


def test_project_elsewhere(project: Path, wherry: Wherry, tmp_path: Path) -> None:
    other = type(wherry)(store=wherry.store, cwd=tmp_path)
    assert other("build", "--project", "shop").out == "shop/dist/lambda/shop.zip\n"


def test_settings_choose(project: Path, wherry: Wherry) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write(
            '[tool.wherry]\nruntime = "python3.11"\narchitecture = "arm64"\nname = "orders"\n'
            'exclude = ["*.md"]\noutput = "built"\n'
        )
    write_files(project, {"NOTES.md": "not for Lambda", "keep.txt": "for Lambda"})
    done = wherry("build", "--json")
    assert done.document["target"] == {"runtime": "python3.11", "architecture": "arm64"}
    assert done.document["packages"][0]["path"] == "built/orders.zip"
    assert "by the settings" in done.err
    names = unzipped(project / "built" / "orders.zip")
    assert "keep.txt" in names
    assert "NOTES.md" not in names
    assert not [name for name in names if name.endswith(".toml")]


def test_the_default_runtime_is_the_newest_that_the_project_admits(
    project: Path, wherry: Wherry
) -> None:
    text = (project / "pyproject.toml").read_text().replace(">=3.9", ">=3.9,<3.13")
    (project / "pyproject.toml").write_text(text)
    done = wherry("build", "--json")
    assert done.document["target"]["runtime"] == "python3.12"
    assert "the newest runtime that requires-python `>=3.9,<3.13` admits" in done.err


def test_no_bytecode_and_no_cache_folders(project: Path, wherry: Wherry) -> None:
    """B4: no .pyc, no empty __pycache__."""
    write_files(project, {"shop/__pycache__/api.cpython-313.pyc": b"\0", "shop/old.pyc": b"\0"})
    wherry("build")
    names = unzipped(project / "dist" / "lambda" / "shop.zip")
    assert not [name for name in names if "pyc" in name]


def test_metadata_stays(project: Path, wherry: Wherry) -> None:
    """S5: importlib.metadata finds the distributions in the zip."""
    import importlib.metadata

    wherry("build")
    place = str(project / "dist" / "lambda" / "shop.zip")
    found = {
        distribution.metadata["Name"]: distribution.version
        for distribution in importlib.metadata.distributions(path=[place])
    }
    assert found == {"alpha": "1.2", "beta": "2.0"}


def test_conflicts_are_named_and_can_be_settled(wherry: Wherry, index: Index) -> None:
    one = make_wheel("one", files={"shared.txt": b"one", "one.py": b""})
    two = make_wheel("two", files={"shared.txt": b"two!", "two.py": b""})
    index.add(one, two)
    project = make_project(wherry.cwd, index, [one, two])
    done = wherry("build", "--runtime", "python3.13", "--quiet")
    assert done.code == 1
    assert done.err == (
        "error: two different files for `shared.txt`\n"
        "  ├─▶ `one` holds one of 3 bytes (CRC 7a6c86f1)\n"
        "  ╰─▶ `two` holds one of 4 bytes (CRC 3aabf134)\n"
        'hint: choose the winner: [tool.wherry.conflicts] "shared.txt" = "one"\n'
    )
    with (project / "pyproject.toml").open("a") as file:
        file.write('[tool.wherry.conflicts]\n"shared.txt" = "Two"\n')
    wherry("build")
    assert unzipped(project / "dist" / "lambda" / "shop.zip")["shared.txt"] == b"two!"


def test_two_builds_at_once(project: Path, wherry: Wherry) -> None:
    running = [wherry.start("build", "--quiet") for _ in range(4)]
    for process in running:
        _, err = process.communicate()
        assert (process.returncode, err) == (0, "")
    assert unzipped(project / "dist" / "lambda" / "shop.zip")
    assert not wherry.rubbish()


def test_a_path_dependency_below_the_project_is_packaged_once(wherry: Wherry, index: Index) -> None:
    """B3: as the distribution that it is, and not as files of the project too."""
    from support.projects import TINY_BACKEND

    project = make_project(wherry.cwd, index, files={"app.py": "import shop\n"})
    write_files(
        project,
        {
            "libs/shop/pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\n'
            '[build-system]\nrequires = []\nbuild-backend = "tiny"\nbackend-path = ["."]\n',
            "libs/shop/tiny.py": TINY_BACKEND,
            "libs/shop/src/shop/__init__.py": "",
            "pyproject.toml": '[project]\nname = "app"\nversion = "1"\n',
            "pylock.toml": 'lock-version = "1.0"\ncreated-by = "tests"\n[[packages]]\nname = "shop"\n'
            'directory = {path = "libs/shop"}\n',
        },
    )
    done = wherry("build")
    assert done.code == 0, done.err
    names = unzipped(project / "dist" / "lambda" / "app.zip")
    assert "shop/__init__.py" in names
    assert not [name for name in names if name.startswith("libs/")]
