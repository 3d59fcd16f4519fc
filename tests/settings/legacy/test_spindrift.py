"""settings.spindrift in Wherry's terms: every key of its documentation. (S1, S9)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.projects import write_files
from wherry.errors import ProjectError, SettingsError
from wherry.settings.legacy import Translation
from wherry.settings.legacy.read import require_distribution, translate
from wherry.settings.read import read_settings

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTED = """\
package:
  type: flask
  name: yourwebapp
  entry: from yourwebapp.main import app
  runtime: python3.6

output:
  path: /tmp/yourwebapp.zip
"""


def translated(root: Path, text: str, **options: str | None) -> Translation:
    write_files(root, {"settings.spindrift": text})
    return translate(root / "settings.spindrift", **options)


def refused(root: Path, text: str, **options: str | None) -> str:
    with pytest.raises(SettingsError) as caught:
        translated(root, text, **options)
    return str(caught.value)


def test_the_documented_example(tmp_path: Path) -> None:
    """(S1)"""
    found = translated(tmp_path, DOCUMENTED)
    assert found.table == {
        "runtime": "python3.6",
        "output": "/tmp/yourwebapp.zip",
        "name": "yourwebapp",
        "functions": {"yourwebapp": {"app": "yourwebapp.main:app", "interface": "wsgi"}},
    }
    assert (found.distribution, found.stages) == ("yourwebapp", {})
    assert 'app = "yourwebapp.main:app"' in found.notes[0]
    settings = read_settings(found.table, found.where)
    assert settings.functions["yourwebapp"].app == "yourwebapp.main:app"


def test_a_plain_function(tmp_path: Path) -> None:
    """(S1)"""
    text = (
        "package: {type: plain, name: your.jobs, entry: 'from yourjobs.main import run as handler'}"
    )
    found = translated(tmp_path, text)
    assert found.table == {
        "name": "your-jobs",
        "functions": {"your-jobs": {"handler": "yourjobs.main.run"}},
    }
    read_settings(found.table, found.where)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "package:", "package: {}\noutput: {}\n"])
def test_everything_is_optional(tmp_path: Path, text: str) -> None:
    """What is not said is said by options, or found. (S1)"""
    found = translated(tmp_path, text)
    assert found.table == {}
    assert found.notes == ("`settings.spindrift` holds no settings",)


def test_an_installed_folder(tmp_path: Path) -> None:
    found = translated(tmp_path, DOCUMENTED, install_path="install")
    assert found.table["install-path"] == "install"
    assert found.table["functions"]["yourwebapp"]["project"] is False


def test_an_entry_without_a_type(tmp_path: Path) -> None:
    found = translated(tmp_path, "package: {entry: from a.b import c}")
    assert found.table == {"functions": {"app": {"app": "a.b:c"}}}
    assert found.notes[-1] == "package.type is not set: `a.b:c` is taken for a web application"


def test_an_output_that_is_no_zip(tmp_path: Path) -> None:
    found = translated(tmp_path, "output: {path: build/it}")
    assert found.table == {"output": "build/it"}
    assert found.notes[-1] == "`build/it` does not end in .zip, and is taken for a folder"


@pytest.mark.parametrize(
    ("entry", "app"),
    [
        ("from a.b import c", "a.b:c"),
        ("from a.b import c as app", "a.b:c"),
        ("from a.b import (c)", "a.b:c"),
        ("import a.b; app = a.b.c", "a.b:c"),
        ("import a.b as x; app = x.c", "a.b:c"),
        ("from a import make; app = make()", "a:make()"),
        ("import a; app = a.make()", "a:make()"),
        ("from a import c; app = c", "a:c"),
        ("  from a import c\n", "a:c"),
    ],
)
def test_entries(tmp_path: Path, entry: str, app: str) -> None:
    """Python statements, as spindrift writes them into its shim. (S1)"""
    text = f"package:\n  type: flask\n  entry: |\n    {entry.strip()}\n"
    assert translated(tmp_path, text).table["functions"]["app"]["app"] == app


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("a.b:c", "names no object"),
        ("from a.b import", "is not a Python statement"),
        ("from a import *", "names no object"),
        ("from a import b, c", "names no object"),
        ("from .a import b", "is relative"),
        ("import a.b", "names no object"),
        ("print(1)", "names no object"),
        ("app = make(1)", "names no object"),
        ("x = y.z", "names no object"),
    ],
)
def test_entries_that_name_nothing(tmp_path: Path, entry: str, what: str) -> None:
    """(S9)"""
    text = f"package:\n  type: flask\n  entry: '{entry}'\n"
    assert refused(tmp_path, text) == (
        "the settings in settings.spindrift are wrong\n"
        f"  ╰─▶ line 3: package.entry: `{entry}` {what}"
        + (": write `from MODULE import NAME`" if what == "names no object" else "")
        + (": write the full name of the module" if what == "is relative" else "")
        + "\nhint: an entry is such as `from yourwebapp.main import app`"
    )


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        (
            "package:\n  type: django",
            "line 2: package.type: there is no type `django`",
            "the types are plain and flask",
        ),
        (
            "package:\n  type: flask-eb",
            "line 2: package.type: Wherry packages for AWS Lambda, not for Elastic Beanstalk",
            "for AWS Lambda write `type: flask`",
        ),
        (
            "package: {tpye: flask}",
            "line 1: package.tpye: there is no such setting",
            "`package.type`",
        ),
        ("packge: {}", "line 1: packge: there is no such setting", "`package`"),
        ("output: /tmp/x.zip", "line 1: output: expected a mapping of settings", None),
        ("package: {name: 3}", "line 1: package.name: expected a string", None),
        (
            "package: {type: plain, entry: 'from a import m; handler = m()'}",
            "AWS Lambda expects a function",
            None,
        ),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, found: str, hint: str | None) -> None:
    """(S9)"""
    said = refused(tmp_path, text)
    assert found in said
    assert "hint" not in said if hint is None else hint in said


def test_it_has_no_stages(tmp_path: Path) -> None:
    assert "has no stages" in refused(tmp_path, DOCUMENTED, stage="staging")


def test_the_name_of_another_project(tmp_path: Path) -> None:
    """(S9)"""
    found = translated(tmp_path, DOCUMENTED)
    require_distribution(found, project="YourWebApp", root=tmp_path)
    with pytest.raises(ProjectError) as caught:
        require_distribution(found, project="shop", root=tmp_path)
    assert caught.value.message == "`settings.spindrift` is for another project"
    write_files(tmp_path, {"src/yourwebapp/__init__.py": ""})
    require_distribution(found, project="shop", root=tmp_path)
    require_distribution(translated(tmp_path, ""), project="shop", root=tmp_path)


def test_another_name(tmp_path: Path) -> None:
    """It goes before the file's, and with it what the file says about the project. (S1)"""
    found = translated(tmp_path, DOCUMENTED, name="other")
    assert found.table["name"] == "other"
    assert list(found.table["functions"]) == ["other"]
    require_distribution(found, project="shop", root=tmp_path)
