"""Secrets in texts: tokens that their issuers give a form of its own, and random texts under the names of secrets."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from wherry.contents.imports import parse_source

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["kind_of_token", "line_of_secret"]

# As the issuers document them.
_TOKENS: Mapping[str, re.Pattern[bytes]] = {
    "a token of GitHub": re.compile(rb"\b(?:gh[opsru]_\w{36}|github_pat_\w{60,})"),
    "a token of GitLab": re.compile(rb"\bglpat-[\w-]{20}"),
    "a token of PyPI": re.compile(rb"\bpypi-AgEIcHlwaS5vcmc[\w-]{50}"),
    "a token of npm": re.compile(rb"\bnpm_[A-Za-z0-9]{36}\b"),
    "a token of Slack": re.compile(rb"\bxox[abeoprs]-\d{9,}-[\w-]{20}"),
    "a key of Stripe": re.compile(rb"\b[rs]k_live_[A-Za-z0-9]{24}"),
    "a key of SendGrid": re.compile(rb"\bSG\.[\w-]{22}\.[\w-]{43}\b"),
}
_NAMED = re.compile(
    rb"(?i)(?:secret|token|passw(?:or)?d|passphrase|api_?-?key|(?:private|access|auth|signing|encryption)_?-?key)"
    rb"""[\w-]{0,40}["']?\]?[ \t]{0,8}(?::[ \t]{0,3}\w{1,20}[ \t]{0,3})?[:=][ \t]{0,8}b?["']([A-Za-z0-9+/=_-]{20,200})["']"""
)
_HEXADECIMAL = re.compile(rb"[0-9a-f]{32,}|[0-9A-F]{32,}")
_PLACEHOLDER = re.compile(
    rb"(?i)example|sample|placeholder|change|your|dummy|fake|test|todo|replace|insert|redacted|xxx|abc|123|0000"
)


def kind_of_token(content: bytes) -> str | None:
    """The token that a text holds, by the form that its issuer gives it; None if there is none."""
    for kind, pattern in _TOKENS.items():
        if any(not _PLACEHOLDER.search(match[0]) for match in pattern.finditer(content)):
            return kind
    return None


def line_of_secret(content: bytes, *, python: bool) -> int:
    """The line that gives a random text to a name such as ``api_key``; 0 if there is none.

    In the source code of Python, texts of several lines are documentation and the like.
    """
    lines = [
        content.count(b"\n", 0, match.start()) + 1
        for match in _NAMED.finditer(content)
        if _is_random(match[1])
    ]
    texts = _lines_of_texts(content) if lines and python else ()
    return next((line for line in lines if not any(line in text for text in texts)), 0)


def _lines_of_texts(source: bytes) -> list[range]:
    """The lines of each text of several lines; all lines of what is no Python."""
    tree = parse_source(source)
    if tree is None:
        return [range(1, source.count(b"\n") + 2)]
    return [
        range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and (node.end_lineno or node.lineno) > node.lineno
    ]


def _is_random(text: bytes) -> bool:
    """Whether a text looks drawn by chance: in words and names, letters of one kind and digits stay together."""
    if _PLACEHOLDER.search(text) or len(set(text)) < 12:
        return False
    kinds = [_kind(sign) for sign in text.rstrip(b"=")]
    changes = sum(one != other for one, other in pairwise(kinds))
    if _HEXADECIMAL.fullmatch(text):
        # By chance, every second sign is of the other kind than the one before.
        return changes >= 0.3 * len(kinds)
    return {"a", "A", "0"} <= set(kinds) and changes >= 0.42 * len(kinds)


def _kind(sign: int) -> str:
    if 48 <= sign < 58:
        return "0"
    return "A" if 65 <= sign < 91 else "a" if 97 <= sign < 123 else "-"
