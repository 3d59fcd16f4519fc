"""Reading what the settings of a stage only name: variables' values, versions of layers. Nothing is changed.

Values are kept in memory alone. Of each kind there is one call for each name (one for ten parameters), and none if
the settings name nothing of that kind.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.configuration import unreadable
from wherry.aws.errors import refusing, unless_missing
from wherry.errors import DeployError
from wherry.problems import Problems
from wherry.settings.references import LayerReference, Origin, VariableSetting
from wherry.sizes import first
from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wherry.aws.client import Client
    from wherry.aws.model import Desired, DesiredFunction, Observed

__all__ = ["resolve"]

_LAYER_VERSION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+")
_PARAMETERS = 10
"""Parameters that AWS reads with one call."""
_AT_ONCE = 8


def resolve(desired: Desired, observed: Observed, client: Client) -> tuple[Desired, Observed]:
    """The desired state with the values and layer versions that it names, and the observed state with managed tags.

    What is not needed is not read, such as the variables of a function that exists and whose environment is not
    managed.

    Raises:
        DeployError: variables, parameters, secrets or layers are missing, or hold something else. All are named.
    """
    problems = Problems(DeployError, f"stage `{desired.stage}` cannot be deployed")
    # What is named several times is read, and reported, once.
    settings: dict[VariableSetting, list[str]] = {}
    references: dict[LayerReference, list[str]] = {}
    for function in desired.functions:
        key = f"functions.{function.name}"
        for name, variable in _needed(function, observed).items():
            if variable.is_secret:
                settings.setdefault(variable, []).append(f"{key}.environment.{name}")
        for layer in function.layers:
            if isinstance(layer, LayerReference):
                references.setdefault(layer, []).append(f"{key}.layers")
        current = observed.functions.get(function.aws_name)
        if current is not None and function.managed.variables:
            reason = unreadable(current.configuration)
            if reason is not None:
                problems.add(
                    f"AWS does not show the variables of function `{function.aws_name}`",
                    reason,
                    hint="allow `kms:Decrypt` for the function's key",
                )
    names = {setting.text for setting in settings if setting.origin is Origin.SSM}
    names |= {layer.ssm for layer in references if layer.ssm is not None}
    parameters = _parameters(names, client)
    secrets = _each(
        partial(_secret, client),
        {setting.text for setting in settings if setting.origin is Origin.SECRET},
    )
    reader = _Reader(parameters=parameters, secrets=secrets, problems=problems)
    values = {
        setting: value
        for setting, places in settings.items()
        if (value := reader.value(setting, first(places, 1))) is not None
    }
    versions = _each(partial(_version, client), [one for one in references if one.ssm is None])
    layers: dict[Any, str] = {}
    for layer, places in references.items():
        where = first(places, 1)
        arn = reader.layer(layer, where) if layer.ssm is not None else versions[layer]
        if arn is not None:
            layers[layer] = arn
        elif layer.ssm is None:
            problems.add(where, f"there is no {layer}")
    tags = _each(
        lambda arn: _tags(client, arn),
        [
            current.arn
            for function in desired.functions
            if "tags" in function.manage
            and function.tags
            and (current := observed.functions.get(function.aws_name)) is not None
        ],
    )
    problems.raise_all()
    functions = tuple(
        replace(
            function,
            layers=tuple(layers.get(layer, layer) for layer in function.layers),
            configuration=function.configuration.with_values(values),
        )
        for function in desired.functions
    )
    tagged = {
        name: replace(function, tags=tags[function.arn]) if function.arn in tags else function
        for name, function in observed.functions.items()
    }
    return replace(desired, functions=functions), replace(observed, functions=tagged)


def _needed(function: DesiredFunction, observed: Observed) -> Mapping[str, VariableSetting]:
    """The variables whose values are needed, by their names in the function."""
    exists = function.aws_name in observed.functions
    wanted = function.managed if exists or function.role is None else function.configuration
    return {name: variable.setting for name, variable in wanted.variables.items()}


class _Reader(Struct, frozen=True, kw_only=True):
    """Takes values from what was read, by their names, and reports what is missing. No message holds a value."""

    parameters: Mapping[str, str]
    secrets: Mapping[str, str | None]
    problems: Problems

    def value(self, setting: VariableSetting, where: str) -> str | None:
        """The value of a variable; None if it is missing, which is reported at ``where``."""
        match setting.origin:
            case Origin.ENV:
                return self._of_process(setting.text, where)
            case Origin.SSM:
                return self._parameter(setting.text, where)
            case _:
                return self._of_secret(setting, where)

    def layer(self, layer: LayerReference, where: str) -> str | None:
        """The ARN in a parameter."""
        text = self._parameter(layer.ssm or "", where)
        if text is None or _LAYER_VERSION.fullmatch(text.strip()):
            return text and text.strip()
        self.problems.add(
            where, f"the parameter {layer.ssm} does not hold the ARN of a layer version"
        )
        return None

    def _of_process(self, name: str, where: str) -> str | None:
        value = os.environ.get(name)
        if not value:
            state = "is not set" if value is None else "is empty"
            self.problems.add(
                where,
                f"the variable {name} {state}",
                hint=f"set {name} where `wherry` runs, or take the value from elsewhere",
            )
            return None
        try:
            value.encode()
        except UnicodeEncodeError:
            self.problems.add(where, f"the variable {name} is not UTF-8")
            return None
        return value

    def _parameter(self, name: str, where: str) -> str | None:
        value = self.parameters.get(name)
        if value is None:
            self.problems.add(
                where,
                f"there is no parameter {name}",
                hint="parameters and secrets are those of the stage's account and region",
            )
        return value

    def _of_secret(self, setting: VariableSetting, where: str) -> str | None:
        text = self.secrets[setting.text]
        if text is None:
            self.problems.add(
                where,
                f"there is no secret {setting.text} with a text",
                hint="parameters and secrets are those of the stage's account and region",
            )
            return None
        if setting.key is None:
            return text
        try:
            document = parse_json(text)
        except ValueError:
            document = None
        value = document.get(setting.key) if isinstance(document, dict) else None
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.problems.add(
            where,
            f"the secret {setting.text} has no text at `{setting.key}`"
            if isinstance(document, dict)
            else f"the secret {setting.text} is not a JSON object",
        )
        return None


def _each(read: Callable[[Any], Any], items: Iterable[Any]) -> dict[Any, Any]:
    """The value that is read for each item, several at once."""
    items = list(items)
    if not items:
        return {}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="resolve") as pool:
        return dict(zip(items, pool.map(read, items), strict=True))


def _parameters(names: Iterable[str], client: Client) -> Mapping[str, str]:
    """The values of parameters, by the names that were asked for."""
    ordered = sorted(names)
    found: dict[str, str] = {}
    for start in range(0, len(ordered), _PARAMETERS):
        with refusing("read parameters of AWS Systems Manager"):
            answer = client.service("ssm").get_parameters(
                Names=ordered[start : start + _PARAMETERS], WithDecryption=True
            )
        for parameter in answer["Parameters"]:
            selector = parameter.get("Selector") or ""
            for key in ("Name", "ARN"):
                if name := parameter.get(key):
                    found[f"{name}{selector}"] = parameter["Value"]
                    found.setdefault(f"{name}:{parameter.get('Version')}", parameter["Value"])
    return found


def _secret(client: Client, name: str) -> str | None:
    def read() -> str | None:
        value = client.service("secretsmanager").get_secret_value(SecretId=name).get("SecretString")
        return value if isinstance(value, str) else None

    return unless_missing(f"read secret `{name}`", read)


def _version(client: Client, layer: LayerReference) -> str | None:
    """The ARN of a layer version; None if there is none."""

    def read() -> str | None:
        functions = client.functions
        if layer.version is not None:
            answer = functions.get_layer_version(LayerName=layer.name, VersionNumber=layer.version)
            return answer["LayerVersionArn"]
        latest = functions.list_layer_versions(LayerName=layer.name, MaxItems=1)["LayerVersions"]
        return latest[0]["LayerVersionArn"] if latest else None

    return unless_missing(f"look at layer `{layer.name}`", read)


def _tags(client: Client, arn: str) -> Mapping[str, str]:
    with refusing(f"look at the tags of `{arn}`"):
        return client.functions.list_tags(Resource=arn).get("Tags") or {}
