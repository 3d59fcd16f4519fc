"""Deploying to a stage what another one runs, byte for byte, without building.

Code and layers are those of the versions that callers of the other stage get. They are fetched from AWS only if the
stage does not have them already, and their digests are verified. Layers are published under the stage's own names, as
always; where both stages mean the same layer, the same version is attached.
"""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import field
from msgspec.structs import replace

from wherry.aws.client import Client
from wherry.aws.errors import refusing
from wherry.aws.live_packages import location_in
from wherry.aws.locks import LockKeeper
from wherry.aws.model import layer_of_arn, version_of_arn
from wherry.aws.observe import layer_version
from wherry.aws.prepare import DeployOptions, Prepared
from wherry.aws.remote_zip import download
from wherry.aws.stage import ProjectStage, StageOptions, deploy_first, observe_stage, read_stage
from wherry.errors import DeployError
from wherry.events import SILENT, Note, PackageBrought, Warned
from wherry.pipeline.report import BuildReport, PackageReport
from wherry.problems import Problems
from wherry.store import Store
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct
from wherry.target import RUNTIMES, Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wherry.aws.actions import Action
    from wherry.aws.model import Desired, ObservedAlias, ObservedFunction, Snapshot
    from wherry.aws.plan import Plan
    from wherry.settings.project import Project

__all__ = ["BroughtPackages", "bring"]


class _Source(Struct, frozen=True, kw_only=True):
    """The code that callers of a function in the other stage get: a version, or ``$LATEST``; ``place`` is region and account."""

    place: tuple[str, str]
    name: str
    aws_name: str
    qualifier: str
    snapshot: Snapshot
    description: str
    size: int


class BroughtPackages(Prepared, frozen=True, kw_only=True):
    """Packages of another stage, which are fetched when they are needed.

    Attributes:
        descriptions: of the versions that are published, by the names of functions.
        locations: give the addresses of packages, by their digests in base64.
    """

    descriptions: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    store: Store

    def desired(self, *, canary: float | None = None) -> Desired:
        """The desired state of the stage, as ``Prepared.desired``, with the descriptions of the other stage."""
        desired = Prepared.desired(self, canary=canary)
        functions = tuple(
            replace(one, version_description=self.descriptions.get(one.name, ""))
            for one in desired.functions
        )
        layers = desired.layers
        if self.client.stage.signing_profile is not None:
            # What is to be signed is read.
            functions = tuple(replace(one, path=self._fetch(one.code_sha256)) for one in functions)
            layers = tuple(replace(one, path=self._fetch(one.code_sha256)) for one in layers)
        return replace(desired, functions=functions, layers=layers)

    def fetched(self, plan: Plan) -> Plan:
        """The plan, with the packages that it uploads fetched and verified.

        Raises:
            FetchError: a package cannot be fetched, or has another digest than AWS reports.
        """
        return replace(
            plan,
            layers=tuple(
                replace(part, actions=tuple(map(self._fetched, part.actions)))
                for part in plan.layers
            ),
            functions=tuple(
                replace(part, actions=tuple(map(self._fetched, part.actions)))
                for part in plan.functions
            ),
        )

    def _fetched(self, action: Action) -> Action:
        if action.package is None or action.package.signed is not None:
            return action
        package = replace(action.package, path=self._fetch(action.package.code_sha256))
        return replace(action, package=package)

    def _fetch(self, code_sha256: str) -> Path:
        sha256 = base64.b64decode(code_sha256).hex()
        if (stored := self.store.find(sha256)) is not None:
            return stored
        with temporary_folder("package") as folder:
            path, what = folder / "package.zip", "the package of the other stage"
            download(self.locations[code_sha256](), path, what=what, code_sha256=code_sha256)
            return self.store.add(path, hashes={"sha256": sha256}).path


def bring(
    project: Path | str, stage: str, origin: str, **options: Unpack[DeployOptions]
) -> BroughtPackages:
    """The packages of another stage of the project, ``origin``, for a stage; nothing is built.

    Raises:
        DeployError: the other stage lacks a function, or runs what cannot be brought.
        WherryError: the input is wrong, or AWS refused.
    """
    if stage == origin:
        raise DeployError(
            f"stage `{stage}` cannot be deployed from itself", hint="name another stage"
        )
    reporter = options.get("reporter", SILENT)
    asked: StageOptions = {
        "names": options.get("names", ()),
        "name": options.get("name"),
        "config": options.get("config"),
        "reporter": reporter,
    }
    target, other = read_stage(project, stage, **asked), read_stage(project, origin, **asked)
    with other.client.explaining():
        sources = _sources(other)
    brought = _Packages(target, other, sources)
    client = target.client
    if other.settings.signing_profile == target.settings.signing_profile and brought.same_place:
        # It is signed already.
        client = Client(replace(target.settings, signing_profile=None), name=stage)
    for one in sources:
        reporter.emit(
            PackageBrought(
                name=one.name,
                stage=origin,
                aws_name=one.aws_name,
                version=one.qualifier,
                code_sha256=one.snapshot.code_sha256,
                description=one.description,
            )
        )
    return BroughtPackages(
        project=target.project,
        report=BuildReport(
            target=_target(target.project, sources),
            packages=(*brought.layers.values(), *brought.functions),
            seconds=0.0,
        ),
        client=client,
        locks=LockKeeper(client, {}, reporter),
        reporter=reporter,
        descriptions={one.name: one.description for one in sources},
        locations=brought.locations,
        store=options.get("store") or Store.default(),
    )


def _sources(stage: ProjectStage) -> list[_Source]:
    """The code that callers of each function of a stage get."""
    client = stage.client
    problems = Problems(
        DeployError, f"stage `{client.name}` has nothing that could be deployed from it"
    )
    running = observe_stage(stage, problems)
    for function, _ in running.values():
        if function.package_type != "Zip":
            problems.add(f"function `{function.aws_name}` runs a container image")
    problems.raise_all()
    return [_source(name, *parts, stage) for name, parts in running.items()]


def _source(
    name: str, function: ObservedFunction, alias: ObservedAlias | None, stage: ProjectStage
) -> _Source:
    version = None if alias is None else function.version(alias.version)
    if alias is not None and alias.canaries:
        stage.reporter.emit(
            Warned(
                text=f"`{function.aws_name}` has a canary in stage `{stage.client.name}`: the version that most callers get is deployed"
            )
        )
    return _Source(
        place=(function.region, function.account),
        name=name,
        aws_name=function.aws_name,
        qualifier="$LATEST" if version is None else str(version.number),
        snapshot=function.latest if version is None else version.snapshot,
        description="" if version is None else version.description,
        size=function.code_size if version is None else version.code_size,
    )


def _target(project: Project, sources: Sequence[_Source]) -> Target:
    runtimes = {**RUNTIMES, **project.settings.runtimes}
    snapshot = sources[0].snapshot
    return Target(
        runtime=find_runtime(snapshot.runtime or "", runtimes=runtimes),
        architecture=find_architecture(snapshot.architecture),
    )


class _Packages:
    """The packages of the other stage, as a build would have reported them.

    Attributes:
        layers: those that the stage publishes under its own names, by their names in the settings.
        locations: as ``BroughtPackages`` has them.
        same_place: whether both stages are in one account and region.
    """

    def __init__(
        self, target: ProjectStage, other: ProjectStage, sources: Sequence[_Source]
    ) -> None:
        self.functions: list[PackageReport] = []
        self.layers: dict[str, PackageReport] = {}
        self.locations: dict[str, Callable[[], str]] = {}
        self._target, self._other = target, other
        self._names = {_layer_name(other, name): name for name in other.project.settings.layers}
        self.same_place = _place(target) == _place(other)
        self._problems = Problems(
            DeployError, f"what stage `{other.client.name}` runs cannot be deployed from there"
        )
        for source in sources:
            self._add(source)
        self._problems.raise_all()

    def _add(self, source: _Source) -> None:
        code_sha256 = source.snapshot.code_sha256
        self.locations[code_sha256] = partial(self._code_location, source)
        self.functions.append(
            _report(
                source.name,
                "function",
                code_sha256=code_sha256,
                size=source.size,
                handler=source.snapshot.handler,
                layers=self._layers(source),
                runtimes=(source.snapshot.runtime or "",),
                architectures=(source.snapshot.architecture,),
            )
        )

    def _layers(self, source: _Source) -> tuple[str, ...]:
        settings = self._other.project.settings
        named = {
            arn
            for part in (*settings.functions.values(), *settings.layers.values())
            for arn in part.layers
        }
        layers = []
        for arn in source.snapshot.layers:
            assert isinstance(arn, str)  # noqa: S101  observed layers are published
            _, _, _, region, account, _, layer, _ = arn.split(":")
            own = self._names.get(layer) if (region, account) == source.place else None
            if own is not None and self.same_place and layer == _layer_name(self._target, own):
                layers.append(arn)
            elif own is not None:
                self._add_layer(own, arn)
                layers.append(own)
            elif arn not in named:
                self._other.reporter.emit(
                    Note(
                        text=f"layer `{arn}` of `{source.aws_name}` does not belong to the project, and is not deployed"
                    )
                )
            elif region != self._target.client.region:
                self._problems.add(
                    f"layer `{arn}` is in {region}, and stage `{self._target.client.name}` in "
                    f"{self._target.client.region}",
                    hint="functions can only use layers of their own region",
                )
            else:
                layers.append(arn)
        return tuple(layers)

    def _add_layer(self, name: str, arn: str) -> None:
        version = layer_version(self._other.client, arn)
        if version is None:
            self._problems.add(f"layer version `{arn}` was deleted", hint=deploy_first(self._other))
            return
        code_sha256 = version["Content"]["CodeSha256"]
        if name in self.layers and self.layers[name].code_sha256 != code_sha256:
            self._problems.add(
                f"its functions run different versions of layer `{name}`",
                hint=deploy_first(self._other),
            )
        self.locations[code_sha256] = partial(self._layer_location, arn)
        self.layers[name] = _report(
            name,
            "layer",
            code_sha256=code_sha256,
            size=version["Content"]["CodeSize"],
            runtimes=tuple(version.get("CompatibleRuntimes") or ()),
            architectures=tuple(version.get("CompatibleArchitectures") or ()),
        )

    def _code_location(self, source: _Source) -> str:
        with refusing(f"look at the code of function `{source.aws_name}`"):
            function = self._other.client.functions.get_function(
                FunctionName=source.aws_name, Qualifier=source.qualifier
            )
        return location_in(function["Code"], f"the code of function `{source.aws_name}`")

    def _layer_location(self, arn: str) -> str:
        with refusing(f"look at layer version `{arn}`"):
            version = self._other.client.functions.get_layer_version(
                LayerName=layer_of_arn(arn), VersionNumber=version_of_arn(arn)
            )
        return location_in(version["Content"], f"layer version `{arn}`")


def _layer_name(stage: ProjectStage, name: str) -> str:
    return stage.settings.layer_on_aws(name, project=stage.project.name, stage=stage.client.name)


def _place(stage: ProjectStage) -> tuple[str | None, ...]:
    """Two stages with the same of it are in one account and region."""
    return (stage.client.region, stage.settings.profile, stage.settings.assume_role)


def _report(name: str, kind: str, code_sha256: str, **known: Any) -> PackageReport:
    """A package as if it had just been built, of which no file is here yet, with what is known of it."""
    return PackageReport(
        name=name,
        kind=kind,
        path=Path(f"{name}.zip"),
        sha256=base64.b64decode(code_sha256).hex(),
        code_sha256=code_sha256,
        unzipped_size=0,
        files=0,
        changed=False,
        unzipped_size_with_layers=0,
        provided=(),
        distributions=(),
        **{"handler": None, "layers": (), **known},
    )
