"""Packages on their way to AWS through a bucket: put there by digest, and taken away when they have arrived.

A package lies at ``PREFIX/uploads/NAME/SHA256.zip``, so that the same bytes are sent once and nobody's are
overwritten. Lambda copies what it is given; unless the stage keeps them, objects are removed afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from wherry.aws.refusal import refusing
from wherry.errors import AwsError
from wherry.events import SILENT, Warned
from wherry.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from wherry.aws.cloud import Cloud
    from wherry.events import Reporter
    from wherry.settings.stages import StageSettings

__all__ = [
    "REFUSALS",
    "Direct",
    "InBucket",
    "Leftover",
    "Placed",
    "Unfinished",
    "abort",
    "leftovers",
    "place",
    "put",
    "remove",
    "tidy",
    "unfinished",
    "write_options",
]

FOLDER = "uploads"
"""The folder below the stage's prefix in which packages lie, and nothing else."""

_PART = 8 * 1024 * 1024
"""Bytes of one part of a multipart upload; the checksum that S3 keeps of a big object depends on it."""
_AT_ONCE = 8
_ZIP = "application/zip"
_KEY = re.compile(r"(?P<name>[^/]+)/(?P<digest>[0-9a-f]{64})\.zip")
_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
REFUSALS = _DENIED | {
    "301",
    "307",
    "404",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "KMS.DisabledException",
    "KMS.NotFoundException",
    "NoSuchBucket",
    "PermanentRedirect",
}
"""AWS's names for what a direct upload gets around: the bucket is not there, not ours, or elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Direct:
    """A package that goes along with the call."""

    path: Path

    def arguments(self) -> dict[str, Any]:
        """What Lambda's calls want to be given."""
        return {"ZipFile": self.path.read_bytes()}


@dataclass(frozen=True, kw_only=True, slots=True)
class InBucket:
    """A package in a bucket; ``version_id`` where the bucket keeps versions."""

    bucket: str
    key: str
    version_id: str | None = None

    def arguments(self) -> dict[str, Any]:
        """What Lambda's calls want to be given."""
        found = {"S3Bucket": self.bucket, "S3Key": self.key}
        if self.version_id is not None:
            found["S3ObjectVersion"] = self.version_id
        return found

    @property
    def url(self) -> str:
        """``s3://BUCKET/KEY``."""
        return f"s3://{self.bucket}/{self.key}"


Placed = Direct | InBucket
"""Where a package is for Lambda to take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """An upload in parts that was begun and not ended, by ``name`` as in ``Leftover``."""

    name: str
    placed: InBucket
    upload_id: str
    begun: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """An object that somebody has put into the bucket and nobody has removed.

    Attributes:
        name: of the function or layer on AWS.
        code_sha256: of the package in base64, out of the key.
        placed: the object, or one version of it.
        size: in bytes.
        modified: when it came there.
    """

    name: str
    code_sha256: str
    placed: InBucket
    size: int
    modified: datetime


def place(
    path: Path,
    code_sha256: str,
    *,
    name: str,
    cloud: Cloud,
    stage: StageSettings,
    quota: int = DIRECT_UPLOAD,
    reporter: Reporter = SILENT,
) -> Placed:
    """Put a package where Lambda can take it: into the stage's bucket, else along with the call.

    Args:
        path: the zip file.
        code_sha256: of it, in base64.
        name: of the function or layer on AWS.
        cloud: to call.
        stage: with its bucket.
        quota: bytes of a package that Lambda takes along with a call.
        reporter: hears of a bucket that refuses.

    Raises:
        AwsError: it is over the quota, and there is no bucket, or one that refuses; or S3 fails.
    """
    size = path.stat().st_size
    if stage.bucket is None:
        if size > quota:
            raise AwsError(
                f"`{name}` is too big to be uploaded directly",
                where=[f"it has {_mib(size)}, and AWS takes {_mib(quota)} without a bucket"],
                hint=f'give it one: [tool.wherry.stages.{cloud.name}] bucket = "s3://…"',
            )
        return Direct(path=path)
    try:
        return _put(path, code_sha256, name, stage.bucket, cloud, stage)[0]
    except _Refused as refused:
        error = refused.error
        if size > quota:
            raise AwsError(
                f"`{name}` cannot be uploaded to `s3://{stage.bucket}`",
                where=[
                    *error.where,
                    f"directly AWS takes {_mib(quota)}, and it has {_mib(size)}",
                ],
                hint=error.hint,
            ) from error
        cause = error.where[0] if error.where else error.message
        reporter.emit(
            Warned(
                text=f"`s3://{stage.bucket}` refuses, so `{name}` is uploaded directly: {cause}",
                hint=error.hint,
            )
        )
        return Direct(path=path)


def put(
    path: Path, code_sha256: str, *, name: str, cloud: Cloud, stage: StageSettings
) -> tuple[InBucket, bool]:
    """Put a package into the stage's bucket, and nowhere else.

    Args:
        path: the zip file.
        code_sha256: of it, in base64.
        name: of the function or layer on AWS.
        cloud: to call.
        stage: with its bucket.

    Returns:
        Where it is, and whether it was sent: what is there already is not.

    Raises:
        AwsError: there is no bucket, or S3 refuses.
    """
    if stage.bucket is None:
        raise AwsError(
            f"stage `{cloud.name}` has no bucket to upload to",
            hint=f'give it one: [tool.wherry.stages.{cloud.name}] bucket = "s3://…"',
        )
    try:
        return _put(path, code_sha256, name, stage.bucket, cloud, stage)
    except _Refused as refused:
        raise refused.error from refused


def tidy(
    placed: Placed, *, cloud: Cloud, stage: StageSettings, reporter: Reporter = SILENT
) -> None:
    """Remove a package that Lambda has taken from the bucket, all its versions, unless the stage keeps it.

    What cannot be removed is warned of: the deployment is done.
    """
    if isinstance(placed, Direct) or stage.keep:
        return
    try:
        remove(placed, cloud=cloud, stage=stage)
    except AwsError as error:
        cause = error.where[0] if error.where else error.message
        reporter.emit(Warned(text=f"`{placed.url}` stays there: {cause}", hint=error.hint))


def remove(placed: InBucket, *, cloud: Cloud, stage: StageSettings) -> None:
    """Remove an object from the bucket, all its versions and the marks of their removal.

    Raises:
        AwsError: S3 refuses.
    """
    client = cloud.storage(stage.bucket_region)
    versions: set[str | None] = {placed.version_id}
    try:
        with _refusing(f"list the versions of `{placed.url}`"):
            found = _versions(client, placed.bucket, placed.key)
            versions = {one["VersionId"] for one in found if one["Key"] == placed.key}
    except _Refused:
        pass  # Who may not list may still delete the one that is known.
    for version in sorted(versions, key=str):
        options: dict[str, Any] = {} if version is None else {"VersionId": version}
        with refusing(f"remove `{placed.url}`"):
            client.delete_object(Bucket=placed.bucket, Key=placed.key, **options)


def leftovers(
    names: Collection[str] | None, *, cloud: Cloud, stage: StageSettings
) -> tuple[Leftover, ...]:
    """The packages in the bucket, of these functions and layers (AWS's names), or of all for None.

    One call, unless there are very many. Empty where the stage has no bucket, or one that cannot be read.

    Raises:
        AwsError: S3 fails.
    """
    if stage.bucket is None:
        return ()
    wanted = None if names is None else {_plain(name) for name in names}
    folder = _folder(stage)
    result = []
    try:
        with _refusing(f"list `s3://{stage.bucket}`"):
            for one in _versions(cloud.storage(stage.bucket_region), stage.bucket, folder):
                match = _KEY.fullmatch(one["Key"].removeprefix(folder))
                if match is None or (wanted is not None and match["name"] not in wanted):
                    continue
                digest = bytes.fromhex(match["digest"])
                result.append(
                    Leftover(
                        name=match["name"],
                        code_sha256=base64.b64encode(digest).decode(),
                        placed=InBucket(
                            bucket=stage.bucket, key=one["Key"], version_id=_said(one["VersionId"])
                        ),
                        size=one.get("Size", 0),
                        modified=one["LastModified"],
                    )
                )
    except _Refused:
        return ()
    return tuple(result)


def unfinished(
    names: Collection[str], *, cloud: Cloud, stage: StageSettings
) -> tuple[Unfinished, ...]:
    """The uploads of these functions and layers that were begun and not ended; empty as for ``leftovers``.

    Raises:
        AwsError: S3 fails.
    """
    if stage.bucket is None:
        return ()
    wanted, folder, result = {_plain(name) for name in names}, _folder(stage), []
    try:
        with _refusing(f"list unfinished uploads to `s3://{stage.bucket}`"):
            pages = (
                cloud.storage(stage.bucket_region)
                .get_paginator("list_multipart_uploads")
                .paginate(Bucket=stage.bucket, Prefix=folder)
            )
            for one in (each for page in pages for each in page.get("Uploads", ())):
                match = _KEY.fullmatch(one["Key"].removeprefix(folder))
                if match is not None and match["name"] in wanted:
                    result.append(
                        Unfinished(
                            name=match["name"],
                            placed=InBucket(bucket=stage.bucket, key=one["Key"]),
                            upload_id=one["UploadId"],
                            begun=one["Initiated"],
                        )
                    )
    except _Refused:
        return ()
    return tuple(result)


def abort(placed: InBucket, upload_id: str, *, cloud: Cloud, stage: StageSettings) -> None:
    """End an upload that was begun; its parts go.

    Raises:
        AwsError: S3 refuses.
    """
    with refusing(f"end the unfinished upload to `{placed.url}`"):
        cloud.storage(stage.bucket_region).abort_multipart_upload(
            Bucket=placed.bucket, Key=placed.key, UploadId=upload_id
        )


def write_options(stage: StageSettings, *, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What an object is written with: the stage's encryption and tags, and what it says of itself."""
    options: dict[str, Any] = {"Metadata": dict(metadata)}
    if stage.encryption:
        options["ServerSideEncryption"] = stage.encryption
    if stage.kms_key:
        options["SSEKMSKeyId"] = stage.kms_key
    if stage.tags:
        options["Tagging"] = urlencode(stage.tags)
    return options


class _Refused(Exception):  # noqa: N818  it is no error when a direct upload gets around it
    """The bucket does not want it, and will not however often it is asked."""

    def __init__(self, error: AwsError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _refusing(doing: str) -> Iterator[None]:
    try:
        with refusing(doing):
            yield
    except AwsError as error:
        if error.code in REFUSALS:
            raise _Refused(error) from error
        raise


def _put(
    path: Path, code_sha256: str, name: str, bucket: str, cloud: Cloud, stage: StageSettings
) -> tuple[InBucket, bool]:
    digest = base64.b64decode(code_sha256).hex()
    wanted = InBucket(bucket=bucket, key=f"{_folder(stage)}{_plain(name)}/{digest}.zip")
    region = _region(cloud, wanted.bucket, stage)
    if region is not None and region != cloud.region:
        raise _Refused(
            AwsError(
                f"cannot use `s3://{wanted.bucket}`",
                where=[f"it is in {region}, and the functions are in {cloud.region}"],
                hint="Lambda takes packages from buckets in its own region alone",
            )
        )
    client = cloud.storage(region)
    there = _there(client, wanted, path, code_sha256)
    if there is not None:
        return there, False
    options = write_options(stage, metadata={"code-sha256": code_sha256})
    options["ContentType"] = _ZIP
    if path.stat().st_size <= _PART:
        # S3 compares what came with the digest that it is given.
        with _refusing(f"upload to `{wanted.url}`"), path.open("rb") as file:
            done = client.put_object(
                Bucket=wanted.bucket,
                Key=wanted.key,
                Body=file,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=code_sha256,
                **options,
            )
        return replace(wanted, version_id=_said(done.get("VersionId"))), True
    from boto3.s3.transfer import TransferConfig

    with _refusing(f"upload to `{wanted.url}`"), _transfers():
        client.upload_file(
            str(path),
            wanted.bucket,
            wanted.key,
            ExtraArgs={**options, "ChecksumAlgorithm": "SHA256"},
            Config=TransferConfig(
                multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=_AT_ONCE
            ),
        )
    _abort_others(client, wanted)
    # The transfer does not tell the version.
    return _there(client, wanted, path, code_sha256) or wanted, True


def _abort_others(client: S3Client, wanted: InBucket) -> None:
    """End what a killed upload of the same bytes has left: parts that nobody sees and everybody pays for."""
    with suppress(AwsError), refusing(f"end other uploads to `{wanted.url}`"):
        found = client.list_multipart_uploads(Bucket=wanted.bucket, Prefix=wanted.key)
        for one in found.get("Uploads", ()):
            if one["Key"] == wanted.key:
                client.abort_multipart_upload(
                    Bucket=wanted.bucket, Key=wanted.key, UploadId=one["UploadId"]
                )


@contextmanager
def _transfers() -> Iterator[None]:
    """The transfer manager wraps what boto3 says in an error of its own; this takes it out."""
    from boto3.exceptions import S3UploadFailedError

    try:
        yield
    except S3UploadFailedError as error:
        if error.__context__ is None:
            raise AwsError("cannot upload", where=[str(error)]) from error
        raise error.__context__ from None


def _region(cloud: Cloud, bucket: str, stage: StageSettings) -> str | None:
    """Where the bucket is, if it says so. It says so to those too who may not use it."""
    from botocore.exceptions import ClientError

    client = cloud.storage(stage.bucket_region)
    try:
        with refusing(f"look for `s3://{bucket}`"):
            answer: Any = client.head_bucket(Bucket=bucket)
    except AwsError as error:
        if error.code not in _DENIED | {"301"}:
            if error.code in REFUSALS:
                raise _Refused(error) from error
            raise
        # Whether it may be written is found out by writing.
        cause = error.__cause__
        answer = cause.response if isinstance(cause, ClientError) else {}
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = answer.get("BucketRegion") or headers.get("x-amz-bucket-region")
    return str(region) if region else stage.bucket_region


def _there(client: S3Client, wanted: InBucket, path: Path, code_sha256: str) -> InBucket | None:
    """The object, if it is there and holds what the file holds."""
    try:
        with refusing(f"look for `{wanted.url}`"):
            head: Any = client.head_object(
                Bucket=wanted.bucket, Key=wanted.key, ChecksumMode="ENABLED"
            )
    except AwsError as error:
        # S3 denies who may not list to know what is missing.
        if error.code in _MISSING | _DENIED:
            return None
        raise
    if head["ContentLength"] != path.stat().st_size:
        return None
    checksum = head.get("ChecksumSHA256")
    if checksum is None:
        # Put there by something that keeps none: it says what it is itself.
        same = head.get("Metadata", {}).get("code-sha256") == code_sha256
    else:
        # Of an object that came in parts it is another than the file's own.
        same = checksum == code_sha256 or checksum.partition("-")[0] == _composite(path)
    return replace(wanted, version_id=_said(head.get("VersionId"))) if same else None


def _composite(path: Path) -> str:
    """S3's checksum of an object that came in parts, without their number: the digest of their digests."""
    digests = []
    with path.open("rb") as file:
        while part := file.read(_PART):
            digests.append(hashlib.sha256(part).digest())
    return base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode()


def _versions(client: S3Client, bucket: str, prefix: str) -> Iterator[Any]:
    """Every version of every object below a prefix, and the marks where one was removed."""
    pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from page.get("Versions", ())
        yield from page.get("DeleteMarkers", ())


def _said(version: str | None) -> str | None:
    """A version's name; a bucket that keeps none calls it `null`."""
    return None if version in (None, "null") else version


def _folder(stage: StageSettings) -> str:
    return f"{stage.prefix}/{FOLDER}/" if stage.prefix else f"{FOLDER}/"


def _plain(name: str) -> str:
    """The name of a function that may be given as an ARN."""
    return re.sub(r"^arn:[^/]*:function:", "", name).replace(":", "_")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
