"""An entry whose marker is false for the target is passed over, whatever else is wrong with it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from support.locks import content_hash, read, versions, write
from wherry.errors import LockError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HASH = "0" * 64
WINDOWS, LINUX = "sys_platform == 'win32'", "sys_platform == 'linux'"


def pylock(root: Path, marker: str) -> None:
    good = f'wheels = [{{url = "https://host/good-1-py3-none-any.whl", hashes = {{sha256 = "{HASH}"}}}}]'
    text = f'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "good"\nversion = "1"\n{good}\n'
    write(
        root, pylock__toml=f'{text}[[packages]]\nname = "bad"\nversion = "*"\nmarker = "{marker}"\n'
    )


def pipfile(root: Path, marker: str) -> None:
    """pipenv itself writes a version `*` without hashes for what another system needs."""
    bad = {"markers": marker, "version": "*"}
    lock = {"_meta": {"pipfile-spec": 6, "sources": []}, "default": {"bad": bad}}
    write(root, Pipfile__lock=json.dumps(lock))


def pipfile_key(root: Path, marker: str) -> None:
    """A newer pipenv leaves out why, where the `Pipfile` says it by a key."""
    key, _, condition = marker.partition(" ")
    declared = f'[packages]\nbad = {{version = "*", {key} = "{condition}"}}\n'
    lock = {"_meta": {"pipfile-spec": 6, "sources": []}, "default": {"bad": {"version": "*"}}}
    hashed = {
        "_meta": {"sources": [], "requires": {}},
        "default": {"bad": {"version": "*", key: condition}},
        "develop": {},
    }
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    lock["_meta"]["hash"] = {"sha256": hashlib.sha256(text.encode()).hexdigest()}  # type: ignore[index]
    write(root, Pipfile=declared, Pipfile__lock=json.dumps(lock))


def pipfile_path(root: Path, marker: str) -> None:
    bad = {"markers": marker, "path": "./nowhere.whl", "hashes": ["md5:1"]}
    lock = {"_meta": {"pipfile-spec": 6, "sources": []}, "default": {"bad": bad}}
    write(root, Pipfile__lock=json.dumps(lock))


def poetry(root: Path, marker: str) -> None:
    pyproject = '[tool.poetry]\nname = "shop"\nversion = "1"\n'
    entry = '[[package]]\nname = "bad"\nversion = "not one"\ngroups = ["main"]\nfiles = []\n'
    lock = f'{entry}markers = "{marker}"\n[metadata]\nlock-version = "2.1"\n'
    lock += f'content-hash = "{content_hash(pyproject)}"\n'
    write(root, pyproject__toml=pyproject, poetry__lock=lock)


def poetry_groups(root: Path, marker: str) -> None:
    pyproject = '[tool.poetry]\nname = "shop"\nversion = "1"\n'
    entry = '[[package]]\nname = "bad"\nversion = "1"\ngroups = ["main", "dev"]\nfiles = []\n'
    lock = f'{entry}markers = {{main = "{marker}"}}\n[metadata]\nlock-version = "2.1"\n'
    lock += f'content-hash = "{content_hash(pyproject)}"\n'
    write(root, pyproject__toml=pyproject, poetry__lock=lock)


def pdm(root: Path, marker: str) -> None:
    pyproject = '[project]\nname = "shop"\nversion = "1"\n'
    hashed: dict[str, object] = {"sources": [], "dependencies": [], "requires-python": ""}
    hashed |= {"dev-dependencies": {}, "optional-dependencies": {}, "resolution": {}}
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
    lock = f'[metadata]\nlock_version = "4.5.0"\nstrategy = ["inherit_metadata"]\ncontent_hash = "sha256:{digest}"\n'
    lock += '[[package]]\nname = "bad"\nversion = "not one"\ngroups = ["default"]\nfiles = []\n'
    write(root, pyproject__toml=pyproject, pdm__lock=f'{lock}marker = "{marker}"\n')


def requirements(root: Path, marker: str) -> None:
    write(root, requirements__txt=f"bad==not.one ; {marker}\n")


def requirements_path(root: Path, marker: str) -> None:
    write(root, requirements__txt=f"-e ./nowhere ; {marker}\n./nowhere.whl ; {marker}\n")


def requirements_url(root: Path, marker: str) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    url = "https://127.0.0.1:9/bad-1-py3-none-any.whl"
    write(root, requirements__txt=f"bad @ {url} ; {marker} --hash=sha256:{digest}\n")


@pytest.mark.parametrize(
    "make",
    [
        pylock,
        pipfile,
        pipfile_path,
        pipfile_key,
        poetry,
        poetry_groups,
        pdm,
        requirements,
        requirements_path,
        requirements_url,
    ],
)
def test_what_does_not_apply_is_passed_over(
    tmp_path: Path, make: Callable[[Path, str], None]
) -> None:
    make(tmp_path, WINDOWS)
    assert versions(read(tmp_path)).keys() - {"good"} == set()
    make(tmp_path, LINUX)
    with pytest.raises(LockError):
        read(tmp_path)
