"""Packages of a stage, fetched to be compared."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from support.projects import EMPTY_LOCK, write_files
from support.storage import Storage, serve_storage
from support.zips import HANDLER, write_package
from wherry.aws.client import Client
from wherry.aws.live_packages import download_packages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from support.aws_account import Account
    from support.command import Wherry

PYPROJECT = """\
[project]
name = "shop"
version = "1.0"

[tool.wherry]
runtime = "python3.13"

[tool.wherry.functions.api]
handler = "shop.handler"

[tool.wherry.stages.staging]
region = "eu-west-1"
"""


def test_functions_and_layers_are_fetched(account: Account, client: Client, tmp_path: Path) -> None:
    code = write_package(tmp_path / "code.zip", {"shop.py": HANDLER}).read_bytes()
    layer = write_package(tmp_path / "layer.zip", {"python/lib.py": ""}).read_bytes()
    account.function("shop-api", code)
    account.layer("shop-base", layer)
    with ExitStack() as stack:
        served = stack.enter_context(serve_storage(Storage(others={"code": code, "layer": layer})))

        # The addresses that the stand-in gives lead nowhere.
        def lead(parsed: dict[str, Any], **_: object) -> None:
            for part, name in (("Code", "code"), ("Content", "layer")):
                if part in parsed:
                    parsed[part]["Location"] = served.url(name)

        for operation in ("GetFunction", "GetLayerVersion"):
            client.functions.meta.events.register(f"after-call.lambda.{operation}", lead)
        found = download_packages(
            client, {"api": "shop-api", "new": "shop-new"}, {"base": "shop-base"}, tmp_path
        )
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "api": code,
        "base": layer,
    }


def test_a_stage_that_has_nothing_yet(
    account: Account, wherry: Wherry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in account.environment().items():
        monkeypatch.setenv(name, value)
    write_files(
        wherry.cwd, {"pyproject.toml": PYPROJECT, "pylock.toml": EMPTY_LOCK, "shop.py": HANDLER}
    )
    done = wherry("inspect", "--against", "staging", "--exit-code")
    assert done.code == 3, done.err
    assert done.out.startswith("api: 0 B → ")
    assert "  shop 1.0 new, +" in done.out or "  shop new, +" in done.out
