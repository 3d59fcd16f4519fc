"""The document in a YAML, JSON or TOML file that another tool reads, within bounds.

Such a file is that of a project that nobody may have looked at. Aliases share their value instead of copying it, but
count as if they did not, as readers look at each. The tags of CloudFormation become what they are short for: ``!Ref x``
is ``{"Ref": "x"}``, ``!Sub x`` is ``{"Fn::Sub": "x"}``. Scalars are strings, apart from true, false and nothing: no value here is a number or a date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, SettingsError
from wherry.files import reason_of
from wherry.untrusted import parse_json, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from wherry.files import ProjectFiles

__all__ = ["Document", "read_document", "texts"]

Document = dict[str, Any]

_MAX_SIZE = 1024 * 1024  # CloudFormation itself takes no larger template
_MAX_DEPTH = 64
_MAX_EVENTS = 200_000
_MAX_VALUES = 1_000_000
_MAX_MERGED = 100_000
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "on", "On"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "off", "Off"), False),
}


def read_document(path: Path, files: ProjectFiles) -> Document:
    """The mapping that a file holds; the name of the file tells its language. An empty file has no keys.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: it is not of its language, or too large, or nested too deeply.
    """
    try:
        if path.stat().st_size > _MAX_SIZE:
            raise _wrong(path, f"it is larger than {_MAX_SIZE // 1024} KiB")
        content = files.read(path)
    except OSError as error:
        raise ProjectError(f"cannot read `{path}`", where=[reason_of(error)]) from error
    try:
        document = _parse(content.decode("utf-8-sig"), path.suffix.lower())
    except RecursionError as error:
        raise _wrong(path, "it is nested too deeply") from error
    except ValueError as error:
        raise _wrong(path, (str(error) or type(error).__name__).splitlines()[0]) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise _wrong(path, "it is not a mapping of keys to values")
    return document


def _wrong(path: Path, reason: str) -> SettingsError:
    language = {".json": "JSON", ".toml": "TOML"}.get(path.suffix.lower(), "YAML")
    return SettingsError(f"`{path.name}` cannot be read as {language}", where=[reason])


def _parse(text: str, suffix: str) -> object:
    """The value in a text; ValueError and RecursionError tell that there is none."""
    if suffix == ".json":
        return parse_json(text)
    if suffix == ".toml":
        return parse_toml(text)
    import yaml

    try:
        return _Builder().build(yaml.parse(text, Loader=_loader()))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}{error.problem or 'it cannot be parsed'}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _loader() -> Any:
    """The quickest loader that there is; only its parser is used."""
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Builder:
    """Makes values of the events of YAML's parser, without calling itself."""

    def __init__(self) -> None:
        # With each value: how many there are in it, and how many levels.
        self._anchors: dict[str, tuple[object, int, int]] = {}
        self._merged = 0

    def build(self, events: Iterator[Any]) -> object:
        """The value of the first document."""
        # For each open collection: its start event, its items so far (of a mapping keys and values by turns), and how
        # many values and levels are in them.
        open_: list[tuple[Any, list[object], list[int]]] = [(None, [], [0, 0])]
        for number, event in enumerate(events):
            if number > _MAX_EVENTS:
                raise ValueError("it holds too many values")
            kind = type(event).__name__
            count, levels = 1, 0
            if kind in {"SequenceStartEvent", "MappingStartEvent"}:
                if len(open_) > _MAX_DEPTH:
                    raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels")
                open_.append((event, [], [1, 1]))
                continue
            if kind in {"SequenceEndEvent", "MappingEndEvent"}:
                start, items, (count, levels) = open_.pop()
                content = items if kind == "SequenceEndEvent" else self._mapping(items)
                value = self._finished(start, content, count, levels)
            elif kind == "ScalarEvent":
                value = self._finished(event, _scalar(event), count, levels)
            elif kind == "AliasEvent":
                if event.anchor not in self._anchors:
                    raise ValueError(f"`*{event.anchor}` names nothing above it")
                value, count, levels = self._anchors[event.anchor]
            elif kind == "DocumentEndEvent":
                break
            else:
                continue
            _, items, within = open_[-1]
            items.append(value)
            within[0] += count
            within[1] = max(within[1], levels + 1)
            if within[0] > _MAX_VALUES:
                raise ValueError("it holds too many values, with those of its aliases")
            if len(open_) + levels > _MAX_DEPTH + 1:
                raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels")
        items = open_[0][1]
        return items[0] if items else None

    def _finished(self, event: Any, value: object, count: int, levels: int) -> object:
        """The value with the meaning of its tag, remembered by its anchor."""
        if event.tag and event.tag.startswith("!") and len(event.tag) > 1:
            name = event.tag[1:]
            value = {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, count, levels)
        return value

    def _mapping(self, items: list[object]) -> Document:
        own: Document = {}
        merged: Document = {}
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key == "<<":
                for source in value if isinstance(value, list) else [value]:
                    if isinstance(source, dict):
                        self._merged += len(source)
                        if self._merged > _MAX_MERGED:
                            raise ValueError("it merges too many values")
                        merged = {**source, **merged}
            elif isinstance(key, str | bool) or key is None:
                own[_key(key)] = value
        return {**merged, **own}


def _scalar(event: Any) -> object:
    # `implicit` tells that neither quotes nor a tag make it a string.
    plain = event.implicit[0] and event.style in {None, ""}
    return _WORDS.get(event.value, event.value) if plain else event.value


def _key(key: object) -> str:
    return key if isinstance(key, str) else {True: "true", False: "false"}.get(key, "")  # type: ignore[call-overload]


def texts(value: object) -> tuple[str, ...]:
    """The strings in a list; a string alone is a list of one."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str) and item)
