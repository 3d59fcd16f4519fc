"""The public API as a user's type checker sees it. Never run: `make types` reads it.

What must be an error is marked as ignored, and an ignore that is not needed is an error itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

import wherry


def builds() -> None:
    report = wherry.build("services/api", runtime="python3.13", architecture="arm64", names=["api"])
    assert_type(report, wherry.BuildReport)
    for package in report.packages:
        assert_type(package, wherry.PackageReport)
        assert_type(package.path, Path)
        assert_type(package.code_sha256, str)
        assert_type(package.handler, str | None)
        assert_type(package.layers, tuple[str, ...])
        assert_type(package.distributions[0].version, str | None)
    wherry.build(runtime=3.13)  # type: ignore[arg-type]
    wherry.build(".", "python3.13")  # type: ignore[arg-type, call-arg]
    wherry.build(wheels=True)  # type: ignore[call-arg]


def packages_in_one_call() -> None:
    """S11: what spindrift's `package` took, in its order."""
    wherry.build(
        ".",
        name="yourwebapp",
        interface="wsgi",
        app="from yourwebapp.app import app",
        runtime="python3.13",
        output="/tmp/yourwebapp.zip",
    )


def composes() -> None:
    composition = wherry.compose_project(Path())
    assert_type(composition, wherry.Composition)
    package = composition.packages[0]
    assert_type(package, wherry.Package)
    assert_type(package.bundle, wherry.Bundle)
    slim = package.bundle.filter(lambda entry: not entry.path.endswith(".pyi"))
    parts = slim.partition(lambda entry: entry.owner == "flask")
    assert_type(parts, Mapping[bool, wherry.Bundle])
    merged = parts[True].prefix("python").merge(parts[False])
    written = wherry.write_package(merged, Path("layer.zip"))
    assert_type(written, wherry.Written)
    assert_type(written.code_sha256, str)
    extra = wherry.tree_bundle(Path("assets"), owner="assets")
    assert_type([entry for entry in extra], list[wherry.Entry])  # noqa: C416
    wherry.write_package(package, Path("layer.zip"))  # type: ignore[arg-type]
    package.bundle.entries[0].path = "other"  # type: ignore[misc]


def reads() -> None:
    project = wherry.read_project(Path())
    assert_type(project, wherry.Project)
    assert_type(project.version, str | None)


def deploys() -> None:
    planned = wherry.plan("services/api", "staging", names=["api"], runtime="python3.13")
    assert_type(planned, wherry.Planned)
    assert_type(bool(planned.plan), bool)
    for action in planned.plan.actions:
        assert_type(action.why, tuple[str, ...])
    deployed = wherry.deploy(stage="staging", canary=0.1, build=False, reporter=Log())
    assert_type(deployed, wherry.Deployed)
    assert_type(deployed.applied.functions[0].arn, str)
    assert_type(deployed.calls, tuple[str, ...])
    assert_type(wherry.promote(".", "staging", names=["api"]), wherry.Deployed)
    wherry.deploy(".", "staging", wheels=True)  # type: ignore[call-arg]
    wherry.deploy(".", "staging", canary=["10%"])  # type: ignore[arg-type]
    wherry.deploy(".", "staging", canary="10%/5m", tests=["event.json"], traffic=True)
    wherry.deploy(".", "production", source="staging")
    past = wherry.history(".", "staging", names=["api"])
    assert_type(past, wherry.History)
    assert_type(past.functions[0].versions[0].share, float)


def deploys_step_by_step() -> None:
    """A11."""
    uploaded = wherry.upload(".", "staging", names=["dependencies"])
    assert_type(uploaded, wherry.Uploaded)
    assert_type(uploaded.packages[0].url, str)
    assert_type(uploaded.packages[0].version_id, str | None)
    published = wherry.publish(".", "staging", output="build")
    assert_type(published, wherry.Published)
    assert_type(published.versions[0].version, int)
    wherry.upload(".", "staging", build=False)  # type: ignore[call-arg]


def looks_after() -> None:
    gone_back = wherry.rollback(".", "staging", to=7, confirm=lambda found: len(found) == 1)
    assert_type(gone_back, wherry.RolledBack)
    assert_type(gone_back.done, bool)
    assert_type(gone_back.rollbacks[0].was, int | None)
    pruned = wherry.prune(".", "staging", keep_versions=3, dry_run=False)
    assert_type(pruned, wherry.Pruned)
    assert_type(len(pruned.removed), int)
    wherry.rollback(".", "staging", to="7")  # type: ignore[arg-type]
    wherry.prune(".", "staging", yes=True)  # type: ignore[call-arg]


class Log:
    def emit(self, event: object) -> None:
        print(event)


def reports() -> None:
    wherry.build(reporter=Log())
    wherry.build(reporter=print)  # type: ignore[arg-type]


def fails() -> None:
    try:
        wherry.build()
    except wherry.WherryError as error:
        assert_type(error.where, tuple[str, ...])
        assert_type(error.hint, str | None)
