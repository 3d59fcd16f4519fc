"""The steps of a deployment that lie between building and deploying, one by one: upload and publish.

Both take what ``wherry build`` has written. ``deploy`` does them too, and what one of them has done it finds done.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack

from wherry.aws.apply import apply
from wherry.aws.deploy import BuildOptions, prepare
from wherry.aws.desired import desire
from wherry.aws.locks import keep
from wherry.aws.model import PublishLayer, version_of_arn
from wherry.aws.observe import observe
from wherry.aws.plan import diff
from wherry.aws.upload import leftovers, put, tidy
from wherry.errors import DeployError
from wherry.events import SILENT, Step, Warned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.aws.apply import Applied
    from wherry.aws.deploy import Prepared
    from wherry.aws.model import Desired, DesiredFunction, DesiredLayer, Observed, Plan
    from wherry.events import Reporter

__all__ = [
    "Published",
    "PublishedVersion",
    "Uploaded",
    "UploadedPackage",
    "publish",
    "upload",
]

SCHEMA = 1
"""Of both documents. Raised when a field changes its meaning or goes; new fields do not raise it."""

_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadedPackage:
    """A package in the bucket of the stage.

    Attributes:
        name: of the function or layer in the settings.
        kind: ``function`` or ``layer``.
        aws_name: of it on AWS.
        bucket: its name.
        key: of the object.
        version_id: of the object, where the bucket keeps versions.
        code_sha256: of the package in base64, as AWS will report it.
        size: of the package in bytes.
        sent: whether it was sent now; what was there is not sent again.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """What ``upload`` came to.

    Attributes:
        stage: its name.
        packages: each layer before what takes it.
        calls: the operations that were called on AWS.
    """

    stage: str
    packages: tuple[UploadedPackage, ...]
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry upload --json``."""
        return {
            "schema": SCHEMA,
            "stage": self.stage,
            "packages": [asdict(package) for package in self.packages],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedVersion:
    """A version of a layer or function that holds what was to be published.

    Attributes:
        name: in the settings.
        kind: ``function`` or ``layer``.
        aws_name: on AWS.
        version: its number.
        arn: of the version.
        published: whether it was published now; what was there is not published again.
    """

    name: str
    kind: str
    aws_name: str
    version: int
    arn: str
    published: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What ``publish`` came to.

    Attributes:
        stage: its name.
        versions: layers first.
        calls: the operations that were called on AWS.
    """

    stage: str
    versions: tuple[PublishedVersion, ...]
    calls: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document of ``wherry publish --json``."""
        return {
            "schema": SCHEMA,
            "stage": self.stage,
            "versions": [asdict(version) for version in self.versions],
        }


def upload(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> Uploaded:
    """Put what was built into the bucket of a stage. Of AWS, nothing but S3 is called.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions and layers, with the layers that they need; all when empty.
        reporter: who is told what happens.
        options: those of ``wherry.build``, as far as they say where packages are.

    Raises:
        WherryError: whatever is wrong with the input or the world: nothing was built, the stage has no bucket, or
            S3 refuses.
    """
    prepared = prepare(project, stage, names=names, build=False, reporter=reporter, **options)
    desired = desire(prepared.project, prepared.report, stage)

    def one(kind: str, part: DesiredLayer | DesiredFunction) -> UploadedPackage:
        placed, sent = put(
            part.path,
            part.code_sha256,
            name=part.aws_name,
            cloud=prepared.cloud,
            stage=prepared.stage,
        )
        reporter.emit(
            Step(
                text=f"Uploaded `{part.aws_name}` to {placed.url}"
                if sent
                else f"`{part.aws_name}` is there already: {placed.url}"
            )
        )
        return UploadedPackage(
            name=part.name,
            kind=kind,
            aws_name=part.aws_name,
            bucket=placed.bucket,
            key=placed.key,
            version_id=placed.version_id,
            code_sha256=part.code_sha256,
            size=part.size,
            sent=sent,
        )

    parts: list[tuple[str, DesiredLayer | DesiredFunction]] = [
        *(("layer", layer) for layer in desired.layers),
        *(("function", function) for function in desired.functions),
    ]
    with (
        prepared.cloud.explaining(),
        ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upload") as pool,
    ):
        packages = tuple(pool.map(lambda part: one(*part), parts))
    return Uploaded(stage=stage, packages=packages, calls=tuple(prepared.cloud.calls))


def publish(
    project: Path | str = ".",
    stage: str = "",
    *,
    names: Sequence[str] = (),
    reporter: Reporter = SILENT,
    **options: Unpack[BuildOptions],
) -> Published:
    """Publish the layers that were built, and versions of functions as they are.

    A layer is published when its content, runtimes or architectures are not those of its latest version; out of the
    bucket where it was uploaded. A version of a function is published when the stage says so, by ``alias`` or ``publish``,
    or when the function is named, and no version runs the same. Functions and aliases themselves stay as they are.

    Args:
        project: the project's folder.
        stage: of the settings.
        names: the functions and layers, with the layers that they need; all when empty.
        reporter: who is told what happens.
        options: those of ``wherry.build``, as far as they say where packages are.

    Raises:
        WherryError: whatever is wrong with the input or the world. What was published stays published.
    """
    prepared = prepare(project, stage, names=names, build=False, reporter=reporter, **options)
    desired = _only_versions(desire(prepared.project, prepared.report, stage), names)
    with prepared.cloud.explaining():
        observed = observe(desired, prepared.cloud)
    _require_functions(desired, observed, reporter)
    plan = diff(desired, observed)
    applied = apply(
        plan,
        prepared.cloud,
        quota=prepared.project.settings.quotas.direct_upload,
        on_layer=lambda layer: _keep_lock(layer.aws_name, layer.arn, prepared, reporter),
        reporter=reporter,
    )
    _tidy_published(desired, plan, applied, prepared, reporter)
    return Published(
        stage=stage,
        versions=(*_layers(applied), *_functions(applied, observed)),
        calls=tuple(prepared.cloud.calls),
    )


def _only_versions(desired: Desired, names: Sequence[str]) -> Desired:
    """The same, with functions that are to be published and otherwise stay as they are."""
    return replace(
        desired,
        functions=tuple(
            replace(function, manage=frozenset(), publish=True, alias=None, canary=None)
            for function in desired.functions
            if function.publish or function.name in names
        ),
    )


def _require_functions(desired: Desired, observed: Observed, reporter: Reporter) -> None:
    """There is nothing to publish of a function that is missing."""
    missing = [one for one in desired.functions if one.aws_name not in observed.functions]
    if missing:
        raise DeployError(
            f"not all functions of stage `{desired.stage}` are there",
            where=[f"there is no function `{one.aws_name}`" for one in missing],
            hint=f"`wherry deploy {desired.stage}` makes those that the stage gives a role; or name what to publish",
        )
    for function in desired.functions:
        latest = observed.functions[function.aws_name].latest
        if latest.code_sha256 != function.code_sha256:
            reporter.emit(
                Warned(
                    text=f"function `{function.aws_name}` runs other code than was built: what it runs is published",
                    hint=f"`wherry deploy {desired.stage} --no-build` brings it what was built",
                )
            )


def _keep_lock(layer: str, arn: str, prepared: Prepared, reporter: Reporter) -> None:
    if prepared.lock is not None:
        keep(
            prepared.lock,
            layer=layer,
            version=version_of_arn(arn),
            cloud=prepared.cloud,
            stage=prepared.stage,
            reporter=reporter,
        )


def _tidy_published(
    desired: Desired, plan: Plan, applied: Applied, prepared: Prepared, reporter: Reporter
) -> None:
    """Take packages out of the bucket whose layers were published before: nobody else would."""
    stage = prepared.stage
    published = {action.aws_name for action in plan.actions if isinstance(action, PublishLayer)}
    rest = [layer for layer in desired.layers if layer.aws_name not in published]
    if stage.keep or stage.bucket is None or not rest:
        return
    arns = {layer.aws_name: layer.arn for layer in applied.layers}
    digests = {layer.aws_name: layer.code_sha256 for layer in rest}
    done: set[str] = set()
    for one in leftovers(list(digests), cloud=prepared.cloud, stage=stage):
        if one.code_sha256 == digests[one.name] and one.placed.key not in done:
            done.add(one.placed.key)
            # Whoever published it may have been stopped before.
            _keep_lock(one.name, arns[one.name], prepared, reporter)
            tidy(one.placed, cloud=prepared.cloud, stage=stage, reporter=reporter)


def _layers(applied: Applied) -> list[PublishedVersion]:
    return [
        PublishedVersion(
            name=layer.name,
            kind="layer",
            aws_name=layer.aws_name,
            version=version_of_arn(layer.arn),
            arn=layer.arn,
            published=layer.published,
        )
        for layer in applied.layers
    ]


def _functions(applied: Applied, observed: Observed) -> list[PublishedVersion]:
    found = []
    for function in applied.functions:
        number, there = function.version, observed.functions[function.aws_name]
        if number is None:
            # Nothing was to be done, as a version runs the same.
            number = max(one.number for one in there.versions if one.snapshot == there.latest)
        found.append(
            PublishedVersion(
                name=function.name,
                kind="function",
                aws_name=function.aws_name,
                version=number,
                arn=f"{function.arn}:{number}",
                published=function.changed,
            )
        )
    return found
