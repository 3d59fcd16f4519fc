"""Finding old versions of functions and layers, and packages in the bucket, that nothing uses. Nothing is changed.

A version stays if it is among the newest, or young, or in use. In use is a version of a function that an alias sends
calls to, or would go back to, or that has provisioned concurrency or an event source; and a version of a layer that any function of the
account uses, in any version. ``$LATEST`` is not a version.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.bucket import Bucket
from wherry.aws.errors import refusing, unless_missing
from wherry.aws.history import AliasHistory
from wherry.aws.observe import observe_function
from wherry.aws.prune.pruning import Pruning, Removal, Spared
from wherry.errors import AwsError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wherry.aws.client import Client
    from wherry.aws.model import ObservedFunction

__all__ = ["KEEP_DAYS", "KEEP_VERSIONS", "Policy", "find_prunable", "version_users"]

KEEP_VERSIONS = 10
"""The number of the newest versions that stay, if the stage does not say."""

KEEP_DAYS = 30
"""The number of days for which a version stays, if the stage does not say."""

_Consumer = tuple[str, tuple[tuple[str, int], ...]]
"""A version of a function that uses a layer version: for people, and as a removal would name it."""

_DEPLOYMENT = timedelta(days=1)
"""After this time no deployment is still running, and its packages in the bucket are leftovers."""


class Policy(Struct, frozen=True, kw_only=True):
    """The versions that stay in any case.

    Attributes:
        versions: the number of the newest versions that stay; the newest of all always does.
        before: versions from this time on stay.
    """

    versions: int
    now: datetime
    before: datetime

    @classmethod
    def of(
        cls,
        client: Client,
        *,
        keep_versions: int | None = None,
        keep_days: int | None = None,
        now: datetime | None = None,
    ) -> Policy:
        """The policy of the client's stage, with numbers instead of the stage's."""
        now = now or datetime.now(UTC)
        versions = _first(keep_versions, client.stage.keep_versions, KEEP_VERSIONS)
        days = _first(keep_days, client.stage.keep_days, KEEP_DAYS)
        return cls(versions=max(versions, 1), now=now, before=now - timedelta(days=days))

    def old(self, versions: Iterable[tuple[int, datetime | None]]) -> list[int]:
        """The numbers of the versions that are neither among the newest nor young."""
        newest_first = sorted(versions, key=lambda version: version[0], reverse=True)
        return [
            number
            for number, modified in newest_first[self.versions :]
            # A version whose age is unknown is not old.
            if modified is not None and modified < self.before
        ]


def find_prunable(
    *, functions: Sequence[str], layers: Sequence[str], client: Client, policy: Policy
) -> Pruning:
    """Find the things that can be removed of functions and layers (names on AWS), as far as there are."""
    parts: list[Removal | Spared] = [*_functions(functions, client, policy)]
    removed = {(part.name, part.version or 0) for part in parts if isinstance(part, Removal)}
    with ThreadPoolExecutor(16, thread_name_prefix="sizes") as pool:
        parts += pool.map(
            lambda part: _sized(part, client), _layers(layers, client, policy, removed)
        )
    bucket = Bucket.of(client)
    if bucket is not None:
        names = [*functions, *layers]
        parts += _packages(names, bucket, policy)
        parts += [
            Removal(
                kind="upload",
                name=upload.name,
                modified=upload.begun,
                stored=upload.stored,
                upload_id=upload.upload_id,
            )
            for upload in bucket.unfinished(names)
            if upload.begun < policy.now - _DEPLOYMENT
        ]
    return Pruning(
        removals=tuple(part for part in parts if isinstance(part, Removal)),
        spared=tuple(part for part in parts if isinstance(part, Spared)),
    )


def _functions(names: Sequence[str], client: Client, policy: Policy) -> Iterator[Removal | Spared]:
    sources: Mapping[str, list[str]] | None = None
    for name in names:
        function = observe_function(client, name, versions=True)
        if function is None:
            continue
        times = {version.number: _time(version.modified) for version in function.versions}
        old = policy.old(times.items())
        if not old:
            continue
        if sources is None:
            sources = _event_sources(client)
        users = _users(function, client, sources)
        for number in old:
            if number in users:
                yield Spared(kind="function", name=name, version=number, users=tuple(users[number]))
                continue
            version = function.version(number)
            assert version is not None  # noqa: S101  it was observed
            yield Removal(
                kind="function",
                name=name,
                version=number,
                modified=times[number],
                size=version.code_size,
            )


def version_users(function: ObservedFunction, client: Client) -> dict[int, list[str]]:
    """The users of each version of a function: aliases there or about to go back, provisioned concurrency, event sources."""
    return _users(function, client, _event_sources(client))


def _users(
    function: ObservedFunction, client: Client, sources: Mapping[str, list[str]]
) -> dict[int, list[str]]:
    """The users of each version of a function."""
    users: dict[int, list[str]] = {}
    for alias in function.aliases:
        for number in (alias.version, *alias.weights):
            users.setdefault(number, []).append(f"alias {alias.name}")
        history = AliasHistory.parse(alias.description)
        if history.waiting:
            users.setdefault(history.waiting, []).append(
                f"alias {alias.name}, which is to move there"
            )
        for number in history.before(alias.version)[:1]:
            users.setdefault(number, []).append(f"alias {alias.name}, which goes back to it")
    for qualifier in _with_concurrency(function.aws_name, client):
        if qualifier.isdigit():
            users.setdefault(int(qualifier), []).append("provisioned concurrency")
    for arn, names in sources.items():
        function_arn, _, qualifier = arn.rpartition(":")
        if function_arn == function.arn and qualifier.isdigit():
            users.setdefault(int(qualifier), []).extend(names)
    return users


def _with_concurrency(name: str, client: Client) -> list[str]:
    """The versions and aliases of a function that have provisioned concurrency."""
    try:
        with refusing(f"look at the concurrency of `{name}`"):
            pages = client.functions.get_paginator("list_provisioned_concurrency_configs").paginate(
                FunctionName=name
            )
            return [
                config["FunctionArn"].rpartition(":")[2]
                for page in pages
                for config in page["ProvisionedConcurrencyConfigs"]
            ]
    except AwsError as error:
        # A simulation of AWS without this operation answers so.
        if error.code in {"404", "ResourceNotFoundException"}:
            return []
        raise


def _event_sources(client: Client) -> Mapping[str, list[str]]:
    """The event sources of the account, by the ARN that they call."""
    sources: dict[str, list[str]] = {}
    with refusing("look at event sources"):
        for page in client.functions.get_paginator("list_event_source_mappings").paginate():
            for mapping in page["EventSourceMappings"]:
                source = mapping.get("EventSourceArn") or mapping["UUID"]
                sources.setdefault(mapping.get("FunctionArn", ""), []).append(
                    f"event source {source}"
                )
    return sources


def _layers(
    names: Sequence[str], client: Client, policy: Policy, removed: set[tuple[str, int]]
) -> Iterator[Removal | Spared]:
    all_consumers: Mapping[str, list[_Consumer]] | None = None
    for name in names:
        versions = _layer_versions(name, client)
        times = {number: _time(version.get("CreatedDate")) for number, version in versions.items()}
        old = policy.old(times.items())
        if not old:
            continue
        if all_consumers is None:
            all_consumers = _consumers(client)
        for number in sorted(old):
            consumers = all_consumers.get(versions[number]["LayerVersionArn"], [])
            removals = [[key for key in keys if key in removed][:1] for _, keys in consumers]
            staying = [
                text for (text, _), keys in zip(consumers, removals, strict=True) if not keys
            ]
            if staying:
                yield Spared(kind="layer", name=name, version=number, users=tuple(staying))
                continue
            yield Removal(
                kind="layer",
                name=name,
                version=number,
                modified=times[number],
                freed_by=tuple(key for keys in removals for key in keys),
            )


def _layer_versions(name: str, client: Client) -> dict[int, Any]:
    pages = client.functions.get_paginator("list_layer_versions").paginate(LayerName=name)
    versions = unless_missing(
        f"look at layer `{name}`",
        lambda: {
            version["Version"]: version for page in pages for version in page["LayerVersions"]
        },
    )
    return versions or {}


def _consumers(client: Client) -> Mapping[str, list[_Consumer]]:
    """All versions of all functions of the account, by the layer versions that they use."""
    consumers: dict[str, list[_Consumer]] = {}
    with refusing("look at the functions of the account"):
        pages = client.functions.get_paginator("list_functions").paginate(FunctionVersion="ALL")
        for function in (function for page in pages for function in page["Functions"]):
            version = function.get("Version") or "$LATEST"
            number = int(version) if version.isdigit() else 0
            arn = ":".join(function["FunctionArn"].split(":")[:7])
            text = (
                f"function {function['FunctionName']} {f'version {number}' if number else version}"
            )
            consumer = (text, ((arn.rpartition(":")[2], number), (arn, number)))
            for layer in function.get("Layers") or ():
                consumers.setdefault(layer["Arn"], []).append(consumer)
    return consumers


def _sized(part: Removal | Spared, client: Client) -> Removal | Spared:
    """The version of a layer, if it can be removed with its size, which AWS tells of each version alone."""
    number = part.version
    if not isinstance(part, Removal) or number is None:
        return part
    answer = unless_missing(
        f"look at {part}",
        lambda: client.functions.get_layer_version(LayerName=part.name, VersionNumber=number),
    )
    return replace(part, size=None if answer is None else answer["Content"].get("CodeSize"))


def _packages(names: Sequence[str], bucket: Bucket, policy: Policy) -> Iterator[Removal]:
    leftovers = bucket.leftovers(names)
    limit = policy.now - _DEPLOYMENT
    stays: set[str] = set()
    if bucket.keeps_packages:
        # Packages that are kept on purpose stay as versions do.
        by_name: dict[str, dict[str, datetime]] = {}
        for leftover in leftovers:
            times = by_name.setdefault(leftover.name, {})
            key = leftover.stored.key
            times[key] = max(leftover.modified, times.get(key, leftover.modified))
        for times in by_name.values():
            newest_first = sorted(times, key=lambda key: times[key], reverse=True)
            stays.update(newest_first[: policy.versions])
            stays.update(key for key, time in times.items() if time >= policy.before)
    stays.update(leftover.stored.key for leftover in leftovers if leftover.modified >= limit)
    sizes: dict[str, int] = {}
    for leftover in leftovers:
        sizes[leftover.stored.key] = sizes.get(leftover.stored.key, 0) + leftover.size
    for leftover in sorted(leftovers, key=lambda leftover: leftover.modified, reverse=True):
        key = leftover.stored.key
        if key in stays:
            continue
        # All versions of an object are removed together.
        stays.add(key)
        yield Removal(
            kind="package",
            name=leftover.name,
            modified=leftover.modified,
            size=sizes[key],
            stored=leftover.stored,
        )


def _time(text: Any) -> datetime | None:
    """A time as AWS tells it; None if it is missing or cannot be read."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)
