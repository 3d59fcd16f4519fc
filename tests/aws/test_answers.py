"""Answers that are not AWS's: a proxy's page, another service, a part of what AWS sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.aws_account import Account
from support.loopback import QuietHandler, serve
from wherry.aws.answers import require_digest
from wherry.aws.client import Client
from wherry.aws.errors import translate
from wherry.aws.observe import observe_function, observe_layer
from wherry.errors import AwsError
from wherry.settings.model import StageSettings


class Pretender(QuietHandler):
    """Answers every request alike."""

    body = b""
    kind = "application/json"

    def do_GET(self) -> None:
        self.answer(200, self.body, self.kind)


@pytest.fixture
def client() -> Iterator[Client]:
    with serve(Pretender) as url, Account(url).here():
        yield Client(StageSettings(region="eu-west-1"), name="staging")


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
