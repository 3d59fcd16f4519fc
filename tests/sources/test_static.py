from __future__ import annotations

import pytest

from wherry.sources.static import assigns_text, has_docstring, is_bare_setup


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("V = '1'", True),
        ("import os\nV: str = '1'\n", True),
        ("V = ''", False),
        ("V = 1", False),
        ("V = W = '1'", True),
        ("W = '1'", False),
        ("V = '1'\nV = '2'", False),
        ("V = '1'\nV += '2'", False),
        ("V = f'{1}'", False),
        ("if x:\n    V = '1'\n", False),
        ("V = '1'\nfrom x import V\n", False),
        ("V = '1'\nfrom x import *\n", False),
        ("V = '1'\nimport x as V\n", False),
        ("V = '1'\ndef f():\n    global V\n    V = '2'\n", False),
        ("not python(", False),
        ("\0", False),
    ],
)
def test_a_literal_text(source: str, expected: bool) -> None:
    assert assigns_text(source.encode(), "V") is expected


def test_a_docstring() -> None:
    assert has_docstring(b'"""Doc."""\n')
    assert not has_docstring(b"x = 1\n")
    assert not has_docstring(b"(")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from setuptools import setup\nsetup()\n", True),
        (
            '"""Doc."""\nimport setuptools\nif __name__ == "__main__":\n    setuptools.setup()\n',
            True,
        ),
        ("from setuptools import *\nsetup(name='x', packages=find_packages(where='src'))\n", True),
        ("from setuptools import setup\nsetup(**options)\n", False),
        ("from setuptools import setup\nsetup(version=get())\n", False),
        ("from setuptools import setup\nimport os\nsetup()\n", False),
        ("from setuptools import setup\nsetup(packages=find_packages(where()))\n", False),
        ("from setuptools import setup\nprint()\nsetup()\n", False),
        ("from setuptools import setup\nsetup(setup_requires=['x'])\n", False),
        ("", True),
    ],
)
def test_a_bare_setup(source: str, expected: bool) -> None:
    assert is_bare_setup(source.encode()) is expected
