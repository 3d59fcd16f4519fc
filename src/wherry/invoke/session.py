"""One environment that runs a function, event after event, as Lambda does.

It is started when the first event comes, keeps its state between events, and is replaced by a fresh one when
the function's process has ended or was ended because its time was up. The fresh one finds what is in ``/tmp``.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import InvokeError
from wherry.events import DebuggerAwaited, Warned
from wherry.invoke.debugging import Debugging, find_debugpy, launch_configuration
from wherry.invoke.differences import find_differences, short_names
from wherry.invoke.environment import Environment, Message
from wherry.invoke.outcome import Invocation, Start, exit_error, read_error, timeout_error
from wherry.invoke.process import Exited
from wherry.invoke.runnable import ENDLESS, Runnable
from wherry.invoke.runtime_api import (
    MAX_EVENT,
    Answered,
    Failed,
    InitFailed,
    Order,
    Ready,
)
from wherry.invoke.sandbox import Contents, Sandbox
from wherry.invoke.variables import check_values, check_variables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from wherry.context import Context
    from wherry.invoke.outcome import FunctionError

__all__ = ["Session"]

INIT_LIMIT = 10.0
"""Seconds that Lambda gives an environment to start before it tries again, within the function's own time."""

_MEGABYTE = 1024 * 1024


class Session:
    """Runs a function. Use it as a context: at its end no process and no file of it is left."""

    def __init__(
        self,
        runnable: Runnable,
        context: Context,
        *,
        python: Path | str | None = None,
        on_log: Callable[[bytes], None] | None = None,
        debugging: Debugging | None = None,
    ) -> None:
        """Nothing is done yet. ``on_log`` is called, in a thread, with what the function writes."""
        self._debugging, self._limits = debugging, runnable.limits
        if debugging is not None and debugging.port is not None:
            self._limits = replace(self._limits, timeout=ENDLESS)
        self._runnable, self._context = runnable, context
        self._python, self._on_log = python, on_log
        self._sandbox: Sandbox | None = None
        self._environment: Environment | None = None
        self._told_of_memory = False
        self._init_seconds: float | None = None

    def __enter__(self) -> Self:
        """Find an interpreter, unpack what is to be run, and see how it can be laid out.

        Raises:
            InvokeError: there is no interpreter, or a zip is missing.
            WherryError: something cannot be fetched or unpacked.
        """
        from wherry.invoke.client import prepare_client
        from wherry.invoke.interpreter import find_interpreter
        from wherry.invoke.sdk import prepare_sdk
        from wherry.invoke.unpack import unpack_archives, unpack_bundle

        runnable, store, reporter = self._runnable, self._context.store, self._context.reporter
        check_variables(runnable.environment)
        check_values(runnable.environment)
        for warning in short_names(runnable.environment):
            reporter.emit(warning)
        files, wanted = self._context.files, runnable.target.runtime.python
        interpreter = files.once(
            ("interpreter", wanted, self._python),
            lambda: find_interpreter(wanted, python=self._python),
        )
        task = unpack_archives([runnable.function], store)
        layers = unpack_archives(runnable.layers, store) if runnable.layers else None
        provided = runnable.runtime_bundle
        folders = [task, *([layers] if layers else [])]
        sdk = prepare_sdk(folders, provided, self._context) if runnable.boto3 else None
        client = prepare_client(interpreter, self._context, beside=sdk)
        debugging = self._debugging
        debugger = find_debugpy(interpreter, debugging) if debugging is not None else None
        contents = Contents(
            task=task,
            layers=layers,
            runtime=client.folder,
            provided=unpack_bundle(provided, store) if provided is not None else None,
        )
        self._sandbox = Sandbox(
            contents,
            interpreter,
            limits=self._limits,
            debugger=debugger,
            terminal=None if debugging is None else debugging.terminal,
            files=files,
        )
        if debugging is not None and debugger is not None:
            places = self._sandbox.places
            seen = {places.task: task, f"{places.layers}/python": (layers or task) / "python"}
            tell = debugging.on_awaited or reporter.emit
            tell(
                DebuggerAwaited(
                    port=debugger.port,
                    configuration=launch_configuration(
                        debugger.port, debugging.project, seen, name=debugging.name
                    ),
                )
            )
        for difference in find_differences(
            runnable.target, contents, interpreter, client, self._sandbox
        ):
            reporter.emit(difference)
        return self

    def __exit__(self, *_: object) -> None:
        """End the environment. No process of it is left."""
        sandbox, self._sandbox = self._sandbox, None
        self._end()
        if sandbox is not None:
            sandbox.close()

    def prepare(self) -> FunctionError | None:
        """Start the environment before there is an event; the reason why the function cannot be loaded, if so.

        Raises:
            InvokeError: the process cannot be started.
        """
        if self._environment is not None:
            return None
        limit = max(INIT_LIMIT, self._limits.timeout)
        try:
            environment, answer, self._init_seconds = self._start(limit)
            if isinstance(answer, Ready):
                return None
            environment.take_log()
            payload = _payload_of(answer, "prepare", limit)
        except BaseException:
            self._end()
            raise
        self._end()
        return read_error(payload)

    def invoke(
        self,
        event: bytes,
        *,
        client_context: str | None = None,
        request_id: str | None = None,
        qualifier: str | None = None,
    ) -> Invocation:
        """Hand the function an event, a JSON document, and wait for what comes of it.

        The context is a JSON document about the caller, who may name a version or alias; the function knows the event by
        its request ID, by default a new one.

        Raises:
            InvokeError: the event is larger than Lambda takes, or the process cannot be started.
        """
        if len(event) > MAX_EVENT:
            raise InvokeError(
                f"the event has {len(event):,} bytes",
                where=[f"AWS Lambda takes {MAX_EVENT:,} in a synchronous invocation"],
            )
        order = Order(
            request_id=request_id or str(uuid.uuid4()),
            event=event,
            deadline_ms=0,
            trace_id=f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};"
            f"Parent={uuid.uuid4().hex[:16]};Sampled=0",
            client_context=client_context,
            qualifier=qualifier,
        )
        try:
            while True:
                outcome = self._invoke(order)
                if outcome is not None:
                    return outcome
        except BaseException:
            self._end()
            raise

    def _invoke(self, order: Order) -> Invocation | None:
        """None when the environment had ended before it took the event."""
        environment, init_seconds = self._environment, None
        answer: Message | None = Ready()
        limit, seconds = max(INIT_LIMIT, self._limits.timeout), 0.0
        if environment is None:
            environment, answer, init_seconds = self._start(limit)
        ready = isinstance(answer, Ready)
        if ready:
            limit, begin = self._limits.timeout, time.monotonic()
            deadline = int((time.time() + limit) * 1000)
            environment.api.order(replace(order, deadline_ms=deadline))
            answer = environment.wait(begin + limit, order.request_id)
            seconds = limit if answer is None else time.monotonic() - begin
            if isinstance(answer, Exited) and not environment.api.taken and init_seconds is None:
                self._end()
                return None
        payload = _payload_of(answer, order.request_id, limit)
        if init_seconds is None:
            # The environment was started before there was an event.
            init_seconds, self._init_seconds = self._init_seconds, None
        peak = environment.peak_memory
        self._tell_of_memory(answer, peak)
        if not ready or answer is None or isinstance(answer, Exited):
            self._end()
        return Invocation(
            request_id=order.request_id,
            payload=payload,
            error=None if isinstance(answer, Answered) else read_error(payload),
            seconds=seconds,
            init_seconds=init_seconds,
            peak_memory=peak,
            timed_out=answer is None,
            log=environment.take_log(),
            memory=self._limits.memory,
            started=ready,
        )

    @property
    def function(self) -> str:
        """The name of the function."""
        return self._runnable.name

    def start_once(self) -> Start:
        """Start an environment, and end it as soon as it asks for an event.

        Raises:
            InvokeError: the process cannot be started.
        """
        self._end()
        limit = max(INIT_LIMIT, self._limits.timeout)
        environment, answer, seconds = self._start(limit)
        peak = environment.peak_memory
        self._end()
        ready = isinstance(answer, Ready)
        error = None if ready else read_error(_payload_of(answer, "-", limit))
        return Start(seconds=seconds, peak_memory=peak, error=error, log=environment.take_log())

    def _start(self, limit: float) -> tuple[Environment, Message | None, float]:
        """A new environment, the first message of its runtime, and the seconds until then."""
        port = None if self._debugging is None else self._debugging.port
        if port is not None:
            port.take(self, lambda: self._sandbox is not None)
        sandbox, begin = self._sandbox, time.monotonic()
        if sandbox is not None:
            self._environment = environment = Environment(
                self._runnable, sandbox, memory=self._limits.memory, on_log=self._on_log
            )
        # Another thread may have closed it meanwhile.
        if self._sandbox is None or sandbox is None:
            self._end()
            if sandbox is not None:
                sandbox.close()
            raise InvokeError("the session is closed, or was never entered")
        answer = environment.wait_ready(begin + limit)
        took = time.monotonic() - begin
        # The first start of a function with SnapStart may take as long as an event.
        if took > INIT_LIMIT and not self._runnable.snap_start and self._limits.timeout < ENDLESS:
            self._context.reporter.emit(
                Warned(
                    text=f"the function took {took:.1f} s to start",
                    hint=f"AWS Lambda gives it {INIT_LIMIT:.0f} s, then starts anew in the invocation's time",
                )
            )
        return environment, answer, took

    def _tell_of_memory(self, answer: Message | None, peak: int | None) -> None:
        """Warn of a function that used more memory than it has; once, unless it was ended for that."""
        beyond = answer.beyond if isinstance(answer, Exited) else None
        used, has = beyond or peak or 0, self._limits.memory
        if used <= has * _MEGABYTE or (self._told_of_memory and beyond is None):
            return
        self._told_of_memory = True
        text = f"the function used {used / _MEGABYTE:.0f} MB of memory, and has {has} MB"
        more = "give it more with `--memory`, or with `memory` in its settings"
        self._context.reporter.emit(
            Warned(text=text, hint=f"AWS Lambda ends a function that uses more than it has: {more}")
            if beyond is None
            else Warned(text=f"{text}: it was ended, as on AWS Lambda", hint=more)
        )

    def _end(self) -> None:
        if self._environment is not None:
            self._environment.end()
            self._environment = self._init_seconds = None
        if self._debugging is not None and self._debugging.port is not None:
            self._debugging.port.leave(self)


def _payload_of(answer: Message | None, request_id: str, limit: float) -> bytes:
    """The document that Lambda answers with; ``limit`` is the time in seconds that was up where there is no answer."""
    match answer:
        case Answered(payload=payload) | Failed(payload=payload) | InitFailed(payload=payload):
            return payload
        case Exited(status=status):
            return exit_error(request_id, status)
        case _:
            return timeout_error(request_id, limit)
