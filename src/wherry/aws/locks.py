"""The lock file from which each version of a layer was built, stored in the bucket.

``PREFIX/LAYER/000007/uv.lock`` belongs to version 7; ``PREFIX/LAYER/last-uv.lock`` is that of the latest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.bucket import Bucket, BucketError
from wherry.aws.model import version_of_arn
from wherry.events import SILENT, Reporter, Warned
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.aws.client import Client

__all__ = ["LockKeeper"]

_DIGITS = 6
"""Of the version in the key, so that keys sort by version."""


class LockKeeper(Struct, frozen=True):
    """Stores the lock file of every published layer version, if the layer has one and the stage a bucket.

    Attributes:
        locks: the lock files by AWS's names of layers; a layer without one is absent.
    """

    client: Client
    locks: Mapping[str, Path]
    reporter: Reporter = SILENT

    def keep(self, layer: str, arn: str) -> tuple[str, ...]:
        """Store the lock file of a layer version, and return its keys. Doing it twice changes nothing.

        A bucket that cannot be used is warned of. Any other failure is an error: the package is then still in the
        bucket, which tells the next deployment that the lock file is missing.
        """
        bucket, lock = Bucket.of(self.client), self.locks.get(layer)
        if bucket is None or lock is None:
            return ()
        version, filename = version_of_arn(arn), lock.name
        try:
            data = lock.read_bytes()
        except OSError as error:
            self.reporter.emit(Warned(text=f"the lock of `{layer}` is not kept: {error}"))
            return ()
        keys = (
            bucket.key(layer, f"{version:0{_DIGITS}}", filename),
            bucket.key(layer, f"last-{filename}"),
        )
        metadata = {"layer": layer, "layer-version": str(version)}
        try:
            for key in keys:
                doing = f"keep the lock of layer `{layer}` in `{bucket.url}/{key}`"
                bucket.put_text(doing, key, data, metadata)
        except BucketError as error:
            self.reporter.emit(
                Warned(
                    text=f"the lock of `{layer}` version {version} is not kept: {error.cause}",
                    hint=error.hint,
                )
            )
            return ()
        return keys
