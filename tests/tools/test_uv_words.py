"""The words of uv that a user sees name his files, and options that Wherry has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.locks import Heard, lock_context
from wherry.errors import LockError
from wherry.events import Warned
from wherry.lock.resolve import Requirements, resolve
from wherry.tools.uv import _messages
from wherry.tools.uv_words import own_hint, with_place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("hint", "ours"),
    [
        (None, None),
        ("Look again", "Look again"),
        ("run once without `--offline`", "run once without `--offline`"),
        ("pre-releases weren't enabled (try: `--prerelease=allow`)", "`prerelease` in [tool.uv]"),
        ("use `--index-strategy unsafe-best-match`", "set `index-strategy` in [tool.uv]"),
        ("Consider `--native-tls`", "set `UV_SYSTEM_CERTS=1`, or `SSL_CERT_FILE`"),
        ("Consider `--no-such-option-here`", None),
    ],
)
def test_hints_name_options_that_there_are(hint: str | None, ours: str | None) -> None:
    found = own_hint(hint)
    assert (found is None) == (ours is None)
    assert (found or "").endswith(ours or "")


@pytest.mark.parametrize(
    ("cause", "ours"),
    [
        ("Couldn't parse requirement in `-` at position 11", "Couldn't parse requirement `http://` of `a.txt`"),
        ("bad in `-` at position 0", "bad `idna==3.10` of `a.txt`"),
        ("bad in `-` at position 99", "bad in `a.txt`"),
        ("No dependencies found in stdin", "No dependencies found in `a.txt`"),
        ("a-b `x` - c", "a-b `x` - c"),
    ],
)  # fmt: skip
def test_the_line_of_a_file_is_named(cause: str, ours: str) -> None:
    assert with_place(cause, "a.txt", ["idna==3.10", "http://"]) == ours


def test_a_file_without_requirements_is_empty_and_says_nothing(tmp_path: Path) -> None:
    heard = Heard()
    text = "# nothing\n\n--extra-index-url http://127.0.0.1:9/\n"
    wanted = Requirements(name="requirements.txt", base=tmp_path, text=text)
    assert resolve(wanted, lock_context(tmp_path, reporter=heard)).packages == []
    assert heard.texts(Warned) == []


def test_a_requirement_that_uv_cannot_read(tmp_path: Path) -> None:
    wanted = Requirements(name="requirements.txt", base=tmp_path, text="alpha==1.0\nhttp://\n")
    with pytest.raises(LockError) as caught:
        resolve(wanted, lock_context(tmp_path))
    assert caught.value.where[0].endswith("`http://` of `requirements.txt`")


def test_progress_is_no_part_of_a_warning() -> None:
    text = "warning: `x` is deprecated\n   Updating https://host/x (main)\n"
    assert _messages(text) == [("warning:", "`x` is deprecated")]
