"""One environment that runs a function, event after event, as Lambda does.

It is started when the first event comes, keeps its state between events, and is replaced by a fresh one when
the function's process has ended or was ended because its time was up.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import uuid
from typing import TYPE_CHECKING, TypeAlias

from wherry.errors import InvokeError
from wherry.events import SILENT, Note, Warned
from wherry.invoke.outcome import Invocation, exit_error, read_error, timeout_error
from wherry.invoke.runtime_api import (
    MAX_EVENT,
    Answered,
    Failed,
    InitFailed,
    Order,
    Ready,
    RuntimeApi,
)
from wherry.invoke.sandbox import Contents, Exited, Process, Sandbox
from wherry.invoke.variables import ACCOUNT, check_variables, lambda_variables, region

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wherry.events import Reporter
    from wherry.invoke.interpreter import Interpreter
    from wherry.invoke.runnable import Runnable
    from wherry.wheels.store import Store

__all__ = ["Session"]

INIT_LIMIT = 10.0
"""Seconds that Lambda gives an environment to start before it tries again, within the function's own time."""

_Message: TypeAlias = Ready | Answered | Failed | InitFailed | Exited


class Session:
    """Runs a function. Use it as a context: at its end no process and no file of it is left."""

    def __init__(
        self,
        runnable: Runnable,
        *,
        python: Path | None = None,
        timeout: float = 30.0,
        memory: int = 128,
        store: Store | None = None,
        offline: bool = False,
        on_log: Callable[[bytes], None] | None = None,
        reporter: Reporter = SILENT,
    ) -> None:
        """Nothing is done yet.

        Args:
            runnable: what is run.
            python: the interpreter, where it is not to be looked for.
            timeout: seconds that the function has for an event.
            memory: in MB, as the function is told. It is not enforced.
            store: where the unpacked files are kept; by default the user's.
            offline: use no network.
            on_log: called, in a thread, with what the function writes as it writes it.
            reporter: who is told what differs from Lambda.
        """
        if timeout <= 0:
            raise InvokeError(f"a timeout of {timeout:g} seconds leaves no time to run")
        if memory <= 0:
            raise InvokeError(f"a memory of {memory} MB leaves nothing to run in")
        self._runnable = runnable
        self._python, self._timeout, self._memory = python, timeout, memory
        self._store, self._offline = store, offline
        self._on_log, self._reporter = on_log, reporter
        self._sandbox: Sandbox | None = None
        self._environment: _Environment | None = None

    def __enter__(self) -> Self:
        """Find an interpreter, unpack what is to be run, and see how it can be laid out.

        Raises:
            InvokeError: there is no interpreter, or a zip is missing.
            WherryError: something cannot be fetched or unpacked.
        """
        from wherry.indexes.access import Access
        from wherry.invoke.client import prepare_client
        from wherry.invoke.interpreter import find_interpreter
        from wherry.invoke.unpack import unpack_archives, unpack_bundle
        from wherry.wheels.store import Store

        runnable, reporter = self._runnable, self._reporter
        check_variables(runnable.environment)
        store = self._store = self._store or Store.default()
        interpreter = find_interpreter(runnable.target.runtime.python, python=self._python)
        task = unpack_archives([runnable.function], store)
        layers = unpack_archives(runnable.layers, store) if runnable.layers else None
        provided = runnable.runtime_bundle
        client = prepare_client(
            interpreter,
            store,
            offline=self._offline,
            access=Access(runnable.indexes, offline=self._offline),
            reporter=reporter,
        )
        self._sandbox = Sandbox(
            Contents(
                task=task,
                layers=layers,
                runtime=client.folder,
                provided=unpack_bundle(provided, store) if provided is not None else None,
            ),
            interpreter,
        )
        if not client.compiled:
            reporter.emit(
                Note(
                    text=f"awslambdaric {client.version} has no compiled transport for this interpreter; "
                    "Wherry's own is used"
                )
            )
        if not self._sandbox.isolated:
            reporter.emit(
                Note(
                    text=f"running without namespaces ({self._sandbox.why_not}): the code is at {task} "
                    "instead of /var/task, layers are not at /opt, and /tmp is this machine's"
                )
            )
        _warn_of_machine(runnable, interpreter, [task, *([layers] if layers else [])], reporter)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the environment. No process of it is left."""
        self._end()
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def invoke(self, event: bytes, *, client_context: str | None = None) -> Invocation:
        """Hand the function an event, a JSON document, and wait for what comes of it.

        Raises:
            InvokeError: the event is larger than Lambda takes, or the process cannot be started.
        """
        if len(event) > MAX_EVENT:
            raise InvokeError(
                f"the event has {len(event):,} bytes",
                where=[f"AWS Lambda takes {MAX_EVENT:,} in a synchronous invocation"],
            )
        try:
            while True:
                outcome = self._invoke(event, client_context)
                if outcome is not None:
                    return outcome
        except BaseException:
            self._end()
            raise

    def _invoke(self, event: bytes, client_context: str | None) -> Invocation | None:
        """None when the environment had ended before it took the event."""
        request_id = str(uuid.uuid4())
        environment, init_seconds = self._environment, None
        if environment is None:
            environment, failed = self._start(request_id)
            init_seconds = environment.init_seconds
            if failed is not None:
                peak = environment.peak_memory
                self._end()
                return _failed(
                    request_id, failed, log=environment.take_log(), init=init_seconds, peak=peak
                )
        begin = time.monotonic()
        environment.api.order(
            Order(
                request_id=request_id,
                event=event,
                deadline_ms=int((time.time() + self._timeout) * 1000),
                trace_id=_trace_id(),
                client_context=client_context,
            )
        )
        answer = environment.wait(begin + self._timeout, request_id)
        seconds = time.monotonic() - begin
        if isinstance(answer, Exited) and not environment.api.taken and init_seconds is None:
            self._end()
            return None
        timed_out = False
        match answer:
            case Answered(payload=payload):
                error = None
            case Failed(payload=payload):
                error = read_error(payload)
            case Exited(status=status):
                payload = exit_error(request_id, status)
                error = read_error(payload)
            case _:
                timed_out = True
                payload = timeout_error(request_id, self._timeout)
                error = read_error(payload)
        peak = environment.peak_memory
        if timed_out or isinstance(answer, Exited):
            self._end()
        return Invocation(
            request_id=request_id,
            payload=payload,
            error=error,
            seconds=self._timeout if timed_out else seconds,
            init_seconds=init_seconds,
            peak_memory=peak,
            timed_out=timed_out,
            log=environment.take_log(),
        )

    def _start(self, request_id: str) -> tuple[_Environment, _InitFailure | None]:
        """A new environment, and why it is of no use."""
        if self._sandbox is None:
            raise InvokeError("the session is closed, or was never entered")
        begin = time.monotonic()
        environment = _Environment(
            self._runnable, self._sandbox, memory=self._memory, on_log=self._on_log
        )
        self._environment = environment
        limit = max(INIT_LIMIT, self._timeout)
        answer = environment.wait_ready(begin + limit)
        environment.init_seconds = took = time.monotonic() - begin
        if took > INIT_LIMIT:
            self._reporter.emit(
                Warned(
                    text=f"the function took {took:.1f} s to start",
                    hint=f"AWS Lambda gives it {INIT_LIMIT:.0f} s, then starts anew in the invocation's time",
                )
            )
        match answer:
            case Ready():
                return environment, None
            case InitFailed(payload=payload):
                return environment, _InitFailure(payload, timed_out=False)
            case Exited(status=status):
                return environment, _InitFailure(exit_error(request_id, status), timed_out=False)
            case _:
                return environment, _InitFailure(timeout_error(request_id, limit), timed_out=True)

    def _end(self) -> None:
        if self._environment is not None:
            self._environment.end()
            self._environment = None


class _InitFailure:
    """Why the function could not be loaded."""

    def __init__(self, payload: bytes, *, timed_out: bool) -> None:
        self.payload = payload
        self.timed_out = timed_out


def _failed(
    request_id: str, failure: _InitFailure, *, log: bytes, init: float | None, peak: int | None
) -> Invocation:
    return Invocation(
        request_id=request_id,
        payload=failure.payload,
        error=read_error(failure.payload),
        seconds=0.0,
        init_seconds=init,
        peak_memory=peak,
        timed_out=failure.timed_out,
        log=log,
    )


class _Environment:
    """A started runtime with its Runtime API."""

    def __init__(
        self,
        runnable: Runnable,
        sandbox: Sandbox,
        *,
        memory: int,
        on_log: Callable[[bytes], None] | None,
    ) -> None:
        self.init_seconds: float | None = None
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._log: list[bytes] = []
        self._lock = threading.Lock()
        self._on_log = on_log
        self._last_peak: int | None = None
        here = region(os.environ, runnable.environment)
        self.api = RuntimeApi(
            f"arn:aws:lambda:{here}:{ACCOUNT}:function:{runnable.name}", self._messages.put
        )
        try:
            variables = lambda_variables(
                runnable,
                places=sandbox.places,
                memory=memory,
                runtime_api=self.api.address,
                log_stream=f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
                caller=os.environ,
            )
            self._process: Process = sandbox.start(
                variables, on_output=self._take, on_exit=self._messages.put
            )
        except BaseException:
            self.api.close()
            raise

    @property
    def peak_memory(self) -> int | None:
        """So far, in bytes."""
        self._last_peak = self._process.peak_memory() or self._last_peak
        return self._last_peak

    def wait_ready(self, until: float) -> _Message | None:
        """The runtime's first word; None when there was none in time."""
        while (message := self._next(until)) is not None:
            if isinstance(message, Ready | InitFailed | Exited):
                if isinstance(message, InitFailed):
                    # It ends by itself, and writes its last words before.
                    self._next(time.monotonic() + 1)
                return message
        return None

    def wait(self, until: float, request_id: str) -> Answered | Failed | Exited | None:
        """What comes of the event; None when nothing did in time."""
        while (message := self._next(until)) is not None:
            if isinstance(message, Exited):
                return message
            if isinstance(message, Answered | Failed) and message.request_id == request_id:
                return message
        return None

    def _next(self, until: float) -> _Message | None:
        left = until - time.monotonic()
        try:
            message = self._messages.get(timeout=max(left, 0.0))
        except queue.Empty:
            return None
        if isinstance(message, Exited):
            self._last_peak = message.peak_memory or self._last_peak
        return message

    def take_log(self) -> bytes:
        """What was written since the last call."""
        self._process.catch_up()
        with self._lock:
            log, self._log = b"".join(self._log), []
        return log

    def end(self) -> None:
        """End it; what it wrote until then can still be taken."""
        self._process.end()
        self.api.close()

    def _take(self, piece: bytes) -> None:
        # AWS's client ends the lines of a traceback so that its log keeps them together.
        piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\xc2\xa0", b" ")
        with self._lock:
            self._log.append(piece)
        if self._on_log is not None:
            self._on_log(piece)


def _trace_id() -> str:
    return f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"


def _warn_of_machine(
    runnable: Runnable, interpreter: Interpreter, folders: list[Path], reporter: Reporter
) -> None:
    """Say what compiled modules will not load here."""
    import sys

    machine = runnable.target.architecture.machine
    here = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        interpreter.machine.lower(), interpreter.machine
    )
    if here == machine and sys.platform == "linux":
        return
    compiled = sorted(
        path.relative_to(folder).as_posix()
        for folder in folders
        for path in folder.rglob("*.so*")
        if path.is_file()
    )
    if not compiled:
        return
    shown = ", ".join(compiled[:3]) + (f" and {len(compiled) - 3} more" if compiled[3:] else "")
    reporter.emit(
        Warned(
            text=f"the package is for {runnable.target.architecture} on Linux, and this machine is {here} "
            f"on {sys.platform}: {shown} will not load",
            hint="build for this machine's architecture to run it here, if it is Linux",
        )
    )
