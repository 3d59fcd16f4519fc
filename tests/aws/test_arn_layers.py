"""Layers that are named by ARN: fetched once with the user's credentials, proven, and kept."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aws_account import Account
from support.aws_faults import Call, Fault, Proxy
from support.contexts import context
from support.reporters import Heard
from support.storage import Storage, serve_storage
from wherry.errors import AwsError, FetchError
from wherry.invoke.arn_layers import fetch_layers
from wherry.store import Store

DENIED = Fault(name="denied", status=403, code="AccessDeniedException")


def _layer() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("python/shared.py", "FROM = 'the layer'\n")
    return data.getvalue()


LAYER = _layer()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


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
