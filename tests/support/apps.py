"""One application, written for each framework and for none: what the shims' tests call.

Every one answers alike:

- ``/echo/…``: what it understood of the request, as JSON;
- ``/json``: the JSON that was sent, with status 201;
- ``/binary``: the bytes that were sent, the other way round, as ``application/octet-stream``;
- ``/cookies``: two cookies;
- ``/boom``: it fails;
- ``/stream``: text in three pieces;
- ``/gzip``: compressed text; ``/latin``: text in Latin-1;
- anything else is not found.
"""

from __future__ import annotations

__all__ = ["ASGI", "DJANGO", "FASTAPI", "FLASK", "WSGI"]

FLASK = """
import gzip

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.get("/echo/<path:rest>")
def echo(rest):
    return jsonify(
        method=request.method,
        path=request.path,
        rest=rest,
        root=request.script_root,
        query=list(request.args.items(multi=True)),
        cookies=dict(request.cookies),
        scheme=request.scheme,
        host=request.host,
        client=request.remote_addr,
        many=request.headers.get("x-many"),
        url=request.url,
    )


@app.post("/json")
def post():
    return jsonify(request.get_json()), 201


@app.post("/binary")
def binary():
    return Response(request.get_data()[::-1], mimetype="application/octet-stream")


@app.get("/cookies")
def cookies():
    response = Response("two", mimetype="text/plain")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


@app.get("/boom")
def boom():
    raise RuntimeError("it went boom")


@app.get("/stream")
def stream():
    return Response((f"{number}\\n" for number in range(3)), mimetype="text/plain")


@app.get("/gzip")
def compressed():
    return Response(
        gzip.compress(b"small", mtime=0),
        mimetype="text/plain",
        headers={"Content-Encoding": "gzip"},
    )


@app.get("/latin")
def latin():
    return Response("caf\\u00e9".encode("latin-1"), content_type="text/plain; charset=iso-8859-1")
"""

DJANGO = """
import gzip
import json

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not a secret",
    SECURE_PROXY_SSL_HEADER=None,
)

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def echo(request, rest):
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path_info,
            "rest": rest,
            "root": request.path.removesuffix(request.path_info),
            "query": [
                [name, value] for name, values in request.GET.lists() for value in values
            ],
            "cookies": dict(request.COOKIES),
            "scheme": request.scheme,
            "host": request.get_host(),
            "client": request.META.get("REMOTE_ADDR"),
            "many": request.headers.get("x-many"),
            "url": request.build_absolute_uri(),
        }
    )


@csrf_exempt
def post(request):
    return JsonResponse(json.loads(request.body), status=201)


@csrf_exempt
def binary(request):
    return HttpResponse(request.body[::-1], content_type="application/octet-stream")


def cookies(request):
    response = HttpResponse("two", content_type="text/plain")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


def boom(request):
    raise RuntimeError("it went boom")


def stream(request):
    return StreamingHttpResponse(
        (f"{number}\\n" for number in range(3)), content_type="text/plain"
    )


def compressed(request):
    return HttpResponse(
        gzip.compress(b"small", mtime=0),
        content_type="text/plain",
        headers={"Content-Encoding": "gzip"},
    )


def latin(request):
    return HttpResponse(
        "caf\\u00e9".encode("latin-1"), content_type="text/plain; charset=iso-8859-1"
    )


urlpatterns = [
    path("echo/<path:rest>", echo),
    path("json", post),
    path("binary", binary),
    path("cookies", cookies),
    path("boom", boom),
    path("stream", stream),
    path("gzip", compressed),
    path("latin", latin),
]
application = get_wsgi_application()
asynchronous = get_asgi_application()
"""

FASTAPI = """
import gzip
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

begun = []


@asynccontextmanager
async def lifespan(app):
    begun.append("once")
    yield {"begun": begun}


app = FastAPI(lifespan=lifespan)


@app.get("/echo/{rest:path}")
async def echo(rest: str, request: Request):
    root = request.scope["root_path"]
    return {
        "method": request.method,
        "path": request.scope["path"].removeprefix(root),
        "rest": rest,
        "root": root,
        "query": list(request.query_params.multi_items()),
        "cookies": request.cookies,
        "scheme": request.url.scheme,
        "host": request.url.hostname,
        "client": request.client.host,
        "many": ", ".join(request.headers.getlist("x-many")),
        "url": str(request.url),
        "begun": request.state.begun,
    }


@app.post("/json", status_code=201)
async def post(document: dict):
    return document


@app.post("/binary")
async def binary(request: Request):
    return Response((await request.body())[::-1], media_type="application/octet-stream")


@app.get("/cookies")
def cookies():
    response = Response("two", media_type="text/plain")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


@app.get("/boom")
async def boom():
    raise RuntimeError("it went boom")


@app.get("/stream")
async def stream():
    async def pieces():
        for number in range(3):
            yield f"{number}\\n"

    return StreamingResponse(pieces(), media_type="text/plain")


@app.get("/gzip")
def compressed():
    return Response(
        gzip.compress(b"small", mtime=0),
        media_type="text/plain",
        headers={"Content-Encoding": "gzip"},
    )


@app.get("/latin")
def latin():
    return Response(
        "caf\\u00e9".encode("latin-1"), headers={"content-type": "text/plain; charset=iso-8859-1"}
    )
"""

# What the two bare applications have in common: bytes and headers from a path, and what was understood.
_BARE = '''
import gzip
import json
from urllib.parse import parse_qsl


def respond(path, understood, body):
    """Status, headers and pieces."""
    plain = [("Content-Type", "text/plain")]
    if path.startswith("/echo/"):
        return 200, [("Content-Type", "application/json")], [json.dumps(understood).encode()]
    if path == "/json":
        return 201, [("Content-Type", "application/json")], [json.dumps(json.loads(body)).encode()]
    if path == "/binary":
        return 200, [("Content-Type", "application/octet-stream")], [body[::-1]]
    if path == "/cookies":
        return 200, [*plain, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; HttpOnly")], [b"two"]
    if path == "/stream":
        return 200, plain, [b"0\\n", b"1\\n", b"2\\n"]
    if path == "/gzip":
        return 200, [*plain, ("Content-Encoding", "gzip")], [gzip.compress(b"small", mtime=0)]
    if path == "/latin":
        return 200, [("Content-Type", "text/plain; charset=iso-8859-1")], [b"caf\\xe9"]
    if path == "/repeated":
        return 200, [("Link", "<a>"), ("Link", "<b>")], [b"untyped"]
    if path == "/empty":
        return 204, [], []
    if path.startswith("/full/"):
        return int(path[len("/full/") :]), plain, [b"full"]
    if path == "/connection":
        names = ("Connection", "Transfer-Encoding", "X-Accel-Buffering", "X-Kept")
        return 200, [*plain, *((name, "x") for name in names)], [b"text"]
    if path == "/boom":
        raise RuntimeError("it went boom")
    return 404, plain, [b"not found"]
'''

WSGI = (
    _BARE
    + """

def native(value):
    return value and value.encode("latin-1").decode()


def app(environ, start_response):
    path = environ["PATH_INFO"].encode("latin-1").decode()
    understood = {
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "rest": path[len("/echo/") :],
        "root": environ["SCRIPT_NAME"],
        "query": parse_qsl(environ["QUERY_STRING"], keep_blank_values=True),
        "cookies": dict(
            part.strip().split("=", 1)
            for part in native(environ.get("HTTP_COOKIE", "")).split(";")
            if part.strip()
        ),
        "scheme": environ["wsgi.url_scheme"],
        "host": environ["SERVER_NAME"],
        "port": environ["SERVER_PORT"],
        "client": environ["REMOTE_ADDR"],
        "many": native(environ.get("HTTP_X_MANY")),
        "type": native(environ.get("CONTENT_TYPE")),
        "asked": environ["apig_wsgi.full_event"].get("httpMethod"),
    }
    status, headers, pieces = respond(path, understood, environ["wsgi.input"].read())
    if path == "/late":
        # PEP 3333: what was begun may be replaced as long as nothing was sent.
        import sys

        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            raise RuntimeError("too late")
        except RuntimeError:
            start_response("503 Busy", [("Content-Type", "text/plain")], sys.exc_info())
        return [b"busy"]
    write = start_response(f"{status} Whatever", headers)
    if path == "/stream":
        write(pieces.pop(0))
    return iter(pieces)
"""
)

ASGI = (
    _BARE
    + """

begun = []


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        begun.append("once")
        scope["state"]["begun"] = begun
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise AssertionError("the lifespan ended")
    root = scope["root_path"]
    path = scope["path"][len(root) :]
    assert scope["path"].startswith(root)
    body = (await receive())["body"]
    headers = dict(scope["headers"])
    understood = {
        "method": scope["method"],
        "path": path,
        "rest": path[len("/echo/") :],
        "raw": scope["raw_path"].decode(),
        "root": root,
        "query": parse_qsl(scope["query_string"].decode(), keep_blank_values=True),
        "cookies": dict(
            part.strip().split("=", 1)
            for part in headers.get(b"cookie", b"").decode().split(";")
            if part.strip()
        ),
        "scheme": scope["scheme"],
        "host": scope["server"][0],
        "port": str(scope["server"][1]),
        "client": scope["client"][0],
        "many": ", ".join(v.decode() for n, v in scope["headers"] if n == b"x-many") or None,
        "type": headers.get(b"content-type", b"").decode() or None,
        "asked": scope["aws.event"].get("httpMethod"),
        "begun": scope["state"]["begun"],
    }
    status, headers, pieces = respond(path, understood, body)
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})
"""
)
