"""The runtime of a project for which none was asked: the newest that the project's own files admit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.settings.runtime_hints import runtime_hints
from wherry.structs import Struct
from wherry.target import admits, newest_runtime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles
    from wherry.settings.runtime_hints import RuntimeHint
    from wherry.target import PythonRequirement, Runtime

__all__ = ["DefaultRuntime", "find_default"]


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
    unfit: list[RuntimeHint] = []
    for hint in runtime_hints(root, files):
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


def _reason(hint: RuntimeHint, runtime: Runtime) -> str:
    if hint.text in {runtime.name, runtime.python_version}:
        return f"`{hint.file}` names it"
    return f"the newest runtime that `{hint.file}` admits, which names {hint.text}"


def _passed_over(hints: list[RuntimeHint]) -> str:
    return "".join(
        f"; `{hint.file}` names {hint.text}, which is no runtime that the project admits"
        for hint in hints
    )
