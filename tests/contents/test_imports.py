"""When imports are executed, told from the text."""

from __future__ import annotations

import pytest

from wherry.contents.imports import LARGEST_SOURCE, Flag, Import, When, read_imports
from wherry.syntax import syntax_error

INIT, GUARDED, LAZY, NEVER = When


def when(source: str, python: tuple[int, int] = (3, 13)) -> list[When]:
    return [each.when for each in read_imports(source.encode(), python).imports]


def test_an_import_is_told_with_its_names_and_line() -> None:
    facts = read_imports(b"import a.b\nfrom ..c import d, e\nfrom . import f\n", (3, 13))
    assert facts.imports == (
        Import(INIT, 0, "a.b", (), 1),
        Import(INIT, 2, "c", ("d", "e"), 2),
        Import(INIT, 1, "", ("f",), 3),
    )


def test_an_import_in_place_of_another_says_so() -> None:
    text = "x = 1\ntry:\n    import a\nexcept ImportError:\n    import b\n    if x:\n        import c\n"
    for whole in (False, True):
        facts = read_imports(text.encode(), (3, 13), whole=whole)
        assert facts.imports == (
            Import(GUARDED, 0, "a", (), 3),
            Import(GUARDED, 0, "b", (), 5, instead=3),
            Import(GUARDED, 0, "c", (), 7),
        )


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("from sys import exit, version_info", 0),
        ("from sys import exit, path as p", Flag.PATH),
        ("from sys import (\n    modules,\n)", Flag.MODULES),
        ("from sys import *", Flag.PATH | Flag.MODULES),
        ("from .sys import path", 0),
    ],
)
def test_names_of_sys_are_told_apart(source: str, flags: int) -> None:
    assert read_imports(source.encode(), (3, 13)).flags == flags


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class A:\n    import a", INIT),
        ("def f():\n    import a", LAZY),
        ("async def f():\n    class A:\n        import a", LAZY),
        ("try:\n    import a\nexcept ImportError: ...", GUARDED),
        ("try:\n    import a\nexcept (AttributeError, ModuleNotFoundError): ...", GUARDED),
        ("try:\n    import a\nexcept: ...", GUARDED),
        ("try:\n    import a\nexcept errors: ...", GUARDED),
        ("try:\n    import a\nexcept OSError: ...", INIT),
        ("try:\n    import a\nexcept ImportError as e:\n    raise E from e", INIT),
        ("try:\n    import a\nexcept ImportError:\n    if x:\n        raise", GUARDED),
        ("try: ...\nexcept OSError:\n    import a", GUARDED),
        ("try: ...\nfinally:\n    import a", INIT),
        ("with suppress(ImportError):\n    import a", GUARDED),
        ("with warnings.catch_warnings():\n    import a", INIT),
        ("if x:\n    import a", GUARDED),
        ("for x in y:\n    import a", GUARDED),
        ("while x:\n    import a", GUARDED),
        ("match x:\n    case 1:\n        import a", GUARDED),
        ("if TYPE_CHECKING:\n    import a", NEVER),
        ("if not typing.TYPE_CHECKING:\n    import a", INIT),
        ("if __name__ == '__main__':\n    import a", NEVER),
        ("if __name__ == 'pkg':\n    import a", GUARDED),
        ("if False:\n    import a", NEVER),
        ("if sys.platform == 'win32':\n    import a", NEVER),
        ("if sys.platform != 'win32' and os.name == 'posix':\n    import a", INIT),
        ('if sys.platform.startswith("linux"):\n    import a', INIT),
        ("if sys.version_info >= (3, 13):\n    import a", INIT),
        ("if sys.version_info < (3, 13):\n    import a", NEVER),
        ("if sys.version_info[0] == 2 or PY2:\n    import a", GUARDED),
        ("if sys.version_info[0] == 3 or PY2:\n    import a", INIT),
        ("if sys.version_info > (3, 13):\n    import a", GUARDED),
        ("if sys.version_info >= (3, 13, 4):\n    import a", GUARDED),
        ("if sys.version_info[:2] == (3, 12):\n    import a", NEVER),
        ("if sys.version_info.minor < 12:\n    import a", NEVER),
        ("A = False\nif A:\n    import a", NEVER),
        ("A = False\ntry:\n    import_()\n    A = True\nexcept E: ...\nif A:\n    import a", GUARDED),
        ("A = False\ndef f():\n    global A\n    A = True\nif A:\n    import a", GUARDED),
        ("for A in x: ...\nif A:\n    import a", GUARDED),
        ("importlib.import_module('a')", GUARDED),
        ("def f():\n    __import__('a')", LAZY),
        ("import_module('.a', __name__)", GUARDED),
    ],
)  # fmt: skip
def test_when_an_import_is_executed(source: str, expected: When) -> None:
    assert when(source) == [expected]


def test_what_follows_a_raise_is_never_reached() -> None:
    assert when("import a\nraise ImportError\nimport b") == [INIT]


def test_modules_that_change_the_search_are_marked() -> None:
    assert read_imports(b"import sys\nsys.path.append('x')", (3, 13)).flags == Flag.PATH
    assert read_imports(b"sys.modules['a'] = b", (3, 13)).flags == Flag.MODULES


@pytest.mark.parametrize(
    "source",
    [
        b"import (",
        b"\0import a",
        b"\xff\xfe; import a",
        b"(" * 5000 + b"; import a",
        b"-" * 100_000 + b"1; import a",
        b"import a\n" + b"#" * LARGEST_SOURCE,
        b"1; import a\nx = [" + b"1," * 200_000 + b"]",
    ],
    ids=["syntax", "nul", "encoding", "brackets", "signs", "large", "dense"],
)
def test_a_text_that_cannot_be_parsed_is_unknown(source: bytes) -> None:
    facts = read_imports(source, (3, 13))
    assert facts.imports == ()
    assert facts.flags & Flag.UNKNOWN


def test_deep_blocks_are_read_without_recursion() -> None:
    chain = "if x: pass\n" + "elif x: pass\n" * 800 + "else:\n    import a\n"
    facts = read_imports(chain.encode(), (3, 13))
    # However deep this Python can follow.
    assert facts.flags & Flag.UNKNOWN or [each.when for each in facts.imports] == [GUARDED]
    joined = b"import a\nx = " + b" + ".join([b"1"] * 50_000)
    facts = read_imports(joined, (3, 13))
    assert facts.flags & Flag.UNKNOWN or len(facts.imports) == 1


@pytest.mark.parametrize(
    ("text", "python", "message"),
    [
        ("match 1:\n    case _: pass\n", (3, 9), "Pattern matching is only supported"),
        ("match 1:\n    case _: pass\n", (3, 10), None),
        ("def f() return 1\n", (3, 9), "expected ':'"),
        ("x = 1\n", (3, 9), None),
        # What comes later cannot be told from a mistake.
        ("def f() return 1\n", (3, 99), None),
    ],
)
def test_syntax_of_a_version(text: str, python: tuple[int, int], message: str | None) -> None:
    error = syntax_error(text.encode(), python)
    assert (error is None) if message is None else (error is not None and message in error.msg)
