"""A client of the Debug Adapter Protocol, as an editor has it."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any, Self

__all__ = ["Editor"]

PATIENCE = 30.0


class Editor:
    """An editor that attaches to a function."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        where = configuration["connect"]["host"], configuration["connect"]["port"]
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._socket = socket.create_connection(where, timeout=PATIENCE)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < until
                time.sleep(0.1)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}
        self.ask("initialize", adapterID="wherry", linesStartAt1=True, pathFormat="path")
        self._attached = self._send("attach", **configuration)
        self.event("initialized")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def begin(self, source: Path, lines: list[int]) -> list[bool]:
        """Set breakpoints and let the function begin; whether each was found."""
        answer = self.ask(
            "setBreakpoints",
            source={"path": str(source)},
            breakpoints=[{"line": line} for line in lines],
        )
        self.ask("configurationDone")
        self._answer(self._attached)
        return [each["verified"] for each in answer["breakpoints"]]

    def stop(self) -> tuple[str, int, int]:
        """The file and line of the next stop, and the frame."""
        thread = self.event("stopped")["threadId"]
        frame = self.ask("stackTrace", threadId=thread)["stackFrames"][0]
        return frame["source"]["path"], frame["line"], frame["id"]

    def value(self, expression: str, frame: int) -> str:
        result: str = self.ask("evaluate", expression=expression, frameId=frame)["result"]
        return result

    def go_on(self) -> None:
        # The function may have ended before there is an answer.
        self._send("continue", threadId=0)

    def event(self, name: str) -> dict[str, Any]:
        while True:
            for event in self._events:
                if event["event"] == name:
                    self._events.remove(event)
                    body: dict[str, Any] = event.get("body", {})
                    return body
            self._read()

    def ask(self, command: str, **arguments: Any) -> Any:
        return self._answer(self._send(command, **arguments))

    def _send(self, command: str, **arguments: Any) -> int:
        self._number += 1
        message = {"seq": self._number, "type": "request", "command": command}
        data = json.dumps({**message, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        return self._number

    def _answer(self, number: int) -> Any:
        while number not in self._answers:
            self._read()
        answer = self._answers.pop(number)
        assert answer["success"], answer
        return answer.get("body")

    def _read(self) -> None:
        length = 0
        while line := self._file.readline().strip():
            length = int(line.partition(b":")[2])
        assert length, "the debugger has gone"
        message = json.loads(self._file.read(length))
        if message["type"] == "event":
            self._events.append(message)
        elif message["type"] == "response":
            self._answers[message["request_seq"]] = message
