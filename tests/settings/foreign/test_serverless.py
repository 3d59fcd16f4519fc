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
        ("custom: {pythonRequirements: {slim: true, slimPatterns: ['**/*.pyi', 'x/y', '*.{a,b}']}}\nfunctions: {a: {handler: b.c}}",
         {"a": {"handler": "b.c", "exclude-files": ["**/*.pyi", "/x/y"]}}),
        ("functions: {a: {handler: b.c, package: {patterns: ['!docs/**', '!.venv/**', '!*.md'], exclude: [./x/**]}}}",
         {"a": {"handler": "b.c", "exclude-files": ["/x/**", "/docs/**", "/.venv/**", "*.md"]}}),
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
layers:
  shared-code: {path: layers/shared}
  unused: {path: layers/unused}
  exported: {path: layers/exported, compatibleRuntimes: [python3.12]}
functions:
  a: {handler: a.b, layers: [{Ref: SharedDashcodeLambdaLayer}, {Ref: PythonRequirementsLambdaLayer}]}
  b: {handler: b.b, layers: [{Ref: OtherLambdaLayer}]}
""",
    )
    of_requirements = {"exclude": ["pytest"], "extra-paths": [{"path": "theirs", "to": ""}]}
    assert functions(description) == {
        "a": {"handler": "a.b", "layers": ["shared-code", "python-requirements"], "include": []},
        # The plugin puts them into no function, not even into one without the layer.
        "b": {"handler": "b.b", "include": []},
    }
    assert description is not None
    assert [(layer.name, layer.folder) for layer in description.layers] == [
        ("shared-code", "layers/shared/python"),
        ("exported", "layers/exported"),
        ("python-requirements", None),
    ]
    assert description.layers[2].settings == of_requirements
    assert description.warnings == (
        "`b` has the layer `OtherLambdaLayer`, whose ARN only a deployment knows: add it to its `layers`",
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
    ],
)
def test_no_service_of_aws(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) is None


@pytest.mark.parametrize(
    ("functions", "name"),
    [
        ("'${self:a}'\na: '${self:b}'\nb: '${self:a}'", "${self:a}"),
        (f"'${{self:a}}'\na: {'${self:a}' * 400}", "${self:a}"),
        ("'${{{{${self:a}'", "${{{{${self:a}"),
        ("${file(serverless.yml):functions}", "${file(serverless.yml):functions}"),
        ("['${file(functions.js)}']", "${file(functions.js)}"),
        ("{a: '${file(functions.js):a}'}", "a"),
    ],
)
def test_what_only_the_framework_knows(tmp_path: Path, functions: str, name: str) -> None:
    """It may also be a program, or a variable that goes round."""
    description = read(tmp_path, f"provider: aws\nfunctions: {functions}\n")
    assert description is not None
    assert description.functions == ()
    assert description.warnings == (
        f"skipped `{name}` of serverless.yml: `serverless print` tells what it is",
    )


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("${strToBool(true)}", "true"),
        ("${strToUpper(x)}", True),
        ("${opt:x, 'a,b'}", "a,b"),
        ("${param:p}", "of all"),
        ("${param:s}", "of prod"),
        ("${param:missing, 'x'}", "x"),
        ("${sls:stage}", "prod"),
        ("${self:custom.${opt:stage}}", "deep"),
    ],
)
def test_variables(tmp_path: Path, text: str, environment: str | bool) -> None:
    description = read(
        tmp_path,
        "provider: {name: aws, runtime: '${param:py}', stage: \"${opt:stage, 'prod'}\"}\n"
        "params: {default: {p: of all, s: of all, py: python3.12}}\n"
        "stages: {prod: {params: {s: of prod}}}\n"
        "custom: {prod: deep}\n"
        f"functions: {{a: {{handler: b.c, environment: {{X: {text!r}}}}}}}\n".replace("\\'", "''"),
    )
    assert functions(description)["a"]["environment"] == {"X": environment}
    assert description is not None
    assert description.runtime == "python3.12"


@pytest.mark.parametrize(
    "stage", ["${sls:stage}", "${opt:stage}", "${param:x}", "${self:provider.stage}"]
)
def test_a_stage_that_is_named_after_itself(tmp_path: Path, stage: str) -> None:
    text = f"provider: {{name: aws, stage: '{stage}'}}\nfunctions: {{a: {{handler: '${{sls:stage}}.c'}}}}"
    assert functions(read(tmp_path, text)) == {"a": {"handler": "dev.c"}}


def test_options_of_the_plugin_that_have_no_setting(tmp_path: Path) -> None:
    options = "{pipCmdExtraArgs: [--index-url, x], dockerFile: Dockerfile, dockerSsh: true, dockerExtraFiles: []}"
    description = read(
        tmp_path,
        f"{SERVICE}custom: {{pythonRequirements: {options}}}\nfunctions: {{a: {{handler: b.c}}}}",
    )
    assert description is not None
    assert description.warnings == (
        "not translated from pythonRequirements of serverless.yml: `dockerFile`, `pipCmdExtraArgs`",
    )


def test_a_runtime_that_is_not_known(tmp_path: Path) -> None:
    text = "provider: {name: aws, runtime: '${ssm:/x}'}\nfunctions: {a: {handler: b.c}}"
    description = read(tmp_path, text)
    assert description is not None
    assert description.warnings == ("the runtime of serverless.yml is not known: check `runtime`",)


def test_folders_with_files_of_requirements(tmp_path: Path) -> None:
    """`fileName` is looked for in the folder of the function."""
    write_files(tmp_path, {"one/reqs.txt": "", "reqs.txt": ""})
    description = read(
        tmp_path,
        f"{SERVICE}custom: {{pythonRequirements: {{fileName: reqs.txt}}}}\n"
        "package: {individually: true, patterns: ['!**', 'one/**']}\n"
        "functions: {a: {handler: b.c, module: one}}",
    )
    assert functions(description) == {
        "a": {"folder": "one", "handler": "b.c", "lock": "one/reqs.txt"}
    }
    # The patterns name paths of the service, and not of the folder.
    assert description is not None
    assert description.settings == {"lock": "reqs.txt"}
    assert len(description.warnings) == 1


def test_no_more_functions_than_a_stack_can_have(tmp_path: Path) -> None:
    named = "".join(f"    f{n}: {{handler: b.c}}\n" for n in range(400))
    text = f"provider: aws\ncustom:\n  all: &all\n{named}functions: [{', '.join(['*all'] * 100)}]\n"
    description = read(tmp_path, text)
    assert description is not None
    assert len(description.functions) == 500
