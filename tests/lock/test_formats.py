"""The table of formats: what a new entry must have."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from wherry.bundle.default_excludes import is_excluded_by_default
from wherry.lock.formats import LockFormat, format_of, is_lock_name


@pytest.mark.parametrize("lock_format", LockFormat)
def test_every_reader_has_the_one_signature(lock_format: LockFormat) -> None:
    module, _, function = lock_format.value.reader.partition(":")
    reader = getattr(import_module(f"wherry.lock.{module}"), function)
    assert list(inspect.signature(reader).parameters) == ["path", "request", "context"]


@pytest.mark.parametrize(
    "name", [each.value.filename for each in LockFormat if each.value.has_name(each.value.filename)]
)  # fmt: skip
def test_no_lock_is_packaged(name: str) -> None:
    assert is_excluded_by_default(name, at_root=True)
    assert is_lock_name(name)


@pytest.mark.parametrize(
    ("name", "lock_format"),
    [
        ("pylock.toml", LockFormat.PYLOCK),
        ("pylock.dev.toml", LockFormat.PYLOCK),
        ("uv.lock", LockFormat.UV),
        ("poetry.lock", LockFormat.POETRY),
        ("Pipfile.lock", LockFormat.PIPFILE_LOCK),
        ("Pipfile", LockFormat.PIPFILE),
        ("dev.txt", LockFormat.REQUIREMENTS),
        ("dev.in", LockFormat.REQUIREMENTS_IN),
        ("pyproject.toml", LockFormat.PYPROJECT),
        ("setup.cfg", LockFormat.SETUP),
        ("pdm.lock", LockFormat.PDM),
        ("none", None),
    ],
)
def test_a_file_that_the_user_names(name: str, lock_format: LockFormat | None) -> None:
    assert format_of(name) is lock_format


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pylock.dev.toml", True),
        ("requirements-dev.txt", True),
        ("setup.cfg", True),
        ("notes.txt", False),
        ("pylock-dev.toml", False),
        ("wherry.toml", False),
        ("README.md", False),
    ],
)
def test_the_names_that_have_a_say_in_which_lock_is_read(name: str, expected: bool) -> None:
    assert is_lock_name(name) is expected
