"""References to applications and handlers, as people write them."""

from __future__ import annotations

import pytest

from wherry.errors import SettingsError
from wherry.shims.reference import Reference, parse_app, parse_handler


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop.web:app", Reference(module="shop.web", attribute="app")),
        (" shop:holder.app ", Reference(module="shop", attribute="holder.app")),
        ("shop:create_app()", Reference(module="shop", attribute="create_app", call=True)),
        ("my-shop:app", Reference(module="my-shop", attribute="app")),
        ("from shop.web import app", Reference(module="shop.web", attribute="app")),
        ("from shop.web import server as app", Reference(module="shop.web", attribute="server")),
        ("from  shop  import  app", Reference(module="shop", attribute="app")),
    ],
)
def test_applications(text: str, expected: Reference) -> None:
    """S1: `from x import y`, as spindrift spells it, too."""
    assert parse_app(text) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("shop.web.app", "write `shop.web:app`"),
        ("app", "write `app:app`"),
        ("", "write `module:app`"),
        ("shop/web.py:app", "`shop.web:app`"),
        ("shop:create_app(1)", "without arguments"),
        ("shop:", "`` is not the name of an object"),
        (":app", "`` is not the name of a module"),
        ("shop:1app", "`1app` is not the name"),
        ("shop web:app", "`shop web` is not the name of a module"),
        (".web:app", "relative names are not allowed"),
        ("from .web import app", "relative names are not allowed"),
        ("from shop import app, other", "import one name"),
        ("shop..web:app", "is not the name of a module"),
    ],
)
def test_misspelt_applications(text: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="cannot read the app") as caught:
        parse_app(text)
    assert hint in (caught.value.hint or "")
    assert caught.value.where


@pytest.mark.parametrize(
    ("text", "module", "function"),
    [
        ("shop.api.handler", "shop.api", "handler"),
        ("api.handler", "api", "handler"),
        ("shop/api.handler", "shop.api", "handler"),
        ("my-function.handler", "my-function", "handler"),
        ("from shop.api import handler", "shop.api", "handler"),
        ("from shop.api import run as handler", "shop.api", "run"),
    ],
)
def test_handlers(text: str, module: str, function: str) -> None:
    assert parse_handler(text) == Reference(module=module, attribute=function)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("shop.api:handler", "write `shop.api.handler`"),
        ("handler", "write `handler.handler`"),
        ("", "write `module.handler`"),
        ("shop.handler()", "is not the name of an object"),
        (".handler", "write"),
        ("shop.1", "is not the name of an object"),
        ("from shop import *", "import one name"),
        ("import shop", "import one name"),
    ],
)
def test_misspelt_handlers(text: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="cannot read the handler") as caught:
        parse_handler(text)
    assert hint in (caught.value.hint or "")


def test_a_reference_as_it_is_written() -> None:
    assert str(parse_app("shop:create_app()")) == "shop:create_app()"
    assert str(parse_app("from shop import app")) == "shop:app"
