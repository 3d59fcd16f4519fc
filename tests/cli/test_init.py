"""`wherry init`: settings for a project, from an older tool's file or by looking at it. (D1, S1, S9, D10)"""

from __future__ import annotations

import os
import resource
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.projects import make_project, write_files
from support.wheels import make_wheel
from wherry.errors import OutputError, SettingsError
from wherry.settings.init.applications import find_applications
from wherry.settings.init.modules import read_modules
from wherry.settings.init.units import Unit
from wherry.settings.init.write import insert

if TYPE_CHECKING:
    from pathlib import Path

    from support.command import Wherry
    from support.index import Index

ALPHA = make_wheel("alpha", "1.2")
PYPROJECT = '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11,<3.14"\n'
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
DROVER = """\
stages:
  staging:
    region_name: us-east-1
    function_name: basic-lambda
    compatible_runtime: python3.8
    function_file_patterns: ['^shop/.*']
"""
SPINDRIFT = """\
package: {type: flask, name: shop, entry: from shop.web import app, runtime: python3.12}
output: {path: build/shop.zip}
"""


def tables(path: Path) -> dict[str, object]:
    document = tomllib.loads(path.read_text())
    found = (
        document.get("tool", {}).get("wherry", {}) if path.name == "pyproject.toml" else document
    )
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("version", "comment"),
    [
        ("3.12\n", "`.python-version` names it"),
        (">=3.12", "the newest runtime that `.python-version` admits, which names >=3.12"),
        ("3.9", "the newest that requires-python admits"),
    ],
)
def test_the_runtime_says_which_file_decided(version: str, comment: str, wherry: Wherry) -> None:
    files = {"pyproject.toml": PYPROJECT, "shop/web.py": FLASK, ".python-version": version}
    write_files(wherry.cwd, files)
    assert f"# {comment}\n" in wherry("init", "--dry-run").out


def test_a_flask_project(wherry: Wherry) -> None:
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "shop/web.py": FLASK, "uv.lock": ""})
    done = wherry("init")
    assert (done.code, done.out) == (0, "pyproject.toml\n"), done.err
    assert (wherry.cwd / "pyproject.toml").read_text() == PYPROJECT + (
        "\n"
        "[tool.wherry]\n"
        'runtime = "python3.13"  # the newest that requires-python admits\n'
        'architecture = "x86_64"  # or arm64, which costs less\n'
        "\n"
        "[tool.wherry.functions.shop]\n"
        'app = "shop.web:app"  # Flask in shop/web.py\n'
        'interface = "wsgi"\n'
    )
    assert done.err == (
        "note: python3.13: the newest runtime that requires-python `>=3.11,<3.14` admits\n"
        "note: dependencies are those of uv.lock\n"
        "note: found Flask in shop/web.py\n"
        "note: after the first build, `wherry inspect` tells what makes packages smaller and faster to start\n"
        "Wrote settings to pyproject.toml\n"
    )
    assert wherry.rubbish() == []


def test_a_project_without_pyproject(wherry: Wherry) -> None:
    code = "def lambda_handler(event, context):\n    return 1\n"
    write_files(wherry.cwd, {"requirements.txt": "", "lambda_function.py": code})
    done = wherry("init", "--architecture", "arm64", "--runtime", "python3.12")
    assert (done.code, done.out) == (0, "wherry.toml\n"), done.err
    assert (wherry.cwd / "wherry.toml").read_text() == (
        'runtime = "python3.12"  # as asked\n'
        'architecture = "arm64"  # or x86_64\n'
        "\n"
        "[functions.shop]\n"
        'handler = "lambda_function.lambda_handler"  # a handler in lambda_function.py\n'
    )


def test_printing_alone(wherry: Wherry) -> None:
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "shop/web.py": FLASK})
    printed = wherry("init", "--dry-run", "--quiet")
    assert printed.err == ""
    assert (wherry.cwd / "pyproject.toml").read_text() == PYPROJECT
    as_json = wherry("init", "--dry-run", "--json").document
    assert as_json["text"] == printed.out
    assert as_json["written"] is False
    done = wherry("init", "--json").document
    assert (done["schema"], done["path"], done["written"]) == (1, "pyproject.toml", True)
    assert done["settings"] == tables(wherry.cwd / "pyproject.toml")
    assert (wherry.cwd / "pyproject.toml").read_text() == f"{PYPROJECT}\n{printed.out}"


def test_what_it_writes_can_be_built(wherry: Wherry, index: Index) -> None:
    index.add(ALPHA)
    make_project(wherry.cwd, index, [ALPHA])
    assert wherry("init").code == 0
    done = wherry.succeed("build", "--json")
    (package,) = done.document["packages"]
    assert (package["name"], package["handler"]) == ("shop", "shop.api.handler")


# --- from the older tools ---


def test_from_drover(wherry: Wherry) -> None:
    """A runtime that AWS has no more gives way, and that is said. (D1)"""
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "drover.yml": DROVER})
    done = wherry.succeed("init", "--install-path", "install")
    assert (wherry.cwd / "pyproject.toml").read_text() == PYPROJECT + (
        "\n"
        "[tool.wherry]\n"
        'runtime = "python3.13"  # the newest that requires-python admits\n'
        'install-path = "install"\n'
        "\n"
        "[tool.wherry.functions.basic-lambda]\n"
        'layers = ["basic-lambda-requirements"]\n'
        'include-regex = ["^shop/.*"]  # matched at the start of each path\n'
        "project = false  # the installed folder holds the project's code\n"
        "\n"
        "# everything that the function's patterns do not match\n"
        "[tool.wherry.layers.basic-lambda-requirements]\n"
        'exclude-regex = ["^shop/.*"]\n'
    )
    assert "warning: drover.yml, stage staging names python3.8" in done.err
    other = wherry("init", "--dry-run", "--runtime", "python3.12")
    assert 'runtime = "python3.12"\n' in other.out
    assert "warning" not in other.err


def test_from_spindrift(wherry: Wherry) -> None:
    """(S1)"""
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "elsewhere.yml": SPINDRIFT})
    wherry.succeed("init", "--config", "elsewhere.yml")
    assert tables(wherry.cwd / "pyproject.toml") == {
        "runtime": "python3.12",
        "output": "build/shop.zip",
        "name": "shop",
        "functions": {"shop": {"app": "shop.web:app", "interface": "wsgi"}},
    }


# --- looking ---


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.py": "import fastapi as f\nx: f.FastAPI = f.FastAPI()\n"}, ["a:x asgi"]),
        ({"a.py": "from flask import Flask as F\nweb = F('x')\n"}, ["a:web wsgi"]),
        ({"src/a/__init__.py": FLASK}, ["a:app wsgi"]),
        (
            {
                "site/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
                "application = get_wsgi_application()\n",
                "site/asgi.py": "from django.core.asgi import get_asgi_application\n"
                "application = get_asgi_application()\n",
            },
            ["site.wsgi:application wsgi", "site.asgi:application asgi"],
        ),
        (
            {
                "a.py": "from flask import Flask\ndef create_app(test=None):\n    return Flask('x')\n"
            },
            ["a:create_app() wsgi"],
        ),
        ({"a.py": "from flask import Flask\ndef create_app(config):\n    return Flask('x')\n"}, []),
        ({"a.py": "from b import create_app\napp = create_app()\n"}, ["a:app app"]),
        ({"a.py": "def run(event, _context):\n    pass\n"}, ["a.run handler"]),
        ({"a.py": "def handler(request, more):\n    pass\n"}, ["a.handler handler"]),
        ({"a.py": "def handler(event):\n    pass\n"}, []),
        ({"a.py": "class A:\n    def handler(self, event): ...\n"}, []),
        # Lambda imports by the text of the name.
        (
            {"my-fn/4-handler.py": "def handler(event, context): ...\n"},
            ["my-fn.4-handler.handler handler"],
        ),
        # What this Python does not understand, such as the strings of a newer one.
        (
            {
                "a.py": "from flask import Flask\nx = f'{x[\n'\n@d\ndef handler(\n    event: dict,\n"
                "    context: object = (1, 2),\n) -> dict:\n    ?\n\napp = Flask('x')\n"
            },
            ["a.handler handler", "a:app wsgi"],
        ),
        (
            {"a.py": f"from mangum import Mangum\n{FLASK}handler = Mangum(app)\n"},
            ["a.handler handler", "a:app wsgi"],
        ),
        # Not what they look like.
        ({"a.py": "class Flask: ...\napp = Flask()\n"}, []),
        ({"a.py": "app = Flask(\n"}, []),
        ({"a.py": "\0"}, []),
        ({"tests/a.py": FLASK, "test_a.py": FLASK, "setup.py": FLASK, "a.b.py": FLASK}, []),
        ({".venv/pyvenv.cfg": "", "env/pyvenv.cfg": "", "env/a.py": FLASK, "dist/a.py": FLASK}, []),
        ({"install/a.py": FLASK, "install/b-1.dist-info/RECORD": ""}, []),
    ],
)
def test_what_is_found(tmp_path: Path, files: dict[str, str], expected: list[str]) -> None:
    write_files(tmp_path, files)
    _, sources = read_modules(tmp_path)
    found = find_applications(sources, [Unit(folder="", has_build_system=True)])
    assert [f"{each.reference} {each.kind}" for each in found] == expected


def test_nothing_is_run(wherry: Wherry) -> None:
    """Whatever the code would do."""
    code = f"{FLASK}open('ran', 'w')\n"
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT, "shop.py": code})
    assert wherry("init").code == 0
    assert not (wherry.cwd / "ran").exists()


def test_several_functions(wherry: Wherry) -> None:
    """Each handler that stands in a module of its own, and one web application."""
    handler = "def handler(event, context): ...\n"
    write_files(
        wherry.cwd,
        {
            "pyproject.toml": PYPROJECT,
            "shop/orders/handler.py": handler,
            "shop/mails.py": handler,
            "shop/web.py": FLASK,
            "shop/old_web.py": FLASK,
        },
    )
    done = wherry.succeed("init")
    assert tables(wherry.cwd / "pyproject.toml")["functions"] == {
        "old_web": {"app": "shop.old_web:app", "interface": "wsgi"},
        "mails": {"handler": "shop.mails.handler"},
        "orders": {"handler": "shop.orders.handler.handler"},
    }
    assert "note: skipped `shop.web:app`, also Flask\n" in done.err


def test_nothing_to_be_found(wherry: Wherry) -> None:
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT})
    done = wherry("init")
    assert (
        "note: found no web application and no handler: one package holds the project\n" in done.err
    )
    assert "note: there is no lock: `wherry lock` writes one\n" in done.err
    assert "functions" not in tables(wherry.cwd / "pyproject.toml")


# --- every other byte stays ---


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "  # last"])
def test_bytes_that_are_there_stay(tmp_path: Path, mark: str, newline: str, end: str) -> None:
    """Comments, order, line endings, the file's mode, and a link to it."""
    text = '# ours\n[tool.black]\nline-length   = 99\n\n\n[project]\nname="x"'.replace(
        "\n", newline
    )
    old = (mark + text + end.replace("\n", newline)).encode()
    real = write_files(tmp_path, {"real.toml": old}) / "real.toml"
    real.chmod(0o640)
    path = tmp_path / "pyproject.toml"
    path.symlink_to("real.toml")
    insert(path, {"runtime": "python3.13", "functions": {"a": {"handler": "b.c"}}}, {})
    new = real.read_bytes()
    assert new.startswith(old)
    assert path.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    added = new[len(old) :].decode()
    assert added.count("\n") == added.count(newline)
    assert sorted(os.listdir(tmp_path)) == ["pyproject.toml", "real.toml"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.dictionaries(
        st.sampled_from(["project", "tool", "x"]),
        st.one_of(
            st.integers(),
            st.dictionaries(st.sampled_from(["a", "b", "wherry"]), st.integers(), max_size=2),
            st.lists(st.dictionaries(st.just("a"), st.integers()), min_size=1, max_size=2),
        ),
    ),
    as_inline=st.booleans(),
)
def test_it_adds_or_refuses(tmp_path: Path, document: dict[str, object], as_inline: bool) -> None:
    import tomli_w

    from wherry.settings.legacy.toml import render

    text = tomli_w.dumps(document)
    if as_inline:
        text = "".join(render({"k": {key: value}}, prefix=()) for key, value in document.items())
        text = text.replace("[k]\n", "")
    path = tmp_path / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    before = tomllib.loads(text)
    table = {"runtime": "python3.13", "functions": {"a": {}}}
    try:
        insert(path, table, {})
    except SettingsError:
        assert path.read_text(encoding="utf-8") == text
    else:
        after = tomllib.loads(path.read_text(encoding="utf-8"))
        assert after["tool"].pop("wherry") == table
        assert after == {"tool": {}, **before}


# --- what is wrong ---


@pytest.mark.parametrize(
    ("files", "arguments", "error"),
    [
        (
            {"pyproject.toml": PYPROJECT + "[tool.wherry]\n"},
            (),
            (
                "error: the project already has settings\n"
                "  ╰─▶ pyproject.toml holds [tool.wherry]\n"
                "hint: `wherry init --dry-run` prints what it would write\n"
            ),
        ),
        (
            {"pyproject.toml": PYPROJECT, "wherry.toml": ""},
            (),
            (
                "error: the project already has settings\n"
                "  ╰─▶ wherry.toml holds them\n"
                "hint: `wherry init --dry-run` prints what it would write\n"
            ),
        ),
        ({}, (), "error: no Python project in `TMP/shop`\n"),
        ({"pyproject.toml": "[x\n"}, (), "error: `pyproject.toml` is not valid TOML\n"),
        (
            {"pyproject.toml": 'tool = { x = 1 }\n[project]\nname = "a"\n'},
            (),
            "error: `pyproject.toml` does not allow [tool.wherry] at its end\n",
        ),
        ({"a.py": ""}, ("--config", "drover.yml"), "error: cannot read `drover.yml`\n"),
        (
            {"a.py": "", "x.toml": ""},
            ("--config", "x.toml"),
            "error: `x.toml` holds Wherry's own settings, or none\n",
        ),
        ({"a.py": "", "drover.yml": "a: ["}, (), "error: `drover.yml` is not valid YAML\n"),
        (
            {"a.py": "", "drover.yml": DROVER, "settings.spindrift": SPINDRIFT},
            (),
            "error: several older tools have settings here\n",
        ),
        ({"a.py": ""}, ("--stage", "x"), "error: there are no stages here\n"),
        (
            {"a.py": "", "drover.yml": DROVER},
            ("--stage", "stagin"),
            (
                "error: there is no stage `stagin`\n"
                "  ╰─▶ `drover.yml` has `staging`\n"
                "hint: did you mean `staging`?\n"
            ),
        ),
        (
            {"a.py": "", "settings.spindrift": SPINDRIFT.replace("name: shop", "name: other")},
            (),
            "error: `settings.spindrift` is for another project\n",
        ),
        ({"a.py": ""}, ("--runtime", "python3.31"), "error: unknown runtime `python3.31`\n"),
        (
            {"a.py": "", "drover.yml": DROVER},
            ("--runtime", "python3.8"),
            "error: unknown runtime `python3.8`\n",
        ),
    ],
)
def test_one_clear_error_and_nothing_is_written(
    wherry: Wherry, files: dict[str, str], arguments: tuple[str, ...], error: str
) -> None:
    """(D10, S9)"""
    write_files(wherry.cwd, files)
    before = {path.name: path.read_bytes() for path in wherry.cwd.iterdir()}
    done = wherry("init", *arguments)
    assert (done.code, done.out) == (1, "")
    assert "Traceback" not in done.err
    said = done.error.replace(str(wherry.cwd.parent), "TMP")
    assert said.startswith(error)
    assert {path.name: path.read_bytes() for path in wherry.cwd.iterdir()} == before


def test_settings_that_cannot_be_written(wherry: Wherry) -> None:
    """(D10)"""
    write_files(wherry.cwd, {"pyproject.toml": PYPROJECT})
    # As on a full disk.
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most[1]))
    try:
        with pytest.raises(OutputError, match="cannot write"):
            insert(wherry.cwd / "pyproject.toml", {"runtime": "python3.13"}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert [path.name for path in wherry.cwd.iterdir()] == ["pyproject.toml"]
    assert (wherry.cwd / "pyproject.toml").read_text() == PYPROJECT


def test_help_names_everything(wherry: Wherry) -> None:
    done = wherry.succeed("init", "--help")
    for option in ("--config", "--stage", "--install-path", "--dry-run", "--json", "--runtime"):
        assert option in done.out


def test_a_block_for_another_tool(wherry: Wherry) -> None:
    """It is printed, and nothing is written."""
    settings = '[functions.web]\napp = "web:app"\n'
    files = {"pyproject.toml": PYPROJECT, "web.py": FLASK, "wherry.toml": settings}
    write_files(wherry.cwd, files)
    done = wherry("init", "--for", "sam", "--runtime", "python3.12")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Transform: AWS::Serverless-2016-10-31\n")
    assert "      Runtime: python3.12\n" in done.out
    names = sorted(path.name for path in wherry.cwd.iterdir())
    assert names == ["pyproject.toml", "web.py", "wherry.toml"]
    assert wherry("init", "--for", "sam", "--dry-run").code == 2
