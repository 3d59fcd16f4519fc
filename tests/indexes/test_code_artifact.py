"""K7: a token of CodeArtifact is fetched, used, renewed, and kept in memory alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.code_artifact import serve_code_artifact
from support.index import serve_index
from support.wheels import make_wheel
from wherry.errors import FetchError
from wherry.indexes.code_artifact import Tokens
from wherry.indexes.declared import CodeArtifact, DeclaredIndex
from wherry.indexes.network import Network
from wherry.indexes.session import open_session
from wherry.indexes.simple import project_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.code_artifact import CodeArtifactEndpoint

REPOSITORY = CodeArtifact(
    domain="acme", owner="111122223333", repository="python", region="eu-west-1"
)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeArtifactEndpoint]:
    with serve_code_artifact("token-1", "token-2", "token-3") as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        yield served


def test_one_token_for_a_domain(endpoint: CodeArtifactEndpoint) -> None:
    tokens = Tokens()
    assert tokens.login(REPOSITORY).password == "token-1"
    assert tokens.login(REPOSITORY).user == "aws"
    assert endpoint.asked == [
        {"domain": "acme", "domain-owner": "111122223333", "duration": "3600"}
    ]


def test_one_that_runs_out_is_renewed(endpoint: CodeArtifactEndpoint) -> None:
    """Before it has: a download may last."""
    import time

    now = time.time()
    tokens = Tokens(clock=lambda: now)
    assert tokens.login(REPOSITORY).password == "token-1"
    now += 3600 - 120
    assert tokens.login(REPOSITORY).password == "token-1"
    now += 100
    assert tokens.login(REPOSITORY).password == "token-2"


def test_one_that_is_refused_is_renewed_once(endpoint: CodeArtifactEndpoint) -> None:
    """Several threads are refused with the same token; the first fetches a new one for all."""
    tokens = Tokens()
    first = tokens.login(REPOSITORY)
    assert tokens.login(REPOSITORY, refused=first).password == "token-2"
    assert tokens.login(REPOSITORY, refused=first).password == "token-2"


def test_an_index_that_no_longer_takes_a_token(endpoint: CodeArtifactEndpoint) -> None:
    """An expired token is no failure of a build."""
    with serve_index([make_wheel("foo")], auth=("aws", "token-2")) as index:
        network = Network(
            [DeclaredIndex(name="artifacts", url=index.simple, code_artifact=REPOSITORY)]
        )
        with open_session(network) as session:
            assert project_files(index.simple, "foo", session=session, network=network)
        assert len(endpoint.asked) == 2
        assert "token-2" not in network.hide("token-1 token-2")


def test_an_index_that_takes_none(endpoint: CodeArtifactEndpoint) -> None:
    with serve_index([make_wheel("foo")], auth=("aws", "no such")) as index:
        network = Network(
            [DeclaredIndex(name="artifacts", url=index.simple, code_artifact=REPOSITORY)]
        )
        with open_session(network) as session, pytest.raises(FetchError) as caught:
            project_files(index.simple, "foo", session=session, network=network)
    assert "the index `artifacts` refused user `aws` of AWS CodeArtifact" in caught.value.where
    assert "token" not in "".join(caught.value.where)
    assert len(endpoint.asked) == 2


def test_what_the_environment_says_goes_first(
    endpoint: CodeArtifactEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a pipeline has fetched a token already."""
    monkeypatch.setenv("UV_INDEX_ARTIFACTS_USERNAME", "aws")
    monkeypatch.setenv("UV_INDEX_ARTIFACTS_PASSWORD", "of-the-pipeline")
    url = "https://host/simple/"
    network = Network([DeclaredIndex(name="artifacts", url=url, code_artifact=REPOSITORY)])
    login = network.login(url)
    assert login is not None
    assert login.password == "of-the-pipeline"
    assert endpoint.asked == []


def test_nothing_is_asked_offline(endpoint: CodeArtifactEndpoint) -> None:
    url = "https://host/simple/"
    index = DeclaredIndex(name="artifacts", url=url, code_artifact=REPOSITORY)
    assert Network([index], offline=True).login(url) is None
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("fault", "cause", "hint"),
    [
        (
            (403, "AccessDeniedException", "not authorized"),
            "AWS answered AccessDeniedException: not authorized",
            "sts:GetServiceBearerToken",
        ),
        (
            (404, "ResourceNotFoundException", "Domain not found"),
            "AWS answered ResourceNotFoundException: Domain not found",
            "check `domain`",
        ),
        (
            (403, "ExpiredTokenException", "The security token included in the request is expired"),
            "AWS answered ExpiredTokenException: The security token included in the request is expired",
            "aws sso login",
        ),
    ],
)
def test_aws_refuses(
    endpoint: CodeArtifactEndpoint, fault: tuple[int, str, str], cause: str, hint: str
) -> None:
    """K7: one clear error for each."""
    endpoint.fault = fault
    with pytest.raises(FetchError) as caught:
        Tokens().login(REPOSITORY)
    assert caught.value.where[1] == cause
    assert hint in (caught.value.hint or "")


def test_nobody_is_logged_in(
    endpoint: CodeArtifactEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(FetchError) as caught:
        Tokens().login(REPOSITORY)
    assert "credentials" in caught.value.where[1]
    assert "aws sso login" in (caught.value.hint or "")


def test_a_profile_that_is_not_there(endpoint: CodeArtifactEndpoint) -> None:
    from msgspec.structs import replace

    with pytest.raises(FetchError) as caught:
        Tokens().login(replace(REPOSITORY, profile="no-such"))
    assert "no-such" in caught.value.where[1]
    assert "check `profile`" in (caught.value.hint or "")


def test_what_boto3_cannot_use(
    endpoint: CodeArtifactEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CODEARTIFACT", "http://me:secret@")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:secret@")
    with pytest.raises(FetchError) as caught:
        Tokens().login(REPOSITORY)
    assert caught.value.where[1] == "Invalid endpoint: http://****@"
