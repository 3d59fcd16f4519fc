"""A small application for each framework that the documentation names.

Each has one route, ``/echo/REST``, that answers with JSON: ``rest`` (decoded) and ``root`` as the framework tells them,
and, where it makes links, a ``link`` to ``/echo/z``.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["APPLICATIONS", "Application"]


@dataclass(frozen=True, kw_only=True)
class Application:
    """The text of ``shop.py``, whose ``app`` is the application, and what it needs."""

    requirements: tuple[str, ...]
    text: str
    links: bool = False


STARLETTE = """
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route


async def echo(request):
    link = request.url_for("below:echo", rest="z").path
    return JSONResponse({"rest": request.path_params["rest"], "root": link[: -len("/echo/z")], "link": link})


app = Starlette(routes=[Mount("/echo", routes=[Route("/{rest:path}", echo, name="echo")], name="below")])
"""

LITESTAR = """
from litestar import Litestar, Request, get


@get("/echo/{rest:path}")
async def echo(rest: str, request: Request) -> dict[str, str]:
    return {"rest": str(rest).lstrip("/"), "root": request.scope["root_path"]}


app = Litestar([echo])
"""

QUART = """
from quart import Quart, jsonify, request, url_for

app = Quart(__name__)


@app.get("/echo/<path:rest>")
async def echo(rest):
    return jsonify(rest=rest, root=request.root_path, link=url_for("echo", rest="z"))
"""

SANIC = """
from urllib.parse import unquote

from sanic import Sanic, json

app = Sanic("shop")


@app.get("/echo/<rest:path>")
async def echo(request, rest):
    return json({"rest": unquote(rest), "root": request.transport.scope["root_path"]})
"""

FALCON = """
import falcon


class Echo:
    def on_get(self, request, response, rest):
        response.media = {"rest": rest, "root": request.root_path}


app = falcon.App()
app.add_route("/echo/{rest:path}", Echo())
"""

FALCON_ASGI = FALCON.replace("import falcon", "import falcon.asgi").replace(
    "falcon.App", "falcon.asgi.App"
).replace("def on_get", "async def on_get")  # fmt: skip

WRAPPED = (
    FALCON_ASGI
    + """

class Wrapper:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


app = Wrapper(app)
"""
)

BOTTLE = """
from bottle import Bottle, request

app = Bottle()


@app.get("/echo/<rest:path>")
def echo(rest):
    link = app.get_url("/echo/<rest:path>", rest="z")
    return {"rest": rest, "root": request.script_name.rstrip("/"), "link": link}
"""

PYRAMID = """
from pyramid.config import Configurator


def echo(request):
    link = request.route_path("echo", rest="z")
    return {"rest": request.matchdict["rest"], "root": request.script_name, "link": link}


with Configurator() as config:
    config.add_route("echo", "/echo/{rest:.*}")
    config.add_view(echo, route_name="echo", renderer="json")
    app = config.make_wsgi_app()
"""

BLACKSHEEP = """
from urllib.parse import unquote

from blacksheep import Application, json

app = Application()


@app.router.get("/echo/*")
async def echo(request):
    return json({"rest": unquote(request.route_values["tail"]), "root": request.base_path})
"""

CONNEXION = """
import connexion


def echo(rest):
    return {"rest": rest, "root": connexion.request.scope["root_path"]}


app = connexion.AsyncApp(__name__)
app.add_api(
    {
        "openapi": "3.0.0",
        "info": {"title": "shop", "version": "1"},
        "paths": {
            "/echo/{rest}": {
                "get": {
                    "operationId": "shop.echo",
                    "parameters": [
                        {"name": "rest", "in": "path", "required": True, "schema": {"type": "string"}}
                    ],
                    "responses": {"200": {"description": "what came"}},
                }
            }
        },
    }
)
"""

APPLICATIONS = {
    "starlette": Application(requirements=("starlette",), text=STARLETTE, links=True),
    "litestar": Application(requirements=("litestar",), text=LITESTAR),
    "quart": Application(requirements=("quart",), text=QUART, links=True),
    "sanic": Application(requirements=("sanic",), text=SANIC),
    "falcon-wsgi": Application(requirements=("falcon",), text=FALCON),
    "falcon-asgi": Application(requirements=("falcon",), text=FALCON_ASGI),
    "falcon-asgi, wrapped": Application(requirements=("falcon",), text=WRAPPED),
    "bottle": Application(requirements=("bottle",), text=BOTTLE, links=True),
    "pyramid": Application(requirements=("pyramid", "setuptools<81"), text=PYRAMID, links=True),
    "blacksheep": Application(requirements=("blacksheep",), text=BLACKSHEEP),
    "connexion": Application(requirements=("connexion",), text=CONNEXION),
}
