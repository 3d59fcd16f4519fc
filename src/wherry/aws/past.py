"""The past of the aliases of a stage: which versions, since when, and with which package. Nothing is changed."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import to_builtins

from wherry.aws.history import AliasHistory
from wherry.aws.stage import StageOptions, observe_stage, read_stage
from wherry.errors import DeployError
from wherry.problems import Problems
from wherry.sizes import format_share
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wherry.aws.model import ObservedAlias, ObservedFunction

__all__ = ["FunctionHistory", "History", "PastVersion", "history"]


class PastVersion(Struct, frozen=True, kw_only=True):
    """A version of a function, as an alias had or has it.

    Attributes:
        version: the number; 0 for ``$LATEST``.
        status: ``current``, ``canary``, ``waiting`` (for its calls), ``moving`` (AWS moves calls away from it),
            ``before`` or ``rejected``.
        share: of the calls, between 0 and 1, that it gets now.
        since: the time when the alias moved there (ISO 8601); None if it is not known.
        published: the time when it was published, as AWS tells it; None if it was removed.
        description: of the version: the project and its version.
        code_sha256: of its package in base64; None if it was removed.
        layers: ARNs.
    """

    version: int
    status: str
    share: float
    since: str | None
    published: str | None
    description: str
    code_sha256: str | None
    layers: tuple[str, ...]

    def __str__(self) -> str:
        version = f"version {self.version}" if self.version else "$LATEST"
        status = {
            "current": f"{format_share(self.share)} of the calls",
            "canary": f"{format_share(self.share)} of the calls, a canary",
            "moving": f"{format_share(self.share)} of the calls, on the move",
            "waiting": "waits for its calls",
        }.get(self.status, self.status)
        if self.code_sha256 is None:
            return f"{version:<12}  removed since  {status}"
        time = self.since or self.published or ""
        when = f"{time[:16].replace('T', ' ')}{'' if self.since else '*'}" if time else "-"
        digest = base64.b64decode(self.code_sha256).hex()[:12]
        return f"{version:<12}  {when:<17}  sha256 {digest}  {self.description or '-'}  {status}"


class FunctionHistory(Struct, frozen=True, kw_only=True):
    """The versions of one function, the present ones first; without an alias, callers get ``$LATEST``."""

    name: str
    aws_name: str
    arn: str
    alias: str | None
    versions: tuple[PastVersion, ...]

    def lines(self) -> Iterator[str]:
        """The history for people."""
        what = f"alias {self.alias}" if self.alias is not None else "no alias: callers get $LATEST"
        yield f"{self.name} ({self.aws_name}), {what}"
        yield from (f"  {version}" for version in self.versions)


class History(Struct, frozen=True, kw_only=True):
    """The result of ``history``.

    Attributes:
        stage: its name.
        functions: one for each.
        calls: the operations that were called on AWS.
    """

    stage: str
    functions: tuple[FunctionHistory, ...]
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry history --json``."""
        return {
            "schema": 1,
            "stage": self.stage,
            "functions": [to_builtins(function) for function in self.functions],
        }

    def lines(self) -> Iterator[str]:
        """The history for people."""
        for function in self.functions:
            yield from function.lines()
        if any(
            version.since is None and version.published
            for function in self.functions
            for version in function.versions
        ):
            yield "* when it was published: when it got its calls is not recorded"


def history(project: Path | str = ".", stage: str = "", **options: Unpack[StageOptions]) -> History:
    """The past of the aliases of a stage.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        options: the functions, the settings and the reporter.

    Raises:
        DeployError: a function or an alias is missing.
        WherryError: the input is wrong, or AWS refused.
    """
    target = read_stage(project, stage, **options)
    client = target.client
    problems = Problems(DeployError, f"stage `{stage}` has no history yet")
    with client.explaining():
        running = observe_stage(target, problems)
    problems.raise_all()
    return History(
        stage=stage,
        functions=tuple(
            FunctionHistory(
                name=name,
                aws_name=function.aws_name,
                arn=function.arn,
                alias=None if alias is None else alias.name,
                versions=(_past(function, 0, "current", share=1.0),)
                if alias is None
                else tuple(_versions(function, alias)),
            )
            for name, (function, alias) in running.items()
        ),
        calls=tuple(client.calls),
    )


def _versions(function: ObservedFunction, alias: ObservedAlias) -> Iterator[PastVersion]:
    record = AliasHistory.parse(alias.description).at(alias.version)
    if record.waiting:
        yield _past(function, record.waiting, "waiting")
    for number, share in sorted(alias.weights.items(), reverse=True):
        status = "canary" if number in alias.canaries else "moving"
        yield _past(function, number, status, share=share)
    rest = 1 - sum(alias.weights.values())
    since = record.since(0)
    yield _past(
        function,
        alias.version,
        "current",
        share=round(rest, 4),
        since=since.isoformat() if since is not None else None,
    )
    for place, number in enumerate(record.versions):
        # Where it stands comes first, and a rejected one is told as such.
        if (place or number != alias.version) and number not in record.rejected:
            since = record.since(place)
            moved = since.isoformat() if since is not None else None
            yield _past(function, number, "before", since=moved)
    for number in record.rejected:
        yield _past(function, number, "rejected")


def _past(
    function: ObservedFunction,
    number: int,
    status: str,
    *,
    share: float = 0.0,
    since: str | None = None,
) -> PastVersion:
    version = function.version(number)
    snapshot = version.snapshot if version is not None else function.latest if not number else None
    return PastVersion(
        version=number,
        status=status,
        share=share,
        since=since,
        published=version.modified if version is not None else None,
        description=version.description if version is not None else "",
        code_sha256=snapshot.code_sha256 if snapshot is not None else None,
        layers=tuple(layer for layer in snapshot.layers if isinstance(layer, str))
        if snapshot is not None
        else (),
    )
