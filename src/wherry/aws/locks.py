"""The lock file from which each version of a layer was built, stored in the bucket.

``PREFIX/LAYER/000007/uv.lock`` belongs to version 7; ``PREFIX/LAYER/last-uv.lock`` is that of the latest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.bucket import Bucket, BucketError
from wherry.aws.model import version_of_arn
from wherry.events import SILENT, Warned

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.client import Client
    from wherry.events import Reporter

__all__ = ["LockKeeper"]

_DIGITS = 6
"""Of the version in the key, so that keys sort by version."""


class LockKeeper:
    """Stores the lock file of a project for every layer version that is published.

    Args:
        client: of the stage. If the stage has no bucket, nothing is stored.
        lock: the file; None if the project has none.
        reporter: receives the warnings.
    """

    def __init__(self, client: Client, lock: Path | None, reporter: Reporter = SILENT) -> None:
        self._bucket = Bucket.of(client)
        self._lock = lock
        self._reporter = reporter

    def keep(self, layer: str, arn: str) -> tuple[str, ...]:
        """Store the lock file of a layer version. Doing it twice changes nothing.

        A bucket that cannot be used is warned of. Any other failure is an error: the package is then still in the
        bucket, which tells the next deployment that the lock file is missing.

        Args:
            layer: the layer's name on AWS.
            arn: of the version.

        Returns:
            The keys; empty if nothing was stored.

        Raises:
            AwsError: S3 fails.
        """
        if self._bucket is None or self._lock is None:
            return ()
        version, filename = version_of_arn(arn), self._lock.name
        try:
            data = self._lock.read_bytes()
        except OSError as error:
            self._reporter.emit(Warned(text=f"the lock of `{layer}` is not kept: {error}"))
            return ()
        keys = (
            self._bucket.key(layer, f"{version:0{_DIGITS}}", filename),
            self._bucket.key(layer, f"last-{filename}"),
        )
        metadata = {"layer": layer, "layer-version": str(version)}
        try:
            for key in keys:
                doing = f"keep the lock of layer `{layer}` in `{self._bucket.url}/{key}`"
                self._bucket.put_text(doing, key, data, metadata)
        except BucketError as error:
            self._reporter.emit(
                Warned(
                    text=f"the lock of `{layer}` version {version} is not kept: {error.cause}",
                    hint=error.hint,
                )
            )
            return ()
        return keys
