"""Events as users give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherry.errors import InvokeError
from wherry.invoke.event import read_event


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
    assert caught.value.hint == "quote it for your shell: --event '{\"id\": 7}'"
