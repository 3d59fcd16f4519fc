"""Which interface an application has, told from its text."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from wherry.errors import SettingsError
from wherry.shims.package import Package
from wherry.shims.shim import Shim, plan_shim
from wherry.target import RUNTIMES, Target, find_architecture, find_runtime


def plan(
    text: str,
    app: str = "web:app",
    *,
    interface: str | None = None,
    files: Mapping[str, str] | None = None,
    distributions: Mapping[str, str] | None = None,
    runtime: str = "python3.13",
) -> Shim:
    contents = {path: data.encode() for path, data in {"web.py": text, **(files or {})}.items()}
    return plan_shim(
        app,
        Package(lookup=contents.get, paths=lambda: contents),
        interface=interface,
        distributions=distributions or {},
        target=Target(runtime=find_runtime(runtime), architecture=find_architecture("x86_64")),
    )


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("wsgi", "from flask import Flask\napp = Flask(__name__)"),
        ("wsgi", "import flask\napp = flask.Flask(__name__)"),
        ("wsgi", "import flask as f\napp: f.Flask = f.Flask(__name__)"),
        ("asgi", "from fastapi import FastAPI\napp = FastAPI()"),
        ("asgi", "from starlette.applications import Starlette\napp = Starlette()"),
        ("asgi", "from litestar import Litestar\napp = Litestar([])"),
        ("asgi", "from quart import Quart\napp = Quart(__name__)"),
        ("asgi", "from sanic import Sanic\napp = Sanic('x')"),
        ("wsgi", "import bottle\napp = bottle.Bottle()"),
        ("wsgi", "import bottle\napp = bottle.default_app()"),
        ("wsgi", "import falcon\napp = falcon.App()"),
        ("asgi", "import falcon.asgi\napp = falcon.asgi.App()"),
        ("asgi", "from falcon.asgi import App\napp = App()"),
        ("wsgi", "from django.core.wsgi import get_wsgi_application\napp = get_wsgi_application()"),
        ("asgi", "from django.core.asgi import get_asgi_application\napp = get_asgi_application()"),
        ("wsgi", "from pyramid.config import Configurator\nc = Configurator()\napp = c.make_wsgi_app()"),
        (
            "wsgi",
            ("from pyramid.config import Configurator\n"
            "with Configurator() as config:\n    app = config.make_wsgi_app()"),
        ),
        ("asgi", "async def app(scope, receive, send): ..."),
        ("asgi", "def app(scope, receive, send): ..."),
        ("wsgi", "def app(environ, start_response): ..."),
        ("wsgi", "def app(env, respond): ..."),
        ("asgi", "class A:\n    async def __call__(self, scope, receive, send): ...\napp = A()"),
        ("wsgi", "class A:\n    def __call__(self, environ, start_response): ...\napp = A()"),
        ("wsgi", "class app:\n    def __init__(self, environ, start_response): ..."),
        ("wsgi", "from flask import Flask\nclass Mine(Flask): ...\napp = Mine(__name__)"),
        ("asgi", "from fastapi import FastAPI\nclass A(FastAPI): ...\nclass B(A): ...\napp = B()"),
        # What is made around it.
        (
            "wsgi",
            ("from flask import Flask\nfrom werkzeug.middleware.proxy_fix import ProxyFix\n"
            "app = Flask(__name__)\napp.wsgi_app = ProxyFix(app.wsgi_app)"),
        ),
        (
            "asgi",
            ("from fastapi import FastAPI\nfrom sentry_sdk.integrations.asgi import SentryAsgiMiddleware\n"
            "app = FastAPI()\napp = SentryAsgiMiddleware(app)"),
        ),
        ("asgi", "from fastapi import FastAPI\nfrom x import Thing\napp = FastAPI()\napp = Thing(app)"),
        ("wsgi", "from flask import Flask\nfrom x import wrap\napp = wrap(application=Flask('x'), a=1)"),
        ("asgi", "from flask import Flask\nfrom a2wsgi import WSGIMiddleware\napp = WSGIMiddleware(Flask('x'))"),
        ("asgi", "from flask import Flask\nfrom asgiref.wsgi import WsgiToAsgi\napp = WsgiToAsgi(Flask('x'))"),
        ("wsgi", "from fastapi import FastAPI\nfrom a2wsgi import ASGIMiddleware\napp = ASGIMiddleware(FastAPI())"),
        # Ways to say it.
        ("wsgi", "try:\n    from flask import Flask\nexcept ImportError:\n    raise\napp = Flask('x')"),
        ("wsgi", "from flask import Flask\nif DEBUG:\n    app = Flask('a')\nelse:\n    app = Flask('b')"),
        ("wsgi", "from flask import Flask\napp = None\napp = app or Flask('a')"),
        ("wsgi", "from flask import Flask\none = Flask('a')\ntwo = one\napp = two"),
        ("wsgi", "from flask import Flask\napp: Flask = look_up('app')"),
        ("asgi", "from fastapi import FastAPI\ndef make() -> FastAPI:\n    return look_up()\napp = make()"),
        ("asgi", "from fastapi import FastAPI\ndef make() -> 'FastAPI':\n    return look_up()\napp = make()"),
    ],
)  # fmt: skip
def test_an_interface_that_can_be_told(expected: str, text: str) -> None:
    assert plan(text).interface == expected


FACTORY = """
from flask import Flask

def create_app(config=None):
    app = Flask(__name__)
    if config:
        app.config.update(config)

    @app.get("/")
    def index():
        return 1

    return app

async def far():
    return Flask(__name__)

class Holder:
    def __init__(self):
        self.app = Flask(__name__)

    def make(self):
        return self.app

holder = Holder()
made = create_app()
method = holder.make()
"""


@pytest.mark.parametrize("app", ["web:create_app()", "web:made", "web:holder.app"])
def test_factories_and_holders(app: str) -> None:
    assert plan(FACTORY, app).interface == "wsgi"


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"shop/__init__.py": "from .main import app", "shop/main.py": "import fastapi\napp = fastapi.FastAPI()"}, "from shop import app"),
        ({"shop/__init__.py": "from .main import *", "shop/main.py": "import fastapi\napp = fastapi.FastAPI()"}, "from shop import app"),
        ({"shop/make.py": "from fastapi import FastAPI\ndef make():\n    api = FastAPI()\n    return api"}, "from shop.make import make\napp = make()"),
        ({"shop/make.py": "from fastapi import FastAPI\ndef make():\n    return FastAPI()"}, "import shop.make\napp = shop.make.make()"),
        # A framework that nobody knows, by its own text.
        ({"new/__init__.py": "from .core import App", "new/core.py": "class App:\n    async def __call__(self, scope, receive, send): ..."}, "import new\napp = new.App()"),
        # In circles.
        ({"a.py": "from b import x", "b.py": "from a import x"}, "from a import x\nfrom fastapi import FastAPI\napp = FastAPI(x)"),
    ],
)  # fmt: skip
def test_through_other_modules(files: dict[str, str], text: str) -> None:
    assert plan(text, files=files).interface == "asgi"


@pytest.mark.parametrize(
    ("text", "app", "message", "hint"),
    [
        ("from aiohttp import web\napp = web.Application()", "web:app", "aiohttp", ""),
        ("from dash import Dash\napp = Dash(__name__)", "web:app", "Dash", "app.server"),
        ("from chalice import Chalice\napp = Chalice('x')", "web:app", "handler itself", "handler"),
        (FACTORY, "web:create_app", "creates an application", "web:create_app()"),
        (FACTORY, "web:far()", "asynchronous", "without `async`"),
        ("class A:\n    def __call__(self, environ, start_response): ...", "web:A", "is a class", "web:A()"),
    ],
)  # fmt: skip
def test_what_is_no_application(text: str, app: str, message: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="is not a WSGI or ASGI application") as caught:
        plan(text, app)
    assert message in caught.value.where[0]
    assert hint in (caught.value.hint or "")


def test_the_flask_application_in_a_dash_application() -> None:
    assert plan("from dash import Dash\napp = Dash(__name__)", "web:app.server").interface == "wsgi"


@pytest.mark.parametrize(("version", "expected"), [("2.14.2", "wsgi"), ("3.1.0", "asgi")])
def test_a_framework_that_changed_sides(version: str, expected: str) -> None:
    text = "import connexion\napp = connexion.App(__name__)"
    assert plan(text, distributions={"connexion": version}).interface == expected


DARK = "app = look_up('app')"


@pytest.mark.parametrize(
    ("distributions", "expected"),
    [
        ({"flask": "3.1"}, "wsgi"),
        ({"starlette": "1.0", "fastapi": "1.0"}, "asgi"),
        # Quart stands upon Flask.
        ({"quart": "0.20", "flask": "3.1"}, "asgi"),
        ({"django": "5.2", "mangum": "0.19.0"}, "asgi"),
    ],
)
def test_the_frameworks_of_the_package_tell(distributions: dict[str, str], expected: str) -> None:
    assert plan(DARK, distributions=distributions).interface == expected


@pytest.mark.parametrize("distributions", [{}, {"django": "5.2"}, {"flask": "3", "fastapi": "1"}])
def test_an_interface_that_cannot_be_detected_has_to_be_set(distributions: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="cannot be detected") as caught:
        plan(DARK, distributions=distributions)
    assert 'interface = "wsgi"' in (caught.value.hint or "")
    assert plan(DARK, interface="asgi", distributions=distributions).interface == "asgi"


def test_an_unknown_interface() -> None:
    with pytest.raises(SettingsError, match="unknown interface `rsgi`"):
        plan(DARK, interface="rsgi")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_every_runtime_has_an_adapter(runtime: str, interface: str) -> None:
    found = plan(DARK, interface=interface, runtime=runtime)
    names = [file.name for file in found.files]
    assert names == {"wsgi": ["apig-wsgi"], "asgi": ["mangum", "typing-extensions"]}[interface]
    assert f"{names[0]} {found.files[0].version}" in found.notes[0]


def test_what_the_project_has_is_not_added() -> None:
    assert plan(DARK, interface="wsgi", distributions={"apig-wsgi": "2.18.0"}).files == ()
    found = plan(DARK, interface="asgi", distributions={"typing-extensions": "4.0"})
    assert [file.name for file in found.files] == ["mangum"]
    found = plan(
        DARK, interface="asgi", distributions={"mangum": "0.17.0", "typing-extensions": "4"}
    )
    assert (found.files, found.notes) == ((), ())


@pytest.mark.parametrize(
    ("interface", "name", "version"),
    [("wsgi", "apig-wsgi", "2.12.0"), ("asgi", "mangum", "0.16.0")],
)
def test_an_adapter_that_is_too_old(interface: str, name: str, version: str) -> None:
    with pytest.raises(SettingsError, match=f"`{name}=={version}` is too old") as caught:
        plan(DARK, interface=interface, distributions={name: version})
    assert f"{name}>=" in (caught.value.hint or "")
    # One that cannot be compared is the user's own affair.
    found = plan(DARK, interface=interface, distributions={name: "main", "typing-extensions": "4"})
    assert found.files == ()
