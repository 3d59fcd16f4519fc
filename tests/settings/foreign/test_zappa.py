"""The settings of Zappa, and of Chalice with its `app.py`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.settings.foreign.find import read_description

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.settings.foreign.model import Description

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:tracing:3"


def read(
    folder: Path, content: object, name: str = "zappa_settings.json", **files: str
) -> Description | None:
    text = content if isinstance(content, str) else json.dumps(content)
    write_files(folder, {name: text, **files})
    return read_description(folder / name, ProjectFiles())


@pytest.mark.parametrize(
    ("stage", "settings"),
    [
        ({"app_function": "my_app.app"}, {"app": "my_app:app"}),
        ({"app_function": "a.b.create"}, {"app": "a.b:create"}),
        ({"app_function": "a.b", "app_type": "asgi"}, {"app": "a:b", "interface": "asgi"}),
        (
            {"django_settings": "shop.settings.prod"},
            {
                "app": "shop.wsgi:application", "interface": "wsgi",
                "environment": {"DJANGO_SETTINGS_MODULE": "shop.settings.prod"},
            },
        ),
        ({"app_function": "a.b", "django_settings": "x.settings"}, {"app": "a:b"}),
        ({"app_function": "a.b", "layers": [ARN, "other"]}, {"app": "a:b", "layers": [ARN]}),
    ],
)  # fmt: skip
def test_the_application(tmp_path: Path, stage: dict[str, Any], settings: dict[str, Any]) -> None:
    stage |= {"runtime": "python3.12", "architecture": ["arm64"], "project_name": "My Shop"}
    description = read(tmp_path, {"dev": stage})
    assert description is not None
    (function,) = description.functions
    assert (function.name, function.settings) == ("My-Shop", settings)
    assert (description.runtime, description.architecture) == ("python3.12", "arm64")


def test_djangos_settings_are_set_by_zappas_runtime(tmp_path: Path) -> None:
    description = read(tmp_path, {"dev": {"django_settings": "shop.settings.dev"}})
    assert description is not None
    assert description.warnings == (
        "only Zappa's runtime sets `DJANGO_SETTINGS_MODULE`: put that into `environment` of the stage",
    )


def test_variables_of_zappas_runtime(tmp_path: Path) -> None:
    """It sets them when the function starts; without it they are to be set elsewhere."""
    stage = {
        "app_function": "a.b", "aws_environment_variables": {"A": "x"}, "environment_variables": {"B": "y"},
        "remote_env": "s3://b/k.json",
    }  # fmt: skip
    description = read(tmp_path, {"dev": stage})
    assert description is not None
    assert description.functions[0].settings["environment"] == {"B": "y", "A": "x"}
    assert description.warnings == (
        "only Zappa's runtime sets `B`: put that into `environment` of the stage",
        "only Zappa's runtime reads `remote_env`: put its variables into `environment` of the stage",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("zappa_settings.json", '{"dev": {"app_function": "a.b", "runtime": "python3.13"}}'),
        ("zappa_settings.toml", '[dev]\napp_function = "a.b"\nruntime = "python3.13"\n'),
        ("zappa_settings.yml", "dev:\n  app_function: a.b\n  runtime: python3.13\n"),
        ("zappa_settings.yaml", "dev: {app_function: a.b, runtime: python3.13}\n"),
    ],
)
def test_its_languages(tmp_path: Path, name: str, text: str) -> None:
    description = read(tmp_path, text, name)
    assert description is not None
    assert description.functions[0].settings == {"app": "a:b"}
    assert description.runtime == "python3.13"


def test_stages(tmp_path: Path) -> None:
    """A stage has what it extends; the first with an application counts, and another one is told."""
    description = read(
        tmp_path,
        {
            "base": {"runtime": "python3.12", "exclude": ["tests", "*.gz", "boto3*", "!x"]},
            "dev": {"extends": "base", "app_function": "shop.web.app"},
            "prod": {"extends": "dev", "runtime": "python3.13"},
            "live": {"extends": "prod"},
            "other": {"extends": "other", "app_function": "shop.other.app"},
        },
    )
    assert description is not None
    assert description.functions[0].settings == {"app": "shop.web:app"}
    assert description.settings == {"exclude": ["tests", "*.gz"]}
    assert description.runtime == "python3.13"
    assert description.warnings == (
        "zappa_settings.json: stage `other` has another application than `dev`, which is taken",
    )


def test_functions_of_events(tmp_path: Path) -> None:
    """Each becomes a function of its own: AWS calls it without Zappa's handler between."""
    events = [{"function": "jobs.nightly", "expression": "rate(1 day)"}, {"function": 1}, 2]
    description = read(tmp_path, {"dev": {"app_function": "a.b", "events": events * 2}})
    assert description is not None
    assert [(each.name, each.settings) for each in description.functions[1:]] == [
        ("jobs-nightly", {"handler": "jobs.nightly"})
    ]


@pytest.mark.parametrize(
    "content",
    [{}, {"dev": {}}, {"dev": []}, {"dev": {"app_function": "no"}}, {"dev": {"extends": "dev"}},
     {"dev": {"app_function": "../../x.y"}}, {"a": {"extends": "b"}, "b": {"extends": "a"}}],
)  # fmt: skip
def test_no_application(tmp_path: Path, content: object) -> None:
    assert read(tmp_path, content) is None


CONFIG = {"version": "2.0", "app_name": "hello", "stages": {"dev": {"api_gateway_stage": "api"}}}
ROUTE = "@app.route('/')\ndef index():\n    return {}\n"
APP = "from chalice import Chalice\napp = Chalice(app_name='hello')\n"


def chalice(folder: Path, config: object, app: str, **files: str) -> Description | None:
    return read(folder, config, ".chalice/config.json", **{"app.py": app, **files})


@pytest.mark.parametrize(
    ("app", "functions"),
    [
        (ROUTE, {"hello": "app.app"}),
        ("@app.get('/')\ndef index():\n    return {}\n", {"hello": "app.app"}),
        ("@app.lambda_function()\ndef first(event, context): ...\n", {"first": "app.first"}),
        ("@app.lambda_function(name='one')\ndef first(event, context): ...\n", {"one": "app.first"}),
        (f"{ROUTE}@app.on_s3_event(bucket='b')\ndef on_file(event): ...\n", {"hello": "app.app", "on_file": "app.on_file"}),
        ("@app.schedule('rate(1 hour)')\ndef hourly(event): ...\n", {"hourly": "app.hourly"}),
        ("@other.route('/')\ndef index(): ...\n@cache\ndef x(): ...\n", {"hello": "app.app"}),
        ("def broken(", {"hello": "app.app"}),
    ],
)  # fmt: skip
def test_what_chalice_registers(tmp_path: Path, app: str, functions: dict[str, str]) -> None:
    description = chalice(tmp_path, CONFIG, APP + app)
    assert description is not None
    assert {each.name: each.settings["handler"] for each in description.functions} == functions


def test_an_app_that_shows_no_application_of_chalice(tmp_path: Path) -> None:
    assert chalice(tmp_path, CONFIG, "def index(): ...\n") is None


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        (
            {"requirements.txt": "", "requirements-dev.txt": "chalice==1.32.0\npytest\n"},
            {
                "extra-distributions": ["chalice==1.32.0"],
                "exclude": ["blessed", "botocore", "click", "inquirer", "pip", "pyyaml", "setuptools", "wcwidth", "wheel"],
            },
        ),
        (
            {"requirements.txt": "boto3==1.40.0\npip\n"},
            {"extra-distributions": ["chalice"], "exclude": ["blessed", "inquirer", "wcwidth", "wheel"]},
        ),
        (
            {"requirements.txt": "flask\n"},
            {"extra-distributions": ["chalice"], "exclude": ["blessed", "botocore", "inquirer", "pip", "wcwidth", "wheel"]},
        ),
        ({"requirements.txt": "chalice==1.32.0\n"}, {}),
        ({"pyproject.toml": '[project]\nname = "x"\ndependencies = ["chalice"]\n'}, {}),
        (
            {"requirements.txt": "chalice", "vendor/a.py": ""},
            {"extra-paths": [{"path": "vendor", "to": ""}]},
        ),
    ],
)  # fmt: skip
def test_chalice_itself(tmp_path: Path, files: dict[str, str], settings: dict[str, Any]) -> None:
    """Its runtime ships though no requirement names it, without what only its command needs."""
    description = chalice(tmp_path, CONFIG, APP + ROUTE, **files)
    assert description is not None
    assert description.functions[0].settings == {"handler": "app.app", **settings}
    assert description.settings == {"exclude": ["/*", "!/app.py", "!/chalicelib/"]}


def test_several_functions_of_chalice_share_a_layer(tmp_path: Path) -> None:
    config = {**CONFIG, "stages": {"dev": {"lambda_architecture": "arm64", "layers": [ARN]}}}
    blueprint = (
        "from chalice import Blueprint\njobs = Blueprint(__name__)\n"
        "@jobs.schedule('rate(1 hour)')\ndef hourly(event): ...\n"
    )
    write_files(tmp_path, {"chalicelib/jobs.py": blueprint})
    description = chalice(tmp_path, config, APP + ROUTE)
    assert description is not None
    assert [(each.name, each.settings) for each in description.functions] == [
        ("hello", {"handler": "app.app", "layers": ["dependencies", ARN]}),
        ("hourly", {"handler": "chalicelib.jobs.hourly", "layers": ["dependencies", ARN]}),
    ]
    (layer,) = description.layers
    assert (layer.name, layer.settings["extra-distributions"]) == ("dependencies", ["chalice"])
    assert description.architecture == "arm64"


def test_routes_and_variables_of_chalice(tmp_path: Path) -> None:
    """Those of blueprints have their prefix; variables of a stage and of a function have precedence."""
    stage = {
        "environment_variables": {"A": "stage"},
        "lambda_functions": {"hourly": {"environment_variables": {"A": "own", "API_KEY": "k"}}},
    }
    config = {**CONFIG, "environment_variables": {"A": "all", "B": "b"}, "stages": {"dev": stage}}
    write_files(
        tmp_path,
        {
            "chalicelib/extra.py": "from chalice import Blueprint\nmore = Blueprint(__name__)\n"
            "@more.get('/x')\ndef x(): ...\n@more.schedule('rate(1 hour)')\ndef hourly(event): ...\n"
        },
    )
    text = (
        f"from chalicelib.extra import more\n{APP}app.register_blueprint(more, url_prefix='/more')\n"
        "@app.route('/orders/{name}', methods=['GET', 'POST'])\ndef order(name): ...\n"
    )
    description = chalice(tmp_path, config, text)
    assert description is not None
    api, hourly = description.functions
    assert [each.route for each in api.routes] == [
        "GET /orders/{name}",
        "POST /orders/{name}",
        "GET /more/x",
    ]
    assert hourly.routes == ()
    assert api.settings["environment"] == {"A": "stage", "B": "b"}
    assert hourly.settings["environment"] == {"A": "own", "B": "b", "API_KEY": True}


def test_blueprints_of_chalice_in_packages(tmp_path: Path) -> None:
    """With the prefix of their names, the layers of each function, and the stage that was read."""
    stage = {
        "layers": [ARN],
        "lambda_functions": {"shop-night": {"layers": []}, "api_handler": {"layers": [f"{ARN}2"]}},
    }
    config = {**CONFIG, "stages": {"dev": stage, "prod": {}}}
    blueprint = (
        "from chalice import Blueprint\njobs = Blueprint(__name__)\n"
        "@jobs.schedule('rate(1 hour)', name='night')\ndef run(event): ...\n"
    )
    write_files(
        tmp_path,
        {
            "chalicelib/jobs/__init__.py": blueprint,
            "chalicelib/jobs/day/light.py": blueprint.replace("jobs", "light").replace(
                "night", "noon"
            ),
            "chalicelib/not-a-module/x.py": blueprint,
        },
    )
    text = f"from chalicelib import jobs\n{APP}app.register_blueprint(jobs.jobs, name_prefix='shop-')\n{ROUTE}"
    description = chalice(tmp_path, config, text)
    assert description is not None
    assert {
        each.name: (each.settings["handler"], each.settings["layers"])
        for each in description.functions
    } == {
        "hello": ("app.app", ["dependencies", f"{ARN}2"]),
        "shop-night": ("chalicelib.jobs.run", ["dependencies"]),
        "noon": ("chalicelib.jobs.day.light.run", ["dependencies", ARN]),
    }
    assert description.notes == ("config.json: the settings of stage `dev`",)


def test_long_names_in_an_application_of_chalice(tmp_path: Path) -> None:
    """Longer than Python itself can write them out again."""
    long = (
        f"x = a{'.b' * 900}()\nf{'.g' * 900}.register_blueprint(h{'.i' * 900}, url_prefix='/x')\n"
    )
    description = chalice(tmp_path, CONFIG, f"{APP}{long}{ROUTE}")
    assert description is not None
    assert [each.name for each in description.functions] == ["hello"]
