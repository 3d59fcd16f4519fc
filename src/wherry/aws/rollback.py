"""Going back to what ran before.

A published version of a function holds its code, its layers and its configuration, and none of them changes any
more. With an alias going back is one call: the alias stands at the version before, and callers get all three as
they were. Without an alias callers get ``$LATEST``, which is not a version: it is given the code, layers, handler,
runtime and architecture of one again. Everything else that a version freezes (variables, memory, role …) is
somebody else's business and stays as it is.
"""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from wherry.aws.apply import apply
from wherry.aws.live import download
from wherry.aws.model import (
    DesiredFunction,
    FunctionPlan,
    MoveAlias,
    Plan,
    UpdateCode,
    UpdateConfiguration,
    layer_of_arn,
    version_of_arn,
)
from wherry.aws.observe import observe_function
from wherry.aws.refusal import refusing
from wherry.errors import AwsError, DeployError, FetchError
from wherry.events import SILENT
from wherry.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.aws.cloud import Cloud
    from wherry.aws.model import Action, ObservedAlias, ObservedFunction, ObservedVersion, Snapshot
    from wherry.events import Reporter

__all__ = ["Rollback", "Subject", "find_rollbacks", "roll_back"]

_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A function that is to go back.

    Attributes:
        name: in the settings.
        aws_name: on AWS: a name, or an ARN.
        alias: that its callers use; None when they use ``$LATEST``.
    """

    name: str
    aws_name: str
    alias: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollback:
    """What going back does to one function.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        alias: that moves; None when ``$LATEST`` is restored.
        was: the number of the version that callers get now; None for a ``$LATEST`` that was never published.
        to: the number of the version that they will get.
        published: when that version was, as AWS tells it.
        description: of that version.
        changes: what callers will see changed, each in a few words.
        stays: what was otherwise in that version, and stays as it is now.
        ends: versions that a canary gives a share of the calls, which ends.
        target: what the version runs.
        observed: the function as it was.
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

    def __str__(self) -> str:
        what = f"alias `{self.alias}`" if self.alias is not None else "$LATEST"
        described = f" ({self.description})" if self.description else ""
        if self.was == self.to:
            shares = ", ".join(f"version {each}" for each in self.ends)
            return (
                f"{self.name}: {what} stays at version {self.to}{described}; {shares} gets no calls"
            )
        was = f"version {self.was}" if self.was is not None else "what was not published"
        changes = ", ".join(self.changes) or "nothing that was published"
        return f"{self.name}: {what} from {was} back to version {self.to}{described}: {changes}"

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
        }


def find_rollbacks(
    subjects: Sequence[Subject], *, cloud: Cloud, to: int | None = None
) -> tuple[Rollback, ...]:
    """What going back would do; nothing is changed.

    Args:
        subjects: the functions.
        cloud: the way to AWS.
        to: the version to go to; None for the one before.

    Raises:
        DeployError: a function has no version to go back to, or not that one, or cannot be restored. All of
            them are told at once.
        AwsError: AWS refused, or could not be reached.
    """
    found = []
    refusals: list[_Refusal] = []
    # Made here once: the first look at credentials would otherwise be taken by every thread.
    _ = cloud.functions
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="observe") as pool:
        there = list(
            pool.map(lambda each: observe_function(cloud, each.aws_name, versions=True), subjects)
        )
    for subject, function in zip(subjects, there, strict=True):
        try:
            if function is None:
                raise _Refusal(
                    f"`{subject.name}`: there is no function `{subject.aws_name}` in {cloud.region}",
                    "see that the stage's region, profile and names are those of what is on AWS",
                )
            rollback = _find(subject, function, to)
            if rollback is not None:
                if rollback.alias is None:
                    _require_layers(rollback, cloud)
                found.append(rollback)
        except _Refusal as refusal:
            refusals.append(refusal)
    if refusals:
        raise DeployError(
            f"stage `{cloud.name}` cannot go back",
            where=[refusal.what for refusal in refusals],
            hint="\n".join(dict.fromkeys(refusal.hint for refusal in refusals)),
        )
    return tuple(found)


def roll_back(
    rollbacks: Sequence[Rollback],
    *,
    cloud: Cloud,
    quota: int = DIRECT_UPLOAD,
    reporter: Reporter = SILENT,
) -> None:
    """Go back. Each function is guarded against what somebody else has changed since it was looked at.

    Args:
        rollbacks: of ``find_rollbacks``.
        cloud: to call.
        quota: bytes of a package that goes along with a call.
        reporter: hears of every step.

    Raises:
        AwsError: AWS refused, or could not be reached. What was done stays done.
        DeployError: the code of a version is too big to be sent without a bucket; nothing was changed.
        FetchError: the code of a version could not be fetched; nothing was changed.
    """
    with TemporaryDirectory(prefix="wherry-rollback-") as folder:
        codes = [_code(each, cloud, Path(folder)) for each in rollbacks]
        if cloud.stage.bucket is None:
            _require_small(rollbacks, codes, quota, cloud)
        functions = tuple(map(_plan, rollbacks, codes))
        plan = Plan(stage=cloud.name, functions=functions)
        apply(plan, cloud, quota=quota, reporter=reporter)


def _require_small(
    rollbacks: Sequence[Rollback], codes: Sequence[Path | None], quota: int, cloud: Cloud
) -> None:
    """Refuse what goes through a bucket alone, before anything is changed."""
    big = [
        f"the code of version {each.to} of `{each.name}` has {size / 2**20:,.1f} MiB"
        for each, path in zip(rollbacks, codes, strict=True)
        if path is not None and (size := path.stat().st_size) > quota
    ]
    if big:
        raise DeployError(
            f"stage `{cloud.name}` cannot go back",
            where=[*big, f"a direct upload takes {quota / 2**20:,.1f} MiB"],
            hint=f'give it a bucket: [tool.wherry.stages.{cloud.name}] bucket = "s3://…"',
        )


class _Refusal(Exception):  # noqa: N818  collected, and told together
    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def _find(subject: Subject, function: ObservedFunction, to: int | None) -> Rollback | None:
    """What going back does to a function; None when it is there already."""
    if subject.alias is None:
        return _find_latest(subject, function, to)
    alias = function.alias(subject.alias)
    if alias is None:
        raise _Refusal(
            f"`{subject.name}`: `{function.aws_name}` has no alias `{subject.alias}`",
            "`wherry deploy` makes the alias",
        )
    # What a canary tries is not what ran before: its share ends, and the alias stays where it is.
    if to is None and alias.weights:
        target = _version(subject, function, alias.version)
    else:
        target = _chosen(subject, function, to, below=alias.version)
    if target.number == alias.version and not alias.weights:
        return None
    now = function.version(alias.version)
    current = now.snapshot if now is not None else function.latest
    return _rollback(
        subject, function, target, was=alias.version or None, current=current, alias=alias
    )


def _find_latest(subject: Subject, function: ObservedFunction, to: int | None) -> Rollback | None:
    if function.package_type != "Zip":
        raise _Refusal(
            f"`{subject.name}`: `{function.aws_name}` is made of a container image",
            'only its alias could go back: give the stage one, alias = "live"',
        )
    latest = function.latest
    same = [one for one in function.versions if _same(one.snapshot, latest)]
    was = same[-1].number if same else None
    if to is None and was is not None:
        # Versions that only differ in what is not restored would change nothing.
        others = [
            one.number
            for one in function.versions
            if one.number < was and not _same(one.snapshot, latest)
        ]
        to = max(others, default=None)
        if to is None:
            raise _nothing_before(subject, f"version {was} is what $LATEST runs")
    target = _chosen(subject, function, to, below=None)
    if _same(target.snapshot, latest):
        return None
    return _rollback(subject, function, target, was=was, current=latest, alias=None)


def _chosen(
    subject: Subject, function: ObservedFunction, to: int | None, *, below: int | None
) -> ObservedVersion:
    if to is not None:
        return _version(subject, function, to)
    before = [one for one in function.versions if not below or one.number < below]
    if not before:
        raise _nothing_before(
            subject,
            f"it stands at version {below}, the oldest there is" if below else "none was published",
            others=[one.number for one in function.versions if one.number != below],
        )
    return before[-1]


def _version(subject: Subject, function: ObservedFunction, number: int) -> ObservedVersion:
    found = function.version(number)
    if found is None:
        numbers = [one.number for one in function.versions]
        there = ", ".join(map(str, numbers[-10:])) if numbers else "none"
        raise _Refusal(
            f"`{subject.name}`: `{function.aws_name}` has no version {number}",
            f"`{subject.name}` has these: {'… ' if len(numbers) > 10 else ''}{there}",
        )
    return found


def _nothing_before(subject: Subject, why: str, *, others: Sequence[int] = ()) -> _Refusal:
    return _Refusal(
        f"`{subject.name}`: there is no version to go back to: {why}",
        # A deployment of what an old version runs lets the alias stand at that old version again.
        f"`--to VERSION` goes to any: {', '.join(map(str, others[-10:]))}"
        if others
        else "versions are published by `wherry deploy` where the stage says `alias` or `publish`",
    )


def _rollback(
    subject: Subject,
    function: ObservedFunction,
    target: ObservedVersion,
    *,
    was: int | None,
    current: Snapshot,
    alias: ObservedAlias | None,
) -> Rollback:
    changes = list(_changes(current, target.snapshot))
    other = current.rest != target.snapshot.rest
    if other and alias is not None:
        changes.append("configuration")
    return Rollback(
        name=subject.name,
        aws_name=subject.aws_name,
        alias=subject.alias,
        was=was,
        to=target.number,
        published=target.modified,
        description=target.description,
        changes=tuple(changes),
        stays=("variables, memory, timeout, role or other configuration",)
        if other and alias is None
        else (),
        ends=alias.weights if alias is not None else {},
        target=target.snapshot,
        observed=function,
    )


def _same(one: Snapshot, other: Snapshot) -> bool:
    """Whether all that can be restored is the same."""
    return not any(_changes(one, other))


def _changes(now: Snapshot, then: Snapshot) -> Iterator[str]:
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


def _require_layers(rollback: Rollback, cloud: Cloud) -> None:
    """A version keeps the layers that it was published with, but ``$LATEST`` is not given deleted ones."""
    if "layers" not in rollback.changes:
        return
    for arn in rollback.target.layers:
        assert isinstance(arn, str)  # noqa: S101  what was observed is there
        try:
            with refusing(f"look at layer version `{arn}`"):
                cloud.functions.get_layer_version(
                    LayerName=layer_of_arn(arn), VersionNumber=version_of_arn(arn)
                )
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                raise _Refusal(
                    f"`{rollback.name}`: version {rollback.to} has the layer version `{arn}`, which was deleted",
                    "a function takes no deleted layer anew: build and deploy that state of the project "
                    "again;\nan alias could have gone back, for versions keep their layers",
                ) from error
            raise


def _plan(rollback: Rollback, path: Path | None) -> FunctionPlan:
    """Going back in the terms of a deployment; ``path`` holds the code of the version where it is needed."""
    target, observed = rollback.target, rollback.observed
    actions: list[Action] = []
    if rollback.alias is not None:
        alias = observed.alias(rollback.alias)
        assert alias is not None  # noqa: S101  it was found
        actions.append(
            MoveAlias(
                name=rollback.name,
                aws_name=rollback.aws_name,
                alias=rollback.alias,
                version=rollback.to,
                was=alias.version,
                revision=alias.revision,
            )
        )
        return FunctionPlan(
            name=rollback.name,
            aws_name=rollback.aws_name,
            observed=observed,
            after=observed.latest,
            actions=tuple(actions),
        )
    latest = observed.latest
    configured = {
        key: getattr(target, key)
        for key in ("layers", "handler", "runtime")
        if getattr(target, key) != getattr(latest, key)
    }
    if configured:
        # First: what AWS may refuse is refused before the code is another.
        actions.append(
            UpdateConfiguration(
                name=rollback.name,
                aws_name=rollback.aws_name,
                why=tuple(change for change in rollback.changes if change != "code"),
                **configured,
            )
        )
    if path is not None:
        actions.append(
            UpdateCode(
                name=rollback.name,
                aws_name=rollback.aws_name,
                function=DesiredFunction(
                    name=rollback.name,
                    aws_name=rollback.aws_name,
                    path=path,
                    code_sha256=target.code_sha256,
                    size=path.stat().st_size,
                    runtime=target.runtime or "",
                    architecture=target.architecture,
                ),
                architecture=target.architecture
                if target.architecture != latest.architecture
                else None,
            )
        )
    return FunctionPlan(
        name=rollback.name,
        aws_name=rollback.aws_name,
        observed=observed,
        after=replace(target, rest=latest.rest),
        actions=tuple(actions),
    )


def _code(rollback: Rollback, cloud: Cloud, folder: Path) -> Path | None:
    """The code of the version, fetched from AWS; None where ``$LATEST`` has it."""
    target, latest = rollback.target, rollback.observed.latest
    if rollback.alias is not None or (target.code_sha256, target.architecture) == (
        latest.code_sha256,
        latest.architecture,
    ):
        return None
    what = f"version {rollback.to} of function `{rollback.aws_name}`"
    with refusing(f"look at {what}"):
        found = cloud.functions.get_function(
            FunctionName=rollback.aws_name, Qualifier=str(rollback.to)
        )
    path = folder / f"{rollback.name}.zip"
    download(found["Code"]["Location"], path, what=what)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if base64.b64encode(digest).decode() != target.code_sha256:
        raise FetchError(
            f"cannot fetch {what}",
            where=["what came is not what AWS says the version runs"],
            hint="try again",
        )
    return path
