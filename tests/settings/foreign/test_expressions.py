"""Expressions of Python and TypeScript."""

from __future__ import annotations

import time

import pytest

from wherry.settings.foreign.expressions import (
    Call,
    Expression,
    Items,
    Joined,
    Name,
    Table,
    Text,
    read_expression,
    tokenize,
)


def read(text: str, *, python: bool) -> Expression:
    return read_expression(tokenize(text, python=python), 0)[0]


NOTHING = Table({})
BOTH = (True, False)


@pytest.mark.parametrize("python", BOTH)
def test_what_both_languages_have(python: bool) -> None:
    """A call with a path, names, a list and an object."""
    call = read("f.g(a, 'x', [b, \"y\"], {'k': c.d, \"l\": 5}) + 'z'", python=python)
    assert call == Joined(
        "+",
        Call(
            Name("g", Name("f", None)),
            (
                Name("a", None),
                Text("x", has_holes=False),
                Items((Name("b", None), Text("y", has_holes=False))),
                Table({"k": Name("d", Name("c", None)), "l": None}),
            ),
            NOTHING,
        ),
        Text("z", has_holes=False),
    )


def test_python() -> None:
    """Arguments by name, comments, long strings and f-strings; what is not understood is passed over."""
    text = '''f(a="""x
y""",  # b="no",
  c=f"{d}/e", **common, g=1 if h else 2, i=lambda: (1, 2), j=[k for k in l], m=n)
later(o="p")'''
    assert read(text, python=True) == Call(
        Name("f", None),
        (),
        Table(
            {
                "a": Text("x\ny", has_holes=False),
                "c": Text("{d}/e", has_holes=True),
                "g": None,
                "i": None,
                "j": Items((None,)),
                "m": Name("n", None),
            },
            (Name("common", None),),
        ),
    )


def test_typescript() -> None:
    """Objects with short, spread and computed keys, templates, comments, and functions that are passed over."""
    text = """new a.F(this, `x${y}`, { // b: 'no',
      b, /* c: 'no', */ ...common, [d]: 'e', f: () => { return { g: 'h' }; }, i: j!.k, l: m ? 'n' : 'o', p: 'q' })"""
    assert read(text, python=False) == Call(
        Name("F", Name("a", None)),
        (
            Name("this", None),
            Text("x${y}", has_holes=True),
            Table(
                {
                    "b": Name("b", None),
                    "f": None,
                    "i": Name("k", Name("j", None)),
                    "l": None,
                    "p": Text("q", has_holes=False),
                },
                (Name("common", None),),
            ),
        ),
        NOTHING,
    )


@pytest.mark.parametrize("python", BOTH)
@pytest.mark.parametrize(
    "part",
    ["/*", '"""', "'''", "`", "'", "(", "[{", "{a:", "a.", "a+", "f(", "f(a=", ";", "(;", "{;", "...", ")", "\\", "#"],
)  # fmt: skip
def test_strange_texts(part: str, python: bool) -> None:
    """They end, in a time that grows with their length."""
    began = time.process_time()
    tokens = tokenize(part * 4_000, python=python)
    place = 0
    while place < len(tokens):
        place = read_expression(tokens, place)[1] + 1
    assert time.process_time() - began < 5
