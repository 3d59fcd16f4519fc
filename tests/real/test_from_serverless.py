"""A project of the Serverless Framework moves in, as the page says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.interpreters import find_python
from support.moving import Move
from support.npm import node_modules
from support.projects import write_files
from support.serverless import ENVIRONMENT

if TYPE_CHECKING:
    from support.aws_account import Account

pytestmark = pytest.mark.real

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
