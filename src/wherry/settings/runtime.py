"""The runtime of a project for which none was asked: the newest that the project's own files admit."""

from __future__ import annotations

import codecs
import os
import re
from typing import TYPE_CHECKING

from wherry.structs import Struct
from wherry.target import Bounds, admits, newest_runtime, parse_requires_python

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.target import PythonRequirement, Runtime


__all__ = ["DefaultRuntime", "find_default"]

# A version by itself or after the name of CPython: `3.13`, `3.13.2`, `3.14-dev`, `3.13t`, `cpython-3.12.4-linux`.
_VERSION = re.compile(
    r"(?:(?:cpython|python)[-@]?)?(?P<major>\d{1,2})(?:\.(?P<minor>\d{1,3}))?(?![0-9]).*"
)
_SPECIFIERS = re.compile(r"(?:cpython)?[<>=!~].*")
# `Runtime: python3.12` of SAM, `runtime: python3.12` of Serverless, `"runtime": "python3.12"` of Zappa.
_RUNTIME = re.compile(rb"(?<![\w.-])[Rr]untime[\"']?[ \t]*[:=][ \t]*[\"']?python(3\.\d{1,3})\b")
_COMMENT = re.compile(rb"(?m)^[ \t]*#.*$")


class DefaultRuntime(Struct, frozen=True, kw_only=True):
    """The runtime that a project is built for if none is named.

    Attributes:
        reason: which of the project's files decided.
        others: the other runtimes that ``requires-python`` admits, newest first. One of them is used if the lock
            does not admit the first.
        hinted: whether a file names the runtime, so that it is no mere default.
    """

    runtime: Runtime
    reason: str
    others: tuple[Runtime, ...]
    hinted: bool = False


def find_default(
    root: Path,
    files: ProjectFiles,
    requires_python: PythonRequirement | None,
    *,
    text: str | None,
    runtimes: Mapping[str, Runtime],
) -> DefaultRuntime:
    """The newest runtime that ``requires-python`` admits, and the file that names one (``runtime_hints``).

    A file that names no such runtime is passed over, and named in the reason. ``text`` is ``requires-python`` as it is
    written.

    Raises:
        TargetError: ``requires-python`` admits no runtime.
    """
    newest = newest_runtime(requires_python, runtimes=runtimes)
    admitted = [
        runtime
        for runtime in sorted(runtimes.values(), key=lambda runtime: runtime.python, reverse=True)
        if requires_python is None or admits(requires_python, runtime)
    ]
    unfit: list[_RuntimeHint] = []
    for hint in _runtime_hints(root, files):
        for runtime in admitted:
            if admits(hint.requirement, runtime):
                others = tuple(other for other in admitted if other is not runtime)
                reason = _reason(hint, runtime) + _passed_over(unfit)
                return DefaultRuntime(runtime=runtime, reason=reason, others=others, hinted=True)
        unfit.append(hint)
    reason = "the newest runtime"
    if requires_python is not None:
        reason += f" that requires-python `{text}` admits"
    return DefaultRuntime(
        runtime=newest, reason=reason + _passed_over(unfit), others=tuple(admitted[1:])
    )


def _reason(hint: _RuntimeHint, runtime: Runtime) -> str:
    if hint.text in {runtime.name, runtime.python_version}:
        return f"`{hint.file}` names it"
    return f"the newest runtime that `{hint.file}` admits, which names {hint.text}"


def _passed_over(hints: list[_RuntimeHint]) -> str:
    return "".join(
        f"; `{hint.file}` names {hint.text}, which is no runtime that the project admits"
        for hint in hints
    )


class _RuntimeHint(Struct, frozen=True, kw_only=True):
    """A file that names a version of Python.

    Attributes:
        text: the version or versions, for messages.
    """

    file: str
    text: str
    requirement: PythonRequirement


def _runtime_hints(root: Path, files: ProjectFiles) -> Iterator[_RuntimeHint]:
    """The runtimes that files of the project name, the most decisive first.

    Settings of tools that deploy to AWS Lambda come before the versions that developers work with. A file counts for
    the folders below it too, up to the root of the repository or of the uv workspace.
    """
    folders = [root]
    for folder in root.parents:
        if any((folders[-1] / mark).exists() for mark in (".git", "uv.lock")):
            break
        folders.append(folder)
    else:
        # It lies in no repository: what is above has nothing to do with it.
        folders = [root]
    present = [(folder, _names(folder)) for folder in folders]
    for names, read in _READERS.items():
        for folder, held in present:
            for name in names:
                if name not in held:
                    continue
                try:
                    data = files.read(folder / name)
                except OSError:
                    continue
                if (hint := read(name, data)) is not None:
                    yield hint


def _names(folder: Path) -> Collection[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return ()


def _of_deployment(name: str, data: bytes) -> _RuntimeHint | None:
    """The runtimes that the settings of a tool for AWS Lambda name, without parsing them."""
    found = {match.decode() for match in _RUNTIME.findall(_COMMENT.sub(b"", data))}
    versions = sorted(found, key=lambda version: int(version[2:]))
    if not versions:
        return None
    names = ", ".join(f"python{version}" for version in versions)
    return _RuntimeHint(file=name, text=names, requirement=_AnyOf(frozenset(versions)))


def _of_versions(name: str, data: bytes) -> _RuntimeHint | None:
    """The first version of Python in a file with a version or specifiers on each line."""
    for line in _lines(data):
        if _SPECIFIERS.fullmatch(line):
            text = line.removeprefix("cpython")
            try:
                return _RuntimeHint(file=name, text=text, requirement=parse_requires_python(text))
            except ValueError:
                continue
        for word in line.split():
            if (hint := _of_version(name, word)) is not None:
                return hint
    return None


def _of_tool_versions(name: str, data: bytes) -> _RuntimeHint | None:
    """The version of Python in a file with a tool and its versions on each line."""
    for line in _lines(data):
        tool, *versions = line.split()
        if tool == "python":
            hints = (_of_version(name, version) for version in versions)
            return next((hint for hint in hints if hint is not None), None)
    return None


def _of_version(name: str, word: str) -> _RuntimeHint | None:
    match = _VERSION.fullmatch(word)
    if match is None:
        return None
    major, minor = int(match["major"]), match["minor"]
    if minor is None:
        text, lowest, ceiling = f"{major}", (major, 0), (major + 1, 0)
    else:
        text, lowest, ceiling = f"{major}.{minor}", (major, int(minor)), (major, int(minor) + 1)
    return _RuntimeHint(file=name, text=text, requirement=Bounds(text, lowest, ceiling))


def _lines(data: bytes) -> Iterator[str]:
    """The lines without comments; PowerShell writes UTF-16."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if utf16 else "utf-8-sig", "replace")
    for line in text.splitlines():
        if stripped := line.partition("#")[0].strip():
            yield stripped


class _AnyOf(Struct, frozen=True):
    """One of several versions, each a major and a minor one."""

    versions: frozenset[str]

    def contains(self, version: str, *, prereleases: bool | None = None) -> bool:  # noqa: ARG002
        """Whether a release, such as ``3.13.0``, is of one of these versions."""
        return version.rpartition(".")[0] in self.versions


_READERS: Mapping[tuple[str, ...], Callable[[str, bytes], _RuntimeHint | None]] = {
    (
        "template.yaml",
        "template.yml",
        "serverless.yml",
        "serverless.yaml",
        "zappa_settings.json",
        "zappa_settings.toml",
        "zappa_settings.yaml",
        "zappa_settings.yml",
    ): _of_deployment,
    (".python-version", ".python-versions"): _of_versions,
    (".tool-versions",): _of_tool_versions,
    ("runtime.txt",): _of_versions,
}
"""The readers of files, by their names; the first that names a runtime decides."""
