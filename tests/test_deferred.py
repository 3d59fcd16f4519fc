"""What the command line loads late, in processes of its own: each begins without these modules."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.projects import EMPTY_LOCK, write_files

if TYPE_CHECKING:
    from pathlib import Path

DEFER = "from wherry.deferred import defer_imports; defer_imports(); import sys, click, msgspec, inspect; "


def output(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print('tokenize' in sys.modules, 'typing_extensions' in sys.modules)", "False False"),
        ("print(repr(inspect.cleandoc('  A\\tline ')), 'tokenize' in sys.modules)", "'A     line ' False"),
        ("print(repr(inspect.cleandoc('  A\\n    B\\n      C\\n')))", "'A\\nB\\n  C'"),
        ("print(inspect.signature(lambda one, *, two: 1))", "(one, *, two)"),
        ("print(inspect.isfunction(inspect.cleandoc), sys.modules['inspect'].__file__[-10:])", "True inspect.py"),
        ("from inspect import Parameter; print(Parameter is sys.modules['inspect'].Parameter)", "True"),
        ("import platform; print(platform.python_version_tuple()[0], platform.system())", f"3 {platform.system()}"),
        ("import gettext; print(gettext.NullTranslations().gettext('Aborted!'))", "Aborted!"),
        ("print(repr(inspect.cleandoc('a\\n b')), repr(inspect.cleandoc('a\\n b')))", "'a\\nb' 'a\\nb'"),
        ("import typing_extensions; print(typing_extensions.__name__)", "typing_extensions"),
        ("import dataclasses; print(dataclasses.make_dataclass('P', ['x'])(1))", "P(x=1)"),
    ],
)  # fmt: skip
def test_a_module_that_is_loaded_late_is_the_module(code: str, printed: str) -> None:
    assert output("-c", DEFER + code).strip() == printed


def test_modules_that_are_loaded_already_stay() -> None:
    assert output("-c", f"import inspect, typing_extensions as one; {DEFER}"
                        "import typing_extensions as other; print(one is other, 'tokenize' in sys.modules)"
                  ).strip() == "True True"  # fmt: skip


def test_a_build_with_nothing_to_do_loads_none_of_them(tmp_path: Path) -> None:
    write_files(
        tmp_path, {"pylock.toml": EMPTY_LOCK, "main.py": "def handler(event, context): ...\n"}
    )
    command = ["-X", "importtime", "-m", "wherry", "build", "--quiet", "--project", str(tmp_path)]
    command += ["--runtime", "python3.13"]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, *command],
            capture_output=True, text=True, check=True, timeout=60,
            env={"WHERRY_CACHE_DIR": str(tmp_path / "store")},
        )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"click", "msgspec", "wherry.pipeline.build"} <= loaded
    assert not loaded & {"inspect", "tokenize", "dis", "gettext", "locale"}
