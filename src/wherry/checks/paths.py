"""Checks of paths: those of the machine that built the package, and files that code tries to write beside itself."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.contents.imports import parse_source
from wherry.contents.sources import source_of
from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Severity, Subject
    from wherry.contents.model import File

__all__ = ["RULES", "find"]

RULES = (
    Rule("PATH001", "a file names a path of the machine that built the package"),
    Rule("PATH002", "code writes into its own folder, which cannot be written on Lambda"),
)

_LARGEST = 1 << 16
_ABSOLUTE = re.compile(
    rb"^(/(?!var/task|opt/|usr/|bin/|var/lang)[^\n]+|[A-Za-z]:\\[^\n]+)$", re.MULTILINE
)
_SHEBANG = re.compile(
    rb"#!(/(?:home|Users|root|tmp|github|builds|private|opt/hostedtoolcache)/\S+)"
)
_EDITABLE = "it was installed as editable: its code is not in the package"
_WRITING = re.compile(r"[wax]|\+")


def find(subject: Subject) -> Iterator[Finding]:
    """Look at files that name paths, and at code that opens files."""
    for each in subject.contents.distributions:
        if each.local_source is not None:
            file = each.info["direct_url.json"]
            yield _of_builder(subject, file, "warning", f"it names `{each.local_source}`")
    for file in subject.contents.files.values():
        if file.name.endswith((".pth", ".egg-link")) and 0 < file.size <= _LARGEST:
            content = _content(file)
            if match := _ABSOLUTE.search(content):
                path = match[1].decode(errors="replace").strip()
                yield _of_builder(subject, file, "warning", f"{_EDITABLE} (`{path}`)")
            elif file.name.startswith("__editable__"):
                yield _of_builder(subject, file, "warning", _EDITABLE)
        elif (
            subject.strict
            and "/bin/" in file.place
            and "." not in file.name
            and (match := _SHEBANG.match(_content(file)))
        ):
            path = match[1].decode(errors="replace")
            yield _of_builder(subject, file, "note", f"it runs with `{path}`")
    yield from _writes(subject)


def _content(file: File) -> bytes:
    try:
        return file.head(_LARGEST)
    except WherryError:
        return b""


def _of_builder(subject: Subject, file: File, severity: Severity, message: str) -> Finding:
    return subject.finding(
        "PATH001",
        severity,
        message,
        "install from a wheel; packages that name no path are the same wherever they are built",
        file=file,
    )


def _writes(subject: Subject) -> Iterator[Finding]:
    contents = subject.contents
    files = [
        each.module.file
        for each in subject.graph.reached.values()
        if each.module.kind == "source" and each.module.file is not None
    ]
    sources = {
        file: source_of(file) or b"" for file in files if contents.owner_of(file.place) is None
    }
    if any(b"chdir" in source for source in sources.values()):
        # Relative paths then begin elsewhere.
        return
    for file, source in sources.items():
        if b"open" not in source and b"write_" not in source:
            continue
        tree = parse_source(source)
        for node in _executed(tree) if tree is not None else ():
            if isinstance(node, ast.Call) and (path := _written_path(node)) is not None:
                yield subject.finding(
                    "PATH002",
                    "warning",
                    f"it writes to {path}, and only `/tmp` can be written on Lambda",
                    "write to `/tmp`, such as with `tempfile`",
                    file=file,
                    line=node.lineno,
                )


def _executed(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a module but for what is executed only where it is run as a program."""
    for statement in tree.body:
        match statement:
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
                continue
        yield from ast.walk(statement)


def _written_path(call: ast.Call) -> str | None:
    """The path that a call writes to, if that is certain to lie in the function's folder."""
    match call.func:
        case ast.Name(id="open") if call.args:
            mode: ast.expr | None = call.args[1] if len(call.args) > 1 else None
            mode = next((one.value for one in call.keywords if one.arg == "mode"), mode)
            if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
                return _own_path(call.args[0]) if _WRITING.search(mode.value) else None
        case ast.Attribute(attr="write_text" | "write_bytes", value=target):
            return _own_path(target)
    return None


def _own_path(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(path)) if path and not path.startswith(("/", "\\\\")):
            return f"`{path}`"
        case ast.Call(func=ast.Name(id="Path"), args=[inner]):
            return _own_path(inner)
        case ast.BinOp(op=ast.Div(), left=left):
            return _own_path(left)
        case ast.Call(func=ast.Attribute(attr="join"), args=[first, *_]):
            return _own_path(first)
        case ast.Call(func=ast.Attribute(attr="dirname"), args=[inner]):
            return _own_path(inner)
        case ast.Attribute(attr="parent", value=inner):
            return _own_path(inner)
        case ast.Name(id="__file__"):
            return "the folder of the code"
    return None
