"""Locking a project that has no lock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.events import SILENT, Note
from wherry.lock.model import LockRequest
from wherry.pipeline.attribution import Attribution
from wherry.pipeline.request import open_context, read_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.context import Context
    from wherry.events import Reporter
    from wherry.pipeline.options import BuildOptions
    from wherry.pipeline.request import BuildRequest
    from wherry.store import Store

__all__ = ["LockOptions", "lock", "lock_all"]


class LockOptions(TypedDict, total=False):
    """The options of locking; each as ``BuildOptions`` describes it.

    Attributes:
        lock: the file to resolve; by default Wherry looks for it.
        output: the file to write; by default ``pylock.toml`` in the project.
    """

    runtime: str | None
    architecture: str | None
    groups: Sequence[str]
    extras: Sequence[str]
    package: str | None
    lock: Path | str | None
    config: Path | str | None
    offline: bool
    output: Path | str | None


def lock(
    project: Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[LockOptions],
) -> Path:
    """Resolve what a project declares, for its target alone, and write ``pylock.toml`` (PEP 751).

    Functions and layers that are projects of their own are left out: lock them one by one, by their folders.

    Args:
        project: the project's folder.
        store: where files are kept; by default the user's.
        reporter: told what happens.
        options: what is asked, as ``LockOptions`` describes it.

    Returns:
        The file that was written.

    Raises:
        WherryError: the project cannot be resolved, is locked by another tool, or the file cannot be written.
    """
    from wherry.lock.write import write_lock

    request, context = _open(project, store, reporter, options)
    output = options.get("output") or Path(project) / "pylock.toml"
    return write_lock(_of_project(request, options, reporter), context, output=Path(output))


def lock_all(
    project: Path | str = ".",
    *,
    store: Store | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[LockOptions],
) -> tuple[Path, ...]:
    """Lock every project that packages of the settings need; arguments and errors are those of ``lock``.

    Those that are locked already are passed over with a note, unless all are.

    Returns:
        The files that were written.
    """
    from wherry.lock.find import choose_lock
    from wherry.lock.write import write_lock

    request, context = _open(project, store, reporter, options)
    asked: dict[str, LockRequest] = {}
    for key in request.supplies:
        if key.lock is None:
            each = request.lock_request(key)
            before = asked.get(key.project, each)
            asked[key.project] = replace(
                each,
                groups=tuple(dict.fromkeys((*before.groups, *each.groups))),
                extras=tuple(dict.fromkeys((*before.extras, *each.extras))),
            )
    if asked.keys() <= {"."}:
        asked["."] = _of_project(request, options, reporter)
    elif options.get("output"):
        raise SettingsError(
            "one file was named, and there are several projects to lock",
            where=[f"`{folder}`" for folder in asked],
            hint="leave out `--output`, or name one of them: --project DIR",
        )
    locked = {
        folder: choice.path
        for folder, each in asked.items()
        if len(asked) > 1
        and (choice := choose_lock(each, context.files)) is not None
        and choice.format.value.tool_made
        and choice.path.name != "pylock.toml"
    }
    if len(locked) == len(asked):
        locked = {}
    for folder, path in locked.items():
        reporter.emit(Note(text=f"`{folder}` has a lock already, `{path.name}`"))
    output = options.get("output")
    paths = []
    with Attribution(context) as named:
        for folder in [folder for folder in asked if folder not in locked]:
            path = Path(output) if output else Path(project) / folder / "pylock.toml"
            with named.project(folder) as own:
                paths.append(write_lock(asked[folder], own, output=path))
    return tuple(paths)


def _open(
    project: Path | str, store: Store | None, reporter: Reporter, options: LockOptions
) -> tuple[BuildRequest, Context]:
    of_build = {key: value for key, value in options.items() if key != "output"}
    # What the lock will hold is not known yet.
    request = replace(read_request(project, **cast("BuildOptions", of_build)), default_runtime=None)
    return request, open_context(request, store=store, reporter=reporter, doing="locking")


def _of_project(request: BuildRequest, options: LockOptions, reporter: Reporter) -> LockRequest:
    from wherry.lock.formats import format_of

    settings = request.settings
    lock = options.get("lock")
    if lock is None and settings.lock is not None:
        found = format_of(Path(settings.lock).name)
        # A lock that was made by a tool is what is written, and not what it is written from.
        if found is not None and not found.value.tool_made:
            lock = request.root / settings.lock
            text = f"`{settings.lock}` is resolved, which the settings name: builds read it until they name the new lock"
            reporter.emit(Note(text=text))
    return LockRequest(
        root=request.root,
        groups=tuple(dict.fromkeys((*settings.groups, *options.get("groups", ())))),
        extras=tuple(dict.fromkeys((*settings.extras, *options.get("extras", ())))),
        package=options.get("package"),
        lock=None if lock is None else Path(lock),
    )
