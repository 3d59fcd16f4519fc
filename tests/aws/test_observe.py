"""What is on AWS: asked with few calls, and nothing is changed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from support.aws_account import Account, code_sha256
from support.aws_faults import ACCESS_DENIED
from support.desired import desired_function, desired_layer
from support.light_aws import Function, RefusedError
from support.zips import zip_bytes
from wherry.aws.client import Client
from wherry.aws.model import Desired
from wherry.aws.observe import (
    observe,
    observe_function,
    observe_functions,
    observe_layer,
    principals_of,
    snapshot_of,
)
from wherry.errors import AwsError
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from support.aws_faults import Call, Proxy
    from support.light_aws import LightAws


ZIPPED, OTHER = zip_bytes({"a.py": "A = 1\n"}), zip_bytes({"a.py": "A = 2\n"})


def test_nothing_is_there(client: Client, proxy: Proxy) -> None:
    """What is missing is no error."""
    found = observe(
        Desired(
            stage="s",
            layers=(desired_layer("deps", share=("111111111111",)),),
            functions=(desired_function("api"), desired_function("jobs", publish=True)),
        ),
        client,
    )
    assert (found.functions, found.layers) == ({}, {})
    assert proxy.mutations == []
    assert len(proxy.operations) == 3


def test_a_function_that_publishes_nothing_takes_one_call(
    client: Client, account: Account, proxy: Proxy
) -> None:
    arn = account.function("api", ZIPPED, Architectures=["arm64"])
    found = observe_function(client, "api", versions=False)
    assert found is not None
    assert (found.arn, found.account, found.region) == (arn, "123456789012", "eu-west-1")
    assert (found.package_type, found.code_size) == ("Zip", len(ZIPPED))
    latest = found.latest
    assert latest.code_sha256 == code_sha256(ZIPPED)
    assert (latest.runtime, latest.handler) == ("python3.13", "shop.api.handler")
    assert (latest.architecture, latest.layers) == ("arm64", ())
    assert proxy.operations == ["GetFunctionConfiguration"]


def test_versions_and_aliases_take_two_calls(
    client: Client, account: Account, proxy: Proxy
) -> None:
    """N1: `$LATEST` and the versions are told at once, by their digests."""
    base = account.layer("base", ZIPPED)
    arn = account.function("api", ZIPPED, Layers=[base])
    for code in (OTHER, ZIPPED):
        account.functions.publish_version(FunctionName="api", Description="shop 1.0")
        account.functions.update_function_code(FunctionName="api", ZipFile=code)
    account.functions.create_alias(
        FunctionName="api",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    account.functions.create_alias(FunctionName="api", Name="dev", FunctionVersion="$LATEST")
    found = observe_function(client, "api", versions=True)
    assert found is not None
    assert found.arn == arn
    assert [one.number for one in found.versions] == [1, 2]
    digests = [one.snapshot.code_sha256 for one in found.versions]
    assert digests == [code_sha256(ZIPPED), code_sha256(OTHER)]
    first = found.version(1)
    assert first is not None
    assert (first.description, first.snapshot) == ("shop 1.0", found.latest)
    assert first.snapshot.layers == (base,)
    live, dev = found.alias("live"), found.alias("dev")
    assert live is not None
    assert dev is not None
    assert (live.version, dict(live.weights)) == (1, {2: 0.1})
    assert live.revision
    assert (dev.version, dict(dev.weights)) == (0, {})
    assert found.alias("none") is None
    assert proxy.operations == ["ListVersionsByFunction", "ListAliases"]
    assert observe_functions(["api", "missing"], client).functions == {"api": found}


def test_a_version_without_a_number(client: Client, account: Account, proxy: Proxy) -> None:
    """A function on managed instances has one beside the others, which an alias cannot stand at."""
    account.function("api", ZIPPED)
    account.functions.publish_version(FunctionName="api")

    def add(call: Call, data: bytes) -> bytes:
        if call.operation != "ListVersionsByFunction":
            return data
        document = json.loads(data)
        latest = document["Versions"][0]
        document["Versions"].append({**latest, "Version": "$LATEST.PUBLISHED"})
        return json.dumps(document).encode()

    proxy.edit = add
    found = observe_function(client, "api", versions=True)
    assert found is not None
    assert [one.number for one in found.versions] == [1]


def test_the_latest_version_of_a_layer_counts(
    client: Client, account: Account, proxy: Proxy
) -> None:
    """D11, A6: a version that was deleted is not there."""
    account.layer("deps", ZIPPED)
    second = account.layer(
        "deps", OTHER, CompatibleRuntimes=["python3.13"], CompatibleArchitectures=["arm64"]
    )
    account.layer("deps", ZIPPED)
    account.functions.delete_layer_version(LayerName="deps", VersionNumber=3)
    found = observe_layer(client, "deps", shared=False)
    assert found is not None
    assert (found.arn, found.version) == (second, 2)
    assert found.code_sha256 == code_sha256(OTHER)
    assert (found.runtimes, found.architectures) == (("python3.13",), ("arm64",))
    assert proxy.operations == ["ListLayerVersions", "GetLayerVersion"]


def test_who_may_use_a_layer(client: Client, account: Account) -> None:
    """A10: asked only where the stage shares it."""
    account.layer("deps", ZIPPED)
    found = observe_layer(client, "deps", shared=True)
    assert found is not None
    assert found.shared == ()
    for principal in ("111111111111", "*"):
        account.functions.add_layer_version_permission(
            LayerName="deps",
            VersionNumber=1,
            StatementId=f"s{len(principal)}",
            Action="lambda:GetLayerVersion",
            Principal=principal,
        )
    found = observe_layer(client, "deps", shared=True)
    assert found is not None
    assert set(found.shared) == {"111111111111", "*"}


def test_policies_as_aws_writes_them() -> None:
    def statement(principal: Any, **more: Any) -> dict[str, Any]:
        return {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "lambda:GetLayerVersion",
            "Resource": "arn:aws:lambda:eu-west-1:123456789012:layer:deps:1",
            **more,
        }

    policy = {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [
            statement({"AWS": "arn:aws:iam::111111111111:root"}),
            statement({"AWS": "222222222222"}),
            statement("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc1234567"}}),
            statement("*"),
        ],
    }
    assert principals_of(json.dumps(policy)) == (
        "111111111111",
        "222222222222",
        "o-abc1234567",
        "*",
    )


def test_each_layer_is_looked_up_once_for_all(
    client: Client, account: Account, proxy: Proxy
) -> None:
    account.layer("deps", ZIPPED)
    functions = tuple(desired_function(f"f{n}", layers=("deps",)) for n in range(10))
    observe(Desired(stage="s", layers=(desired_layer("deps"),), functions=functions), client)
    assert proxy.operations.count("ListLayerVersions") == 1
    assert proxy.operations.count("GetLayerVersion") == 1
    assert len(proxy.operations) == 12
    assert sorted(client.calls) == sorted(f"lambda:{one}" for one in proxy.operations)


@pytest.mark.parametrize("part", ["function", "layer"])
def test_what_aws_refuses_is_told(client: Client, proxy: Proxy, part: str) -> None:
    """D10: missing is one thing, denied is another."""
    proxy.inject(ACCESS_DENIED, at=0, attempts=None)
    with pytest.raises(AwsError) as caught:
        _ = (
            observe_function(client, "api", versions=True)
            if part == "function"
            else observe_layer(client, "api", shared=False)
        )
    assert caught.value.message == f"cannot look at {part} `api`"
    assert caught.value.code == "AccessDeniedException"


BARE = {
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:api",
    "CodeSha256": "x",
    "Role": "r",
}


@pytest.mark.parametrize(
    "told",
    [
        {"Environment": {"Variables": {}}},
        {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}},
        {"SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}},
        {"FileSystemConfigs": [], "DeadLetterConfig": {}, "KMSKeyArn": ""},
        {"Description": "it", "RevisionId": "r", "LastModified": "now", "Version": "3", "State": "Active"},
    ],
)  # fmt: skip
def test_what_aws_tells_at_times_is_no_difference(told: dict[str, Any]) -> None:
    """What is empty, and what a version has of its own."""
    assert snapshot_of({**BARE, **told}) == snapshot_of(BARE)


@pytest.mark.parametrize(
    "told",
    [
        {"Environment": {"Variables": {"A": "1"}}},
        {"MemorySize": 256},
        {"Role": "other"},
        {"VpcConfig": {"SubnetIds": ["a"], "SecurityGroupIds": ["b"], "VpcId": "c"}},
        {"SnapStart": {"ApplyOn": "PublishedVersions"}},
        {"TracingConfig": {"Mode": "Active"}},
        {"DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 1}},
        {
            "CapacityProviderConfig": {
                "LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": "x"}
            }
        },
        {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}},
        {"Layers": [{"Arn": "arn:aws:lambda:eu-west-1:1:layer:x:1"}]},
        {"Architectures": ["arm64"]},
    ],
)
def test_what_a_version_freezes_is_a_difference(told: dict[str, Any]) -> None:
    assert snapshot_of({**BARE, **told}) != snapshot_of(BARE)


@pytest.mark.real  # It lasts as long as AWS's limit makes it.
def test_many_functions_within_the_limit_of_aws(aws: LightAws) -> None:
    """15 requests in a second, of all that manage functions."""
    names = [f"shop-{number}" for number in range(100)]
    for name in names:
        latest = {
            "FunctionArn": aws.arn("function", name), "Version": "$LATEST", "CodeSha256": "x",
        }  # fmt: skip
        aws.functions[name] = Function(latest=latest)
    left, at, refused = 15.0, time.monotonic(), 0

    def limit(_: str) -> None:
        nonlocal left, at, refused
        now = time.monotonic()
        left, at = min(15.0, left + (now - at) * 15), now
        if left < 1:
            refused += 1
            raise RefusedError(429, "TooManyRequestsException", "Rate exceeded")
        left -= 1

    aws.before = limit
    with Account(aws.url).here():
        found = observe_functions(names, Client(StageSettings(region="eu-west-1"), name="staging"))
    assert [*found.functions] == names
    assert refused


def test_secrets_are_kept_nowhere() -> None:
    """Variables of a function are among them: of those, no more than a digest is kept."""
    found = snapshot_of({**BARE, "Environment": {"Variables": {"PASSWORD": "hunter2"}}})
    assert "hunter2" not in repr(found)
    assert "PASSWORD" not in repr(found)


def test_the_network_of_a_subnet_is_no_difference() -> None:
    """AWS tells it of what runs; it follows from the subnets."""
    one = snapshot_of({**BARE, "VpcConfig": {"SubnetIds": ["a"], "VpcId": "c"}})
    assert one == snapshot_of({**BARE, "VpcConfig": {"SubnetIds": ["a"]}})


def test_the_order_of_subnets_is_no_difference() -> None:
    one, two = (
        snapshot_of({**BARE, "VpcConfig": {"SubnetIds": ids}}) for ids in (["a", "b"], ["b", "a"])
    )
    assert one == two
