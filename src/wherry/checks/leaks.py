"""Checks for secrets in the project's own files. Distributions are not looked at: what they hold was published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.checks.own_files import kind_of_secret
from wherry.checks.tokens import kind_of_token, line_of_secret
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        elif line := line_of_secret(content, python=name.endswith(".py")):
            yield _finding(
                subject,
                file,
                "warning",
                f"line {line} assigns a random text to a name that stands for a secret",
            )
        elif _DOTENV.fullmatch(name) and file.size:
            yield _finding(subject, file, "warning", "files of that name hold secrets or state")


def _in_text(name: str, content: bytes) -> str | None:
    if (kind := kind_of_token(content)) is not None:
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
