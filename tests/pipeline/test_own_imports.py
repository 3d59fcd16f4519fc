"""The key of what a function reaches: it changes with imports, and not with the lines that they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import wherry
from support.projects import write_files
from wherry.pipeline.own_imports import imports_key
from wherry.pipeline.request import open_context
from wherry.store import Store

if TYPE_CHECKING:
    from pathlib import Path

CODE = """\
try:
    import orjson
except ImportError:
    import json
def handler(event, context): ...
"""


def key(root: Path, code: str) -> str:
    """The key of the function, in a run of its own."""
    write_files(root, {"api.py": code, "wherry.toml": '[functions.api]\nhandler = "api.handler"\n'})
    store = Store(root.parent / "store")
    request = wherry.read_request(root, runtime="python3.13")
    composition = wherry.compose_project(request, store=store)
    packages = composition.with_layers(composition.packages[0])
    return imports_key(packages, "label", open_context(request, store=store))


@pytest.mark.parametrize(
    ("code", "same"),
    [
        (f"# edited\n\n{CODE}", True),
        (f"{CODE}\nANSWER = 42\n", True),
        (f"{CODE}\nimport csv\n", False),
        (CODE.replace("orjson", "ujson"), False),
        ("import orjson\nimport json\ndef handler(event, context): ...\n", False),
    ],
)
def test_only_imports_change_the_key(tmp_path: Path, code: str, *, same: bool) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    assert (key(root, code) == key(root, CODE)) is same


LIMITS = "class Limit: ...\nMOST = 5\n"


@pytest.mark.parametrize(
    ("statement", "limits", "same"),
    [
        ("from shop.limits import Limit", LIMITS.replace("5", "6"), True),
        ("from shop.limits import Limit", LIMITS.replace("MOST", "LEAST"), True),
        ("from shop.limits import Limit", LIMITS.replace("Limit", "Limits"), False),
        ("from .limits import Limit", LIMITS.replace("Limit", "Limits"), False),
        ("from . import limits", LIMITS.replace("Limit", "Limits"), True),
    ],
)
def test_names_that_are_imported_change_the_key(
    tmp_path: Path, statement: str, limits: str, *, same: bool
) -> None:
    """Once a module no longer has them."""
    root = tmp_path / "shop"

    def with_limits(text: str) -> str:
        write_files(root, {"shop/limits.py": text, "shop/__init__.py": f"{statement}\n"})
        return key(root, f"import shop\n{CODE}")

    assert (with_limits(limits) == with_limits(LIMITS)) is same
