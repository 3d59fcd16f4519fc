"""The kinds of events by their names: those of ``web``, and data.

That is files of YAML beside this one, with what AWS's guides show and places to fill in.

A file has kinds by their names. A kind has these parts:

- ``summary``, ``options`` and ``types``: as ``Kind`` has them;
- ``defaults``: what stands for options that are not given, a body as text or as a value of JSON; the default of the
  type is the first of ``types``;
- ``event``: the event;
- ``record``: what ``$records`` is a list of;
- ``attribute``: what becomes of the value of an ``--attribute``, by default itself;
- ``patches``: what changes in these parts ``when`` options match one of their patterns. Objects are merged, and lists
  of the same length item by item.

In a text, ``$name`` and ``${name}`` stand for a value of ``values.py`` or an option, and ``$$`` for a dollar sign. A text
that is nothing but ``$name`` becomes the value itself, such as a number or a list. A member with the value ``$omit`` is
left out; the member ``**`` stands for all members of its object; ``{$json: …}`` is a document as text, and ``{$gzip: …}``
the same, compressed and in base64.
"""

from __future__ import annotations

import gzip
import re
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.errors import EventError
from wherry.sample_events.choices import Choices, Kind, compact, encoded, new_id
from wherry.sample_events.values import OMIT, Values
from wherry.sample_events.web import WEB
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["KINDS"]

# What an option has that is not given, or is given empty.
_NOT_GIVEN: tuple[object, ...] = (None, "", "/", {})
_WHOLE = re.compile(r"\$([a-z_][a-z0-9_]*)")


class _Parts(Struct, frozen=True, kw_only=True):
    """The parts of a kind from which its events are made."""

    event: Any
    record: Any = None
    attribute: Any = "$value"
    defaults: Mapping[str, Any] = field(default_factory=dict)
    patches: Sequence[Mapping[str, Any]] = ()


class _Filling(Values, frozen=True, kw_only=True):
    """The values of an event with those that are templates themselves."""

    parts: _Parts

    def __getitem__(self, name: str) -> Any:
        match name:
            case "records":
                return [
                    _filled(self.parts.record, replace(self, number=number))
                    for number in range(self.choices.records)
                ]
            case "attributes":
                return {
                    name: _filled(self.parts.attribute, replace(self, value=value))
                    for name, value in self.choices.attributes.items()
                }
            case "attribute_list":
                return [{name: value} for name, value in self["attributes"].items()]
        return Values.__getitem__(self, name)


def _read_kinds(family: str) -> list[Kind]:
    """The kinds of the file of that name."""
    import yaml

    text = Path(__file__).with_name(f"{family}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [_kind(name, shape) for name, shape in yaml.load(text, loader).items()]  # noqa: S506  a safe one


def _kind(name: str, shape: dict[str, Any]) -> Kind:
    summary, options = shape.pop("summary"), tuple(shape.pop("options", ()))
    types = tuple(shape.pop("types", ()))
    defaults = dict(shape.pop("defaults", {}))
    if types:
        defaults["type"] = types[0]
    if "body" in defaults:
        body = defaults["body"]
        defaults["body"] = (body if isinstance(body, str) else compact(body)).encode()
    parts = _Parts(**shape, defaults=defaults)
    make = partial(_make, parts)
    return Kind(name=name, summary=summary, options=options, types=types, make=make)


def _make(parts: _Parts, choices: Choices) -> Any:
    """The event of a kind."""
    defaults = {
        name: value
        for name, value in parts.defaults.items()
        if getattr(choices, name) in _NOT_GIVEN
    }
    chosen = replace(choices, **defaults)
    for patch in parts.patches:
        if all(_matches(getattr(chosen, name), each) for name, each in patch["when"].items()):
            changed = {
                name: _merged(getattr(parts, name), part)
                for name, part in patch.items()
                if name != "when"
            }
            parts = replace(parts, **changed)
    values = _Filling(choices=chosen, id=new_id(), example="body" in defaults, parts=parts)
    return _filled(parts.event, values)


def _matches(value: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


def _merged(part: Any, patch: Any) -> Any:
    if isinstance(part, list) and isinstance(patch, list) and len(part) == len(patch):
        return [_merged(*pair) for pair in zip(part, patch, strict=True)]
    if not (isinstance(part, dict) and isinstance(patch, dict)):
        return patch
    return part | {
        name: _merged(part[name], value) if name in part else value for name, value in patch.items()
    }


def _filled(part: Any, values: Values) -> Any:
    """A part of a template with its values."""
    if isinstance(part, str):
        if whole := _WHOLE.fullmatch(part):
            return values[whole[1]]
        template = Template(part)
        return template.substitute({name: values[name] for name in template.get_identifiers()})
    if isinstance(part, list):
        return [_filled(each, values) for each in part]
    if not isinstance(part, dict):
        return part
    if part.keys() == {"$json"}:
        return compact(_filled(part["$json"], values))
    if part.keys() == {"$gzip"}:
        document = compact(_filled(part["$gzip"], values))
        return encoded(gzip.compress(document.encode(), mtime=0))
    filled: dict[str, Any] = {}
    for name, value in part.items():
        if name == "**":
            members = _filled(value, values)
            if not isinstance(members, dict):
                raise EventError(
                    "the body is not an object of JSON", hint="""write --body '{"id": 7}'"""
                )
            filled |= members
        elif (member := _filled(value, values)) is not OMIT:
            filled[_filled(name, values)] = member
    return filled


# The files of this folder, in the order of `wherry event --list`.
_FAMILIES = [
    "web",
    "storage",
    "messages",
    "operations",
    "deployments",
    "users",
    "devices",
    "services",
]

KINDS: dict[str, Kind] = {
    kind.name: kind for family in (WEB, *map(_read_kinds, _FAMILIES)) for kind in family
}
