"""The JSON schema (draft 7) of ``[tool.wherry]`` and ``wherry.toml``, for editors.

It is made of the shapes of the readers of the settings (``wherry.settings.reader``): keys, types, choices and ranges are
those that are checked when Wherry reads the file. Descriptions come from ``docs/reference/settings.md`` by way of
``descriptions.json``, which ``docs/generate.py`` writes.
"""

from __future__ import annotations

import json
from copy import deepcopy
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from wherry.settings import checks, container, indexes, local, read, stages
from wherry.settings.reader import table_shape
from wherry.target import RUNTIMES, Architecture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wherry.settings.reader import Readers

__all__ = ["pyproject_schema", "settings_schema"]

_ID = "https://json.schemastore.org/wherry.json"
"""The identity of the schema, by SchemaStore's convention. Nothing is fetched from there."""

_DRAFT = "http://json-schema.org/draft-07/schema#"
_NAMES = {"type": "string", "minLength": 1}


def settings_schema() -> dict[str, Any]:
    """The schema of a whole ``wherry.toml``, which is also that of ``[tool.wherry]``."""
    root = {
        "$schema": _DRAFT,
        "$id": _ID,
        "title": "Wherry",
        "description": "Settings of Wherry, which carries a Python project to AWS Lambda.",
        "x-taplo-info": {
            "authors": ["The Wherry developers"],
            "patterns": [r"^(.*(/|\\)wherry\.toml|wherry\.toml)$"],
        },
        **table_shape(read.READERS),
    }
    properties = root["properties"]
    properties["runtime"] = _suggested(RUNTIMES)
    properties["architecture"] = _suggested(Architecture)
    for key, shape in _TABLES.items():
        properties[key] = shape()
    # Several keys share the shape of a reader.
    root = deepcopy(root)
    descriptions = (files("wherry.settings") / "descriptions.json").read_text(encoding="utf-8")
    _describe(root, json.loads(descriptions))
    return root


def pyproject_schema() -> dict[str, Any]:
    """A schema of ``pyproject.toml`` that describes ``[tool.wherry]`` alone and leaves all else open."""
    settings = {key: part for key, part in settings_schema().items() if not key.startswith("$")}
    del settings["x-taplo-info"]
    return {
        "$schema": _DRAFT,
        "title": "pyproject.toml with settings of Wherry",
        "type": "object",
        "properties": {"tool": {"type": "object", "properties": {"wherry": settings}}},
    }


def _named(table: Mapping[str, Any], pattern: str) -> dict[str, Any]:
    """The schema of tables by name."""
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^(?:{pattern})$"},
        "additionalProperties": table,
    }


def _suggested(names: Iterable[str]) -> dict[str, Any]:
    """The schema of a string for which an editor offers these; the settings can make others known."""
    return {"anyOf": [{"enum": [str(name) for name in names]}, _NAMES]}


def _package(readers: Readers) -> dict[str, Any]:
    table = table_shape(readers)
    for key, known in (("runtimes", RUNTIMES), ("architectures", Architecture)):
        if key in table["properties"]:
            table["properties"][key] = {"type": "array", "items": _suggested(known)}
    return _named(table, read.NAME)


def _stages() -> dict[str, Any]:
    stage = table_shape(stages.STAGE_READERS)
    inner = {"functions": stages.FUNCTION_STAGE_READERS, "layers": stages.LAYER_STAGE_READERS}
    for key, readers in inner.items():
        stage["properties"][key] = _named(table_shape(readers), ".*")
    return _named(stage, stages.STAGE_NAME)


def _indexes() -> dict[str, Any]:
    index = {**table_shape(indexes.INDEX_READERS), "required": ["name"]}
    return {"type": "array", "items": index}


def _or_word(word: str, table: dict[str, Any]) -> dict[str, Any]:
    """The schema of a table that can be written as the value of one of its keys."""
    return {"anyOf": [table["properties"][word], table]}


# Readers that a build imports only where it needs them.
_LATE = {"routes": local.read_routes, "cors": local.read_cors}
_TABLES: Mapping[str, Callable[[], dict[str, Any]]] = {
    "check": lambda: _or_word("level", table_shape(checks.CHECK_READERS)),
    "container": lambda: _or_word("mode", table_shape(container.CONTAINER_READERS)),
    "functions": lambda: _package({**read.FUNCTION_READERS, **_LATE}),
    "hooks": lambda: table_shape(read.HOOK_READERS),
    "indexes": _indexes,
    "layers": lambda: _package(read.LAYER_READERS),
    "licenses": lambda: table_shape(checks.LICENSE_READERS),
    "quotas": lambda: table_shape(read.QUOTA_READERS),
    "runtimes": lambda: _named(table_shape(read.RUNTIME_READERS), r"python\d+\.\d+"),
    "stages": _stages,
}


def _describe(schema: dict[str, Any], texts: Mapping[str, Any]) -> None:
    """Add the descriptions of the properties of a table, and of those of the tables in it."""
    for table in (schema, *schema.get("anyOf", ())):
        for key, part in table.get("properties", {}).items():
            text = texts.get(key, "")
            own = text if isinstance(text, str) else text.get("", "")
            if own:
                part["description"] = own
            if isinstance(text, dict):
                for inner in (part, part.get("additionalProperties"), part.get("items")):
                    if isinstance(inner, dict):
                        _describe(inner, text)
