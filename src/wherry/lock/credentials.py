"""Where the passwords of private indexes are kept, so that no lock has to hold them.

Pipenv's users write ``https://${USER}:${PASSWORD}@host/simple``, Poetry's users give an index a name and set
``POETRY_HTTP_BASIC_<NAME>_USERNAME`` and ``…_PASSWORD``. Both are looked up when the index is asked, not before.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["expand_variables", "named_credentials", "with_credentials"]

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)\}|\$(?P<bare>[A-Za-z_]\w*)")


def expand_variables(url: str) -> str:
    """``url`` with ``${NAME}`` and ``$NAME`` replaced by what the environment holds; others stay as they are.

    Within user and password, a value with characters that would end them is quoted.
    """
    scheme, separator, rest = url.partition("://")
    head, at, tail = rest.rpartition("@")
    if not separator or not at or "/" in _VARIABLE.sub("", head):
        return _VARIABLE.sub(_value, url)
    return (
        f"{scheme}{separator}{_VARIABLE.sub(_quoted_value, head)}{at}{_VARIABLE.sub(_value, tail)}"
    )


def _value(found: re.Match[str]) -> str:
    return os.environ.get(found["name"] or found["bare"], found[0])


def _quoted_value(found: re.Match[str]) -> str:
    value = _value(found)
    return (
        value if re.fullmatch(r"[\w.~!$&'()*+,;=%-]*", value, re.ASCII) else quote(value, safe="")
    )


def with_credentials(url: str, name: str) -> str:
    """``url`` with the user and password that the environment has for Poetry's index ``name``, if any."""
    key = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = os.environ.get(f"POETRY_HTTP_BASIC_{key}_USERNAME")
    password = os.environ.get(f"POETRY_HTTP_BASIC_{key}_PASSWORD", "")
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not name or user is None or "@" in parts.netloc:
        return url
    secret = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{secret}@{parts.netloc}"))


def named_credentials(index_names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """User and password by ``scheme://host[:port]``, for those of these indexes that the environment has.

    Args:
        index_names: what a lock calls its indexes, by address (``Lock.index_names``).
    """
    found: dict[str, tuple[str, str]] = {}
    for url, name in index_names.items():
        known = with_credentials(url, name)
        if known != url:
            parts = urlsplit(known)
            secret, _, place = parts.netloc.rpartition("@")
            user, _, password = secret.partition(":")
            found[f"{parts.scheme}://{place}"] = (unquote(user), unquote(password))
    return found
