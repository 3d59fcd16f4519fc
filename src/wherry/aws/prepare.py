"""Preparing a deployment: the settings are read, and the packages built, or taken as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack, cast

from wherry.aws.client import Client
from wherry.aws.desired import desire
from wherry.aws.locks import LockKeeper
from wherry.aws.stage import find_stage, legacy_stage
from wherry.errors import WherryError
from wherry.events import SILENT, Reporter
from wherry.pipeline.options import BuildOptions, PackageOptions
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.aws.model import Desired
    from wherry.aws.plan import Plan
    from wherry.pipeline.report import BuildReport
    from wherry.pipeline.request import BuildRequest
    from wherry.settings.model import StageSettings
    from wherry.settings.project import Project
    from wherry.store import Store

__all__ = ["DeployOptions", "PlanOptions", "Prepared", "SwitchOptions", "prepare"]


class DeployOptions(PackageOptions, total=False):
    """The options of every function that deploys packages.

    Attributes:
        store: where files are kept; by default the user's.
    """

    store: Store | None
    reporter: Reporter


class PlanOptions(DeployOptions, total=False):
    """The options of planning a deployment.

    Attributes:
        source: another stage, of which is deployed what it runs; nothing is built.
    """

    source: str | None


class SwitchOptions(PlanOptions, total=False):
    """The options of how callers get new versions.

    Attributes:
        tests: files of events, each after ``NAME=`` if it is for one function; new versions must answer them before
            aliases move, and those of the settings too.
        traffic: False leaves the aliases, so that new versions get no calls yet.
    """

    tests: Sequence[str]
    traffic: bool


class Prepared(Struct, frozen=True, kw_only=True):
    """Packages that can be deployed to a stage, and what stores the lock files of layer versions."""

    project: Project
    report: BuildReport
    client: Client
    locks: LockKeeper
    reporter: Reporter

    @property
    def quota(self) -> int:
        """Bytes of a package that Lambda takes with a call."""
        return self.project.settings.quotas.direct_upload

    def desired(self, *, canary: float | None = None) -> Desired:
        """The desired state of the stage; ``canary`` is the share of calls that new versions get at first."""
        return desire(self.project, self.report, self.client.name, canary=canary)

    def fetched(self, plan: Plan) -> Plan:
        """The plan, when all packages that it uploads are on this machine; those that were built are."""
        return plan


def prepare(
    project: BuildRequest | Path | str, stage: str, *, build: bool, **options: Unpack[DeployOptions]
) -> Prepared:
    """Read the settings, and build the packages or take them as they were written.

    Arguments and errors are those of ``deploy``.
    """
    from wherry.pipeline.build import build_packages
    from wherry.pipeline.request import as_request, open_context
    from wherry.pipeline.written import report_written, written_target

    store, reporter = options.pop("store", None), options.pop("reporter", SILENT)
    asked, config = cast("BuildOptions", options), options.get("config")
    if (legacy := legacy_stage(config, stage)) is not None:
        asked["stage"] = legacy
    request = as_request(project, asked)
    settings = find_stage(request.project, stage)
    report = (
        build_packages(request, open_context(request, store=store, reporter=reporter))
        if build
        else report_written(written_target(request, store))
    )
    client = Client(settings, name=stage)
    return Prepared(
        project=request.project,
        report=report,
        client=client,
        locks=LockKeeper(client, _locks(request, settings, stage), reporter),
        reporter=reporter,
    )


def _locks(request: BuildRequest, settings: StageSettings, stage: str) -> Mapping[str, Path]:
    """The lock files that a build reads for layers, by AWS's names; without those of layers that have none."""
    from wherry.lock.find import choose_lock

    locks: dict[str, Path] = {}
    for recipe in request.recipes:
        if recipe.kind != "layer" or request.install_path is not None:
            continue
        try:
            choice = choose_lock(request.lock_request(recipe.supply), request.project.files)
        except WherryError:
            continue
        if choice is not None:
            name = settings.layer_on_aws(recipe.name, project=request.project.name, stage=stage)
            locks[name] = choice.path
    return locks
