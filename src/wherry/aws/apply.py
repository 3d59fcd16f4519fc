"""Doing what a plan says, so that it may be cut short anywhere and simply be done again.

Layers come first, side by side; then functions, side by side, each with its actions in order. Before and after each
change the function is waited for. What is already as it should be is passed over, so that an attempt whose answer was
lost is not made twice. A change by somebody else in between is noticed, and nothing is overwritten.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from wherry.aws.attempts import Fate, Retrying, fate, pauses
from wherry.aws.model import (
    CreateAlias,
    CreateFunction,
    MoveAlias,
    NewVersion,
    PublishLayer,
    PublishVersion,
    ShareLayer,
    UpdateCode,
    UpdateConfiguration,
    version_of_arn,
)
from wherry.aws.observe import observe_function, observe_layer, snapshot_of
from wherry.aws.refusal import CONFLICT, code_of, refusing
from wherry.aws.render import size_text
from wherry.aws.upload import InBucket, place, remove, tidy
from wherry.errors import AwsError, WherryError
from wherry.events import SILENT, Step
from wherry.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from wherry.aws.cloud import Cloud
    from wherry.aws.model import (
        Action,
        FunctionPlan,
        LayerPlan,
        LayerRef,
        Plan,
        Snapshot,
    )
    from wherry.aws.upload import Placed
    from wherry.events import Reporter

    Made = TypeVar("Made")

__all__ = ["Applied", "AppliedFunction", "AppliedLayer", "apply"]

_AT_ONCE = 8
_UPDATES = (UpdateCode, UpdateConfiguration)
_LATEST_VERSION = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedLayer:
    """A layer as it is now.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        arn: of the version that functions take.
        published: whether the version was published by this run.
    """

    name: str
    aws_name: str
    arn: str
    published: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedFunction:
    """A function as it is now.

    Attributes:
        name: in the settings.
        aws_name: on AWS.
        arn: of the function, without a qualifier.
        version: the published version that runs what was deployed; None where none is wanted.
        alias: that calls come by; None where there is none.
        changed: whether anything was.
    """

    name: str
    aws_name: str
    arn: str
    version: int | None
    alias: str | None
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What a plan came to."""

    layers: tuple[AppliedLayer, ...]
    functions: tuple[AppliedFunction, ...]


def apply(
    plan: Plan,
    cloud: Cloud,
    *,
    quota: int = DIRECT_UPLOAD,
    on_layer: Callable[[AppliedLayer], None] | None = None,
    reporter: Reporter = SILENT,
) -> Applied:
    """Do what the plan says.

    Args:
        plan: of ``diff``.
        cloud: to call.
        quota: bytes of a package that goes along with a call.
        on_layer: is told of every version that was published, while its package is still in the bucket: one
            that lies there tells the next run that this was not reached.
        reporter: hears of every step.

    Raises:
        AwsError: AWS refused. What was done stays done; doing it again goes on from there.
    """
    layers = _side_by_side(
        lambda part: _Layer(part, cloud, quota, reporter).apply(on_layer), plan.layers
    )
    arns = {layer.aws_name: layer.arn for layer in layers}
    functions = _side_by_side(
        lambda part: _Function(part, cloud, arns, quota, reporter).apply(), plan.functions
    )
    return Applied(layers=layers, functions=functions)


def _side_by_side(
    work: Callable[[Any], Made], parts: Sequence[LayerPlan | FunctionPlan]
) -> tuple[Made, ...]:
    """Do the work for each; the others go on when one fails, and all failures are told."""
    busy = [part for part in parts if part.actions]
    if len(busy) < 2:
        return tuple(work(part) for part in parts)
    errors: list[WherryError] = []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="apply") as pool:
        try:
            futures = [pool.submit(work, part) for part in parts]
            results = []
            for future in futures:
                try:
                    results.append(future.result())
                except WherryError as error:
                    errors.append(error)
        except BaseException:
            # Whoever interrupts wants nothing more begun; what is under way is brought to its end.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not errors:
        return tuple(results)
    if len(errors) == 1:
        raise errors[0]
    raise AwsError(
        f"{len(errors)} parts of the deployment failed",
        code=getattr(errors[0], "code", ""),
        where=[line for error in errors for line in (error.message, *error.where)],
        hint=next((error.hint for error in errors if error.hint), None),
    ) from errors[0]


class _Sender:
    """Brings a package to where Lambda takes it."""

    def __init__(self, cloud: Cloud, quota: int, reporter: Reporter) -> None:
        self._cloud = cloud
        self._quota = quota
        self._reporter = reporter
        self._placed: list[Placed] = []

    def send(self, path: Path, code_sha256: str, *, name: str, size: int) -> Placed:
        self._reporter.emit(Step(text=f"Uploading `{name}` ({size_text(size)}) ..."))
        placed = place(
            path,
            code_sha256,
            name=name,
            cloud=self._cloud,
            stage=self._cloud.stage,
            quota=self._quota,
            reporter=self._reporter,
        )
        self._placed.append(placed)
        return placed

    def tidy(self) -> None:
        """Take away what was sent through the bucket, once AWS has it or will not have it."""
        stage = self._cloud.stage
        placed, self._placed = self._placed, []
        for one in placed:
            if not isinstance(one, InBucket) or stage.keep:
                continue
            try:
                remove(one, cloud=self._cloud, stage=stage)
            except AwsError:
                # Once more, and warn: nobody may come by here again.
                tidy(one, cloud=self._cloud, stage=stage, reporter=self._reporter)


class _Layer:
    """The work on one layer."""

    def __init__(self, plan: LayerPlan, cloud: Cloud, quota: int, reporter: Reporter) -> None:
        self._plan = plan
        self._cloud = cloud
        self._reporter = reporter
        self._sender = _Sender(cloud, quota, reporter)
        self._arn = plan.version if isinstance(plan.version, str) else ""
        # Whether a version may be there that `on_layer` has not heard of.
        self._in_doubt = False

    def apply(self, on_layer: Callable[[AppliedLayer], None] | None) -> AppliedLayer:
        published = False
        try:
            for action in self._plan.actions:
                if isinstance(action, PublishLayer):
                    self._publish(action)
                    published = True
                    if on_layer is not None:
                        on_layer(self._applied(published=True))
                    self._in_doubt = False
                elif isinstance(action, ShareLayer):
                    self._share(action)
        finally:
            if not self._in_doubt:
                self._sender.tidy()
        return self._applied(published=published)

    def _applied(self, *, published: bool) -> AppliedLayer:
        return AppliedLayer(
            name=self._plan.name,
            aws_name=self._plan.aws_name,
            arn=self._arn,
            published=published,
        )

    def _publish(self, action: PublishLayer) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        layer = action.layer
        retrying = Retrying(f"publish layer `{layer.aws_name}`")
        placed = self._sender.send(
            layer.path, layer.code_sha256, name=layer.aws_name, size=layer.size
        )
        given: dict[str, Any] = {
            "LayerName": layer.aws_name,
            "Content": placed.arguments(),
            "CompatibleRuntimes": list(layer.runtimes),
            "CompatibleArchitectures": list(layer.architectures),
        }
        if layer.description:
            given["Description"] = layer.description
        if layer.license:
            given["LicenseInfo"] = layer.license
        while True:
            try:
                self._in_doubt = True
                self._arn = self._cloud.changes.publish_layer_version(**given)["LayerVersionArn"]
                break
            except (ClientError, BotoCoreError) as error:
                self._in_doubt = fate(error) is Fate.UNKNOWN
                # A second version of the same would be nobody's: look before asking again.
                if retrying.after(error) is Fate.UNKNOWN and (arn := self._published(action)):
                    self._arn = arn
                    break
        self._reporter.emit(
            Step(
                text=f"Published layer `{layer.aws_name}` version {version_of_arn(self._arn)}: {self._arn}"
            )
        )

    def _published(self, action: PublishLayer) -> str | None:
        """The ARN of the latest version, if it is what was to be published."""
        layer = action.layer
        found = observe_layer(self._cloud, layer.aws_name, shared=False)
        if (
            found is not None
            and found.code_sha256 == layer.code_sha256
            and set(found.runtimes) == set(layer.runtimes)
            and set(found.architectures) == set(layer.architectures)
        ):
            return found.arn
        return None

    def _share(self, action: ShareLayer) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        number, principal = version_of_arn(self._arn), action.principal
        given: dict[str, Any] = {
            "LayerName": action.aws_name,
            "VersionNumber": number,
            # The same name every time, so that saying it twice is no harm.
            "StatementId": f"wherry-{'everybody' if principal == '*' else principal}",
            "Action": "lambda:GetLayerVersion",
            "Principal": "*" if principal.startswith("o-") else principal,
        }
        if principal.startswith("o-"):
            given["OrganizationId"] = principal
        retrying = Retrying(f"share layer `{action.aws_name}` with {principal}")
        while True:
            try:
                self._cloud.changes.add_layer_version_permission(**given)
                break
            except (ClientError, BotoCoreError) as error:
                if code_of(error) == CONFLICT and _is_there_already(error):
                    break
                retrying.after(error)
        self._reporter.emit(
            Step(text=f"Shared layer `{action.aws_name}` version {number} with {principal}")
        )


def _is_there_already(error: Exception) -> bool:
    return "already exist" in str(error).lower()


class _Function:
    """The work on one function."""

    def __init__(
        self,
        plan: FunctionPlan,
        cloud: Cloud,
        layers: Mapping[str, str],
        quota: int,
        reporter: Reporter,
    ) -> None:
        self._plan = plan
        self._name = plan.aws_name
        self._cloud = cloud
        self._layers = layers
        self._reporter = reporter
        self._sender = _Sender(cloud, quota, reporter)
        self._arn = plan.observed.arn if plan.observed is not None else ""
        # What `$LATEST` is, as far as we know, and AWS's last word on it while nothing was changed since.
        self._now: Snapshot | None = plan.observed.latest if plan.observed is not None else None
        self._reading: Mapping[str, Any] | None = None
        self._touched = False
        self._version: int | None = None
        self._alias: str | None = None

    def apply(self) -> AppliedFunction:
        try:
            for action in self._in_order():
                self._do(action)
        finally:
            self._sender.tidy()
        return AppliedFunction(
            name=self._plan.name,
            aws_name=self._name,
            arn=self._arn,
            version=self._version or self._plan.version,
            alias=self._alias or self._plan.alias,
            changed=bool(self._plan.actions),
        )

    def _in_order(self) -> Iterator[Action]:
        """The actions as planned, but code and configuration in the other order where AWS will have it so."""
        actions = list(self._plan.actions)
        while actions:
            action = actions.pop(0)
            if not (isinstance(action, _UPDATES) and actions and isinstance(actions[0], _UPDATES)):
                yield action
                continue
            try:
                self._do(action)
            except AwsError as error:
                # What moves from the code to a layer, or back, is for a moment in both, which may be too much.
                if "unzipped size" not in str(error).lower():
                    raise
                yield actions.pop(0)
                yield action

    def _do(self, action: Action) -> None:
        match action:
            case CreateFunction():
                self._create(action)
            case UpdateCode():
                self._update_code(action)
            case UpdateConfiguration():
                self._update_configuration(action)
            case PublishVersion():
                self._publish(action)
            case CreateAlias() | MoveAlias():
                self._point(action)
            case _:
                raise AssertionError(action)

    def _arns(self, layers: Sequence[LayerRef]) -> list[str]:
        return [
            self._layers[layer.layer] if isinstance(layer, NewVersion) else layer
            for layer in layers
        ]

    def _create(self, action: CreateFunction) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        function = action.function
        retrying = Retrying(f"create function `{self._name}`")
        placed = self._sender.send(
            function.path, function.code_sha256, name=self._name, size=function.size
        )
        given: dict[str, Any] = {
            "FunctionName": self._name,
            "Runtime": function.runtime,
            "Role": function.role,
            "Handler": function.handler,
            "Code": placed.arguments(),
            "Architectures": [function.architecture],
            "Layers": self._arns(action.layers),
            "Description": function.description,
            "Timeout": function.timeout,
            "MemorySize": function.memory,
            "Tags": dict(function.tags),
        }
        given = {key: value for key, value in given.items() if value not in (None, {}, [])}
        self._touched = True
        while True:
            try:
                self._took(self._cloud.changes.create_function(**given))
                break
            except (ClientError, BotoCoreError) as error:
                if (code_of(error) == CONFLICT and _is_there_already(error)) or retrying.after(
                    error
                ) is Fate.UNKNOWN:
                    there = observe_function(self._cloud, self._name, versions=False)
                    if there is None:
                        continue
                    if there.latest.code_sha256 != function.code_sha256:
                        raise self._changed() from error
                    self._arn = there.arn
                    break
        self._now = snapshot_of(self._ready())
        self._arn = self._arn or str(self._ready()["FunctionArn"])
        self._sender.tidy()
        self._say(f"Created function `{self._name}`: {size_text(function.size)}, {self._arn}")

    def _update_code(self, action: UpdateCode) -> None:
        function = action.function
        assert self._now is not None  # noqa: S101  a function that is created is not updated
        target = replace(
            self._now,
            code_sha256=function.code_sha256,
            architecture=action.architecture or self._now.architecture,
        )
        self._ready()
        placed = self._sender.send(
            function.path, function.code_sha256, name=self._name, size=function.size
        )
        given = dict(placed.arguments())
        if action.architecture is not None:
            given["Architectures"] = [action.architecture]
        self._update(
            f"update the code of function `{self._name}`",
            target,
            lambda guard: self._cloud.changes.update_function_code(
                FunctionName=self._name, **given, **guard
            ),
        )
        # Before a version is published: so what is interrupted in between still has something to do, and the next
        # deployment knows by that alone to look for what was left.
        self._sender.tidy()
        self._say(f"Updated function `{self._name}`: {size_text(function.size)}, {self._arn}")

    def _update_configuration(self, action: UpdateConfiguration) -> None:
        assert self._now is not None  # noqa: S101  a function that is created is not updated
        target = self._now
        given: dict[str, Any] = {}
        if action.layers is not None:
            given["Layers"] = self._arns(action.layers)
            target = replace(target, layers=tuple(given["Layers"]))
        if action.handler is not None:
            given["Handler"] = action.handler
            target = replace(target, handler=action.handler)
        if action.runtime is not None:
            given["Runtime"] = action.runtime
            target = replace(target, runtime=action.runtime)
        self._update(
            f"update the configuration of function `{self._name}`",
            target,
            lambda guard: self._cloud.changes.update_function_configuration(
                FunctionName=self._name, **given, **guard
            ),
        )
        self._say(f"Updated the configuration of function `{self._name}`: {', '.join(action.why)}")

    def _update(
        self, doing: str, target: Snapshot, call: Callable[[dict[str, Any]], Mapping[str, Any]]
    ) -> None:
        """Bring ``$LATEST`` to the target, if it is not there, and if nobody else has touched it."""
        from botocore.exceptions import BotoCoreError, ClientError

        retrying = Retrying(doing)
        while True:
            reading = self._ready()
            found = snapshot_of(reading)
            if _same(found, target):
                break
            if not _same(found, self._now):
                raise self._changed()
            try:
                self._took(call(self._guard(reading)))
                break
            except (ClientError, BotoCoreError) as error:
                # Whatever became of it: the next reading tells.
                self._reading = None
                retrying.after(error)
        self._now = target
        self._ready()

    def _guard(self, reading: Mapping[str, Any]) -> dict[str, Any]:
        """AWS then refuses when somebody changed the function after this reading."""
        return {"RevisionId": reading["RevisionId"]} if reading.get("RevisionId") else {}

    def _took(self, answer: Mapping[str, Any]) -> None:
        """AWS's answer to a change. It is the last word if the change is done already."""
        self._touched = True
        self._reading = answer if _settled(answer) and "LastUpdateStatus" in answer else None

    def _ready(self) -> Mapping[str, Any]:
        """The function's configuration, when no update of it is under way.

        Raises:
            AwsError: the last update failed, or does not end.
        """
        if self._reading is None:
            self._reading = self._settle()
        return self._reading

    def _settle(self, **qualifier: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = {}
        for pause in pauses(first=0.1, most=3.0, total=600.0):
            with refusing(f"wait for function `{self._name}`"):
                found = self._cloud.functions.get_function_configuration(
                    FunctionName=self._name, **qualifier
                )
            if _settled(found):
                self._require_sound(found)
                return found
            time.sleep(pause)
        raise AwsError(
            f"function `{self._name}` does not become ready",
            where=[
                f"State is {found.get('State')}, LastUpdateStatus is {found.get('LastUpdateStatus')}"
            ],
            hint="run the same command again later: it goes on from there",
        )

    def _require_sound(self, found: Mapping[str, Any]) -> None:
        """Refuse to go on from an update of ours that failed; one that failed before is what ours may mend."""
        for status, reason in (
            ("State", "StateReason"),
            ("LastUpdateStatus", "LastUpdateStatusReason"),
        ):
            if found.get(status) == "Failed" and self._touched:
                raise AwsError(
                    f"function `{self._name}` failed",
                    code=str(found.get(f"{reason}Code") or ""),
                    where=[
                        str(found.get(reason) or found.get(f"{reason}Code") or "no reason given")
                    ],
                )

    def _changed(self) -> AwsError:
        return AwsError(
            f"somebody else changed function `{self._name}` meanwhile",
            where=["it is neither what it was when the deployment began nor what it should become"],
            hint="see what `wherry plan` says, then run the same command again",
        )

    def _publish(self, action: PublishVersion) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        retrying = Retrying(f"publish a version of function `{self._name}`")
        while True:
            reading = self._ready()
            if not _same(snapshot_of(reading), self._now):
                raise self._changed()
            given: dict[str, Any] = {"FunctionName": self._name, **self._guard(reading)}
            if action.code_sha256:
                given["CodeSha256"] = action.code_sha256
            if action.description:
                given["Description"] = action.description
            try:
                answer: Mapping[str, Any] = self._cloud.changes.publish_version(**given)
                number = int(answer["Version"])
                break
            except (ClientError, BotoCoreError) as error:
                self._reading = None
                if retrying.after(error) is Fate.UNKNOWN and (same := self._version_of_now()):
                    number, answer = same, {}
                    break
        if not _settled(answer):
            # No alias should stand at what does not run yet.
            self._settle(Qualifier=str(number))
        self._version = number
        self._say(f"Published version {number} of function `{self._name}`")

    def _version_of_now(self) -> int | None:
        """The newest version that runs what ``$LATEST`` runs."""
        found = observe_function(self._cloud, self._name, versions=True)
        same = (
            [one.number for one in found.versions if one.snapshot == found.latest] if found else []
        )
        return same[-1] if same else None

    def _point(self, action: CreateAlias | MoveAlias) -> None:
        """Make an alias, or move it."""
        from botocore.exceptions import BotoCoreError, ClientError

        version = action.version if action.version is not None else self._version
        assert version is not None  # noqa: S101  the plan publishes one first
        verb = "create" if isinstance(action, CreateAlias) else "move"
        retrying = Retrying(f"{verb} alias `{action.alias}` of function `{self._name}`")
        canary = action.canary if isinstance(action, MoveAlias) else None
        at = version if canary is None or not isinstance(action, MoveAlias) else action.was
        weights = {} if canary is None else {str(version): canary}
        revision = action.revision if isinstance(action, MoveAlias) else None
        while True:
            given: dict[str, Any] = {
                "FunctionName": self._name,
                "Name": action.alias,
                "FunctionVersion": str(at),
            }
            try:
                if isinstance(action, CreateAlias):
                    self._cloud.changes.create_alias(**given)
                else:
                    given["RoutingConfig"] = {"AdditionalVersionWeights": weights}
                    if revision:
                        given["RevisionId"] = revision
                    self._cloud.changes.update_alias(**given)
                break
            except (ClientError, BotoCoreError) as error:
                if not (code_of(error) == CONFLICT and _is_there_already(error)):
                    retrying.after(error)
                there = self._alias_now(action.alias)
                if there is None:
                    continue
                if there == (at, weights):
                    break
                if isinstance(action, CreateAlias) or not self._still(action, there):
                    raise self._alias_changed(action.alias) from error
                revision = self._alias_revision
        self._version, self._alias = version, action.alias
        share = "" if canary is None else f" for {canary:.0%} of the calls"
        self._say(f"Alias `{action.alias}` of function `{self._name}`: version {version}{share}")

    _alias_revision: str | None = None

    def _alias_now(self, name: str) -> tuple[int, dict[str, float]] | None:
        """Where an alias stands now, and what it sends elsewhere; None when there is none."""
        from botocore.exceptions import ClientError

        with refusing(f"look at alias `{name}` of function `{self._name}`"):
            try:
                found = self._cloud.functions.get_alias(FunctionName=self._name, Name=name)
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise
        self._alias_revision = found.get("RevisionId")
        routing = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        version = found["FunctionVersion"]
        return (
            _LATEST_VERSION if version == "$LATEST" else int(version),
            {number: float(weight) for number, weight in routing.items()},
        )

    def _still(self, action: MoveAlias, there: tuple[int, dict[str, float]]) -> bool:
        """Whether the alias stands where it stood when the deployment began."""
        before = self._plan.observed.alias(action.alias) if self._plan.observed else None
        return before is not None and there == (
            before.version,
            {str(number): weight for number, weight in before.weights.items()},
        )

    def _alias_changed(self, name: str) -> AwsError:
        return AwsError(
            f"somebody else changed alias `{name}` of function `{self._name}` meanwhile",
            where=[
                "it stands neither where it stood when the deployment began nor where it should"
            ],
            hint="see what `wherry plan` says, then run the same command again",
        )

    def _say(self, text: str) -> None:
        self._reporter.emit(Step(text=text))


def _same(one: Snapshot, other: Snapshot | None) -> bool:
    """Whether both are the same in what Wherry looks after: the rest is its owner's to change at any time."""
    return other is not None and replace(one, rest="") == replace(other, rest="")


def _settled(configuration: Mapping[str, Any]) -> bool:
    """Whether nothing is under way."""
    return (
        configuration.get("State") != "Pending"
        and configuration.get("LastUpdateStatus") != "InProgress"
    )
