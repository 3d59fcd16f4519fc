"""Leaving out what the runtime provides, as a whole or not at all.

Lambda's Python runtimes have boto3 and what it needs, but ``/var/task`` and ``/opt`` come before them on the
search path: a package that ships only urllib3 makes the runtime's botocore run with a urllib3 that it was
never tested with. So a distribution is provided together with everything that it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import SettingsError
from wherry.events import Note, Warned
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from wherry.compose.model import Distribution
    from wherry.compose.needs import Requirements
    from wherry.compose.recipe import Recipe
    from wherry.events import Event

__all__ = ["missing_remarks", "without_provided"]

_SDK = frozenset({"boto3", "botocore", "s3transfer"})
"""Distributions that are released together and work only in matching versions."""


class _Split(Struct, frozen=True, kw_only=True):
    """The names that the runtime provides for a package, and the requirements that this is checked by."""

    recipe: Recipe
    named: Sequence[str]
    provided: Collection[str]
    needs: Mapping[str, frozenset[str]]

    def refuse_shared_requirements(self, shipped: Sequence[Distribution]) -> None:
        """Refuse to ship what needs something that is provided only as a requirement."""
        implied = set(self.provided) - set(self.named)
        shared = [
            (dist.name, name)
            for dist in shipped
            # The project itself may require botocore beside boto3.
            for name in sorted((self.needs[dist.name] & implied) - (_SDK if dist.own else set()))
        ]
        if shared:
            also = ", ".join(
                f'"{name}"' for name in sorted({*self.named, *(name for _, name in shared)})
            )
            raise SettingsError(
                f"`{self.recipe.name}` would ship a part of what the runtime provides by its settings",
                where=[
                    f"`{user}` needs `{name}`, and so does `{self._user(name)}`, which the runtime provides"
                    for user, name in shared
                ],
                hint=f"say that the runtime provides these too, provided = [{also}], "
                f"or ship all: take {_quoted(self.named)} out of `provided`",
            )

    def refuse_partial_sdk(self, present: Collection[str]) -> None:
        """Require that AWS's SDK is either all in the package or all in the runtime."""
        if (shipped := _SDK & (set(present) - set(self.provided))) and _SDK & set(self.provided):
            raise SettingsError(
                f"`{self.recipe.name}` would ship a part of AWS's SDK and use the runtime's other part",
                where=[
                    f"shipped: {_quoted(sorted(shipped))}",
                    f"provided: {_quoted(sorted(_SDK & set(self.provided)))}",
                ],
                hint='provided = ["boto3"] takes the whole from the runtime',
            )

    def refuse_partial_layers(self, held: Mapping[str, str]) -> None:
        """Require that layers hold all of what is provided, instead of the runtime, or nothing of it."""
        part = sorted(set(self.provided) & held.keys())
        if part and not set(self.provided) <= held.keys():
            raise SettingsError(
                f"a layer of `{self.recipe.name}` holds a part of what the runtime should provide",
                where=[f"layer `{held[name]}` holds `{name}`" for name in part],
                hint="set `provided` for the whole project, in [tool.wherry]",
            )

    def _user(self, name: str) -> str:
        return min(other for other in self.provided if name in self.needs[other])


def without_provided(
    chosen: Sequence[Distribution],
    supply: Sequence[Distribution],
    names: Sequence[str],
    *,
    held: Mapping[str, str],
    recipe: Recipe,
    needs: Requirements,
) -> tuple[tuple[Distribution, ...], tuple[Distribution, ...]]:
    """The distributions to ship, and those that the runtime is expected to have.

    What provided distributions need is provided, too. ``supply`` is all that the package could choose from; ``held``
    is what its layers hold, with the layer of each.

    Raises:
        SettingsError: something that is shipped needs what a provided distribution needs, or a part of
            AWS's SDK is provided and another is shipped.
    """
    by_name = {dist.name: dist for dist in supply if not dist.own}
    named = [name for name in dict.fromkeys(names) if name in by_name]
    if not named:
        return tuple(chosen), ()
    known = {name: needs.of(dist) & by_name.keys() for name, dist in by_name.items()}
    known |= {dist.name: needs.of(dist) & by_name.keys() for dist in chosen if dist.own}
    provided = _with_requirements(named, known)
    shipped = [dist for dist in chosen if dist.own or dist.name not in provided]
    split = _Split(recipe=recipe, named=named, provided=provided, needs=known)
    split.refuse_partial_sdk({dist.name for dist in shipped if not dist.own} | held.keys())
    split.refuse_shared_requirements(shipped)
    split.refuse_partial_layers(held)
    return tuple(shipped), tuple(
        dist for dist in chosen if not dist.own and dist.name in provided and dist.name not in held
    )


def missing_remarks(
    names: Sequence[str], supply: Sequence[Distribution], present: Collection[str]
) -> Iterator[Event]:
    """Remarks about names that the settings call provided and that the lock does not have.

    ``present`` are the distributions in the package and in its layers.
    """
    known = {dist.name for dist in supply if not dist.own}
    for name in names:
        if name in known:
            continue
        if name in _SDK and "urllib3" in present:
            # The SDK may be in a dev group, which is not seen here; that it needs urllib3 is known.
            yield Warned(
                text=f"the settings say that the runtime provides `{name}`, which would run with the package's "
                "`urllib3`",
                hint=f'say that the runtime provides it too, provided = ["{name}", "urllib3"], or ship all: '
                f"make `{name}` a dependency",
            )
        else:
            yield Note(
                text=f"the settings say that the runtime provides `{name}`, which is not in the lock"
            )


def _with_requirements(names: Sequence[str], needs: Mapping[str, frozenset[str]]) -> set[str]:
    """The names, and those of everything that they need."""
    complete: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in complete:
            complete.add(name)
            pending.extend(needs.get(name, ()))
    return complete


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
