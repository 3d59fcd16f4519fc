"""Promoting: the version that gets a share of an alias's calls, or waits for them, gets all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from wherry.aws.actions import MoveAlias
from wherry.aws.apply import apply
from wherry.aws.deploy import Deployed
from wherry.aws.history import AliasHistory
from wherry.aws.observe import observe_functions
from wherry.aws.plan import FunctionPlan, Plan
from wherry.aws.stage import StageOptions, read_stage
from wherry.errors import DeployError
from wherry.events import CanaryMissing
from wherry.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.aws.model import Observed, ObservedAlias, ObservedFunction

__all__ = ["plan_promotion", "promote"]


def promote(
    project: Path | str = ".", stage: str = "", **options: Unpack[StageOptions]
) -> Deployed:
    """Give the versions of canaries, and those that were deployed without traffic, all calls, and do nothing else.

    Nothing is built, and no packages are needed.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        options: the functions, the settings and the reporter.

    Raises:
        DeployError: a function is missing, or none has an alias; nothing was changed.
        WherryError: the input is wrong, or something failed.
    """
    target = read_stage(project, stage, **options)
    aliases = {
        name: alias for name in target.functions if (alias := target.alias_of(name)) is not None
    }
    if not aliases:
        raise DeployError(
            f"there is no canary in stage `{stage}`",
            where=["none of its functions has an alias, which would share the calls"],
            hint='give the stage one: alias = "live"',
        )
    functions = {name: target.functions[name] for name in aliases}
    with target.client.explaining():
        observed = observe_functions(functions.values(), target.client)
        plan = plan_promotion(stage, functions, aliases, observed)
        for function in plan.functions:
            if not function.actions:
                target.reporter.emit(CanaryMissing(name=function.aws_name))
        applied = apply(plan, target.client, reporter=target.reporter)
    return Deployed(plan=plan, applied=applied, calls=tuple(target.client.calls))


def plan_promotion(
    stage: str, functions: Mapping[str, str], aliases: Mapping[str, str], observed: Observed
) -> Plan:
    """Plan to move every alias that has a canary, or a version that waits for its calls, to that version.

    Code, layers and configuration stay as they are. ``functions`` are names on AWS, ``aliases`` those of the functions,
    both by the names of the settings.

    Raises:
        DeployError: a function is missing.
    """
    problems = Problems(DeployError, f"stage `{stage}` cannot be deployed")
    plans = []
    for name, aws_name in functions.items():
        function = observed.functions.get(aws_name)
        if function is None:
            problems.add(f"there is no function `{aws_name}`", hint="deploy it first")
            continue
        alias = function.alias(aliases[name])
        actions: tuple[MoveAlias, ...] = ()
        version = _version_to_promote(alias, function) if alias is not None else None
        if alias is not None and version is not None:
            actions = (MoveAlias.of(alias, version),)
        plans.append(
            FunctionPlan(
                name=name,
                aws_name=aws_name,
                observed=function,
                after=function.latest,
                actions=actions,
                version=alias.version if alias is not None else None,
                alias=aliases[name],
            )
        )
    problems.raise_all()
    return Plan(stage=stage, functions=tuple(plans))


def _version_to_promote(alias: ObservedAlias, function: ObservedFunction) -> int | None:
    """The version of the canary, else the one that was published to get its calls later; None if there is neither."""
    if alias.canaries:
        return max(alias.canaries)
    waiting = AliasHistory.parse(alias.description).waiting
    return waiting if waiting != alias.version and function.version(waiting) is not None else None
