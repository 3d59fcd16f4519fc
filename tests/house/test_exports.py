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
        "CheckOptions",
        "CheckReport",
        "ColdStarts",
        "Composition",
        "Deployed",
        "DigestReport",
        "Distribution",
        "Entry",
        "EventOptions",
        "Finding",
        "FirstSettings",
        "History",
        "ImportProfile",
        "InitOptions",
        "InspectOptions",
        "InspectReport",
        "Inspected",
        "Invocation",
        "InvokeOptions",
        "LockOptions",
        "LogEvent",
        "Package",
        "PackageDigest",
        "PackageOptions",
        "PackageReport",
        "Planned",
        "Project",
        "Pruned",
        "Published",
        "RemoteInvocation",
        "Reporter",
        "RolledBack",
        "Runtime",
        "ServeOptions",
        "StageResult",
        "Store",
        "Target",
        "Uploaded",
        "WherryError",
        "Written",
        "__version__",
        "block",
        "build",
        "check",
        "cold_starts",
        "compose_project",
        "deploy",
        "digest",
        "event",
        "for_stages",
        "history",
        "init",
        "init_stage",
        "inspect",
        "invoke",
        "invoke_remote",
        "lock",
        "plan",
        "promote",
        "prune",
        "publish",
        "pyproject_schema",
        "read_logs",
        "read_project",
        "read_request",
        "report_cold_starts",
        "rollback",
        "serve",
        "settings_schema",
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


def assert_exports(path: Path) -> None:
    """That a module defines or imports what its ``__all__`` names, without importing it."""
    exported: list[str] = []
    known: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            known |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            known.update(names)
            if names == ["__all__"]:
                exported = ast.literal_eval(node.value)
    assert exported, "no __all__"
    assert sorted(set(exported)) == sorted(exported)
    assert set(exported) <= known


def assert_importable(path: Path) -> None:
    """That a module has what its ``__all__`` names."""
    if path.parent == SOURCE / "cdk":
        # They need an extra; `tests/real` imports them.
        assert_exports(path)
        return
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


def test_every_module_says_what_it_exports() -> None:
    wrong = {}
    for path in MODULES:
        try:
            assert_importable(path)
        except AssertionError as error:
            wrong[str(path.relative_to(SOURCE))] = str(error)
    assert wrong == {}


def test_every_module_explains_itself() -> None:
    silent = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []
