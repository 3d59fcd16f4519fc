"""The runtime that the locks of a build admitted the last time, if none was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.target import RUNTIMES

if TYPE_CHECKING:
    from wherry.files import ProjectFiles
    from wherry.pipeline.memory import Memory
    from wherry.pipeline.request import BuildRequest
    from wherry.store import Store

__all__ = ["recall_target", "written_target"]


def recall_target(
    request: BuildRequest, memory: Memory, files: ProjectFiles
) -> BuildRequest | None:
    """The request for the runtime that its locks admitted the last time; None if they are not as they were.

    Args:
        request: what was asked, without a runtime.
        memory: of the request.
        files: read what the choice depended on.
    """
    settled = memory.recall_runtime(files)
    runtimes = {**RUNTIMES, **request.settings.runtimes}
    if settled is None or settled.name not in runtimes:
        return None
    target = replace(request.target, runtime=runtimes[settled.name])
    return replace(request, target=target, target_reason=settled.reason)


def written_target(request: BuildRequest, store: Store | None) -> BuildRequest:
    """The request for the runtime that its packages were written for, if none was asked for."""
    if request.default_runtime is None:
        return request
    from wherry.pipeline.memory import Memory
    from wherry.pipeline.request import open_context

    context = open_context(request, store=store)
    return recall_target(request, Memory(request, context), context.files) or request
