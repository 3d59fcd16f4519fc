"""The configuration of a function beside its code, layers, handler and runtime: memory, variables, logging and others.

A ``Configuration`` is what the settings want. What it does not name stays as it is on AWS, and so do variables of
others. Its main verb is ``after``: AWS's description of a function as it will be. All else (whether anything differs,
what to call AWS with, which published version runs the same) follows from that. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.errors import AwsError
from wherry.settings.references import Origin, VariableSetting
from wherry.structs import Struct
from wherry.visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence


__all__ = [
    "Configuration",
    "ValueChange",
    "Variable",
    "VariableChange",
    "rest_digest",
    "unreadable",
]

_PATHS: Mapping[str, tuple[tuple[str, ...], int | str, str]] = {
    "memory": (("MemorySize",), 128, " MB"),
    "timeout": (("Timeout",), 3, " s"),
    "ephemeral-storage": (("EphemeralStorage", "Size"), 512, " MB"),
    "tracing": (("TracingConfig", "Mode"), "PassThrough", ""),
    "snap-start": (("SnapStart", "ApplyOn"), "None", ""),
    "description": (("Description",), "", ""),
    "logging.format": (("LoggingConfig", "LogFormat"), "Text", ""),
    "logging.level": (("LoggingConfig", "ApplicationLogLevel"), "", ""),
    "logging.system-level": (("LoggingConfig", "SystemLogLevel"), "", ""),
    "logging.group": (("LoggingConfig", "LogGroup"), "", ""),
}
"""By the key of a value: where AWS's answers have it, AWS's default, and the unit."""

_FROZEN = (
    "Role",
    "Timeout",
    "MemorySize",
    "VpcConfig",
    "DeadLetterConfig",
    "Environment",
    "KMSKeyArn",
    "TracingConfig",
    "FileSystemConfigs",
    "EphemeralStorage",
    "LoggingConfig",
    "AcceleratorConfig",
    "CapacityProviderConfig",
    "DurableConfig",
    "RuntimeConfig",
    "TenancyConfig",
)
"""The configuration that a version contains, apart from layers, handler, runtime and architecture."""

_NO_WORD = 6
"""Characters from which a value is replaced wherever it is found in a message."""


class Variable(Struct, frozen=True, kw_only=True):
    """A variable of a function.

    Attributes:
        value: the value; None if it is not read yet, or if the function is not to have the variable.
    """

    setting: VariableSetting
    value: str | None = None

    def __repr__(self) -> str:
        """The variable without its value."""
        return f"Variable(setting={self.setting!r})"


class ValueChange(Struct, frozen=True, kw_only=True):
    """A value that differs on AWS, by the key of the settings."""

    name: str
    before: int | str
    after: int | str

    def __str__(self) -> str:
        return f"{self.name} {_shown(self.before)} → {_shown(self.after)}{_PATHS[self.name][2]}"

    @property
    def given(self) -> str:
        """The value of a function that is created."""
        return f"{self.name} {_shown(self.after)}{_PATHS[self.name][2]}"


class VariableChange(Struct, frozen=True, kw_only=True):
    """A variable, compared with AWS.

    Attributes:
        change: ``new``, ``changed``, ``removed`` or ``same``.
        value: that it will have, if it is plain; None for one that is never shown.
    """

    name: str
    change: str
    setting: VariableSetting
    value: str | None = None

    def __str__(self) -> str:
        sign = {"new": "+", "changed": "~", "removed": "-", "same": " "}[self.change]
        if self.value is not None:
            return f"{sign} {self.name} = {_shown(self.value)}"
        if self.change == "removed":
            return f"{sign} {self.name}"
        verb = {"new": "from", "changed": "changed: from", "same": "not changed: from"}[self.change]
        return f"{sign} {self.name} ({verb} {self.setting})"

    def document(self) -> dict[str, Any]:
        """The JSON document of the variable."""
        setting = self.setting
        return {
            "name": self.name,
            "change": self.change,
            "value": self.value,
            "origin": setting.origin.value,
            "source": setting.text if setting.is_secret else None,
        }


class Configuration(Struct, frozen=True, kw_only=True):
    """The configuration that a function should have: values by the keys of ``_PATHS``, variables by their names."""

    values: Mapping[str, int | str] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether it names anything."""
        return bool(self.values or self.variables)

    def only(self, parts: Container[str]) -> Configuration:
        """The values of these parts of a function, as ``manage`` names them."""
        return Configuration(
            values={
                key: value for key, value in self.values.items() if key.partition(".")[0] in parts
            },
            variables=self.variables if "environment" in parts else {},
        )

    def after(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """AWS's description of a function as it will be; that of one that is created is empty before."""
        result = dict(configuration)
        for key, value in self.values.items():
            path, default, _ = _PATHS[key]
            if _value(configuration, path, default) == value and configuration:
                continue
            if len(path) == 1:
                result[path[0]] = value
            elif path[0] == "LoggingConfig":
                logging = {**(result.get(path[0]) or {}), path[1]: value}
                # AWS refuses levels of plain text.
                levels = () if value == "Text" else logging.keys()
                result[path[0]] = {
                    key: text
                    for key, text in logging.items()
                    if key in levels or not key.endswith("LogLevel")
                }
            else:
                result[path[0]] = {path[1]: value}
        if self.variables:
            before = _told_variables(configuration)
            variables = {**before}
            for name, variable in self.variables.items():
                if variable.setting.origin is Origin.REMOVED:
                    variables.pop(name, None)
                elif variable.value is not None:
                    variables[name] = variable.value
            if variables != before:
                result["Environment"] = {"Variables": variables}
        return result

    def arguments(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of AWS's calls that make a function as it should be."""
        after = self.after(configuration)
        members = {_PATHS[key][0][0] for key in self.values} | {"Environment"}
        return {
            member: after[member]
            for member in sorted(members & after.keys())
            if after[member] != configuration.get(member)
        }

    def holds(self, configuration: Mapping[str, Any]) -> bool:
        """Whether a function is as it should be."""
        return not self.arguments(configuration)

    def value_changes(self, configuration: Mapping[str, Any]) -> tuple[ValueChange, ...]:
        """The values that differ on AWS."""
        changes = []
        for key, after in self.values.items():
            path, default, _ = _PATHS[key]
            if (before := _value(configuration, path, default)) != after:
                changes.append(ValueChange(name=key, before=before, after=after))
        return tuple(changes)

    def variable_changes(self, configuration: Mapping[str, Any]) -> tuple[VariableChange, ...]:
        """All variables that the settings name, compared with AWS."""
        before, changes = _told_variables(configuration), []
        for name, variable in self.variables.items():
            setting = variable.setting
            if setting.origin is Origin.REMOVED:
                change = "removed" if name in before else "same"
            elif name not in before:
                change = "new"
            else:
                # A value that was not read counts as the same.
                change = "same" if variable.value in {before[name], None} else "changed"
            if (setting.origin, change) != (Origin.REMOVED, "same"):
                plain = setting.text if setting.origin is Origin.PLAIN else None
                changes.append(
                    VariableChange(name=name, change=change, setting=setting, value=plain)
                )
        return tuple(changes)

    def with_values(self, read: Mapping[VariableSetting, str]) -> Configuration:
        """The same with the values that were read, by where they come from."""
        variables = {
            name: replace(variable, value=read.get(variable.setting, variable.value))
            for name, variable in self.variables.items()
        }
        return replace(self, variables=variables)

    @contextmanager
    def hidden(self, sent: Sequence[Mapping[str, Any]]) -> Iterator[None]:
        """Hide values of variables in errors, but for those in the settings: AWS's messages may quote what was sent.

        Args:
            sent: the arguments of each call that was made, with the variables of others.

        Raises:
            AwsError: the error of the inner block, without the values.
        """
        try:
            yield
        except AwsError as error:
            hide = self._hide(sent)
            lines = [hide(line) for line in (error.message, *error.where)]
            if lines == [error.message, *error.where]:
                raise
            raise AwsError(lines[0], code=error.code, where=lines[1:], hint=error.hint) from None

    def _hide(self, sent: Sequence[Mapping[str, Any]]) -> Callable[[str], str]:
        """A function that replaces values in a text, those that may be words of it only beside their names."""
        anywhere: set[str] = set()
        named: dict[str, str] = {}
        for name, value in [pair for one in sent for pair in _variables(one).items()]:
            variable = self.variables.get(name)
            if not value or (variable is not None and not variable.setting.is_secret):
                continue
            forms = {value, json.dumps(value)[1:-1], repr(value)[1:-1]}
            if variable is not None or len(value) >= _NO_WORD:
                anywhere |= forms
            else:
                either = "|".join(map(re.escape, forms))
                named[rf"({re.escape(name)}['\"]?\s*[:=]\s*['\"]?)(?:{either})"] = r"\1…"

        def hide(line: str) -> str:
            for text in sorted(anywhere, key=len, reverse=True):
                line = line.replace(text, "…")
            for pattern, instead in named.items():
                line = re.sub(pattern, instead, line)
            return line

        return hide


NOTHING = Configuration()
"""The configuration that leaves everything as it is."""


def unreadable(configuration: Mapping[str, Any]) -> str | None:
    """AWS's reason if it does not tell the variables of a function, such as a key that is denied; None if it does."""
    error = (configuration.get("Environment") or {}).get("Error")
    if not error:
        return None
    return (
        f"{error.get('ErrorCode', '')}: {error.get('Message', '')}".strip(": ") or "no reason given"
    )


def rest_digest(configuration: Mapping[str, Any]) -> str:
    """A digest of all that a version contains beside code, layers, handler, runtime and architecture."""
    rest = {key: _without_empty(configuration.get(key)) for key in _FROZEN}
    vpc = rest["VpcConfig"]
    if isinstance(vpc, dict):
        vpc.pop("VpcId", None)
    # An empty variable is one.
    rest["Environment"] = _variables(configuration) or rest["Environment"]
    if isinstance(logging := rest["LoggingConfig"], dict) and logging.get("LogFormat") == "JSON":
        # AWS's levels for those that are not given.
        rest["LoggingConfig"] = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **logging}
    rest["SnapStart"] = (configuration.get("SnapStart") or {}).get("ApplyOn") or "None"
    rest = {key: value for key, value in rest.items() if value}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _without_empty(value: Any) -> Any:
    """The value without empty parts, which AWS sometimes returns and sometimes omits."""
    if isinstance(value, dict):
        inner = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return sorted((_without_empty(item) for item in value), key=str)
    return value


def _value(
    configuration: Mapping[str, Any], path: tuple[str, ...], default: int | str
) -> int | str:
    value: Any = configuration
    for key in path:
        value = (value or {}).get(key)
    return default if value is None else value


def _variables(configuration: Mapping[str, Any]) -> Mapping[str, str]:
    return (configuration.get("Environment") or {}).get("Variables") or {}


def _told_variables(configuration: Mapping[str, Any]) -> Mapping[str, str]:
    if (reason := unreadable(configuration)) is not None:
        # To set ours alone would remove those of others.
        raise AwsError(
            "AWS does not show the variables of the function",
            where=[reason],
            hint="allow `kms:Decrypt` for the function's key",
        )
    return _variables(configuration)


def _shown(value: int | str) -> str:
    """A value for people, not too long."""
    if isinstance(value, int) or (value and value.isalnum()):
        return str(value)
    text = visible(value)
    return f'"{text if len(text) <= 60 else f"{text[:59]}…"}"'
