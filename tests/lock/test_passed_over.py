"""What no lock brings into the package is said, with the option that takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock

from support.contexts import context
from support.projects import write_files
from wherry.events import Note, Warned
from wherry.lock.formats import LockFormat
from wherry.lock.model import Lock, LockRequest
from wherry.lock.passed_over import passed_over
from wherry.store import Store

if TYPE_CHECKING:
    from wherry.events import Event

POETRY = (
    '[tool.poetry.group.api.dependencies]\nalpha = "*"\n'
    '[tool.poetry.group.unit-tests.dependencies]\nbeta = "*"\n'
    "[tool.poetry.group.extra]\noptional = true\n"
    '[tool.poetry.group.extra.dependencies]\nbeta = "*"\n'
)


def remarks(
    root: Path,
    *names: str,
    read: str | None = None,
    groups: tuple[str, ...] = (),
    others: tuple[Path, ...] = (),
) -> list[Event]:
    """The remarks where the lock holds these distributions; ``read`` is the requirements file that was read."""
    archive = {"path": "x.zip", "hashes": {"sha256": "0"}}
    packages = [{"name": name, "version": "1", "archive": archive} for name in names]
    document = {"lock-version": "1.0", "created-by": "tests", "packages": packages}
    path = root / (read or "")
    lock = Lock(
        pylock=Pylock.from_dict(document),
        path=path,
        base=root,
        member=root,
        inputs=(path,),
        format=LockFormat.REQUIREMENTS if read else LockFormat.NONE,
    )
    request = LockRequest(root=root, groups=groups, others=others)
    return list(passed_over(lock, request, context(Store(root / "store"))))


@pytest.mark.parametrize(
    ("files", "text", "hint"),
    [
        (
            {"requirements/prod.txt": "", "requirements/dev.txt": ""},
            "`requirements/prod.txt` was",
            "--lock requirements/prod.txt",
        ),
        (
            {"requirements-prod.txt": "", "requirements_test.txt": ""},
            "`requirements-prod.txt` was",
            "--lock requirements-prod.txt",
        ),
        (
            {"requirements.lock": "", "requirements-dev.lock": ""},
            "`requirements.lock` was",
            "--lock requirements.lock",
        ),
        ({"environment.yml": ""}, "`environment.yml` was", "`requirements.txt`"),
        ({"pyproject.toml": POETRY}, "the groups `api`, `extra`", "--group api"),
        (
            {
                "pyproject.toml": '[dependency-groups]\nlambda = ["alpha"]\ndev = ["beta"]\nnone = []\n'
            },
            "the groups `lambda` of",
            "--group lambda",
        ),
        (
            {
                "pyproject.toml": '[project.optional-dependencies]\naws = ["alpha"]\ntest = ["beta"]\n'
            },
            "the extras `aws` of",
            "--extra aws",
        ),
        (
            {
                "fn/a/requirements.txt": "",
                "b/requirements.txt": "",
                "tests/requirements.txt": "",
                ".venv/a/requirements.txt": "",
            },
            "`b/requirements.txt`, `fn/a/requirements.txt` were",
            "--project b",
        ),
        (
            {"a/uv.lock": "", "a/pyproject.toml": "", "a/b/Pipfile": "", "c/pyproject.toml": ""},
            "`a/uv.lock`, `a/b/Pipfile` were",
            "--project a",
        ),
        (
            {"app.py": "#!/usr/bin/env python3\n# /// script\n# dependencies = ['x']\n# ///\n"},
            "those that `app.py` names in a comment",
            "`uv export --script app.py ",
        ),
        (
            {"app.py": "# /// script\nx = 1\n# /// script\n# dependencies = ['x']\n#\n# ///"},
            "those that `app.py` names in a comment",
            "`uv export --script app.py ",
        ),
    ],
)
def test_nothing_is_installed(tmp_path: Path, files: dict[str, str], text: str, hint: str) -> None:
    (warned,) = remarks(write_files(tmp_path, files))
    assert isinstance(warned, Warned)
    assert warned.text.startswith(f"no dependencies are installed: {text}")
    assert hint in (warned.hint or "")


@pytest.mark.parametrize(
    "files",
    [
        {"app.py": ""},
        {"app.py": "# /// script\n# dependencies = []\n# ///\n"},
        {"app.py": "# /// script\n# dependencies = ['x']\nx = 1\n# ///\n"},
        # A search from each of the beginnings to the end would take hours.
        {"app.py": "# /// script\n" * 300_000},
        {"requirements-dev.txt": "", "requirements/test.txt": "", "docs/requirements.txt": ""},
        {"pyproject.toml": '[dependency-groups]\ndev = ["beta"]\n'},
        {"pyproject.toml": "not TOML"},
    ],
)
def test_what_is_for_developers_is_no_loss(tmp_path: Path, files: dict[str, str]) -> None:
    assert remarks(write_files(tmp_path, files)) == []


def test_folders_of_functions_are_read_apart(tmp_path: Path) -> None:
    write_files(tmp_path, {"a/requirements.txt": "x", "b/c/requirements.txt": "x"})
    (warned,) = remarks(tmp_path, others=(tmp_path / "a",))
    assert isinstance(warned, Warned)
    assert warned.text.endswith(": `b/c/requirements.txt` was not read")
    assert remarks(tmp_path, others=(tmp_path / "b" / "c", tmp_path / "x" / ".." / "a")) == []


def test_what_was_asked_for_is_enough(tmp_path: Path) -> None:
    write_files(tmp_path, {"pyproject.toml": POETRY})
    assert remarks(tmp_path, groups=("extra",)) == []


def test_beside_other_distributions_it_is_a_note(tmp_path: Path) -> None:
    files = {"requirements.txt": "", "requirements-prod.txt": "", "requirements-other.txt": ""}
    write_files(tmp_path, {**files, "pyproject.toml": POETRY})
    assert remarks(tmp_path, "gamma", read="requirements.txt") == [
        Note(
            text="`requirements-prod.txt` was not read: `requirements.txt` is; "
            "`--lock requirements-prod.txt` takes the other"
        ),
        Note(
            text="the groups `api` of `pyproject.toml` are not installed: `--group api` takes one"
        ),
    ]


def test_a_dependency_that_the_requirements_file_has_not(tmp_path: Path) -> None:
    dependencies = '["Alpha>=1", "beta", "gone; sys_platform == \'win32\'", "delta"]'
    write_files(
        tmp_path, {"pyproject.toml": f'[project]\nname = "s"\ndependencies = {dependencies}\n'}
    )
    (warned,) = remarks(tmp_path, "alpha", "delta", read="requirements.txt")
    assert isinstance(warned, Warned)
    assert warned.text == (
        "`pyproject.toml` asks for `beta`, which `requirements.txt` does not have: not installed"
    )
    write_files(
        tmp_path, {"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\nbeta = "*"\n'}
    )
    assert len(remarks(tmp_path, "alpha", read="requirements.txt")) == 1
    assert remarks(tmp_path, "beta", read="requirements.txt") == []


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").symlink_to("requirements.txt")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (warned,) = remarks(tmp_path, others=(tmp_path / "a",))
    assert "`requirements.txt` was not read" in str(warned)
