"""The bucket of a stage, through which packages go to Lambda.

A package is stored at ``PREFIX/uploads/NAME/SHA256.zip``, so that the same bytes are sent once and no other package is
overwritten. Lambda copies what it is given; objects are removed afterwards, unless the stage keeps them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from wherry.aws.errors import DENIED, refusing
from wherry.aws.transfer import StoredObject, find_stored, real_version, send
from wherry.errors import AwsError
from wherry.events import SILENT, Reporter, Warned
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from wherry.aws.client import Client

__all__ = ["Bucket", "BucketError", "Leftover", "UnfinishedUpload", "plain_name"]

_FOLDER = "uploads"
"""The folder below the stage's prefix that holds packages, and nothing else."""
_KEY = re.compile(r"(?P<name>[^/]+)/(?P<digest>[0-9a-f]{64})\.zip")
_UNUSABLE = DENIED | {
    "301",
    "307",
    "404",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "KMS.DisabledException",
    "KMS.NotFoundException",
    "NoSuchBucket",
    "PermanentRedirect",
}
"""AWS's error codes for a bucket that is missing, not ours, or in another region."""


class BucketError(AwsError):
    """The bucket cannot be used, however often it is tried; a direct upload avoids it."""


class UnfinishedUpload(Struct, frozen=True, kw_only=True):
    """A multipart upload that was begun and not completed; ``name`` as in ``Leftover``."""

    name: str
    stored: StoredObject
    upload_id: str
    begun: datetime


class Leftover(Struct, frozen=True, kw_only=True):
    """A package in the bucket that was not removed.

    Attributes:
        name: of the function or layer on AWS.
        code_sha256: of the package in base64, from the key.
        stored: the object, or one version of it.
    """

    name: str
    code_sha256: str
    stored: StoredObject
    size: int
    modified: datetime


class Bucket(Struct, frozen=True, kw_only=True):
    """The bucket of a stage."""

    client: Client
    name: str

    @classmethod
    def of(cls, client: Client) -> Bucket | None:
        """The bucket of the client's stage; None if the stage has none."""
        name = client.stage.bucket
        return cls(client=client, name=name) if name is not None else None

    @property
    def url(self) -> str:
        """``s3://BUCKET``."""
        return f"s3://{self.name}"

    @property
    def keeps_packages(self) -> bool:
        """Whether packages stay in the bucket after Lambda has copied them."""
        return self.client.stage.keep

    def key(self, *parts: str) -> str:
        """The key of an object below the stage's prefix."""
        return "/".join(filter(None, (self.client.stage.prefix, *parts)))

    def put(self, path: Path, code_sha256: str, *, name: str) -> tuple[StoredObject, bool]:
        """Store the package of a function or layer (name on AWS), whose digest is in base64.

        Returns the object, and whether it was sent: one that is stored already is not sent again.

        Raises:
            BucketError: the bucket cannot be used.
        """
        digest = base64.b64decode(code_sha256).hex()
        target = StoredObject(
            bucket=self.name, key=self.key(_FOLDER, plain_name(name), f"{digest}.zip")
        )
        s3 = self.client.storage(self.check())
        existing = find_stored(s3, target, path, code_sha256)
        if existing is not None:
            return existing, False
        options = self._write_options({"code-sha256": code_sha256})
        with _usable(f"upload to `{target.url}`"):
            stored = send(s3, target, path, code_sha256, options)
        return stored, True

    def check(self) -> str | None:
        """Require that Lambda can take packages from the bucket, and return its region if S3 tells it.

        Raises:
            BucketError: there is no such bucket, or it is in another region.
        """
        region = self._region()
        if region is not None and region != self.client.region:
            raise BucketError(
                f"cannot use `{self.url}`",
                where=[f"it is in {region}, and the functions are in {self.client.region}"],
                hint="Lambda takes packages only from buckets in its own region",
            )
        return region

    def put_text(self, doing: str, key: str, data: bytes, metadata: Mapping[str, str]) -> None:
        """Store a text file under the whole ``key``; ``doing`` follows "cannot" in an error.

        Raises:
            BucketError: the bucket cannot be used.
        """
        with _usable(doing):
            self._s3.put_object(
                Bucket=self.name,
                Key=key,
                Body=data,
                ContentType="text/plain; charset=utf-8",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
                **self._write_options(metadata),
            )

    def remove(self, stored: StoredObject) -> None:
        """Remove an object, all its versions and the marks of their removal."""
        versions: set[str | None] = {stored.version_id}
        try:
            with _usable(f"list the versions of `{stored.url}`"):
                versions = {
                    version["VersionId"]
                    for version in self._versions(stored.key)
                    if version["Key"] == stored.key
                }
        except BucketError:
            pass  # A user who may not list may still delete the known version.
        for version in sorted(versions, key=str):
            options: dict[str, Any] = {} if version is None else {"VersionId": version}
            with refusing(f"remove `{stored.url}`"):
                self._s3.delete_object(Bucket=self.name, Key=stored.key, **options)

    def discard(self, stored: StoredObject, reporter: Reporter = SILENT) -> None:
        """Remove a package that Lambda has copied, unless the stage keeps packages.

        A package that cannot be removed is warned of: the deployment is done.
        """
        if self.keeps_packages:
            return
        try:
            self.remove(stored)
        except AwsError as error:
            reporter.emit(
                Warned(text=f"`{stored.url}` was not removed: {error.cause}", hint=error.hint)
            )

    def leftovers(self, names: Collection[str] | None = None) -> tuple[Leftover, ...]:
        """The packages in the bucket, of these functions and layers (names on AWS), or of all for None.

        It takes one call, unless there are very many. Empty if the bucket cannot be read.
        """
        result = []
        try:
            with _usable(f"list `{self.url}`"):
                for version in self._versions(f"{self.key(_FOLDER)}/"):
                    if (match := self._package(version["Key"], names)) is None:
                        continue
                    stored = StoredObject(
                        bucket=self.name,
                        key=version["Key"],
                        version_id=real_version(version["VersionId"]),
                    )
                    digest = bytes.fromhex(match["digest"])
                    result.append(
                        Leftover(
                            name=match["name"],
                            code_sha256=base64.b64encode(digest).decode(),
                            stored=stored,
                            size=version.get("Size", 0),
                            modified=version["LastModified"],
                        )
                    )
        except BucketError:
            return ()
        return tuple(result)

    def unfinished(self, names: Collection[str]) -> tuple[UnfinishedUpload, ...]:
        """The uploads of these functions and layers that were not completed; empty as for ``leftovers``."""
        try:
            with _usable(f"list unfinished uploads to `{self.url}`"):
                pages = self._s3.get_paginator("list_multipart_uploads").paginate(
                    Bucket=self.name, Prefix=f"{self.key(_FOLDER)}/"
                )
                return tuple(
                    UnfinishedUpload(
                        name=match["name"],
                        stored=StoredObject(bucket=self.name, key=upload["Key"]),
                        upload_id=upload["UploadId"],
                        begun=upload["Initiated"],
                    )
                    for page in pages
                    for upload in page.get("Uploads", ())
                    if (match := self._package(upload["Key"], names)) is not None
                )
        except BucketError:
            return ()

    def abort(self, stored: StoredObject, upload_id: str) -> None:
        """Abort an unfinished upload; its parts are deleted."""
        with refusing(f"end the unfinished upload to `{stored.url}`"):
            self._s3.abort_multipart_upload(
                Bucket=stored.bucket, Key=stored.key, UploadId=upload_id
            )

    def _package(self, key: str, names: Collection[str] | None) -> re.Match[str] | None:
        """The name and digest in the key of a package, if it is one of these functions and layers."""
        match = _KEY.fullmatch(key.removeprefix(f"{self.key(_FOLDER)}/"))
        if match is None or names is None or match["name"] in map(plain_name, names):
            return match
        return None

    def _write_options(self, metadata: Mapping[str, str]) -> dict[str, Any]:
        """S3's arguments for writing an object: the stage's encryption and tags, and the metadata."""
        stage = self.client.stage
        options: dict[str, Any] = {"Metadata": dict(metadata)}
        if stage.encryption:
            options["ServerSideEncryption"] = stage.encryption
        if stage.kms_key:
            options["SSEKMSKeyId"] = stage.kms_key
        if stage.tags:
            options["Tagging"] = urlencode(stage.tags)
        return options

    @property
    def _s3(self) -> S3Client:
        return self.client.storage()

    def _region(self) -> str | None:
        """The region of the bucket, if S3 tells it. It tells it also to users who may not use the bucket."""
        from botocore.exceptions import ClientError

        try:
            with _usable(f"look for `{self.url}`"):
                answer: Any = self._s3.head_bucket(Bucket=self.name)
        except BucketError as error:
            if error.code not in DENIED | {"301"}:
                raise
            # Whether it can be written turns out by writing.
            cause = error.__cause__
            answer = cause.response if isinstance(cause, ClientError) else {}
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = answer.get("BucketRegion") or headers.get("x-amz-bucket-region")
        return str(region) if region else self.client.stage.bucket_region

    def _versions(self, prefix: str) -> Iterator[Any]:
        """Every version of every object below a prefix, and the marks where one was removed."""
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self.name, Prefix=prefix
        )
        for page in pages:
            yield from page.get("Versions", ())
            yield from page.get("DeleteMarkers", ())


@contextmanager
def _usable(doing: str) -> Iterator[None]:
    try:
        with refusing(doing):
            yield
    except AwsError as error:
        if error.code not in _UNUSABLE:
            raise
        raise BucketError(
            error.message, code=error.code, where=error.where, hint=error.hint
        ) from error.__cause__


def plain_name(name: str) -> str:
    """The name of a function that may be given as an ARN."""
    return re.sub(r"^arn:[^/]*:function:", "", name).replace(":", "_")
