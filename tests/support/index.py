"""A real Simple index on loopback (PEP 503 and PEP 691), which can be told to misbehave."""

from __future__ import annotations

import base64
import html
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from support.loopback import QuietHandler, serve

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from http.server import BaseHTTPRequestHandler

    from support.wheels import Made

__all__ = ["Index", "serve_index"]

JSON = "application/vnd.pypi.simple.v1+json"


class Index:
    """Files by project, requests as they came, and a fault to answer with."""

    def __init__(self, files: Iterable[Made], *, auth: tuple[str, str] | None = None) -> None:
        self.files = {made.filename: made for made in files}
        self.auth = auth
        # Where files lie, if on another host; asked for here, they are there.
        self.elsewhere: str | None = None
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self.html_only = False
        self.metadata_files = True
        # Given a request's path, answers it in its own way and returns True, or returns False.
        self.fault: Callable[[BaseHTTPRequestHandler, str], bool] | None = None
        self.url = ""

    @property
    def simple(self) -> str:
        """The address of the Simple API."""
        return f"{self.url}/simple/"

    @property
    def downloads(self) -> list[str]:
        """The files that were asked for."""
        return [path for path in self.requests if path.startswith("/files/")]

    def add(self, *files: Made) -> None:
        self.files.update({made.filename: made for made in files})

    def project(self, name: str) -> list[Made]:
        return [made for made in self.files.values() if _project(made.filename) == name]


def _project(filename: str) -> str:
    if filename.endswith(".whl"):
        return parse_wheel_filename(filename)[0]
    return parse_sdist_filename(filename)[0]


class _Handler(QuietHandler):
    index: Index
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        """As a proxy for https is asked; the fault is all it has."""
        if self.index.fault is None or not self.index.fault(self, "/"):
            self.answer(405, b"no proxy", "text/plain")

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.index.requests.append(path)
        self.index.authorizations.append(self.headers.get("Authorization"))
        if self.index.fault is not None and self.index.fault(self, path):
            return
        if not self._authorized():
            self.answer(401, WWW_Authenticate='Basic realm="index"')
            return
        if path.startswith("/simple/"):
            self._project(path.removeprefix("/simple/").strip("/"))
        elif path.startswith("/files/") and self.index.elsewhere is not None:
            self.answer(302, Location=f"{self.index.elsewhere}{path}")
        elif path.startswith("/files/"):
            self._file(path.rsplit("/", 1)[-1])
        else:
            self.answer(404, b"not found", "text/plain")

    def _authorized(self) -> bool:
        if self.index.auth is None:
            return True
        user, password = self.index.auth
        expected = base64.b64encode(f"{user}:{password}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _project(self, name: str) -> None:
        files = self.index.project(canonicalize_name(name))
        if not files:
            self.answer(404, b"no such project", "text/plain")
        elif JSON in self.headers.get("Accept", "") and not self.index.html_only:
            self.answer(200, json.dumps(_json_page(self.index, name, files)).encode(), JSON)
        else:
            self.answer(200, _html_page(self.index, files).encode(), "text/html")

    def _file(self, filename: str) -> None:
        if (
            filename.endswith(".metadata")
            and filename.removesuffix(".metadata") in self.index.files
        ):
            made = self.index.files[filename.removesuffix(".metadata")]
            self.answer(200, made.metadata, "text/plain")
        elif filename in self.index.files:
            self.answer(200, self.index.files[filename].data, "application/octet-stream")
        else:
            self.answer(404, b"no such file", "text/plain")


def _json_page(index: Index, name: str, files: list[Made]) -> dict[str, object]:
    return {
        "meta": {"api-version": "1.1"},
        "name": name,
        "versions": sorted({made.filename.split("-")[1].removesuffix(".tar.gz") for made in files}),
        "files": [
            {
                "filename": made.filename,
                "url": f"{index.url}/files/{made.filename}",
                "hashes": {"sha256": made.sha256},
                "size": len(made.data),
                "yanked": made.yanked if made.yanked is not None else False,
                **({"requires-python": made.requires_python} if made.requires_python else {}),
                **(
                    {"core-metadata": True}
                    if made.metadata and index.metadata_files and made.filename.endswith(".whl")
                    else {}
                ),
            }
            for made in files
        ],
    }


def _html_page(index: Index, files: list[Made]) -> str:
    links = []
    for made in files:
        attributes = ""
        if made.requires_python:
            attributes += f' data-requires-python="{html.escape(made.requires_python)}"'
        if made.yanked is not None:
            attributes += f' data-yanked="{html.escape(made.yanked)}"'
        url = f"{index.url}/files/{made.filename}#sha256={made.sha256}"
        links.append(f'<a href="{url}"{attributes}>{made.filename}</a>')
    return "<!DOCTYPE html><html><body>\n" + "\n".join(links) + "\n</body></html>"


@contextmanager
def serve_index(
    files: Iterable[Made] = (),
    *,
    auth: tuple[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Index]:
    """Serve these files on a free port of loopback until the block ends; over https with a context for it."""
    index = Index(files, auth=auth)
    handler = type("Handler", (_Handler,), {"index": index})
    with serve(handler, tls=tls) as url:
        index.url = url
        yield index
