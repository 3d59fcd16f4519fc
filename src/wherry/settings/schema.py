"""The JSON schema (draft 7) of ``[tool.wherry]`` and ``wherry.toml``, for editors.

It is made of the readers of the settings: keys, types, choices and ranges are those that are checked when Wherry reads the
file. A reader that does not say what it takes (``wherry.settings.reader``) is described by the type of its attribute in
``wherry.settings.model`` and by the kinds of values that it takes when it is tried. Descriptions come from
``docs/reference/settings.md`` by way of ``descriptions.json``, which ``docs/generate.py`` writes.
"""

from __future__ import annotations

import ast
import json
from contextlib import suppress
from copy import deepcopy
from enum import StrEnum
from functools import partial
from importlib.resources import files
from inspect import get_annotations
from typing import TYPE_CHECKING, Any

from wherry.settings import checks, container, indexes, local, model, read, stages
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
_SCALARS: Mapping[str, Mapping[str, Any]] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    # Also texts that stand for numbers: "8MB", "5%".
    "int": {"type": ["integer", "string"]},
    "float": {"type": ["number", "string"]},
    "None": {},
}
_ENUMS: Mapping[str, type[StrEnum]] = {
    name: kind
    for name, kind in vars(model).items()
    if isinstance(kind, type) and issubclass(kind, StrEnum)
}
_TRIALS: Mapping[str, Iterable[object]] = {
    "boolean": (True, False),
    "number": (1, 0.5),
    "string": ("x", "1.0", "/x"),
    "array": ([], ["x"]),
    "object": ({}, {"x": "y"}),
}


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
        **_table(read.READERS, model.Settings),
    }
    properties = root["properties"]
    properties["runtime"] = _suggested(RUNTIMES)
    properties["architecture"] = _suggested(Architecture)
    for key in read.TABLES:
        properties[key] = _SPECIAL[key]() if key in _SPECIAL else _plain_table(key)
    # Several keys share the shape of a reader.
    root = deepcopy(root)
    _describe(root, json.loads(_descriptions()))
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


def _table(readers: Readers, of: type | None) -> dict[str, Any]:
    """The schema of a table with these keys, whose values become the attributes of a class."""
    types: dict[str, str] = {}
    for kind in reversed(of.__mro__) if of is not None else ():
        types |= get_annotations(kind)
    table = table_shape(readers)
    for key, reader in readers.items():
        if not hasattr(reader, "shape"):
            table["properties"][key] = _guess(reader, types.get(key.replace("-", "_"), "object"))
    return table


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


def _package(readers: Readers, of: type) -> dict[str, Any]:
    table = _table(readers, of)
    for key, known in (("runtimes", RUNTIMES), ("architectures", Architecture)):
        if key in table["properties"]:
            table["properties"][key] = {"type": "array", "items": _suggested(known)}
    return _named(table, read.NAME)


def _stages() -> dict[str, Any]:
    stage = _table(stages.STAGE_READERS, model.StageSettings)
    inner = (
        ("functions", stages.FUNCTION_STAGE_READERS, model.StageFunction),
        ("layers", stages.LAYER_STAGE_READERS, model.StageLayer),
    )
    for key, readers, of in inner:
        stage["properties"][key] = _named(_table(readers, of), ".*")
    return _named(stage, stages.STAGE_NAME)


def _indexes() -> dict[str, Any]:
    index = {**_table(indexes.INDEX_READERS, None), "required": ["name"]}
    return {"type": "array", "items": index}


def _or_word(word: str, table: dict[str, Any]) -> dict[str, Any]:
    """The schema of a table that can be written as the value of one of its keys."""
    return {"anyOf": [table["properties"][word], table]}


# Readers that a build imports only where it needs them.
_LATE = {"routes": local.read_routes, "cors": local.read_cors}
_SPECIAL: Mapping[str, Callable[[], dict[str, Any]]] = {
    "check": lambda: _or_word("level", _table(checks.CHECK_READERS, model.CheckSettings)),
    "container": lambda: _or_word(
        "mode", _table(container.CONTAINER_READERS, model.ContainerOptions)
    ),
    "functions": lambda: _package({**read.FUNCTION_READERS, **_LATE}, model.FunctionSettings),
    "indexes": _indexes,
    "layers": lambda: _package(read.LAYER_READERS, model.LayerSettings),
    "licenses": lambda: _table(checks.LICENSE_READERS, None),
    "runtimes": lambda: _named(_table(read.RUNTIME_READERS, None), r"python\d+\.\d+"),
    "stages": _stages,
}


def _plain_table(key: str) -> dict[str, Any]:
    """The schema of a table of the settings that is read by nothing but the readers of its keys."""
    reader = read.TABLE_READERS[key]
    if isinstance(reader, partial) and len(reader.args) > 2:
        return _table(reader.args[1], reader.args[2])
    return {}


def _guess(reader: Callable[[object], Any], annotation: str) -> dict[str, Any]:
    """The schema of what a reader takes, judged by the type of what it returns, and by trying it."""
    guessed = _of_annotation(ast.parse(annotation, mode="eval").body)
    if not guessed:
        return {}
    kinds = [kind for kind, values in _TRIALS.items() if any(_takes(reader, it) for it in values)]
    others = [{"type": kind} for kind in kinds if kind not in _kinds(guessed)]
    return {"anyOf": [guessed, *others]} if others else guessed


def _takes(reader: Callable[[object], Any], value: object) -> bool:
    with suppress(ValueError, TypeError, AttributeError):
        reader(value)
        return True
    return False


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    kinds = {kind for part in schema.get("anyOf", ()) for kind in _kinds(part)}
    own = schema.get("type", "string" if "enum" in schema else ())
    kinds.update([own] if isinstance(own, str) else own)
    return kinds | ({"number"} if "integer" in kinds else set())


def _of_annotation(node: ast.expr) -> dict[str, Any]:
    """The schema of values of a type as it is written; empty if anything will do."""
    match node:
        case ast.Constant(value=None):
            return {}
        case ast.BinOp(op=ast.BitOr(), left=left, right=ast.Constant(value=None)):
            return _of_annotation(left)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            parts = [_of_annotation(left), _of_annotation(right)]
            return {"anyOf": parts} if all(parts) else {}
        case ast.Name(id=name) if name in _SCALARS:
            return dict(_SCALARS[name])
        case ast.Name(id=name) if name in _ENUMS:
            return {"enum": [str(member) for member in _ENUMS[name]]}
        case ast.Name(id=name) if hasattr(getattr(model, name, None), "__struct_fields__"):
            return {"type": "object"}
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, _])):
            return {"type": "array", "items": _of_annotation(item)}
        case ast.Subscript(value=ast.Name(id="Mapping"), slice=ast.Tuple(elts=[_, item])):
            return {"type": "object", "additionalProperties": _of_annotation(item)}
    return {}


def _descriptions() -> str:
    return (files("wherry.settings") / "descriptions.json").read_text(encoding="utf-8")


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
