"""A command ``keyring`` as the distribution of that name has it, with its answers in a file."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["keyring_command"]

_COMMAND = """\
#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
known = json.loads((here / "known.json").read_text())
words = sys.argv[1:]
creds = words[:2] == ["--mode", "creds"]
words = words[2:] if creds else words
found = known.get(words[1])
if words[0] != "get" or found is None:
    sys.exit(1)
user, password = found
if creds:
    print(user)
elif words[2] != user:
    sys.exit(1)
print(password)
"""


def keyring_command(folder: Path, known: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Write the command, and tell the environment in which it is found.

    Args:
        folder: where it goes; it notes there, in ``asked``, what it was asked.
        known: user and password by service.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "known.json").write_text(json.dumps(known))
    (folder / "asked").touch()
    command = folder / "keyring"
    command.write_text(_COMMAND.format(python=sys.executable))
    command.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
