"""Layers that are named by ARN: fetched once with the user's credentials, proven, and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wherry
from support.aws_account import Account
from support.aws_faults import Call, Fault, Proxy
from support.contexts import context
from support.projects import EMPTY_LOCK, write_files
from support.reporters import Heard
from support.storage import Storage, serve_storage
from support.zips import HANDLER, write_package, zip_bytes
from wherry.errors import AwsError, FetchError, SettingsError
from wherry.pipeline.arn_layers import fetch_layers
from wherry.store import Store

DENIED = Fault(name="denied", status=403, code="AccessDeniedException")


LAYER = zip_bytes({"python/shared.py": "FROM = 'the layer'\n"})


@pytest.fixture
def storage(proxy: Proxy) -> Iterator[Storage]:
    """The addresses that the stand-in gives lead nowhere; this lets them lead to the code."""
    with serve_storage(Storage(data=LAYER)) as served:

        def locate(call: Call, data: bytes) -> bytes:
            if call.operation != "GetLayerVersion" or b"Content" not in data:
                return data
            answer = json.loads(data)
            answer["Content"]["Location"] = served.url()
            return json.dumps(answer).encode()

        proxy.edit = locate
        yield served


@pytest.fixture
def arn(account: Account, proxy: Proxy) -> Iterator[str]:
    """A layer of the account, which this process can reach."""
    with account.here(url=proxy.url):
        yield account.layer("shared", LAYER)


def test_once(arn: str, storage: Storage, proxy: Proxy, store: Store) -> None:
    heard = Heard()
    (path,) = fetch_layers([arn], context(store, reporter=heard)).values()
    assert path.read_bytes() == LAYER
    assert proxy.operations[-1] == "GetLayerVersion"
    assert any(arn in str(event) for event in heard.events)
    # The signature in the address is the only login, and nobody is told of it.
    assert storage.logins == [None]
    assert "secret-signature" not in str(heard.events)
    proxy.forget()
    assert fetch_layers([arn], context(store, offline=True)) == {arn: path}
    assert proxy.operations == []


def test_none_is_asked_for(store: Store) -> None:
    assert fetch_layers([], context(store)) == {}


def test_not_allowed(arn: str, proxy: Proxy, store: Store) -> None:
    proxy.inject(DENIED, operation="GetLayerVersion", attempts=None)
    with pytest.raises(AwsError, match=f"cannot fetch the layer `{arn}`") as caught:
        fetch_layers([arn], context(store))
    assert "allow `lambda:GetLayerVersion`" in (caught.value.hint or "")
    assert "--skip-arn-layers" in (caught.value.hint or "")


def test_there_is_none(arn: str, store: Store) -> None:
    with pytest.raises(AwsError, match="cannot fetch the layer"):
        fetch_layers([arn.removesuffix(":1") + ":7"], context(store))


def test_without_credentials(arn: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(AwsError) as caught:
        fetch_layers([arn], context(store))
    assert "AWS_PROFILE" in (caught.value.hint or "")


def test_what_boto3_cannot_use(arn: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:secret@")
    with pytest.raises(AwsError) as caught:
        fetch_layers([arn], context(store))
    assert list(caught.value.where) == ["Invalid endpoint: http://****@"]


def test_without_network(arn: str, store: Store) -> None:
    with pytest.raises(FetchError, match="is not in the store") as caught:
        fetch_layers([arn], context(store, offline=True))
    assert "--offline" in (caught.value.hint or "")


def test_other_bytes_than_aws_describes(arn: str, storage: Storage, store: Store) -> None:
    storage.data = LAYER[:-1] + b"\1"
    with pytest.raises(FetchError, match="is not the one that AWS describes"):
        fetch_layers([arn], context(store))
    # More than was announced is not even read to its end.
    storage.data = LAYER + bytes(10_000_000)
    with pytest.raises(FetchError, match="is not the one that AWS describes") as caught:
        fetch_layers([arn], context(store))
    assert f"more than the {len(LAYER):,} bytes" in str(caught.value)
    assert not list(store.root.glob("files-v1/*/*"))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"{}",
        b'{"Content": {"CodeSha256": "x", "Location": "http://127.0.0.1:1/"}}',
    ],
)
def test_what_answers_is_not_aws(arn: str, proxy: Proxy, store: Store, body: bytes) -> None:
    proxy.edit = lambda _, __: body
    with pytest.raises(AwsError, match="what answers is not AWS") as caught:
        fetch_layers([arn], context(store))
    assert "AWS_ENDPOINT_URL" in (caught.value.hint or "")


def test_a_check_reads_layers_by_arn(
    arn: str, storage: Storage, proxy: Proxy, store: Store, tmp_path: Path
) -> None:
    code = f"import shared\nimport none_such\n{HANDLER}"
    write_package(tmp_path / "app.zip", {"app.py": code})

    def codes(**options: Any) -> list[tuple[str, str]]:
        report = wherry.check(
            files=[tmp_path / "app.zip"],
            handler="app.handler",
            runtime="python3.13",
            architecture="x86_64",
            select=["IMP"],
            store=store,
            **options,
        )
        return [(finding.code, finding.message) for finding in report.findings]

    assert [code for code, _ in codes()] == ["IMP001", "IMP001"]
    ((code, message),) = codes(layer_files=[arn])
    assert (code, "none_such" in message) == ("IMP001", True)
    proxy.forget()
    # It is kept, and no network is needed any more.
    assert len(codes(layer_files=[arn], offline=True)) == 1
    assert proxy.operations == []
    (_, layer) = wherry.inspect(
        files=[tmp_path / "app.zip"], layer_files=[arn], store=store, offline=True
    ).packages
    assert (layer.name, layer.size) == (arn, len(LAYER))
    other = f"{arn.removesuffix(':1')}:2"
    with pytest.raises(FetchError, match="is not in the store") as caught:
        codes(layer_files=[other], offline=True)
    assert "--layer LAYER.zip" in (caught.value.hint or "")
    with pytest.raises(AwsError, match="is not the ARN of a version"):
        codes(layer_files=[arn.removesuffix(":1")], offline=True)


def test_a_check_of_a_project_reads_the_layers_that_functions_name(
    arn: str, account: Account, storage: Storage, store: Store, tmp_path: Path
) -> None:
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
        "pylock.toml": EMPTY_LOCK,
        "wherry.toml": f'[functions.api]\nhandler = "app.handler"\nlayers = ["{arn}"]\n',
        "app.py": f"import shared, none_such\n{HANDLER}",
    }
    write_files(tmp_path, files)
    # What the layer has is not known.
    assert wherry.check(tmp_path, store=store).findings == ()
    (finding,) = wherry.check(tmp_path, store=store, layer_files=[arn], select=["IMP"]).findings
    assert (finding.code, "none_such" in finding.message) == ("IMP001", True)
    other = account.layer("other", LAYER)
    with pytest.raises(SettingsError, match="no function takes the layer"):
        wherry.check(tmp_path, store=store, layer_files=[other])
