"""Uploading packages to the bucket of a stage: one step of a deployment on its own.

It takes what ``wherry build`` has written; a later ``publish`` or ``deploy`` takes the packages from the bucket.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import to_builtins

from wherry.aws.bucket import Bucket
from wherry.aws.model import DesiredFunction, DesiredLayer
from wherry.aws.prepare import DeployOptions, prepare
from wherry.errors import AwsError
from wherry.events import PackageStored
from wherry.settings.model import plain_stage
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path


__all__ = ["Uploaded", "UploadedPackage", "upload"]

_AT_ONCE = 8


class UploadedPackage(Struct, frozen=True, kw_only=True):
    """A package in the bucket of the stage.

    Attributes:
        name: of the function or layer in the settings.
        kind: ``function`` or ``layer``.
        aws_name: of it on AWS.
        bucket: its name.
        key: of the object.
        version_id: of the object, if the bucket keeps versions.
        code_sha256: of the package in base64, as AWS will report it.
        size: of the package in bytes.
        sent: whether it was sent now; a package that is stored already is not sent again.
    """

    name: str
    kind: str
    aws_name: str
    bucket: str
    key: str
    version_id: str | None
    code_sha256: str
    size: int
    sent: bool

    @property
    def url(self) -> str:
        """``s3://BUCKET/KEY``."""
        return f"s3://{self.bucket}/{self.key}"


class Uploaded(Struct, frozen=True, kw_only=True):
    """The result of ``upload``.

    Attributes:
        stage: its name.
        packages: each layer before the functions that use it.
        calls: the operations that were called on AWS.
    """

    stage: str
    packages: tuple[UploadedPackage, ...]
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry upload --json``."""
        packages = [to_builtins(package) for package in self.packages]
        return {"schema": 1, "stage": self.stage, "packages": packages}


def upload(
    project: Path | str = ".", stage: str = "", **options: Unpack[DeployOptions]
) -> Uploaded:
    """Store the packages that were built in the bucket of a stage. No other service than S3 is called.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        options: those of ``wherry.build`` that say where packages are.

    Raises:
        WherryError: the input is wrong, or something failed: nothing was built, the stage has no bucket, or S3
            refuses.
    """
    prepared = prepare(project, stage, build=False, **options)
    client, bucket = prepared.client, Bucket.of(prepared.client)
    desired = prepared.desired()
    if bucket is None:
        raise AwsError(
            f"stage `{stage}` has no bucket to upload to",
            hint=f'give it one: [tool.wherry.stages.{plain_stage(stage)}] bucket = "s3://…"',
        )

    def store(part: DesiredLayer | DesiredFunction) -> UploadedPackage:
        stored, sent = bucket.put(part.path, part.code_sha256, name=part.aws_name)
        prepared.reporter.emit(PackageStored(name=part.aws_name, url=stored.url, sent=sent))
        return UploadedPackage(
            name=part.name,
            kind="layer" if isinstance(part, DesiredLayer) else "function",
            aws_name=part.aws_name,
            bucket=stored.bucket,
            key=stored.key,
            version_id=stored.version_id,
            code_sha256=part.code_sha256,
            size=part.size,
            sent=sent,
        )

    with (
        client.explaining(),
        ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload") as pool,
    ):
        packages = tuple(pool.map(store, desired.parts))
    return Uploaded(stage=stage, packages=packages, calls=tuple(client.calls))
