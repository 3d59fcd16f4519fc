"""Comparing the packages that a plan changes with those on AWS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from wherry.aws.actions import CreateFunction, UpdateCode
from wherry.aws.errors import code_of, refusing
from wherry.aws.package_difference import compare
from wherry.errors import WherryError
from wherry.events import ComparisonFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.aws.actions import Action
    from wherry.aws.client import Client
    from wherry.aws.package_difference import Difference
    from wherry.aws.plan import Plan
    from wherry.events import Reporter

__all__ = ["compare_packages"]

_AT_ONCE = 8


def compare_packages(plan: Plan, client: Client, reporter: Reporter) -> Mapping[str, Difference]:
    """The changes inside of packages, by the names of functions and layers in the settings.

    A package that cannot be compared is reported, and missing here.
    """

    def difference(action: Action) -> Difference | None:
        assert action.package is not None  # noqa: S101  these were selected
        try:
            return compare(action.package.path, _location(action, client))
        except WherryError as error:
            cause = f"{error.message}: {error.where[0]}" if error.where else error.message
            reporter.emit(ComparisonFailed(name=action.name, cause=cause))
            return None

    actions = [action for action in plan.actions if action.package is not None]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="compare") as pool:
        differences = pool.map(difference, actions)
        return {
            action.name: found
            for action, found in zip(actions, differences, strict=True)
            if found is not None
        }


def _location(action: Action, client: Client) -> str | None:
    """The address of the package on AWS that the action replaces; None if there is none."""
    if isinstance(action, CreateFunction):
        return None
    if isinstance(action, UpdateCode):
        with refusing(f"look at the code of function `{action.aws_name}`"):
            function = client.functions.get_function(FunctionName=action.aws_name)
            return function["Code"].get("Location")
    return _layer_location(action.aws_name, client)


def _layer_location(name: str, client: Client) -> str | None:
    from botocore.exceptions import ClientError

    with refusing(f"look at the content of layer `{name}`"):
        try:
            latest = client.functions.list_layer_versions(LayerName=name, MaxItems=1)
            if not latest["LayerVersions"]:
                return None
            version = client.functions.get_layer_version(
                LayerName=name, VersionNumber=latest["LayerVersions"][0]["Version"]
            )
            return version["Content"].get("Location")
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
