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

from uv import find_uv_bin

from support.interpreters import find_python
from support.pages import Shell, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.aws_account import Account

__all__ = ["Move", "order_event", "virtual_environment"]

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


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
