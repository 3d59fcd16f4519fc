"""The outline of a source text: its imports, and the headers of the blocks that they lie in.

To parse a whole text costs about ten times as much as to find the few lines that decide what it imports. The word
``import`` is a keyword, so that outside of strings and comments it is a statement each time, and a statement lies in
the last block before it that is indented less. What is written in a way that this does not foresee has no outline.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Outline", "outline_of"]

# Whatever a string holds is passed over; one that does not end takes the rest, so that a text is read once.
_QUOTED = (
    rb'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"""|\\?\Z)|"(?:[^"\\\n]++|\\.)*+"?'
    rb"|'''(?:[^'\\]++|\\.|'(?!''))*+(?:'''|\\?\Z)|'(?:[^'\\\n]++|\\.)*+'?"
)
_EVENT = re.compile(
    rb"^(?P<indent>[ \t]*+)(?P<word>import|from|if|elif|else|try|except|finally|with|for|while|match|case|def|class"
    rb"|async|raise)\b"
    rb"|(?P<inline>[;:][ \t]*+(?:\\\n[ \t]*+)?(?:import|from)\b)"
    rb"|#[^\n]*+|" + _QUOTED,
    re.DOTALL | re.MULTILINE,
)
_IMPORT = re.compile(
    # So many signs at most, as a text may hold many words that nothing follows.
    rb"(?:from(?:[ \t.\w\x80-\xff]|\\\n){1,300}?\bimport|import)\b"
    rb"(?:(?:[ \t]|\\\n)*+\((?:[^)#]++|#[^\n]*+)*+(?:\)[^\n]*+|\Z)|(?:[^\n\\#]++|\\\n?)*+)"
)
_PART = re.compile(rb"[()\[\]{}]|:(?!=)|#[^\n]*+|\\\n|\n|" + _QUOTED, re.DOTALL)
_JOINS = {b"elif", b"else", b"except", b"finally"}
# Blocks whose imports count alike whatever their header says.
_PLAIN = {
    b"else": b"else:",
    b"try": b"try:",
    b"finally": b"finally:",
    b"for": b"for _ in _:",
    b"while": b"while _:",
    b"match": b"match _:",
    b"case": b"case 0:",
    b"def": b"def _():",
    b"class": b"class _:",
}


class Outline(NamedTuple):
    """The outline of a text, which parses as the text itself does, and the number of the line that each line had."""

    text: bytes
    lines: tuple[int, ...]


class _Unforeseen(Exception):  # noqa: N818
    """A text is written in a way that has no outline."""


class _Clause:
    """A header with its block, as ``else:``, and the statement that it is part of."""

    __slots__ = ("indent", "kept", "start", "statement", "word")

    def __init__(self, word: bytes, start: int, indent: int, statement: list[_Clause]) -> None:
        self.word, self.start, self.indent, self.statement = word, start, indent, statement
        statement.append(self)
        self.kept = False
        """Whether something of its block is kept."""


def outline_of(source: bytes) -> Outline | None:
    """The outline of a text whose lines end with a line feed alone; None if it has none."""
    try:
        chunks = sorted(_chunks(source))
    except _Unforeseen:
        return None
    text: list[bytes] = []
    lines: list[int] = []
    position, line, end = 0, 1, -1
    for start, chunk, after in chunks:
        if start < end:
            # In a block that is kept as it is.
            continue
        line += source.count(b"\n", position, start)
        position, end = start, after
        text.append(chunk)
        lines += range(line, line + chunk.count(b"\n") + 1)
    return Outline(b"\n".join([*text, b""]), tuple(lines))


def _chunks(source: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The parts that are kept: where each begins, its text, and where it ends."""
    last = source.rfind(b"import")
    end = 0
    open_clauses: list[_Clause] = []
    needed: dict[int, list[_Clause]] = {}
    for event in _EVENT.finditer(source):
        if event.lastgroup is None or (start := event.start()) < end:
            continue
        if event.lastgroup == "inline":
            raise _Unforeseen
        indent, word = len(event["indent"]), event["word"]
        if start > last and not indent and word not in _JOINS:
            break
        if source.startswith(b"\\\n", start - 2) and start > 1:
            if word == b"import":
                raise _Unforeseen
            continue
        if word in {b"import", b"from"}:
            statement = _IMPORT.match(source, start + indent)
            if statement is None:
                continue
            end = statement.end()
            _close(open_clauses, indent)
            if indent and not open_clauses:
                raise _Unforeseen
            _keep(open_clauses, needed)
            yield start, source[start:end], end
        elif word == b"raise":
            if not indent:
                yield start, b"raise", start
        else:
            closed = _close(open_clauses, indent)
            joined = word in _JOINS and closed is not None and closed.indent == indent
            clause = _Clause(word, start, indent, closed.statement if joined and closed else [])
            open_clauses.append(clause)
    for statement_clauses in needed.values():
        for clause in statement_clauses:
            yield _header(source, clause)


def _close(clauses: list[_Clause], indent: int) -> _Clause | None:
    """Close the blocks that a line with that indentation ends; the last one."""
    closed = None
    while clauses and clauses[-1].indent >= indent:
        closed = clauses.pop()
    return closed


def _keep(clauses: list[_Clause], needed: dict[int, list[_Clause]]) -> None:
    """Keep the headers of the blocks that a statement lies in, with the other clauses of theirs."""
    for clause in reversed(clauses):
        if clause.kept:
            break
        clause.kept = True
        needed[id(clause.statement)] = clause.statement


def _header(source: bytes, clause: _Clause) -> tuple[int, bytes, int]:
    """The header of a clause, or all of a handler, for how it ends counts."""
    start, indent, word = clause.start, clause.indent, clause.word
    margin = source[start : start + indent]
    first = start + indent
    if word == b"async":
        word = source[first + 5 : first + 20].split(None, 1)[0].partition(b"(")[0]
        first = source.index(word, first + 5)
    if word == b"except":
        after = _block_end(source, _header_end(source, first), indent)
        return start, source[start:after].rstrip(), after
    header = _PLAIN.get(word)
    if header is None:
        header = source[first : _header_end(source, first)]
    return start, margin + header + (b"" if clause.kept else b" pass"), start


def _header_end(source: bytes, start: int) -> int:
    """Where the header of a block ends, after its colon."""
    depth = 0
    for part in _PART.finditer(source, start):
        sign = part[0]
        if sign in b"([{":
            depth += 1
        elif sign in b")]}":
            depth -= 1
        elif not depth and sign == b":":
            return part.end()
        elif not depth and sign == b"\n":
            break
    raise _Unforeseen


def _block_end(source: bytes, start: int, indent: int) -> int:
    """Where a block ends whose header is indented by so much: before the next line that is indented no more."""
    following = re.compile(rb"\n(?=[ \t]{0,%d}[^ \t\n#])" % indent).search(source, start)
    return len(source) if following is None else following.start()
