"""Symbolic links in archives of others: Lambda unpacks them as links, and Python follows them."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from posixpath import normpath
from typing import TYPE_CHECKING

from wherry.errors import WherryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.contents.model import File

__all__ = ["follow_links"]

_LONGEST = 4096
# As Linux has it.
_DEEPEST = 40
# What links to folders may add; more is no package.
_MOST = 100_000


def follow_links(files: Mapping[str, File]) -> Mapping[str, File]:
    """The files by their place on Lambda, with those that links lead to at the place of the link."""
    links: dict[str, str] = {}
    for place, file in files.items():
        if file.is_link:
            with suppress(WherryError):
                target = file.read(most=_LONGEST).decode(errors="replace")
                links[place] = normpath(f"{place.rpartition('/')[0]}/{target}")
                if target.startswith("/"):
                    links[place] = normpath(target)
    if not links:
        return files
    found = dict(files)
    # Twice, as folders that links lead to may hold links to folders.
    for _ in range(2):
        places = sorted(found)
        for place in links:
            target = _resolved(place, links)
            if target in files:
                found[place] = files[target]._replace(path=files[place].path, place=place)
                continue
            # `0` follows `/`.
            begin, end = bisect_left(places, f"{target}/"), bisect_left(places, f"{target}0")
            if len(found) + end - begin > len(files) + _MOST:
                return found
            for other in places[begin:end]:
                rest = other[len(target) :]
                path = files[place].path + rest
                found[place + rest] = found[other]._replace(path=path, place=place + rest)
    return found


def _resolved(place: str, links: Mapping[str, str]) -> str:
    """The place that a link leads to, by way of others."""
    for _ in range(_DEEPEST):
        parts = place.split("/")
        above = ("/".join(parts[: number + 1]) for number in range(len(parts)))
        link = next((each for each in above if each in links), None)
        if link is None:
            break
        place = normpath(links[link] + place[len(link) :])
    return place
