"""Whether what a handler or app names is in the package: told from the files alone.

S9: an unknown name or app is a clear error.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from wherry.errors import SettingsError
from wherry.shims.package import Package
from wherry.shims.shim import check_handler


def package(files: Mapping[str, str | bytes], *, complete: bool = True) -> Package:
    contents = {
        path: data if isinstance(data, bytes) else data.encode() for path, data in files.items()
    }
    return Package(lookup=contents.get, paths=lambda: contents, complete=complete)


@pytest.mark.parametrize(
    "text",
    [
        "def handler(event, context): ...",
        "handler = make()",
        "handler: object = make()",
        "other, (*rest, handler) = make()",
        "from elsewhere import handler",
        "from elsewhere import run as handler",
        "import handler",
        "import handler.inner",
        "try:\n    import x\nexcept ImportError:\n    handler = None",
        "if True:\n    pass\nelse:\n    def handler(event, context): ...",
        "with open('x') as handler:\n    pass",
        "for handler in things: ...",
        "match 1:\n    case 1:\n        handler = print",
        "if (handler := make()): ...",
        "def set_up():\n    global handler\n    handler = print\nset_up()",
        # Not to be told, and so accepted.
        "from elsewhere import *",
        "def __getattr__(name): ...",
        "globals()['handler'] = 1",
        "exec('handler = print')",
        "this is the language of a newer Python",
        "x = '\\d'\nhandler = print",
        "\0",
    ],
)
def test_a_name_that_is_there_or_may_be(text: str) -> None:
    assert check_handler("api.handler", package({"api.py": text})) == "api.handler"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "def handle(event, context): ...",
        "def other():\n    handler = print",
        "class Other:\n    def handler(self): ...",
        "x.handler = print",
        "handler: object",
        "handler",
    ],
)
def test_a_name_that_is_not_there(text: str) -> None:
    with pytest.raises(SettingsError, match="the module `api` has no `handler`"):
        check_handler("api.handler", package({"api.py": text}))


@pytest.mark.parametrize(
    "files",
    [
        {"shop/__init__.py": "", "shop/api.py": "handler = print"},
        {"shop/api.py": "handler = print"},
        {"shop/api/__init__.py": "handler = print"},
        {"shop/api.cpython-313-x86_64-linux-gnu.so": b"\x7fELF"},
        {"shop/api.abi3.so": b"\x7fELF"},
        {"shop/api/__init__.cpython-313-x86_64-linux-gnu.so": b"\x7fELF"},
        {"shop/api.pyc": b""},
    ],
)
def test_where_a_module_may_lie(files: dict[str, str | bytes]) -> None:
    assert check_handler("shop/api.handler", package(files)) == "shop.api.handler"


def test_the_names_that_are_near() -> None:
    files = {"shop/__init__.py": "", "shop/api.py": "def handle(event, context): ..."}
    with pytest.raises(SettingsError) as caught:
        check_handler("shop.api.handler", package(files))
    assert caught.value.hint == "did you mean `handle`?"
    assert "it has `handle`" in caught.value.where
    with pytest.raises(SettingsError, match="`shop.apy` is not in the package") as caught:
        check_handler("shop.apy.handler", package(files))
    assert caught.value.hint == "did you mean `shop.api`?"
    # A path in the repository, and a module without its package.
    for name in ("src.shop.api", "api"):
        with pytest.raises(SettingsError) as caught:
            check_handler(f"{name}.handler", package(files))
        assert caught.value.hint == "did you mean `shop.api`?"


def test_a_module_that_is_taken_for_an_object() -> None:
    files = {"shop/__init__.py": "", "shop/handler.py": ""}
    with pytest.raises(SettingsError, match="`shop.handler` is a module") as caught:
        check_handler("shop.handler", package(files))
    assert "shop.handler.handler" in (caught.value.hint or "")


def test_a_layer_that_is_not_at_hand_may_have_it() -> None:
    assert check_handler("far.handler", package({}, complete=False)) == "far.handler"
    with pytest.raises(SettingsError):
        check_handler("far.handler", package({}))


def test_no_paths_are_asked_for_when_all_is_well() -> None:
    def paths() -> list[str]:
        raise AssertionError

    found = Package(lookup={"api.py": b"handler = print"}.get, paths=paths)
    assert check_handler("api.handler", found) == "api.handler"
