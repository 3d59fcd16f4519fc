"""A YAML document whose values have line numbers, which problems name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.errors import ProjectError, SettingsError
from wherry.files import open_regular, reason_of
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from yaml import SafeLoader
    from yaml.nodes import MappingNode, Node

    from wherry.problems import Problems

__all__ = ["Section", "Value", "read_document"]

_LARGEST = 1 << 20
_TEXT = "tag:yaml.org,2002:str"
_NOTHING = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"


class Value:
    """A value in the document, with its key and line."""

    def __init__(self, node: Node, key: str, problems: Problems, loader: SafeLoader) -> None:
        """Made by ``read_document`` and ``Section``."""
        self.key = key
        self.line = node.start_mark.line + 1
        self._node = node
        self._problems = problems
        self._loader = loader

    @property
    def is_nothing(self) -> bool:
        """Whether it is empty: ``key:`` without a value."""
        return self._node.tag == _NOTHING

    @property
    def identity(self) -> int:
        """Equal for an anchor and its aliases."""
        return id(self._node)

    def wrong(self, problem: str, *, hint: str | None = None) -> None:
        """Add a problem of this value."""
        self._problems.add(self.key, problem, hint=hint, line=self.line)

    def text(self) -> str | None:
        """It, if it is a string; else a problem and None."""
        value = self._node.value
        if self._node.tag == _TEXT and isinstance(value, str) and value:
            return value
        self.wrong("expected a string")
        return None

    def texts(self) -> list[tuple[Value, str]]:
        """The strings among its items; a problem for each other item, or if it is not a list."""
        from yaml.nodes import SequenceNode

        if not isinstance(self._node, SequenceNode):
            self.wrong("expected a list of strings")
            return []
        items = [
            Value(node, f"{self.key}[{number}]", self._problems, self._loader)
            for number, node in enumerate(self._node.value)
        ]
        return [(item, text) for item in items if (text := item.text()) is not None]

    def section(self) -> Section | None:
        """It, if it is a mapping; else a problem and None."""
        from yaml.nodes import MappingNode

        if not isinstance(self._node, MappingNode):
            self.wrong("expected a mapping of settings")
            return None
        return Section(self.key, self.line, self._values(self._node), self._problems)

    def _values(self, node: MappingNode) -> dict[str, Value]:
        from yaml import MarkedYAMLError

        prefix = f"{self.key}." if self.key else ""
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if key.tag == _MERGE:
                continue
            line = key.start_mark.line + 1
            name = key.value if isinstance(key.value, str) else "?"
            if name in seen:
                self._problems.add(
                    f"{prefix}{name}",
                    f"it is already set at line {seen[name]}",
                    hint="keys of a mapping inside another are indented deeper than its name",
                    line=line,
                )
            seen.setdefault(name, line)
        # The keys of `<<: *anchor` come first, so that the mapping's own keys override them.
        try:
            self._loader.flatten_mapping(node)
        except MarkedYAMLError as error:
            line = (error.problem_mark or node.start_mark).line + 1
            self._problems.add(f"{prefix}<<", error.problem or "it cannot be merged", line=line)
        return {
            str(key.value): Value(value, f"{prefix}{key.value}", self._problems, self._loader)
            for key, value in node.value
        }

    def identities(self) -> frozenset[int]:
        """The identities of all mappings and lists in it, before merging."""
        from yaml.nodes import CollectionNode

        identities: set[int] = set()
        pending: list[Node] = [self._node]
        while pending:
            node = pending.pop()
            if not isinstance(node, CollectionNode) or id(node) in identities:
                continue
            identities.add(id(node))
            for item in node.value:
                pending += item if isinstance(item, tuple) else [item]
        return frozenset(identities)


class Section(Struct, frozen=True, dict=True):
    """A mapping, with its values by key."""

    key: str
    line: int
    values: Mapping[str, Value]
    problems: Problems

    def get(self, name: str) -> Value | None:
        """The value of a key; None if there is none."""
        value = self.values.get(name)
        return None if value is None or value.is_nothing else value

    def text(self, name: str) -> str | None:
        """The string of a key; None if there is none."""
        value = self.get(name)
        return None if value is None else value.text()

    def texts(self, name: str) -> list[tuple[Value, str]]:
        """The strings of a key."""
        value = self.get(name)
        return [] if value is None else value.texts()

    def section(self, name: str) -> Section | None:
        """The mapping of a key."""
        value = self.get(name)
        return None if value is None else value.section()

    def require(self, *names: str) -> None:
        """Add a problem for each of these keys that is missing."""
        for name in names:
            if self.get(name) is None:
                line = self.values[name].line if name in self.values else self.line
                prefix = f"{self.key}." if self.key else ""
                self.problems.add(f"{prefix}{name}", "it is missing", line=line)

    def know(self, *names: str) -> None:
        """Add a problem for each key that is not one of these."""
        for name, value in self.values.items():
            if name not in names:
                prefix = f"{self.key}." if self.key else ""
                value.wrong("there is no such setting")
                self.problems.suggest(name, names, prefix=prefix, similarity=0.7)


def read_document(path: Path, problems: Problems) -> Section:
    """The document as a mapping; an empty one has no keys.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: it is not YAML, or not a mapping.
    """
    import yaml

    try:
        with open_regular(path) as file:
            content = file.read(_LARGEST + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        hint = None if path.exists() else "name the file: --config FILE"
        raise ProjectError(f"cannot read `{path}`", where=[reason_of(error)], hint=hint) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"`{path.name}` is not UTF-8", where=[str(error)]) from error
    if len(content) > _LARGEST:
        raise SettingsError(
            f"`{path.name}` is not read", where=[f"it is larger than {_LARGEST >> 20} MiB"]
        )
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Section("", 1, {}, problems)
        # Values are read only as deep as settings are nested.
        section = Value(node, "", problems, loader).section()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise SettingsError(
            f"`{path.name}` is not valid YAML",
            where=[f"{position}{error.problem or 'it cannot be parsed'}"],
        ) from error
    except RecursionError as error:
        raise SettingsError(
            f"`{path.name}` is not valid YAML", where=["it is nested too deeply"]
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise SettingsError(
            f"`{path.name}` is not valid YAML",
            where=[str(error).splitlines()[0] if str(error) else type(error).__name__],
        ) from error
    if section is None:
        raise SettingsError(
            f"`{path.name}` holds no settings", where=["it is not a mapping of keys to values"]
        )
    return section
