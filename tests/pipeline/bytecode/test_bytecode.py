"""The setting `bytecode`: what is compiled, where it lies, and that its bytes are the same."""

from __future__ import annotations

import email
import marshal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import wherry
from support.index import Index
from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry.errors import ToolError
from wherry.interpreters import BuildPython, running_python
from wherry.pipeline.bytecode.worker import compile_modules
from wherry.pipeline.report import PackageReport
from wherry.store import Store

RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
TAG = f"cpython-{sys.version_info[0]}{sys.version_info[1]}"
DEPENDENCY = make_wheel(
    "dep",
    files={
        "dep/__init__.py": b"from dep import used\n",
        "dep/used.py": b"NAMES = {'b', 'a'}\n"
        + b"".join(b"v%d = %d\n" % (n, n) for n in range(300)),
        "dep/unused.py": b"X = 1\n",
        "dep/later.py": b"X = 2\n",
        "dep/template.py": b"this is no Python\n",
    },
)
CODE = "import dep\ndef handler(event, context):\n    import dep.later\n    return 1\n"


@pytest.fixture
def project(tmp_path: Path, index: Index) -> Path:
    index.add(DEPENDENCY)
    root = tmp_path / "project"
    root.mkdir()
    make_project(root, index, [DEPENDENCY])
    return write_files(root, {"shop/api.py": CODE})


def build(project: Path, text: str, store: str = "store", **options: Any) -> PackageReport:
    write_files(project, {"wherry.toml": text})
    options.setdefault("runtime", RUNTIME)
    report = wherry.build(project, store=Store(project.parent / store), **options)
    return report.packages[0]


def names(package: PackageReport) -> list[str]:
    with zipfile.ZipFile(package.path) as archive:
        return archive.namelist()


def settings(mode: str, more: str = "") -> str:
    return f'bytecode = "{mode}"\n{more}[functions.api]\nhandler = "shop.api.handler"\n'


def compiled(package: PackageReport) -> set[str]:
    return {name for name in names(package) if name.endswith(".pyc")}


def test_nothing_is_compiled_unless_asked_for(project: Path) -> None:
    package = build(project, settings("off"))
    assert not compiled(package)
    assert (package.bytecode_files, package.bytecode_size, package.bytecode_unzipped_size) == (
        0,
        0,
        0,
    )


def test_what_loading_the_handler_imports(project: Path, tmp_path: Path) -> None:
    plain = build(project, settings("off"))
    sources = set(names(plain))
    package = build(project, settings("init"))
    assert compiled(package) == {
        f"dep/__pycache__/__init__.{TAG}.pyc",
        f"dep/__pycache__/used.{TAG}.pyc",
        f"shop/__pycache__/__init__.{TAG}.pyc",
        f"shop/__pycache__/api.{TAG}.pyc",
    }
    assert package.bytecode_files == 4
    assert package.unzipped_size - plain.unzipped_size == package.bytecode_unzipped_size > 0
    assert sources < set(names(package))
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path / "task")
        data = archive.read(f"dep/__pycache__/used.{TAG}.pyc")
    assert data[4:8] == b"\1\0\0\0"
    assert marshal.loads(data[16:]).co_filename == "/var/task/dep/used.py"
    # Python takes what is there, and compiles nothing.
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-v", "-c", "import sys; sys.path.insert(0, '.'); import shop.api"],
        cwd=tmp_path / "task", capture_output=True, text=True, check=True,
    ).stderr.splitlines()  # fmt: skip
    mine = [line for line in loaded if "code object from" in line and "task" in line]
    assert len(mine) == 4
    assert all(".pyc" in line for line in mine)


def test_all_that_compiles(project: Path) -> None:
    package = build(project, settings("all"))
    found = compiled(package)
    assert f"dep/__pycache__/unused.{TAG}.pyc" in found
    assert f"dep/__pycache__/later.{TAG}.pyc" in found
    assert f"dep/__pycache__/template.{TAG}.pyc" not in found


def test_a_budget(project: Path) -> None:
    package = build(project, settings("all", 'bytecode-budget = "1KB"\n'))
    assert 0 < package.bytecode_unzipped_size <= 1000
    # What costs most does not fit; others do.
    assert f"dep/__pycache__/used.{TAG}.pyc" not in compiled(package)
    with pytest.raises(wherry.WherryError, match="bytecode-budget"):
        build(project, settings("all", 'bytecode-budget = "much"\n'))


def test_a_layer_has_its_own_setting(project: Path, tmp_path: Path) -> None:
    text = (
        '[functions.api]\nhandler = "shop.api.handler"\nlayers = ["deps"]\n'
        '[layers.deps]\nbytecode = "init"\n'
    )
    layer = build(project, text)
    assert compiled(layer) == {
        f"python/dep/__pycache__/__init__.{TAG}.pyc",
        f"python/dep/__pycache__/used.{TAG}.pyc",
    }
    with zipfile.ZipFile(layer.path) as archive:
        data = archive.read(f"python/dep/__pycache__/used.{TAG}.pyc")
    assert marshal.loads(data[16:]).co_filename == "/opt/python/dep/used.py"
    # It is the same whatever is built with it.
    assert build(project, text, "other", names=("deps",)).sha256 == layer.sha256


def test_the_same_bytes(project: Path) -> None:
    """From an empty store, and from one that knows a part."""
    first = build(project, settings("init"))
    write_files(project, {"shop/api.py": CODE + "import dep.unused\n"})
    edited = build(project, settings("init"))
    assert f"dep/__pycache__/unused.{TAG}.pyc" in compiled(edited)
    assert build(project, settings("init"), "other").sha256 == edited.sha256
    write_files(project, {"shop/api.py": CODE})
    assert build(project, settings("init"), "third").sha256 == first.sha256
    assert build(project, settings("init")).sha256 == first.sha256


def test_the_digest_tells_the_settings_apart(project: Path) -> None:
    digests = set()
    for text in (settings("off"), settings("init"), settings("all"), settings("all", "bytecode-budget = 9\n")):  # fmt: skip
        write_files(project, {"wherry.toml": text})
        report = wherry.digest(project, store=Store(project.parent / "store"), runtime=RUNTIME)
        digests.add(report.packages[0].inputs_sha256)
    assert len(digests) == 4


def test_no_python_of_that_version(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "python3.12" if RUNTIME != "python3.12" else "python3.13"
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    with pytest.raises(ToolError, match=f"no Python {other[6:]} was found") as caught:
        build(project, settings("init"), runtime=other)
    assert "uv python install" in str(caught.value.hint)


SOURCES = [
    (f"/var/task/email/{path.name}", path.read_bytes())
    for path in sorted(Path(email.__file__).parent.glob("*.py"))
]


def test_one_form(tmp_path: Path) -> None:
    """Whatever was compiled before; and it is the code that the compiler makes."""
    python = running_python()
    together = compile_modules(SOURCES, python, tmp_path)
    assert compile_modules(SOURCES[::-1], python, tmp_path)[::-1] == together
    for number in (0, 7, 13):
        assert compile_modules([SOURCES[number]], python, tmp_path) == [together[number]]
    for (name, source), made in zip(SOURCES, together, strict=True):
        assert marshal.loads(made[16:]) == compile(source, name, "exec", dont_inherit=True)


def test_what_does_not_compile_stops_nothing(tmp_path: Path) -> None:
    sources = [
        ("a", b"x = 1"),
        ("b", b"("),
        ("c", b"\0"),
        ("d", b"x = " + b"-" * 100_000 + b"1"),
        ("e", b"# coding: nothing\n"),
        ("f", b"x = {1, 2} if x in {'a', 'b', ('c', 1.5, -0.0)} else 0.0 ** 10 ** 30\n"),
    ]
    made = compile_modules(sources, running_python(), tmp_path)
    assert [bool(each) for each in made] == [True, False, False, False, False, True]


def test_two_patch_levels(tmp_path: Path) -> None:
    """The same bytes where the compiler is the same; tried with those of one minor version that there are."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{RUNTIME[6:]}.*/bin/{RUNTIME}"))
    running = running_python()
    for path in pyenv:
        other = BuildPython(path=path, version=running.version, machine="", identity="cpython")
        assert compile_modules(SOURCES, other, tmp_path) == compile_modules(
            SOURCES, running, tmp_path
        )
