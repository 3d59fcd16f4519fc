"""Carrying out the actions for a function: creating and updating it, publishing a version, moving an alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.actions import (
    CreateAlias,
    CreateFunction,
    MoveAlias,
    PublishVersion,
    TagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from wherry.aws.answers import require_digest
from wherry.aws.apply_alias import set_alias
from wherry.aws.attempts import Outcome, attempt
from wherry.aws.code_signing import explaining_signatures
from wherry.aws.configuration import NOTHING
from wherry.aws.errors import DENIED, refusing
from wherry.aws.function_state import FunctionState, is_settled, same
from wherry.aws.model import LayerRef, NewVersion, Snapshot
from wherry.aws.observe import observe_function, snapshot_of
from wherry.aws.plan import AppliedFunction, FunctionPlan
from wherry.errors import AwsError
from wherry.events import (
    CodeUpdated,
    ConfigurationUpdated,
    FunctionCreated,
    VersionPublished,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wherry.aws.actions import Action
    from wherry.aws.client import Client
    from wherry.aws.delivery import Delivery
    from wherry.events import Reporter

__all__ = ["FunctionWork"]

_UPDATES = (UpdateCode, UpdateConfiguration)


class FunctionWork:
    """The work on one function; ``layers`` are the ARNs of the project's layer versions, by the layers' names on AWS."""

    def __init__(
        self,
        plan: FunctionPlan,
        client: Client,
        layers: Mapping[str, str],
        delivery: Delivery,
        reporter: Reporter,
    ) -> None:
        self._plan = plan
        self._name = plan.aws_name
        self._client = client
        self._layers = layers
        self._delivery = delivery
        self._reporter = reporter
        self._arn = plan.arn or ""
        self._version = plan.version
        self._state = FunctionState(
            client, plan.aws_name, plan.observed.latest if plan.observed is not None else None
        )

    def apply(self) -> AppliedFunction:
        """Carry out the actions in order."""
        try:
            for action in self._in_order():
                self._do(action)
        finally:
            self._delivery.clean_up()
        return AppliedFunction(
            name=self._plan.name,
            aws_name=self._name,
            arn=self._arn,
            version=self._version,
            alias=self._plan.alias,
            changed=bool(self._plan.actions),
        )

    def _in_order(self) -> Iterator[Action]:
        """The actions as planned, with code and configuration swapped if AWS refuses the planned order."""
        actions = list(self._plan.actions)
        while actions:
            action = actions.pop(0)
            if not (isinstance(action, _UPDATES) and actions and isinstance(actions[0], _UPDATES)):
                yield action
                continue
            try:
                self._do(action)
            except AwsError as error:
                # Files that move between code and layer are in both for a moment, which may exceed the quota.
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
            case TagFunction():
                self._tag(action)
            case PublishVersion():
                self._publish(action)
            case CreateAlias() | MoveAlias():
                if action.offers is not None:
                    self._state.settle(action.offers)
                self._version = set_alias(
                    action, self._plan, self._version, self._client, self._reporter
                )
            case _:
                raise AssertionError(action)

    def _arns(self, layers: Sequence[LayerRef]) -> list[str]:
        return [
            self._layers[layer.layer] if isinstance(layer, NewVersion) else layer
            for layer in layers
        ]

    def _create(self, action: CreateFunction) -> None:
        function = action.package
        arguments: dict[str, Any] = {
            "FunctionName": self._name,
            "Runtime": function.runtime,
            "Role": function.role,
            "Handler": function.handler,
            "Code": self._delivery.send(function),
            "Architectures": [function.architecture],
            "Layers": self._arns(action.layers),
            "Tags": dict(function.tags),
            **function.configuration.arguments({}),
        }
        arguments = {key: value for key, value in arguments.items() if value not in (None, {}, [])}
        self._state.changed = True

        def create() -> bool:
            self._state.accept(self._client.changes.create_function(**arguments))
            return True

        def look(failed: Outcome) -> bool | None:
            if failed is Outcome.LATER:
                return None
            current = observe_function(self._client, self._name, versions=False)
            if current is None:
                return None
            if current.latest.code_sha256 != function.code_sha256:
                raise self._state.conflict()
            return True

        with (
            function.configuration.hidden([arguments]),
            explaining_signatures(self._client, self._name),
        ):
            attempt(f"create function `{self._name}`", create, look=look)
        configuration = self._state.ready()
        self._state.latest = snapshot_of(configuration)
        self._require_digest(function.code_sha256)
        self._arn = str(configuration["FunctionArn"])
        self._delivery.clean_up()
        self._reporter.emit(FunctionCreated(name=self._name, size=function.size, arn=self._arn))

    def _update_code(self, action: UpdateCode) -> None:
        function = action.package
        changes: dict[str, Any] = {"code_sha256": function.code_sha256}
        if action.architecture is not None:
            changes["architecture"] = action.architecture
        self._state.ready()
        arguments = {**self._delivery.send(function), **self._key()}
        if action.architecture is not None:
            arguments["Architectures"] = [action.architecture]
        self._update(
            f"update the code of function `{self._name}`",
            changes,
            lambda _, guard: self._client.changes.update_function_code(
                FunctionName=self._name, **arguments, **guard
            ),
        )
        self._require_digest(function.code_sha256)
        # Before a version is published: then a deployment that is interrupted in between has something left to do,
        # and the next one knows by that to look for leftovers.
        self._delivery.clean_up()
        self._reporter.emit(CodeUpdated(name=self._name, size=function.size, arn=self._arn))

    def _key(self) -> dict[str, str]:
        """The argument that keeps the key with which the code is encrypted; empty for AWS's own, or if AWS denies it."""
        try:
            with refusing(f"look at the code of function `{self._name}`"):
                function = self._client.functions.get_function(FunctionName=self._name)
        except AwsError as error:
            if error.code not in DENIED:
                raise
            return {}
        key = function["Code"].get("SourceKMSKeyArn")
        return {"SourceKMSKeyArn": key} if key else {}

    def _require_digest(self, code_sha256: str) -> None:
        answered = self._state.ready().get("CodeSha256")
        require_digest(f"function `{self._name}`", answered, code_sha256)

    def _update_configuration(self, action: UpdateConfiguration) -> None:
        arguments: dict[str, Any] = {}
        changes: dict[str, Any] = {}
        if action.layers is not None:
            arguments["Layers"] = self._arns(action.layers)
            changes["layers"] = tuple(arguments["Layers"])
        if action.handler is not None:
            arguments["Handler"] = changes["handler"] = action.handler
        if action.runtime is not None:
            arguments["Runtime"] = changes["runtime"] = action.runtime
        wanted = self._state.wanted = action.configuration
        sent: list[Mapping[str, Any]] = []

        def update(configuration: Mapping[str, Any], guard: dict[str, Any]) -> Mapping[str, Any]:
            sent.append(wanted.arguments(configuration))
            return self._client.changes.update_function_configuration(
                FunctionName=self._name, **arguments, **sent[-1], **guard
            )

        with wanted.hidden(sent):
            self._update(f"update the configuration of function `{self._name}`", changes, update)
        self._reporter.emit(ConfigurationUpdated(name=self._name, changes=action.why))

    def _update(
        self,
        doing: str,
        changes: Mapping[str, Any],
        call: Callable[[Mapping[str, Any], dict[str, Any]], Mapping[str, Any]],
    ) -> None:
        """Change ``$LATEST``, unless it is changed already, or somebody else has changed it."""
        state = self._state
        assert state.latest is not None  # noqa: S101  a function that is created is not updated
        target: Snapshot = replace(state.latest, **changes)

        def change() -> None:
            configuration = state.ready()
            if same(snapshot_of(configuration), target) and state.wanted.holds(configuration):
                return
            guard = _guard(state.require_unchanged(wanted=False))
            # If the call fails, the next reading shows whether it was carried out.
            state.forget()
            answer = call(configuration, guard)
            if not state.wanted.holds(answer):
                # AWS tells it in another way: what is published cannot be compared with it.
                state.wanted = NOTHING
            state.accept(answer)

        with explaining_signatures(self._client, self._name):
            attempt(doing, change)
        state.latest = target
        state.ready()

    def _tag(self, action: TagFunction) -> None:
        # To do it twice changes nothing.
        attempt(
            f"tag function `{self._name}`",
            lambda: self._client.changes.tag_resource(Resource=action.arn, Tags=dict(action.tags)),
        )
        self._reporter.emit(ConfigurationUpdated(name=self._name, changes=action.why))

    def _publish(self, action: PublishVersion) -> None:
        def publish() -> Mapping[str, Any]:
            configuration = self._state.require_unchanged()
            arguments: dict[str, Any] = {"FunctionName": self._name, **_guard(configuration)}
            if action.code_sha256:
                arguments["CodeSha256"] = action.code_sha256
            if action.description:
                arguments["Description"] = action.description
            self._state.forget()
            return self._client.changes.publish_version(**arguments)

        def look(failed: Outcome) -> Mapping[str, Any] | None:
            return self._version_of_latest() if failed is Outcome.UNKNOWN else None

        answer = attempt(f"publish a version of function `{self._name}`", publish, look=look)
        number = int(answer["Version"])
        if answer.get("State") != "Active" or not is_settled(answer):
            # An alias should not stand at a version that does not run yet, or never.
            self._state.settle(number)
        self._version = number
        self._reporter.emit(VersionPublished(name=self._name, version=number))

    def _version_of_latest(self) -> Mapping[str, Any] | None:
        """The newest version that runs what ``$LATEST`` runs."""
        current = observe_function(self._client, self._name, versions=True)
        numbers = current.versions_running(current.latest) if current is not None else []
        return {"Version": numbers[-1]} if numbers else None


def _guard(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """With it AWS refuses a change if somebody else changed the function after this reading."""
    return {"RevisionId": configuration["RevisionId"]} if configuration.get("RevisionId") else {}
