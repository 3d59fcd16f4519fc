"""Tests that the outline of a text says of its imports what the whole text says."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.contents.imports import Flag, ModuleFacts, read_imports
from wherry.contents.outline import outline_of

PYTHON = (3, 13)
# What makes `read_imports` parse a text as a whole, and means nothing.
WHOLE = b"\nimport_module('')\n"


def by_both(source: bytes) -> tuple[ModuleFacts, ModuleFacts]:
    """The imports by the outline, and by the whole text."""
    return read_imports(source, PYTHON), read_imports(source + WHOLE, PYTHON)


BLOCKS = """\
try:
    import json
except (ImportError, KeyError) as error:  # or: else
    import simplejson as json
    if json:
        raise RuntimeError(
            "none"
        ) from error
else:
    import a
finally:
    import b
if x[1:2] == {"a": ":"} or (
    TYPE_CHECKING
): from_here = 1
elif TYPE_CHECKING:
    '''
import not_this
'''
    from c import (d,  # and (these)
        e)
else:
    import f
with catch_warnings(), open(":"):
    import g
async def h(
    one, two):
    import i
    async with x: pass
    async for j in k:
        import l
    while 1:
        import m
    else:
        import n
class O(Base[int], metaclass={"a": 1}["a"]):
    def p(self): return 1
    import q; import r
match s:
    case 1 if t:
        import u
    case _:
        import v
from w \\
    import x, \\
    y
value = (yield
from_z)
raise ImportError("import a2")
import b2
"""


def test_finds_what_the_whole_text_says() -> None:
    assert outline_of(BLOCKS.encode()) is not None
    outline, whole = by_both(BLOCKS.encode())
    assert outline == whole
    assert {each.module for each in outline.imports} == {
        *("json", "simplejson", "a", "b", "c", "f", "g", "i", "l", "m", "n", "q", "r", "u", "v", "w"),
    }  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "#!/usr/bin/python\n# -*- coding: utf-8 -*-\n"])
def test_reads_all_line_ends_and_marks(start: str, end: str) -> None:
    source = (start + BLOCKS).replace("\n", end).encode()
    assert read_imports(source, PYTHON).imports
    assert by_both(source)[0] == by_both(source)[1]


@pytest.mark.parametrize(
    "source",
    [
        "if a: import b",
        "try: import a\nexcept: pass",
        "a = 1; import b",
        "if a: \\\n  import b",
        "class A: from b import c",
        "if a:\n  x = '''\n'''; from b import c\n",
    ],
)
def test_leaves_imports_behind_something_else_to_the_parser(source: str) -> None:
    assert outline_of(source.encode()) is None
    assert by_both(source.encode())[0] == by_both(source.encode())[1]


def test_passes_over_strings_comments_and_names() -> None:
    source = (
        b'"""\nimport a\n"""\n# import b\nimports = "\\\nimport c"\nimportant = r"\\"; from_ = 1\n'
    )
    outline = outline_of(source)
    assert outline is not None
    assert not outline.text.strip()


def test_keeps_nothing_of_a_text_without_imports() -> None:
    assert outline_of(b"def f():\n    return 1\n" * 1000) == (b"", ())


def test_takes_time_that_grows_with_the_text_alone() -> None:
    # Each of these would be read to its end again for every sign, if what does not end were tried anew.
    pieces = (
        *(b'\\"""\n', b"\\'''\n", b"'''\"", b"import (\n", b"from . \\\n", b"except:\n", b"if (\n"),
        *(b"a:", b"global ", b"import_module(\n", b"a=((("),
    )
    begin, end = b"if a:\n  import b\n", b"\nimport c\na = 1"
    for piece in pieces:
        for source in (piece * 10_000, b'"""' + piece * 10_000, begin + piece * 10_000 + end):
            read_imports(source, PYTHON)


STATEMENTS = (
    "import a", "from . import b", "from c import (d,\n e)", "x = 1", "raise", "pass", "'''\nimport f\n'''",
    "y = [\nz for z in y\nif z]", "z = (1 if y\nelse 2)", "import g; import h", "x  # else:", "match = 1",
)  # fmt: skip
HEADERS = (
    "if x", "if TYPE_CHECKING", "if a[1:]", "while x", "for x in y", "def f(\n)", "class A", "with open(':')",
    "with lock", "async def g()", "try except ImportError", "try except (A,\n KeyError)", "try finally", "if x else",
    "for x in y else", "if x elif DEBUG", "match x case 1",
)  # fmt: skip


def _block(lines: list[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]


@st.composite
def _statements(draw: st.DrawFn, depth: int = 0) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        if depth == 3 or draw(st.booleans()):
            lines += _block([draw(st.sampled_from(STATEMENTS))], depth)
            continue
        first, *clauses = _clauses(draw(st.sampled_from(HEADERS)))
        if first.startswith("match"):
            lines += _block([first], depth)
            lines += _block([clauses[0]], depth + 1) + draw(_statements(depth + 2))
            continue
        for clause in (first, *clauses):
            lines += _block([clause], depth) + draw(_statements(depth + 1))
    return lines


def _clauses(header: str) -> list[str]:
    for word in ("except", "finally", "else", "elif", "case"):
        first, found, rest = header.partition(f" {word}")
        if found:
            return [f"{first}:", f"{word}{rest}:"]
    return [f"{header}:"]


@given(_statements())
def test_agrees_with_the_whole_text_whatever_the_blocks(lines: list[str]) -> None:
    source = "\n".join(["DEBUG = False", *lines, ""])
    ast.parse(source)
    outline, whole = by_both(source.encode())
    assert outline == whole


def _compare(modules: list[Path]) -> None:
    foreseen = 0
    for path in modules:
        source = path.read_bytes()
        outline, whole = by_both(source)
        # A text whose imports can be parsed may have errors elsewhere.
        if not whole.flags & Flag.UNKNOWN:
            assert outline == whole, path
        foreseen += outline_of(source.replace(b"\r\n", b"\n")) is not None
    assert foreseen > 0.99 * len(modules)


def _modules() -> list[Path]:
    """The modules of the standard library, and of what is installed for the tests."""
    standard, installed = (Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
    return [
        *sorted(installed.rglob("*.py")),
        *(path for path in sorted(standard.rglob("*.py")) if "site-packages" not in path.parts),
    ]


def test_agrees_on_installed_modules() -> None:
    modules = _modules()
    _compare(modules[:: len(modules) // 80])


@pytest.mark.real
def test_agrees_on_many_installed_modules() -> None:
    _compare(_modules()[::4])
