"""Removing old versions of functions and layers, and packages in the bucket, that nothing uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from wherry.aws.bucket import Bucket
from wherry.aws.errors import CONFLICT, refusing
from wherry.aws.prune.find import Policy, find_prunable
from wherry.aws.stage import StageOptions, read_stage
from wherry.errors import AwsError
from wherry.events import SILENT, Note, Removed, Reporter, Warned
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.client import Client
    from wherry.aws.prune.pruning import Pruning, Removal

__all__ = ["IN_USE", "Pruned", "delete_version", "prune", "remove_all"]

IN_USE = frozenset({CONFLICT, "InvalidParameterValueException"})
"""AWS's error codes for a version that something uses."""


class Pruned(Struct, frozen=True, kw_only=True):
    """The result of ``prune``.

    Attributes:
        stage: its name.
        pruning: the things that can be removed, and old versions that stay.
        removed: the things that were removed.
        done: whether things were removed, or only found.
        calls: the operations that were called on AWS.
    """

    stage: str
    pruning: Pruning
    removed: tuple[Removal, ...]
    done: bool
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry prune --json``."""
        document = self.pruning.document()
        removed = set(self.removed)
        for removal, described in zip(self.pruning.removals, document["removals"], strict=True):
            described["removed"] = removal in removed
        return {"schema": 1, "stage": self.stage, "done": self.done, **document}


def prune(
    project: Path | str = ".",
    stage: str = "",
    *,
    keep_versions: int | None = None,
    keep_days: int | None = None,
    dry_run: bool = True,
    **options: Unpack[StageOptions],
) -> Pruned:
    """Remove old versions of the functions and layers of a stage, and what deployments left in its bucket.

    Versions in use stay, however old they are.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        keep_versions: the number of the newest versions that stay; None for what the stage says.
        keep_days: the number of days for which a version stays; None for what the stage says.
        dry_run: only find the things that can be removed, and remove none; the default.
        options: the functions and layers, the settings and the reporter.

    Raises:
        WherryError: the input is wrong, or something failed. What was removed stays removed.
    """
    target = read_stage(project, stage, **options)
    client, reporter = target.client, target.reporter
    with client.explaining():
        pruning = find_prunable(
            functions=list(target.functions.values()),
            layers=list(target.layers.values()),
            client=client,
            policy=Policy.of(client, keep_versions=keep_versions, keep_days=keep_days),
        )
    for spared in pruning.spared:
        reporter.emit(Note(text=f"{spared}, and stays"))
    removed = () if dry_run else remove_all(pruning, client=client, reporter=reporter)
    return Pruned(
        stage=stage,
        pruning=pruning,
        removed=removed,
        done=not dry_run,
        calls=tuple(client.calls),
    )


def remove_all(
    pruning: Pruning, *, client: Client, reporter: Reporter = SILENT
) -> tuple[Removal, ...]:
    """Remove the things that were found, and return those that were removed.

    A version that AWS refuses to remove, because it came into use meanwhile, is warned of and stays.

    Raises:
        AwsError: AWS refused, or could not be reached; the things before were removed.
    """
    removed = []
    kept: set[tuple[str, int]] = set()
    for removal in pruning.removals:
        if kept.intersection(removal.freed_by):
            reporter.emit(Warned(text=f"{removal} stays, because a version that uses it stays"))
            continue
        try:
            _remove(removal, client)
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                continue
            if error.code not in IN_USE:
                raise
            reporter.emit(Warned(text=f"{removal} stays: {error.cause}", hint=error.hint))
            kept.add((removal.name, removal.version or 0))
            continue
        removed.append(removal)
        reporter.emit(Removed(what=str(removal), size=removal.size))
    return tuple(removed)


def _remove(removal: Removal, client: Client) -> None:
    match removal.kind:
        case "function":
            with refusing(f"remove {removal}"):
                delete_version(client, removal.name, removal.version)
        case "layer":
            assert removal.version is not None  # noqa: S101
            with refusing(f"remove {removal}"):
                client.functions.delete_layer_version(
                    LayerName=removal.name, VersionNumber=removal.version
                )
        case _:
            bucket = Bucket.of(client)
            assert bucket is not None  # noqa: S101
            assert removal.stored is not None  # noqa: S101
            if removal.upload_id is None:
                bucket.remove(removal.stored)
            else:
                bucket.abort(removal.stored, removal.upload_id)


def delete_version(client: Client, function: str, number: int | None) -> None:
    """Delete a published version of a function (name on AWS); raises what boto3 raises."""
    # Without a qualifier the whole function would be deleted.
    if not number:
        raise TypeError(function)
    client.functions.delete_function(FunctionName=function, Qualifier=str(number))
