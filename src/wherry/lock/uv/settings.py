"""The settings of ``[tool.uv]`` that decide a lock, compared with those that ``uv.lock`` records.

An option may have been given on the command line, in a variable or in a file of the user's: one that only the lock
has says nothing about its age. One that the project names must be the lock's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from wherry.lock.uv.environments import environments, holds
from wherry.lock.uv.record import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from packaging.specifiers import SpecifierSet

    from wherry.lock.document import Table

__all__ = ["conflict_differences", "marker_differences", "option_differences"]

# The name in [tool.uv], that in the lock, and the value that the lock leaves out.
_OPTIONS = (
    ("resolution", "resolution-mode", "highest"),
    ("prerelease", "prerelease-mode", "if-necessary-or-explicit"),
    ("fork-strategy", "fork-strategy", "requires-python"),
)
_MARKERS = (("environments", "supported-markers"), ("required-environments", "required-markers"))
_HOURS = {"hour": 1, "hr": 1, "h": 1, "day": 24, "d": 24, "week": 168, "w": 168}


def option_differences(settings: Table, lock: Table) -> Iterator[Difference]:
    """Compare the options of ``[tool.uv]`` or ``uv.toml`` with those that the lock was resolved with."""
    options = lock.table("options")
    for name, recorded, usual in _OPTIONS:
        wanted, held = settings.optional(name, str), options.optional(recorded, str) or usual
        if wanted is not None and wanted != held:
            yield _changed(name, wanted, held)
        elif wanted is None and held != usual:
            yield _unnamed(name, held)
    span = options.data.get("exclude-newer-span")
    yield from _dates(
        {"exclude-newer": settings.data.get("exclude-newer")},
        {"exclude-newer": span or options.data.get("exclude-newer")},
    )
    ours = settings.table("exclude-newer-package").data
    theirs = options.table("exclude-newer-package").data
    yield from _dates(
        {f"exclude-newer-package.{canonicalize_name(key)}": ours[key] for key in ours},
        {
            f"exclude-newer-package.{key}": value.get("span") or value.get("timestamp")
            if isinstance(value, dict)
            else value
            for key, value in theirs.items()
        },
    )


def _dates(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys((*ours, *theirs)):
        wanted, held = ours.get(name), theirs.get(name)
        if wanted is None and held is not None:
            yield _unnamed(name, held)
        elif wanted is not None and not _fits(wanted, held):
            yield _changed(name, wanted, held)


def _changed(name: str, ours: object, theirs: object) -> Difference:
    made = "without it" if theirs is None else f"with `{_plain(theirs)}`"
    return Difference(text=f"`{name}` is `{_plain(ours)}`, the lock was made {made}")


def _unnamed(name: str, theirs: object) -> Difference:
    text = f"it was made with `{name}` `{_plain(theirs)}`, which the project does not name"
    return Difference(text=text, certain=False)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fits(ours: object, theirs: object) -> bool:
    """Whether a lock that was made with the bound ``theirs`` is as the bound ``ours`` asks for.

    Later releases than the lock's are no reason to lock again: as for uv, a bound may be moved to a later time.
    """
    if ours == theirs:
        return True
    if isinstance(ours, bool) or isinstance(theirs, bool) or theirs is None:
        return False
    wanted, held = _moment(str(ours)), _moment(str(theirs))
    if wanted is not None and held is not None:
        # A date means the end of that day, in the time zone where the lock was made.
        whole_day = len(str(ours)) == len("2026-01-01")
        return held - wanted <= (timedelta(days=1, hours=14) if whole_day else timedelta())
    if wanted is not None or held is not None:
        return False
    first, second = _span(str(ours)), _span(str(theirs))
    # A span in words that are not known here is taken to be the recorded one.
    return first is None or second is None or first <= second


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _span(text: str) -> timedelta | None:
    """A span of time as ISO 8601 has it (``P30D``), or in words (``2 weeks``)."""
    total = 0
    if iso := re.fullmatch(
        r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?)?", text.strip(), re.IGNORECASE
    ):
        weeks, days, hours = (int(part or 0) for part in iso.groups())
        return timedelta(weeks=weeks, days=days, hours=hours)
    rest = re.sub(r"\b(ago|and)\b|,", " ", text.lower())
    words = re.findall(r"(\d+)\s*([a-z]+)", rest)
    if not words or re.sub(r"(\d+)\s*([a-z]+)", "", rest).strip():
        return None
    for number, unit in words:
        length = _HOURS.get(unit) or _HOURS.get(unit.removesuffix("s"))
        if length is None:
            return None
        total += int(number) * length
    return timedelta(hours=total)


def marker_differences(
    settings: Table, lock: Table, requires_python: SpecifierSet | None
) -> Iterator[Difference]:
    """Compare the environments that the lock is for, and those that must have wheels."""
    for name, recorded in _MARKERS:
        value = settings.data.get(name)
        ours = [value] if isinstance(value, str) else settings.strings(name)
        theirs = lock.strings(recorded)
        wanted, held = _parsed(ours), _parsed(theirs)
        if wanted is None or held is None:
            # uv itself refuses what is not a marker.
            continue
        if bool(wanted) != bool(held) or any(
            any(holds(marker, environment) for marker in wanted)
            != any(holds(marker, environment) for marker in held)
            for environment in environments([*wanted, *held], requires_python)
        ):
            shown = [" or ".join(texts) or "not set" for texts in (ours, theirs)]
            yield Difference(text=f"`{name}` is `{shown[0]}`, the lock was made for `{shown[1]}`")


def _parsed(texts: Iterable[str]) -> list[Marker] | None:
    try:
        return [Marker(text) for text in texts]
    except (InvalidMarker, RecursionError):
        return None


_Item = tuple[str, str, str]


def conflict_differences(
    declared: Iterable[tuple[str, Table, Table]], lock: Table
) -> Iterator[Difference]:
    """Compare the extras and groups that are declared to conflict.

    uv also records the conflicts of groups that include others. ``declared`` has the name of each member, its
    ``[tool.uv]`` and its ``[dependency-groups]``.
    """
    ours: set[frozenset[_Item]] = set()
    includes: dict[_Item, set[_Item]] = {}
    for package, settings, groups in declared:
        ours |= _conflicts(settings, package)
        for name, items in groups.data.items():
            for item in items if isinstance(items, list) else ():
                included = item.get("include-group") if isinstance(item, dict) else None
                if isinstance(included, str):
                    group = (package, "group", canonicalize_name(included))
                    includes.setdefault(group, set()).add(
                        (package, "group", canonicalize_name(name))
                    )
    theirs = _conflicts(lock, "")
    for conflict in sorted(ours - theirs, key=sorted):
        yield Difference(text=f"{_shown(conflict)} conflict, which the lock does not know")
    for conflict in sorted(theirs - _with_including(ours, includes), key=sorted):
        yield Difference(text=f"{_shown(conflict)} no longer conflict")


def _conflicts(table: Table, package: str) -> set[frozenset[_Item]]:
    conflicts: set[frozenset[_Item]] = set()
    for conflict in table.optional("conflicts", list) or []:
        items: set[_Item] = set()
        for item in conflict if isinstance(conflict, list) else ():
            if isinstance(item, dict):
                owner = canonicalize_name(str(item.get("package", package)))
                kind = next((kind for kind in ("extra", "group") if kind in item), "package")
                items.add((owner, kind, canonicalize_name(str(item.get(kind, "")))))
        conflicts.add(frozenset(items))
    return conflicts


def _with_including(
    conflicts: set[frozenset[_Item]], includes: Mapping[_Item, set[_Item]]
) -> set[frozenset[_Item]]:
    """The conflicts, and those of groups that include the groups in them."""
    known, pending = set(conflicts), list(conflicts)
    while pending and len(known) < 10_000:
        conflict = pending.pop()
        for item in conflict:
            for including in includes.get(item, ()):
                more = (conflict - {item}) | {including}
                if more not in known:
                    known.add(more)
                    pending.append(more)
    return known


def _shown(conflict: frozenset[_Item]) -> str:
    return " and ".join(
        f"the {kind} `{name}`" if name else f"`{package}`"
        for package, kind, name in sorted(conflict)
    )
