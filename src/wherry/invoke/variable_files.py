"""Files with environment variables, as docker compose and python-dotenv read them.

Comments after a space, quotes (with line ends inside of them), ``export``, and ``${NAME}`` except in single quotes. A name
without a value is passed through from Wherry's own environment, as ``docker run --env-file`` does.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

from wherry.errors import InvokeError
from wherry.files import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dotenv.parser import Binding

__all__ = ["read_variable_files"]

_LARGEST = 1 << 20


def read_variable_files(files: Sequence[Path]) -> Iterator[tuple[str, str, str]]:
    """Names and values with their places, in their order.

    Raises:
        InvokeError: a file cannot be read, or a line of it is not understood.
    """
    if not files:
        return
    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    known = dict(os.environ)
    for path in files:
        try:
            # It may be a pipe, as of a tool that decrypts it.
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(_LARGEST + 1)
            if len(text) > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST:,} characters")
        except (OSError, ValueError) as error:
            reason = reason_of(error)
            raise InvokeError(f"cannot read `{path}`", where=[reason]) from error
        for binding in parse_stream(io.StringIO(text)):
            place = f"{path} line {_line(binding)}"
            if binding.error:
                # The line is not shown: it may hold a secret.
                raise InvokeError(
                    "a line with an environment variable is not understood",
                    where=[place],
                    hint="write KEY=VALUE; a quote must be closed, and nothing but a comment may follow it",
                )
            name, value = binding.key, binding.value
            if name is None:
                continue
            if value is None:
                if name in os.environ:
                    yield name, os.environ[name], place
                continue
            if not _is_single_quoted(binding):
                value = "".join(atom.resolve(known) for atom in parse_variables(value))
            known[name] = value
            yield name, value, place


def _line(binding: Binding) -> int:
    """The line on which the variable stands; blank lines before it belong to it, too."""
    original = binding.original
    blank = original.string[: len(original.string) - len(original.string.lstrip())]
    return original.line + len(blank.splitlines())


def _is_single_quoted(binding: Binding) -> bool:
    return binding.original.string.partition("=")[2].lstrip(" \t").startswith("'")
