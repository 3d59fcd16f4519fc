"""Locking a project that has no lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

from wherry.events import SILENT
from wherry.pipeline.request import BuildOptions, open_context, read_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.events import Reporter
    from wherry.store import Store

__all__ = ["LockOptions", "lock"]


class LockOptions(TypedDict, total=False):
    """The options of locking; each as ``BuildOptions`` describes it.

    Attributes:
        output: the file to write; by default ``pylock.toml`` in the project.
    """

    runtime: str | None
    architecture: str | None
    groups: Sequence[str]
    extras: Sequence[str]
    package: str | None
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
    from wherry.lock.model import LockRequest
    from wherry.lock.write import write_lock

    output = options.get("output") or Path(project) / "pylock.toml"
    of_build = {key: value for key, value in options.items() if key != "output"}
    request = replace(read_request(project, **cast("BuildOptions", of_build)), default_runtime=None)
    context = open_context(request, store=store, reporter=reporter, doing="locking")
    settings = request.settings
    wanted = LockRequest(
        root=request.root,
        groups=tuple(dict.fromkeys((*settings.groups, *options.get("groups", ())))),
        extras=tuple(dict.fromkeys((*settings.extras, *options.get("extras", ())))),
        package=request.package,
    )
    return write_lock(wanted, context, output=Path(output))
