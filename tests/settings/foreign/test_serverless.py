"""`serverless.yml`, with its variables and the plugins for requirements and WSGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.settings.foreign.find import read_description

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.settings.foreign.model import Description

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:tracing:3"
SERVICE = "service: shop\nprovider: {name: aws, runtime: python3.12, architecture: arm64}\n"


def read(folder: Path, text: str) -> Description | None:
    write_files(folder, {"serverless.yml": text})
    return read_description(folder / "serverless.yml", ProjectFiles())


def functions(description: Description | None) -> dict[str, Any]:
    assert description is not None
    return {
        each.name: ({"folder": each.folder} if each.folder else {}) | dict(each.settings)
        for each in description.functions
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("functions: {a: {handler: b.c}}", {"a": {"handler": "b.c"}}),
        ("functions: {a: {handler: src/b.c}}", {"a": {"handler": "src.b.c"}}),
        ("functions: {a: {handler: ./b.c}}", {"a": {"handler": "b.c"}}),
        ("functions:\n  - a: {handler: b.c}\n  - d: {handler: e.f}", {"a": {"handler": "b.c"}, "d": {"handler": "e.f"}}),
        ("functions: {a: {handler: app.c, module: src/a}}", {"a": {"folder": "src/a", "handler": "app.c"}}),
        (f"functions: {{a: {{handler: b.c, layers: ['{ARN}']}}}}", {"a": {"handler": "b.c", "layers": [ARN]}}),
        ("custom: {wsgi: {app: api.app}}\nfunctions: {a: {handler: wsgi_handler.handler}}",
         {"a": {"app": "api:app", "interface": "wsgi"}}),
        ("custom: {pythonRequirements: {noDeploy: [boto3, pytest]}}\nfunctions: {a: {handler: b.c}}",
         {"a": {"handler": "b.c", "exclude": ["pytest"]}}),
        ("custom: {pythonRequirements: {vendor: ./theirs}}\nfunctions: {a: {handler: b.c, vendor: mine}}",
         {"a": {"handler": "b.c", "extra-paths": [{"path": "theirs", "to": ""}, {"path": "mine", "to": ""}]}}),
        ("functions: {a: {handler: b.c, environment: {A: x, B: 5, API_KEY: k, C: '${ssm:/c}', D: 'http://u:p@h/'}}}",
         {"a": {"handler": "b.c", "environment": {"A": "x", "B": "5", "API_KEY": True, "C": True, "D": True}}}),
        ("custom: {m: handlers}\nfunctions: {a: {handler: '${self:custom.m}/b.c'}}", {"a": {"handler": "handlers.b.c"}}),
        ("functions: {a: {handler: '${opt:module, \"x\"}.c'}}", {"a": {"handler": "x.c"}}),
        ("custom: {dev: one, a: {one: two}}\nfunctions: {a: {handler: '${self:custom.a.${self:custom.${sls:stage}}}.c'}}",
         {"a": {"handler": "two.c"}}),
        ("functions: ${file(functions.yml)}", {"f": {"handler": "g.h"}}),
        ("functions: ${file(./more.yml):functions}", {"m": {"handler": "n.o"}}),
        ("functions:\n  - ${file(functions.yml)}\n  - ${file(more.yml):functions}", {"f": {"handler": "g.h"}, "m": {"handler": "n.o"}}),
    ],
)  # fmt: skip
def test_functions(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    write_files(
        tmp_path,
        {"functions.yml": "f: {handler: g.h}", "more.yml": "functions: {m: {handler: n.o}}"},
    )
    description = read(tmp_path, SERVICE + text)
    assert functions(description) == expected
    assert description is not None
    assert (description.runtime, description.architecture) == ("python3.12", "arm64")


@pytest.mark.parametrize(
    ("function", "note"),
    [
        ("{handler: a.b, runtime: nodejs20.x}", "it runs on nodejs20.x"),
        ("{image: x}", "it is a container image"),
        ("{}", "it has no handler that is known before it is deployed"),
        ("{handler: '${env:HANDLER}'}", "it has no handler that is known before it is deployed"),
        ("{handler: '${ssm:/x}.y'}", "it has no handler that is known before it is deployed"),
        ("{handler: '${file(../../etc/passwd.yml):a}.b'}", "it has no handler that is known before it is deployed"),
        ("{handler: a.b, module: ../x}", "its code is not in a folder of the project"),
    ],
)  # fmt: skip
def test_what_is_passed_over(tmp_path: Path, function: str, note: str) -> None:
    description = read(tmp_path, f"{SERVICE}functions: {{f: {function}}}")
    assert description is not None
    assert (description.functions, description.notes) == (
        (),
        (f"skipped `f` of serverless.yml: {note}",),
    )


def test_layers(tmp_path: Path) -> None:
    """By the names that the framework gives to their resources; that of requirements is the plugin's."""
    write_files(tmp_path, {"layers/shared/python/util.py": ""})
    description = read(
        tmp_path,
        SERVICE
        + """\
custom: {pythonRequirements: {layer: true, noDeploy: [pytest], vendor: theirs}}
layers: {shared-code: {path: layers/shared}, unused: {path: layers/unused}}
functions:
  a: {handler: a.b, layers: [{Ref: SharedDashcodeLambdaLayer}, {Ref: PythonRequirementsLambdaLayer}]}
  b: {handler: b.b, layers: [{Ref: OtherLambdaLayer}]}
""",
    )
    of_requirements = {"exclude": ["pytest"], "extra-paths": [{"path": "theirs", "to": ""}]}
    assert functions(description) == {
        "a": {"handler": "a.b", "layers": ["shared-code", "python-requirements"]},
        # Without the layer it holds the requirements itself.
        "b": {"handler": "b.b", **of_requirements},
    }
    assert description is not None
    assert [(layer.name, layer.folder) for layer in description.layers] == [
        ("shared-code", "layers/shared/python"),
        ("python-requirements", None),
    ]
    assert description.layers[1].settings == of_requirements
    assert description.warnings == (
        "`b` has a layer whose ARN is not known before it is deployed: add it to its `layers`",
    )


@pytest.mark.parametrize(
    ("text", "settings", "warnings"),
    [
        ("package: {patterns: ['!node_modules/**', '!.venv/**', '!docs/**', '!*.md']}", {"exclude": ["/docs/**", "*.md"]}, 0),
        ("package: {exclude: [./docs/**]}", {"exclude": ["/docs/**"]}, 0),
        ("package: {patterns: ['!**', 'src/**']}", {"exclude": ["*", "!*/", "!/src/**"]}, 0),
        ("package: {exclude: ['**'], include: ['!./**', './a/b/**', '!a/b/x.py']}", {"exclude": ["*", "!*/", "!/a/b/**", "/a/b/x.py"]}, 0),
        ("package: {patterns: ['!**']}", {}, 1),
        ("package: {patterns: ['src/**', '!docs/**']}", {}, 1),
        ("custom: {pythonRequirements: {slim: true, strip: false, poetryWithGroups: [aws]}}", {"groups": ["aws"]}, 0),
        ("custom: {pythonRequirements: {noDeploy: [boto3, botocore, docutils]}}", {"provided": ["boto3", "botocore"]}, 0),
        ("custom: {pythonRequirements: {fileName: reqs/prod.txt, slim: true}}", {"lock": "reqs/prod.txt", "strip": True}, 0),
    ],
)  # fmt: skip
def test_settings_for_all(
    tmp_path: Path, text: str, settings: dict[str, Any], warnings: int
) -> None:
    description = read(tmp_path, f"{SERVICE}{text}\nfunctions: {{a: {{handler: b.c}}}}")
    assert description is not None
    assert (description.settings, len(description.warnings)) == (settings, warnings)


def test_patterns_of_functions(tmp_path: Path) -> None:
    """Each function gets what any of them has; that they are not kept apart is told."""
    description = read(
        tmp_path,
        f"{SERVICE}package: {{individually: true, patterns: ['!**']}}\nfunctions:\n"
        "  a: {handler: a/x.y, package: {patterns: ['a/**']}}\n  b: {handler: b/x.y}\n",
    )
    assert description is not None
    assert description.settings == {"exclude": ["*", "!*/", "!/a/**"]}
    assert description.warnings == (
        "`a` gets the files of all functions: for those of serverless.yml alone see `include-files`",
    )


@pytest.mark.parametrize(
    ("options", "lock"),
    [("zip: true", None), ("usePoetry: false", "requirements.txt"), ("usePipenv: false", None)],
)
def test_which_lock(tmp_path: Path, options: str, lock: str | None) -> None:
    """The one that the plugin reads, where the project has two; and `noDeploy` as far as the locks have it."""
    write_files(tmp_path, {"poetry.lock": 'name = "moto"', "requirements.txt": "Typing_Extensions"})
    description = read(
        tmp_path,
        f"{SERVICE}custom: {{pythonRequirements: {{{options}, noDeploy: [moto, pip, typing-extensions]}}}}\n"
        "functions: {a: {handler: b.c}}",
    )
    assert description is not None
    assert description.settings.get("lock") == lock
    assert functions(description)["a"]["exclude"] == ["moto", "typing-extensions"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "service: x",
        "provider: {name: google}\nfunctions: {a: {handler: b.c}}",
        "provider: [aws]\nfunctions: [[], x, {a: []}]",
        "provider: ${self:provider}\nfunctions: ${self:functions}",
        "provider: aws\nfunctions: '${self:a}'\na: '${self:b}'\nb: '${self:a}'",
        f"provider: aws\na: {'${self:a}' * 400}\nfunctions: '${{self:a}}'",
        "provider: aws\nfunctions: '${{{{${self:a}'",
        "provider: aws\nfunctions: ${file(serverless.yml):functions}",
    ],
)
def test_no_service_of_aws(tmp_path: Path, text: str) -> None:
    """Nor one whose variables go round."""
    assert read(tmp_path, text) is None
