"""Publishing versions of layers and functions: one step of a deployment on its own.

It takes what ``wherry build`` has written. ``deploy`` does the same, and skips what is published already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from msgspec import to_builtins
from msgspec.structs import replace

from wherry.aws.actions import PublishLayer
from wherry.aws.apply import apply
from wherry.aws.bucket import Bucket
from wherry.aws.code_signing import plan_signed
from wherry.aws.model import Desired, Observed, version_of_arn
from wherry.aws.observe import observe
from wherry.aws.prepare import DeployOptions, Prepared, prepare
from wherry.errors import DeployError
from wherry.events import Reporter, Warned
from wherry.structs import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.aws.plan import Plan

__all__ = ["Published", "PublishedVersion", "publish"]


class PublishedVersion(Struct, frozen=True, kw_only=True):
    """A version of a layer or function.

    Attributes:
        kind: ``function`` or ``layer``.
        version: its number.
        arn: of the version.
        published: whether it was published now; a version that exists already is not published again.
    """

    name: str
    kind: str
    aws_name: str
    version: int
    arn: str
    published: bool


class Published(Struct, frozen=True, kw_only=True):
    """The result of ``publish``.

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
        versions = [to_builtins(version) for version in self.versions]
        return {"schema": 1, "stage": self.stage, "versions": versions}


def publish(
    project: Path | str = ".", stage: str = "", **options: Unpack[DeployOptions]
) -> Published:
    """Publish the layers that were built, and versions of functions as they are.

    A layer is published if its content, runtimes or architectures differ from its latest version; from the bucket if
    it was uploaded. A version of a function is published if the stage says so, by ``alias`` or ``publish``, or if the
    function is named, and no version runs the same. Functions and aliases themselves stay as they are.

    Args:
        project: the project's folder.
        stage: its name in the settings.
        options: those of ``wherry.build`` that say where packages are.

    Raises:
        WherryError: the input is wrong, or something failed. Published versions stay.
    """
    prepared = prepare(project, stage, build=False, **options)
    client, reporter = prepared.client, prepared.reporter
    desired, names = prepared.desired(), options.get("names", ())
    # Functions stay as they are, but for the version.
    functions = tuple(
        replace(function, manage=frozenset(), layers=(), publish=True, alias=None, canary=None)
        for function in desired.functions
        if function.publish or function.name in names
    )
    desired = replace(desired, functions=functions)
    with client.explaining():
        observed = observe(desired, client)
        desired, plan = plan_signed(desired, observed, client, reporter)
    _require_functions(desired, observed, reporter)
    applied = apply(plan, client, quota=prepared.quota, locks=prepared.locks, reporter=reporter)
    _discard_published(plan, prepared)
    versions = [
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
    for function in applied.functions:
        number, before = function.version, observed.functions[function.aws_name]
        if number is None:
            # There was no action, as a version runs the same.
            number = before.versions_running(before.latest)[-1]
        versions.append(
            PublishedVersion(
                name=function.name,
                kind="function",
                aws_name=function.aws_name,
                version=number,
                arn=f"{function.arn}:{number}",
                published=function.changed,
            )
        )
    return Published(stage=stage, versions=tuple(versions), calls=tuple(client.calls))


def _require_functions(desired: Desired, observed: Observed, reporter: Reporter) -> None:
    names = [function.aws_name for function in desired.functions]
    missing = [name for name in names if name not in observed.functions]
    if missing:
        raise DeployError(
            f"some functions of stage `{desired.stage}` do not exist",
            where=[f"there is no function `{name}`" for name in missing],
            hint=f"`wherry deploy {desired.stage}` creates those that have a role in the stage; or name what to publish",
        )
    for function in desired.functions:
        latest = observed.functions[function.aws_name].latest
        if latest.code_sha256 != function.code_sha256:
            reporter.emit(
                Warned(
                    text=f"function `{function.aws_name}` runs other code than was built: what it runs is published",
                    hint=f"`wherry deploy {desired.stage} --no-build` deploys what was built",
                )
            )


def _discard_published(plan: Plan, prepared: Prepared) -> None:
    """Remove packages of layers that were published before from the bucket: no later run would."""
    bucket = Bucket.of(prepared.client)
    layers = {
        layer.aws_name: layer
        for layer in plan.layers
        if not any(isinstance(action, PublishLayer) for action in layer.actions)
    }
    if bucket is None or bucket.keeps_packages or not layers:
        return
    done: set[str] = set()
    for leftover in bucket.leftovers(list(layers)):
        layer = layers[leftover.name]
        if leftover.code_sha256 == layer.code_sha256 and leftover.stored.key not in done:
            done.add(leftover.stored.key)
            # The run that published it may have been interrupted before it stored the lock file.
            if layer.arn is not None:
                prepared.locks.keep(leftover.name, layer.arn)
            bucket.discard(leftover.stored, prepared.reporter)
