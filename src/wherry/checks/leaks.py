"""Checks for secrets in the project's own files. Distributions are not looked at: what they hold was published."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.checks.own_files import kind_of_secret
from wherry.contents.imports import parse_source
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wherry.checks.model import Finding, Severity, Subject
    from wherry.contents.model import File

__all__ = ["RULES", "find"]

RULES = (Rule("LEAK001", "a secret ships"),)

_LARGEST = 1 << 18
_TEXT = (".py", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".txt", ".sh", ".env")
_FOLDERS = {
    ".git": "a repository with all of its history",
    ".aws": "a folder with credentials of AWS",
}
_DOTENV = re.compile(r"\.env(?:\..+)?|.+\.env|.+\.tfstate(?:\..+)?|.+\.tfvars")
_CONFIGURATION = re.compile(
    r"(?:pip|uv|\.?condarc|\.?npmrc|requirements.*)(?:\.(?:conf|ini|toml|txt|in))?"
)
_WITH_PASSWORD = re.compile(rb"https?://[^/\s:@$'\"{]+:[^/\s@${}'\"]{3,}@")
_SECRET_KEY = re.compile(
    rb"(?i)aws_?secret_?access_?key[\"']?\]?\s*[:=]\s*[\"'](?![^\s\"']*EXAMPLE)[A-Za-z0-9/+]{40}[\"']"
)
_ACCESS_KEY = re.compile(rb"(?<![A-Z0-9])A(?:KI|SI)A[A-Z2-7]{16}(?![A-Z0-9])")
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


def find(subject: Subject) -> Iterator[Finding]:
    """Look for secrets by name and by content."""
    told: set[str] = set()
    for file in subject.contents.own_files:
        segments = file.path.split("/")
        folder = next((name for name in segments[:-1] if name in _FOLDERS), None)
        if folder is not None:
            if folder not in told:
                told.add(folder)
                yield _finding(subject, file, "error", f"it is in `{folder}/`, {_FOLDERS[folder]}")
            continue
        name = file.name.lower()
        try:
            kind, content = kind_of_secret(name, file.payload), b""
            if kind is None and name.endswith(_TEXT) and file.size <= _LARGEST:
                content = file.read(most=_LARGEST)
                kind = _in_text(name, content)
        except WherryError:
            continue
        if kind is not None:
            yield _finding(subject, file, "error", f"it holds a secret: {kind}")
        elif line := _line_of_secret(content, python=name.endswith(".py")):
            yield _finding(
                subject,
                file,
                "warning",
                f"line {line} assigns a random text to a name that stands for a secret",
            )
        elif _DOTENV.fullmatch(name) and file.size:
            yield _finding(subject, file, "warning", "files of that name hold secrets or state")


def _in_text(name: str, content: bytes) -> str | None:
    if (kind := _kind_of_token(content)) is not None:
        return kind
    if _SECRET_KEY.search(content):
        return "an AWS secret access key"
    if any(not match[0].endswith(b"EXAMPLE") for match in _ACCESS_KEY.finditer(content)):
        return "the id of an AWS access key"
    if _CONFIGURATION.fullmatch(name) and _WITH_PASSWORD.search(content):
        return "the address of an index with a password"
    return None


def _finding(subject: Subject, file: File, severity: Severity, message: str) -> Finding:
    return subject.finding(
        "LEAK001",
        severity,
        message,
        "leave it out, and replace what has leaked; functions get secrets from AWS Secrets Manager or variables",
        file=file,
    )


def _kind_of_token(content: bytes) -> str | None:
    """The token that a text holds, by the form that its issuer gives it; None if there is none."""
    for kind, pattern in _TOKENS.items():
        if any(not _PLACEHOLDER.search(match[0]) for match in pattern.finditer(content)):
            return kind
    return None


def _line_of_secret(content: bytes, *, python: bool) -> int:
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
