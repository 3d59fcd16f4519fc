"""Imports run one way: a module may import only what stands before it in this list."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import wherry

SOURCE = Path(wherry.__file__).parent

LAYERS = [
    "version",
    "errors",
    "events",
    "target",
    "elf",
    "requires_python",
    "quotas",
    "indexes",
    "lock",
    "wheels",
    "bundle",
    "containers",
    "sources",
    "legacy",
    "settings",
    "project",
    "init",
    "shims",
    "compose",
    "checks",
    "portable",
    "acquire",
    "materialize",
    "hooks",
    "stripped",
    "report",
    "unchanged",
    "pipeline",
    "aws",
    "invoke",
    "__init__",
    "cli",
    "__main__",
]

MODULES = sorted(SOURCE.rglob("*.py"))


def layer_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Layers of wherry that a module imports, type-checking imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "wherry":
                found |= {
                    alias.name if alias.name in LAYERS else "__init__" for alias in node.names
                }
            elif node.module and node.module.startswith("wherry."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("wherry.")
            }
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_one_way(path: Path) -> None:
    layer = layer_of(path)
    assert layer in LAYERS, f"{layer} has no place in the layers"
    upward = {
        other for other in imported(path) - {layer} if LAYERS.index(other) > LAYERS.index(layer)
    }
    assert not upward


def modules_imported(path: Path) -> set[str]:
    """Modules of the same package that a module imports at run time."""
    found = set()
    tree = ast.parse(path.read_text())
    type_checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in type_checking and node.module:
            found.add(node.module)
    return found


def test_no_module_is_part_of_a_cycle() -> None:
    graph = {
        ".".join(("wherry", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): modules_imported(path)
        for path in MODULES
    }
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above, name))
        if name in done or name not in graph:
            return
        for other in sorted(graph[name]):
            visit(other, (*above, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def test_no_room_without_a_name() -> None:
    names = {path.stem for path in MODULES}
    assert not names & {"utils", "helpers", "common", "misc", "core"}
