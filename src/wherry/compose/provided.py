"""Leaving out what the runtime provides, as a whole or not at all.

Lambda's Python runtimes carry boto3 and what it needs, but ``/var/task`` and ``/opt`` come before them on the
search path: a package that ships urllib3 alone makes the runtime's botocore run with a urllib3 that it was
never tested with. So what is provided is a closed set: a distribution and all that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.bundle.content import read_all
from wherry.errors import SettingsError
from wherry.events import Note, Warned

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wherry.bundle.algebra import Bundle
    from wherry.compose.model import Distribution
    from wherry.compose.recipe import Recipe
    from wherry.events import Event
    from wherry.target import Target

__all__ = ["Needs", "without_provided"]

_SDK = frozenset({"boto3", "botocore", "s3transfer"})
"""Distributions that are released together and work in matching versions only."""


class Needs:
    """What distributions need on a target, by their metadata; read once."""

    def __init__(self, target: Target) -> None:
        """Markers see the target's environment."""
        self._environment = {key: str(value) for key, value in target.environment.items()}
        # The bundle is kept, or its id might become another's.
        self._known: dict[int, tuple[Bundle, frozenset[str]]] = {}

    def of(self, one: Distribution) -> frozenset[str]:
        """The normalized names that it requires, without its extras."""
        key = id(one.bundle)
        if key not in self._known:
            self._known[key] = one.bundle, frozenset(self._read(one.bundle))
        return self._known[key][1]

    def _read(self, bundle: Bundle) -> set[str]:
        from packaging.metadata import parse_email
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name

        names: set[str] = set()
        for entry in bundle:
            folder, _, name = entry.path.rpartition("/")
            if name != "METADATA" or not folder.endswith(".dist-info") or "/" in folder:
                continue
            raw, _ = parse_email(read_all(entry.payload))
            for text in raw.get("requires_dist", ()):
                try:
                    requirement = Requirement(text)
                except InvalidRequirement:
                    continue  # of an age when anything went; installers pass over it too
                environment = {**self._environment, "extra": ""}
                if requirement.marker is None or requirement.marker.evaluate(environment):
                    names.add(canonicalize_name(requirement.name))
        return names


@dataclass(frozen=True, kw_only=True, slots=True)
class _Split:
    """The names that the runtime provides, and why each package is asked about them."""

    recipe: Recipe
    named: Sequence[str]
    provided: Collection[str]
    needs: Mapping[str, frozenset[str]]

    def refuse_halves(self, shipped: Sequence[Distribution]) -> None:
        """What is shipped must not need what only comes with something that is provided."""
        implied = set(self.provided) - set(self.named)
        halves = [
            (one.name, name)
            for one in shipped
            # That the project itself names botocore beside boto3 says nothing new.
            for name in sorted((self.needs[one.name] & implied) - (_SDK if one.own else set()))
        ]
        if halves:
            also = ", ".join(
                f'"{name}"' for name in sorted({*self.named, *(name for _, name in halves)})
            )
            raise SettingsError(
                f"`{self.recipe.name}` would ship a part of what it says the runtime provides",
                where=[
                    f"`{user}` needs `{name}`, and so does {self._user(name)}"
                    for user, name in halves
                ],
                hint=f"say that the runtime provides these too, provided = [{also}], "
                f"or ship all: take {_quoted(self.named)} out of `provided`",
            )

    def refuse_half_sdk(self, present: Collection[str]) -> None:
        """Of AWS's SDK either all comes with the package or all from the runtime."""
        if (shipped := _SDK & (set(present) - set(self.provided))) and _SDK & set(self.provided):
            raise SettingsError(
                f"`{self.recipe.name}` would ship a part of AWS's SDK and use the runtime's other part",
                where=[
                    f"shipped: {_quoted(sorted(shipped))}",
                    f"provided: {_quoted(sorted(_SDK & set(self.provided)))}",
                ],
                hint='provided = ["boto3"] takes the whole from the runtime',
            )

    def refuse_half_layers(self, held: Mapping[str, str]) -> None:
        """Layers hold all that is provided, which then is not asked of the runtime, or nothing of it."""
        part = sorted(set(self.provided) & held.keys())
        if part and not set(self.provided) <= held.keys():
            raise SettingsError(
                f"a layer of `{self.recipe.name}` holds a part of what the runtime is to provide",
                where=[f"layer `{held[name]}` holds `{name}`" for name in part],
                hint="say `provided` for the whole project, in [tool.wherry]",
            )

    def _user(self, name: str) -> str:
        user = min(other for other in self.provided if name in self.needs[other])
        return f"`{user}`, which the runtime provides"


def without_provided(
    chosen: Sequence[Distribution],
    supply: Sequence[Distribution],
    names: Sequence[str],
    *,
    held: Mapping[str, str],
    recipe: Recipe,
    needs: Needs,
    remarks: list[Event],
) -> tuple[tuple[Distribution, ...], tuple[Distribution, ...]]:
    """What is shipped, and what the runtime is trusted to have.

    Args:
        chosen: what the package would hold.
        supply: all that it could choose from.
        names: normalized names of those that the settings call provided. What they need is provided too.
        held: the distributions that the package's layers hold, and the layer of each.
        recipe: of the package.
        needs: what distributions need.
        remarks: hears of names that are not there.

    Raises:
        SettingsError: something that is shipped needs what a provided distribution needs, or a part of
            AWS's SDK is provided and another is shipped.
    """
    if not names:
        return tuple(chosen), ()
    by_name = {one.name: one for one in supply if not one.own}
    named = [name for name in dict.fromkeys(names) if name in by_name]
    if recipe.kind == "function":
        present = {one.name for one in chosen} | held.keys()
        remarks.extend(_absent(name, present) for name in names if name not in by_name)
    if not named:
        return tuple(chosen), ()
    known = {name: needs.of(one) & by_name.keys() for name, one in by_name.items()}
    known |= {one.name: needs.of(one) & by_name.keys() for one in chosen if one.own}
    provided = _closure(named, known)
    shipped = [one for one in chosen if one.own or one.name not in provided]
    split = _Split(recipe=recipe, named=named, provided=provided, needs=known)
    split.refuse_half_sdk({one.name for one in shipped if not one.own} | held.keys())
    split.refuse_halves(shipped)
    split.refuse_half_layers(held)
    return tuple(shipped), tuple(
        one for one in chosen if not one.own and one.name in provided and one.name not in held
    )


def _absent(name: str, present: Collection[str]) -> Event:
    if name in _SDK and "urllib3" in present:
        # What a dev group has is not seen here, but the SDK's way of sharing urllib3 is known.
        return Warned(
            text=f"`{name}` is said to be provided by the runtime, and would run with the package's "
            "`urllib3` there",
            hint=f'say that the runtime provides it too, provided = ["{name}", "urllib3"], or ship all: '
            f"make `{name}` a dependency",
        )
    return Note(text=f"`{name}` is said to be provided by the runtime, and the lock has none")


def _closure(names: Sequence[str], needs: Mapping[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needs.get(name, ()))
    return found


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
