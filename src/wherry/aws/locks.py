"""The lock that made each version of a layer, kept in the bucket beside it.

``PREFIX/LAYER/000007/uv.lock`` belongs to version 7; ``PREFIX/LAYER/last-uv.lock`` is that of the latest.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from wherry.aws.refusal import refusing
from wherry.aws.upload import REFUSALS, write_options
from wherry.errors import AwsError
from wherry.events import SILENT, Warned

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.cloud import Cloud
    from wherry.events import Reporter
    from wherry.settings.stages import StageSettings

__all__ = ["keep", "lock_keys"]

_DIGITS = 6


def lock_keys(stage: StageSettings, *, layer: str, version: int, filename: str) -> tuple[str, str]:
    """Where the lock of a layer version lies: by its number, so that they sort, and as the last one."""
    prefix = f"{stage.prefix}/{layer}" if stage.prefix else layer
    return f"{prefix}/{version:0{_DIGITS}}/{filename}", f"{prefix}/last-{filename}"


def keep(
    lock: Path,
    *,
    layer: str,
    version: int,
    cloud: Cloud,
    stage: StageSettings,
    reporter: Reporter = SILENT,
) -> tuple[str, ...]:
    """Keep the lock that a layer version was made from. Doing it twice changes nothing.

    A bucket that refuses is warned of and passed over. What fails otherwise is an error: the package is then still in
    the bucket, by which the next deployment knows that there is a lock to keep.

    Args:
        lock: the file.
        layer: AWS's name of the layer.
        version: of the layer.
        cloud: to call.
        stage: with its bucket.
        reporter: hears of a bucket that refuses.

    Returns:
        The keys; empty when the stage has no bucket, or one that refuses.

    Raises:
        AwsError: S3 fails.
    """
    if stage.bucket is None:
        return ()
    keys = lock_keys(stage, layer=layer, version=version, filename=lock.name)
    try:
        data = lock.read_bytes()
    except OSError as error:
        reporter.emit(Warned(text=f"the lock of `{layer}` is not kept: {error}"))
        return ()
    options = write_options(stage, metadata={"layer": layer, "layer-version": str(version)})
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    try:
        client = cloud.storage(stage.bucket_region)
        for key in keys:
            with refusing(f"keep the lock of layer `{layer}` in `s3://{stage.bucket}/{key}`"):
                client.put_object(
                    Bucket=stage.bucket,
                    Key=key,
                    Body=data,
                    ContentType="text/plain; charset=utf-8",
                    ChecksumSHA256=checksum,
                    **options,
                )
    except AwsError as error:
        if error.code not in REFUSALS:
            raise
        cause = error.where[0] if error.where else error.message
        reporter.emit(
            Warned(
                text=f"the lock of `{layer}` version {version} is not kept: {cause}",
                hint=error.hint,
            )
        )
        return ()
    return keys
