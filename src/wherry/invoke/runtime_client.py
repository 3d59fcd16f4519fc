"""The transport of AWS's runtime client, in Python, where its compiled one does not load.

It stands in for the extension module of that name and is run by the target's interpreter, which may be as old
as 3.9. Only ``socket`` is imported, so that nothing else is there before the function asks for it.
"""

from __future__ import annotations

import os
import socket

__all__ = ["initialize_client", "next", "post_error", "post_invocation_result"]

_VERSION = "2018-06-01"
_agent = "aws-lambda-python"


def initialize_client(user_agent: str) -> None:
    """Take the name to call oneself by."""
    global _agent  # noqa: PLW0603
    _agent = user_agent


def next() -> tuple[bytes, dict[str, object]]:  # noqa: A001
    """The next event with its headers."""
    status, headers, body = _call("GET", "/runtime/invocation/next")
    if status != 200:
        raise RuntimeError(f"Failed to get next, status: {status}")
    names = (
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Trace-Id",
        "Lambda-Runtime-Invoked-Function-Arn",
        "Lambda-Runtime-Client-Context",
        "Lambda-Runtime-Cognito-Identity",
        "Content-Type",
    )
    found: dict[str, object] = {name: headers.get(name.lower()) or None for name in names}
    found["Lambda-Runtime-Deadline-Ms"] = int(headers.get("lambda-runtime-deadline-ms") or 0)
    return body, found


def post_invocation_result(
    invoke_id: str, data: bytes, content_type: str, _invocation_id: object = None
) -> None:
    """Answer the event."""
    _post(f"/runtime/invocation/{invoke_id}/response", data, {"Content-Type": content_type})


def post_error(invoke_id: str, data: str, _xray: str = "", _invocation_id: object = None) -> None:
    """Tell that the function failed."""
    _post(
        f"/runtime/invocation/{invoke_id}/error",
        data.encode(),
        {"Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": "Unhandled"},
    )


def _post(path: str, body: bytes, headers: dict[str, str]) -> None:
    status, _, said = _call("POST", path, body, headers)
    if status != 202:
        raise RuntimeError(f"Failed to post to {path}, status: {status}: {said!r}")


def _call(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    host, _, port = address.rpartition(":")
    lines = [
        f"{method} /{_VERSION}{path} HTTP/1.1",
        f"Host: {address}",
        f"User-Agent: {_agent}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        with connection.makefile("rb") as file:
            status = int(file.readline().split()[1])
            answered: dict[str, str] = {}
            while line := file.readline().strip():
                name, _, value = line.partition(b":")
                answered[name.decode().lower()] = value.strip().decode()
            return status, answered, file.read(int(answered.get("content-length", 0)))
