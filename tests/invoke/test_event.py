"""Events as users give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.errors import InvokeError
from wherry.invoke.event import client_context, make_request, parse_headers, read_event


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_is_passed_on_as_utf_8(encoding: str, tmp_path: Path) -> None:
    """PowerShell writes UTF-16 with ``>``."""
    path = tmp_path / "event.json"
    path.write_text('{"n": "ü"}', encoding=encoding)
    assert read_event(str(path)) == '{"n": "ü"}'.encode()


def test_an_object_in_place_of_a_file() -> None:
    assert json.loads(read_event(' {"n": "ü"}')) == {"n": "ü"}
    with pytest.raises(InvokeError) as caught:
        read_event("{id: 7}")
    assert read_event("[1]") == b"[1]"
    assert read_event('"x"') == b'"x"'
    assert caught.value.hint == "quote it for your shell: --event '{\"id\": 7}'"


@pytest.mark.parametrize("header", ["a", ": b", "a b: c", "a: b\nc: d", "ä: b"])
def test_what_is_no_header(header: str) -> None:
    assert parse_headers(["a:", "b : c : d"]) == [("a", ""), ("b", "c : d")]
    with pytest.raises(InvokeError, match="is not a header"):
        parse_headers([header])


@pytest.mark.parametrize("method", ["", "G@T", "GET /"])
def test_what_is_no_method(method: str) -> None:
    """As of a variable of a script that is not set."""
    with pytest.raises(InvokeError, match="is not the method of a request"):
        make_request(method, "/", [], b"")


def test_arguments_that_are_not_utf_8() -> None:
    """Their bytes come as halves of characters."""
    request = make_request("GET", "/\udcff?\udcfe", [], b"")
    assert (request.path, request.query) == ("/%FF", "%FE")


def test_a_client_context_with_half_of_a_character() -> None:
    assert client_context('{"custom": {"a": "\\ud800"}}') == '{"custom": {"a": "\\ud800"}}'
