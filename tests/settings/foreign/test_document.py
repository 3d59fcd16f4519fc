"""The documents of other tools: their tags, their anchors, and their bounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.projects import write_files
from wherry.errors import ProjectError, SettingsError, WherryError
from wherry.files import ProjectFiles
from wherry.settings.foreign.document import read_document

if TYPE_CHECKING:
    from pathlib import Path

DEEP = "nested deeper than 64 levels"


def read(folder: Path, content: str | bytes, name: str = "template.yaml") -> dict[str, Any]:
    write_files(folder, {name: content})
    return read_document(folder / name, ProjectFiles())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# nothing\n", {}),
        ("a: !Ref b", {"a": {"Ref": "b"}}),
        ("a: !Sub '${b}/c'", {"a": {"Fn::Sub": "${b}/c"}}),
        ("a: !GetAtt b.Arn", {"a": {"Fn::GetAtt": "b.Arn"}}),
        ("a: !If [c, !Ref d, e]", {"a": {"Fn::If": ["c", {"Ref": "d"}, "e"]}}),
        ("a: !Condition c", {"a": {"Condition": "c"}}),
        ("a: !Join\n  - ','\n  - {b: c}\n", {"a": {"Fn::Join": [",", {"b": "c"}]}}),
        # Neither numbers nor dates.
        ("a: 3.10\nb: 2010-09-09\nc: 1:30\n", {"a": "3.10", "b": "2010-09-09", "c": "1:30"}),
        ("a: true\nb: 'true'\nc:\nd: ~\n", {"a": True, "b": "true", "c": None, "d": None}),
        ("a: &x {b: c}\nd: *x\n", {"a": {"b": "c"}, "d": {"b": "c"}}),
        ("x: &x {b: c, d: e}\na:\n  <<: *x\n  b: f\n", {"x": {"b": "c", "d": "e"}, "a": {"b": "f", "d": "e"}}),
        ("a: {<<: [{b: c}, {b: d}]}", {"a": {"b": "c"}}),
        ("? [complex]\n: 1\nb: c\n", {"b": "c"}),
        ("\ufeffa: b", {"a": "b"}),
        ("a: b\n---\nc: d\n", {"a": "b"}),
    ],
)  # fmt: skip
def test_what_yaml_means(tmp_path: Path, text: str, expected: dict[str, object]) -> None:
    assert read(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", '{"a": {"b": ["c"]}}'), ("a.toml", 'a = {b = ["c"]}')]
)
def test_other_languages(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, text, name) == {"a": {"b": ["c"]}}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.yaml", "a: [", "line "),
        ("a.yaml", "{%- if x %}\na: b\n", "line 1: "),
        ("a.yaml", "- a\n", "it is not a mapping of keys to values"),
        ("a.yaml", "a: *nothing\n", "`*nothing` names nothing above it"),
        ("a.yaml", "a: &a [*a]\n", "`*a` names nothing above it"),
        ("a.yaml", b"\xff\xfea", "invalid start byte"),
        ("a.yaml", "a: \x00", ""),
        ("a.yaml", "[" * 500_000, DEEP),
        ("a.yaml", "{a: " * 100_000, DEEP),
        ("a.yaml", "- " * 100, DEEP),
        ("a.yaml", "x\n" * 600_000, "larger than 1024 KiB"),
        ("a.yaml", "a: b\n" * 200_000, "too many values"),
        (
            "a.yaml",
            "a: &a {" + ", ".join(f"k{n}: v" for n in range(1000)) + "}\n" + "b: {<<: *a}\n" * 200,
            "it merges too many values",
        ),
        ("a.json", "[" * 200_000, "too deeply"),
        ("a.json", '{"a": ' + "1" * 5000 + "}", "digit"),
        ("a.json", "{", "double quotes"),
        ("a.toml", "a = " + "[" * 100_000, ""),
        ("a.toml", "a", "Expected '='"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, name: str, content: str | bytes, reason: str) -> None:
    started = time.process_time()
    with pytest.raises(SettingsError, match=f"`{name}` cannot be read as") as caught:
        read(tmp_path, content, name)
    assert reason in caught.value.where[0]
    assert time.process_time() - started < 2


def test_aliases_are_shared(tmp_path: Path) -> None:
    """Twenty levels of ten aliases each would be 10^20 values."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    document: Any = read(tmp_path, "\n".join(lines))
    assert document["a19"][0][0] is document["a17"]


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "template.yaml")
    with pytest.raises(ProjectError, match="cannot read"):
        read_document(tmp_path / "template.yaml", ProjectFiles())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.text(alphabet="ab:-[]{}&*!<?|>'\"#\n ,%\t\\", max_size=80))
def test_it_is_read_or_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        document = read_document(path, ProjectFiles())
    except WherryError:
        return
    assert isinstance(document, dict)
