"""An HTTP server in front of a function, as its service would stand there."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.invoke.http_event import MAX_ALB_BODY, http_event
from wherry.invoke.http_response import http_response, service_error
from wherry.invoke.http_server import HttpServer, Listen
from wherry.invoke.request import EventFormat, HttpRequest, HttpResponse
from wherry.invoke.runtime_api import MAX_EVENT
from wherry.invoke.variables import region

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.invoke.outcome import Invocation
    from wherry.invoke.runnable import Runnable

__all__ = ["FunctionServer", "Served"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A request that was answered, for the log.

    Attributes:
        request: what came; without its body.
        invocation: what came of the function; None where it was not called.
    """

    request: HttpRequest
    response: HttpResponse
    invocation: Invocation | None
    seconds: float


class FunctionServer:
    """Listens from the start; ``serve`` answers until ``close``."""

    def __init__(
        self,
        invoke: Callable[[bytes], Invocation],
        function: Runnable,
        *,
        form: EventFormat,
        listen: Listen,
        on_served: Callable[[Served], None] | None = None,
    ) -> None:
        """Bind the port. The function's environment says the region.

        Raises:
            InvokeError: the address cannot be listened on.
        """
        self.invoke, self.function = invoke, function
        self.form, self.on_served = form, on_served
        self._region = region(os.environ, function.environment)
        try:
            self._server = HttpServer(self.answer, listen, largest_body=MAX_EVENT)
        except (OSError, OverflowError) as error:
            raise InvokeError(
                f"cannot listen on {listen.host} port {listen.port}",
                where=[getattr(error, "strerror", None) or str(error)],
                hint="choose another with `--port`; 0 takes one that is free",
            ) from error
        self._host = f"[{listen.host}]" if ":" in listen.host else listen.host

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self.port}/"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    def serve(self) -> None:
        """Answer requests until another thread calls ``stop``, or this one is interrupted."""
        self._server.serve()

    def stop(self) -> None:
        """Have ``serve`` return."""
        self._server.stop()

    def close(self) -> None:
        """Stop listening."""
        self._server.close()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The response to a request."""
        begin = time.monotonic()
        invocation = None
        balanced = self.form in {EventFormat.ALB, EventFormat.ALB_MULTI}
        event = b""
        too_large = len(request.body) > (MAX_ALB_BODY if balanced else MAX_EVENT)
        if not too_large:
            event = json.dumps(
                http_event(request, self.form, region=self._region), ensure_ascii=False
            ).encode("utf-8", "replace")
            too_large = len(event) > MAX_EVENT
        if too_large:
            fault = "the request is larger than the service carries"
            response = service_error(self.form, fault=fault, too_large=True)
        else:
            try:
                invocation = self.invoke(event)
                response = http_response(invocation, self.form)
            except InvokeError as error:
                response = service_error(self.form, fault=str(error))
        if self.on_served is not None:
            self.on_served(
                Served(
                    request=request,
                    response=response,
                    invocation=invocation,
                    seconds=time.monotonic() - begin,
                )
            )
        return response
