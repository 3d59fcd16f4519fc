"""``__all__`` is the truth: of the package and of every module."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import wherry

SOURCE = Path(wherry.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))


def test_the_public_api() -> None:
    assert set(wherry.__all__) == {
        "Architecture",
        "BuildOptions",
        "BuildReport",
        "BuildRequest",
        "Bundle",
        "Callbacks",
        "Composition",
        "Deployed",
        "Distribution",
        "Entry",
        "FirstSettings",
        "History",
        "InitOptions",
        "Invocation",
        "InvokeOptions",
        "LockOptions",
        "Package",
        "PackageOptions",
        "PackageReport",
        "Planned",
        "Project",
        "Pruned",
        "Published",
        "Reporter",
        "RolledBack",
        "Runtime",
        "ServeOptions",
        "Store",
        "Target",
        "Uploaded",
        "WherryError",
        "Written",
        "__version__",
        "build",
        "compose_project",
        "deploy",
        "history",
        "init",
        "invoke",
        "lock",
        "plan",
        "promote",
        "prune",
        "publish",
        "read_project",
        "read_request",
        "rollback",
        "serve",
        "tree_bundle",
        "upload",
        "write_package",
    }
    for name in wherry.__all__:
        assert getattr(wherry, name) is not None
    assert set(dir(wherry)) >= set(wherry.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        wherry.nonsense  # noqa: B018


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_says_what_it_exports(path: Path) -> None:
    name = ".".join(("wherry", *path.relative_to(SOURCE).with_suffix("").parts))
    module = importlib.import_module(name.removesuffix(".__init__"))
    exported = getattr(module, "__all__", None)
    if path.stem == "__init__" and exported is None:
        assert not [
            node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.Expr)
        ]
        return
    assert exported is not None, "no __all__"
    assert sorted(set(exported)) == sorted(exported)
    for each in exported:
        assert hasattr(module, each)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_module_explains_itself(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))
