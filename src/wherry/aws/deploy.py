"""Planning and deploying, each in one call: build → observe → diff → apply."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack, cast

from msgspec import to_builtins
from msgspec.structs import replace

from wherry.aws.actions import Action, CreateFunction, UpdateCode
from wherry.aws.bucket import Bucket, Leftover
from wherry.aws.code_signing import plan_signed
from wherry.aws.live_packages import live_location
from wherry.aws.observe import observe
from wherry.aws.prepare import DeployOptions, PlanOptions, Prepared, SwitchOptions, prepare
from wherry.aws.resolve import resolve
from wherry.aws.switch.release import read_release, release
from wherry.aws.switch.steps import first_share
from wherry.aws.switch.switches import without_switches
from wherry.errors import AwsError, WherryError
from wherry.events import ComparisonFailed, LeftoverRemoved, PartPlanned, Reporter, Warned
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.aws.client import Client
    from wherry.aws.model import Desired, Observed
    from wherry.aws.package_difference import Difference
    from wherry.aws.plan import Applied, FunctionPlan, LayerPlan, Plan
    from wherry.pipeline.request import BuildRequest

__all__ = ["Deployed", "Planned", "deploy", "plan"]

_OTHER_DEPLOYMENT = timedelta(hours=1)
"""The time for which a package in the bucket that is not part of this deployment may belong to another one."""


class Planned(Struct, frozen=True, kw_only=True):
    """The result of ``plan``.

    Attributes:
        plan: the actions.
        desired: the desired state.
        observed: the state on AWS.
        differences: changes inside of packages, by the names of functions and layers in the settings; empty if they
            were not asked for.
        calls: the operations that were called on AWS.
    """

    plan: Plan
    desired: Desired
    observed: Observed
    differences: Mapping[str, Difference]
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry plan --json``."""
        return self.plan.document(self.differences)


class Deployed(Struct, frozen=True, kw_only=True):
    """The result of ``deploy`` and ``promote``.

    Attributes:
        plan: the actions.
        applied: their results.
        calls: the operations that were called on AWS.
    """

    plan: Plan
    applied: Applied
    calls: tuple[str, ...]

    @property
    def changes(self) -> int:
        """The number of actions; a canary that only went on counts as one for each function."""
        return len(self.plan.actions) or sum(one.changed for one in self.applied.functions)

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry deploy --json``."""
        return {
            "schema": 1,
            "stage": self.plan.stage,
            "changes": self.changes,
            **to_builtins(self.applied),
        }


def plan(
    project: BuildRequest | Path | str = ".",
    stage: str = "",
    *,
    canary: float | str | None = None,
    build: bool = True,
    differences: bool = False,
    **options: Unpack[PlanOptions],
) -> Planned:
    """Plan a deployment. Nothing on AWS is changed.

    Args:
        project: the project's folder, or a request that was read before.
        stage: its name in the settings.
        canary: the share of calls, between 0 and 1, that new versions would get at first; or steps, as for ``deploy``.
        build: whether to build first; else the packages are taken as they were written.
        differences: whether to compare packages that would change with those on AWS.
        options: those of ``wherry.build``.

    Raises:
        WherryError: the input is wrong, or something failed.
    """
    prepared = _prepare(project, stage, build=build, **options)
    client = prepared.client
    desired = prepared.desired(canary=first_share(canary))
    compared: Mapping[str, Difference] = {}
    with client.explaining():
        desired, observed = resolve(desired, observe(desired, client), client)
        desired, actions = plan_signed(desired, observed, client)
        actions = _with_bucket_checked(actions, client)
        if differences:
            compared = _compare_packages(_fetched(actions, prepared), client, prepared.reporter)
    return Planned(
        plan=actions,
        desired=desired,
        observed=observed,
        differences=compared,
        calls=tuple(client.calls),
    )


def deploy(
    project: BuildRequest | Path | str = ".",
    stage: str = "",
    *,
    canary: float | str | None = None,
    build: bool = True,
    **options: Unpack[SwitchOptions],
) -> Deployed:
    """Deploy a project to a stage.

    Repeating it after an interruption continues from there; repeating it when nothing differs changes nothing.

    Args:
        project: the project's folder, or a request that was read before.
        stage: its name in the settings.
        canary: the share of calls, between 0 and 1, that new versions get at first; or steps, such as
            ``"10%/5m,50%/10m"``, which are taken and watched here until the versions get all calls.
        build: whether to build first; else the packages are taken as they were written.
        options: those of ``wherry.build``, and of how callers get new versions.

    Raises:
        RejectedError: a new version failed a test, or its canary was ended; callers have what they had before.
        WherryError: the input is wrong, or something failed. Changes that were made stay.
    """
    tests, traffic = options.pop("tests", ()), options.pop("traffic", True)
    prepared = _prepare(project, stage, build=build, **cast("PlanOptions", options))
    client, reporter = prepared.client, prepared.reporter
    desired = prepared.desired(canary=first_share(canary))
    how = read_release(prepared, desired, canary=canary, tests=tests, traffic=traffic)
    with client.explaining():
        actions, leftovers = _observe(desired, prepared)
        for part in actions.parts:
            reporter.emit(
                PartPlanned(
                    kind=part.kind,
                    name=part.aws_name,
                    code_sha256=part.code_sha256,
                    arn=part.arn,
                    changed=bool(part.actions),
                )
            )
        for warning in actions.warnings:
            reporter.emit(Warned(text=warning))
        actions = prepared.fetched(actions)
        # First, while there are still actions that make the next run look, should this one be interrupted.
        _remove_leftovers(leftovers, actions, desired, prepared)
        applied = release(actions, prepared, how)
        if not traffic:
            actions = without_switches(actions)
    return Deployed(plan=actions, applied=applied, calls=tuple(client.calls))


def _prepare(
    project: BuildRequest | Path | str, stage: str, *, build: bool, **options: Unpack[PlanOptions]
) -> Prepared:
    """The packages: built, as they were written, or those of another stage."""
    source, others = options.pop("source", None), cast("DeployOptions", options)
    if source is None:
        return prepare(project, stage, build=build, **others)
    from wherry.aws.brought import bring
    from wherry.pipeline.request import BuildRequest

    folder = project.project.root if isinstance(project, BuildRequest) else project
    return bring(folder, stage, source, **others)


def _observe(desired: Desired, prepared: Prepared) -> tuple[Plan, Sequence[Leftover]]:
    """The plan, and packages in the bucket that an interrupted deployment may have left."""
    bucket = Bucket.of(prepared.client)
    if bucket is None or bucket.keeps_packages:
        return _diff(desired, prepared), ()
    names = [part.aws_name for part in desired.parts]
    if _always_unfinished(desired):
        actions = _diff(desired, prepared)
        return actions, bucket.leftovers(names) if actions else ()
    with ThreadPoolExecutor(1, thread_name_prefix="leftovers") as pool:
        leftovers = pool.submit(bucket.leftovers, names)
        return _diff(desired, prepared), leftovers.result()


def _diff(desired: Desired, prepared: Prepared) -> Plan:
    client = prepared.client
    desired, observed = resolve(desired, observe(desired, client), client)
    return plan_signed(desired, observed, client, prepared.reporter)[1]


def _with_bucket_checked(plan: Plan, client: Client) -> Plan:
    """The plan, with a warning if packages are to be uploaded and the bucket of the stage cannot be used."""
    bucket = Bucket.of(client)
    if bucket is None or all(action.package is None for action in plan.actions):
        return plan
    try:
        bucket.check()
    except AwsError as error:
        warning = f"packages cannot be uploaded: {_in_one_line(error)}"
        return replace(plan, warnings=(*plan.warnings, warning))
    return plan


def _always_unfinished(desired: Desired) -> bool:
    """Whether an interrupted deployment that left a package always has actions left.

    That is so if a version is published, or the layer attached, after the package is removed from the bucket. An
    empty plan then proves that there are no leftovers, which saves a call.
    """
    attached = {
        layer
        for function in desired.functions
        if "layers" in function.manage
        for layer in function.layers
    }
    return all(function.publish for function in desired.functions) and all(
        layer.aws_name in attached for layer in desired.layers
    )


def _remove_leftovers(
    leftovers: Sequence[Leftover], actions: Plan, desired: Desired, prepared: Prepared
) -> None:
    """Remove packages that an interrupted deployment left in the bucket, and store lock files that it did not."""
    bucket = Bucket.of(prepared.client)
    if bucket is None or not leftovers:
        return
    # This run removes its own packages itself.
    own = {action.package.code_sha256 for action in actions.actions if action.package is not None}
    current = {part.code_sha256 for part in desired.parts}
    layers = {
        (layer.aws_name, layer.code_sha256): layer.arn
        for layer in actions.layers
        if layer.arn is not None
    }
    oldest = datetime.now(UTC) - _OTHER_DEPLOYMENT
    for leftover in leftovers:
        digest = leftover.code_sha256
        if digest in own or (digest not in current and leftover.modified > oldest):
            continue
        # The layer was published, but its lock file may not have been stored.
        if (arn := layers.get((leftover.name, digest))) is not None:
            prepared.locks.keep(leftover.name, arn)
        try:
            bucket.remove(leftover.stored)
            prepared.reporter.emit(LeftoverRemoved(url=leftover.stored.url))
        except AwsError as error:
            prepared.reporter.emit(
                Warned(text=f"`{leftover.stored.url}` was not removed: {error.cause}")
            )


def _fetched(plan: Plan, prepared: Prepared) -> Plan:
    """The plan with its packages on this machine; without actions, after a warning, if they cannot be fetched."""
    try:
        return prepared.fetched(plan)
    except WherryError as error:
        cause = _in_one_line(error, last=True)
        prepared.reporter.emit(Warned(text=f"what would change in packages is not known: {cause}"))
        return replace(plan, layers=(), functions=())


def _compare_packages(plan: Plan, client: Client, reporter: Reporter) -> Mapping[str, Difference]:
    """The changes inside of packages, by the names of functions and layers in the settings.

    A package that cannot be compared is reported, and missing here.
    """
    from wherry.aws.package_difference import compare

    def difference(change: tuple[LayerPlan | FunctionPlan, Action, Path]) -> Difference | None:
        part, action, path = change
        try:
            return compare(path, _location(part.aws_name, action, client))
        except WherryError as error:
            reporter.emit(ComparisonFailed(name=part.name, cause=_in_one_line(error)))
            return None

    changes = [
        (part, action, action.package.path)
        for part in plan.parts
        for action in part.actions
        if action.package is not None
    ]
    with ThreadPoolExecutor(8, thread_name_prefix="compare") as pool:
        differences = zip(changes, pool.map(difference, changes), strict=True)
        return {part.name: found for (part, *_), found in differences if found is not None}


def _in_one_line(error: WherryError, *, last: bool = False) -> str:
    """The message, and the first or the last of its causes."""
    return ": ".join((error.message, *(error.where[-1:] if last else error.where[:1])))


def _location(name: str, action: Action, client: Client) -> str | None:
    """The address of the package on AWS that the action replaces; None if there is none."""
    if isinstance(action, CreateFunction):
        return None
    return live_location(client, name, is_layer=not isinstance(action, UpdateCode))
