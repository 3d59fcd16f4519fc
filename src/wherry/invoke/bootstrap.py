"""The first module of the function's own process; it lies in ``/var/runtime``, as AWS's does.

It is run by the target's interpreter, which may be as old as 3.9, and imports nothing of Wherry. It gives
``sys.path`` Lambda's order and hands over to AWS's runtime client. Its arguments are the folder of the
layers, that of the runtime's own distributions, and, where somebody steps through the function, the descriptor of a terminal
(empty if there is none), the folder that holds debugpy, and its port.
"""

from __future__ import annotations

import os
import site
import sys
from importlib import import_module

__all__ = ["main"]


def main() -> None:
    """Run AWS's runtime client until the process is ended."""
    layers, provided, terminal, debugger, port = (*sys.argv[1:], "", "", "")[:5]
    del sys.argv[1:]
    task, runtime = os.environ["LAMBDA_TASK_ROOT"], os.environ["LAMBDA_RUNTIME_DIR"]
    client = import_module("awslambdaric.__main__")
    # The name that it has in AWS's own: tools that patch the client, such as Sentry's, look for it.
    globals()["awslambdaricmain"] = client

    # The client has its own reference; a function that ships simplejson gets what it ships.
    for name in [name for name in sys.modules if name.partition(".")[0] == "simplejson"]:
        del sys.modules[name]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    # A locale that this machine lacks makes Python set this; Lambda has the locale.
    if os.environ.get("LC_CTYPE") == "C.UTF-8":
        del os.environ["LC_CTYPE"]
    # Started without `site`, which would let in what is installed here; but its builtins are expected.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    own = (
        []
        if "PYTHONPATH" in os.environ
        else [f"{layers}/python/lib/{version}/site-packages", f"{layers}/python"]
    )
    sys.path[:0] = [task, *own, *([] if "PYTHONPATH" in os.environ else [provided])]
    if provided not in sys.path:
        sys.path.append(provided)
    # As AWS's own does: .pth files of the function and of its layers are honoured.
    for folder in (task, *own):
        site.addsitedir(folder, set(sys.path))
    if "PYTHONPATH" not in os.environ:
        os.environ["PYTHONPATH"] = runtime
    if terminal:
        sys.meta_path.insert(0, _Keyboard(int(terminal)))
    if debugger:
        _wait_for_debugger(debugger, port)
    client.bootstrap.create_log_sink = _Log
    client.main([task, os.environ["_HANDLER"]])


class _Log:
    """Where AWS's client logs to. On Lambda that is apart from ``sys.stdout``, and keeps entries apart: here by lines."""

    def __init__(self) -> None:
        self._file = os.fdopen(os.dup(2), "wb")

    def __enter__(self) -> object:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it open: what ends with the interpreter may still have something to say."""

    def log(self, msg: str, frame_type: object = None) -> None:  # noqa: ARG002  the client's names
        """Write an entry."""
        self._file.write(msg.encode() + (b"" if msg.endswith("\n") else b"\n"))
        self._file.flush()

    def log_error(self, message_lines: list[str]) -> None:
        """Write the lines of an error, which the client indents by no-break spaces."""
        self.log("\n".join(message_lines).replace("\u00a0", " "))


class _Keyboard:
    """Lets a debugger read from the terminal as soon as it is imported; until then the function has no input, as on Lambda."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name == "bdb":
            sys.meta_path.remove(self)
            os.dup2(self._terminal, 0)


def _wait_for_debugger(folder: str, port: str) -> None:
    """Listen, and go on when somebody has attached. Nothing else of the folder can be imported afterwards."""
    sys.path.insert(0, folder)
    debugpy = import_module("debugpy")
    sys.path.remove(folder)
    debugpy.listen(("127.0.0.1", int(port)))
    debugpy.wait_for_client()


if __name__ == "__main__":
    main()
