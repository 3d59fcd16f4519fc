"""Tiny sdists whose wheels have to be compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tomli_w

from support.wheels import Made, make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["extension_sdist", "extension_sources", "lock_of_sdists"]

_C = """\
#define PY_SSIZE_T_CLEAN
#include <Python.h>
{above}
static PyObject *answer(PyObject *self, PyObject *nothing) {{ {body} }}
static PyMethodDef methods[] = {{{{"answer", answer, METH_NOARGS, ""}}, {{NULL}}}};
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{name}", "", -1, methods}};
PyMODINIT_FUNC PyInit_{name}(void) {{ return PyModule_Create(&module); }}
"""
_SETUP = """\
from setuptools import setup, Extension
setup(ext_modules=[Extension("{name}", ["{name}.c"], libraries={libraries!r})])
"""


def extension_sources(
    name: str,
    *,
    body: str = "return PyLong_FromLong(42);",
    above: str = "",
    libraries: Iterable[str] = (),
    setup: str | None = None,
    requires: Iterable[str] = ("setuptools>=77",),
) -> dict[str, bytes]:
    """A project with one extension module, whose ``answer()`` is what ``body`` gives."""
    document = {
        "build-system": {"requires": list(requires), "build-backend": "setuptools.build_meta"},
        "project": {"name": name, "version": "1.0"},
        # Nothing but the extension is in it.
        "tool": {"setuptools": {"py-modules": []}},
    }
    return {
        "pyproject.toml": tomli_w.dumps(document).encode(),
        "setup.py": (setup or _SETUP).format(name=name, libraries=list(libraries)).encode(),
        f"{name}.c": _C.format(name=name, body=body, above=above).encode(),
    }


def extension_sdist(name: str, **sources: object) -> Made:
    """Its sdist."""
    return make_sdist(name, files=extension_sources(name, **sources))  # type: ignore[arg-type]


def lock_of_sdists(made: Iterable[Made], *, wheels: Mapping[str, str] | None = None) -> str:
    """A ``pylock.toml`` of sdists that lie beside it; ``wheels`` are names of one that does not run here, by sdist."""
    packages = []
    for one in made:
        name, _, version = one.filename.removesuffix(".tar.gz").rpartition("-")
        package: dict[str, object] = {
            "name": name.replace("_", "-"),
            "version": version,
            "sdist": {"name": one.filename, "path": one.filename, "hashes": {"sha256": one.sha256}},
        }
        if wheels and one.filename in wheels:
            package["wheels"] = [
                {"name": wheels[one.filename], "path": "none.whl", "hashes": {"sha256": "0" * 64}}
            ]
        packages.append(package)
    return tomli_w.dumps({"lock-version": "1.0", "created-by": "tests", "packages": packages})
