"""A9: the lock of every published layer version is kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws_faults import CUT_BEFORE, EXPIRED
from support.reporters import Heard
from wherry.aws.client import Client
from wherry.aws.locks import LockKeeper
from wherry.errors import AwsError
from wherry.events import Warned
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.aws_account import Account
    from support.aws_faults import Fault, Proxy

BUCKET = "deploy-bucket"
ARN = "arn:aws:lambda:eu-west-1:123456789012:layer"
STAGE = StageSettings(region="eu-west-1", bucket=BUCKET, prefix="wherry", tags={"team": "shop"})


@pytest.fixture(autouse=True)
def environment(account: Account) -> Iterator[None]:
    with account.here():
        yield


def body(account: Account, key: str) -> bytes:
    data: bytes = account.storage.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return data


def test_each_version_has_its_own(account: Account, tmp_path: Path) -> None:
    account.bucket(BUCKET)
    client = Client(STAGE, name="test")
    lock = tmp_path / "uv.lock"
    for version in (7, 8):
        lock.write_text(f"version = {version}\n")
        found = LockKeeper(client, {"shop-dependencies": lock}).keep(
            "shop-dependencies", f"{ARN}:shop-dependencies:{version}"
        )
        assert found == (
            f"wherry/shop-dependencies/{version:06}/uv.lock",
            "wherry/shop-dependencies/last-uv.lock",
        )
    assert account.objects(BUCKET) == [
        "wherry/shop-dependencies/000007/uv.lock",
        "wherry/shop-dependencies/000008/uv.lock",
        "wherry/shop-dependencies/last-uv.lock",
    ]
    assert body(account, "wherry/shop-dependencies/000007/uv.lock") == b"version = 7\n"
    assert body(account, "wherry/shop-dependencies/last-uv.lock") == b"version = 8\n"
    head = account.storage.head_object(Bucket=BUCKET, Key="wherry/shop-dependencies/last-uv.lock")
    assert head["Metadata"] == {"layer": "shop-dependencies", "layer-version": "8"}
    tags = account.storage.get_object_tagging(Bucket=BUCKET, Key=found[0])["TagSet"]
    assert tags == [{"Key": "team", "Value": "shop"}]


def test_without_a_bucket(tmp_path: Path) -> None:
    stage = StageSettings(region="eu-west-1")
    client = Client(stage, name="test")
    assert LockKeeper(client, {"l": tmp_path / "uv.lock"}).keep("l", f"{ARN}:l:1") == ()
    assert client.calls == []


@pytest.mark.parametrize("fault", [EXPIRED, CUT_BEFORE], ids=str)
def test_what_fails_is_an_error(
    account: Account, proxy: Proxy, tmp_path: Path, fault: Fault
) -> None:
    """Or the next deployment would not know that there is a lock to keep."""
    account.bucket(BUCKET)
    lock = tmp_path / "uv.lock"
    lock.write_text("")
    with account.here(url=proxy.url):
        proxy.inject(fault, operation="PutObject", attempts=None)
        client = Client(STAGE, name="test")
        with pytest.raises(AwsError, match="cannot keep the lock of layer `l`"):
            LockKeeper(client, {"l": lock}).keep("l", f"{ARN}:l:7")


def test_a_bucket_that_refuses_is_warned_of(tmp_path: Path) -> None:
    """The layer is published, so there is nothing to undo."""
    client = Client(STAGE, name="test")
    lock = tmp_path / "uv.lock"
    recorder = Heard()
    for _ in ("no such lock", "no such bucket"):
        found = LockKeeper(client, {"l": lock}, recorder).keep("l", f"{ARN}:l:7")
        assert found == ()
        lock.write_text("")
    first, second = [event for event in recorder.events if isinstance(event, Warned)]
    assert "uv.lock" in first.text
    assert second.text.startswith("the lock of `l` version 7 is not kept: PutObject: NoSuchBucket")
