"""A project of Zappa moves in, as the page says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.aws_account import Account
from support.moving import Move, order_event, virtual_environment
from support.projects import write_files

if TYPE_CHECKING:
    from pathlib import Path

    from support.localstack import LocalStack

pytestmark = pytest.mark.real


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
