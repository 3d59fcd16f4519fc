"""The table of the build backends that Wherry knows; their modules are imported when they are asked for.

A new backend is a module of this package that holds an ``interface.Backend``, and a row here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from wherry.sources.backends.interface import Backend

__all__ = ["ROWS", "Row", "backend_of_distribution", "find_backend"]


class Row(NamedTuple):
    """A build backend.

    Attributes:
        names: its PEP 517 names.
        distribution: the normalized name of the distribution that it comes with.
        variables: how the names of the environment variables begin that it reads.
    """

    module: str
    names: tuple[str, ...]
    distribution: str
    variables: tuple[str, ...] = ()


ROWS = (
    Row("flit", ("flit_core.buildapi",), "flit-core", ("FLIT",)),
    Row("hatch", ("hatchling.build",), "hatchling", ("HATCH", "PATH_INFO")),
    Row("meson", ("mesonpy",), "meson-python"),
    Row("pdm", ("pdm.backend",), "pdm-backend", ("PDM",)),
    Row("poetry", ("poetry.core.masonry.api",), "poetry-core", ("POETRY",)),
    Row("scikit_build_core", ("scikit_build_core.build",), "scikit-build-core"),
    Row(
        "setuptools",
        ("setuptools.build_meta", "setuptools.build_meta:__legacy__"),
        "setuptools",
        ("SETUPTOOLS", "PBR", "VCS_VERSIONING", "DIST", "EGG_INFO"),
    ),
    Row("uv", ("uv_build",), "uv-build", ("UV_BUILD",)),
)


def find_backend(name: str | None) -> Backend | None:
    """The backend with this PEP 517 name; None where it is unknown."""
    return next((_load(row) for row in ROWS if name in row.names), None)


def backend_of_distribution(distribution: str) -> Backend | None:
    """The backend that comes with this distribution; None where it is unknown."""
    return next((_load(row) for row in ROWS if row.distribution == distribution), None)


def _load(row: Row) -> Backend:
    return cast("Backend", import_module(f"wherry.sources.backends.{row.module}").BACKEND)
