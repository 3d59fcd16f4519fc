"""Templates of AWS SAM and CloudFormation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.settings.foreign.find import read_description

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.settings.foreign.model import Description

ARN = "arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:7"
FUNCTION = """\
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Handler: app.lambda_handler
      Runtime: python3.12
"""


def read(folder: Path, text: str, name: str = "template.yaml") -> Description | None:
    write_files(folder, {name: text})
    return read_description(folder / name, ProjectFiles())


def functions(description: Description | None) -> dict[str, tuple[str, dict[str, Any]]]:
    assert description is not None
    return {each.name: (each.folder, dict(each.settings)) for each in description.functions}


def test_environment(tmp_path: Path) -> None:
    """Its own variables after those of the globals; what AWS alone knows, and secrets, are of this machine."""
    text = (
        "Globals: {Function: {Environment: {Variables: {A: all, B: b}}}}\n"
        "Parameters: {Level: {Default: info}}\n"
        f"{FUNCTION}      Environment:\n        Variables: {{A: own, LEVEL: !Ref Level, TABLE: !Ref Table, DB_PASSWORD: x}}\n"
    )
    settings = functions(read(tmp_path, text))["Hello"][1]
    assert settings["environment"] == {
        "A": "own", "B": "b", "LEVEL": "info", "TABLE": True, "DB_PASSWORD": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("", ("hello", "app.lambda_handler")),
        ("CodeUri: ./hello", ("hello", "app.lambda_handler")),
        ("CodeUri: .", ("", "app.lambda_handler")),
        ("CodeUri: a/../hello/", ("hello", "app.lambda_handler")),
        ("Handler: src/orders/app.handler", ("hello", "src.orders.app.handler")),
        ("CodeUri: !Ref Folder", ("functions/x", "app.lambda_handler")),
        ("CodeUri: !Sub '${Folder}/y'", ("functions/x/y", "app.lambda_handler")),
        ("CodeUri: {'Fn::Sub': '${Folder}'}", ("functions/x", "app.lambda_handler")),
        ("CodeUri: !FindInMap [Folders, dev, code]", ("mapped", "app.lambda_handler")),
        ("CodeUri: !FindInMap [Folders, !Ref Stage, code]", ("mapped", "app.lambda_handler")),
        ("CodeUri: !Sub ['${Top}/${Stage}', {Top: !Ref Folder}]", ("functions/x/dev", "app.lambda_handler")),
        ("CodeUri: !Join ['', [!Ref Folder, /y]]", ("functions/x/y", "app.lambda_handler")),
        ("Runtime: !Ref Python", ("hello", "app.lambda_handler")),
        ("Runtime: !If [Old, python3.9, python3.13]", ("hello", "app.lambda_handler")),
    ],
)  # fmt: skip
def test_a_function(tmp_path: Path, properties: str, expected: tuple[str, str]) -> None:
    """With its code's folder and its handler as Python writes it."""
    text = (
        "Parameters:\n  Folder: {Type: String, Default: functions/x}\n"
        "  Stage: {Type: String, Default: dev}\n"
        "  Python: {Type: String, Default: python3.13}\n"
        f"Mappings: {{Folders: {{dev: {{code: mapped}}}}}}\n{FUNCTION}      {properties}\n"
    )
    folder, handler = expected
    assert functions(read(tmp_path, text)) == {"Hello": (folder, {"handler": handler})}


@pytest.mark.parametrize(
    ("properties", "note"),
    [
        ("Runtime: nodejs20.x", "it runs on nodejs20.x"),
        ("PackageType: Image", "it is a container image"),
        ("InlineCode: 'def handler(): ...'", "its code is in the template"),
        ("CodeUri: !Ref Missing", "its code is not in a folder of the project"),
        ("Handler: bootstrap", "it has no handler in Python"),
        ("CodeUri: s3://bucket/code.zip", "its code is not in a folder of the project"),
        ("CodeUri: {Bucket: b, Key: k}", "its code is not in a folder of the project"),
        ("CodeUri: ../elsewhere", "its code is not in a folder of the project"),
        ("CodeUri: /etc", "its code is not in a folder of the project"),
        ("CodeUri: !Sub ['${A}', {A: !Ref Missing}]", "its code is not in a folder of the project"),
        ("CodeUri: !Join [/, [x, !Ref Missing]]", "its code is not in a folder of the project"),
    ],
)  # fmt: skip
def test_what_is_passed_over(tmp_path: Path, properties: str, note: str) -> None:
    description = read(tmp_path, f"{FUNCTION}      {properties}\n")
    assert description is not None
    assert description.functions == ()
    assert [*description.notes, *description.warnings] == [
        f"skipped `Hello` of template.yaml: {note}"
    ]


def test_globals(tmp_path: Path) -> None:
    """A function's own values take precedence; layers of the globals come first."""
    description = read(
        tmp_path,
        f"""\
Globals:
  Function:
    Runtime: python3.13
    Architectures: [arm64]
    CodeUri: src/
    Handler: app.handler
    Layers: ["{ARN}"]
Resources:
  A: {{Type: AWS::Serverless::Function}}
  B:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Architectures: [x86_64]
      CodeUri: b
      Layers: [!Ref Shared]
  C: {{Type: AWS::Serverless::Function, Properties: {{Handler: c.handler}}}}
  D: {{Type: AWS::Lambda::Function, Properties: {{Code: d, Handler: d.handler, Runtime: python3.13}}}}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: python3.13}}
    Properties: {{ContentUri: layers/shared}}
""",
    )
    assert functions(description) == {
        "A": ("src", {"handler": "app.handler", "layers": [ARN]}),
        "B": ("b", {"handler": "app.handler", "layers": [ARN, "Shared"]}),
        "C": ("src", {"handler": "c.handler", "layers": [ARN]}),
        "D": ("d", {"handler": "d.handler"}),
    }
    assert description is not None
    assert (description.runtime, description.architecture) == ("python3.13", "arm64")
    assert [(layer.name, layer.folder) for layer in description.layers] == [
        ("Shared", "layers/shared")
    ]


@pytest.mark.parametrize(
    ("files", "folder", "settings"),
    [
        ({"l/python/a.py": ""}, "l/python", {}),
        ({"l/python/a.py": "", "l/bin/tool": ""}, "l/python", {"extra-paths": [{"path": "l/bin", "to": "/bin"}]}),
        ({"l/a.py": ""}, "l", {}),
        ({"l/requirements.txt": ""}, "l", {}),
        ({"l/data/x.csv": ""}, None, {"include": [], "extra-paths": [{"path": "l", "to": "/"}]}),
        (
            {"l/python/lib/python3.12/site-packages/a.py": ""},
            None,
            {"include": [], "extra-paths": [{"path": "l", "to": "/"}]},
        ),
    ],
)  # fmt: skip
def test_a_layer_as_lambda_unpacks_it(
    tmp_path: Path, files: dict[str, str], folder: str | None, settings: dict[str, Any]
) -> None:
    write_files(tmp_path, files)
    text = (
        f"{FUNCTION}      Layers: [!Ref L]\n"
        "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: l}}\n"
    )
    description = read(tmp_path, text)
    assert description is not None
    (layer,) = description.layers
    assert (layer.folder, layer.settings) == (folder, settings)


@pytest.mark.parametrize(
    ("files", "folder", "settings"),
    [
        ({"python/a.py": ""}, "python", {}),
        ({"python/a.py": "", "bin/tool": "", "hello/app.py": ""}, "python", {"extra-paths": [{"path": "bin", "to": "/bin"}]}),
        ({"a.py": ""}, "", {"project": True}),
        ({"lib/a.so": "", "hello/app.py": ""}, None, {"include": [], "extra-paths": [{"path": "lib", "to": "/lib"}]}),
    ],
)  # fmt: skip
def test_a_layer_in_the_folder_of_the_project(
    tmp_path: Path, files: dict[str, str], folder: str | None, settings: dict[str, Any]
) -> None:
    write_files(tmp_path, files)
    layer = "{Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: .}}"
    description = read(tmp_path, f"{FUNCTION}      Layers: [!Ref L]\n  L: {layer}\n")
    assert description is not None
    assert [(each.folder, each.settings) for each in description.layers] == [(folder, settings)]


def test_a_layer_in_the_folder_of_the_project_that_holds_nothing(tmp_path: Path) -> None:
    layer = "{Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: .}}"
    description = read(tmp_path, f"{FUNCTION}      Layers: [!Ref L]\n  L: {layer}\n")
    assert functions(description)["Hello"][1]["layers"] == []
    assert description is not None
    assert description.layers == ()
    assert description.warnings == (
        "skipped the layer `L` of template.yaml: the project's folder has neither `python`, `bin` nor `lib`",
    )


def test_layers_without_a_function(tmp_path: Path) -> None:
    """Those for Python, of a template that has nothing else or whose functions do not use them."""
    layers = (
        "  Deps: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: python3.13}, Properties: {ContentUri: deps}}\n"
        "  Own: {Type: AWS::Lambda::LayerVersion, Properties: {Content: own, CompatibleRuntimes: [python3.13]}}\n"
        "  Node: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: nodejs20.x}, Properties: {ContentUri: ../n}}\n"
    )
    for text in (f"Resources:\n{layers}", f"{FUNCTION}{layers}"):
        description = read(tmp_path, text)
        assert description is not None
        assert [layer.name for layer in description.layers] == ["Deps", "Own"]
        assert description.warnings == ()


def test_what_a_makefile_builds(tmp_path: Path) -> None:
    """Only the makefile knows it: the requirements of the project may be among it."""
    text = (
        f"{FUNCTION}      Layers: [!Ref L]\n    Metadata: {{BuildMethod: makefile}}\n"
        "  L: {Type: AWS::Serverless::LayerVersion, Metadata: {BuildMethod: makefile}, Properties: {ContentUri: .}}\n"
    )
    description = read(tmp_path, text)
    assert description is not None
    assert [each.own_requirements for each in description.functions] == [False]
    assert [(each.folder, each.settings) for each in description.layers] == [(None, {})]
    assert description.warnings == tuple(
        f"a makefile builds {what} of template.yaml, and was not read: compare what `wherry build` writes"
        for what in ("`Hello`", "the layer `L`")
    )


def test_layers_that_only_aws_knows(tmp_path: Path) -> None:
    """They are named as the template names them, so that their ARNs can be found."""
    layers = "[!ImportValue shared, !Sub 'arn:${AWS::Region}', !Ref L, !Join [':', [arn, !Ref AWS::Region, x]]]"
    text = f"{FUNCTION}      Layers: {layers}\n"
    description = read(tmp_path, text)
    assert functions(description)["Hello"][1] == {"handler": "app.lambda_handler"}
    assert description is not None
    assert description.warnings == tuple(
        f"`Hello` has the layer `{name}`, whose ARN only a deployment knows: add it to its `layers`"
        for name in ("shared", "arn:${AWS::Region}", "L", "arn:${AWS::Region}:x")
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Resources: {}",
        "Resources: []",
        "Resources: {Table: {Type: AWS::DynamoDB::Table}}",
        "Resources: {A: x, B: [], C: {Type: []}}",
        "Resources: {'Fn::ForEach::F': [a, [b], {}]}",
    ],
)
def test_no_function(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) is None


@pytest.mark.parametrize(
    "properties",
    ["[]", "x", "{CodeUri: [], Handler: {}}", "{CodeUri: {Ref: {Ref: x}}, Handler: a.b, Runtime: python3.13}",
     "{Layers: x, Architectures: x, Handler: a.b, Runtime: python3.13}",
     "{Architectures: [[], {}], Handler: a.b, Runtime: python3.13}",
     "{CodeUri: !Sub ['${A}', {A: !Sub ['${A}', {A: !Ref A}]}], Handler: a.b, Runtime: python3.13}",
     "{CodeUri: !Join [[], {}], Handler: a.b, Runtime: python3.13}",
     "{CodeUri: !Sub [a, {}], Handler: a.b, Runtime: python3.13}",
     "{CodeUri: !FindInMap [a, !Ref b, {}], Handler: a.b, Runtime: python3.13}",
     "{Layers: [{}, [], {Ref: []}, {'Fn::GetAtt': {}}, ''], Handler: a.b, Runtime: python3.13}"],
)  # fmt: skip
def test_values_of_other_kinds(tmp_path: Path, properties: str) -> None:
    text = f"Resources: {{A: {{Type: AWS::Serverless::Function, Properties: {properties}}}}}"
    assert read(tmp_path, text) is not None


def test_references_that_go_round(tmp_path: Path) -> None:
    text = f"Parameters: {{A: {{Default: !Ref A}}}}\n{FUNCTION}      CodeUri: !Ref A\n"
    description = read(tmp_path, text)
    assert description is not None
    assert description.functions == ()


def test_a_template_in_json(tmp_path: Path) -> None:
    text = (
        '{"Resources": {"A": {"Type": "AWS::Serverless::Function", "Properties":'
        ' {"CodeUri": "a", "Handler": "b.c", "Runtime": "python3.13"}}}}'
    )
    assert functions(read(tmp_path, text, "template.json")) == {"A": ("a", {"handler": "b.c"})}


NESTED = """\
Resources:
  {name}:
    Type: {kind}
    Properties:
      {property}: {place}
"""


@pytest.mark.parametrize(
    ("kind", "property_"),
    [
        ("AWS::Serverless::Application", "Location"),
        ("AWS::CloudFormation::Stack", "TemplateURL"),
    ],
)
def test_nested_applications(tmp_path: Path, kind: str, property_: str) -> None:
    """Their folders are relative to their own templates, and a name that is taken says whose it is."""
    inner = FUNCTION.replace("hello/", "src/")
    write_files(tmp_path, {"apps/orders/template.yaml": inner})
    nested = NESTED.format(
        name="Orders", kind=kind, property=property_, place="./apps/orders/template.yaml"
    )
    found = read(tmp_path, nested)
    assert functions(found) == {"Hello": ("apps/orders/src", {"handler": "app.lambda_handler"})}
    assert found is not None
    assert found.runtime == "python3.12"
    both = functions(read(tmp_path, FUNCTION + nested.removeprefix("Resources:\n")))
    assert {name: folder for name, (folder, _) in both.items()} == {
        "Hello": "hello",
        "Orders-Hello": "apps/orders/src",
    }


def test_what_is_given_to_a_nested_application(tmp_path: Path) -> None:
    """Parameters have precedence over defaults, and folders beside that of its template are the project's."""
    inner = (
        f"Parameters: {{Code: {{Default: gone}}, Python: {{Default: python3.9}}}}\n{FUNCTION}"
        "      CodeUri: !Sub '../../${Code}'\n      Runtime: !Ref Python\n"
        "  Out: {Type: AWS::Serverless::Function, Properties: {CodeUri: ../../../x, Handler: a.b}}\n"
    )
    write_files(tmp_path, {"apps/orders/template.yaml": inner})
    place = "apps/orders/template.yaml, Parameters: {Code: !Ref Code, Python: !ImportValue x}"
    nested = f"{{Type: AWS::Serverless::Application, Properties: {{Location: {place}}}}}"
    text = f"Parameters: {{Code: {{Default: shared/code}}}}\nResources: {{Orders: {nested}}}\n"
    found = read(tmp_path, text)
    assert functions(found) == {"Hello": ("shared/code", {"handler": "app.lambda_handler"})}
    assert found is not None
    assert found.runtime is None
    assert found.warnings == (
        "skipped `Out` of template.yaml: its code is not in a folder of the project",
    )


def test_layers_of_nested_applications(tmp_path: Path) -> None:
    inner = FUNCTION + (
        "      Layers: [!Ref Shared]\n"
        "  Shared:\n    Type: AWS::Serverless::LayerVersion\n"
        "    Properties:\n      ContentUri: shared\n    Metadata:\n      BuildMethod: python3.12\n"
    )
    write_files(tmp_path, {"one/t.yaml": inner, "two/t.yaml": inner})
    outer = "".join(
        NESTED.format(
            name=name, kind="AWS::Serverless::Application", property="Location", place=place
        ).removeprefix("Resources:\n")
        for name, place in (("One", "one/t.yaml"), ("Two", "two/t.yaml"))
    )
    found = read(tmp_path, "Resources:\n" + outer)
    assert found is not None
    assert {layer.name: layer.folder for layer in found.layers} == {
        "Shared": "one/shared",
        "Two-Shared": "two/shared",
    }
    assert functions(found)["Two-Hello"][1]["layers"] == ["Two-Shared"]


@pytest.mark.parametrize("place", ["../outside.yaml", "missing.yaml"])
def test_a_nested_application_that_is_not_there(tmp_path: Path, place: str) -> None:
    nested = NESTED.format(
        name="Orders", kind="AWS::Serverless::Application", property="Location", place=place
    )
    found = read(tmp_path, FUNCTION + nested.removeprefix("Resources:\n"))
    assert found is not None
    assert "application `Orders`" in found.warnings[0]


def test_applications_of_others_are_passed_over(tmp_path: Path) -> None:
    nested = NESTED.format(
        name="Theirs",
        kind="AWS::Serverless::Application",
        property="Location",
        place="{ApplicationId: x, SemanticVersion: 1.0.0}",
    )
    found = read(tmp_path, FUNCTION + nested.removeprefix("Resources:\n"))
    assert found is not None
    assert found.warnings == ()


def test_applications_that_nest_each_other_end(tmp_path: Path) -> None:
    nested = NESTED.format(
        name="Again",
        kind="AWS::Serverless::Application",
        property="Location",
        place="template.yaml",
    )
    found = read(tmp_path, FUNCTION + nested.removeprefix("Resources:\n"))
    assert found is not None
    assert functions(found) == {"Hello": ("hello", {"handler": "app.lambda_handler"})}


def test_a_template_in_another_folder(tmp_path: Path) -> None:
    """Its paths are relative to it, and the settings are the project's."""
    text = FUNCTION.replace("hello/", "../hello") + FUNCTION.replace("Resources:\n", "").replace(
        "Hello:", "Inside:"
    )
    write_files(tmp_path, {"infra/template.yaml": text})
    description = read_description(tmp_path / "infra/template.yaml", ProjectFiles(), tmp_path)
    assert {name: folder for name, (folder, _) in functions(description).items()} == {
        "Hello": "hello",
        "Inside": "infra/hello",
    }


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        ({"requirements.txt": "PyMySQL==1.1.2\n"}, {}),
        ({"requirements.txt": "PyMySQL==1.1.2\n", "pymysql/__init__.py": ""}, {"include": []}),
        (
            {"requirements.txt": "", "six.py": "", "six-1.17.0.dist-info/RECORD": ""},
            {"include": []},
        ),
    ],
)
def test_a_layer_that_is_installed_already(
    tmp_path: Path, files: dict[str, str], settings: dict[str, Any]
) -> None:
    """Without a method to build it, SAM packages it as it is; nothing is installed a second time."""
    write_files(tmp_path / "deps" / "python", files)
    layer = "{Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: deps}}"
    description = read(tmp_path, f"{FUNCTION}      Layers: [!Ref L]\n  L: {layer}\n")
    assert description is not None
    assert [(each.folder, each.settings) for each in description.layers] == [
        ("deps/python", settings)
    ]
