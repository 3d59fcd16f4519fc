"""Moving in: what the pages "Migrate from …" say, done to a real project of the other tool that is deployed.

Each page begins with the other tool's own deployment and ends with Wherry's, on LocalStack, which runs what it holds; the
functions answer the same before and after. The commands are read from the pages.
"""

from __future__ import annotations

import itertools
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
from support.node_tools import serverless, serverless_environment
from support.pages import Shell, directive, steps
from support.projects import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with localstack() as started:
        yield started


@pytest.fixture
def account(stack: LocalStack) -> Account:
    """One of its own for each test."""
    return Account(stack.url, key=f"{next(numbers):012}")


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
        """What a deployed function says."""
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

    def follow(self) -> Iterator[str]:
        """Follow the page, with a stop after each block that deploys."""
        for block in steps(self.page, self.shell):
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


def test_chalice(tmp_path: Path, account: Account) -> None:
    root = tmp_path / "shop"
    route = {"resourcePath": "/orders/{name}", "httpMethod": "GET", "stage": "api", "identity": {}}
    order = {
        "httpMethod": "GET", "resource": "/orders/{name}", "path": "/orders/Garden Chair", "headers": {},
        "multiValueHeaders": {}, "multiValueQueryStringParameters": None, "body": None,
        "pathParameters": {"name": "Garden Chair"}, "stageVariables": None, "isBase64Encoded": False,
        "requestContext": route,
    }  # fmt: skip
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


def test_serverless(tmp_path: Path, account: Account) -> None:
    modules = serverless()
    # The plugin runs pip of the runtime's Python.
    python = Path(find_python("3.13")).parent
    path = os.pathsep.join(map(str, (modules / ".bin", python, os.environ["PATH"])))
    move = Move("from-serverless.md", tmp_path, account, PATH=path, **serverless_environment())
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
