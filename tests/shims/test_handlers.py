"""Whether Lambda can call a handler: told from its text."""

from __future__ import annotations

import pytest

from wherry.errors import SettingsError
from wherry.shims.package import Package
from wherry.shims.shim import check_handler

FLASK = "from flask import Flask\n"


def check(text: str, **others: str) -> str:
    files = {"api.py": text.encode()}
    files |= {f"{name}.py": other.encode() for name, other in others.items()}
    return check_handler("api.handler", Package(lookup=files.get, paths=lambda: files))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("async def handler(event, context): ...", "is asynchronous"),
        ("def handler(event, context):\n    yield 1", "is a generator"),
        (
            "def handler(event, context):\n    if event:\n        x = yield from event",
            "is a generator",
        ),
        ("class handler: ...", "is a class"),
        ("handler = 5", "is a value, not a function"),
        ("handler = {'a': print}", "is a value, not a function"),
        ("handler = 'app.run'\nhandler = [print]", "is a value, not a function"),
        ("class handler:\n    def __init__(self, event, context): ...", "is a class"),
        ("def handler(): ...", "it takes no arguments"),
        ("def handler(event): ...", "it takes 1 argument,"),
        ("def handler(event=None): ...", "it takes 1 argument,"),
        ("def handler(event, context, more): ...", "it takes 3 arguments"),
        ("def handler(event, context, more, /): ...", "it takes 3 arguments"),
        ("def handler(event, context, *, more): ...", "it requires `more` by its name"),
        ("def handler(*, event, context): ...", "it requires `event` by its name"),
        ("def handler(**values): ...", "it takes no arguments"),
        ("handler = lambda event: 1", "it takes 1 argument,"),
        ("def run(event): ...\nhandler = run", "it takes 1 argument,"),
        (
            "if x:\n    def handler(a): ...\nelse:\n    async def handler(a, b): ...",
            "is asynchronous",
        ),
        (FLASK + "handler = Flask(__name__)", "it is a web application, of `Flask`"),
        ("import fastapi\nhandler = fastapi.FastAPI()", "it is a web application, of `FastAPI`"),
        (
            "from django.core.wsgi import get_wsgi_application\nhandler = get_wsgi_application()",
            "it is a web application",
        ),
        ("from other import handler", "is asynchronous"),
        ("from other import handler as run\nhandler = run", "is asynchronous"),
    ],
)
def test_what_lambda_cannot_call(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        check(text, other="async def handler(event, context): ...")
    assert raised.value.message == "Lambda cannot call the handler `api.handler`"
    assert problem in raised.value.where[1]
    assert raised.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "def handler(event, context): ...",
        "def handler(event, context=None): ...",
        "def handler(event, context, more=1): ...",
        "def handler(event, *others): ...",
        "def handler(*both): ...",
        "def handler(event, context, *, more=1, **others): ...",
        "handler = lambda event, context: 1",
        "class handler:\n    def __new__(cls, event, context): ...",
        "class handler(dict): ...",
        "class handler(metaclass=Called): ...",
        "@handles\nclass handler: ...",
        "handler = None",
        "handler = 5\ndef set_up():\n    global handler\n    handler = print\nset_up()",
        "handler = 5\nif True:\n    def handler(event, context): ...",
        "def handler(event, context):\n    def each():\n        yield 1\n    return list(each())",
        "def handler(event, context):\n    return [x async for x in y]",
        # A decorator may make anything of it.
        "@wrapped\nasync def handler(event, context): ...",
        "@wrapped\ndef handler(event): ...",
        "def handler(event): ...\nhandler = wrap(handler)",
        # Objects that are called.
        "from mangum import Mangum\nfrom fastapi import FastAPI\nhandler = Mangum(FastAPI())",
        (
            "from apig_wsgi import make_lambda_handler\nfrom flask import Flask\n"
            "handler = make_lambda_handler(Flask(__name__))"
        ),
        "from chalice import Chalice\nhandler = Chalice(app_name='x')",
        (
            "from aws_lambda_powertools.event_handler import APIGatewayRestResolver\n"
            "handler = APIGatewayRestResolver()"
        ),
        # One of several may do.
        "try:\n    from fast import handler\nexcept ImportError:\n    def handler(event): ...",
        "handler = None\ndef handler(event): ...",
        "def handler(event): ...\nglobals()['handler'] = 1",
    ],
)
def test_what_lambda_may_call(text: str) -> None:
    assert check(text) == "api.handler"


@pytest.mark.parametrize(
    ("text", "python", "problem"),
    [
        ("def handler(event, context) return 1\n", (3, 9), "line 1 is not valid for Python 3.9"),
        ("match 1:\n    case _: pass\nprint 'x'\n", (3, 11), "line 3 is not valid"),
        # It may be of a newer version than this one.
        ("def handler(event, context) return 1\n", (3, 99), None),
        ("def handler(event, context) return 1\n", None, None),
    ],
)
def test_a_module_that_is_not_python(
    text: str, python: tuple[int, int] | None, problem: str | None
) -> None:
    files = {"app.py": text.encode()}
    package = Package(lookup=files.get, paths=lambda: files, python=python)
    if problem is None:
        assert check_handler("app.handler", package) == "app.handler"
        return
    with pytest.raises(SettingsError) as caught:
        check_handler("app.handler", package)
    assert problem in str(caught.value)
