"""Logins from the user's keyring, by the command ``keyring``.

The command and not the library: a keyring's backends (the system's, Google's, Azure's) are installed beside the
command and seldom beside Wherry, and nothing of it is loaded where nobody needs it. pip and uv have this way too,
and ask under the same names: the index's address, then its host.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from urllib.parse import urlsplit

from wherry.indexes.login import Login

__all__ = ["ask_keyring"]

# A keyring may wait for somebody to unlock it.
_TIMEOUT = 120
# The variables by which uv and pip are forbidden to ask it.
_PROVIDERS = ("UV_KEYRING_PROVIDER", "PIP_KEYRING_PROVIDER")


def ask_keyring(address: str, user: str | None) -> Login | None:
    """The login that the keyring has for an index.

    Without a user, both are asked for, which keyring can do since 25.2.
    """
    if any(os.environ.get(variable) == "disabled" for variable in _PROVIDERS):
        return None
    for service in dict.fromkeys((address, urlsplit(address).netloc)):
        # Neither is a secret, so that both may be arguments.
        if user:
            password = _run("get", service, user)
            if password is not None:
                return Login(user=user, password=password, source="the keyring")
        elif (output := _run("--mode", "creds", "get", service)) is not None:
            name, separator, password = output.partition("\n")
            if separator:
                return Login(user=name.rstrip("\r"), password=password, source="the keyring")
    return None


def _run(*arguments: str) -> str | None:
    command = shutil.which("keyring")
    if command is None:
        return None
    try:
        done = subprocess.run(
            [command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    output = done.stdout.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    return output if done.returncode == 0 and output else None
