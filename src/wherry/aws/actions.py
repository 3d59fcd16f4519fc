"""The actions of a plan. Each changes one thing on AWS, and renders itself as lines and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from wherry.aws.model import layer_text
from wherry.sizes import format_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wherry.aws.model import DesiredFunction, DesiredLayer, LayerRef

__all__ = [
    "Action",
    "CreateAlias",
    "CreateFunction",
    "MoveAlias",
    "PublishLayer",
    "PublishVersion",
    "ShareLayer",
    "UpdateCode",
    "UpdateConfiguration",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """A change of one function or layer.

    Attributes:
        kind: the name of the action in JSON.
        name: of the function or layer in the settings.
        aws_name: on AWS.
        why: the differences that lead to it, in a few words each.
    """

    kind: ClassVar[str]
    name: str
    aws_name: str
    why: tuple[str, ...] = ()

    @property
    def package(self) -> DesiredLayer | DesiredFunction | None:
        """The layer or function whose package is uploaded; None if the action uploads none."""
        return None

    def lines(self) -> Iterator[str]:
        """The action for people: a line, and more lines that belong below it."""
        yield self._line()
        yield from self._lines_below()

    def document(self) -> dict[str, Any]:
        """The JSON document of the action."""
        return {"action": self.kind, "why": list(self.why), **self._details()}

    def _line(self) -> str:
        raise NotImplementedError

    def _lines_below(self) -> Iterable[str]:
        return ()

    def _details(self) -> dict[str, Any]:
        """The fields of the document that only this kind of action has."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishLayer(Action):
    """Publish a version of a layer."""

    kind = "publish-layer"
    layer: DesiredLayer

    @property
    def package(self) -> DesiredLayer:
        """The layer."""
        return self.layer

    def _line(self) -> str:
        return f"publish a version, {format_size(self.layer.size)}: {', '.join(self.why)}"

    def _details(self) -> dict[str, Any]:
        return _package_details(self.layer)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareLayer(Action):
    """Let an account or an organisation use a version of a layer."""

    kind = "share-layer"
    version: LayerRef
    principal: str

    def _line(self) -> str:
        return f"share it with {'everybody' if self.principal == '*' else self.principal}"

    def _details(self) -> dict[str, Any]:
        return {"principal": self.principal}


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateFunction(Action):
    """Create a function, with code, layers and configuration at once."""

    kind = "create-function"
    function: DesiredFunction
    layers: tuple[LayerRef, ...] = ()

    @property
    def package(self) -> DesiredFunction:
        """The function."""
        return self.function

    def _line(self) -> str:
        function = self.function
        return f"create it, {format_size(function.size)}: {function.runtime} on {function.architecture}"

    def _lines_below(self) -> Iterable[str]:
        return [f"+ {layer_text(layer)}" for layer in self.layers]

    def _details(self) -> dict[str, Any]:
        return {**_package_details(self.function), "layers": _references(self.layers)}


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateCode(Action):
    """Give a function other code, built for ``architecture`` if that changes too."""

    kind = "update-code"
    function: DesiredFunction
    architecture: str | None = None

    @property
    def package(self) -> DesiredFunction:
        """The function."""
        return self.function

    def _line(self) -> str:
        return f"update the code, {format_size(self.function.size)}: {', '.join(self.why)}"

    def _details(self) -> dict[str, Any]:
        return {**_package_details(self.function), "architecture": self.architecture}


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateConfiguration(Action):
    """Change a function's layers, handler or runtime; None leaves it as it is.

    Attributes:
        layers: in their order.
        layers_before: the layers that the function has now.
        handler: the new handler.
        runtime: the new runtime.
    """

    kind = "update-configuration"
    layers: tuple[LayerRef, ...] | None = None
    layers_before: tuple[LayerRef, ...] = ()
    handler: str | None = None
    runtime: str | None = None

    def _line(self) -> str:
        return f"update the configuration: {', '.join(self.why)}"

    def _lines_below(self) -> Iterable[str]:
        if self.layers is None:
            return
        for layer in self.layers_before:
            if layer not in self.layers:
                yield f"- {layer_text(layer)}"
        for layer in self.layers:
            yield f"{' ' if layer in self.layers_before else '+'} {layer_text(layer)}"

    def _details(self) -> dict[str, Any]:
        return {
            "layers": None if self.layers is None else _references(self.layers),
            "handler": self.handler,
            "runtime": self.runtime,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishVersion(Action):
    """Publish ``$LATEST`` as a version."""

    kind = "publish-version"
    code_sha256: str
    description: str = ""

    def _line(self) -> str:
        return "publish a version"

    def _details(self) -> dict[str, Any]:
        return {"description": self.description}


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateAlias(Action):
    """Create an alias of a version; None is the one that this plan publishes."""

    kind = "create-alias"
    alias: str
    version: int | None = None

    def _line(self) -> str:
        return f"create alias {self.alias} at {_version_text(self.version)}"

    def _details(self) -> dict[str, Any]:
        return {"alias": self.alias, "version": self.version}


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveAlias(Action):
    """Move an alias to a version, or give that version a share of the alias's calls.

    Attributes:
        alias: its name.
        version: the number; None is the one that this plan publishes.
        was: the number that it stood at.
        canary: the share of calls, between 0 and 1, that ``version`` gets while the alias stays at ``was``;
            None if it gets them all.
        revision: guards the alias against a concurrent change.
    """

    kind = "move-alias"
    alias: str
    version: int | None = None
    was: int = 0
    canary: float | None = None
    revision: str | None = None

    def _line(self) -> str:
        version = _version_text(self.version)
        if self.canary is None:
            return f"move alias {self.alias}: {_version_text(self.was)} → {version}"
        return f"give {version} {self.canary:.0%} of the calls of alias {self.alias}"

    def _details(self) -> dict[str, Any]:
        return {
            "alias": self.alias,
            "version": self.version,
            "was": self.was,
            "canary": self.canary,
        }


def _package_details(part: DesiredLayer | DesiredFunction) -> dict[str, Any]:
    return {"size": part.size, "code_sha256": part.code_sha256}


def _references(layers: Sequence[LayerRef]) -> list[dict[str, str]]:
    """A published version has an ARN; one to be published has the name of its layer."""
    return [
        {"arn": layer} if isinstance(layer, str) else {"new_version_of": layer.layer}
        for layer in layers
    ]


def _version_text(number: int | None) -> str:
    if number is None:
        return "the new version"
    return "$LATEST" if number == 0 else f"version {number}"
