"""The packages that a group needs, in locks without the strategy ``inherit_metadata``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import field

from wherry.errors import LockError
from wherry.structs import Struct
from wherry.target import admits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.specifiers import SpecifierSet
    from packaging.utils import NormalizedName

    from wherry.lock.pdm.declared import Needed
    from wherry.lock.pdm.package import LockedPackage
    from wherry.target import Target

__all__ = ["needed_packages"]


_ROUNDS = 20


def needed_packages(
    packages: Iterable[LockedPackage], roots: Iterable[Needed], target: Target
) -> list[LockedPackage]:
    """The locked packages that these requirements lead to on the target.

    Raises:
        LockError: the lock lacks one of them.
    """
    packages, roots = tuple(packages), tuple(roots)
    # Which of several locked versions is needed depends on all requirements; repeat until they stay the same.
    walk = _Walk(packages=packages, target=target, before={})
    for _ in range(_ROUNDS):
        walk.follow(roots)
        if walk.specifiers == walk.before:
            break
        walk = _Walk(packages=packages, target=target, before=walk.specifiers)
    else:
        walk.follow(roots)
    return [walk.found[name] for name in sorted(walk.found)]


class _Walk(Struct, kw_only=True):
    """One way through the dependencies.

    Attributes:
        before: the versions that all requirements of the walk before admit, by name.
        specifiers: the same of this walk.
    """

    packages: tuple[LockedPackage, ...]
    target: Target
    before: Mapping[NormalizedName, SpecifierSet]
    specifiers: dict[NormalizedName, SpecifierSet] = field(default_factory=dict)
    found: dict[NormalizedName, LockedPackage] = field(default_factory=dict)

    def follow(self, roots: Iterable[Needed]) -> None:
        """Follow the requirements of the project.

        Raises:
            LockError: the lock lacks one of them.
        """
        environment = {**self.target.environment, "extra": ""}
        waiting = [("the project", needed) for needed in roots]
        seen: set[tuple[NormalizedName, frozenset[NormalizedName]]] = set()
        while waiting:
            dependent, needed = waiting.pop()
            marker = needed.requirement.marker if needed.requirement is not None else None
            if marker is not None and not marker.evaluate(environment):
                continue
            for entry in self._entries(needed, dependent):
                if not entry.extras:
                    self.found[entry.name] = entry
                if (entry.name, entry.extras) not in seen:
                    seen.add((entry.name, entry.extras))
                    waiting += [(f"`{entry.name}`", each) for each in entry.dependencies]

    def _entries(self, needed: Needed, dependent: str) -> Iterator[LockedPackage]:
        """The entries of the distribution, and of the extras that are asked for."""
        entries = [
            package
            for package in self.packages
            if (package.name == needed.name if needed.name else _is_at(package, needed.text))
            and (package.python is None or admits(package.python, self.target.runtime))
        ]
        if needed.requirement is not None and needed.name is not None:
            specifier = needed.requirement.specifier
            self.specifiers[needed.name] = self.specifiers.get(needed.name, specifier) & specifier
            admitted = specifier & self.before.get(needed.name, specifier)
            entries = [
                entry for entry in entries if admitted.contains(entry.version, prereleases=True)
            ]
        if not entries:
            raise LockError(
                f"`pdm.lock` lacks `{needed.name or needed.text}`",
                where=[f"{dependent} depends on it"],
                hint="run `pdm lock`",
            )
        version = max(entry.version for entry in entries)
        yield from (
            entry for entry in entries if entry.version == version and entry.extras <= needed.extras
        )


def _is_at(package: LockedPackage, text: str) -> bool:
    """Whether a requirement without a name has the path or the address of a package."""
    places = [package.table.data.get(key) for key in ("path", "url", "git", "hg", "svn", "bzr")]
    return any(isinstance(place, str) and place.removeprefix("./") in text for place in places)
