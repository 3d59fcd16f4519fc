"""Reading the lock of a project, in any format."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from wherry.errors import LockError, ProjectError
from wherry.events import SILENT, LockRead, Note, Warned
from wherry.files import real_path
from wherry.indexes.redact import redact
from wherry.lock.declared import installs_by_setup
from wherry.lock.document import is_path
from wherry.lock.find import choose_declaration, choose_lock
from wherry.lock.formats import LockFormat
from wherry.sizes import first_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from packaging.pylock import Package

    from wherry.context import Context
    from wherry.lock.find import Choice
    from wherry.lock.model import Lock, LockRequest
    from wherry.target import Target

    Reader: TypeAlias = Callable[[Path, LockRequest, Context], Lock]

__all__ = ["in_project", "read_choice", "read_lock", "tell_passed_over"]


def read_lock(request: LockRequest, context: Context) -> Lock:
    """Find a project's lock and read it as PEP 751 has it; resolve, with a warning, where there is none.

    The reporter is told which lock was chosen, and why.

    Raises:
        ProjectError: there is no Python project.
        LockError: the lock is unreadable, stale, of an unknown version, lacks what was asked for, or there are
            two that disagree.
        TargetError: the project is not for the target's Python.
        FetchError: an index had to be asked for the files of a lock, and does not answer.
        ToolError: uv is missing.
    """
    from time import perf_counter

    from wherry.lock.assemble import check_python
    from wherry.lock.uv.local import enclosing_workspace

    began = perf_counter()
    request = in_project(request, context)
    choice = choose_lock(request, context.files) or choose_declaration(request, context.files)
    for remark in choice.remarks:
        context.reporter.emit(remark)
    if request.frozen and not choice.format.value.locked:
        raise LockError(
            "there is no lock that could be built as it is",
            where=[f"{choice.path}: this is resolved for every build"],
            hint="write a lock with `wherry lock`, or leave out `--frozen`",
        )
    if choice.rivals:
        lock = _read_several(choice, request, context)
    else:
        lock = read_choice(choice, request, context)
    if request.package is not None and lock.format is not LockFormat.UV:
        if enclosing_workspace(request.root, context.files) is not None:
            raise LockError(
                "the workspace has no `uv.lock`",
                where=[f"`{lock.path.name}` was read, which knows no members"],
                hint="run `uv lock`, or name the member's folder with `--project`",
            )
        raise LockError(
            f"`{lock.path.name}` has no member `{request.package}`",
            where=["of the locks, only `uv.lock` knows workspaces"],
            hint="name the member's folder with `--project`",
        )
    check_python(lock.pylock.requires_python, context.target, lock.path)
    # Of a folder without a lock and without dependencies there is nothing to report, nor of what ships nowhere.
    if lock.format is not LockFormat.NONE and request.wanted:
        context.reporter.emit(
            LockRead(
                path=lock.path,
                packages=len(lock.pylock.packages),
                seconds=perf_counter() - began,
                locked=lock.format.value.locked,
            )
        )
    # Once, however many groups are read for functions of their own.
    asked = bool(request.groups or request.extras)
    warned = request.wanted and context.files.once(
        ("passed over", request.root, asked), lambda: tell_passed_over(lock, request, context)
    )
    # What is warned of is said of every build, until something is installed.
    return replace(lock, stable=False) if warned and not lock.pylock.packages else lock


def tell_passed_over(lock: Lock, request: LockRequest, context: Context) -> bool:
    """Report what was passed over; whether any of it is worth a warning."""
    from wherry.lock.passed_over import passed_over

    remarks = list(passed_over(lock, request, context))
    for remark in remarks:
        context.reporter.emit(remark)
    return any(isinstance(remark, Warned) for remark in remarks)


def in_project(request: LockRequest, context: Context) -> LockRequest:
    """The request with the absolute path of the project, whose indexes the network learns.

    Raises:
        ProjectError: there is no such folder.
    """
    # Absolute, so that a result does not depend on the working folder; links stay as they are.
    root = request.root.absolute()
    if not is_path(str(root)) or not root.is_dir():
        raise ProjectError("there is no such project", where=[f"{root} is not a folder"])
    context.network.consult(root)
    return replace(request, root=root)


def read_choice(choice: Choice, request: LockRequest, context: Context) -> Lock:
    """Read a file by the reader of its format; errors as the reader."""
    from importlib import import_module

    module, _, function = choice.format.value.reader.partition(":")
    reader = cast("Reader", getattr(import_module(f"wherry.lock.{module}"), function))
    try:
        lock = reader(choice.path, request, context)
    except (ValueError, RecursionError, OverflowError) as error:
        # Of a library that was given what it does not expect.
        raise LockError(
            f"`{choice.path.name}` cannot be read",
            where=[redact(f"{choice.path}: {str(error) or type(error).__name__:.300}")],
        ) from error
    return _without_project(replace(lock, format=choice.format), context)


def _without_project(lock: Lock, context: Context) -> Lock:
    """The lock without the entries of the project itself, whose code is packaged from its sources."""
    root = real_path(lock.member)

    def is_project(package: Package) -> bool:
        directory = package.directory
        if directory is None:
            return False
        try:
            return real_path(lock.base / directory.path / (directory.subdirectory or "")) == root
        except (OSError, ValueError, RuntimeError):
            return False

    own = [package for package in lock.pylock.packages if is_project(package)]
    packages = [package for package in lock.pylock.packages if package not in own]
    installed = any(map(lock.applies_to(context.target), own))
    return replace(
        lock,
        pylock=dataclasses.replace(lock.pylock, packages=packages),
        # Without a build system and without a `src` folder, its files are at their places as they are.
        installs_project=(lock.installs_project or installed)
        and (installs_by_setup(root, context.files) or (root / "src").is_dir()),
    )


def _read_several(choice: Choice, request: LockRequest, context: Context) -> Lock:
    """The first of several locks, which must agree."""
    choices = (choice, *choice.rivals)
    names = ", ".join(f"`{each.path.name}`" for each in choices)
    hint = f"name one, such as `--lock {choice.path.name}`"
    locks = []
    for each in choices:
        try:
            locks.append(read_choice(each, request, replace(context, reporter=SILENT)))
        except LockError as error:
            raise LockError(
                f"there are several locks, {names}, and they cannot be compared",
                where=[error.message, *error.where],
                hint=hint,
            ) from None
    first = locks[0]
    for other in locks[1:]:
        if differences := _differences(first, other, context.target):
            raise LockError(
                f"`{first.path.name}` and `{other.path.name}` disagree",
                where=differences,
                hint=hint,
            )
    context.reporter.emit(Note(text=f"of {names}, which agree, `{first.path.name}` is used"))
    return first


def _versions(lock: Lock, target: Target) -> dict[str, str | None]:
    """The versions that the target gets, by name; None where the lock records none, as of folders."""
    return {
        package.name: str(package.version) if package.version else None
        for package in filter(lock.applies_to(target), lock.pylock.packages)
    }


def _differences(one: Lock, other: Lock, target: Target) -> list[str]:
    """The differences between two locks, in at most six lines."""
    versions = [_versions(lock, target) for lock in (one, other)]
    lines = []
    for name in sorted({*versions[0], *versions[1]}):
        if all(name in locked for locked in versions):
            first, second = (locked[name] for locked in versions)
            if first == second or None in (first, second):
                continue
        held = [(locked[name] or "it") if name in locked else "nothing" for locked in versions]
        lines.append(f"`{name}`: {one.path.name} has {held[0]}, {other.path.name} has {held[1]}")
    return first_lines(lines, 5)
