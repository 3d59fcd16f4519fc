"""A whole deployment in one call: build → observe → plan → apply."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from wherry.aws.apply import Applied, AppliedLayer, apply
from wherry.aws.cloud import Cloud
from wherry.aws.desired import desire, find_stage
from wherry.aws.model import CreateFunction, PublishLayer, UpdateCode, version_of_arn
from wherry.aws.observe import observe, observe_functions
from wherry.aws.plan import diff, plan_promotion
from wherry.aws.upload import leftovers, remove
from wherry.errors import AwsError, DeployError, WherryError
from wherry.events import SILENT, Step, Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wherry.aws.difference import Difference
    from wherry.aws.model import Desired, Observed, Plan
    from wherry.aws.upload import Leftover
    from wherry.events import Reporter
    from wherry.project import Project
    from wherry.report import BuildReport
    from wherry.settings.stages import StageSettings
    from wherry.wheels.store import Store

__all__ = [
    "BuildOptions",
    "Deployed",
    "Planned",
    "Prepared",
    "deploy",
    "plan",
    "prepare",
    "promote",
]

_SOMEBODY_ELSES = 60 * 60
"""Seconds for which a package in the bucket that is none of ours may be about to be taken by somebody else."""


class BuildOptions(TypedDict, total=False):
    """What ``wherry.build`` takes besides the project, the names and the reporter."""

    name: str | None
    app: str | None
    handler: str | None
    interface: str | None
    runtime: str | None
    architecture: str | None
    groups: Sequence[str]
    extras: Sequence[str]
    package: str | None
    lock: Path | str | None
    install_path: Path | str | None
    config: Path | str | None
    output: Path | str | None
    offline: bool
    container: str | None
    container_engine: str | None
    container_image: str | None
    store: Store | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """What there is to deploy, and where.

    Attributes:
        project: with its settings.
        stage: of the settings.
        report: of what was built.
        cloud: to call.
        lock: the file that the distributions were locked by, where there is one.
    """

    project: Project
    stage: StageSettings
    report: BuildReport
    cloud: Cloud
    lock: Path | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """What would be done.

    Attributes:
        plan: the actions.
        desired: what should be.
        observed: what is.
        differences: what would change inside of packages, by the names of functions and layers in the settings;
            empty where it was not asked for.
        calls: the operations that were called on AWS.
    """

    plan: Plan
    desired: Desired
    observed: Observed
    differences: Mapping[str, Difference]
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry plan --json``."""
        from wherry.aws.render import plan_document

        return plan_document(self.plan, self.differences)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """What was done.

    Attributes:
        plan: the actions that were.
        applied: what they came to.
        calls: the operations that were called on AWS.
    """

    plan: Plan
    applied: Applied
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry deploy --json``."""
        return {
            "schema": 1,
            "stage": self.plan.stage,
            "changes": len(self.plan.actions),
            **asdict(self.applied),
        }


def plan(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    canary: float | None = None,
    build: bool = True,
    differences: bool = False,
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> Planned:
    """What a deployment would do. Nothing on AWS is changed.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions and layers, with the layers that they need; all when empty.
        canary: the share of calls, between 0 and 1, that new versions would get at first.
        build: whether to build first; else what is written is taken.
        differences: whether to compare what would change with the packages that are live.
        reporter: who is told what happens.
        options: those of ``wherry.build``.

    Raises:
        WherryError: whatever is wrong with the input or the world.
    """
    prepared = prepare(project, stage, names=names, build=build, reporter=reporter, **options)
    desired = desire(prepared.project, prepared.report, stage, canary=canary)
    with prepared.cloud.explaining():
        observed = observe(desired, prepared.cloud)
        found = diff(desired, observed)
        compared = _compare(found, desired, prepared.cloud, reporter) if differences else {}
    return Planned(
        plan=found,
        desired=desired,
        observed=observed,
        differences=compared,
        calls=tuple(prepared.cloud.calls),
    )


def deploy(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    canary: float | None = None,
    build: bool = True,
    on_plan: Callable[[Plan], None] | None = None,
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> Deployed:
    """Bring a stage to what was built.

    Running it again when it was interrupted goes on from there; running it when all is as it should be changes
    nothing.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions and layers, with the layers that they need; all when empty.
        canary: the share of calls, between 0 and 1, that new versions get at first.
        build: whether to build first; else what is written is taken.
        on_plan: is told the plan before it is carried out.
        reporter: who is told what happens.
        options: those of ``wherry.build``.

    Raises:
        WherryError: whatever is wrong with the input or the world. What was done stays done.
    """
    prepared = prepare(project, stage, names=names, build=build, reporter=reporter, **options)
    desired = desire(prepared.project, prepared.report, stage, canary=canary)
    cloud = prepared.cloud

    def keep_lock(layer: AppliedLayer) -> None:
        _keep_lock(layer.aws_name, layer.arn, prepared, reporter)

    with cloud.explaining():
        found, left = _look(desired, prepared)
        if on_plan is not None:
            on_plan(found)
        for warning in found.warnings:
            reporter.emit(Warned(text=warning))
        # First, while there is still something to do that makes the next run look, should this one be cut short.
        _sweep(left, found, desired, prepared, reporter)
        applied = apply(
            found,
            cloud,
            quota=prepared.project.settings.quotas.direct_upload,
            on_layer=keep_lock,
            reporter=reporter,
        )
    return Deployed(plan=found, applied=applied, calls=tuple(cloud.calls))


def promote(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    name: str | None = None,
    config: Path | str | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    reporter: Reporter = SILENT,
) -> Deployed:
    """Let the versions that a canary gave a share of the calls have them all, and do nothing else.

    Nothing is built, and nothing that was built is wanted.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions; all when empty.
        name: what the function is called, where the settings name none.
        config: a file with the settings, in place of the project's.
        on_plan: is told the plan before it is carried out.
        reporter: who is told what happens.

    Raises:
        DeployError: a function is missing, or none has an alias; nothing was changed.
        WherryError: whatever else is wrong with the input or the world.
    """
    from wherry.aws.site import find_site

    site = find_site(project, stage, names=names, name=name, config=config)
    aliases = {
        aws_name: alias
        for each, aws_name in site.functions.items()
        if (alias := site.stage.function(each).alias or site.stage.alias) is not None
    }
    if not aliases:
        raise DeployError(
            f"there is no canary in stage `{stage}`",
            where=["none of its functions has an alias, which would share the calls out"],
            hint='give the stage one: alias = "live"',
        )
    with site.cloud.explaining():
        observed = observe_functions(aliases, site.cloud)
        found = plan_promotion(
            stage,
            {each: aws_name for each, aws_name in site.functions.items() if aws_name in aliases},
            aliases,
            observed,
        )
        if on_plan is not None:
            on_plan(found)
        applied = apply(found, site.cloud, reporter=reporter)
    return Deployed(plan=found, applied=applied, calls=tuple(site.cloud.calls))


def _look(desired: Desired, prepared: Prepared) -> tuple[Plan, Sequence[Leftover]]:
    """The plan, and what an interrupted deployment may have left in the bucket."""
    cloud, stage = prepared.cloud, prepared.stage
    if stage.bucket is None or stage.keep:
        return diff(desired, observe(desired, cloud)), ()
    names = [part.aws_name for part in desired.parts]
    if _is_telling(desired):
        found = diff(desired, observe(desired, cloud))
        return found, leftovers(names, cloud=cloud, stage=stage) if found else ()
    with ThreadPoolExecutor(1, thread_name_prefix="leftovers") as pool:
        looking = pool.submit(leftovers, names, cloud=cloud, stage=stage)
        return diff(desired, observe(desired, cloud)), looking.result()


def _is_telling(desired: Desired) -> bool:
    """Whether a deployment that was interrupted always has something left to do.

    It is so when publishing a version, or attaching a layer, follows upon the package being taken out of the bucket
    again. An empty plan then says that nothing lies there, and a call is saved.
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


def prepare(
    project: Path | str,
    stage: str,
    *,
    names: Sequence[str] = (),
    build: bool = True,
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> Prepared:
    """Read the settings, and build or take what was built.

    Arguments and errors are those of ``deploy``.
    """
    from wherry.compose.recipe import with_handler
    from wherry.legacy import is_legacy
    from wherry.pipeline import build as build_packages
    from wherry.project import DEFAULT_OUTPUT, choose_target, read_project

    root = Path(project)
    config = options.get("config")
    install_path = options.get("install_path")
    # Only drover's stages build different packages.
    of_file = stage if config is not None and is_legacy(Path(config)) else None
    found = read_project(
        root,
        config=None if config is None else Path(config),
        stage=of_file,
        install_path=None if install_path is None else Path(install_path),
        name=options.get("name"),
    )
    settings = with_handler(
        found.settings,
        name=found.name,
        names=names,
        app=options.get("app"),
        handler=options.get("handler"),
        interface=options.get("interface"),
    )
    found = replace(found, settings=settings)
    said = find_stage(found, stage)
    if build:
        report = build_packages(root, names=names, stage=of_file, reporter=reporter, **options)
    else:
        from wherry.aws.written import report_of_written

        target, _ = choose_target(
            found, runtime=options.get("runtime"), architecture=options.get("architecture")
        )
        output = options.get("output")
        where = (
            Path(output) if output is not None else root / (found.settings.output or DEFAULT_OUTPUT)
        )
        report = report_of_written(found, target, where, names=names)
    return Prepared(
        project=found,
        stage=said,
        report=report,
        cloud=Cloud(said, name=stage),
        lock=_lock(found, options.get("lock"), options.get("package")),
    )


def _lock(project: Project, given: Path | str | None, package: str | None) -> Path | None:
    """The lock that a build of the project reads, if it reads one that a tool made."""
    from wherry.lock.find import find_given, find_locks
    from wherry.lock.model import LockRequest
    from wherry.target import RUNTIMES, Architecture, Target

    if project.settings.install_path is not None:
        return None
    lock = given or project.settings.lock
    request = LockRequest(
        root=project.root,
        # Which lock is read does not depend on the target.
        target=Target(runtime=next(iter(RUNTIMES.values())), architecture=Architecture.X86_64),
        package=package,
        lock=None if lock is None else Path(lock),
    )
    try:
        if lock is not None:
            return find_given(request, Path(lock)).path
        locks = find_locks(request, SILENT)
    except WherryError:
        return None
    return locks[0].path if locks else None


def _keep_lock(layer: str, arn: str, prepared: Prepared, reporter: Reporter) -> None:
    from wherry.aws.locks import keep

    if prepared.lock is not None and prepared.stage.bucket is not None:
        keep(
            prepared.lock,
            layer=layer,
            version=version_of_arn(arn),
            cloud=prepared.cloud,
            stage=prepared.stage,
            reporter=reporter,
        )


def _sweep(
    left: Sequence[Leftover],
    plan: Plan,
    desired: Desired,
    prepared: Prepared,
    reporter: Reporter,
) -> None:
    """Take away what an interrupted deployment has left in the bucket, and do what it did not come to."""
    from datetime import UTC, datetime

    if not left:
        return
    # This run takes its own packages away itself.
    ours = {
        action.layer.code_sha256
        if isinstance(action, PublishLayer)
        else action.function.code_sha256
        for action in plan.actions
        if isinstance(action, PublishLayer | CreateFunction | UpdateCode)
    }
    wanted = {part.code_sha256 for part in desired.parts}
    arns = {layer.aws_name: layer.version for layer in plan.layers}
    now = datetime.now(UTC)
    for one in left:
        if one.code_sha256 in ours:
            continue
        age = (now - one.modified).total_seconds()
        if one.code_sha256 not in wanted and age < _SOMEBODY_ELSES:
            continue
        for layer in desired.layers:
            # It was published, and perhaps no more.
            version = arns[layer.aws_name]
            if (
                layer.code_sha256 == one.code_sha256
                and layer.aws_name == one.name
                and isinstance(version, str)
            ):
                _keep_lock(layer.aws_name, version, prepared, reporter)
        try:
            remove(one.placed, cloud=prepared.cloud, stage=prepared.stage)
            reporter.emit(Step(text=f"Removed `{one.placed.url}`, which was left there"))
        except AwsError as error:
            reporter.emit(Warned(text=f"`{one.placed.url}` stays there: {error.where[0]}"))


def _compare(
    plan: Plan, desired: Desired, cloud: Cloud, reporter: Reporter
) -> dict[str, Difference]:
    """What would change inside of packages. It is told if it can be had; a plan is a plan without it."""
    from wherry.aws.difference import compare
    from wherry.aws.refusal import code_of, refusing

    paths = {part.name: part.path for part in desired.parts}

    def of_function(name: str) -> str | None:
        with refusing(f"look at the code of function `{name}`"):
            return cloud.functions.get_function(FunctionName=name)["Code"].get("Location")

    def of_layer(name: str) -> str | None:
        from botocore.exceptions import ClientError

        with refusing(f"look at the content of layer `{name}`"):
            try:
                found = cloud.functions.list_layer_versions(LayerName=name, MaxItems=1)
                if not found["LayerVersions"]:
                    return None
                version = found["LayerVersions"][0]["Version"]
                return cloud.functions.get_layer_version(LayerName=name, VersionNumber=version)[
                    "Content"
                ].get("Location")
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise

    def one(action: PublishLayer | UpdateCode | CreateFunction) -> Difference | None:
        try:
            if isinstance(action, CreateFunction):
                location = None
            elif isinstance(action, UpdateCode):
                location = of_function(action.aws_name)
            else:
                location = of_layer(action.aws_name)
            return compare(paths[action.name], location)
        except WherryError as error:
            cause = f": {error.where[0]}" if error.where else ""
            reporter.emit(
                Step(
                    text=f"what would change in `{action.name}` cannot be told: {error.message}{cause}"
                )
            )
            return None

    wanted = [
        action
        for action in plan.actions
        if isinstance(action, PublishLayer | UpdateCode | CreateFunction)
    ]
    with ThreadPoolExecutor(8, thread_name_prefix="compare") as pool:
        found = dict(zip((action.name for action in wanted), pool.map(one, wanted), strict=True))
    return {name: difference for name, difference in found.items() if difference is not None}
