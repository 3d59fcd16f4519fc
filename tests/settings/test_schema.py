"""The JSON schema of the settings agrees with the readers: it is checked with the settings of all pages and cases."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from wherry.cli import run
from wherry.errors import SettingsError
from wherry.settings import checks, container, indexes, read, stages, values
from wherry.settings.schema import pyproject_schema, settings_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = settings_schema()
VALIDATOR = Draft7Validator(SCHEMA)
# The tables of the settings: their readers, and where each of their keys is.
TABLES: tuple[tuple[str, Mapping[str, Callable[[object], Any]]], ...] = (
    ("", read.READERS),
    ("functions.a", read.FUNCTION_READERS),
    ("layers.a", read.LAYER_READERS),
    ("hooks", read.HOOK_READERS),
    ("quotas", read.QUOTA_READERS),
    ("container", container.CONTAINER_READERS),
    ("check", checks.CHECK_READERS),
    ("licenses", checks.LICENSE_READERS),
    ("stages.a", stages.STAGE_READERS),
    ("stages.a.functions.a", stages.FUNCTION_STAGE_READERS),
    ("stages.a.layers.a", stages.LAYER_STAGE_READERS),
    ("indexes", indexes.INDEX_READERS),
    ("runtimes.python3!99", read.RUNTIME_READERS),
)
KEYS = [(place, key, reader) for place, readers in TABLES for key, reader in readers.items()]
SAMPLES: tuple[object, ...] = (
    True, False, 0, 7, 500, -1, 1.5, [], [7], ["x"], [[]], [["x"]], {}, {"x": 7}, {"x": "y"}, {"x": True}, [{}],
    "", "x", "3.13", "/x", "5%", "1.0", "a-b", "123456789012", "eu-west-1", "auto", "s3://bucket/x", "arn:x",
)  # fmt: skip


def settings_of(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document.get("tool", {}).get("wherry", {})
    return found


def written() -> Iterator[tuple[str, dict[str, Any]]]:
    """All settings that the documentation, the examples and the cases of the corpus have."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for name, text in re.findall(
            r"^```toml ?(.*)\n([\s\S]*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE
        ):
            document = tomllib.loads(text)
            yield page.name, document if name == "wherry.toml" else settings_of(document)
    for folder in ("tests/corpus", "examples"):
        for pattern in ("wherry.toml*", "pyproject.toml*"):
            for path in sorted((ROOT / folder).rglob(pattern)):
                document = tomllib.loads(path.read_text(encoding="utf-8"))
                name = path.relative_to(ROOT).as_posix()
                yield name, document if "wherry" in path.name else settings_of(document)


def at(place: str, key: str, value: object) -> dict[str, Any]:
    """Settings with this key alone, but for the name of an index."""
    table: dict[str, Any] = {key: value}
    if place == "indexes":
        return {"indexes": [{"name": "x", **table}]}
    for name in reversed(place.split(".") if place else []):
        table = {name.replace("!", "."): table}
    return table


def takes(reader: Callable[[object], Any], value: object) -> bool:
    try:
        reader(value)
    except ValueError:
        return False
    return True


def test_it_is_a_schema_and_names_itself() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert SCHEMA["$id"].endswith("/wherry.json")


def test_what_wherry_accepts_it_accepts() -> None:
    seen = 0
    for name, table in written():
        try:
            read.read_settings(table, "x")
        except SettingsError:
            continue
        assert [error.message for error in VALIDATOR.iter_errors(table)] == [], name
        seen += bool(table)
    assert seen > 40


@pytest.mark.parametrize(("place", "readers"), TABLES, ids=[place or "top" for place, _ in TABLES])
def test_keys_that_are_unknown_are_refused_by_both(
    place: str, readers: Mapping[str, object]
) -> None:
    assert "runtimee" not in readers
    table = at(place, "runtimee", "x")
    assert not VALIDATOR.is_valid(table)
    with pytest.raises(SettingsError, match="the settings in x are wrong"):
        read.read_settings(table, "x")


@pytest.mark.parametrize(
    ("place", "key", "reader"), KEYS, ids=[f"{place}.{key}".lstrip(".") for place, key, _ in KEYS]
)
def test_values_are_judged_as_by_the_reader(
    place: str, key: str, reader: Callable[[object], Any]
) -> None:
    """Where the value is no string, both agree; what a reader takes is in any case allowed."""
    for value in SAMPLES:
        table = at(place, key, value)
        allowed = VALIDATOR.is_valid(table)
        if takes(reader, value):
            assert allowed, value
        elif hasattr(reader, "shape") and not isinstance(value, str | list | dict):
            assert not allowed, value


@pytest.mark.parametrize(
    "toml",
    [
        'runtime = ["python3.13"]',
        "functions = []",
        'functions."a b" = {}',
        "functions.api.timeout = 901",
        'functions.api.interface = "cgi"',
        'functions.api.hooks.inputs = ["x"]',
        'functions.api.extra-paths = [{to = "x"}]',
        "functions.api.environment = {A = 1}",
        "layers.a.layers = [1]",
        'container = "perhaps"',
        'check = "loud"',
        'licenses = ["MIT"]',
        'stages.a.encryption = "none"',
        'stages.a.manage = ["codes"]',
        "stages.a.tags = {a = 1}",
        'indexes = [{url = "https://packages.example/simple/"}]',
        "runtimes.ruby = {}",
        'runtimes."python3.99".system = 1',
        "quotas.layers = -1",
        'hooks.before = [""]',
        'hooks = "pytest"',
    ],
)
def test_what_is_wrong_is_refused_by_both(toml: str) -> None:
    table = tomllib.loads(toml)
    assert not VALIDATOR.is_valid(table)
    with pytest.raises(SettingsError):
        read.read_settings(table, "x")


def test_every_setting_is_described_and_no_pattern_is_pythons_own() -> None:
    def visit(part: object) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            yield part
        for inner in (
            part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        ):
            yield from visit(inner)

    properties = SCHEMA["properties"]
    for name, table in (
        *(
            (name, properties[name]["additionalProperties"])
            for name in ("functions", "layers", "stages")
        ),
        ("indexes", properties["indexes"]["items"]),
        ("", SCHEMA),
    ):
        missing = [key for key, part in table["properties"].items() if not part.get("description")]
        assert missing == [], name
    patterns = {part["pattern"] for part in visit(SCHEMA) if isinstance(part.get("pattern"), str)}
    assert len(patterns) > 10
    assert not [pattern for pattern in patterns if re.search(r"\(\?[a-zA-Z]|\\[AZ]", pattern)]


def test_settings_that_are_added_are_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = {**read.FUNCTION_READERS, "color": values.choice("red", "green")}
    monkeypatch.setattr(read, "FUNCTION_READERS", readers)
    validator = Draft7Validator(settings_schema())
    assert validator.is_valid({"functions": {"a": {"color": "red"}}})
    for bad in ({"color": "blue"}, {"colour": "red"}):
        assert not validator.is_valid({"functions": {"a": bad}}), bad


def test_every_setting_says_what_it_takes() -> None:
    """Only the address of an index is described by words alone."""
    assert set(SCHEMA["properties"]) == {*read.READERS, *read.TABLES}

    def visit(part: dict[str, Any], name: str) -> Iterator[str]:
        if not part.keys() - {"description"}:
            yield name
        for table in (part, *part.get("anyOf", ())):
            for key, inner in table.get("properties", {}).items():
                yield from visit(inner, f"{name}.{key}")
            for key in ("additionalProperties", "items"):
                if isinstance(table.get(key), dict):
                    yield from visit(table[key], name)

    assert set(visit(SCHEMA, "")) <= {
        ".indexes.url",
        ".stages.test.expect",
        ".stages.functions.test.expect",
    }


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert run(["schema", "--pyproject"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == pyproject_schema()
    validator = Draft7Validator(printed)
    assert validator.is_valid(
        {"project": {"name": "x"}, "tool": {"uv": {}, "wherry": {"lock": "x"}}}
    )
    assert not validator.is_valid({"tool": {"wherry": {"locks": "x"}}})
