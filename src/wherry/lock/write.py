"""Writing ``pylock.toml`` for a project that has no lock."""

from __future__ import annotations

import dataclasses
from os.path import normpath, realpath, relpath
from typing import TYPE_CHECKING, Any

import tomli_w
from msgspec.structs import replace
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from wherry.errors import LockError, OutputError
from wherry.files import is_inside, reason_of
from wherry.indexes.redact import without_credentials
from wherry.lock.find import Choice, choose_declaration, choose_lock
from wherry.lock.formats import LockFormat
from wherry.lock.pylock import provenance
from wherry.lock.read import in_project, read_choice, tell_passed_over
from wherry.store.temporary import replace_file
from wherry.untrusted import file_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from packaging.pylock import Package, Pylock
    from packaging.utils import NormalizedName

    from wherry.context import Context
    from wherry.events import Event, Reporter
    from wherry.lock.model import Lock, LockRequest

__all__ = ["write_lock"]


def write_lock(request: LockRequest, context: Context, *, output: Path | None = None) -> Path:
    """Resolve what a project declares for the target, and write it as ``pylock.toml`` (PEP 751).

    The file is for this target alone, and says so. It holds no passwords. It is written as a whole or not at all. The
    request may name the file to resolve. Without ``output``, ``pylock.toml`` in the project's folder is written.

    Raises:
        ProjectError: there is no Python project.
        LockError: what it declares cannot be resolved, or another tool keeps its lock.
        OutputError: the file cannot be written.
    """
    request = in_project(request, context)
    path = output or request.root / "pylock.toml"
    choice = _choose(request, path, context)
    if choice.format.value.tool_made:
        raise LockError(f"`{choice.path.name}` is a lock already")
    reporter = _WithoutAdvice(context.reporter)
    lock = read_choice(choice, replace(request, refresh=True), replace(context, reporter=reporter))
    tell_passed_over(lock, request, context)
    _write(path, _document(lock, request, context, path.parent))
    return path


def _choose(request: LockRequest, path: Path, context: Context) -> Choice:
    """The file to resolve; a ``pylock.toml`` that is there is replaced."""
    if request.lock is None or path.absolute() == request.root / "pylock.toml":
        _refuse_second_lock(request.root, path)
    if request.lock is not None and (choice := choose_lock(request, context.files)):
        return choice
    requirements = request.root / "requirements.txt"
    if requirements.is_file():
        return Choice(path=requirements, format=LockFormat.REQUIREMENTS)
    return choose_declaration(request, context.files)


def _refuse_second_lock(root: Path, path: Path) -> None:
    """Refuse to write a lock beside that of another tool, from which it would soon differ."""
    for format_ in LockFormat:
        name, command = format_.value.filename, format_.value.command
        if command is not None and (root / name).is_file():
            raise LockError(
                f"the project has a lock, `{name}`",
                where=[f"{path.name} would be a second one"],
                hint=f"run `{command}` to bring it up to date",
            )


class _WithoutAdvice:
    """Passes events on, except the advice to run `wherry lock`."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def emit(self, event: Event) -> None:
        hint = getattr(event, "hint", None)
        if not (hint and "wherry lock" in hint):
            self._reporter.emit(event)


def _document(lock: Lock, request: LockRequest, context: Context, base: Path) -> dict[str, Any]:
    """The lock as a TOML document, relative to ``base``."""
    inputs = [path for path in lock.inputs if path.is_file()]
    environment = context.target.environment
    marker = Marker(
        " and ".join(
            f"{name} == '{environment[name]}'"
            for name in (
                "implementation_name",
                "platform_machine",
                "python_version",
                "sys_platform",
            )
        )
    )
    made_of = {"lock": _from(str(lock.path), str(base))} if request.lock is not None else {}
    pylock: Pylock = dataclasses.replace(
        lock.pylock,
        created_by="wherry",
        environments=[marker],
        # The groups and extras that were asked for are in the lock without conditions; it admits asking for them.
        extras=_names(request.extras),
        dependency_groups=_names(request.groups),
        default_groups=_names(request.groups),
        packages=[
            _portable(package, lock.base, base, request.root) for package in lock.pylock.packages
        ],
        tool={"wherry": provenance(inputs, base, context.files) | made_of},
    )
    return dict(pylock.to_dict())


def _names(given: Sequence[str]) -> list[NormalizedName] | None:
    return sorted({canonicalize_name(name) for name in given}) or None


def _portable(package: Package, before: Path, after: Path, root: Path) -> Package:
    """The package without secrets in its URLs, its paths and those of files in the project relative to the new lock."""

    def is_in(url: str) -> bool:
        return url[:5].lower() == "file:" and is_inside(file_path(url), root)

    def clean(source: Any) -> Any:
        if source is None:
            return None
        changes: dict[str, str | None] = {}
        url: str = getattr(source, "url", None) or ""
        if url:
            changes["url"] = without_credentials(url)
        if hasattr(source, "hashes") and is_in(url):
            changes |= {
                "url": None,
                "path": _from(realpath(file_path(url)), realpath(after)),
            }
        if getattr(source, "path", None):
            changes["path"] = _moved(source.path, before, after)
        return dataclasses.replace(source, **changes)

    sources = ("vcs", "directory", "archive", "sdist")
    return dataclasses.replace(
        package,
        **{kind: clean(getattr(package, kind)) for kind in sources},
        index=None
        if is_in(package.index or "")
        else package.index and without_credentials(package.index),
        wheels=[clean(wheel) for wheel in package.wheels] if package.wheels else None,
    )


def _moved(path: str, before: Path, after: Path) -> str:
    if before == after:
        return path
    return _from(normpath(before / path), str(after))


def _from(path: str, folder: str) -> str:
    return relpath(path, folder).replace("\\", "/")


def _write(path: Path, document: dict[str, Any]) -> None:
    text = "# Written by `wherry lock` for one target; write it again, don't edit it.\n"
    text += tomli_w.dumps(document)
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise OutputError(
            f"`{path.name}` cannot be written", where=[f"{path}: {reason_of(error)}"]
        ) from None
