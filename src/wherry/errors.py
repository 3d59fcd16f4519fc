"""The errors that Wherry raises.

Every error has a ``message`` that says what is wrong, ``where``, the chain of causes or details below it
(outermost first), and a ``hint`` that says what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.visible import Lines, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ArchiveError",
    "AwsError",
    "BuildError",
    "BundleError",
    "CheckError",
    "ConflictError",
    "ContainerError",
    "DeployError",
    "DigestError",
    "EntryPathError",
    "EventError",
    "FetchError",
    "FileChangedError",
    "HashMismatchError",
    "HookError",
    "IncompatibleError",
    "InvokeError",
    "LockError",
    "NoEngineError",
    "OutputError",
    "ProjectError",
    "QuotaError",
    "RejectedError",
    "SelectionError",
    "SettingsError",
    "StoreError",
    "TargetError",
    "ToolError",
    "WherryError",
]


class WherryError(Exception):
    """The user's input or the world is wrong; the command line exits with 1.

    Args:
        message: what is wrong, in one line, without a full stop at the end.
        where: the causes or details, outermost first; each becomes one line.
        hint: what the user can do about it.
    """

    def __init__(self, message: str, *, where: Iterable[str] = (), hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = tuple(where)
        self.hint = hint

    def __str__(self) -> str:
        """The message, its causes and the hint, on several lines."""
        lines = [visible(self.message)]
        for number, cause in enumerate(self.where, start=1):
            lines.append(f"  {'╰' if number == len(self.where) else '├'}─▶ {visible(cause)}")
        if self.hint:
            lines.append(f"hint: {visible(Lines(self.hint))}")
        return "\n".join(lines)


class SettingsError(WherryError):
    """``[tool.wherry]`` or ``wherry.toml`` is wrong."""


class ProjectError(WherryError):
    """There is no project, or it cannot be read."""


class TargetError(WherryError):
    """An unknown runtime or architecture, or one that the project excludes."""


class LockError(WherryError):
    """A lock is missing, unreadable, stale or of an unknown version."""


class SelectionError(WherryError):
    """No file of a locked distribution runs on the target."""


class FetchError(WherryError):
    """A file could not be fetched."""


class HashMismatchError(FetchError):
    """A fetched file has another hash than the lock recorded."""


class StoreError(WherryError):
    """The content-addressed store cannot be read or written."""


class BuildError(WherryError):
    """A source distribution or project could not be built into a wheel."""


class IncompatibleError(BuildError):
    """A wheel was built that does not run on the target."""


class ContainerError(WherryError):
    """A container engine failed."""


class NoEngineError(ContainerError):
    """There is no container engine, or it does not answer."""


class ToolError(WherryError):
    """A program that Wherry calls (uv, git) is missing or failed."""


class HookError(WherryError):
    """A command before or after bundling failed, or left files that cannot be packaged."""


class DigestError(WherryError):
    """The packages have no digest of their inputs, or have another one than was expected."""


class BundleError(WherryError):
    """Files cannot be put into a package."""


class EntryPathError(BundleError):
    """A path that is not allowed in a deployment package."""


class ConflictError(BundleError):
    """Two different files for one path."""


class ArchiveError(BundleError):
    """A wheel is not a valid zip archive."""


class QuotaError(WherryError):
    """A package is over one of AWS Lambda's quotas."""


class CheckError(WherryError):
    """A package would fail on AWS Lambda for certain."""


class OutputError(WherryError):
    """A deployment package, or a temporary file, could not be written."""


class FileChangedError(OutputError):
    """A file changed, or was removed, while it was being packaged."""


class InvokeError(WherryError):
    """A deployment package could not be run locally."""


class EventError(WherryError):
    """A sample event cannot be made as it was asked for."""


class DeployError(WherryError):
    """Packages cannot be deployed to AWS; nothing was changed."""


class RejectedError(WherryError):
    """A new version failed a test, or its canary was ended; callers have what they had before."""


class AwsError(WherryError):
    """AWS refused, or could not be reached.

    Args:
        message: what was being done.
        code: AWS's name of the error, such as ``AccessDeniedException``; empty if AWS was not reached.
        where: AWS's own message.
        hint: what the user can do about it.
    """

    def __init__(
        self, message: str, *, code: str = "", where: Iterable[str] = (), hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.code = code

    def with_more(self, *where: str, hint: str | None = None) -> AwsError:
        """The error with more causes, and with another hint if one is given."""
        return AwsError(
            self.message, code=self.code, where=(*self.where, *where), hint=hint or self.hint
        )

    @property
    def cause(self) -> str:
        """AWS's own message, else the message."""
        return self.where[0] if self.where else self.message
