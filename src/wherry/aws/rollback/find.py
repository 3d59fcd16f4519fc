"""Finding the version to which a function goes back. Nothing is changed.

A published version of a function contains its code, its layers and its configuration, and none of them changes any
more. With an alias, going back is one call: the alias moves to the version before, and callers get all three as they
were. Without an alias callers get ``$LATEST``, which is not a version: it is given the code, layers, handler, runtime
and architecture of a version. All else that a version contains (variables, memory, role …) is not Wherry's to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.aws.history import AliasHistory
from wherry.aws.observe import layer_version, observe_functions
from wherry.errors import DeployError
from wherry.problems import Problems
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.aws.client import Client
    from wherry.aws.model import ObservedAlias, ObservedFunction, ObservedVersion, Snapshot

__all__ = ["Rollback", "Subject", "find_rollbacks"]


class Subject(Struct, frozen=True, kw_only=True):
    """A function that is to go back, with the alias that its callers use; None if they use ``$LATEST``."""

    name: str
    aws_name: str
    alias: str | None


class Rollback(Struct, frozen=True, kw_only=True):
    """The change that takes one function back.

    Attributes:
        alias: that moves; None if ``$LATEST`` is restored.
        was: the number of the version that callers get now; None for a ``$LATEST`` that was never published.
        to: the number of the version that they will get.
        published: the time when that version was published, as AWS tells it.
        changes: the differences for callers, each in a few words.
        stays: the other differences to that version, which are not restored.
        ends: versions that a canary gives a share of the calls, which ends.
        known: how it is known that callers had that version before; empty if it was named.
    """

    name: str
    aws_name: str
    alias: str | None
    was: int | None
    to: int
    published: str
    description: str
    changes: tuple[str, ...]
    target: Snapshot
    observed: ObservedFunction
    stays: tuple[str, ...] = ()
    ends: Mapping[int, float] = field(default_factory=dict)
    known: str = ""

    def __str__(self) -> str:
        what = f"alias `{self.alias}`" if self.alias is not None else "$LATEST"
        described = f" ({self.description})" if self.description else ""
        if self.was == self.to:
            canaries = ", ".join(f"version {number}" for number in self.ends)
            return f"{self.name}: {what} stays at version {self.to}{described}; {canaries} gets no calls"
        was = f"version {self.was}" if self.was is not None else "what was not published"
        changes = ", ".join(self.changes) or "nothing that was published"
        known = f" ({self.known})" if self.known else ""
        return (
            f"{self.name}: {what} from {was} back to version {self.to}{described}: {changes}{known}"
        )

    def document(self) -> dict[str, Any]:
        """The JSON document of one function."""
        return {
            "name": self.name,
            "aws_name": self.aws_name,
            "alias": self.alias,
            "was": self.was,
            "to": self.to,
            "published": self.published,
            "description": self.description,
            "changes": list(self.changes),
            "stays": list(self.stays),
            "ends": {str(number): share for number, share in self.ends.items()},
            "known": self.known,
        }


def find_rollbacks(
    subjects: Sequence[Subject], *, client: Client, to: int | None = None
) -> tuple[Rollback, ...]:
    """The changes that take functions back to a version, or the one before; functions that are there already have none.

    Raises:
        DeployError: a function has no version to go back to, or not that one, or cannot be restored. All
            problems are reported at once.
    """
    problems = Problems(DeployError, f"stage `{client.name}` cannot go back")
    observed = observe_functions([subject.aws_name for subject in subjects], client)
    rollbacks = []
    for subject in subjects:
        try:
            function = observed.functions.get(subject.aws_name)
            if function is None:
                raise DeployError(
                    f"`{subject.name}`: there is no function `{subject.aws_name}` in {client.region}",
                    hint="check that the stage's region, profile and names match AWS",
                )
            if subject.alias is None:
                rollback = _restore_latest(subject, function, to)
                if rollback is not None:
                    _require_layers(rollback, client)
            else:
                rollback = _move_alias(subject, function, subject.alias, to)
            if rollback is not None:
                rollbacks.append(rollback)
        except DeployError as refusal:
            problems.add(refusal.message, hint=refusal.hint)
    problems.raise_all()
    return tuple(rollbacks)


def _move_alias(
    subject: Subject, function: ObservedFunction, name: str, to: int | None
) -> Rollback | None:
    alias = function.alias(name)
    if alias is None:
        raise DeployError(
            f"`{subject.name}`: `{function.aws_name}` has no alias `{name}`",
            hint="`wherry deploy` creates the alias",
        )
    known = ""
    if to is None and alias.canaries:
        # The version of a canary did not run before: its share ends, and the alias stays where it is.
        target = _version(subject, function, alias.version)
    elif to is None:
        target, known = _version_before(subject, function, alias)
    else:
        target = _version(subject, function, to)
    if target.number == alias.version and not alias.canaries:
        return None
    now = function.version(alias.version)
    current = now.snapshot if now is not None else function.latest
    changes = [*_changes(current, target.snapshot)]
    if current.rest != target.snapshot.rest:
        changes.append("configuration")
    rollback = _rollback(subject, function, target, was=alias.version or None, changes=changes)
    return replace(rollback, known=known)


def _version_before(
    subject: Subject, function: ObservedFunction, alias: ObservedAlias
) -> tuple[ObservedVersion, str]:
    """The version that callers had before, never a rejected one, and how that is known."""
    history = AliasHistory.parse(alias.description)
    for number in history.before(alias.version):
        if (version := function.version(number)) is not None:
            return version, "as recorded in the alias"
    moving = [number for number in alias.weights if number < alias.version]
    for number in sorted(moving, reverse=True):
        if (version := function.version(number)) is not None:
            return version, "AWS is moving its calls from there"
    # Of a version that another alias stood at it is not known that this one did.
    others = _of_others(function, alias)
    older = [
        version
        for version in function.versions
        if not history.closed
        and version.number not in others
        and (not alias.version or version.number < alias.version)
        and version.number not in history.rejected
    ]
    if older:
        return older[-1], "by its number, because nothing is recorded"
    raise _nothing_before(
        subject,
        f"it stands at version {alias.version}, the "
        + ("first that it had" if history.closed else "oldest there is that was not rejected")
        if alias.version
        else "none was published",
        others=[version.number for version in function.versions if version.number != alias.version],
    )


def _of_others(function: ObservedFunction, alias: ObservedAlias) -> set[int]:
    """Versions that other aliases of the function stand at, or are recorded to have stood at."""
    others: set[int] = set()
    for other in function.aliases:
        if other.name != alias.name:
            history = AliasHistory.parse(other.description)
            others.update((other.version, *history.versions, *history.rejected))
    return others


def _restore_latest(
    subject: Subject, function: ObservedFunction, to: int | None
) -> Rollback | None:
    if function.package_type != "Zip":
        raise DeployError(
            f"`{subject.name}`: `{function.aws_name}` runs a container image",
            hint='only an alias of it could go back: give the stage one, alias = "live"',
        )
    latest = function.latest
    # Versions that differ only in what is not restored count as the same.
    same = [
        version.number
        for version in function.versions
        if not any(_changes(version.snapshot, latest))
    ]
    was = same[-1] if same else None
    if to is None and was is not None:
        older = (version.number for version in function.versions if version.number < was)
        to = max((number for number in older if number not in same), default=None)
        if to is None:
            raise _nothing_before(subject, f"version {was} is what $LATEST runs")
    if to is None:
        to = _half_way(function)
    if to is None and not function.versions:
        raise _nothing_before(subject, "none was published")
    target = function.versions[-1] if to is None else _version(subject, function, to)
    changes = [*_changes(latest, target.snapshot)]
    if not changes:
        return None
    return _rollback(subject, function, target, was=was, changes=changes)


def _half_way(function: ObservedFunction) -> int | None:
    """The older of two versions if ``$LATEST`` has the code of one and the configuration of the other, else None.

    So it is after an interruption on the way between them.
    """
    latest = function.latest
    code, configuration = (
        [
            version.number
            for version in function.versions
            if all(getattr(version.snapshot, part) == getattr(latest, part) for part in parts)
        ]
        for parts in (("code_sha256", "architecture"), ("layers", "handler", "runtime"))
    )
    return min(code[-1], configuration[-1]) if code and configuration else None


def _version(subject: Subject, function: ObservedFunction, number: int) -> ObservedVersion:
    version = function.version(number)
    if version is None:
        numbers = [str(version.number) for version in function.versions]
        shown = ", ".join(numbers[-10:]) if numbers else "none"
        raise DeployError(
            f"`{subject.name}`: `{function.aws_name}` has no version {number}",
            hint=f"`{subject.name}` has these: {'… ' if len(numbers) > 10 else ''}{shown}",
        )
    return version


def _nothing_before(subject: Subject, why: str, *, others: Sequence[int] = ()) -> DeployError:
    return DeployError(
        f"`{subject.name}`: there is no version to go back to: {why}",
        # A deployment of what an old version runs moves the alias to that old version.
        hint=f"`--to VERSION` goes to any: {', '.join(map(str, others[-10:]))}"
        if others
        else "versions are published by `wherry deploy` if the stage has `alias` or `publish`",
    )


def _rollback(
    subject: Subject,
    function: ObservedFunction,
    target: ObservedVersion,
    *,
    was: int | None,
    changes: Sequence[str],
) -> Rollback:
    alias = function.alias(subject.alias)
    stays: tuple[str, ...] = ()
    if alias is None and function.latest.rest != target.snapshot.rest:
        stays = ("variables, memory, timeout, role or other configuration",)
    return Rollback(
        name=subject.name,
        aws_name=subject.aws_name,
        alias=subject.alias,
        was=was,
        to=target.number,
        published=target.modified,
        description=target.description,
        changes=tuple(changes),
        stays=stays,
        ends=alias.canaries if alias is not None else {},
        target=target.snapshot,
        observed=function,
    )


def _changes(now: Snapshot, then: Snapshot) -> Iterator[str]:
    """The differences in all that can be restored."""
    if now.code_sha256 != then.code_sha256:
        yield "code"
    if now.layers != then.layers:
        yield "layers"
    if now.handler != then.handler:
        yield f"handler {now.handler} → {then.handler}"
    if now.runtime != then.runtime:
        yield f"runtime {now.runtime} → {then.runtime}"
    if now.architecture != then.architecture:
        yield f"architecture {now.architecture} → {then.architecture}"


def _require_layers(rollback: Rollback, client: Client) -> None:
    """Refuse deleted layers: a version keeps its layers after they are deleted, but ``$LATEST`` cannot get them."""
    if "layers" not in rollback.changes:
        return
    for arn in rollback.target.layers:
        assert isinstance(arn, str)  # noqa: S101  observed layers are published
        if layer_version(client, arn) is None:
            raise DeployError(
                f"`{rollback.name}`: version {rollback.to} has the layer version `{arn}`, which was deleted",
                hint="a function cannot be given a deleted layer: build and deploy that state of the project "
                "again;\nan alias could have gone back, because versions keep their layers",
            )
