"""Applications of the alpha constructs of the AWS CDK move to Wherry's by one line, as the how-to page says.

Before and after are deployed to LocalStack by the CDK's own command line, and invoked there. The containers of the
alpha constructs are stood for by `support.cdk_docker`; afterwards there is none.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.aws_account import Account
from support.cdk import CLI, ROOT, cdk_environment, cdk_python
from support.cdk_docker import write_docker
from support.index import serve_index
from support.npm import npm_environment
from support.pages import commands_of, marked
from support.projects import write_files
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.localstack import LocalStack

pytestmark = pytest.mark.real

PAGE = "from-cdk-lambda-python-alpha.md"
ACCOUNT = "210987654321"
ALPHA = make_wheel("alpha", "1.2", files={"alpha/__init__.py": b"VERSION = '1.2'\n"})
BETA = make_wheel("beta", "2.0", files={"beta.py": b"VERSION = '2.0'\n"})
API = """\
import os
from pathlib import Path

import alpha, beta


def handler(event, context):
    here = Path(__file__).parents[1]
    return {
        "event": event,
        "versions": [alpha.VERSION, beta.VERSION],
        "stage": os.environ["STAGE"],
        "hook": (here / "built.txt").read_text().strip(),
        "secret": (here / "secret.py").exists(),
        "timeout": context.get_remaining_time_in_millis() <= 10_000,
    }
"""
PYTHON = """\
import aws_cdk as cdk
import jsii
from aws_cdk.aws_lambda import Architecture, Runtime

{line}

@jsii.implements(ICommandHooks)
class Hooks:
    def before_bundling(self, input_dir, output_dir):
        return [f"cd {{input_dir}}", f"cp note.txt {{output_dir}}/built.txt"]

    def after_bundling(self, input_dir, output_dir):
        return []


app = cdk.App()
stack = cdk.Stack(app, "python")
layer = PythonLayerVersion(
    stack, "Dependencies", entry="layer", compatible_runtimes=[Runtime.PYTHON_3_13]
)
PythonFunction(
    stack,
    "Api",
    function_name="python-api",
    entry="services/api",
    runtime=Runtime.PYTHON_3_13,
    index="shop/api.py",
    handler="handler",
    architecture=Architecture.X86_64,
    layers=[layer],
    timeout=cdk.Duration.seconds(10),
    environment={{"STAGE": "test"}},
    bundling=BundlingOptions(
        asset_excludes=["secret.py"], command_hooks=Hooks(), poetry_include_hashes=True
    ),
)
app.synth()
"""
TYPESCRIPT = """\
import * as cdk from "aws-cdk-lib";
import {{ Architecture, Runtime }} from "aws-cdk-lib/aws-lambda";
{line}
const app = new cdk.App();
const stack = new cdk.Stack(app, "typescript");
const layer = new PythonLayerVersion(stack, "Dependencies", {{
  entry: "layer",
  compatibleRuntimes: [Runtime.PYTHON_3_13],
}});
new PythonFunction(stack, "Api", {{
  functionName: "typescript-api",
  entry: "services/api",
  runtime: Runtime.PYTHON_3_13,
  index: "shop/api.py",
  handler: "handler",
  architecture: Architecture.X86_64,
  layers: [layer],
  timeout: cdk.Duration.seconds(10),
  environment: {{ STAGE: "test" }},
  bundling: {{
    assetExcludes: ["secret.py"],
    commandHooks: {{
      beforeBundling: (input, output) => [`cd ${{input}}`, `cp note.txt ${{output}}/built.txt`],
      afterBundling: () => [],
    }},
  }},
}});
app.synth();
"""
TSC = ("--strict", "--skipLibCheck", "--types node", "--module commonjs", "--target es2022")
FILES = {
    "python": ("app.py", PYTHON, "python app.py"),
    "typescript": (
        "app.ts",
        TYPESCRIPT,
        f"node_modules/.bin/tsc {' '.join(TSC)} app.ts && node app.js",
    ),
}


@pytest.fixture(scope="module")
def account(stack: LocalStack) -> Account:
    return Account(stack.url, key=ACCOUNT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, account: Account) -> Iterator[Path]:
    """An application of the alpha constructs, in Python and in TypeScript, in an account that is bootstrapped."""
    root = tmp_path_factory.mktemp("move") / "application"
    with serve_index([ALPHA, BETA]) as index:
        lines = {
            made: f"--index-url {index.simple}\n{name} --hash=sha256:{made.sha256}\n"
            for made, name in ((ALPHA, "alpha==1.2"), (BETA, "beta==2.0"))
        }
        services = {
            "services/api/shop/__init__.py": "",
            "services/api/shop/api.py": API,
            "services/api/secret.py": "",
            "services/api/note.txt": "by a hook\n",
            "services/api/requirements.txt": lines[ALPHA],
            "layer/requirements.txt": lines[BETA],
        }
        write_files(root, {**services, "package.json": "{}"})
        ignored = shutil.ignore_patterns("node_modules", "dist", "*.tgz")
        module = root.parent / "wherry/integrations/cdk-typescript"
        shutil.copytree(ROOT / "integrations/cdk-typescript", module, ignore=ignored)
        write_docker(root.parent / "engine", cdk_python())
        alpha = "@aws-cdk/aws-lambda-python-alpha@2.269.0-alpha.0"
        install = ("npm", "install", "--no-audit", "--no-fund", *CLI, alpha)
        subprocess.run(install, cwd=root, env=npm_environment(), check=True, capture_output=True)
        for command in commands_of(PAGE, "typescript install"):
            done = subprocess.run(
                command, shell=True, cwd=root, env=npm_environment(), check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout
        shell(root, account, f"cdk bootstrap aws://{ACCOUNT}/eu-west-1")
        yield root


def shell(root: Path, account: Account, command: str, **env: str) -> str:
    """The output of a command, in an environment without a container engine."""
    environment = cdk_environment(root.parent / "store", **{**account.environment(), **env})
    commands = root.parent / "commands"
    for name, words in {
        "python": [str(cdk_python())],
        "wherry": [sys.executable, "-m", "wherry"],
        "cdk": [str(root / "node_modules/.bin/cdk")],
    }.items():
        (commands / name).write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (commands / name).chmod(0o755)
    options = {"CDK_DISABLE_CLI_TELEMETRY": "true", "HOME": str(root.parent), "CI": "1"}
    done = subprocess.run(
        ["/bin/sh", "-c", f"{command} --no-notices"],
        cwd=root, env={**environment, **options}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def properties(root: Path, name: str) -> dict[str, Any]:
    """The resources of the template, apart from metadata and the digests of packages."""
    resources = json.loads((root / f"cdk.out/{name}.template.json").read_text())["Resources"]
    found = {}
    for key, resource in resources.items():
        if resource["Type"] != "AWS::CDK::Metadata":
            source = resource["Properties"].get("Code") or resource["Properties"].get("Content")
            if source:
                assert len(source.pop("S3Key")) == 68
            found[key] = {**resource, "Metadata": None}
    return found


def invoke(account: Account, name: str) -> Any:
    answered = account.functions.invoke(FunctionName=name, Payload=b'{"id": 7}')
    answer = json.loads(answered["Payload"].read())
    assert "FunctionError" not in answered, answer
    return answer


@pytest.mark.parametrize("language", FILES)
def test_one_line_is_changed(language: str, folder: Path, account: Account) -> None:
    name, text, app = FILES[language]
    before, after = (marked(PAGE, f"{language} {when}") for when in ("before", "after"))
    write_files(folder, {name: text.format(line=before), "cdk.json": json.dumps({"app": app})})
    docker = str(folder.parent / "engine" / "docker")
    shell(folder, account, "cdk deploy --require-approval never", CDK_DOCKER=docker)
    template = properties(folder, language)
    code = account.configuration(f"{language}-api")["CodeSha256"]
    answer = invoke(account, f"{language}-api")
    assert answer == {
        "event": {"id": 7},
        "versions": ["1.2", "2.0"],
        "stage": "test",
        "hook": "by a hook",
        "secret": False,
        "timeout": True,
    }

    write_files(folder, {name: text.format(line=after)})
    said = [shell(folder, account, command) for command in commands_of(PAGE, "move")]
    assert said[0].count(".S3Key") == 2
    assert properties(folder, language) == template
    assert account.configuration(f"{language}-api")["CodeSha256"] != code
    assert invoke(account, f"{language}-api") == answer
    if language == "python":
        assert "no changes" in shell(folder, account, "cdk deploy --require-approval never")
