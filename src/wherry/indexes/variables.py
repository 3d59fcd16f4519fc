"""The indexes and logins of the environment, in the variables of uv, pip and Poetry."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from wherry.indexes.login import Login, split_login

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "ADDRESSES",
    "Expansions",
    "default_index",
    "environment_name",
    "index_urls",
    "login_by_name",
    "named_urls",
    "secrets",
    "split_name",
    "user_by_name",
    "without_secrets",
]

_DEFAULTS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
"""The variables that name the default index; the first that is set counts."""

ADDRESSES = (*_DEFAULTS, "UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
"""Every variable that holds addresses of indexes, separated by blanks."""

# A named index of uv's is `NAME=URL`.
_NAMED = r"(?P<name>[A-Za-z0-9._-]+)=(?=[a-z]+:)"
_LOGIN = r"UV_INDEX_\w+_PASSWORD|POETRY_HTTP_BASIC_\w+_PASSWORD"
_VARIABLE = r"\$\{(?P<name>\w+)\}|\$(?P<bare>[A-Za-z_]\w*)"
# A shorter value would be replaced in the middle of words.
_SHORTEST = 4
_PROXY = r"(?i)(HTTP|HTTPS|ALL)_PROXY"


def default_index() -> str | None:
    """The address of the environment's default index, with its login; None where there is none."""
    for variable in _DEFAULTS:
        for _, url in _words(variable):
            return url
    return None


def index_urls() -> tuple[str, ...]:
    """The addresses of all indexes of the environment, with their logins; the default one first."""
    return tuple(dict.fromkeys(url for variable in ADDRESSES for _, url in _words(variable)))


def named_urls() -> Iterator[tuple[str, str]]:
    """The names and addresses of the indexes to which uv's variables give a name."""
    for variable in ADDRESSES:
        for name, url in _words(variable):
            if name is not None:
                yield name, url


def _words(variable: str) -> Iterator[tuple[str | None, str]]:
    for word in os.environ.get(variable, "").split():
        yield split_name(word)


def split_name(word: str) -> tuple[str | None, str]:
    """The name that uv's variables give to an address, if any, and the address."""
    found = re.match(_NAMED, word)
    return (found["name"], word[found.end() :]) if found else (None, word)


def without_secrets() -> list[list[str]]:
    """The variables that decide which indexes uv asks, and their values without users and passwords."""

    def without_login(name: str | None, url: str) -> str:
        with suppress(ValueError):
            url, _ = split_login(url)
        return f"{name}={url}" if name else url

    return [
        [variable, " ".join(without_login(*word) for word in _words(variable))]
        for variable in (*ADDRESSES, "UV_FIND_LINKS", "UV_NO_INDEX")
        if variable in os.environ
    ]


def environment_name(name: str) -> str:
    """An index's name as it stands within the names of variables."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def login_by_name(name: str) -> Login | None:
    """User and password of the index with this name: uv's variables, or else Poetry's.

    The user may be empty: some indexes want a token as the password.
    """
    for lead in ("UV_INDEX", "POETRY_HTTP_BASIC"):
        user = os.environ.get(f"{lead}_{environment_name(name)}_USERNAME")
        variable = f"{lead}_{environment_name(name)}_PASSWORD"
        password = os.environ.get(variable)
        if password is not None:
            return Login(user=user or "", password=password, source=f"`{variable}`")
    return None


def user_by_name(name: str) -> str | None:
    """The user of the index with this name, whose password a keyring may have."""
    for lead in ("UV_INDEX", "POETRY_HTTP_BASIC"):
        if user := os.environ.get(f"{lead}_{environment_name(name)}_USERNAME"):
            return user
    return None


def secrets() -> Iterator[Login]:
    """Every user and password that the environment holds for indexes and proxies."""
    for variable, value in os.environ.items():
        if value and re.fullmatch(_LOGIN, variable):
            user = os.environ.get(variable.removesuffix("PASSWORD") + "USERNAME", "")
            yield Login(user=user, password=value, source=variable)
    proxies = [value for variable, value in os.environ.items() if re.fullmatch(_PROXY, variable)]
    for url in (*index_urls(), *proxies):
        try:
            _, login = split_login(url)
        except ValueError:
            continue
        if login is not None:
            yield login


class Expansions:
    """The addresses in which variables are expanded, and what came of it. For several threads.

    Only the tool that owns a file decides whether variables are expanded there, and only for what the project itself
    has written there: a lock that somebody changed must not read a variable.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._texts: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def expand(self, text: str) -> str:
        """The text with its variables expanded; ``expanded`` answers the same from now on."""
        self.conceal(
            {
                name: os.environ[name]
                for found in re.finditer(_VARIABLE, text)
                if (name := found["name"] or found["bare"]) in os.environ
            }
        )
        # Locks leave out a slash at the end.
        self._texts[text.rstrip("/")] = _expand(text.rstrip("/"))
        return _expand(text)

    def expanded(self, text: str) -> str:
        """The text as ``expand`` has expanded it, else as it is; without a login that consists of variables."""
        known = self._texts.get(text.rstrip("/"))
        if known is not None:
            return known
        try:
            bare, login = split_login(text)
        except ValueError:
            return text
        named = login is not None and re.search(_VARIABLE, login.user + login.password)
        return bare if named else text

    def conceal(self, values: Mapping[str, str]) -> None:
        """Keep the values of these variables out of messages."""
        self._values |= {value: name for name, value in values.items() if value}

    def hide(self, text: str) -> str:
        """The text with the names of variables in place of their values, as they are or quoted."""
        for value, name in sorted(self._values.copy().items(), key=lambda item: -len(item[0])):
            for form in dict.fromkeys((value, quote(value, safe=""), quote(value))):
                if len(form) >= _SHORTEST:
                    text = text.replace(form, f"${{{name}}}")
        return text


def _expand(url: str) -> str:
    """The address with ``${NAME}`` and ``$NAME`` replaced by the environment's values, where there are any.

    Within user and password, a value with characters that would end them is quoted.
    """
    scheme, separator, rest = url.partition("://")
    head, at, tail = rest.rpartition("@")
    if not separator or not at or "/" in re.sub(_VARIABLE, "", head):
        return re.sub(_VARIABLE, _value, url)
    head, tail = re.sub(_VARIABLE, _quoted_value, head), re.sub(_VARIABLE, _value, tail)
    return f"{scheme}{separator}{head}{at}{tail}"


def _value(found: re.Match[str]) -> str:
    return os.environ.get(found["name"] or found["bare"], found[0])


def _quoted_value(found: re.Match[str]) -> str:
    value = _value(found)
    if value == found[0]:
        return value
    return (
        value if re.fullmatch(r"[\w.~!$&'()*+,;=%-]*", value, re.ASCII) else quote(value, safe="")
    )
