"""Applications of the AWS CDK, as their texts show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.settings.foreign.find import read_description
from wherry.settings.init.proposal import propose
from wherry.settings.project import read_project

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.settings.foreign.model import Description

HANDLER = "def handler(event, context): ...\n"
ARN = "arn:aws:lambda:eu-west-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:7"


def read(folder: Path, **texts: str) -> Description | None:
    """The description of an application whose files are named ``stack_py``, ``lib__stack_ts`` and so on."""
    files = {
        f"{name.replace('__', '/').rpartition('_')[0]}.{name.rpartition('_')[2]}": text
        for name, text in texts.items()
    }
    write_files(folder, {"cdk.json": '{"app": "python3 app.py"}', **files})
    return read_description(folder / "cdk.json", ProjectFiles())


def functions(description: Description | None) -> dict[str, tuple[str, dict[str, Any]]]:
    assert description is not None
    return {each.name: (each.folder, dict(each.settings)) for each in description.functions}


@pytest.mark.parametrize(
    ("code", "folder"),
    [
        ("lambda_.Code.from_asset('fn')", "fn"),
        ("lambda_.Code.from_asset(path='./fn/')", "fn"),
        ("Code.from_asset(os.path.join(HERE, '..', 'fn'))", "fn"),
        ("Code.from_asset(os.path.join(os.path.dirname(__file__), '../fn'))", "fn"),
        ("Code.from_asset(str(Path(__file__).parent.parent.joinpath('fn')))", "fn"),
        ("Code.from_asset((Path(__file__).parent / 'fn' / 'x').resolve().as_posix())", "stacks/fn/x"),
        ("Code.from_asset(f'{LEAD}/x')", "src/x"),
        ("Code.from_asset('./' + LEAD + '/y')", "src/y"),
        ("Code.from_asset(settings.CODE)", "code"),
        ("Code.from_asset('fn', exclude=['*.md'], bundling=BundlingOptions(image=i, command=['x']))", "fn"),
        ("lambda_.AssetCode('fn')", "fn"),
        ("FN", "fn"),
    ],
)  # fmt: skip
def test_folders_in_python(tmp_path: Path, code: str, folder: str) -> None:
    """Relative to the application or to the file, through constants of this file and of others."""
    text = f"""
HERE = os.path.dirname(os.path.abspath(__file__))
LEAD = "src"
FN = lambda_.Code.from_asset("fn")

class Shop(Stack):
    def __init__(self, scope, id):
        self.fn = lambda_.Function(self, "Orders-Fn", code={code}, handler="app.handler", runtime=lambda_.Runtime.PYTHON_3_13)
"""
    description = read(tmp_path, stacks__shop_py=text, settings_py="CODE: str = 'code'\n")
    assert functions(description) == {"Orders-Fn": (folder, {"handler": "app.handler"})}
    assert description is not None
    assert description.runtime == "python3.13"


@pytest.mark.parametrize(
    ("code", "folder"),
    [
        ("lambda.Code.fromAsset('fn')", "fn"),
        ("lambda.Code.fromAsset(path.join(__dirname, '..', 'fn'))", "fn"),
        ("lambda.Code.fromAsset(path.join(__dirname, '/../fn'))", "fn"),
        ("lambda.Code.fromAsset(join(__dirname, `../${folder}/x`), { bundling: { image } })", "src/x"),
        ("Code.fromAsset(path.resolve('fn'))", "fn"),
        ("new AssetCode('fn')", "fn"),
        ("Code.fromAsset(props.code!)", "code"),
    ],
)  # fmt: skip
def test_folders_in_typescript(tmp_path: Path, code: str, folder: str) -> None:
    """The same, with the properties of several objects together."""
    text = f"""
const folder: string = 'src';
const common = {{ runtime: lambda.Runtime.PYTHON_3_12, architecture: lambda.Architecture.ARM_64 }};
export class Shop extends Stack {{
  constructor(scope: Construct, id: string) {{
    const fn = new lambda.Function(this, 'Orders', {{
      ...common,
      code: {code}, // the code
      handler: 'app.handler',
      environment: {{ TABLE: table.tableName, LEVEL: 'info' }},
    }});
  }}
}}
"""
    description = read(tmp_path, lib__shop_ts=text, lib__names_ts="this.code = 'code';\n")
    expected = {"handler": "app.handler", "environment": {"TABLE": True, "LEVEL": "info"}}
    assert functions(description) == {"Orders": (folder, expected)}
    assert description is not None
    assert (description.runtime, description.architecture) == ("python3.12", "arm64")


def test_the_alpha_constructs(tmp_path: Path) -> None:
    """``PythonFunction`` with its defaults and without, and layers by name and by ARN."""
    text = f"""
from aws_cdk import aws_lambda_python_alpha as python

layer = python.PythonLayerVersion(self, "Common", entry="layers/common")
other = lambda_.LayerVersion.from_layer_version_arn(self, "Tools", "{ARN}")
python.PythonFunction(self, "One", entry="one", runtime=Runtime.PYTHON_3_13, layers=[layer, other])
python.PythonFunction(self, "Two", entry="two", index="src/main.py", handler="run", runtime=RUNTIME)
"""
    description = read(tmp_path, app_py=text, constants_py="RUNTIME = Runtime.PYTHON_3_12\n")
    assert functions(description) == {
        "One": ("one", {"handler": "index.handler", "layers": ["Common", ARN]}),
        "Two": ("two", {"handler": "src.main.run"}),
    }
    assert description is not None
    assert [(layer.name, layer.folder) for layer in description.layers] == [("Common", "layers/common")]  # fmt: skip
    assert [each.runtime for each in description.functions] == ["python3.13", "python3.12"]


def test_names(tmp_path: Path) -> None:
    """Equal identifiers of several stacks, and identifiers that only running the stack tells."""
    text = """
Function(self, "Fn", code=Code.from_asset("src/one"), handler="app.handler")
Function(self, "Fn", code=Code.from_asset("src/two"), handler="app.handler")
Function(self, "Fn", code=Code.from_asset("src/two"), handler="jobs.handler")
Function(self, "Fn", code=Code.from_asset("src/one"), handler="app.handler")
Function(self, f"{name}-fn", code=Code.from_asset("src/three"), handler="app.handler")
"""
    assert [*functions(read(tmp_path, app_py=text))] == ["Fn", "two-Fn", "jobs-Fn", "three"]


@pytest.mark.parametrize(
    ("construct", "kind", "said"),
    [
        ("Function(self, 'A', code=Code.from_asset('a'), handler='a.b', runtime=Runtime.NODEJS_20_X)", "notes", "it is not in Python"),
        ("NodejsFunction(self, 'A', entry='a.ts')", "notes", "it is not in Python"),
        ("Function(self, 'A', code=Code.from_inline(text), handler='index.b')", "notes", "its code is in the stack"),
        ("Function(self, 'A', code=InlineCode(text), handler='index.b')", "notes", "its code is in the stack"),
        ("Function(self, 'A', code=Code.from_docker_build('a'), handler='a.b')", "notes", "a program of its own builds its code"),
        ("Function(self, 'A', code=Code.from_bucket(b, 'k'), handler='a.b')", "notes", "its code is in a bucket"),
        ("DockerImageFunction(self, 'A', code=DockerImageCode.from_image_asset('a'), handler='')", "notes", "it is a container image"),
        ("Function(self, 'A', code=Code.from_asset('../a'), handler='a.b')", "warnings", "its code is in `../a`, outside of the project"),
        ("Function(self, 'A', code=Code.from_asset(where()), handler='a.b')", "warnings", "the text does not name the folder of its code"),
        ("Function(self, 'A', code=Code.from_asset('a'), handler=name)", "warnings", "the text does not name its handler"),
    ],
)  # fmt: skip
def test_what_is_passed_over_is_said(tmp_path: Path, construct: str, kind: str, said: str) -> None:
    description = read(tmp_path, app_py=f"\n{construct}\n")
    assert getattr(description, kind) == (f"skipped `A` of app.py:2: {said}",)
    assert functions(description) == {}


def test_what_is_no_function(tmp_path: Path) -> None:
    """Functions of AppSync and CloudFront, classes, and calls without code."""
    text = """
class MyFunction(Function): ...
AppsyncFunction(self, "A", code=Code.from_asset("a.js"), runtime=FunctionRuntime.JS_1_0_0)
cloudfront.Function(self, "B", code=FunctionCode.from_file(file_path="b.js"))
add_function("C")
"""
    assert read(tmp_path, app_py=text) is None
    (tmp_path / "venv").mkdir()
    write_files(tmp_path, {"venv/pyvenv.cfg": "", "venv/x.py": "Function(code=c, handler='a.b')\n"})
    assert read(tmp_path) is None


def test_a_layer_that_is_not_known(tmp_path: Path) -> None:
    text = "Function(self, 'A', code=Code.from_asset('a'), handler='a.b', layers=[find(self)])\n"
    description = read(tmp_path, app_py=text)
    assert description is not None
    assert description.warnings == (
        "`A` of app.py:1 has a layer that the text does not show: add it to its `layers`",
    )


def test_settings(tmp_path: Path) -> None:
    """Functions ship their folders, and not the requirements of the application, which are for the stacks."""
    text = """
Function(self, "Api", code=Code.from_asset("api"), handler="lambda-handler.handler")
Function(self, "Jobs", code=Code.from_asset("jobs"), handler="app.handler")
"""
    write_files(
        tmp_path / "infra",
        {
            "cdk.json": "{}", "app.py": text.replace("api", "../api").replace("jobs", "../jobs"),
            "requirements.txt": "aws-cdk-lib==2.1.0\n",
        },
    )  # fmt: skip
    write_files(
        tmp_path,
        {
            "cdk.json": "{}", "app.py": text, "requirements.txt": "aws-cdk-lib==2.1.0\n",
            "api/lambda-handler.py": HANDLER, "jobs/app.py": HANDLER, "jobs/requirements.txt": "idna==3.10\n",
        },
    )  # fmt: skip
    project = read_project(tmp_path)
    for config in (None, tmp_path / "infra" / "cdk.json"):
        proposal = propose(project, config=config)
        assert proposal.table["functions"] == {
            "Api": {"root": "api", "handler": "lambda-handler.handler", "include": []},
            "Jobs": {"root": "jobs", "handler": "app.handler"},
        }
        assert proposal.notes[0] == "read the app of the AWS CDK"


def test_an_app_that_does_not_show_its_functions(tmp_path: Path) -> None:
    """They are looked for in the files; what the stacks require does not belong to them."""
    warning = (
        "requirements.txt names `aws-cdk-lib`, which deploys functions and would be a part of them: "
        "keep what they import in a file of its own, and name that in `lock`"
    )
    files = {
        "cdk.json": "{}", "app.py": "App(stack())\n", "requirements.txt": "# aws-cdk.core\naws-cdk-lib==2.1.0\n",
        "fn/main.py": HANDLER,
    }  # fmt: skip
    proposal = propose(read_project(write_files(tmp_path, files)))
    assert proposal.warnings == (warning,)
    assert [each["handler"] for each in proposal.table["functions"].values()] == ["fn.main.handler"]
