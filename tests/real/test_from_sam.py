"""A project of SAM moves in, as the page says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.interpreters import find_python
from support.moving import Move
from support.projects import write_files
from support.tools import tool

if TYPE_CHECKING:
    from support.aws_account import Account

pytestmark = pytest.mark.real


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
