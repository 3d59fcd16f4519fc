"""Which wheels AWS's runtime client is made of. That they are on PyPI, and run, is shown by the slower tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.contexts import context
from support.index import serve_index
from support.wheels import make_wheel
from wherry.errors import FetchError
from wherry.invoke.client import client_files, prepare_client
from wherry.invoke.interpreter import Interpreter
from wherry.store import Store


def interpreter(minor: int, suffix: str) -> Interpreter:
    return Interpreter(
        path=Path("python"), version=(3, minor, 0), machine="x86_64", suffix=suffix, folders=()
    )


@pytest.mark.parametrize("minor", range(9, 15))
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_wheel_for_every_runtime(minor: int, machine: str) -> None:
    suffix = f".cpython-3{minor}-{machine}-linux-gnu.so"
    client, json, snapshot = client_files(interpreter(minor, suffix))
    assert f"-cp3{minor}-cp3{minor}-" in client.filename
    assert client.filename.endswith(f"_{machine}.whl")
    assert json.name == "simplejson"
    assert minor == 14 or json.filename.endswith(f"_{machine}.whl")
    assert snapshot.filename == "snapshot_restore_py-1.0.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "suffix", [".cpython-313-darwin.so", ".cpython-313-x86_64-linux-musl.so", ".cpython-313t-x86_64-linux-gnu.so"]
)  # fmt: skip
def test_where_there_is_none_any_has_the_python_part(suffix: str) -> None:
    client, json, _ = client_files(interpreter(13, suffix))
    assert (client.name, client.version) == ("awslambdaric", "4.2.2")
    assert json.filename == "simplejson-3.20.2-py3-none-any.whl"
    older, _, _ = client_files(interpreter(9, suffix))
    assert older.version == "4.0.4"


def test_it_cannot_be_fetched(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    here = interpreter(13, ".cpython-313-x86_64-linux-gnu.so")
    with pytest.raises(FetchError, match="AWS's runtime client") as caught:
        prepare_client(here, context(store, offline=True))
    assert "awslambdaric" in str(caught.value)
    with serve_index([make_wheel("other")]) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.simple)
        with pytest.raises(FetchError, match="AWS's runtime client"):
            prepare_client(here, context(store))
