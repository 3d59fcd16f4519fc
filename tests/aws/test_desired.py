"""What a stage should be, out of the settings and what was built."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from wherry.aws.configuration import Configuration
from wherry.aws.desired import describe, desire
from wherry.aws.model import Desired
from wherry.aws.stage import find_stage
from wherry.errors import DeployError, SettingsError
from wherry.pipeline.report import BuildReport, PackageReport
from wherry.settings.model import StageSettings
from wherry.settings.project import Project
from wherry.settings.read import read_settings
from wherry.target import Target, find_architecture, find_runtime

TARGET = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("arm64"))
OTHERS = "arn:aws:lambda:eu-west-1:123456789012:layer:theirs:3"
SETTINGS = """
[functions.api]
handler = "shop.api.handler"
[functions.jobs]
[layers.base]
[layers.deps]
[stages.staging]
"""


def project(toml: str = SETTINGS, *, version: str | None = "1.2") -> Project:
    return Project(
        root=Path("shop"),
        name="shop",
        version=version,
        requires_python=None,
        has_build_system=False,
        settings=read_settings(tomllib.loads(toml), "wherry.toml"),
        inputs=(),
    )


def package(name: str, kind: str = "function", **more: Any) -> PackageReport:
    given: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "path": Path(f"{name}.zip"),
        "handler": None,
        "sha256": "",
        "code_sha256": f"digest of {name}",
        "size": 100,
        "unzipped_size": 200,
        "files": 1,
        "changed": True,
        "layers": (),
        "runtimes": ("python3.13",),
        "architectures": ("arm64",),
        "unzipped_size_with_layers": 200,
        "provided": (),
        "distributions": (),
    }
    return PackageReport(**given | more)


def report(*packages: PackageReport) -> BuildReport:
    return BuildReport(target=TARGET, packages=packages, seconds=0.0)


def desired(toml: str, *packages: PackageReport, **more: Any) -> Desired:
    return desire(project(toml), report(*packages), "staging", **more)


def test_a_function_and_its_layers() -> None:
    """Layers of the project by AWS's names, others by their ARNs, in the order of the settings."""
    found = desired(
        SETTINGS,
        package("deps", "layer", runtimes=("python3.12", "python3.13")),
        package("api", layers=("deps", OTHERS), handler="shop.api.handler"),
    )
    (layer,) = found.layers
    (function,) = found.functions
    assert (layer.name, layer.aws_name) == ("deps", "shop-deps-staging")
    assert layer.runtimes == ("python3.12", "python3.13")
    assert (function.name, function.aws_name) == ("api", "shop-api-staging")
    assert function.layers == ("shop-deps-staging", OTHERS)
    assert (function.runtime, function.architecture) == ("python3.13", "arm64")
    assert function.handler == "shop.api.handler"
    assert function.manage == {"code", "layers"}
    assert (function.publish, function.alias, function.role) == (False, None, None)


def test_a_layer_that_came_out_empty_is_not_taken_but_known() -> None:
    """D9: so that versions of it are detached."""
    found = desired(SETTINGS, package("api", layers=("deps", OTHERS)))
    assert found.layers == ()
    assert found.functions[0].layers == (OTHERS,)
    assert found.functions[0].owned == {"shop-deps-staging", "shop-base-staging"}


def test_descriptions_carry_the_version_of_the_project() -> None:
    found = desired(SETTINGS, package("deps", "layer"), package("api"))
    assert found.layers[0].description == "shop 1.2"
    assert found.functions[0].version_description == "shop 1.2"
    assert found.functions[0].configuration == Configuration()
    assert describe(project(version=None)) == "shop"
    assert len(describe(project(version="1" * 300))) == 256


def test_what_the_stage_says_of_one() -> None:
    text = SETTINGS + (
        'alias = "live"\nmanage = ["code"]\ntags = {team = "shop"}\n'
        'functions.api = {name = "A", alias = "now", manage = ["layers"], memory = 512, timeout = 9, description = "it"'
        ', role = "arn:aws:iam::123456789012:role/r"}\n'
        'layers.deps = {name = "D", license = "MIT", share = ["o-abc1234567"], description = "all"}\n'
    )
    found = desired(text, package("deps", "layer"), package("api"), package("jobs"))
    api, jobs = found.functions
    assert (api.aws_name, api.alias, api.manage) == ("A", "now", frozenset({"layers"}))
    assert api.configuration.values == {"memory": 512, "timeout": 9, "description": "it"}
    assert not api.managed
    assert (api.role, api.tags) == ("arn:aws:iam::123456789012:role/r", {"team": "shop"})
    assert (jobs.aws_name, jobs.alias, jobs.manage) == (
        "shop-jobs-staging",
        "live",
        frozenset({"code"}),
    )
    assert api.publish
    assert jobs.publish
    (layer,) = found.layers
    assert (layer.aws_name, layer.license, layer.description) == ("D", "MIT", "all")
    assert layer.share == ("o-abc1234567",)


@pytest.mark.parametrize(
    ("stage", "own", "wanted"),
    [
        ("", "", False),
        ("publish = true", "", True),
        ("publish = true", "publish = false", False),
        ("publish = false", "publish = true", True),
        ('alias = "live"', "", True),
        ("", 'alias = "live"', True),
    ],
)
def test_when_versions_are_published(stage: str, own: str, wanted: bool) -> None:
    (function,) = desired(
        f"{SETTINGS}{stage}\nfunctions.api = {{{own}}}\n", package("api")
    ).functions
    assert function.publish is wanted


def test_quotas() -> None:
    """A bucket takes what a direct upload does not; accounts may have other quotas."""
    quotas = "[quotas]\ndirect-upload = 7\nlayers = 9\n"
    found = desired(quotas + SETTINGS, package("api"))
    assert (found.direct_upload, found.layer_quota) == (7, 9)
    assert desired(SETTINGS + 'bucket = "deploys"\n', package("api")).direct_upload is None


# What is wrong.


def test_a_stage_that_does_not_exist() -> None:
    """D10."""
    with pytest.raises(SettingsError) as caught:
        find_stage(project(SETTINGS + "[stages.production]\n"), "prodution")
    assert str(caught.value) == (
        "there is no stage `prodution`\n"
        "  ╰─▶ the settings have `staging`, `production`\n"
        "hint: did you mean `production`?"
    )
    with pytest.raises(SettingsError) as caught:
        find_stage(project(""), "staging")
    assert str(caught.value) == (
        "there is no stage `staging`\n"
        "  ╰─▶ the settings have no stages\n"
        "hint: write one: [tool.wherry.stages.staging]"
    )


def test_a_stage_about_what_there_is_not() -> None:
    """D10: a key for a function that is called otherwise would be passed over in silence."""
    text = SETTINGS + 'functions.app = {alias = "live"}\nlayers.dep = {license = "MIT"}\n'
    with pytest.raises(SettingsError) as caught:
        find_stage(project(text), "staging")
    assert str(caught.value) == (
        "stage `staging` names functions or layers that the project does not have\n"
        "  ├─▶ stages.staging.functions.app: there is no function `app`\n"
        "  ╰─▶ stages.staging.layers.dep: there is no layer `dep`\n"
        "hint: did you mean `api`?\n"
        "did you mean `deps`?"
    )


def test_a_project_without_functions_is_one() -> None:
    text = '[stages.staging]\nfunctions.shop = {alias = "live"}\n'
    (function,) = desired(text, package("shop")).functions
    assert (function.aws_name, function.alias) == ("shop-staging", "live")


def test_two_of_one_name() -> None:
    text = SETTINGS + 'functions.jobs = {name = "shop-api-staging"}\n'
    with pytest.raises(DeployError) as caught:
        desired(text, package("api"), package("jobs"))
    assert str(caught.value) == (
        "several functions would have one name on AWS\n"
        "  ╰─▶ `shop-api-staging`: `api`, `jobs`\n"
        "hint: give each a name of its own in the stage"
    )


def test_a_canary_without_an_alias() -> None:
    with pytest.raises(DeployError) as caught:
        desired(SETTINGS, package("api"), canary=0.1)
    assert str(caught.value) == (
        "a canary needs an alias, which shares the calls\n"
        "  ╰─▶ function `api` has none in stage `staging`\n"
        'hint: give the stage one: alias = "live"'
    )


@pytest.mark.parametrize(
    ("pattern", "own", "others"),
    [
        ("{project}-{name}-{stage}", "shop-old-staging", "shop-old-production"),
        ("{stage}_{name}", "staging_old", "old"),
        ("{project}-{name}", "shop-old", "observability"),
    ],
)
def test_a_layer_of_earlier_settings_is_told_by_its_name(
    pattern: str, own: str, others: str
) -> None:
    settings = StageSettings(layer_name=pattern)
    found = settings.layer_pattern(project="shop", stage="staging")
    assert found is not None
    assert re.fullmatch(found, own)
    assert not re.fullmatch(found, others)


@pytest.mark.parametrize("pattern", ["{name}", "base", "{project}-layers"])
def test_names_that_tell_nothing(pattern: str) -> None:
    assert StageSettings(layer_name=pattern).layer_pattern(project="shop", stage="staging") is None


def test_names_that_are_too_long() -> None:
    """A9: told by the plan, and not only by AWS."""
    pattern = "{name}-" + "x" * 61
    toml = (
        SETTINGS
        + f'function-name = "{pattern}"\nlayer-name = "{pattern}{pattern[6:]}{pattern[6:-2]}"\n'
    )
    report = BuildReport(
        target=TARGET, packages=(package("base", "layer"), package("api")), seconds=0.0
    )
    with pytest.raises(DeployError, match="no names that long") as caught:
        desire(project(toml), report, "staging")
    assert [line.partition("`, ")[2] for line in caught.value.where] == [
        "65 characters of 64",
        "188 characters of 140",
    ]
