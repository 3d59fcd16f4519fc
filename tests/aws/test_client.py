"""The way to AWS: regions, profiles, roles and endpoints, as boto3's users expect them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from wherry.aws.client import Client
from wherry.aws.errors import refusing
from wherry.errors import AwsError
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from pathlib import Path

    from support.aws_account import Account
    from support.aws_faults import Proxy


pytestmark = pytest.mark.usefixtures("in_account")

EXPIRED = '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "2001-01-01T00:00:00Z"}'


def client(**stage: Any) -> Client:
    return Client(StageSettings(**stage), name="staging")


def look(found: Client) -> None:
    with refusing("look"):
        found.functions.list_functions()


def test_the_stage_says_the_region(proxy: Proxy) -> None:
    assert client(region="us-east-2").region == "us-east-2"
    assert client().region == "eu-west-1"
    found = client(region="us-east-2")
    assert found.functions.meta.region_name == "us-east-2"
    assert found.changes.meta.region_name == "us-east-2"
    assert found.storage().meta.region_name == "us-east-2"
    assert found.storage("eu-west-3").meta.region_name == "eu-west-3"
    assert client(bucket_region="eu-west-2").storage().meta.region_name == "eu-west-2"


def test_no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """D10."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AwsError) as caught:
        look(client())
    assert str(caught.value) == (
        "stage `staging` has no region\n"
        "  ╰─▶ neither its settings, the environment nor the AWS profile names one\n"
        'hint: give it one: region = "eu-west-1"'
    )


def test_a_region_that_boto3_does_not_know() -> None:
    """D10: no error by itself, as there are new ones; but told when something is wrong."""
    found = client(region="eu-wset-1")
    with found.explaining():
        assert found.region == "eu-wset-1"
    with pytest.raises(AwsError) as caught, found.explaining():
        raise AwsError("cannot look", code="X", where=["Could not connect"], hint="network")
    assert str(caught.value) == (
        "cannot look\n"
        "  ├─▶ Could not connect\n"
        "  ╰─▶ the region is eu-wset-1, which boto3 does not know\n"
        "hint: did you mean `eu-west-1`?"
    )
    assert caught.value.code == "X"
    found = client(region="eu-west-1")
    look(found)
    with pytest.raises(AwsError) as caught, found.explaining():
        raise AwsError("cannot look", hint="network")
    assert str(caught.value) == "cannot look\nhint: network"


def test_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    """The stage's, else AWS_PROFILE."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    config.write_text(
        "[profile shop]\nregion = eu-west-3\naws_access_key_id = shop\naws_secret_access_key = x\n"
        "[profile other]\nregion = eu-north-1\naws_access_key_id = other\naws_secret_access_key = x\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    def key(found: Client) -> tuple[str, str]:
        credentials = found.session.get_credentials()
        assert credentials is not None
        return found.region, credentials.access_key

    assert key(client(profile="shop")) == ("eu-west-3", "shop")
    monkeypatch.setenv("AWS_PROFILE", "other")
    assert key(client()) == ("eu-north-1", "other")
    assert key(client(profile="shop")) == ("eu-west-3", "shop")
    look(client(profile="shop"))
    with pytest.raises(AwsError) as caught:
        look(client(profile="nobody"))
    assert str(caught.value) == (
        "cannot reach AWS for stage `staging`\n"
        "  ╰─▶ The config profile (nobody) could not be found\n"
        "hint: `profile` of the stage or AWS_PROFILE names a profile that `aws configure list-profiles` lacks"
    )


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """D10."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for role in (None, "arn:aws:iam::123456789012:role/deployer"):
        with pytest.raises(AwsError) as caught:
            look(client(assume_role=role))
        assert list(caught.value.where) == ["Unable to locate credentials"]
        assert caught.value.hint is not None
        assert caught.value.hint.startswith("sign in")


@pytest.mark.parametrize(
    ("variables", "configuration", "cause"),
    [
        ({"AWS_ENDPOINT_URL": "http://me:secret@"}, "", "Invalid endpoint: http://****@"),
        ({}, "credential_process = echo secret", "Expecting value: line 1 column 1"),
        ({}, "credential_process = echo []", "'list' object has no attribute 'get'"),
        ({}, 'credential_process = echo "', "No closing quotation"),
        ({}, "credential_process = /nowhere/login", "No such file or directory: /nowhere/login"),
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x"},
            "",
            "No such file or directory: /nowhere",
        ),
        (
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://attacker.example/"},
            "",
            "Unsupported host 'attacker.example'",
        ),
        ({}, "metadata_service_timeout = soon", "invalid literal for int"),
        (
            {},
            f"credential_process = echo '{EXPIRED}'",
            "the refreshed credentials are still expired",
        ),
        (
            {
                "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_SESSION_TOKEN": "secret\n",
            },
            "",
            "Invalid header value: it has a line break",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_boto3_cannot_use(
    variables: dict[str, str],
    configuration: str,
    cause: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    proxy: Proxy,
) -> None:
    """D10: boto3 raises exceptions of Python for some of it."""
    file = tmp_path / "config"
    file.write_text(f"[default]\n{configuration}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AwsError) as caught:
        look(client())
    assert cause in caught.value.where[0]
    assert "secret" not in str(caught.value)
    assert caught.value.hint is not None


def test_a_role_is_taken_when_it_is_needed(account: Account, proxy: Proxy) -> None:
    found = client(assume_role=account.role())
    assert proxy.operations == []
    look(found)
    look(found)
    assert proxy.operations == ["AssumeRole", "ListFunctions", "ListFunctions"]
    (call,) = [one for one in proxy.calls if one.operation == "AssumeRole"]
    assert call.service == "sts"
    credentials = found.session.get_credentials()
    assert credentials is not None
    assert credentials.token


def test_endpoints_of_one_service(monkeypatch: pytest.MonkeyPatch, account: Account) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", account.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = client()
    look(found)
    assert found.storage().meta.endpoint_url == "http://127.0.0.1:9"


def test_calls_are_told(proxy: Proxy) -> None:
    found = client()
    look(found)
    found.storage().list_buckets()
    assert found.calls == ["lambda:ListFunctions", "s3:ListBuckets"]


def test_asking_is_tried_again_and_changing_is_not(proxy: Proxy) -> None:
    """Whoever lost an answer must look before asking again."""
    from support.aws_faults import CUT_BEFORE

    found = client()
    proxy.inject(CUT_BEFORE, at=0, attempts=1)
    look(found)
    proxy.inject(CUT_BEFORE, at=1, attempts=1)
    with pytest.raises(AwsError), refusing("look"):
        found.changes.list_functions()
    assert [call.attempt for call in proxy.calls] == [1, 2, 1]


def test_clients_are_made_once_in_many_threads() -> None:
    found = client()
    with ThreadPoolExecutor(16) as pool:
        clients = set(pool.map(lambda _: id(found.functions), range(200)))
    assert len(clients) == 1
