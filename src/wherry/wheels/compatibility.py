"""How well a wheel fits a target, by its filename alone."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wherry.target import Target

__all__ = ["WheelTags", "best", "is_compiled", "rank", "wheel_tags"]

_BUILD = re.compile(r"([0-9]+)(.*)", re.ASCII)


class WheelTags(NamedTuple):
    """The tags in a wheel's filename, expanded, and its build number."""

    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]
    build: tuple[int, str]


def wheel_tags(filename: str) -> WheelTags | None:
    """The tags of a wheel's filename (PEP 427), or None when it is not that of a wheel.

    Locks hold thousands of wheels of which one in twenty fits a target, so only the tags are looked at here;
    ``best`` has packaging parse the filenames of those that fit.
    """
    stem, dot, suffix = filename.rpartition(".")
    parts = stem.split("-")
    if not dot or suffix != "whl" or len(parts) not in {5, 6}:
        return None
    build = (-1, "")
    if len(parts) == 6:
        match = _BUILD.fullmatch(parts[2])
        if match is None:
            return None
        build = (int(match[1]), match[2])
    pythons, abis, platforms = (tuple(part.lower().split(".")) for part in parts[-3:])
    return WheelTags(pythons, abis, platforms, build)


@lru_cache(maxsize=16)
def _ranks(target: Target) -> Mapping[tuple[str, str, str], int]:
    ranks: dict[tuple[str, str, str], int] = {}
    for number, tag in enumerate(target.tags):
        ranks.setdefault((tag.interpreter, tag.abi, tag.platform), number)
    return ranks


def rank(tags: WheelTags, target: Target) -> int | None:
    """The position of a wheel's best tag among the target's, 0 being the best; None when it does not run there."""
    ranks = _ranks(target)
    numbers = (ranks.get(tag) for tag in product(tags.pythons, tags.abis, tags.platforms))
    return min((number for number in numbers if number is not None), default=None)


def best(filenames: Iterable[str], target: Target) -> str | None:
    """The filename of the wheel that fits the target best, whatever the order of the filenames.

    The tag decides, then the build number (PEP 427: the higher wins), then the filename.
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    fitting: list[tuple[int, int, str, str]] = []
    for filename in filenames:
        tags = wheel_tags(filename)
        number = rank(tags, target) if tags is not None else None
        if tags is None or number is None:
            continue
        fitting.append((-number, *tags.build, filename))
    for *_, filename in sorted(fitting, reverse=True):
        try:
            parse_wheel_filename(filename)
        except InvalidWheelFilename:
            continue
        return filename
    return None


def is_compiled(filenames: Iterable[str]) -> bool:
    """Whether a distribution with these wheels is compiled: there are some, and each is for a platform."""
    known = [tags for filename in filenames if (tags := wheel_tags(filename)) is not None]
    return bool(known) and not any("any" in tags.platforms for tags in known)
