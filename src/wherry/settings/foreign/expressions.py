"""Expressions in the source text of Python and TypeScript, as far as both write them alike; nothing of them is run.

Strings, names, attributes, calls, lists, objects and the operators ``+`` and ``/`` are understood, and keep what they
mean in either language. Everything else is passed over, and is None.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = [
    "Call",
    "Expression",
    "Items",
    "Joined",
    "Name",
    "Table",
    "Text",
    "Token",
    "read_expression",
    "tokenize",
]

_DEEPEST = 40
_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSED = frozenset(_OPEN.values())
_PREFIX = frozenset({"new", "await", "typeof"})
_COMMON = r"""
  |(?P<text>(?P<prefix>\b[rRbBuUfF]{1,2}(?=['"]))?(?:%s"(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?%s))
  |(?P<word>[A-Za-z_$][\w$]*+)
  |(?P<sign>\.\.\.|\*\*|=>|[=!<>]=+|\?\.|[^\s])
"""
_PYTHON = re.compile(
    r"(?P<space>(?:\s|\\\n|\#[^\n]*+)++)"
    + _COMMON % (r"\"\"\"(?:.*?\"\"\"|.*)|'''(?:.*?'''|.*)|", ""),
    re.VERBOSE | re.DOTALL,
)
_TYPESCRIPT = re.compile(
    r"(?P<space>(?:\s|//[^\n]*+|/\*(?:.*?\*/|.*))++)" + _COMMON % ("", r"|`(?:[^`\\]|\\.)*+`?"),
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """A part of the text.

    Attributes:
        kind: ``text`` (a string), ``word`` or ``sign``.
        text: as it is written; of a string, its content.
        line: the number of its line.
        has_holes: whether a string holds expressions: it is an f-string or a template.
        begins: whether it is the first of its line.
    """

    kind: str
    text: str
    line: int
    has_holes: bool = False
    begins: bool = False


class Text(NamedTuple):
    """A string; with ``has_holes``, its text holds expressions in braces."""

    value: str
    has_holes: bool


class Name(NamedTuple):
    """A name, or an attribute of what stands before its dot; ``of`` is None for a mere name."""

    name: str
    of: Expression


class Call(NamedTuple):
    """A call, with its arguments by position and by name."""

    function: Expression
    arguments: tuple[Expression, ...]
    named: Table


class Table(NamedTuple):
    """The keys and values of an object, a dictionary or arguments; ``spread`` are the tables that are taken over."""

    values: dict[str, Expression]
    spread: tuple[Expression, ...] = ()


class Items(NamedTuple):
    """A list."""

    items: tuple[Expression, ...]


class Joined(NamedTuple):
    """Two operands of ``+`` or ``/``."""

    operator: str
    left: Expression
    right: Expression


Expression = Text | Name | Call | Table | Items | Joined | None


def tokenize(text: str, *, python: bool) -> list[Token]:
    """The parts of a text, without comments. The time is linear in its length."""
    tokens: list[Token] = []
    line, position, begins = 1, 0, True
    pattern = _PYTHON if python else _TYPESCRIPT
    while (match := pattern.match(text, position)) is not None:
        position = match.end()
        whole = match[0]
        if match.lastgroup == "space":
            begins = begins or "\n" in whole
        elif match["text"] is not None:
            prefix = match["prefix"] or ""
            plain = whole[len(prefix) :]
            quote = plain[:3] if plain[:3] in {'"""', "'''"} and python else plain[0]
            content = plain[len(quote) :].removesuffix(quote)
            holes = "f" in prefix.lower() or quote == "`"
            tokens.append(Token("text", content, line, holes, begins))
            begins = False
        else:
            kind = "word" if match["word"] is not None else "sign"
            tokens.append(Token(kind, whole, line, begins=begins))
            begins = False
        line += whole.count("\n")
    return tokens


def read_expression(tokens: list[Token], start: int, depth: int = 0) -> tuple[Expression, int]:
    """The expression at a place, up to a comma, a closing bracket or the end; and the place after it.

    One that is not understood, or nested too deeply, is None.
    """
    value, place = _operand(tokens, start, depth)
    while place < len(tokens):
        token = tokens[place]
        if token.text in {"+", "/"} and token.kind == "sign":
            right, place = _operand(tokens, place + 1, depth)
            value = Joined(token.text, value, right)
        elif _ends(token) or (token.begins and token.kind != "sign"):
            break
        else:
            value, place = None, _rest(tokens, place)
    return value, place


def _operand(tokens: list[Token], place: int, depth: int) -> tuple[Expression, int]:
    """A string, name, list, object or bracket, with the attributes and calls after it."""
    while place < len(tokens) and tokens[place].text in _PREFIX:
        place += 1
    if place >= len(tokens) or _ends(tokens[place]) or depth > _DEEPEST:
        return None, _rest(tokens, place)
    token = tokens[place]
    value: Expression = None
    if token.kind == "text":
        value, place = Text(token.text, token.has_holes), place + 1
    elif token.kind == "word":
        value, place = Name(token.text, None), place + 1
    elif token.text == "{":
        value, place = _table(tokens, place + 1, depth + 1)
    elif token.text in _OPEN:
        items, _, place = _arguments(tokens, place + 1, depth + 1)
        value = Items(items) if token.text == "[" else items[0] if len(items) == 1 else None
    else:
        return None, place + 1
    while place < len(tokens):
        sign = tokens[place].text if tokens[place].kind == "sign" else ""
        if sign in {".", "?."} and place + 1 < len(tokens) and tokens[place + 1].kind == "word":
            value, place = Name(tokens[place + 1].text, value), place + 2
        elif sign == "!":
            place += 1
        elif sign == "(":
            arguments, named, place = _arguments(tokens, place + 1, depth + 1)
            value = Call(value, arguments, named)
        elif sign == "[":
            _, _, place = _arguments(tokens, place + 1, depth + 1)
            value = None
        else:
            break
    return value, place


def _arguments(
    tokens: list[Token], place: int, depth: int
) -> tuple[tuple[Expression, ...], Table, int]:
    """The arguments in brackets, by position and by name, and the place after the closing one."""
    items: list[Expression] = []
    named: dict[str, Expression] = {}
    spread: list[Expression] = []
    while place < len(tokens) and tokens[place].text not in _CLOSED:
        if tokens[place].kind == "sign" and tokens[place].text in {",", ";"}:
            place += 1
        elif tokens[place].text in {"**", "..."}:
            value, place = read_expression(tokens, place + 1, depth)
            spread.append(value)
        elif tokens[place].kind == "word" and _is(tokens, place + 1, "="):
            named[tokens[place].text], place = read_expression(tokens, place + 2, depth)
        else:
            value, place = read_expression(tokens, place, depth)
            items.append(value)
            if place < len(tokens) and not _ends(tokens[place]):
                place = _rest(tokens, place)
    return tuple(items), Table(named, tuple(spread)), place + 1


def _table(tokens: list[Token], place: int, depth: int) -> tuple[Table, int]:
    """An object or a dictionary, after its opening bracket."""
    values: dict[str, Expression] = {}
    spread: list[Expression] = []
    while place < len(tokens) and tokens[place].text not in _CLOSED:
        token = tokens[place]
        if token.text in {"**", "..."} and token.kind == "sign":
            value, place = read_expression(tokens, place + 1, depth)
            spread.append(value)
        elif token.kind != "sign" and _is(tokens, place + 1, ":"):
            values[token.text], place = read_expression(tokens, place + 2, depth)
        elif token.kind == "word" and (_is(tokens, place + 1, ",") or _is(tokens, place + 1, "}")):
            values[token.text], place = Name(token.text, None), place + 1
        place = _rest(tokens, place)
        place += _is(tokens, place, ",") or _is(tokens, place, ";")
    return Table(values, tuple(spread)), place + 1


def _rest(tokens: list[Token], place: int) -> int:
    """The place of the comma, closing bracket or semicolon that ends what begins at a place."""
    open_ = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "sign":
            if token.text in _OPEN:
                open_ += 1
            elif token.text in _CLOSED:
                if not open_:
                    break
                open_ -= 1
            elif not open_ and token.text in ",;":
                break
        place += 1
    return place


def _ends(token: Token) -> bool:
    return token.kind == "sign" and (token.text in _CLOSED or token.text in {",", ";"})


def _is(tokens: list[Token], place: int, sign: str) -> bool:
    return place < len(tokens) and tokens[place].kind == "sign" and tokens[place].text == sign
