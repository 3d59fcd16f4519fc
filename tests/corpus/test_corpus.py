"""Small projects of every kind that has been reported, each with what must come out: see ``README.md`` here."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import shutil
import tomllib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.command import Finished, Wherry
from support.index import serve_index
from support.locks import RELEASES
from support.tools import run_uv
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.index import Index

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/expected.toml"))
KEYS = {
    "about", "command", "lock", "environment", "exit", "distributions", "files", "absent", "says", "never",
}  # fmt: skip
# What the index has besides the releases that the tests of locks have.
MORE = (
    make_wheel("data", files={"data/__init__.py": b"", "data-1.0.data/data/share/a.txt": b"a"}),
    make_wheel("clash-one", files={"clash/x.py": b"1", "clash/same.py": b""}),
    make_wheel("clash-two", files={"clash/x.py": b"2", "clash/same.py": b""}),
    make_wheel("mac-only", tag="cp313-cp313-macosx_11_0_arm64"),
    make_wheel("withdrawn", yanked="broken\nerror: forged"),
    make_wheel("outside", files={"../outside.py": b""}),
    make_wheel("newer-python", requires_python=">=3.14"),
    replace(make_wheel("honest"), filename="liar-1.0-py3-none-any.whl"),
)
# The project's own name is none of these.
DISTRIBUTIONS = {made.filename.split("-")[0].replace("_", "-") for made in (*RELEASES, *MORE)}
FILES = {made.filename: made for made in (*RELEASES, *MORE)}


@dataclass(frozen=True, kw_only=True)
class Shared:
    """An index and a store, for all cases."""

    index: Index
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "UV_DEFAULT_INDEX": self.index.simple,
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "HOME": str(self.folder),
        }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with serve_index(FILES.values()) as index:
        yield Shared(index=index, folder=tmp_path_factory.mktemp("corpus"))


def _made(case: Path, root: Path, shared: Shared, expected: dict[str, Any]) -> None:
    """Copy a case to ``root``, fill in its templates, and let uv lock it."""
    root.mkdir()
    values = {"INDEX": shared.index.simple.rstrip("/"), "FILES": f"{shared.index.url}/files"}
    values |= {f"SHA256({name})": made.sha256 for name, made in FILES.items()}

    def copy(source: Path) -> None:
        # `Pipfile.template` comes before `Pipfile.lock.template`, which has its hash.
        for path in sorted(source.rglob("*"), key=lambda path: (".lock" in path.name, path)):
            place = root / path.relative_to(source)
            if path.is_dir() or (source == case and path.is_relative_to(case / "after")):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix != ".template":
                shutil.copyfile(path, place)
                continue
            text = path.read_text(encoding="utf-8")
            for name, value in values.items():
                text = text.replace(f"@{name}@", value)
            if "@PIPFILE@" in text:
                text = text.replace("@PIPFILE@", _pipfile_hash(root / "Pipfile", json.loads(text)))
            place.with_suffix("").write_text(text, encoding="utf-8")

    copy(case)
    (root / "expected.toml").unlink()
    for command in expected.get("lock", []):
        run_uv(*shlex.split(command), cwd=root, env=shared.environment)
    shutil.rmtree(root / ".home", ignore_errors=True)
    copy(case / "after")


def _pipfile_hash(path: Path, lock: dict[str, Any]) -> str:
    """Pipenv's hash of a ``Pipfile`` whose sections are plain; the lock has the sources, if the file has none."""
    pipfile = tomllib.loads(path.read_text(encoding="utf-8"))
    content = {
        "_meta": {"sources": lock["_meta"]["sources"], "requires": pipfile.get("requires", {})},
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, shared: Shared, tmp_path: Path) -> None:
    expected = tomllib.loads((HERE / name / "expected.toml").read_text(encoding="utf-8"))
    assert not expected.keys() - KEYS, "unknown keys"
    root = tmp_path / "shop"
    _made(HERE / name, root, shared, expected)
    wherry = Wherry(store=shared.folder / "store", cwd=root)
    command = shlex.split(expected.get("command", "build --runtime python3.13"))
    if command[0] == "build":
        command.append("--json")
    environment = {**shared.environment, **expected.get("environment", {})}
    done = wherry(*command, **environment)
    printed = done.err.replace(str(root), "PROJECT").replace(shared.index.url, "INDEX")
    assert done.code == expected.get("exit", 0), printed
    assert "Traceback" not in printed
    said = printed.splitlines()
    for line in expected.get("says", []):
        assert line in said, printed
    for text in expected.get("never", []):
        assert text not in printed
    if command[0] == "build" and done.code == 0:
        _check_packages(done, root, expected)


def _check_packages(done: Finished, root: Path, expected: dict[str, Any]) -> None:
    """Compare what was written; a case with one package leaves its name out."""
    packages = {package["name"]: package for package in done.document["packages"]}
    distributions = {
        name: {
            each["name"]: each["version"]
            for each in package["distributions"]
            if each["name"] in DISTRIBUTIONS
        }
        for name, package in packages.items()
    }
    files = {name: _own_files(root / package["path"]) for name, package in packages.items()}
    wanted, wanted_files = expected["distributions"], expected["files"]
    if isinstance(wanted_files, list):
        (name,) = packages
        wanted, wanted_files = {name: wanted}, {name: wanted_files}
    assert distributions == wanted
    assert files == {name: sorted(paths) for name, paths in wanted_files.items()}
    written = [zipfile.ZipFile(root / each["path"]).namelist() for each in packages.values()]
    for path in expected.get("absent", []):
        assert all(path not in names for names in written)


def _own_files(path: Path) -> list[str]:
    """The files of a package that come from no wheel of the index."""
    foreign = {
        "/".join(name.split("/")[-2:]) for made in FILES.values() for name in _members(made.data)
    }
    with zipfile.ZipFile(path) as archive:
        return [
            name for name in archive.namelist() if "/".join(name.split("/")[-2:]) not in foreign
        ]


def _members(data: bytes) -> list[str]:
    if not data.startswith(b"PK"):
        return []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


def test_every_folder_is_a_case() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(CASES)
    assert len(CASES) > 30
