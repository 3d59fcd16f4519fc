"""The process of a build backend: imports it and calls its hooks (PEP 517).

It is run as a script by the interpreter of a build environment, so it imports the standard library alone. Its
argument is a line of JSON; its answer is a file of JSON, as its output is the backend's.
"""

from __future__ import annotations

import importlib
import json
import os
import site
import sys

__all__ = ["main"]


def main() -> int:
    """Ask for requirements, and make the wheel where there are none, or where they are known."""
    if not getattr(sys.flags, "safe_path", False):
        # The folder of this script is not for the backend.
        del sys.path[0]
    request = json.loads(sys.argv[1])
    answer = request["answer"]
    if request["modules"] is not None:
        site.addsitedir(request["modules"])
        # Worth its time where the modules, which lie in Wherry's store, are used again.
        sys.dont_write_bytecode = request["ask"]
    sys.path[:0] = request["path"]
    try:
        backend = _import(request["backend"], request["path"])
    except ImportError as error:
        _write(answer, {"unimportable": f"{type(error).__name__}: {error}"})
        return 0
    if request["ask"]:
        requires = _requires(backend) if request["pure"] else _ask(backend, answer)
        if requires or not request["build"]:
            _write(answer, {"requires": requires})
            return 0
    filename = backend.build_wheel(request["wheel"], None, None)
    _write(answer, {"filename": filename})
    return 0


def _import(name: str, path: list):  # type: ignore[type-arg,no-untyped-def]  # noqa: ANN202
    module, _, attributes = name.partition(":")
    backend = importlib.import_module(module)
    if path and not str(getattr(backend, "__file__", "")).startswith(
        tuple(folder + os.sep for folder in path)
    ):
        raise ImportError(f"`{module}` does not lie in `backend-path`")
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    return backend


def _ask(backend, answer: str) -> list:  # type: ignore[type-arg,no-untyped-def]  # noqa: ANN001
    """The requirements that the backend asks for, in a process of its own, as hooks may leave changes behind."""
    if not hasattr(os, "fork"):
        return _requires(backend)
    child = os.fork()
    if child == 0:
        _write(answer, _requires(backend))
        sys.exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        sys.exit(status if status > 0 else 128 - status)
    try:
        with open(answer, encoding="utf-8") as file:  # noqa: PTH123
            return json.load(file)  # type: ignore[no-any-return]
    except FileNotFoundError:  # the hook ended the process
        sys.exit(0)
    finally:
        if os.path.exists(answer):  # noqa: PTH110
            os.unlink(answer)  # noqa: PTH108


def _requires(backend) -> list:  # type: ignore[type-arg,no-untyped-def]  # noqa: ANN001
    hook = getattr(backend, "get_requires_for_build_wheel", None)
    requires = [] if hook is None else hook(None)
    if not isinstance(requires, (list, tuple, set, frozenset)):
        raise TypeError(f"get_requires_for_build_wheel returned no list, but {requires!r:.200}")
    return [str(requirement) for requirement in requires]


def _write(answer: str, value: object) -> None:
    with open(answer, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(value, file)


if __name__ == "__main__":
    sys.exit(main())
