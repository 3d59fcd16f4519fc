"""Wherry carries a Python project to AWS Lambda.

>>> import wherry
>>> report = wherry.build("services/api", runtime="python3.13", architecture="arm64")
>>> report.packages[0].path, report.packages[0].code_sha256

What was composed can be changed before it is written:

>>> composition = wherry.compose_project("services/api")
>>> slim = composition.packages[0].bundle.filter(lambda entry: not entry.path.endswith(".pyi"))
>>> wherry.write_package(slim, Path("build/api.zip"))

What was built can be run as AWS Lambda would run it, and deployed:

>>> wherry.invoke("services/api", {"id": 7}).payload

>>> wherry.deploy("services/api", "staging").applied.functions[0].arn

Importing this package loads nothing; each name is loaded when it is first used.
"""

from __future__ import annotations

import sys
from types import ModuleType

from wherry.version import __version__

# Not `typing`'s: importing that takes longer than all that a command does before it can take a Ctrl-C.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wherry.aws.call import RemoteInvocation, invoke_remote
    from wherry.aws.deploy import Deployed, Planned, deploy, plan
    from wherry.aws.init_stage import init_stage
    from wherry.aws.inspect_stage import inspect
    from wherry.aws.logs import LogEvent, read_logs
    from wherry.aws.past import History, history
    from wherry.aws.promote import promote
    from wherry.aws.prune.prune import Pruned, prune
    from wherry.aws.publish import Published, publish
    from wherry.aws.rollback.rollback import RolledBack, rollback
    from wherry.aws.several import StageResult, for_stages
    from wherry.aws.upload import Uploaded, upload
    from wherry.bundle.bundle import Bundle
    from wherry.bundle.entry import Entry
    from wherry.bundle.tree import tree_bundle
    from wherry.bundle.writer import Written, write_package
    from wherry.checks.model import Finding
    from wherry.compose.model import Composition, Distribution, Package
    from wherry.errors import WherryError
    from wherry.events import Reporter
    from wherry.inspect.model import Inspected
    from wherry.inspect.profile import ImportProfile
    from wherry.invoke.cold_start import ColdStarts, cold_starts, report_cold_starts
    from wherry.invoke.options import InvokeOptions, ServeOptions
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.run import Callbacks, invoke, serve
    from wherry.pipeline.blocks.block import block
    from wherry.pipeline.build import build, compose_project
    from wherry.pipeline.check import CheckReport, check
    from wherry.pipeline.digest import DigestReport, PackageDigest, digest
    from wherry.pipeline.first_settings import init
    from wherry.pipeline.inspect import InspectReport
    from wherry.pipeline.lock import LockOptions, lock
    from wherry.pipeline.options import BuildOptions, CheckOptions, InspectOptions, PackageOptions
    from wherry.pipeline.report import BuildReport, PackageReport
    from wherry.pipeline.request import BuildRequest, read_request
    from wherry.sample_events.event import EventOptions, event
    from wherry.settings.init.write import FirstSettings, InitOptions
    from wherry.settings.project import Project, read_project
    from wherry.settings.schema import pyproject_schema, settings_schema
    from wherry.store import Store
    from wherry.target import Architecture, Runtime, Target

__all__ = [
    "Architecture",
    "BuildOptions",
    "BuildReport",
    "BuildRequest",
    "Bundle",
    "Callbacks",
    "CheckOptions",
    "CheckReport",
    "ColdStarts",
    "Composition",
    "Deployed",
    "DigestReport",
    "Distribution",
    "Entry",
    "EventOptions",
    "Finding",
    "FirstSettings",
    "History",
    "ImportProfile",
    "InitOptions",
    "InspectOptions",
    "InspectReport",
    "Inspected",
    "Invocation",
    "InvokeOptions",
    "LockOptions",
    "LogEvent",
    "Package",
    "PackageDigest",
    "PackageOptions",
    "PackageReport",
    "Planned",
    "Project",
    "Pruned",
    "Published",
    "RemoteInvocation",
    "Reporter",
    "RolledBack",
    "Runtime",
    "ServeOptions",
    "StageResult",
    "Store",
    "Target",
    "Uploaded",
    "WherryError",
    "Written",
    "__version__",
    "block",
    "build",
    "check",
    "cold_starts",
    "compose_project",
    "deploy",
    "digest",
    "event",
    "for_stages",
    "history",
    "init",
    "init_stage",
    "inspect",
    "invoke",
    "invoke_remote",
    "lock",
    "plan",
    "promote",
    "prune",
    "publish",
    "pyproject_schema",
    "read_logs",
    "read_project",
    "read_request",
    "report_cold_starts",
    "rollback",
    "serve",
    "settings_schema",
    "tree_bundle",
    "upload",
    "write_package",
]

_HOMES = {
    name: f"wherry.{module}"
    for module, names in {
        "aws.call": "RemoteInvocation invoke_remote",
        "aws.deploy": "Deployed Planned deploy plan",
        "aws.init_stage": "init_stage",
        "aws.inspect_stage": "inspect",
        "aws.logs": "LogEvent read_logs",
        "aws.past": "History history",
        "aws.promote": "promote",
        "aws.prune.prune": "Pruned prune",
        "aws.publish": "Published publish",
        "aws.rollback.rollback": "RolledBack rollback",
        "aws.several": "StageResult for_stages",
        "aws.upload": "Uploaded upload",
        "bundle.bundle": "Bundle",
        "bundle.entry": "Entry",
        "bundle.tree": "tree_bundle",
        "bundle.writer": "Written write_package",
        "checks.model": "Finding",
        "compose.model": "Composition Distribution Package",
        "errors": "WherryError",
        "events": "Reporter",
        "inspect.model": "Inspected",
        "inspect.profile": "ImportProfile",
        "invoke.cold_start": "ColdStarts cold_starts report_cold_starts",
        "invoke.options": "InvokeOptions ServeOptions",
        "invoke.outcome": "Invocation",
        "invoke.run": "Callbacks invoke serve",
        "pipeline.blocks.block": "block",
        "pipeline.build": "build compose_project",
        "pipeline.check": "CheckReport check",
        "pipeline.digest": "DigestReport PackageDigest digest",
        "pipeline.first_settings": "init",
        "pipeline.inspect": "InspectReport",
        "pipeline.lock": "LockOptions lock",
        "pipeline.options": "BuildOptions CheckOptions InspectOptions PackageOptions",
        "pipeline.report": "BuildReport PackageReport",
        "pipeline.request": "BuildRequest read_request",
        "sample_events.event": "EventOptions event",
        "settings.init.write": "FirstSettings InitOptions",
        "settings.project": "Project read_project",
        "settings.schema": "pyproject_schema settings_schema",
        "store": "Store",
        "target": "Architecture Runtime Target",
    }.items()
    for name in names.split()
}
"""The module of each name."""


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'wherry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Module(ModuleType):
    """The package. `inspect`, `invoke` and `lock` remain functions when the subpackages of these names are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Module
