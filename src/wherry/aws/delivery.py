"""Delivering a package to Lambda: through the bucket of the stage, or directly with the call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from wherry.aws.bucket import Bucket, BucketError
from wherry.errors import AwsError
from wherry.events import SILENT, Reporter, UploadStarted, Warned
from wherry.settings.model import plain_stage
from wherry.sizes import format_size
from wherry.structs import Struct
from wherry.target.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from wherry.aws.client import Client
    from wherry.aws.model import DesiredFunction, DesiredLayer
    from wherry.aws.transfer import StoredObject

__all__ = ["Delivery"]


class Delivery(Struct, frozen=True, dict=True):
    """Delivers packages, up to ``quota`` bytes with the call, and removes them from the bucket afterwards."""

    client: Client
    quota: int = DIRECT_UPLOAD
    reporter: Reporter = SILENT

    @cached_property
    def _stored(self) -> list[StoredObject]:
        return []

    def send(self, part: DesiredFunction | DesiredLayer) -> dict[str, Any]:
        """Make the package of a function or layer (name on AWS) available to Lambda; its digest is in base64.

        Raises:
            AwsError: it is over the quota, and there is no bucket, or one that cannot be used; or S3 fails.
        """
        if part.signed is not None:
            return part.signed.arguments()
        path, name, bucket = part.path, part.aws_name, Bucket.of(self.client)
        size = path.stat().st_size
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
            return {"ZipFile": path.read_bytes()}
        try:
            stored, _ = bucket.put(path, part.code_sha256, name=name)
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
            return {"ZipFile": path.read_bytes()}
        self._stored.append(stored)
        return stored.arguments()

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
