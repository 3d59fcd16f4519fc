"""Delivering a package to Lambda: through the bucket of the stage, or directly with the call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from wherry.aws.bucket import Bucket, BucketError
from wherry.errors import AwsError
from wherry.events import SILENT, UploadStarted, Warned
from wherry.settings.model import plain_stage
from wherry.sizes import format_size
from wherry.structs import Struct
from wherry.target.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.client import Client
    from wherry.aws.transfer import StoredObject
    from wherry.events import Reporter

__all__ = ["Delivery", "DirectUpload"]


class DirectUpload(Struct, frozen=True, kw_only=True):
    """A package that is sent with the call."""

    path: Path

    def arguments(self) -> dict[str, Any]:
        """The arguments by which Lambda's calls take a package."""
        return {"ZipFile": self.path.read_bytes()}


class Delivery(Struct, frozen=True, dict=True):
    """Delivers packages, and removes them from the bucket afterwards.

    Attributes:
        quota: bytes of a package that Lambda takes with a call.
    """

    client: Client
    quota: int = DIRECT_UPLOAD
    reporter: Reporter = SILENT

    @cached_property
    def _stored(self) -> list[StoredObject]:
        return []

    def send(self, path: Path, code_sha256: str, *, name: str) -> DirectUpload | StoredObject:
        """Make a package available to Lambda.

        Args:
            path: the zip file.
            code_sha256: of it, in base64.
            name: of the function or layer on AWS.

        Raises:
            AwsError: it is over the quota, and there is no bucket, or one that cannot be used; or S3 fails.
        """
        size, bucket = path.stat().st_size, Bucket.of(self.client)
        self.reporter.emit(UploadStarted(name=name, size=size))
        if bucket is None:
            if size > self.quota:
                raise AwsError(
                    f"`{name}` is too big to be uploaded directly",
                    where=[
                        f"it has {format_size(size)}, and AWS takes {format_size(self.quota)} without a bucket"
                    ],
                    hint=f'give it one: [tool.wherry.stages.{plain_stage(self.client.name)}] bucket = "s3://…"',
                )
            return DirectUpload(path=path)
        try:
            stored, _ = bucket.put(path, code_sha256, name=name)
        except BucketError as error:
            if size > self.quota:
                raise AwsError(
                    f"`{name}` cannot be uploaded to `{bucket.url}`",
                    where=[
                        *error.where,
                        f"directly AWS takes {format_size(self.quota)}, and it has {format_size(size)}",
                    ],
                    hint=error.hint,
                ) from error
            self.reporter.emit(
                Warned(
                    text=f"`{bucket.url}` refuses, so `{name}` is uploaded directly: {error.cause}",
                    hint=error.hint,
                )
            )
            return DirectUpload(path=path)
        self._stored.append(stored)
        return stored

    def clean_up(self) -> None:
        """Remove the packages from the bucket, when Lambda has copied or refused them."""
        bucket = Bucket.of(self.client)
        while bucket is not None and self._stored:
            stored = self._stored.pop(0)
            if bucket.keeps_packages:
                continue
            try:
                bucket.remove(stored)
            except AwsError:
                # Once more, with a warning: no later run may look here.
                bucket.discard(stored, self.reporter)
