"""Sending a package to S3, with checksums, and finding out whether it is stored already."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.errors import DENIED, refusing
from wherry.errors import AwsError
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

__all__ = ["MISSING", "StoredObject", "find_stored", "real_version", "send"]

MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
"""S3's error codes for an object that is not there."""
_PART = 8 * 1024 * 1024
"""Bytes of one part of a multipart upload; the checksum that S3 keeps of a big object depends on it."""
_AT_ONCE = 8


class StoredObject(Struct, frozen=True, kw_only=True):
    """An object in a bucket; ``version_id`` if the bucket keeps versions."""

    bucket: str
    key: str
    version_id: str | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments by which Lambda's calls take a package."""
        arguments = {"S3Bucket": self.bucket, "S3Key": self.key}
        if self.version_id is not None:
            arguments["S3ObjectVersion"] = self.version_id
        return arguments

    @property
    def url(self) -> str:
        """``s3://BUCKET/KEY``."""
        return f"s3://{self.bucket}/{self.key}"


def send(
    s3: S3Client, target: StoredObject, path: Path, code_sha256: str, options: Mapping[str, Any]
) -> StoredObject:
    """Send a package, with its digest in base64, which S3 verifies; returns the object with its version."""
    options = {**options, "ContentType": "application/zip", "ChecksumAlgorithm": "SHA256"}
    if path.stat().st_size <= _PART:
        with path.open("rb") as file:
            answer = s3.put_object(
                Bucket=target.bucket,
                Key=target.key,
                Body=file,
                ChecksumSHA256=code_sha256,
                **options,
            )
        return replace(target, version_id=real_version(answer.get("VersionId")))
    from boto3.exceptions import S3UploadFailedError
    from boto3.s3.transfer import TransferConfig

    try:
        s3.upload_file(
            str(path),
            target.bucket,
            target.key,
            ExtraArgs=options,
            Config=TransferConfig(
                multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=_AT_ONCE
            ),
        )
    except S3UploadFailedError as error:
        # The error of boto3's transfer manager hides the one that says why.
        if error.__context__ is None:
            raise AwsError("cannot upload", where=[str(error)]) from error
        raise error.__context__ from None
    # Uploads of the same bytes that were killed: their parts are invisible, and cost money.
    with suppress(AwsError), refusing(f"end other uploads to `{target.url}`"):
        uploads = s3.list_multipart_uploads(Bucket=target.bucket, Prefix=target.key)
        for upload in uploads.get("Uploads", ()):
            if upload["Key"] == target.key:
                s3.abort_multipart_upload(
                    Bucket=target.bucket, Key=target.key, UploadId=upload["UploadId"]
                )
    # The transfer does not return the version.
    return find_stored(s3, target, path, code_sha256) or target


def find_stored(
    s3: S3Client, target: StoredObject, path: Path, code_sha256: str
) -> StoredObject | None:
    """The object, if it exists and has the content of the file. The arguments are those of ``send``."""
    try:
        with refusing(f"look for `{target.url}`"):
            head: Any = s3.head_object(Bucket=target.bucket, Key=target.key, ChecksumMode="ENABLED")
    except AwsError as error:
        # S3 answers "denied" for a missing object if the user may not list the bucket.
        if error.code in MISSING | DENIED:
            return None
        raise
    if head["ContentLength"] != path.stat().st_size:
        return None
    checksum = head.get("ChecksumSHA256")
    if checksum is None:
        # It was stored by something that keeps no checksum: its metadata has the digest.
        same = head.get("Metadata", {}).get("code-sha256") == code_sha256
    else:
        # The checksum of an object that came in parts is not that of the file.
        same = checksum == code_sha256 or checksum.partition("-")[0] == _composite(path)
    return replace(target, version_id=real_version(head.get("VersionId"))) if same else None


def real_version(version: str | None) -> str | None:
    """The version of an object; a bucket that keeps none calls it ``null``."""
    return None if version in (None, "null") else version


def _composite(path: Path) -> str:
    """S3's checksum of an object that came in parts, without their number: the digest of their digests."""
    digests = []
    with path.open("rb") as file:
        while part := file.read(_PART):
            digests.append(hashlib.sha256(part).digest())
    return base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode()
