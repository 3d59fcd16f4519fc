"""Checking AWS Lambda's quotas before anything is written.

A function counts with all its layers, except layers of others (by ARN), whose sizes only AWS knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import QuotaError
from wherry.sizes import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.compose.model import Composition, Package
    from wherry.settings.model import QuotaSettings

__all__ = ["check_quotas", "unzipped_size"]

_MAX_OWNERS = 5


def check_quotas(composition: Composition, quotas: QuotaSettings) -> None:
    """Refuse packages that AWS would refuse.

    Raises:
        QuotaError: a function takes too many layers, or it is too big unzipped together with its layers,
            or a layer is too big by itself.
    """
    for package in composition.packages:
        if package.kind == "function" and len(package.layers) > quotas.layers:
            raise QuotaError(
                f"`{package.name}` takes {len(package.layers)} layers, and AWS Lambda allows {quotas.layers}",
                where=[", ".join(package.layers)],
                hint="put several layers into one",
            )
        counted = composition.with_layers(package) if package.kind == "function" else [package]
        total = sum(part.unzipped_size for part in counted)
        if total > quotas.unzipped:
            name = f"`{package.name}`" + (" with its layers" if len(counted) > 1 else "")
            raise QuotaError(
                f"{name} is {format_size(total)} unzipped, and AWS Lambda takes {format_size(quotas.unzipped)}",
                where=_largest_owners(counted),
                hint="leave out what is not needed, with `exclude` or `exclude-files`, and what the runtime has, "
                "with `provided`; larger functions need a container image",
            )


def unzipped_size(package: Package, composition: Composition) -> int:
    """Bytes of a function and all layers of this composition that it takes, unzipped."""
    return sum(part.unzipped_size for part in composition.with_layers(package))


def _largest_owners(packages: Sequence[Package]) -> list[str]:
    sizes: dict[str, int] = {}
    for package in packages:
        for entry in package.bundle:
            sizes[entry.owner] = sizes.get(entry.owner, 0) + entry.payload.size
    biggest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"`{owner}` is {format_size(size)} of it" for owner, size in biggest[:_MAX_OWNERS]]
    rest = sum(size for _, size in biggest[_MAX_OWNERS:])
    return [*lines, f"all others are {format_size(rest)}"] if rest else lines
