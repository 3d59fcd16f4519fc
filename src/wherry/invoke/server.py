"""An HTTP server in front of the functions of a project, which takes the place of their services."""

from __future__ import annotations

import errno
import time
import uuid
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import InvokeError, WherryError
from wherry.files import reason_of
from wherry.invoke.api import Call, make_event
from wherry.invoke.http_response import (
    http_response,
    is_preflight,
    preflight,
    service_error,
    with_cors,
)
from wherry.invoke.http_server import HttpServer, Listen
from wherry.invoke.lambda_api import (
    InvokeCall,
    LambdaError,
    accepted,
    after_failure,
    is_lambda_api,
    not_found,
    outcome_response,
    read_call,
)
from wherry.invoke.later import Later
from wherry.invoke.request import EventFormat, HttpRequest, HttpResponse
from wherry.invoke.routes import DEFAULT_ROUTE
from wherry.invoke.runtime_api import MAX_EVENT
from wherry.invoke.served import not_loaded
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.invoke.builds import Builds, ServedBuild
    from wherry.invoke.outcome import Invocation
    from wherry.invoke.runnable import Runnable
    from wherry.invoke.served import ServedFunction

__all__ = ["FunctionServer", "Served"]

_OF_A_PORT = {errno.EADDRINUSE, errno.EACCES}
_ANY_NAME = "function"
"""The name by which AWS's Runtime Interface Emulator, which runs one function, is asked for it."""
_FRONTS = {
    EventFormat.FUNCTION_URL: "a Function URL",
    EventFormat.HTTP: "an HTTP API",
    EventFormat.HTTP_1: "an HTTP API with payload format 1.0",
    EventFormat.REST: "a REST API",
    EventFormat.ALB: "a load balancer",
    EventFormat.ALB_MULTI: "a load balancer with multi-value headers",
}


class Served(Struct, frozen=True, kw_only=True):
    """A request that was answered, for the log.

    Attributes:
        request: what came.
        function: the name of the function that it was for; None where it was for none.
        invocation: what came of the function; None where it was not called.
        seconds: until the answer; of an asynchronous invocation, that the function took.
    """

    request: HttpRequest
    response: HttpResponse
    function: str | None
    invocation: Invocation | None
    seconds: float


class _Course(Struct):
    """The state of a request that is being answered."""

    function: str | None = None
    invocation: Invocation | None = None


class FunctionServer:
    """Listens from the start; ``serve`` answers until ``close``."""

    def __init__(
        self,
        builds: Builds,
        *,
        listen: Listen,
        later: Later | None = None,
        stage: str | None = None,
        on_served: Callable[[Served], None] | None = None,
    ) -> None:
        """Bind the port. Paths begin with ``stage``, if it is given.

        Raises:
            InvokeError: the address cannot be listened on.
        """
        self.on_served = on_served
        self._builds, self._later, self._stage = builds, later or Later(), stage
        if not listen.host:
            # To the system it stands for all addresses; to a script it is a variable that is not set.
            raise InvokeError("the host is empty", hint="0.0.0.0 stands for all addresses")
        try:
            self._server = HttpServer(self.answer, listen, largest_body=MAX_EVENT)
        except (OSError, OverflowError, TypeError, ValueError) as error:
            # The last two: no name of a host can be that.
            is_port = isinstance(error, OverflowError) or getattr(error, "errno", 0) in _OF_A_PORT
            raise InvokeError(
                f"cannot listen on {listen.host} port {listen.port}",
                where=[reason_of(error)],
                hint="choose another with `--port`; 0 takes one that is free"
                if is_port
                else "name an address of this machine with `--host`, such as 127.0.0.1",
            ) from error
        self._host = f"[{listen.host}]" if ":" in listen.host else listen.host

    @property
    def functions(self) -> tuple[Runnable, ...]:
        """The functions that are served now."""
        return tuple(each.runnable for each in self._builds.functions.values())

    def summary(self) -> list[str]:
        """Lines for people: each function, with its routes where there are any to choose from."""
        try:
            build = self._builds.current()
        except WherryError:
            return ["Nothing is served until an edit fixes this; Ctrl-C stops the server"]
        front = _FRONTS[build.api.form]
        target = next((each.target for each in self.functions), None)
        names = ", ".join(build.functions)
        lines = [f"Serving {names} for {target} as behind {front}; Ctrl-C ends it"]
        routes = [route for route in build.api.routes if route.path != DEFAULT_ROUTE]
        lines += [f"  {route.key} → {route.function}" for route in routes]
        return lines

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self.port}/" + (f"{self._stage}/" if self._stage else "")

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
        """Stop listening, and forget asynchronous events that have not begun."""
        self._later.close()
        self._server.close()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The response to a request."""
        begin, course = time.monotonic(), _Course()
        try:
            answer = self._invoke if is_lambda_api(request) else self._answer
            response = answer(request, course)
        except WherryError as error:
            response = _not_served(error)
        self._report(request, response, course, begin)
        return response

    def _answer(self, request: HttpRequest, course: _Course) -> HttpResponse:
        """The response of a function to a request for one of its routes."""
        found: list[Call | HttpResponse] = []

        def choose(build: ServedBuild) -> str | None:
            found[:] = [build.api.find(request)]
            return found[0].function if isinstance(found[0], Call) else None

        with self._builds.use(choose) as function:
            (call,) = found
            if isinstance(call, HttpResponse):
                return call
            assert function is not None  # noqa: S101  told by `choose`
            course.function = function.name
            cors = function.cors
            if cors is not None and is_preflight(request):
                return preflight(request, cors)
            event = make_event(call, function.runnable.environment)
            if event is None:
                fault = "the request is larger than the service carries"
                return service_error(call.form, fault=fault, too_large=True)
            try:
                invocation = course.invocation = function.invoke(event)
            except InvokeError as error:
                return service_error(call.form, fault=_in_a_line(error))
            if not invocation.started and invocation.error is not None:
                response = _not_served(not_loaded(function.name, invocation.error))
            else:
                response = http_response(invocation, call.form)
            return response if cors is None else with_cors(response, request, cors)

    def _invoke(self, request: HttpRequest, course: _Course) -> HttpResponse:
        """The response to a call by Lambda's API."""
        request_id = str(uuid.uuid4())
        try:
            call = read_call(request, request_id)
            with self._builds.use(lambda build: _named(build, call)) as function:
                if function is None:
                    raise not_found(call)
                course.function = function.name
                if call.type == "RequestResponse":
                    course.invocation = _call(function, call)
                    return outcome_response(call, course.invocation)
            if call.type == "Event":
                self._later.add(
                    function.name, lambda attempt: self._run_later(request, call, attempt)
                )
            return accepted(call)
        except LambdaError as error:
            return error.response(request_id)
        except WherryError as error:
            return LambdaError("ServiceException", 500, str(error)).response(request_id)

    def _run_later(self, request: HttpRequest, call: InvokeCall, attempt: int) -> bool:
        """Run an event that was taken before, by the code that is there now; whether it is to be run again."""
        begin, course = time.monotonic(), _Course()
        try:
            with self._builds.use(lambda build: _named(build, call)) as function:
                if function is None:
                    raise InvokeError(f"there is no function `{call.function}` any more")
                course.function = function.name
                course.invocation = _call(function, call)
            response = outcome_response(call, course.invocation)
        except WherryError as error:
            response = _not_served(error)
        failed = course.invocation is not None and course.invocation.error is not None
        if failed:
            fault = f"{response.fault} ({after_failure(attempt, self._later.delay_after(attempt))})"
            response = replace(response, fault=fault)
        self._report(request, response, course, begin)
        return failed

    def _report(
        self, request: HttpRequest, response: HttpResponse, course: _Course, begin: float
    ) -> None:
        if self.on_served is not None:
            self.on_served(
                Served(
                    request=request,
                    response=response,
                    function=course.function,
                    invocation=course.invocation,
                    seconds=time.monotonic() - begin,
                )
            )


def _call(function: ServedFunction, call: InvokeCall) -> Invocation:
    return function.invoke(
        call.event,
        client_context=call.client_context,
        request_id=call.request_id,
        qualifier=call.qualifier,
    )


def _named(build: ServedBuild, call: InvokeCall) -> str | None:
    """The function that a call names, by its name here or on AWS; one version is all that there is."""
    if call.qualifier is not None and call.qualifier.isdecimal():
        return None
    if call.function in build.functions:
        return call.function
    if call.function == _ANY_NAME and len(build.functions) == 1:
        return next(iter(build.functions))
    return build.aliases.get(call.function)


def _not_served(error: WherryError) -> HttpResponse:
    """The answer of this server while there is no function to ask: the reason, to be read in a browser."""
    return HttpResponse(
        status=502,
        headers=(("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")),
        body=f"{error}\n".encode("utf-8", "replace"),
        fault=_in_a_line(error),
    )


def _in_a_line(error: WherryError) -> str:
    return ": ".join([error.message, *error.where[:1]])
