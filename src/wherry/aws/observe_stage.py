"""The functions of a stage that are on AWS, with the aliases that their callers use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.observe import observe_functions

if TYPE_CHECKING:
    from wherry.aws.model import ObservedAlias, ObservedFunction
    from wherry.aws.stage import ProjectStage
    from wherry.problems import Problems

__all__ = ["deploy_first", "observe_stage"]


def observe_stage(
    stage: ProjectStage, problems: Problems
) -> dict[str, tuple[ObservedFunction, ObservedAlias | None]]:
    """The functions by their names in the settings, with their aliases; None for callers that use ``$LATEST``.

    Args:
        stage: as it was read.
        problems: receives what is missing on AWS.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """
    observed = observe_functions(stage.functions.values(), stage.client)
    found: dict[str, tuple[ObservedFunction, ObservedAlias | None]] = {}
    for name, aws_name in stage.functions.items():
        function, alias = observed.functions.get(aws_name), stage.alias_of(name)
        if function is None:
            problems.add(f"there is no function `{aws_name}`", hint=deploy_first(stage))
            continue
        stands = function.alias(alias)
        if alias is not None and stands is None:
            problems.add(f"function `{aws_name}` has no alias `{alias}`", hint=deploy_first(stage))
        else:
            found[name] = function, stands
    return found


def deploy_first(stage: ProjectStage) -> str:
    """The hint for what a stage does not have."""
    return f"deploy it first: wherry deploy {stage.client.name}"
