"""The distributions that those of a package require, and those of them that are absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.target.provided import provided_distributions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from packaging.requirements import Requirement

    from wherry.contents.distributions import Installed
    from wherry.contents.modules import ModuleTable
    from wherry.target import Target

__all__ = ["absent_requirements", "active_requirements"]

# Distributions that hold the same modules as the one whose name they begin with.
_VARIANTS = ("binary", "contrib", "contrib-headless", "cpu", "gpu", "headless", "slim", "c")


def active_requirements(
    distributions: Sequence[Installed],
) -> Iterator[tuple[Installed, Requirement, str]]:
    """The requirements of each distribution on the target, extras included that others require of it.

    The first distribution of each name is the one that Python finds.
    """
    from packaging.utils import canonicalize_name

    by_name = {each.name: each for each in reversed(distributions)}
    pending: list[tuple[Installed, frozenset[str]]] = [
        (each, frozenset()) for each in distributions
    ]
    seen = {(each.name, extras) for each, extras in pending}
    told: set[tuple[str, str]] = set()
    for each, extras in pending:  # grows meanwhile
        for requirement in each.required(tuple(sorted(extras))):
            name = canonicalize_name(requirement.name)
            if (each.name, str(requirement)) not in told:
                told.add((each.name, str(requirement)))
                yield each, requirement, name
            wanted = (name, frozenset(requirement.extras))
            other = by_name.get(name)
            if requirement.extras and other is not None and wanted not in seen:
                seen.add(wanted)
                pending.append((other, wanted[1]))


def absent_requirements(
    requirements: Iterable[tuple[Installed, Requirement, str]],
    present: Mapping[str, Installed],
    modules: ModuleTable,
    target: Target,
) -> Mapping[str, tuple[str, ...]]:
    """The normalized names of distributions that are required and not there, by who requires them.

    One of the modules may bring it under another name, and the target's runtime brings distributions, too.
    """
    provided = provided_distributions(target.runtime)
    absent: dict[str, list[str]] = {}
    for each, _, name in requirements:
        if (
            name not in present
            and name not in provided
            and not any(f"{name}-{ending}" in present for ending in _VARIANTS)
            and modules.find(name.replace("-", "_")) is None
        ):
            absent.setdefault(each.name, []).append(name)
    return {name: tuple(dict.fromkeys(names)) for name, names in absent.items()}
