"""A8: private indexes by name, user and password; the secret is told to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.index import serve_index
from support.projects import write_files
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.command import Wherry
    from support.index import Index

USER, PASSWORD = "robot", "p@ss:w/o%rd +1"
ALPHA = make_wheel("alpha", "1.2")


@pytest.fixture
def private() -> Iterator[Index]:
    with serve_index([ALPHA], auth=(USER, PASSWORD)) as served:
        yield served


@pytest.fixture
def project(wherry: Wherry, private: Index) -> Path:
    """A project that Poetry 1.2 locked, with an index called `company`."""
    return write_files(
        wherry.cwd,
        {
            "shop.py": "",
            "pyproject.toml": '[tool.poetry]\nname = "shop"\nversion = "1.0"\npackage-mode = false\n'
            '[tool.poetry.dependencies]\npython = "^3.9"\nalpha = {version = "1.2", source = "company"}\n'
            f'[[tool.poetry.source]]\nname = "company"\nurl = "{private.simple}"\n',
            "poetry.lock": '[[package]]\nname = "alpha"\nversion = "1.2"\noptional = false\n'
            f'python-versions = "*"\nfiles = [{{file = "{ALPHA.filename}", hash = "sha256:{ALPHA.sha256}"}}]\n'
            f'[package.source]\ntype = "legacy"\nurl = "{private.simple.rstrip("/")}"\nreference = "company"\n'
            '[metadata]\nlock-version = "2.0"\npython-versions = "^3.9"\ncontent-hash = "HASH"\n',
        },
    )


def stamped(project: Path) -> None:
    """Put Poetry's own digest of the declarations into the lock."""
    from wherry.lock.document import read_toml
    from wherry.lock.poetry.content_hash import content_hashes

    digest = next(iter(content_hashes(read_toml(project / "pyproject.toml"))))
    lock = project / "poetry.lock"
    lock.write_text(lock.read_text().replace("HASH", digest))


def test_poetrys_variables_open_the_index(project: Path, wherry: Wherry, private: Index) -> None:
    stamped(project)
    done = wherry(
        "build",
        POETRY_HTTP_BASIC_COMPANY_USERNAME=USER,
        POETRY_HTTP_BASIC_COMPANY_PASSWORD=PASSWORD,
    )
    assert done.code == 0, done.err
    assert len(private.downloads) == 1
    for path in [*wherry.store.rglob("*"), *project.rglob("*")]:
        if path.is_file():
            data = path.read_bytes()
            assert PASSWORD.encode() not in data
            assert b"p%40ss" not in data
    assert PASSWORD not in done.err


def test_without_them_the_error_says_what_to_do(project: Path, wherry: Wherry) -> None:
    stamped(project)
    done = wherry("build", "--quiet")
    assert done.code == 1
    assert "401" in done.err
    assert "hint:" in done.err


def test_a_wrong_password_is_not_repeated(project: Path, wherry: Wherry) -> None:
    stamped(project)
    done = wherry(
        "build",
        POETRY_HTTP_BASIC_COMPANY_USERNAME=USER,
        POETRY_HTTP_BASIC_COMPANY_PASSWORD="wrong-s3cret",
    )
    assert done.code == 1
    assert "wrong-s3cret" not in done.err + done.out
