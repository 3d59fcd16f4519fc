"""`[tool.wherry.stages]`: what is read, and what is told of what is wrong."""

from __future__ import annotations

import tomllib

import pytest

from wherry.errors import SettingsError
from wherry.settings.model import StageFunction, StageLayer, StageSettings
from wherry.settings.read import read_settings
from wherry.settings.references import LayerReference, Origin, VariableSetting

EVERYTHING = """
[stages.staging]
region = "eu-west-1"
profile = "shop"
assume-role = "arn:aws:iam::123456789012:role/deployer"
bucket = "s3://deploy-bucket/wherry/"
bucket-region = "eu-west-1"
encryption = "aws:kms"
kms-key = "alias/deploys"
keep = true
tags = {team = "shop"}
function-name = "{project}-{name}-{stage}"
layer-name = "{name}-of-{project}"
alias = "live"
manage = ["handler", "code"]
keep-versions = 10
keep-days = 30
functions.api = {name = "shop-api", role = "arn:aws:iam::123456789012:role/service/api", memory = 512, timeout = 9}
functions.jobs = {alias = "now", manage = ["code", "description"], description = "works"}
layers.dependencies = {name = "deps", share = ["123456789012", "o-abc1234567", "123456789012"], license = "MIT"}
"""


def stages(toml: str) -> dict[str, StageSettings]:
    return dict(read_settings(tomllib.loads(toml), "wherry.toml").stages)


def refused(toml: str) -> str:
    with pytest.raises(SettingsError) as caught:
        stages(toml)
    return str(caught.value)


def test_everything_that_can_be_said() -> None:
    assert stages(EVERYTHING) == {
        "staging": StageSettings(
            region="eu-west-1",
            profile="shop",
            assume_role="arn:aws:iam::123456789012:role/deployer",
            bucket="deploy-bucket",
            prefix="wherry",
            bucket_region="eu-west-1",
            encryption="aws:kms",
            kms_key="alias/deploys",
            keep=True,
            tags={"team": "shop"},
            function_name="{project}-{name}-{stage}",
            layer_name="{name}-of-{project}",
            alias="live",
            manage=("code", "handler"),
            keep_versions=10,
            keep_days=30,
            functions={
                "api": StageFunction(
                    name="shop-api",
                    role="arn:aws:iam::123456789012:role/service/api",
                    memory=512,
                    timeout=9,
                ),
                "jobs": StageFunction(
                    alias="now", manage=("code", "description"), description="works"
                ),
            },
            layers={
                "dependencies": StageLayer(
                    name="deps", share=("123456789012", "o-abc1234567"), license="MIT"
                )
            },
        )
    }


def test_nothing_needs_to_be_said() -> None:
    """Code and layers are Wherry's; the rest is whoever's it was."""
    (stage,) = stages("[stages.staging]").values()
    assert stage == StageSettings()
    assert stage.manage == ("code", "layers")
    assert (stage.region, stage.alias, stage.bucket) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("deploys", "deploys", ""),
        ("s3://deploys", "deploys", ""),
        ("s3://deploys/", "deploys", ""),
        ("deploys/a/b", "deploys", "a/b"),
        ("s3://deploys/a/b/", "deploys", "a/b"),
    ],
)
def test_buckets(text: str, bucket: str, prefix: str) -> None:
    (stage,) = stages(f'[stages.s]\nbucket = "{text}"').values()
    assert (stage.bucket, stage.prefix) == (bucket, prefix)


@pytest.mark.parametrize(
    ("pattern", "name", "wanted"),
    [
        (None, "api", "shop-api-staging"),
        # A project without settings has one function, which is called as the project.
        (None, "shop", "shop-staging"),
        ("{name}", "api", "api"),
        ("{stage}_{name}_{project}", "api", "staging_api_shop"),
    ],
)
def test_names_on_aws(pattern: str | None, name: str, wanted: str) -> None:
    said = "" if pattern is None else f'function-name = "{pattern}"\nlayer-name = "{pattern}"'
    (stage,) = stages(f"[stages.staging]\n{said}").values()
    assert stage.function_on_aws(name, project="shop", stage="staging") == wanted
    assert stage.layer_on_aws(name, project="shop", stage="staging") == wanted


def test_names_of_projects_that_aws_does_not_take() -> None:
    (stage,) = stages("[stages.staging]").values()
    assert stage.function_on_aws("api", project="shop.web", stage="s") == "shop-web-api-s"


def test_a_name_of_its_own_goes_before_the_pattern() -> None:
    stage = stages(EVERYTHING)["staging"]
    assert stage.function_on_aws("api", project="p", stage="s") == "shop-api"
    assert stage.layer_on_aws("dependencies", project="p", stage="s") == "deps"
    assert stage.layer_on_aws("other", project="p", stage="s") == "other-of-p"


def test_unknown_keys_at_every_level() -> None:
    """D10: the nearest is named."""
    assert refused(
        "[stages.staging]\nregoin = 'eu-west-1'\nbucket_region = 'eu-west-1'\nfunction = 3\n"
        "functions.api = {rol = 'x'}\nlayers.dependencies = {shared = ['x']}\n"
    ) == (
        "the settings in wherry.toml are wrong\n"
        "  ├─▶ stages.staging.regoin: there is no such setting\n"
        "  ├─▶ stages.staging.bucket_region: there is no such setting\n"
        "  ├─▶ stages.staging.function: there is no such setting\n"
        "  ├─▶ stages.staging.functions.api.rol: there is no such setting\n"
        "  ╰─▶ stages.staging.layers.dependencies.shared: there is no such setting\n"
        "hint: did you mean `stages.staging.region`, `stages.staging.bucket-region`, "
        "`stages.staging.functions`, `stages.staging.functions.api.role`, "
        "`stages.staging.layers.dependencies.share`?"
    )


def test_values_of_the_wrong_kind() -> None:
    """D10: all at once, with the key where each stands."""
    assert refused(
        "[stages.staging]\nregion = 'Ireland'\nassume-role = 'deployer'\nbucket = 'A B'\n"
        "tags = {team = 3}\nfunction-name = 'shop'\nlayer-name = '{name}-{user}'\nalias = '1'\n"
        "manage = ['vpc']\nkeep-versions = -1\nkeep-days = true\nkeep = 'yes'\n"
        "functions.api = {name = 'a b', memory = 20000, role = 'x'}\nfunctions.jobs = 3\n"
        "layers.dependencies = {name = 'arn:x', share = ['everybody']}\n"
    ) == (
        "the settings in wherry.toml are wrong\n"
        "  ├─▶ stages.staging.region: expected a region such as eu-west-1\n"
        "  ├─▶ stages.staging.assume-role: expected the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)\n"
        '  ├─▶ stages.staging.bucket: expected a bucket, such as "s3://deploy-bucket/wherry"\n'
        "  ├─▶ stages.staging.tags: expected a table of strings\n"
        "  ├─▶ stages.staging.function-name: expected a pattern such as `{project}-{name}-{stage}`, with {name} in "
        "it and otherwise letters, digits, `-` and `_`\n"
        "  ├─▶ stages.staging.layer-name: expected a pattern such as `{project}-{name}-{stage}`, with {name} in it "
        "and otherwise letters, digits, `-` and `_`\n"
        "  ├─▶ stages.staging.alias: expected an alias of letters, digits, `-` and `_`\n"
        "  ├─▶ stages.staging.manage: expected some of code, layers, handler, runtime, architecture, "
        "environment, memory, timeout, logging, tracing, ephemeral-storage, snap-start, description, tags, not `vpc`\n"
        "  ├─▶ stages.staging.keep-versions: expected a number of at least 0\n"
        "  ├─▶ stages.staging.keep-days: expected a number of at least 0\n"
        "  ├─▶ stages.staging.keep: expected true or false\n"
        "  ├─▶ stages.staging.functions.api.name: expected AWS's name of a function (letters, digits, `-` and `_`, "
        "at most 64), or its ARN\n"
        "  ├─▶ stages.staging.functions.api.memory: expected a number from 128 to 10240\n"
        "  ├─▶ stages.staging.functions.api.role: expected the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)\n"
        "  ├─▶ stages.staging.functions.jobs: expected a table, such as {name = …}\n"
        "  ├─▶ stages.staging.layers.dependencies.name: expected AWS's name of a layer (letters, digits, `-` and "
        "`_`)\n"
        "  ╰─▶ stages.staging.layers.dependencies.share: `everybody` is neither an account (12 digits) nor an "
        "organisation (`o-…`); `*` is everybody"
    )


@pytest.mark.parametrize(
    ("toml", "finding"),
    [
        ("stages = 3", "stages: expected a table for each: [tool.wherry.stages.NAME]"),
        (
            '[stages]\nregion = "eu-west-1"',
            "stages.region: it belongs in a table with a name: [tool.wherry.stages.NAME]",
        ),
        (
            "[stages]\nstaging = 3",
            "stages.staging: expected a table: [tool.wherry.stages.staging]",
        ),
        (
            '[stages."a b"]',
            "stages.a b: the name of a stage consists of letters, digits, `-` and `_`",
        ),
        ("[stages.s]\nfunctions = 3", "stages.s.functions: expected a table for each"),
        (
            "[stages.s]\nkeep = true",
            "stages.s.keep: it is a setting of a `bucket`, and none is set",
        ),
        (
            '[stages.s]\nbucket = "deploys"\nkms-key = "x"',
            'stages.s.kms-key: it requires `encryption = "aws:kms"`',
        ),
        (
            '[stages.s]\nalias = "live"\npublish = false',
            "stages.s.publish: an `alias` needs a published version",
        ),
        (
            '[stages.s]\nfunctions.api = {alias = "live", publish = false}',
            "stages.s.functions.api.publish: an `alias` needs a published version",
        ),
        (
            '[stages.s]\nalias = "live"\nfunctions.api = {publish = false}',
            "stages.s.functions.api.publish: an `alias` needs a published version",
        ),
    ],
)
def test_what_does_not_go_together(toml: str, finding: str) -> None:
    assert refused(toml).splitlines()[1] == f"  ╰─▶ {finding}"


@pytest.mark.parametrize(
    "name",
    ["api", "arn:aws:lambda:eu-west-1:123456789012:function:api"],
)
def test_functions_are_named_or_numbered(name: str) -> None:
    (stage,) = stages(f'[stages.s]\nfunctions.api = {{name = "{name}"}}').values()
    assert stage.function_on_aws("api", project="p", stage="s") == name


@pytest.mark.parametrize(
    "name",
    ["arn:aws:lambda:eu-west-1:123456789012:function:api:live", "x" * 65, "", "a/b"],
)
def test_functions_are_not_named_so(name: str) -> None:
    assert "AWS's name of a function" in refused(f'[stages.s]\nfunctions.api = {{name = "{name}"}}')


def test_regions_and_their_buckets() -> None:
    read = stages(
        '[stages.s]\nregions = ["eu-west-1", "us-east-1"]\nbucket = "s3://b-{region}/x"\n'
    )["s"]
    assert (read.regions, read.bucket) == (("eu-west-1", "us-east-1"), "b-{region}")
    assert read.layer_pattern(project="p", stage="s@us-east-1") == r"p\-[A-Za-z0-9_-]+\-s"
    assert read.function_on_aws("api", project="p", stage="s@us-east-1") == "p-api-s"
    assert "stages.s.bucket: `{region}` requires" in refused('[stages.s]\nbucket = "b-{region}"')
    assert "is not a region" in refused('[stages.s]\nregions = ["Europe"]')
    assert "expected a bucket" in refused('[stages.s]\nregion = "eu-west-1"\nbucket = "b-{stage}"')


def test_a_function_is_in_the_region_of_its_stage() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:api"
    named = f'functions.api = {{ name = "{arn}" }}'
    assert stages(f'[stages.s]\nregion = "us-east-1"\n{named}')["s"].functions["api"].name == arn
    assert stages(f"[stages.s]\n{named}")["s"].functions["api"].name == arn
    text = refused(f'[stages.s]\nregion = "eu-west-1"\n{named}')
    assert (
        "stages.s.functions.api.name: the function is in us-east-1, and the stage in eu-west-1"
        in text
    )
    text = refused(f'[stages.s]\nregions = ["eu-west-1", "us-east-1"]\n{named}')
    assert "the stage in eu-west-1, us-east-1" in text


CONFIGURATION = """
[stages.staging]
manage = ["layers", "environment", "memory", "logging", "snap-start", "tracing", "ephemeral-storage", "tags"]
[stages.staging.functions.api]
layers = ["deps", "arn:aws:lambda:eu-west-1:123456789012:layer:x:7", {ssm = "/layers/otel"}, {name = "obs", version = "latest"}]
exclusive-layers = true
memory = 512
ephemeral-storage = 1024
tracing = "Active"
logging = {format = "JSON", level = "INFO", system-level = "WARN", group = "/shop"}
snap-start = false
tags = {team = "shop"}
[stages.staging.functions.api.environment]
LOG_LEVEL = "info"
TOKEN = {env = "TOKEN"}
DB_URL = {ssm = "/shop/db-url:3"}
KEY = {secret = "shop/key", key = "password"}
OLD = {remove = true}
"""


def test_the_configuration_of_a_function() -> None:
    assert stages(CONFIGURATION)["staging"].function("api") == StageFunction(
        layers=(
            "deps",
            "arn:aws:lambda:eu-west-1:123456789012:layer:x:7",
            LayerReference(ssm="/layers/otel"),
            LayerReference(name="obs"),
        ),
        exclusive_layers=True,
        memory=512,
        ephemeral_storage=1024,
        tracing="Active",
        logging={"format": "JSON", "level": "INFO", "system-level": "WARN", "group": "/shop"},
        snap_start=False,
        tags={"team": "shop"},
        environment={
            "LOG_LEVEL": VariableSetting(text="info"),
            "TOKEN": VariableSetting(origin=Origin.ENV, text="TOKEN"),
            "DB_URL": VariableSetting(origin=Origin.SSM, text="/shop/db-url:3"),
            "KEY": VariableSetting(origin=Origin.SECRET, text="shop/key", key="password"),
            "OLD": VariableSetting(origin=Origin.REMOVED),
        },
    )


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("memory = 512", '.memory: it has no effect: put "memory" into `manage`, or give a `role`'),
        ("snap-start = false", ".snap-start: it has no effect"),
        ("environment = {}\ntimeout = 3", ".timeout: it has no effect"),
        ("environment = {AB = 5}", ".environment: AB: expected a string, or {env"),
        ("environment = {AB = {ssm = 'x', key = 'hunter2'}}", ".environment: AB: expected a string"),
        ("environment = {AB = {remove = false}}", ".environment: AB: expected a string"),
        ("environment = {1B = 'x'}", ".environment: `1B` is not the name of a variable"),
        ("environment = {AWS_REGION = 'x'}", ".environment: `AWS_REGION` is set by AWS Lambda itself"),
        ("logging = {format = 'Text', level = 'INFO'}", '.logging: levels require `format = "JSON"`'),
        ("logging = {colour = 'red'}", ".logging: there is no setting `colour`"),
        ("logging = {level = 'loud'}", ".logging: level: expected one of TRACE"),
        ("tracing = 'On'", ".tracing: expected one of Active, PassThrough"),
        ("tags = {'aws:x' = 'y'}", ".tags: `aws:x`: a tag has a key"),
        ("layers = ['a', 'a']", ".layers: a layer is listed twice"),
        ("layers = [{name = 'x'}]", '.layers: expected "exclusive", or a list'),
        ("layers = [{name = 'x', version = 'newest'}]", ".layers: expected a number of at least 1"),
        ("layers = ['arn:x']", ".layers: `arn:x` is not the ARN of a layer version"),
    ],
)  # fmt: skip
def test_configuration_that_is_wrong(function: str, problem: str) -> None:
    """Among it what would have no effect. No message repeats a value that may be a secret."""
    said = refused(f"[stages.staging.functions.api]\n{function}\n")
    assert f"stages.staging.functions.api{problem}" in said
    assert "hunter2" not in said
