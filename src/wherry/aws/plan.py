"""A plan: the actions that bring a stage to its desired state, and the result of carrying it out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import to_builtins

from wherry.aws.model import LayerRef, ObservedFunction, Snapshot, layer_document
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from wherry.aws.actions import Action
    from wherry.aws.package_difference import Difference

__all__ = [
    "Applied",
    "AppliedFunction",
    "AppliedLayer",
    "FunctionPlan",
    "LayerPlan",
    "PartLines",
    "Plan",
    "together",
]

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?: [KMG]iB| B)?")
_ALIKE = 3
"""From this number on, parts to which the same happens are shown together."""


class PartLines(Struct, frozen=True, kw_only=True):
    """The lines of a layer or function, one for each action and indented ones below; ``title`` has both names."""

    kind: str
    name: str
    title: str
    actions: Sequence[str] = ()


def together(parts: Iterable[PartLines]) -> Iterator[str]:
    """The lines of all parts, in the order in which the first of each group comes.

    Parts are alike if their lines differ in sizes and numbers of versions only. Where these differ, ``…`` stands for them.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[PartLines]] = {}
    for part in parts:
        groups.setdefault((part.kind, tuple(map(_shape, part.actions))), []).append(part)
    for group in groups.values():
        if len(group) < _ALIKE:
            for part in group:
                yield from _lines(part.title, part.actions)
        else:
            names = ", ".join(part.name for part in group)
            title = f"{len(group)} {group[0].kind}s ({names})"
            yield from _lines(title, [*map(_common, *(part.actions for part in group))])


def _lines(title: str, actions: Sequence[str]) -> Iterator[str]:
    if not actions:
        yield f"{title}: as it should be"
        return
    yield title
    yield from (f"  {line}" for line in actions)


def _shape(line: str) -> str:
    """The lines that such parts have in common: those below an action, such as ARNs, must be the same."""
    return line if line.startswith(" ") else _NUMBER.sub("#", line)


def _common(*lines: str) -> str:
    """One line for lines of the same shape."""
    if len(set(lines)) == 1:
        return lines[0]
    numbers = [_NUMBER.findall(line) for line in lines]
    shown = iter(["…" if len({*each}) > 1 else each[0] for each in zip(*numbers, strict=True)])
    return _NUMBER.sub(lambda _: next(shown), lines[0])


class LayerPlan(Struct, frozen=True, kw_only=True):
    """The actions for one layer; none if ``actions`` is empty.

    Attributes:
        version: the version that functions get: the published one, or the one to be published.
        code_sha256: of its content in base64.
    """

    kind: ClassVar[str] = "layer"
    name: str
    aws_name: str
    version: LayerRef
    code_sha256: str
    actions: tuple[Action, ...] = ()

    @property
    def arn(self) -> str | None:
        """The ARN of the version; None if it is not published yet."""
        return self.version if isinstance(self.version, str) else None


class FunctionPlan(Struct, frozen=True, kw_only=True):
    """The actions for one function; none if ``actions`` is empty.

    Attributes:
        observed: its state before; None for one that is to be created.
        after: the state of ``$LATEST`` afterwards.
        version: the number of the version that runs this already; None if the plan publishes one, or none is desired.
    """

    kind: ClassVar[str] = "function"
    name: str
    aws_name: str
    observed: ObservedFunction | None
    after: Snapshot
    actions: tuple[Action, ...] = ()
    version: int | None = None
    alias: str | None = None

    @property
    def arn(self) -> str | None:
        """The ARN of the function, without a qualifier; None if it is to be created."""
        return self.observed.arn if self.observed is not None else None

    @property
    def code_sha256(self) -> str:
        """The digest of the code that ``$LATEST`` will run, in base64."""
        return self.after.code_sha256


class Plan(Struct, frozen=True, kw_only=True):
    """Layers first, each on its own; then functions. Warnings are about what users may want to change."""

    stage: str
    layers: tuple[LayerPlan, ...] = ()
    functions: tuple[FunctionPlan, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[LayerPlan | FunctionPlan, ...]:
        """Layers and functions."""
        return (*self.layers, *self.functions)

    @property
    def actions(self) -> tuple[Action, ...]:
        """All actions, in an order in which they can be carried out."""
        return tuple(action for part in self.parts for action in part.actions)

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.actions)

    def lines(self, differences: Mapping[str, Difference] | None = None) -> Iterator[str]:
        """The plan, line by line. Functions to which the same happens are shown together.

        ``differences`` are changes inside of packages, by the names of functions and layers in the settings.
        """
        known = differences or {}
        yield from together(_part_lines(part, known.get(part.name)) for part in self.parts)
        number = len(self.actions)
        if number == 0:
            yield f"Stage {self.stage} is as it should be"
        else:
            yield f"Stage {self.stage}: {number} change{'' if number == 1 else 's'}"

    def document(self, differences: Mapping[str, Difference] | None = None) -> dict[str, Any]:
        """The JSON document of the plan. The argument is that of ``lines``."""
        known = differences or {}
        return {
            "schema": 1,
            "stage": self.stage,
            "changes": len(self.actions),
            "layers": [_part_document(part, known.get(part.name)) for part in self.layers],
            "functions": [_part_document(part, known.get(part.name)) for part in self.functions],
            "warnings": list(self.warnings),
        }


def _part_lines(part: LayerPlan | FunctionPlan, difference: Difference | None) -> PartLines:
    title = f"{part.kind} {part.name}"
    if part.aws_name != part.name:
        title += f" ({part.aws_name})"
    lines: list[str] = []
    for action in part.actions:
        first, *others = action.lines()
        if action.uploads_content and difference is not None:
            others.append(difference.summary())
        lines.append(first)
        lines.extend(f"    {line}" for line in others)
    return PartLines(kind=part.kind, name=part.name, title=title, actions=lines)


def _part_document(part: LayerPlan | FunctionPlan, difference: Difference | None) -> dict[str, Any]:
    layers = {}
    if isinstance(part, FunctionPlan):
        layers["layers"] = [*map(layer_document, part.after.layers)]
    return {
        "name": part.name,
        "aws_name": part.aws_name,
        "arn": part.arn,
        **layers,
        "actions": [action.document() for action in part.actions],
        "difference": to_builtins(difference) if difference is not None else None,
    }


class AppliedLayer(Struct, frozen=True, kw_only=True):
    """A layer after the deployment.

    Attributes:
        arn: of the version that functions get.
        published: whether the version was published by this run.
    """

    name: str
    aws_name: str
    arn: str
    published: bool


class AppliedFunction(Struct, frozen=True, kw_only=True):
    """A function after the deployment.

    Attributes:
        arn: of the function, without a qualifier.
        version: the published version that runs what was deployed; None if none is desired.
        alias: that callers use; None if there is none.
        changed: whether anything was changed.
    """

    name: str
    aws_name: str
    arn: str
    version: int | None
    alias: str | None
    changed: bool


class Applied(Struct, frozen=True, kw_only=True):
    """All layers and functions of a plan after the deployment."""

    layers: tuple[AppliedLayer, ...]
    functions: tuple[AppliedFunction, ...]
