"""A project of Chalice moves in, as the page says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.moving import Move, order_event, virtual_environment
from support.projects import write_files

if TYPE_CHECKING:
    from pathlib import Path

    from support.aws_account import Account

pytestmark = pytest.mark.real


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
