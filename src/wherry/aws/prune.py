"""What nobody needs any more: old versions of functions and layers, and what lies in the bucket.

A version stays when it is among the newest, or young, or in use; all else goes. In use is a version of a function
at which an alias stands or to which one sends calls, which has concurrency of its own or an event source; and a
version of a layer that any function of the account takes, in any version. ``$LATEST`` is no version.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wherry.aws.observe import observe_function
from wherry.aws.refusal import refusing
from wherry.aws.upload import InBucket, abort, leftovers, remove, unfinished
from wherry.errors import AwsError
from wherry.events import SILENT, Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from wherry.aws.cloud import Cloud
    from wherry.aws.model import ObservedFunction
    from wherry.events import Reporter

__all__ = ["KEEP_DAYS", "KEEP_VERSIONS", "Pruning", "Removal", "Spared", "find_prunable", "prune"]

KEEP_VERSIONS = 10
"""How many of the newest versions stay, where the stage does not say."""

KEEP_DAYS = 30
"""How many days a version stays, where the stage does not say."""

_DEPLOYMENT = timedelta(days=1)
"""After this time no deployment is still going on, and what it has put into the bucket is a leftover."""

_REFUSED = frozenset({"ResourceConflictException", "InvalidParameterValueException"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """One thing that goes.

    Attributes:
        kind: ``function``, ``layer`` (a version of either), ``package`` or ``upload`` (in the bucket, the latter
            never finished).
        name: of the function or layer on AWS.
        version: its number; None for what lies in the bucket.
        modified: when it came to be; None where AWS does not tell.
        size: in bytes; None where AWS does not tell.
        url: of what lies in the bucket.
        freed_by: versions of functions that take this layer, and go too.
        placed: the object in the bucket.
        upload_id: of an upload that was never finished.
    """

    kind: str
    name: str
    version: int | None = None
    modified: datetime | None = None
    size: int | None = None
    url: str | None = None
    freed_by: tuple[tuple[str, int], ...] = ()
    placed: InBucket | None = None
    upload_id: str | None = None

    def __str__(self) -> str:
        day = f" of {self.modified:%Y-%m-%d}" if self.modified is not None else ""
        match self.kind:
            case "package":
                return f"{self.url}{day}"
            case "upload":
                return f"unfinished upload {self.url}{day}"
            case _:
                return f"{self.kind} {self.name} version {self.version}{day}"

    def document(self) -> dict[str, Any]:
        """The JSON document of one removal."""
        found = asdict(self)
        for internal in ("freed_by", "placed", "upload_id"):
            del found[internal]
        return {
            **found,
            "modified": self.modified.isoformat() if self.modified is not None else None,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Spared:
    """A version that is old and stays, because something uses it."""

    kind: str
    name: str
    version: int
    users: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.users[:3])
        more = len(self.users) - 3
        return (
            f"{self.kind} {self.name} version {self.version} is used by {shown}"
            f"{f' and {more} more' if more > 0 else ''}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruning:
    """What goes, in the order in which it can, and what is old and stays. False when nothing goes."""

    removals: tuple[Removal, ...]
    spared: tuple[Spared, ...]

    def __bool__(self) -> bool:
        return bool(self.removals)

    @property
    def size(self) -> int:
        """Bytes that are known to be freed."""
        return sum(removal.size or 0 for removal in self.removals)

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry prune --json``, but for what was done."""
        return {
            "removals": [removal.document() for removal in self.removals],
            "spared": [asdict(each) for each in self.spared],
            "size": self.size,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Policy:
    versions: int
    before: datetime

    def old(self, versions: Iterable[tuple[int, datetime | None]]) -> list[int]:
        """The numbers of those that are neither among the newest nor young; the newest of all stays."""
        newest_first = sorted(versions, key=lambda one: one[0], reverse=True)
        return [
            number
            for number, modified in newest_first[max(self.versions, 1) :]
            # What has no age that can be told is not old.
            if modified is not None and modified < self.before
        ]


def find_prunable(
    *,
    functions: Sequence[str],
    layers: Sequence[str],
    cloud: Cloud,
    keep_versions: int | None = None,
    keep_days: int | None = None,
    now: datetime | None = None,
) -> Pruning:
    """What would go; nothing is changed.

    Args:
        functions: AWS's names.
        layers: AWS's names.
        cloud: the way to AWS, with the stage's policy.
        keep_versions: how many of the newest versions stay; None for what the stage says.
        keep_days: how many days a version stays; None for what the stage says.
        now: the time from which ages count; None for the clock's.

    Raises:
        AwsError: AWS refused, or could not be reached. What is merely missing is no error.
    """
    now = now or datetime.now(UTC)
    policy = _Policy(
        versions=_first(keep_versions, cloud.stage.keep_versions, KEEP_VERSIONS),
        before=now - timedelta(days=_first(keep_days, cloud.stage.keep_days, KEEP_DAYS)),
    )
    parts: list[Removal | Spared] = [*_functions(functions, cloud, policy)]
    going = {(one.name, one.version or 0) for one in parts if isinstance(one, Removal)}
    parts += _layers(layers, cloud, policy, going)
    parts += _bucket([*functions, *layers], cloud, policy, now)
    return Pruning(
        removals=tuple(one for one in parts if isinstance(one, Removal)),
        spared=tuple(one for one in parts if isinstance(one, Spared)),
    )


def prune(
    pruning: Pruning,
    *,
    cloud: Cloud,
    on_remove: Callable[[Removal], None] | None = None,
    reporter: Reporter = SILENT,
) -> tuple[Removal, ...]:
    """Remove what was found, and tell what is gone.

    What AWS does not give up, because it has come into use meanwhile, is warned of and stays.

    Args:
        pruning: of ``find_prunable``.
        cloud: to call.
        on_remove: is told of each thing as soon as it is gone.
        reporter: hears of what stays.

    Raises:
        AwsError: AWS refused, or could not be reached; what came before is gone.
    """
    gone = []
    kept: set[tuple[str, int]] = set()
    for removal in pruning.removals:
        if kept.intersection(removal.freed_by):
            reporter.emit(Warned(text=f"{removal} stays, as what uses it does"))
            continue
        try:
            _remove(removal, cloud)
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                continue
            if error.code not in _REFUSED:
                raise
            cause = error.where[0] if error.where else error.message
            reporter.emit(Warned(text=f"{removal} stays: {cause}", hint=error.hint))
            kept.add((removal.name, removal.version or 0))
            continue
        gone.append(removal)
        if on_remove is not None:
            on_remove(removal)
    return tuple(gone)


def _remove(removal: Removal, cloud: Cloud) -> None:
    match removal.kind:
        case "function":
            # Without a qualifier the whole function would go.
            if not removal.version:
                raise ValueError(removal)
            with refusing(f"remove {removal}"):
                cloud.functions.delete_function(
                    FunctionName=removal.name, Qualifier=str(removal.version)
                )
        case "layer":
            assert removal.version is not None  # noqa: S101
            with refusing(f"remove {removal}"):
                cloud.functions.delete_layer_version(
                    LayerName=removal.name, VersionNumber=removal.version
                )
        case "package":
            assert removal.placed is not None  # noqa: S101
            remove(removal.placed, cloud=cloud, stage=cloud.stage)
        case _:
            assert removal.placed is not None  # noqa: S101
            assert removal.upload_id is not None  # noqa: S101
            abort(removal.placed, removal.upload_id, cloud=cloud, stage=cloud.stage)


def _functions(names: Sequence[str], cloud: Cloud, policy: _Policy) -> Iterator[Removal | Spared]:
    sources: Mapping[str, list[str]] | None = None
    for name in names:
        function = observe_function(cloud, name, versions=True)
        if function is None:
            continue
        old = policy.old((one.number, _time(one.modified)) for one in function.versions)
        if not old:
            continue
        if sources is None:
            sources = _event_sources(cloud)
        users = _users(function, cloud, sources)
        for number in old:
            if number in users:
                yield Spared(kind="function", name=name, version=number, users=tuple(users[number]))
                continue
            version = function.version(number)
            assert version is not None  # noqa: S101
            yield Removal(
                kind="function",
                name=name,
                version=number,
                modified=_time(version.modified),
                size=version.code_size,
            )


def _users(
    function: ObservedFunction, cloud: Cloud, sources: Mapping[str, list[str]]
) -> dict[int, list[str]]:
    """Who uses which version of a function."""
    users: dict[int, list[str]] = {}
    for alias in function.aliases:
        for number in (alias.version, *alias.weights):
            users.setdefault(number, []).append(f"alias {alias.name}")
    for qualifier in _with_concurrency(function.aws_name, cloud):
        if qualifier.isdigit():
            users.setdefault(int(qualifier), []).append("provisioned concurrency")
    for arn, sourced in sources.items():
        whole, _, qualifier = arn.rpartition(":")
        if whole == function.arn and qualifier.isdigit():
            users.setdefault(int(qualifier), []).extend(sourced)
    return users


def _with_concurrency(name: str, cloud: Cloud) -> list[str]:
    """The versions and aliases of a function that have concurrency of their own."""
    try:
        with refusing(f"look at the concurrency of `{name}`"):
            pages = cloud.functions.get_paginator("list_provisioned_concurrency_configs").paginate(
                FunctionName=name
            )
            return [
                each["FunctionArn"].rpartition(":")[2]
                for page in pages
                for each in page["ProvisionedConcurrencyConfigs"]
            ]
    except AwsError as error:
        # A stand-in for AWS that has no such thing answers so.
        if error.code in {"404", "ResourceNotFoundException"}:
            return []
        raise


def _event_sources(cloud: Cloud) -> Mapping[str, list[str]]:
    """Event sources of the account by the ARN that they call."""
    found: dict[str, list[str]] = {}
    with refusing("look at event sources"):
        for page in cloud.functions.get_paginator("list_event_source_mappings").paginate():
            for each in page["EventSourceMappings"]:
                arn = each.get("FunctionArn", "")
                source = each.get("EventSourceArn") or each["UUID"]
                found.setdefault(arn, []).append(f"event source {source}")
    return found


def _layers(
    names: Sequence[str], cloud: Cloud, policy: _Policy, going: set[tuple[str, int]]
) -> Iterator[Removal | Spared]:
    takers: Mapping[str, list[tuple[str, str, int]]] | None = None
    for name in names:
        versions = _layer_versions(name, cloud)
        old = set(policy.old((one["Version"], _time(one.get("CreatedDate"))) for one in versions))
        if not old:
            continue
        if takers is None:
            takers = _takers(cloud)
        for one in sorted(versions, key=lambda one: one["Version"]):
            if one["Version"] not in old:
                continue
            taken = takers.get(one["LayerVersionArn"], [])
            staying = [shown for shown, arn, number in taken if not _goes(arn, number, going)]
            if staying:
                yield Spared(kind="layer", name=name, version=one["Version"], users=tuple(staying))
                continue
            yield Removal(
                kind="layer",
                name=name,
                version=one["Version"],
                modified=_time(one.get("CreatedDate")),
                freed_by=tuple(
                    each for _, arn, number in taken if (each := _goes(arn, number, going))
                ),
            )


def _goes(arn: str, number: int, going: set[tuple[str, int]]) -> tuple[str, int] | None:
    """The removal by which a version of a function goes, if there is one."""
    function = arn.rpartition(":")[2]
    return next((one for name in (function, arn) if (one := (name, number)) in going), None)


def _layer_versions(name: str, cloud: Cloud) -> list[Any]:
    try:
        with refusing(f"look at layer `{name}`"):
            pages = cloud.functions.get_paginator("list_layer_versions").paginate(LayerName=name)
            return [one for page in pages for one in page["LayerVersions"]]
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return []
        raise


def _takers(cloud: Cloud) -> Mapping[str, list[tuple[str, str, int]]]:
    """Who takes which layer version, of all functions of the account in every version.

    Each as it is shown, as its ARN and as the number of its version, 0 for ``$LATEST``.
    """
    found: dict[str, list[tuple[str, str, int]]] = {}
    with refusing("look at the functions of the account"):
        pages = cloud.functions.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        for page in pages:
            for one in page["Functions"]:
                version = one.get("Version") or "$LATEST"
                arn = ":".join(one["FunctionArn"].split(":")[:7])
                number = int(version) if version.isdigit() else 0
                shown = (
                    f"function {one['FunctionName']} {f'version {number}' if number else version}"
                )
                for layer in one.get("Layers") or ():
                    found.setdefault(layer["Arn"], []).append((shown, arn, number))
    return found


def _bucket(
    names: Sequence[str], cloud: Cloud, policy: _Policy, now: datetime
) -> Iterator[Removal]:
    stage = cloud.stage
    there = leftovers(names, cloud=cloud, stage=stage)
    limit = now - _DEPLOYMENT
    stays: set[str] = set()
    if stage.keep:
        # What is kept on purpose is kept as versions are.
        by_name: dict[str, dict[str, datetime]] = {}
        for one in there:
            seen = by_name.setdefault(one.name, {})
            seen[one.placed.key] = max(one.modified, seen.get(one.placed.key, one.modified))
        for keys in by_name.values():
            newest_first = sorted(keys, key=lambda key: keys[key], reverse=True)
            stays.update(newest_first[: max(policy.versions, 1)])
            stays.update(key for key in keys if keys[key] >= policy.before)
    stays.update(one.placed.key for one in there if one.modified >= limit)
    told: set[str] = set()
    for one in sorted(there, key=lambda one: one.modified, reverse=True):
        if one.placed.key in stays or one.placed.key in told:
            continue
        # All versions of an object go together.
        told.add(one.placed.key)
        yield Removal(
            kind="package",
            name=one.name,
            modified=one.modified,
            size=sum(each.size for each in there if each.placed.key == one.placed.key),
            url=one.placed.url,
            placed=one.placed,
        )
    for upload in unfinished(names, cloud=cloud, stage=stage):
        if upload.begun < limit:
            yield Removal(
                kind="upload",
                name=upload.name,
                modified=upload.begun,
                url=upload.placed.url,
                placed=upload.placed,
                upload_id=upload.upload_id,
            )


def _time(text: Any) -> datetime | None:
    """A time as AWS tells it; None where it does not, or not so that it can be understood."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)
