"""AWS CodeArtifact as far as tokens go: an endpoint on loopback that speaks AWS's REST protocol to the real boto3.

moto has no CodeArtifact. What is answered here has the shape of the service model that boto3 carries.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from support.loopback import QuietHandler, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CodeArtifactEndpoint", "serve_code_artifact"]


class CodeArtifactEndpoint:
    """Tokens in the order in which they are given out; the last one is given out again."""

    def __init__(self, *tokens: str, seconds: float = 3600) -> None:
        self.tokens = list(tokens)
        self.seconds = seconds
        self.asked: list[dict[str, str]] = []
        # An error in place of a token: status, code and message.
        self.fault: tuple[int, str, str] | None = None
        self.url = ""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead boto3 here."""
        return {
            "AWS_ENDPOINT_URL_CODEARTIFACT": self.url,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "aws-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }


class _Handler(QuietHandler):
    endpoint: CodeArtifactEndpoint
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        endpoint = self.endpoint
        if parts.path != "/v1/authorization-token":
            self._answer(404, {"message": "no such operation"}, "ResourceNotFoundException")
            return
        endpoint.asked.append({key: each[0] for key, each in parse_qs(parts.query).items()})
        if endpoint.fault is not None:
            status, code, message = endpoint.fault
            self._answer(status, {"message": message}, code)
            return
        token = endpoint.tokens[min(len(endpoint.asked), len(endpoint.tokens)) - 1]
        until = int(time.time() + endpoint.seconds)
        self._answer(200, {"authorizationToken": token, "expiration": until})

    def _answer(self, status: int, document: dict[str, object], error: str | None = None) -> None:
        headers = {} if error is None else {"x-amzn-errortype": error}
        self.answer(status, json.dumps(document).encode(), **headers)


@contextmanager
def serve_code_artifact(*tokens: str, seconds: float = 3600) -> Iterator[CodeArtifactEndpoint]:
    """Give out these tokens on a free port of loopback until the block ends."""
    endpoint = CodeArtifactEndpoint(*tokens, seconds=seconds)
    handler = type("Handler", (_Handler,), {"endpoint": endpoint})
    with serve(handler) as url:
        endpoint.url = url
        yield endpoint
