"""D7, A9: packages on their way through a bucket."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from support.aws_account import code_sha256
from support.aws_faults import ACCESS_DENIED, EXPIRED
from support.reporters import Heard
from wherry.aws.bucket import Bucket
from wherry.aws.client import Client
from wherry.aws.delivery import Delivery
from wherry.aws.model import DesiredLayer
from wherry.aws.transfer import StoredObject
from wherry.errors import AwsError
from wherry.events import Warned
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from pathlib import Path

    from support.aws_account import Account
    from support.aws_faults import Proxy

SMALL = b"PK" + b"small" * 100
BUCKET = "deploy-bucket"


def digest(path: Path) -> str:
    return code_sha256(path.read_bytes())


def layer(path: Path, name: str = "shop-api") -> DesiredLayer:
    """What is to be delivered."""
    return DesiredLayer(
        name=name,
        aws_name=name,
        path=path,
        code_sha256=digest(path),
        size=path.stat().st_size,
        runtimes=(),
        architectures=(),
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "api.zip"
    path.write_bytes(SMALL)
    return path


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.zip"
    path.write_bytes(os.urandom(20 * 1024 * 1024))
    return path


pytestmark = pytest.mark.usefixtures("in_account")


def stage_of(**more: object) -> StageSettings:
    return StageSettings(**{"region": "eu-west-1", "bucket": BUCKET, "prefix": "wherry", **more})  # type: ignore[arg-type]


def key_of(path: Path, name: str = "shop-api") -> str:
    return f"wherry/uploads/{name}/{hashlib.sha256(path.read_bytes()).hexdigest()}.zip"


def test_it_goes_into_the_bucket_once(account: Account, package: Path) -> None:
    """A9: by content, with metadata and tags; a second time nothing is sent."""
    account.bucket(BUCKET)
    stage = stage_of(tags={"team": "shop @ co+1", "stage": "test"}, encryption="AES256")
    client = Client(stage, name="test")
    placed = Delivery(client).send(layer(package))
    assert placed == {"S3Bucket": BUCKET, "S3Key": key_of(package)}
    there = account.storage.get_object(Bucket=BUCKET, Key=key_of(package))
    assert there["Body"].read() == SMALL
    assert there["Metadata"] == {"code-sha256": digest(package)}
    assert there["ServerSideEncryption"] == "AES256"
    head = account.storage.head_object(Bucket=BUCKET, Key=key_of(package), ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == digest(package)
    tags = account.storage.get_object_tagging(Bucket=BUCKET, Key=key_of(package))["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "shop @ co+1", "stage": "test"}
    assert client.calls == ["s3:HeadBucket", "s3:HeadObject", "s3:PutObject"]
    client.calls.clear()
    again = Delivery(client).send(layer(package))
    assert again == placed
    assert client.calls == ["s3:HeadBucket", "s3:HeadObject"]


@pytest.mark.parametrize("what", ["other bytes", "other size"])
def test_what_is_there_and_is_not_it_is_replaced(
    account: Account, package: Path, what: str
) -> None:
    account.bucket(BUCKET)
    wrong = SMALL[::-1] if what == "other bytes" else b"half"
    account.storage.put_object(Bucket=BUCKET, Key=key_of(package), Body=wrong)
    Delivery(Client(stage_of(), name="t")).send(layer(package))
    there = account.storage.get_object(Bucket=BUCKET, Key=key_of(package))
    assert there["Body"].read() == SMALL


def test_a_big_one_goes_in_parts(account: Account, big: Path) -> None:
    account.bucket(BUCKET, versioned=True)
    client = Client(stage_of(), name="test")
    # What a killed upload has left.
    account.storage.create_multipart_upload(Bucket=BUCKET, Key=key_of(big))
    placed = Delivery(client).send(layer(big))
    assert placed["S3ObjectVersion"] is not None
    assert client.calls.count("s3:UploadPart") == 3
    assert account.uploads(BUCKET) == []
    there = account.storage.get_object(Bucket=BUCKET, Key=placed["S3Key"])
    assert there["Body"].read() == big.read_bytes()
    client.calls.clear()
    assert Delivery(client).send(layer(big)) == placed
    assert "s3:UploadPart" not in client.calls


@pytest.mark.parametrize("versioned", [False, True])
def test_it_is_removed_with_its_versions(
    account: Account, package: Path, *, versioned: bool
) -> None:
    """D7: a staging object is removed unless kept on purpose."""
    account.bucket(BUCKET, versioned=versioned)
    if versioned:
        account.storage.put_object(Bucket=BUCKET, Key=key_of(package), Body=b"older")
        account.storage.delete_object(Bucket=BUCKET, Key=key_of(package))
    account.storage.put_object(Bucket=BUCKET, Key=f"{key_of(package)}.other", Body=b"")
    client = Client(stage_of(), name="test")
    delivery = Delivery(client)
    delivery.send(layer(package))
    delivery.clean_up()
    assert account.objects(BUCKET) == [f"{key_of(package)}.other"]
    # Once more does no harm.
    Bucket(client=client, name=BUCKET).remove(StoredObject(bucket=BUCKET, key=key_of(package)))


def test_it_is_kept_on_purpose(account: Account, package: Path) -> None:
    """D7."""
    account.bucket(BUCKET)
    client = Client(stage_of(keep=True), name="test")
    delivery = Delivery(client)
    delivery.send(layer(package))
    delivery.clean_up()
    Bucket(client=client, name=BUCKET).discard(StoredObject(bucket=BUCKET, key=key_of(package)))
    assert account.objects(BUCKET) == [key_of(package)]


def test_without_a_bucket_it_goes_directly(package: Path) -> None:
    """D7."""
    client = Client(StageSettings(region="eu-west-1"), name="test")
    delivery = Delivery(client)
    placed = delivery.send(layer(package))
    assert placed == {"ZipFile": SMALL}
    delivery.clean_up()
    assert client.calls == []
    with pytest.raises(AwsError) as caught:
        Delivery(client, quota=100).send(layer(package, "api"))
    assert caught.value.message == "`api` is too big to be uploaded directly"
    assert "[tool.wherry.stages.test] bucket" in str(caught.value.hint)


def refuse(how: str, account: Account, proxy: Proxy) -> StageSettings:
    if how == "missing":
        return stage_of()
    if how == "elsewhere":
        replace(account, region="us-west-2").bucket(BUCKET)
        return stage_of(bucket_region="us-west-2")
    account.bucket(BUCKET)
    proxy.inject(ACCESS_DENIED, operation="PutObject", attempts=None)
    proxy.inject(ACCESS_DENIED, operation="PutObject", at=1, attempts=None)
    return stage_of()


@pytest.mark.parametrize("how", ["missing", "elsewhere", "denied"])
def test_a_bucket_that_refuses(account: Account, proxy: Proxy, package: Path, how: str) -> None:
    """D7: direct upload with a warning, when the size allows."""
    client = Client(refuse(how, account, proxy), name="test")
    recorder = Heard()
    placed = Delivery(client, reporter=recorder).send(layer(package, "api"))
    assert placed == {"ZipFile": SMALL}
    (warned,) = [event for event in recorder.events if isinstance(event, Warned)]
    assert warned.text.startswith(f"`s3://{BUCKET}` refuses, so `api` is uploaded directly: ")
    assert warned.hint
    with pytest.raises(AwsError) as caught:
        Delivery(client, quota=100).send(layer(package, "api"))
    assert caught.value.message == f"`api` cannot be uploaded to `s3://{BUCKET}`"
    assert caught.value.hint == warned.hint


def test_a_failure_is_no_refusal(account: Account, proxy: Proxy, package: Path) -> None:
    account.bucket(BUCKET)
    proxy.inject(EXPIRED, operation="PutObject", attempts=None)
    delivery = Delivery(Client(stage_of(), name="t"))
    with pytest.raises(AwsError) as caught:
        delivery.send(layer(package, "api"))
    assert "expired" in str(caught.value)


def test_what_a_killed_deployment_has_left(account: Account, package: Path, big: Path) -> None:
    account.bucket(BUCKET)
    client = Client(stage_of(), name="test")
    bucket = Bucket(client=client, name=BUCKET)
    assert bucket.leftovers(["shop-api"]) == ()
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop-api"
    placed, _ = bucket.put(package, digest(package), name=arn)
    other, _ = bucket.put(big, digest(big), name="shop-web")
    account.storage.put_object(Bucket=BUCKET, Key="wherry/shop-api/000001/uv.lock", Body=b"")
    account.storage.put_object(Bucket=BUCKET, Key="wherry/uploads/notes.txt", Body=b"")
    client.calls.clear()
    (left,) = bucket.leftovers([arn])
    assert client.calls == ["s3:ListObjectVersions"]
    assert left.stored == placed
    assert left.name == "shop-api"
    assert left.code_sha256 == digest(package)
    assert left.size == len(SMALL)
    assert {one.stored for one in bucket.leftovers()} == {placed, other}
    assert Bucket(client=client, name="none-there").leftovers() == ()
    with pytest.raises(ClientError):
        account.storage.head_object(Bucket=BUCKET, Key="none")
