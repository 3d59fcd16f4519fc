"""Checks of sizes and numbers against AWS's quotas, naming the largest distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.checks.model import Rule
from wherry.sizes import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.checks.model import Finding, Subject

__all__ = ["RULES", "find"]

RULES = (
    Rule("SIZE001", "a function with its layers is too big unzipped"),
    Rule("SIZE002", "a function takes too many layers"),
    Rule("SIZE003", "a package is too big to be uploaded without a bucket"),
)

_MOST_OWNERS = 5


def find(subject: Subject) -> Iterator[Finding]:
    """Compare sizes with the quotas."""
    quotas, parts = subject.quotas, subject.contents.parts
    total = sum(part.unzipped_size for part in parts)
    if total > quotas.unzipped:
        name = f"`{subject.name}`" + (" with its layers" if len(parts) > 1 else "")
        yield subject.finding(
            "SIZE001",
            "error",
            f"{name} is {format_size(total)} unzipped, and AWS Lambda takes {format_size(quotas.unzipped)}: "
            f"{_biggest(subject)}",
            "leave out what is not needed; larger functions need a container image",
        )
    if len(subject.layers) > quotas.layers:
        yield subject.finding(
            "SIZE002",
            "error",
            f"`{subject.name}` takes {len(subject.layers)} layers, and AWS Lambda allows {quotas.layers}",
            "put several layers into one",
        )
    for part in parts:
        if part.size > quotas.direct_upload:
            yield subject.finding(
                "SIZE003",
                "note",
                f"`{part.name}` is {format_size(part.size)} zipped, and a direct upload takes "
                f"{format_size(quotas.direct_upload)}",
                "deploy it through a bucket",
            )


def _biggest(subject: Subject) -> str:
    sizes: dict[str, int] = {}
    for place, file in subject.contents.files.items():
        owner = subject.owner(place)
        sizes[owner] = sizes.get(owner, 0) + file.size
    biggest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_MOST_OWNERS]
    return ", ".join(f"`{owner}` is {format_size(size)} of it" for owner, size in biggest)
