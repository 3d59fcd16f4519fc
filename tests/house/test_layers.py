"""The architecture: imports run one way and never in a circle, modules and signatures are small, names are used.

A module may import only what stands before it in `LAYERS`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import wherry
from wherry import errors
from wherry.checks.registry import FAMILIES
from wherry.lock.formats import LockFormat

SOURCE = Path(wherry.__file__).parent

LAYERS = [
    "structs",
    "version",
    "visible",
    "untrusted",
    "syntax",
    "errors",
    "problems",
    "sizes",
    "events",
    "files",
    "target",
    "indexes",
    "tools",
    "store",
    "elf",
    "bundle",
    "builders",
    "context",
    "interpreters",
    "lock",
    "wheels",
    "settings",
    "containers",
    "sources",
    "shims",
    "compose",
    "contents",
    "checks",
    "inspect",
    "outputs",
    "pipeline",
    "invoke",
    "sample_events",
    "aws",
    "cdk",
    "__init__",
    "deferred",
    "cli",
    "__main__",
]

MODULES = sorted(SOURCE.rglob("*.py"))


# The modules that are copied into packages as they are: an edit changes the bytes of packages.
COPIED = SOURCE / "shims" / "on_lambda"


def layer_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


@cache
def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(syntax(path)))


@pytest.fixture(scope="module", autouse=True)
def _forgetting() -> Iterator[None]:
    yield
    syntax.cache_clear()
    nodes.cache_clear()


def imported(path: Path) -> set[str]:
    """Layers of wherry that a module imports, type-checking imports included."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            # What is copied into packages does not know the name of the package there.
            assert node.level <= path.is_relative_to(COPIED), f"{path}: relative import"
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


def test_imports_run_one_way() -> None:
    assert {layer_of(path) for path in MODULES} <= set(LAYERS)
    upward = {
        f"{path.relative_to(SOURCE)} imports {other}"
        for path in MODULES
        for other in imported(path)
        if LAYERS.index(other) > LAYERS.index(layer_of(path))
    }
    assert upward == set()


def test_the_documentation_lists_the_layers() -> None:
    page = SOURCE.parent.parent / "docs" / "explanation" / "how-it-works.md"
    table = page.read_text(encoding="utf-8").partition("## The modules")[2].split("\n\n")[2]
    columns = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert re.findall(r"`(\w+)(?:/|\.py)?`", "".join(columns)) == LAYERS


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = ("wherry", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


PATHS = {name_of(path): path for path in MODULES}


def imported_names(path: Path) -> set[tuple[str, str]]:
    """Pairs of a module and a name of it that a module imports; the name is empty for the module itself.

    Imports inside functions and for type checkers count as the others.
    """
    pairs = set()
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module in PATHS:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                pairs.add((submodule, "") if submodule in PATHS else (node.module, alias.name))
        elif isinstance(node, ast.Import):
            pairs |= {(alias.name, "") for alias in node.names if alias.name in PATHS}
    return pairs


def test_no_module_is_part_of_a_cycle() -> None:
    graph = {name: {other for other, _ in imported_names(path)} for name, path in PATHS.items()}
    reachable: dict[str, set[str]] = {}
    for name in graph:
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            fresh = graph[waiting.pop()] - reached
            reached |= fresh
            waiting += fresh
        reachable[name] = reached
    assert {name for name in graph if name in reachable[name]} == set()


def functions(node: ast.AST, above: str = "") -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods of a module by their qualified names."""
    found = {}
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{above}{child.name}"
            if not isinstance(child, ast.ClassDef):
                found[name] = child
            found |= functions(child, f"{name}.")
        else:
            found |= functions(child, above)
    return found


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of parameters, but for the object or the class that a method is called on."""
    arguments = function.args
    names = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [arg.arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def is_command(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a command of click, which takes its options as parameters."""
    return path.is_relative_to(SOURCE / "cli") and any(
        ast.unparse(decorator).startswith(("click.command(", "click.group(", "main.command("))
        or ".command(" in ast.unparse(decorator)
        for decorator in function.decorator_list
    )


def is_construct(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function makes a construct of the AWS CDK, whose parameters are those of another one."""
    return path.parent == SOURCE / "cdk" and function.name == "__init__"


def test_no_function_takes_more_than_six_parameters() -> None:
    found = {
        f"{name_of(path)}.{name}"
        for path in MODULES
        for name, function in functions(syntax(path)).items()
        if len(parameters(function)) > 6
        and not is_command(path, function)
        and not is_construct(path, function)
    }
    assert found == set()


def first_comments(path: Path) -> list[str]:
    """The first block of comments of a module after its docstring, where it stands before any code."""
    body = syntax(path).body
    lines = path.read_text(encoding="utf-8").splitlines()
    start = body[0].end_lineno or 0 if ast.get_docstring(syntax(path)) else 0
    comments = []
    for line in lines[start:]:
        if line.startswith("#"):
            comments.append(line)
        elif line.strip() or comments:
            break
    return comments


def test_a_long_module_says_why() -> None:
    found = {
        name
        for name, path in PATHS.items()
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
        and not any(
            re.match(r"# Longer than 400 lines: \S", comment) for comment in first_comments(path)
        )
    }
    assert found == set()


def names_used(path: Path) -> set[tuple[str, str]]:
    """Pairs of a module and a name of it that another file imports, or reaches through the module."""
    pairs = imported_names(path)
    aliases = {}
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (submodule := f"{node.module}.{alias.name}") in PATHS:
                    aliases[alias.asname or alias.name] = submodule
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            pairs.add((aliases.get(node.value.id, ""), node.attr))
    return {(module, name) for module, name in pairs if PATHS.get(module, path) != path}


def through_stars(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The same names in the modules from which a package takes all: who imports them imports them from the package."""
    sources = {
        (name, str(node.module))
        for name, path in PATHS.items()
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    }
    return {(source, name) for module, name in pairs for to, source in sources if to == module}


def names_in_annotations(path: Path) -> set[str]:
    """Names that annotations of a module mention: its callers hold such objects without importing their class."""
    annotations = [
        annotation
        for node in nodes(path)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if isinstance(annotation, ast.expr)
    ]
    return {
        node.id
        for annotation in annotations
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name)
    }


def names_read(path: Path) -> set[str]:
    return {
        node.id
        for node in nodes(path)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def exported(path: Path) -> list[str]:
    for node in syntax(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def called_by_name(path: Path) -> bool:
    """Whether others load a module by its file: a command, a program, or what travels to Lambda."""
    return (
        path.is_relative_to(SOURCE / "shims" / "on_lambda")
        or path == SOURCE / "invoke" / "runtime_client.py"
        or path == SOURCE / "pipeline" / "bytecode" / "canonical.py"
        or path.parent in {SOURCE / "cli", SOURCE / "sources" / "backends"}
        or (path.parent == SOURCE / "checks" and path.stem in FAMILIES)
        or 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
    )


def is_documented(name: str) -> bool:
    return name.endswith("_AS_OF") or hasattr(errors, name)


def test_every_public_name_is_used() -> None:
    """A name of ``__all__`` is used in `src/`, and by another module, a test, the docs or whoever imports wherry."""
    inside = {pair for path in MODULES for pair in names_used(path)}
    # Readers of locks are imported by their names in the table of formats.
    readers = [lock_format.value.reader.split(":") for lock_format in LockFormat]
    inside |= {(f"wherry.lock.{module}", function) for module, function in readers}
    inside |= through_stars(inside)
    root = SOURCE.parents[1]
    outside = {
        pair
        for folder in ("tests", "docs", "benchmarks", "examples")
        for path in (root / folder).rglob("*.py")
        for pair in names_used(path)
    }
    unused = set()
    for name, path in PATHS.items():
        # What users import.
        if name in {"wherry", "wherry.cdk"} or called_by_name(path):
            continue
        # The tree of errors is documented as a whole, and data says of which day it is.
        documented = set(wherry.__all__) | {name for name in exported(path) if is_documented(name)}
        for public in set(exported(path)) - documented - names_in_annotations(path):
            read = public in names_read(path)
            if (name, public) not in inside and not (read and (name, public) in outside):
                unused.add(f"{name}.{public}")
    assert unused == set()


def test_no_room_without_a_name() -> None:
    names = {path.stem for path in MODULES}
    assert not names & {"utils", "helpers", "common", "misc", "core"}


def test_the_tests_lie_where_the_modules_do() -> None:
    """But for the architecture, projects as they are, noise, what needs PyPI, and what tests are made with."""
    tests = SOURCE.parents[1] / "tests"
    folders = {
        path.parent.relative_to(tests).as_posix()
        for path in tests.rglob("*.py")
        if (tests / "corpus") not in path.parents[1:]
    }
    packages = {path.parent.relative_to(SOURCE).as_posix() for path in MODULES}
    assert folders - packages <= {"corpus", "fuzz", "house", "real", "support"}
