"""The requirements that ``uv.lock`` records, compared with those that a project declares now."""

from __future__ import annotations

import re
from os.path import realpath, relpath
from typing import TYPE_CHECKING

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wherry.indexes.redact import redact
from wherry.lock.uv.environments import environments, extras_of, holds
from wherry.lock.uv.sources import Place, recorded_place
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from wherry.lock.document import Table
    from wherry.lock.uv.sources import Places

__all__ = ["Asked", "Comparison", "Difference"]


class Difference(Struct, frozen=True, kw_only=True):
    """A difference between a lock and a project.

    Attributes:
        certain: only an edit explains it. Otherwise it cannot be known whether the lock is as new as the project.
    """

    text: str
    certain: bool = True


class Asked(Struct, frozen=True, kw_only=True):
    """A requirement that a project declares.

    Attributes:
        python: the versions of Python that the group is for.
    """

    text: str
    extra: str | None = None
    group: str | None = None
    python: str | None = None


class _Record(Struct, frozen=True, kw_only=True):
    """A requirement, in a form that is the same whether uv or the user wrote it.

    It applies where every marker of ``all_of`` holds and none of ``none_of``. A place of None cannot be told.
    """

    text: str
    extras: tuple[str, ...]
    specifier: str
    place: Place | None
    all_of: tuple[Marker, ...] = ()
    none_of: tuple[Marker, ...] = ()

    def applies(self, environment: Mapping[str, str]) -> bool:
        return all(holds(marker, environment) for marker in self.all_of) and not any(
            holds(marker, environment) for marker in self.none_of
        )


_Records = dict[tuple[str, str], list[_Record]]


class Comparison(Struct, frozen=True, kw_only=True):
    """A comparison of one project's requirements with the lock's record of them.

    Attributes:
        places: where uv is told to find some of them.
        root: the folder of the lock.
        requires_python: the versions of Python that the lock is for.
    """

    file: Table
    places: Places
    root: Path
    requires_python: SpecifierSet | None

    def differences(
        self, label: str, requirements: Iterable[Asked], recorded: Table, key: str
    ) -> Iterator[Difference]:
        """Compare requirements with the array ``key`` of the table ``recorded``.

        ``label`` is the place where the project declares them, for messages.

        Raises:
            LockError: one cannot be understood.
        """
        now, then = self._asked(requirements), self._recorded(recorded, key)
        for identity in sorted(now.keys() | then.keys()):
            ours, theirs = now.get(identity, []), then.get(identity, [])
            if self._same(ours, theirs, extra=identity[1]):
                continue
            asked, held = self._shown(ours), self._shown(theirs)
            if not theirs:
                text = f"`{label}` asks for {asked}, the lock does not have it"
            elif not ours:
                text = f"`{label}` no longer asks for {held}"
            else:
                text = f"`{label}` asks for {asked}, the lock was made for {held}"
            yield Difference(text=text)

    def same(self, texts: Iterable[str], others: Iterable[str]) -> bool:
        """Whether two lists of requirements ask for the same.

        Raises:
            LockError: one cannot be understood.
        """
        first, second = (self._asked(Asked(text=text) for text in each) for each in (texts, others))
        names = first.keys() | second.keys()
        return all(
            self._same(first.get(name, []), second.get(name, []), extra="") for name in names
        )

    def _shown(self, records: list[_Record]) -> str:
        """The requirements with the places that they come from, as a message says them."""
        texts = []
        for record in records:
            place, text = record.place, f"`{record.text}`"
            if place is not None and place.kind and " @ " not in record.text:
                where = str(place)
                if place.kind == "path" and place.where:
                    where = relpath(place.where, realpath(self.root))
                text += f" from {redact(where)}"
            texts.append(text)
        return " and ".join(dict.fromkeys(texts))

    def _same(self, ours: list[_Record], theirs: list[_Record], *, extra: str) -> bool:
        """Whether the same requirements apply in every environment with an extra."""
        markers = [
            marker for record in (*ours, *theirs) for marker in (*record.all_of, *record.none_of)
        ]
        blind = any(record.place is None for record in (*ours, *theirs))

        def active(records: list[_Record], environment: Mapping[str, str]) -> set[object]:
            return {
                (record.extras, "" if blind else record.specifier, None if blind else record.place)
                for record in records
                if record.applies(environment)
            }

        return all(
            active(ours, environment) == active(theirs, environment)
            for environment in environments(markers, self.requires_python, extra=extra)
        )

    def _asked(self, requirements: Iterable[Asked]) -> _Records:
        records: _Records = {}
        for asked in requirements:
            requirement = self.file.parse("dependencies", asked.text, Requirement)
            name = canonicalize_name(requirement.name)
            markers = [requirement.marker] if requirement.marker is not None else []
            if asked.python is not None:
                specifiers = self.file.parse("requires-python", asked.python, SpecifierSet)
                markers += [
                    Marker(f"python_full_version {each.operator} '{each.version}'")
                    for each in specifiers
                ]
            places = self.places.of(requirement, extra=asked.extra, group=asked.group)
            several = [marker for _, marker in places if marker is not None]
            for place, marker in places:
                records.setdefault((name, asked.extra or ""), []).append(
                    _Record(
                        text=_text(asked.text, marker),
                        extras=tuple(sorted(map(canonicalize_name, requirement.extras))),
                        # uv leaves out the version where a place decides it.
                        specifier=_canonical(requirement.specifier)
                        if place is None or place.kind in {"", "index"}
                        else "",
                        place=place,
                        all_of=(*markers, *((marker,) if marker is not None else ())),
                        none_of=() if marker is not None else tuple(several),
                    )
                )
        return records

    def _recorded(self, recorded: Table, key: str) -> _Records:
        records: _Records = {}
        for entry in recorded.tables(key):
            name = canonicalize_name(entry.required("name", str))
            specifier = entry.parsed("specifier", SpecifierSet) or SpecifierSet()
            marker = entry.parsed("marker", Marker)
            extras = tuple(sorted(map(canonicalize_name, entry.strings("extras"))))
            shown = f"[{','.join(extras)}]" if extras else ""
            condition = f" ; {marker}" if marker is not None else ""
            record = _Record(
                text=_without_extra(f"{name}{shown}{specifier}{condition}"),
                extras=extras,
                specifier=_canonical(specifier),
                place=recorded_place(entry, self.root),
                all_of=(marker,) if marker is not None else (),
            )
            for extra in extras_of(marker) or {""}:
                records.setdefault((name, extra), []).append(record)
        return records


def _text(text: str, marker: Marker | None) -> str:
    """A requirement with the marker of one of its sources, without secrets."""
    text = redact(" ".join(text.split()))
    return text if marker is None or ";" in text else f"{text} ; {marker}"


def _canonical(specifiers: SpecifierSet) -> str:
    terms = (f"{each.operator}{each.version.replace(' ', '').lower()}" for each in specifiers)
    return ",".join(sorted(terms))


def _without_extra(text: str) -> str:
    """A recorded requirement without the extra that it is for; uv writes ``… and extra == 'name'``."""
    return re.sub(r'( ;| and) extra == "[^"]*"$', "", text)
