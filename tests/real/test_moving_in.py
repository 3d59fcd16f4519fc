"""Moving in: what the pages "Migrate from …" say, done to a real project of the other tool that is deployed.

Each page begins with the other tool's own deployment and ends with Wherry's, on LocalStack, which runs what it holds; the
functions answer the same before and after. The commands are read from the pages.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from uv import find_uv_bin

from support.aws_account import Account
from support.interpreters import find_python
from support.localstack import LocalStack, localstack
from support.npm import node_modules
from support.pages import Shell, directive, steps
from support.projects import write_files
from support.serverless import ENVIRONMENT
from support.tools import tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.real

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
# Its SDK is older than AWS_ENDPOINT_URL, and the page has the whole serverless.yml: Node loads this before.
_ENDPOINT = """\
const Module = require("module");
const load = Module._load;
Module._load = function (request, ...rest) {
  const found = load.call(this, request, ...rest);
  if (request === "aws-sdk" || request.startsWith("aws-sdk/")) {
    found?.config?.update({ endpoint: process.env.AWS_ENDPOINT_URL, s3ForcePathStyle: true });
  }
  return found;
};
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with localstack() as started:
        yield started


@pytest.fixture
def account(stack: LocalStack) -> Account:
    """One of its own for each test."""
    return stack.account()


class Move:
    """A page that is followed, and the functions that it is about."""

    def __init__(self, page: str, folder: Path, account: Account, **env: str) -> None:
        self.page = PAGES / page
        self.account = account
        self.root = folder / "shop"
        self.root.mkdir(exist_ok=True)
        packages = {
            name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_"))
        }
        self.shell = Shell(
            self.root, folder / "scratch", HOME=str(folder),
            **{**packages, **account.environment(), "HTTPS_PROXY": os.environ.get("HTTPS_PROXY", ""), **env},
        )  # fmt: skip

    def answer(self, function: str, event: object) -> Any:
        """The answer of a deployed function."""
        self.account.wait(function)
        said = self.account.functions.invoke(
            FunctionName=function, Payload=json.dumps(event).encode()
        )
        answer = json.loads(said["Payload"].read())
        assert "FunctionError" not in said, answer
        return answer

    def code(self, function: str) -> str:
        """The digest of the code that a function has."""
        return str(self.account.configuration(function)["CodeSha256"])

    def follow(self, here: Callable[[str], str] = str) -> Iterator[str]:
        """Follow the page, with a stop after each block that deploys; ``here`` may change what it says."""
        for block in steps(self.page, self.shell, here):
            if block.comment == "run" and re.search(r"^\$ \S+ deploy", block.text, re.MULTILINE):
                yield block.text


def test_every_page_has_its_test() -> None:
    marked = {path.name for path in PAGES.glob("*.md") if directive(path, "moving")}
    assert {f"from-{directive(PAGES / name, 'moving')}.md" for name in marked} == marked
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in marked)


def virtual_environment(root: Path, *requirements: str) -> dict[str, str]:
    """Variables of an active virtual environment with a tool and the project's requirements, as its users have it."""
    folder = root / ".venv"
    uv = [find_uv_bin(), "--quiet"]
    python = find_python("3.13")
    subprocess.run([*uv, "venv", "--no-project", "--seed", "--python", python, folder], check=True)
    interpreter = str(folder / "bin" / "python")
    install = [*uv, "pip", "install", "--python", interpreter, *requirements]
    subprocess.run(install, check=True)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {"VIRTUAL_ENV": str(folder), "PATH": path}


def order_event(resource: str, **parameters: str) -> dict[str, Any]:
    """The event of a REST API for an order."""
    return {
        "httpMethod": "GET", "resource": resource, "path": "/orders/Garden Chair", "headers": {"Host": "x.example"},
        "multiValueHeaders": {"Host": ["x.example"]}, "queryStringParameters": None,
        "multiValueQueryStringParameters": None, "body": None, "pathParameters": parameters,
        "stageVariables": None, "isBase64Encoded": False,
        "requestContext": {
            "resourcePath": resource, "path": "/api/orders/Garden Chair", "httpMethod": "GET", "stage": "api",
            "identity": {"sourceIp": "192.0.2.1"},
        },
    }  # fmt: skip


def test_chalice(tmp_path: Path, account: Account) -> None:
    root = tmp_path / "shop"
    order = order_event("/orders/{name}", name="Garden Chair")
    events = {
        "shop-dev": order,
        "shop-dev-total": {"prices": [40, 2]},
        "shop-dev-nightly": {
            "version": "0", "id": "x", "account": "1", "region": "eu-west-1", "source": "aws.events",
            "detail-type": "Scheduled Event", "detail": {"day": 1}, "time": "", "resources": [],
        },
    }  # fmt: skip
    write_files(
        root,
        {
            "requirements.txt": "python-slugify==8.0.4\n",
            "chalicelib/__init__.py": "",
            "chalicelib/names.py": "from slugify import slugify as slug\n",
            "events/order.json": json.dumps(order),
            "events/prices.json": json.dumps(events["shop-dev-total"]),
        },
    )
    env = virtual_environment(root, "chalice==1.34.0", "python-slugify==8.0.4")
    move = Move("from-chalice.md", tmp_path, account, **env)
    answers = [[move.answer(name, event) for name, event in events.items()] for _ in move.follow()]
    assert len(answers) == 2
    api, total, nightly = answers[0]
    assert json.loads(api["body"]) == {"greeting": "hello", "slug": "garden-chair"}
    assert (total, nightly) == (42, {"day": 1})
    assert answers[1] == answers[0]


def test_sam(tmp_path: Path, account: Account) -> None:
    # SAM builds with the runtime's Python.
    python = Path(find_python("3.13")).parent
    path = os.pathsep.join(map(str, (python, tool("sam").parent, os.environ["PATH"])))
    move = Move("from-sam.md", tmp_path, account, PATH=path, SAM_CLI_TELEMETRY="0")
    event = {"pathParameters": {"id": "Garden Chair"}}
    write_files(
        move.root,
        {
            "src/requirements.txt": "python-slugify==8.0.4\n",
            "src/shop/__init__.py": "",
            "src/shop/api.py": "import json\nimport os\n\nfrom slugify import slugify\n\n\n"
            "def handler(event, context):\n    name = slugify(event['pathParameters']['id'])\n"
            "    queue = bool(os.environ['QUEUE'])\n"
            "    body = {'greeting': os.environ['GREETING'], 'queue': queue, 'slug': name}\n"
            "    return {'statusCode': 200, 'body': json.dumps(body)}\n",
            "events/order.json": json.dumps(event),
        },
    )

    def name() -> str:
        """That CloudFormation has made up."""
        stack = account.client("cloudformation").describe_stack_resource(
            StackName="shop", LogicalResourceId="Api"
        )
        return str(stack["StackResourceDetail"]["PhysicalResourceId"])

    def here(text: str) -> str:
        shown = "shop-Api-1A2B3C4D5E6F"
        return text.replace(shown, name()) if shown in text else text

    answers = [move.answer(name(), event) for _ in move.follow(here)]
    assert len(answers) == 3
    expected = {"greeting": "hello", "queue": True, "slug": "garden-chair"}
    assert json.loads(answers[0]["body"]) == expected
    assert answers[1:] == answers[:1] * 2


def test_zappa(tmp_path: Path, stack: LocalStack) -> None:
    # The page has the number of the account.
    account = Account(stack.url, key="123456789012")
    root = tmp_path / "shop"
    order = order_event("/{proxy+}", proxy="orders/Garden Chair")
    write_files(
        root,
        {
            "requirements.txt": "flask==3.1.2\npython-slugify==8.0.4\n",
            "orders/__init__.py": "",
            "orders/web.py": "import os\n\nfrom flask import Flask, jsonify\nfrom slugify import slugify\n\n"
            "app = Flask(__name__)\n\n\n@app.get('/orders/<name>')\ndef order(name):\n"
            "    found = {name.lower(): os.environ[name] for name in ('GREETING', 'SHOP')}\n"
            "    return jsonify(**found, slug=slugify(name))\n",
            "orders/jobs.py": "def nightly(event, context):\n    return event['detail']\n",
            "events/order.json": json.dumps(order),
        },
    )
    env = virtual_environment(
        root, "zappa==0.63.0", "setuptools", "-r", str(root / "requirements.txt")
    )
    move = Move("from-zappa.md", tmp_path, account, **env)
    answers = [move.answer("orders-production", order) for _ in move.follow()]
    assert len(answers) == 2
    for answer in answers:
        expected = {"greeting": "hello", "shop": "garden", "slug": "garden-chair"}
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, expected)
    assert move.answer("orders-nightly", {"detail": {"day": 1}}) == {"day": 1}


def test_serverless(tmp_path: Path, account: Account) -> None:
    modules = node_modules("serverless@3.40.0", "serverless-python-requirements@6.1.2")
    endpoint = tmp_path / "endpoint.js"
    endpoint.write_text(_ENDPOINT)
    env = {**ENVIRONMENT, "NODE_OPTIONS": f"--require {endpoint}", "CI": "1"}
    # The plugin runs pip of the runtime's Python.
    python = Path(find_python("3.13")).parent
    path = os.pathsep.join(map(str, (modules / ".bin", python, os.environ["PATH"])))
    move = Move("from-serverless.md", tmp_path, account, PATH=path, **env)
    (move.root / "node_modules").symlink_to(modules)
    event = {"pathParameters": {"id": "Garden Chair"}}
    write_files(
        move.root,
        {
            "requirements.txt": "python-slugify==8.0.4\npytest==9.0.1\nboto3==1.42.0\n",
            "shop/__init__.py": "",
            "shop/api.py": "import json\nimport os\n\nfrom slugify import slugify\n\n\n"
            "def handler(event, context):\n    name = slugify(event['pathParameters']['id'])\n"
            "    body = {'greeting': os.environ['GREETING'], 'slug': name}\n"
            "    return {'statusCode': 200, 'body': json.dumps(body)}\n",
            "shop/jobs.py": "import slugify\n\n\ndef nightly(event, context):\n    return slugify.__version__\n",
            "events/order.json": json.dumps(event),
            "tests/test_api.py": "import pytest\n",
        },
    )
    answers = [
        (move.answer("shop-dev-api", event), move.answer("shop-dev-nightly", {}))
        for _ in move.follow()
    ]
    assert len(answers) == 3
    assert json.loads(answers[0][0]["body"]) == {"greeting": "hello", "slug": "garden-chair"}
    assert answers[0][1] == "8.0.4"
    assert answers[1:] == answers[:1] * 2
