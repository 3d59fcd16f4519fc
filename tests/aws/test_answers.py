"""Answers that are not AWS's: a proxy's page, another service, a part of what AWS sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.aws_account import Account, code_sha256
from support.deployments import hasty
from support.functions import zip_of
from support.loopback import QuietHandler, serve
from wherry.aws.answers import require_digest
from wherry.aws.bucket import Bucket
from wherry.aws.client import Client
from wherry.aws.errors import translate
from wherry.aws.live_packages import live_location
from wherry.aws.model import ObservedFunction, Snapshot
from wherry.aws.observe import observe_function, observe_layer
from wherry.aws.prune.find import Policy, find_prunable, version_users
from wherry.aws.switch.watch import Watch, Watched
from wherry.aws.transfer import StoredObject
from wherry.errors import AwsError
from wherry.settings.model import StageSettings

FUNCTION = ObservedFunction(
    aws_name="api",
    arn="arn:aws:lambda:eu-west-1:123456789012:function:api",
    latest=Snapshot(
        code_sha256="x",
        layers=(),
        runtime="python3.13",
        handler="api.handler",
        architecture="x86_64",
    ),
)


class Pretender(QuietHandler):
    """Answers every request alike."""

    body = b""
    kind = "application/json"

    def do_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(200, self.body, self.kind)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815


@pytest.fixture
def client() -> Iterator[Client]:
    with serve(Pretender) as url, Account(url).here():
        stage = StageSettings(region="eu-west-1", bucket="deploys")
        yield Client(stage, name="staging")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><body>Sign in to the network</body></html>", "text/html"),
        (b"<html>", "application/json"),
        (b"{}", "application/json"),
        (b'{"FunctionArn": "x"}', "application/json"),
        (b'{"Versions": [{"Version": "1"}]}', "application/json"),
        (b'{"LayerVersions": [{}]}', "application/json"),
        (b"[]", "application/json"),
        (b"7", "application/json"),
        (b"", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"Versions": 7, "FunctionArn": [], "LayerVersions": {"a": 1}}', "application/json"),
        (
            b'{"FunctionArn": "x", "CodeSha256": {}, "Version": "1", "Versions": [[]], "LayerVersions": "x"}',
            "application/json",
        ),
    ],
)
def test_what_answers_is_not_aws(
    client: Client, monkeypatch: pytest.MonkeyPatch, body: bytes, kind: str
) -> None:
    monkeypatch.setattr(Pretender, "body", body)
    monkeypatch.setattr(Pretender, "kind", kind)
    for look in (
        lambda: observe_function(client, "api", versions=False),
        lambda: observe_function(client, "api", versions=True),
        lambda: observe_layer(client, "base", shared=False),
    ):
        with pytest.raises(AwsError) as raised:
            look()
        assert raised.value.where[0].startswith("what answers is not AWS: ")
        assert "AWS_ENDPOINT_URL" in (raised.value.hint or "")


@pytest.mark.parametrize("body", [b"<html><body>Sign in</body></html>", b'{"a": ', b"{}"])
def test_everything_that_is_asked_may_be_answered_by_others(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: bytes
) -> None:
    """A captive portal answers with a page, and 200."""
    monkeypatch.setattr(Pretender, "body", body)
    package = zip_of(tmp_path / "api.zip", {"api.py": ""})
    digest = code_sha256(package.read_bytes())
    bucket = Bucket.of(client)
    assert bucket is not None
    object_ = StoredObject(bucket="deploys", key="x")
    watched = [Watched(function="api", alias="live", version=2)]
    policy = Policy(versions=1, now=datetime.now(UTC), before=datetime.now(UTC))
    with hasty(monkeypatch):
        for ask in (
            lambda: bucket.put(package, digest, name="api"),
            lambda: bucket.put_text("keep it", "x", b"x", {}),
            lambda: bucket.remove(object_),
            lambda: bucket.leftovers(["api"]),
            lambda: bucket.unfinished(["api"]),
            lambda: Watch(client=client).calls(watched, datetime.now(UTC)),
            lambda: Watch(client=client, alarms=("shop-5xx",)).fault({}),
            lambda: version_users(FUNCTION, client),
            lambda: find_prunable(functions=["api"], layers=[], client=client, policy=policy),
            lambda: live_location(client, "api", is_layer=False),
            lambda: live_location(client, "base", is_layer=True),
        ):
            with pytest.raises(AwsError):
                ask()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ({"Error": {"ErrorCode": "KMSAccessDenied", "Message": "no"}}, "KMSAccessDenied: no"),
        ({"ImageUri": "registry/shop:1"}, "it is a container image"),
        ({}, "no reason given"),
    ],
)
def test_code_without_an_address(
    client: Client, monkeypatch: pytest.MonkeyPatch, code: dict[str, Any], reason: str
) -> None:
    configuration = {"FunctionArn": FUNCTION.arn, "CodeSha256": "x", "Version": "$LATEST"}
    answer = {"Configuration": configuration, "Code": code}
    monkeypatch.setattr(Pretender, "body", json.dumps(answer).encode())
    with pytest.raises(AwsError, match="AWS gives no address of the code of function") as caught:
        live_location(client, "api", is_layer=False)
    assert list(caught.value.where) == [reason]
    assert ("kms:Decrypt" in (caught.value.hint or "")) == ("Error" in code)


def test_other_bytes_than_were_sent() -> None:
    require_digest("layer `base`", "a", "a")
    with pytest.raises(AwsError, match="AWS has stored other bytes for layer `base`"):
        require_digest("layer `base`", "a", "b")


@pytest.mark.parametrize(
    "policy",
    [
        "a service control policy",
        "a resource-based policy",
        "a permissions boundary",
        "an identity-based policy",
    ],
)
def test_a_denial_is_not_answered_with_a_permission(policy: str) -> None:
    from botocore.exceptions import ClientError

    message = (
        "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: lambda:GetFunction "
        f"on resource: arn:aws:lambda:eu-west-1:1:function:api with an explicit deny in {policy}"
    )
    answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": message}}
    error = translate(ClientError(answer, "GetFunction"), "look at function `api`")
    assert error.hint == (
        f"it is denied by {policy}: ask whoever manages that, because a denial takes precedence"
    )
