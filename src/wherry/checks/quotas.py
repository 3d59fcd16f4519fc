"""AWS Lambda's quotas, checked before anything is written.

A function counts with all its layers; what layers of others weigh (those taken by ARN) only AWS knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import QuotaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wherry.compose.model import Composition, Package
    from wherry.settings.model import QuotaSettings

__all__ = ["check_quotas", "unzipped_size"]

_BLAMED = 5


def check_quotas(composition: Composition, quotas: QuotaSettings) -> None:
    """Refuse what AWS would refuse.

    Raises:
        QuotaError: a function takes too many layers, or it is too big unzipped together with its layers,
            or a layer is too big by itself.
    """
    for package in composition.packages:
        taken = [*_own_layers(package, composition)]
        if package.kind == "function" and len(package.layers) > quotas.layers:
            raise QuotaError(
                f"`{package.name}` takes {len(package.layers)} layers, and AWS Lambda allows {quotas.layers}",
                where=[", ".join(package.layers)],
                hint="put several layers into one",
            )
        everything = [package, *taken] if package.kind == "function" else [package]
        total = sum(each.unzipped_size for each in everything)
        if total > quotas.unzipped:
            name = f"`{package.name}`" + (" with its layers" if len(everything) > 1 else "")
            raise QuotaError(
                f"{name} is {_mib(total)} unzipped, and AWS Lambda takes {_mib(quotas.unzipped)}",
                where=_blamed(everything),
                hint="leave out what is not needed, by `exclude` or `exclude-files`, or by `provided` what "
                "the runtime has; past that, AWS Lambda wants a container image",
            )


def unzipped_size(package: Package, composition: Composition) -> int:
    """Bytes of a function and all layers of this composition that it takes, unzipped."""
    return sum(each.unzipped_size for each in (package, *_own_layers(package, composition)))


def _own_layers(package: Package, composition: Composition) -> Iterator[Package]:
    for each in composition.packages:
        if each.kind == "layer" and each.name in package.layers:
            yield each


def _blamed(packages: Sequence[Package]) -> list[str]:
    sizes: dict[str, int] = {}
    for package in packages:
        for entry in package.bundle:
            sizes[entry.owner] = sizes.get(entry.owner, 0) + entry.payload.size
    biggest = sorted(sizes.items(), key=lambda one: (-one[1], one[0]))
    lines = [f"`{owner}` is {_mib(size)} of it" for owner, size in biggest[:_BLAMED]]
    rest = sum(size for _, size in biggest[_BLAMED:])
    return [*lines, f"all others are {_mib(rest)}"] if rest else lines


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
