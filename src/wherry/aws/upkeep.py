"""Going back and clearing up for a stage of a project, each in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wherry.aws.prune import find_prunable
from wherry.aws.prune import prune as remove_all
from wherry.aws.rollback import Subject, find_rollbacks, roll_back
from wherry.aws.site import find_site
from wherry.errors import AwsError, DeployError
from wherry.events import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from wherry.aws.prune import Pruning, Removal
    from wherry.aws.rollback import Rollback
    from wherry.events import Reporter

__all__ = ["Pruned", "RolledBack", "prune", "rollback"]

SCHEMA = 1
"""Of both documents. Raised when a field changes its meaning or goes; new fields do not raise it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledBack:
    """What going back came to.

    Attributes:
        stage: its name.
        rollbacks: what was to be done, one for each function that was not there already.
        done: whether it was done.
        calls: the operations that were called on AWS.
    """

    stage: str
    rollbacks: tuple[Rollback, ...]
    done: bool
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry rollback --json``."""
        return {
            "schema": SCHEMA,
            "stage": self.stage,
            "done": self.done,
            "functions": [each.document() for each in self.rollbacks],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What clearing up came to.

    Attributes:
        stage: its name.
        pruning: what was to go, and what is old and stays.
        removed: what is gone.
        done: whether it was done, or only looked at.
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
        gone = set(self.removed)
        for removal, told in zip(self.pruning.removals, document["removals"], strict=True):
            told["removed"] = removal in gone
        return {"schema": SCHEMA, "stage": self.stage, "done": self.done, **document}


def rollback(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    to: int | None = None,
    dry_run: bool = False,
    confirm: Callable[[Sequence[Rollback]], bool] | None = None,
    name: str | None = None,
    config: Path | str | None = None,
    reporter: Reporter = SILENT,
) -> RolledBack:
    """Go back to what the functions of a stage ran before: code, layers and configuration together.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions; all when empty.
        to: the number of a version, which is one of a single function; None for the one before.
        dry_run: say what would be done, and do nothing.
        confirm: is told what will be done, and may refuse it.
        name: what the function is called, where the settings name none.
        config: a file with the settings, in place of the project's.
        reporter: who is told what happens.

    Raises:
        DeployError: there is no version to go back to; nothing was changed.
        WherryError: whatever else is wrong with the input or the world.
    """
    site = find_site(project, stage, names=names, name=name, config=config)
    if names and site.layers:
        raise DeployError(
            f"`{next(iter(site.layers))}` is a layer, and has no version that it stands at",
            where=["the versions of a function hold those of its layers"],
            hint=f"name functions: {_listed(find_site(project, stage, name=name, config=config).functions)}",
        )
    if to is not None and len(site.functions) > 1:
        raise DeployError(
            f"version {to} of which function?",
            where=["each function counts its own versions"],
            hint=f"name one of {_listed(site.functions)}",
        )
    said = site.stage
    subjects = [
        Subject(name=each, aws_name=aws_name, alias=said.function(each).alias or said.alias)
        for each, aws_name in site.functions.items()
    ]
    with site.cloud.explaining():
        found = find_rollbacks(subjects, cloud=site.cloud, to=to)
    wanted = bool(found) and not dry_run and (confirm is None or confirm(found))
    if wanted:
        try:
            roll_back(
                found,
                cloud=site.cloud,
                quota=site.project.settings.quotas.direct_upload,
                reporter=reporter,
            )
        except AwsError as error:
            # Of what was done in part the version before is another one: it has to be named.
            again = [f"wherry rollback {stage} {each.name} --to {each.to}" for each in found]
            hint = "\n".join(filter(None, (error.hint, "to go on from here:", *again)))
            raise AwsError(error.message, code=error.code, where=error.where, hint=hint) from error
    return RolledBack(stage=stage, rollbacks=found, done=wanted, calls=tuple(site.cloud.calls))


def prune(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    keep_versions: int | None = None,
    keep_days: int | None = None,
    dry_run: bool = True,
    on_find: Callable[[Pruning], None] | None = None,
    on_remove: Callable[[Removal], None] | None = None,
    name: str | None = None,
    config: Path | str | None = None,
    reporter: Reporter = SILENT,
) -> Pruned:
    """Remove old versions of the functions and layers of a stage, and what deployments left in its bucket.

    What is in use stays, however old it is.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions and layers; all when empty.
        keep_versions: how many of the newest versions stay; None for what the stage says.
        keep_days: how many days a version stays; None for what the stage says.
        dry_run: say what would go, and remove nothing; the default.
        on_find: is told what was found, before it is removed.
        on_remove: is told of each thing as soon as it is gone.
        name: what the function is called, where the settings name none.
        config: a file with the settings, in place of the project's.
        reporter: who is told what happens.

    Raises:
        WherryError: whatever is wrong with the input or the world. What is gone stays gone.
    """
    site = find_site(project, stage, names=names, name=name, config=config)
    with site.cloud.explaining():
        found = find_prunable(
            functions=list(site.functions.values()),
            layers=list(site.layers.values()),
            cloud=site.cloud,
            keep_versions=keep_versions,
            keep_days=keep_days,
        )
    if on_find is not None:
        on_find(found)
    removed = (
        ()
        if dry_run
        else remove_all(found, cloud=site.cloud, on_remove=on_remove, reporter=reporter)
    )
    return Pruned(
        stage=stage,
        pruning=found,
        removed=removed,
        done=not dry_run,
        calls=tuple(site.cloud.calls),
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)
