"""The variables by which uv gets the indexes and their logins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wherry.indexes.declared import same_address
from wherry.indexes.variables import ADDRESSES, environment_name, split_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.indexes.network import Network

__all__ = ["uv_variables"]

# Those of uv's variables that hold addresses.
_UV_ADDRESSES = tuple(name for name in ADDRESSES if name.startswith("UV_"))


def uv_variables(network: Network, cwd: Path) -> dict[str, str]:
    """The variables to run uv with in a folder, besides those of the environment; errors as ``Network.login``."""
    variables = _of_pip()
    variables |= _addresses(network, cwd, variables)
    for index in network.known.all():
        if index.name is None:
            continue
        login = network.login_of(index) or network.login(index.url)
        if login is not None:
            name = environment_name(index.name)
            variables.setdefault(f"UV_INDEX_{name}_USERNAME", login.user)
            variables.setdefault(f"UV_INDEX_{name}_PASSWORD", login.password)
    for name in _UV_ADDRESSES:
        if value := variables.get(name) or os.environ.get(name):
            with_logins = " ".join(_with_login(word, network) for word in value.split())
            if with_logins != value:
                variables[name] = with_logins
    return variables


def _of_pip() -> dict[str, str]:
    """The addresses in pip's variables, unless uv has its own: whoever has set up pip for an index means uv, too.

    Both separate addresses by blanks.
    """
    if any(os.environ.get(name) for name in _UV_ADDRESSES):
        return {}
    pairs = (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX"))
    return {uv: value for pip, uv in pairs if (value := os.environ.get(pip))}


def _addresses(network: Network, cwd: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The addresses of the indexes that uv does not read itself."""
    has_default = "UV_DEFAULT_INDEX" in variables or any(
        os.environ.get(name) for name in ("UV_INDEX_URL", "UV_DEFAULT_INDEX")
    )
    # Those that uv reads itself keep the meaning that they have there.
    reads_files = bool(network.indexes) and not network.is_for_third_party
    read = [
        (index.name, index.url)
        for index in (network.known.in_folder(cwd) if reads_files else ())
        if index.tool == "uv"
    ]
    added: dict[str, str] = {}
    words: list[str] = []
    for index in network.indexes:
        if any(index.name == name or same_address(index.url, url) for name, url in read):
            continue
        if not index.default:
            words.append(f"{index.name}={index.url}")
        elif not has_default:
            added["UV_DEFAULT_INDEX"] = f"{index.name}={index.url}"
    if network.is_for_third_party:
        words += network.known.of_project()
    if words:
        given = variables.get("UV_INDEX") or os.environ.get("UV_INDEX") or ""
        added["UV_INDEX"] = " ".join(filter(None, [given, *words]))
    return added


def _with_login(word: str, network: Network) -> str:
    """A word of a variable, with the login in its address; an index with a name has its login by the name."""
    name, url = split_name(word)
    try:
        return word if name else network.with_login(url)
    except ValueError:
        return word
