"""A YAML document whose every value knows its line, and the findings about it, told all at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from wherry.errors import ProjectError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from yaml import SafeLoader
    from yaml.nodes import MappingNode, Node

__all__ = ["Findings", "Section", "Value", "read_document"]

_TEXT = "tag:yaml.org,2002:str"
_NOTHING = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(kw_only=True)
class Findings:
    """Collects what is wrong with a file, so that the user mends it in one go."""

    where: str
    found: list[tuple[int, str]] = field(default_factory=list)
    nearest: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def add(self, line: int, key: str, what: str, *, hint: str | None = None) -> None:
        """Note what is wrong with a key."""
        self.found.append((line, f"line {line}: {key}: {what}"))
        if hint is not None and hint not in self.hints:
            self.hints.append(hint)

    def unknown(self, line: int, key: str, known: Iterable[str], *, prefix: str) -> None:
        """Note a key that there is not."""
        self.add(line, f"{prefix}{key}", "there is no such setting")
        if nearest := get_close_matches(key, list(known), n=1, cutoff=0.7):
            self.nearest.append(f"`{prefix}{nearest[0]}`")

    def finish(self) -> None:
        """Raise what was found.

        Raises:
            SettingsError: there was something.
        """
        if not self.found:
            return
        if self.nearest:
            self.hints.insert(0, f"did you mean {', '.join(self.nearest)}?")
        raise SettingsError(
            f"the settings in {self.where} are wrong",
            where=[text for _, text in sorted(self.found, key=lambda each: each[0])],
            hint="\n".join(self.hints) or None,
        )


class Value:
    """A value in the document: what it is, and where it stands."""

    def __init__(self, node: Node, key: str, findings: Findings, loader: SafeLoader) -> None:
        """Made by ``read_document`` and ``Section``."""
        self.key = key
        self.line = node.start_mark.line + 1
        self._node = node
        self._findings = findings
        self._loader = loader

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was said: ``key:`` without a value."""
        return self._node.tag == _NOTHING

    @property
    def identity(self) -> int:
        """Equal for what an anchor and its aliases stand for."""
        return id(self._node)

    def wrong(self, what: str, *, hint: str | None = None) -> None:
        """Note what is wrong with it."""
        self._findings.add(self.line, self.key, what, hint=hint)

    def text(self) -> str | None:
        """It, when it is a text; else a finding and None."""
        value = self._node.value
        if self._node.tag == _TEXT and isinstance(value, str) and value:
            return value
        self.wrong("a text is wanted")
        return None

    def texts(self) -> list[tuple[Value, str]]:
        """Its items, when it is a list of texts; else findings and those items that are."""
        from yaml.nodes import SequenceNode

        if not isinstance(self._node, SequenceNode):
            self.wrong("a list of texts is wanted")
            return []
        items = [
            Value(node, f"{self.key}[{number}]", self._findings, self._loader)
            for number, node in enumerate(self._node.value)
        ]
        return [(item, text) for item in items if (text := item.text()) is not None]

    def section(self) -> Section | None:
        """It, when it is a mapping; else a finding and None."""
        from yaml.nodes import MappingNode

        if not isinstance(self._node, MappingNode):
            self.wrong("a mapping of settings is wanted")
            return None
        return Section(
            self.key, self.line, self._values(self._node), self._findings, self.identities()
        )

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
                self._findings.add(
                    line,
                    f"{prefix}{name}",
                    f"it stands at line {seen[name]} already",
                    hint="keys of a mapping inside another are indented deeper than its name",
                )
            seen.setdefault(name, line)
        # What `<<: *anchor` brings in comes first, so that the mapping's own keys win.
        try:
            self._loader.flatten_mapping(node)
        except MarkedYAMLError as error:
            mark = error.problem_mark or node.start_mark
            self._findings.add(mark.line + 1, f"{prefix}<<", error.problem or "it cannot be merged")
        return {
            str(key.value): Value(value, f"{prefix}{key.value}", self._findings, self._loader)
            for key, value in node.value
        }

    def identities(self) -> frozenset[int]:
        """Those of all mappings and lists in it, before merging."""
        from yaml.nodes import CollectionNode

        found: set[int] = set()
        waiting: list[Node] = [self._node]
        while waiting:
            node = waiting.pop()
            if not isinstance(node, CollectionNode) or id(node) in found:
                continue
            found.add(id(node))
            for item in node.value:
                waiting += item if isinstance(item, tuple) else [item]
        return frozenset(found)


@dataclass(frozen=True)
class Section:
    """A mapping: its values by their keys."""

    key: str
    line: int
    values: Mapping[str, Value]
    findings: Findings
    identities: frozenset[int]

    def get(self, name: str) -> Value | None:
        """What was said for a key; None for nothing."""
        value = self.values.get(name)
        return None if value is None or value.is_nothing else value

    def text(self, name: str) -> str | None:
        """The text of a key; None where nothing was said, or with a finding."""
        value = self.get(name)
        return None if value is None else value.text()

    def texts(self, name: str) -> list[tuple[Value, str]]:
        """The texts of a key."""
        value = self.get(name)
        return [] if value is None else value.texts()

    def section(self, name: str) -> Section | None:
        """The mapping of a key."""
        value = self.get(name)
        return None if value is None else value.section()

    def require(self, *names: str) -> None:
        """Note which of these keys are missing."""
        for name in names:
            if self.get(name) is None:
                line = self.values[name].line if name in self.values else self.line
                self.findings.add(line, self._full(name), "it is missing")

    def know(self, *names: str) -> None:
        """Note keys that are none of these."""
        for name, value in self.values.items():
            if name not in names:
                prefix = f"{self.key}." if self.key else ""
                self.findings.unknown(value.line, name, names, prefix=prefix)

    def _full(self, name: str) -> str:
        return f"{self.key}.{name}" if self.key else name


def read_document(path: Path, findings: Findings) -> Section:
    """The document, a mapping; an empty one has no keys.

    Raises:
        ProjectError: the file cannot be read.
        SettingsError: it is no YAML, or no mapping.
    """
    import yaml

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        hint = None if path.exists() else "name the file: --config FILE"
        raise ProjectError(
            f"cannot read `{path}`", where=[error.strerror or str(error)], hint=hint
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"`{path.name}` is not UTF-8", where=[str(error)]) from error
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Section("", 1, {}, findings, frozenset())
        whole = Value(node, "", findings, loader)
        # Nesting is followed as deep as settings go, and no deeper.
        section = whole.section()
    except yaml.MarkedYAMLError as error:
        raise _no_yaml(path, error) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SettingsError(
            f"`{path.name}` is not valid YAML",
            where=[str(error).splitlines()[0] if str(error) else type(error).__name__],
        ) from error
    if section is None:
        raise SettingsError(
            f"`{path.name}` holds no settings", where=["it is no mapping of keys to values"]
        )
    return section


def _no_yaml(path: Path, error: Exception) -> SettingsError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    return SettingsError(f"`{path.name}` is not valid YAML", where=[f"{place}{problem}"])
