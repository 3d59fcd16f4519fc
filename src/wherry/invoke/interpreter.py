"""The interpreter that a package is run with."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.tools.interpreter import Interpreter, ask_interpreter, search_interpreter

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Interpreter", "find_interpreter"]


def find_interpreter(wanted: tuple[int, int], *, python: Path | str | None = None) -> Interpreter:
    """An interpreter of this major and minor version: ``python`` and no other, if it is given.

    Raises:
        InvokeError: there is none, or the one that was named is another or does not run.
    """
    version = f"{wanted[0]}.{wanted[1]}"
    if python is not None:
        path = shutil.which(python) or str(python)
        found = ask_interpreter(path)
        if found is None:
            raise InvokeError(f"`{python}` is not a CPython interpreter that can be run")
        if found.version[:2] != wanted:
            raise InvokeError(
                f"`{python}` is Python {'.'.join(map(str, found.version))}",
                where=[f"the package was built for Python {version}"],
                hint=f"name a Python {version}, or build for another runtime with `--runtime`",
            )
        return found
    if (found := search_interpreter(wanted)) is not None:
        return found
    raise InvokeError(
        f"there is no Python {version} on this machine to run the package with",
        where=[f"looked for `python{version}` on PATH, and for what pyenv and uv have installed"],
        hint=f"install one with `uv python install {version}`, name one with `--python PATH`,\n"
        "or build for a runtime whose Python is here with `--runtime`",
    )
