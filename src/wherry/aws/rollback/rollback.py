"""Going back to the version before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, cast

from msgspec import field
from msgspec.structs import replace

from wherry.aws.actions import Action, MoveAlias, UpdateCode, UpdateConfiguration
from wherry.aws.apply import apply
from wherry.aws.errors import refusing
from wherry.aws.live_packages import location_in
from wherry.aws.model import DesiredFunction
from wherry.aws.observe import observe_function
from wherry.aws.plan import FunctionPlan, Plan
from wherry.aws.prune.find import version_users
from wherry.aws.prune.prune import IN_USE, delete_version
from wherry.aws.remote_zip import download
from wherry.aws.rollback.find import Rollback, Subject, find_rollbacks
from wherry.aws.stage import StageOptions, read_stage
from wherry.errors import AwsError, DeployError
from wherry.events import SILENT, Removed, Reporter, Warned
from wherry.settings.model import plain_stage
from wherry.sizes import format_size
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct
from wherry.target.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from wherry.aws.client import Client

__all__ = ["RollbackOptions", "RolledBack", "delete_left", "roll_back", "rollback"]


class RollbackOptions(StageOptions, total=False):
    """The options of ``rollback``.

    Attributes:
        delete: delete the versions that are left.
    """

    delete: bool


class RolledBack(Struct, frozen=True, kw_only=True):
    """The result of ``rollback``.

    Attributes:
        stage: its name.
        rollbacks: the changes, one for each function that was not there already.
        done: whether they were made.
        calls: the operations that were called on AWS.
        deleted: numbers of versions that were deleted afterwards, by the names of functions in the settings.
    """

    stage: str
    rollbacks: tuple[Rollback, ...]
    done: bool
    calls: tuple[str, ...]
    deleted: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry rollback --json``."""
        return {
            "schema": 1,
            "stage": self.stage,
            "done": self.done,
            "functions": [
                {**each.document(), "deleted": list(self.deleted.get(each.name, ()))}
                for each in self.rollbacks
            ],
        }


def rollback(
    project: Path | str = ".",
    stage: str = "",
    *,
    to: int | None = None,
    dry_run: bool = False,
    confirm: Callable[[Sequence[Rollback]], bool] | None = None,
    **options: Unpack[RollbackOptions],
) -> RolledBack:
    """Take the functions of a stage back to the version before: code, layers and configuration together.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        to: the number of a version, which is one of a single function; None for the one before.
        dry_run: only find the changes, and make none.
        confirm: receives the changes before they are made; False from it makes none.
        options: the functions, the settings and the reporter; ``delete`` to delete the versions that are left, if
            nothing else refers to them.

    Raises:
        DeployError: there is no version to go back to; nothing was changed.
        WherryError: the input is wrong, or something failed.
    """
    delete = options.pop("delete", False)
    target = read_stage(project, stage, **cast("StageOptions", options))
    if options.get("names") and target.layers:
        name, config = options.get("name"), options.get("config")
        functions = read_stage(project, stage, name=name, config=config).functions
        raise DeployError(
            f"`{next(iter(target.layers))}` is a layer, which cannot go back",
            where=["the versions of a function contain those of its layers"],
            hint=f"name functions: {_quoted(functions)}",
        )
    if to is not None and len(target.functions) > 1:
        raise DeployError(
            f"version {to} of which function?",
            where=["each function counts its own versions"],
            hint=f"name one of {_quoted(target.functions)}",
        )
    client = target.client
    subjects = [
        Subject(name=name, aws_name=aws_name, alias=target.alias_of(name))
        for name, aws_name in target.functions.items()
    ]
    with client.explaining():
        rollbacks = find_rollbacks(subjects, client=client, to=to)
    wanted = bool(rollbacks) and not dry_run and (confirm is None or confirm(rollbacks))
    if wanted:
        quota = target.project.settings.quotas.direct_upload
        try:
            roll_back(rollbacks, client=client, quota=quota, reporter=target.reporter)
        except AwsError as error:
            # After a part of the changes "the version before" is another one: it has to be named.
            again = [f"wherry rollback {stage} {part.name} --to {part.to}" for part in rollbacks]
            hint = "\n".join(filter(None, (error.hint, "to continue from here:", *again)))
            raise error.with_more(hint=hint) from error
    deleted = delete_left(rollbacks, client, target.reporter) if wanted and delete else {}
    return RolledBack(
        stage=stage,
        rollbacks=rollbacks,
        done=wanted,
        calls=tuple(client.calls),
        deleted=deleted,
    )


def roll_back(
    rollbacks: Sequence[Rollback],
    *,
    client: Client,
    quota: int = DIRECT_UPLOAD,
    reporter: Reporter = SILENT,
) -> None:
    """Make the changes. Each function is guarded against a concurrent change.

    Raises:
        AwsError: AWS refused, or could not be reached. Changes that were made stay.
        DeployError: the code of a version is too big to be sent without a bucket; nothing was changed.
        FetchError: the code of a version could not be fetched; nothing was changed.
    """
    with temporary_folder("rollback") as folder:
        codes = [_fetch_code(part, client, folder) for part in rollbacks]
        if client.stage.bucket is None:
            _require_small(rollbacks, codes, quota, client)
        functions = tuple(map(_plan, rollbacks, codes))
        plan = Plan(stage=client.name, functions=functions)
        apply(plan, client, quota=quota, reporter=reporter)


def _require_small(
    rollbacks: Sequence[Rollback], codes: Sequence[Path | None], quota: int, client: Client
) -> None:
    """Refuse packages that need a bucket, before anything is changed."""
    big = [
        f"the code of version {part.to} of `{part.name}` has {format_size(size)}"
        for part, path in zip(rollbacks, codes, strict=True)
        if path is not None and (size := path.stat().st_size) > quota
    ]
    if big:
        raise DeployError(
            f"stage `{client.name}` cannot go back",
            where=[*big, f"a direct upload takes {format_size(quota)}"],
            hint=f'give it a bucket: [tool.wherry.stages.{plain_stage(client.name)}] bucket = "s3://…"',
        )


def _plan(rollback: Rollback, code: Path | None) -> FunctionPlan:
    """The actions that go back; ``code`` is the code of the version if ``$LATEST`` has another."""
    latest, target = rollback.observed.latest, rollback.target
    actions: list[Action] = []
    after = latest
    if rollback.alias is not None:
        alias = rollback.observed.alias(rollback.alias)
        assert alias is not None  # noqa: S101  it was observed
        actions.append(MoveAlias.of(alias, rollback.to, back=True))
    else:
        # The configuration first: if AWS refuses it, the code is not changed.
        after = replace(target, rest=latest.rest)
        changes = {
            key: getattr(target, key)
            for key in ("layers", "handler", "runtime")
            if getattr(target, key) != getattr(latest, key)
        }
        if changes:
            why = tuple(change for change in rollback.changes if change != "code")
            actions.append(UpdateConfiguration(why=why, layers_before=latest.layers, **changes))
    if code is not None:
        package = DesiredFunction(
            name=rollback.name,
            aws_name=rollback.aws_name,
            path=code,
            code_sha256=target.code_sha256,
            size=code.stat().st_size,
            runtime=target.runtime or "",
            architecture=target.architecture,
        )
        other = target.architecture != latest.architecture
        actions.append(
            UpdateCode(package=package, architecture=target.architecture if other else None)
        )
    return FunctionPlan(
        name=rollback.name,
        aws_name=rollback.aws_name,
        observed=rollback.observed,
        after=after,
        actions=tuple(actions),
    )


def _fetch_code(rollback: Rollback, client: Client, folder: Path) -> Path | None:
    """The code of the version, fetched from AWS; None if ``$LATEST`` has it."""
    target, latest = rollback.target, rollback.observed.latest
    same = (target.code_sha256, target.architecture) == (latest.code_sha256, latest.architecture)
    if rollback.alias is not None or same:
        return None
    what = f"version {rollback.to} of function `{rollback.aws_name}`"
    with refusing(f"look at {what}"):
        function = client.functions.get_function(
            FunctionName=rollback.aws_name, Qualifier=str(rollback.to)
        )
    path = folder / f"{rollback.name}.zip"
    location = location_in(function["Code"], f"the code of {what}")
    download(location, path, what=what, code_sha256=target.code_sha256)
    return path


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def delete_left(
    rollbacks: Sequence[Rollback], client: Client, reporter: Reporter
) -> dict[str, tuple[int, ...]]:
    """Delete the versions that functions went back from, and those whose canary ended.

    A version that an alias, provisioned concurrency or an event source refers to stays, with a warning. So does the one
    that another alias would go back to. Returns the numbers of the deleted versions, by the names of functions in the
    settings.

    Raises:
        AwsError: AWS refused, or could not be reached; the versions before were deleted.
    """
    return {each.name: tuple(_delete(each, client, reporter)) for each in rollbacks}


def _delete(rollback: Rollback, client: Client, reporter: Reporter) -> list[int]:
    function = observe_function(client, rollback.aws_name, versions=True)
    left = {rollback.was, *rollback.ends} - {rollback.to, None}
    if function is None or not left:
        return []
    users = version_users(function, client)
    deleted = []
    for number in sorted(filter(None, left)):
        version = function.version(number)
        if version is None:
            continue
        what = f"function {rollback.aws_name} version {number}"
        if number in users:
            reporter.emit(Warned(text=f"{what} stays: it is used by {', '.join(users[number])}"))
            continue
        try:
            with refusing(f"delete {what}"):
                delete_version(client, rollback.aws_name, number)
        except AwsError as error:
            if error.code not in IN_USE:
                raise
            reporter.emit(Warned(text=f"{what} stays: {error.cause}"))
            continue
        deleted.append(number)
        reporter.emit(Removed(what=f"Deleted {what}", size=version.code_size))
    return deleted
