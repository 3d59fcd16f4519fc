"""Wherry carries a Python project to AWS Lambda.

>>> import wherry
>>> report = wherry.build("services/api", runtime="python3.13", architecture="arm64")
>>> report.packages[0].path, report.packages[0].code_sha256

What was composed can be changed before it is written:

>>> composition = wherry.compose_project("services/api")
>>> slim = composition.packages[0].bundle.filter(lambda entry: not entry.path.endswith(".pyi"))
>>> wherry.write_package(slim, Path("build/api.zip"))

What was built can be brought to AWS:

>>> wherry.deploy("services/api", "staging").applied.functions[0].arn

Importing this package loads nothing; each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.version import __version__

if TYPE_CHECKING:
    from wherry.aws.deploy import Deployed, Planned, deploy, plan, promote
    from wherry.aws.steps import Published, Uploaded, publish, upload
    from wherry.aws.upkeep import Pruned, RolledBack, prune, rollback
    from wherry.bundle.algebra import Bundle
    from wherry.bundle.entry import Entry
    from wherry.bundle.tree import tree_bundle
    from wherry.bundle.writer import Written, write_package
    from wherry.compose.model import Composition, Distribution, Package
    from wherry.errors import WherryError
    from wherry.events import Reporter
    from wherry.pipeline import build, compose_project
    from wherry.project import Project, read_project
    from wherry.report import BuildReport, PackageReport
    from wherry.target import Architecture, Runtime, Target

__all__ = [
    "Architecture",
    "BuildReport",
    "Bundle",
    "Composition",
    "Deployed",
    "Distribution",
    "Entry",
    "Package",
    "PackageReport",
    "Planned",
    "Project",
    "Pruned",
    "Published",
    "Reporter",
    "RolledBack",
    "Runtime",
    "Target",
    "Uploaded",
    "WherryError",
    "Written",
    "__version__",
    "build",
    "compose_project",
    "deploy",
    "plan",
    "promote",
    "prune",
    "publish",
    "read_project",
    "rollback",
    "tree_bundle",
    "upload",
    "write_package",
]

_HOMES = {
    "Architecture": "wherry.target",
    "BuildReport": "wherry.report",
    "Bundle": "wherry.bundle.algebra",
    "Composition": "wherry.compose.model",
    "Deployed": "wherry.aws.deploy",
    "Distribution": "wherry.compose.model",
    "Entry": "wherry.bundle.entry",
    "Package": "wherry.compose.model",
    "PackageReport": "wherry.report",
    "Planned": "wherry.aws.deploy",
    "Project": "wherry.project",
    "Pruned": "wherry.aws.upkeep",
    "Published": "wherry.aws.steps",
    "Reporter": "wherry.events",
    "RolledBack": "wherry.aws.upkeep",
    "Runtime": "wherry.target",
    "Target": "wherry.target",
    "Uploaded": "wherry.aws.steps",
    "WherryError": "wherry.errors",
    "Written": "wherry.bundle.writer",
    "build": "wherry.pipeline",
    "compose_project": "wherry.pipeline",
    "deploy": "wherry.aws.deploy",
    "plan": "wherry.aws.deploy",
    "promote": "wherry.aws.deploy",
    "prune": "wherry.aws.upkeep",
    "publish": "wherry.aws.steps",
    "read_project": "wherry.project",
    "rollback": "wherry.aws.upkeep",
    "tree_bundle": "wherry.bundle.tree",
    "upload": "wherry.aws.steps",
    "write_package": "wherry.bundle.writer",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'wherry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
