"""The actions of a plan. Each changes one thing on AWS, and renders itself as lines and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field, to_builtins

from wherry.aws.configuration import NOTHING, Configuration, ValueChange, VariableChange
from wherry.aws.model import layer_document, layer_text
from wherry.sizes import format_share, format_size
from wherry.structs import Struct
from wherry.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wherry.aws.model import DesiredFunction, DesiredLayer, LayerRef, ObservedAlias

__all__ = [
    "Action",
    "CreateAlias",
    "CreateFunction",
    "MoveAlias",
    "PublishLayer",
    "PublishVersion",
    "ShareLayer",
    "TagFunction",
    "UpdateCode",
    "UpdateConfiguration",
]


class Action(Struct, frozen=True, kw_only=True):
    """A change of one function or layer.

    Attributes:
        kind: the name of the action in JSON.
        described: the attributes that JSON contains.
        why: the differences that lead to it, in a few words each.
        package: the layer or function whose package is uploaded; None if the action uploads none.
    """

    kind: ClassVar[str]
    described: ClassVar[tuple[str, ...]] = ()
    why: tuple[str, ...] = ()
    package: DesiredLayer | DesiredFunction | None = None

    @property
    def uploads_content(self) -> bool:
        """Whether the content of the package is other than that on AWS, and not only what is said of it."""
        return self.package is not None

    def lines(self) -> Iterator[str]:
        """The action for people: a line, and more lines that belong below it."""
        yield self._line()
        yield from self._lines_below()

    def document(self) -> dict[str, Any]:
        """The JSON document of the action."""
        document: dict[str, Any] = {"action": self.kind, "why": list(self.why)}
        if self.package is not None:
            document |= {"size": self.package.size, "code_sha256": self.package.code_sha256}
        for name in self.described:
            value = getattr(self, name)
            document[name] = [*map(_described, value)] if isinstance(value, tuple) else value
        return document

    def _line(self) -> str:
        raise NotImplementedError

    def _lines_below(self) -> Iterable[str]:
        return ()


def _described(item: LayerRef | ValueChange | VariableChange) -> object:
    if isinstance(item, ValueChange):
        return to_builtins(item)
    return item.document() if isinstance(item, VariableChange) else layer_document(item)


class PublishLayer(Action, frozen=True, kw_only=True):
    """Publish a version of a layer."""

    kind = "publish-layer"
    package: DesiredLayer

    @property
    def uploads_content(self) -> bool:
        """Whether the content is other than that of the latest version."""
        return not {*self.why} <= {"runtimes", "architectures"}

    def _line(self) -> str:
        return f"publish a version, {format_size(self.package.size)}: {', '.join(self.why)}"


class ShareLayer(Action, frozen=True, kw_only=True):
    """Let an account or an organisation use a version of a layer."""

    kind = "share-layer"
    described = ("principal",)
    version: LayerRef
    principal: str

    def _line(self) -> str:
        return f"share it with {'everybody' if self.principal == '*' else self.principal}"


class CreateFunction(Action, frozen=True, kw_only=True):
    """Create a function, with code, layers and configuration at once.

    Attributes:
        values: of the configuration that are not AWS's own.
        variables: that it gets.
    """

    kind = "create-function"
    described = ("layers", "values", "variables")
    package: DesiredFunction
    layers: tuple[LayerRef, ...] = ()
    values: tuple[ValueChange, ...] = ()
    variables: tuple[VariableChange, ...] = ()

    def _line(self) -> str:
        function = self.package
        return f"create it, {format_size(function.size)}: {function.runtime} on {function.architecture}"

    def _lines_below(self) -> Iterable[str]:
        yield from (f"+ {layer_text(layer)}" for layer in self.layers)
        if self.values:
            yield ", ".join(change.given for change in self.values)
        yield from map(str, self.variables)


class UpdateCode(Action, frozen=True, kw_only=True):
    """Give a function other code, built for ``architecture`` if that changes too."""

    kind = "update-code"
    described = ("architecture",)
    package: DesiredFunction
    architecture: str | None = None

    def _line(self) -> str:
        return f"update the code, {format_size(self.package.size)}: {', '.join(self.why)}"


class UpdateConfiguration(Action, frozen=True, kw_only=True):
    """Change a function's layers, handler, runtime or other configuration; None leaves it as it is.

    Attributes:
        layers_before: the layers that the function has now.
        configuration: all that is managed beside layers, handler and runtime.
        values: those of it that differ.
        variables: all managed variables, compared with AWS.
    """

    kind = "update-configuration"
    described = ("layers", "handler", "runtime", "values", "variables")
    layers: tuple[LayerRef, ...] | None = None
    layers_before: tuple[LayerRef, ...] = ()
    handler: str | None = None
    runtime: str | None = None
    configuration: Configuration = NOTHING
    values: tuple[ValueChange, ...] = ()
    variables: tuple[VariableChange, ...] = ()

    @property
    def adds(self) -> bool:
        """Whether it gives the function something that new code may need."""
        changes = {variable.change for variable in self.variables}
        return bool(self.values or changes & {"new", "changed"})

    def _line(self) -> str:
        return f"update the configuration: {', '.join(self.why)}"

    def _lines_below(self) -> Iterable[str]:
        if self.layers is not None:
            for layer in self.layers_before:
                if layer not in self.layers:
                    yield f"- {layer_text(layer)}"
            for layer in self.layers:
                yield f"{' ' if layer in self.layers_before else '+'} {layer_text(layer)}"
        if any(variable.change != "same" for variable in self.variables):
            yield from map(str, self.variables)


class TagFunction(Action, frozen=True, kw_only=True):
    """Give a function tags; tags of others stay.

    Attributes:
        tags: that differ.
        before: their values now; None for one that is missing.
    """

    kind = "tag-function"
    described = ("tags", "before")
    arn: str
    tags: Mapping[str, str]
    before: Mapping[str, str | None]

    def _line(self) -> str:
        return "set tags: " + ", ".join(
            f"{visible(key)} = {visible(text)}" for key, text in self.tags.items()
        )


class PublishVersion(Action, frozen=True, kw_only=True):
    """Publish ``$LATEST`` as a version."""

    kind = "publish-version"
    described = ("description",)
    code_sha256: str
    description: str = ""

    def _line(self) -> str:
        return "publish a version"


class CreateAlias(Action, frozen=True, kw_only=True):
    """Create an alias of a version; None is the one that this plan publishes."""

    kind = "create-alias"
    described = ("alias", "version")
    alias: str
    version: int | None = None

    @property
    def offers(self) -> int | None:
        """The version that callers have not had so far, if it was published before."""
        return self.version

    def _line(self) -> str:
        return f"create alias {self.alias} at {_version_text(self.version)}"


class MoveAlias(Action, frozen=True, kw_only=True):
    """Move an alias to a version, or give that version a share of the alias's calls.

    Attributes:
        version: the number; None is the one that this plan publishes.
        was: the number that it stood at.
        canary: the share of calls, between 0 and 1, that ``version`` gets while the alias stays at ``was``;
            None if it gets them all.
        revision: guards the alias against a concurrent change.
        canaries: the shares of calls that newer versions have now.
        back: whether callers get a version that they had before, because the present one is rejected.
    """

    kind = "move-alias"
    described = ("alias", "version", "was", "canary")
    alias: str
    version: int | None = None
    was: int = 0
    canary: float | None = None
    revision: str | None = None
    canaries: Mapping[int, float] = field(default_factory=dict)
    back: bool = False

    @property
    def offers(self) -> int | None:
        """The version that callers do not have now, if it was published before and they are not to get it back."""
        known = self.back or self.version in (self.was, *self.canaries)
        return None if known else self.version

    @classmethod
    def of(
        cls,
        alias: ObservedAlias,
        version: int | None,
        *,
        canary: float | None = None,
        back: bool = False,
    ) -> MoveAlias:
        """The move of an alias from where it stands."""
        return cls(
            alias=alias.name,
            version=version,
            was=alias.version,
            canary=canary,
            revision=alias.revision,
            canaries=alias.canaries,
            back=back,
        )

    def _line(self) -> str:
        version = _version_text(self.version)
        if self.canary is None:
            return f"move alias {self.alias}: {_version_text(self.was)} → {version}"
        return f"give {version} {format_share(self.canary)} of the calls of alias {self.alias}"

    def _lines_below(self) -> Iterable[str]:
        for number, share in self.canaries.items():
            if (number, share) != (self.version, self.canary):
                yield f"version {number} is a canary, with {format_share(share)} of the calls now"


def _version_text(number: int | None) -> str:
    if number is None:
        return "the new version"
    return "$LATEST" if number == 0 else f"version {number}"
