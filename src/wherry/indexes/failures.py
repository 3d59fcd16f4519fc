"""Errors of fetching: the cause in one line, and what the user can do about it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.errors import FetchError
from wherry.indexes.declared import code_artifact_at, is_pypi
from wherry.indexes.login import sent_login
from wherry.indexes.redact import redact
from wherry.indexes.session import TRY_LATER, timeouts
from wherry.indexes.variables import environment_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from wherry.indexes.known import KnownIndex
    from wherry.indexes.login import Login
    from wherry.indexes.network import Network

__all__ = ["PROXY_HINT", "check", "explain", "explain_denial", "explained", "shown_url"]

PROXY_HINT = (
    "give user and password in `HTTPS_PROXY` or `HTTP_PROXY`: http://USER:PASSWORD@HOST:PORT"
)
"""The hint about a proxy that requires a user and a password."""
_SHOWN = 3


def shown_url(url: str) -> str:
    """The address as messages may show it: without login, and without query, which may hold a signature."""
    return redact(url.partition("?")[0].partition("#")[0])


def check(response: requests.Response, *, what: str, network: Network) -> None:
    """Require that a response is the file or page asked for.

    Raises:
        FetchError: the status is not 2xx.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    where = [
        f"{network.hide(shown_url(response.url))} answered {status} {response.reason or ''}".rstrip()
    ]
    match status:
        case 401 | 403 | 407:
            sent = sent_login(response)
            known = network.login(response.url)
            if sent is not None and known is not None and known.user == sent.user:
                sent = known
            more, hint = explain_denial(network, response.url, status, sent)
            where += more
        case 404 | 410:
            hint = "it was removed, or never existed: lock again"
        case _ if status in TRY_LATER:
            hint = "the server has a problem: try again later"
        case _:
            hint = "is this the address of an index?"
    raise FetchError(f"cannot fetch {what}", where=where, hint=hint)


def explain_denial(
    network: Network, url: str, status: int, sent: Login | None
) -> tuple[list[str], str]:
    """Why an index denied access, with the status 401, 403 or 407: lines for the chain of causes, and the hint."""
    if status == 407:
        return ["the proxy requires a user and a password"], PROXY_HINT
    index = network.index_of(url)
    label = index.label if index is not None else "the index"
    if index is not None and not index.trusted and sent is None:
        return _only_in_lock(network, index)
    if sent is not None:
        cause = [f"{label} refused {sent.shown} of {sent.source}"]
        if status == 403:
            return cause, "this user, or this network, is not permitted to read it"
        if index is not None and index.code_artifact is not None:
            return cause, "check that the repository exists and that AWS permits you to read it"
        return cause, "the user or the password is wrong, or has expired"
    if status == 403:
        return [f"{label} was asked without a user and a password"], (
            "this network is not permitted to read it, or it requires a user"
        )
    cause = [f"{label} requires a user and a password"]
    if index is not None and index.name is not None:
        name = environment_name(index.name)
        return cause, f"set `UV_INDEX_{name}_USERNAME` and `UV_INDEX_{name}_PASSWORD`"
    if code_artifact_at(url) is not None:
        return (
            cause,
            "declare it in `[[tool.wherry.indexes]]` with `name` and `url`, and log in to AWS",
        )
    if index is None:
        cause += [
            f"the project declares the index `{name}` at {redact(address)}"
            for name, address in network.known.declared()
            if not is_pypi(address)
        ][:_SHOWN]
    return cause, (
        "name the index in `[[tool.wherry.indexes]]`, and set `UV_INDEX_NAME_USERNAME` and "
        "`UV_INDEX_NAME_PASSWORD`; or put them into a netrc file"
    )


def _only_in_lock(network: Network, index: KnownIndex) -> tuple[list[str], str]:
    """The causes and the hint for an index that only a lock names, so that no password was sent to it."""
    named = f"`{index.lock}` names the index `{index.name}` at {redact(index.url)}"
    declared = list(dict.fromkeys(network.known.declared_as(index.name or "")))
    if declared:
        places = " and ".join(redact(url) for url in declared)
        return (
            [f"{named}, but it is declared at {places}: no user and password were sent"],
            "lock again, or correct the address where the index is declared",
        )
    return (
        [f"{named}, and no file of the project declares it: no user and password were sent"],
        "declare it in `[[tool.wherry.indexes]]` with this name and address",
    )


@contextmanager
def explained(url: str, *, what: str) -> Iterator[None]:
    """Turn every failure of requests and urllib3 inside the block into an error for users.

    Raises:
        FetchError: whatever failed; neither credentials nor a traceback are in it.
    """
    import requests
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        # The original is not chained: its text may hold the URL with a password.
        raise explain(error, url, what=what) from None
    except (ValueError, UnicodeError):
        raise FetchError(
            f"cannot fetch {what}",
            where=[f"{shown_url(url)} is not a valid address"],
            hint="lock again",
        ) from None


def explain(error: Exception, url: str, *, what: str) -> FetchError:
    """The error for users, made of an exception of requests, urllib3 or the system."""
    cause, hint = _cause(error)
    return FetchError(f"cannot fetch {what}", where=[f"from {shown_url(url)}", cause], hint=hint)


def _cause(error: BaseException) -> tuple[str, str | None]:
    """The cause at the bottom of a chain of exceptions, and what to do about it."""
    import ssl

    import requests
    from urllib3 import exceptions

    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted: {link.verify_message}",
                "behind a proxy that inspects traffic, set `REQUESTS_CA_BUNDLE` to its certificates",
            )
    for link in chain:
        if isinstance(link, exceptions.ProxyError):
            return _cause_of_proxy(chain)
    for link in chain:
        if isinstance(link, (TimeoutError, exceptions.ReadTimeoutError)):
            return (
                f"no answer within {timeouts()[1]:g} s",
                "try again, or set `WHERRY_HTTP_TIMEOUT` to more seconds",
            )
    if isinstance(error, (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)):
        return "only http, https and file addresses are fetched", None
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects too many times", None
    if isinstance(error, (requests.exceptions.InvalidURL, exceptions.LocationParseError)):
        return "the address is not valid", "lock again"
    for link in reversed(chain):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower(), "check the network and its proxy settings"
    if any(isinstance(link, exceptions.ProtocolError) for link in chain):
        return "the connection was lost", "try again"
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(chain[-1]).__name__).lower(), "try again"


def _cause_of_proxy(chain: list[BaseException]) -> tuple[str, str]:
    """Why a proxy did not permit a connection."""
    for link in chain:
        # http.client raises `Tunnel connection failed: 407 Proxy Authentication Required`.
        if found := re.search(r"Tunnel connection failed: (\d{3})\b *([A-Za-z -]*)", str(link)):
            status, reason = found[1], found[2].strip()
            cause = f"the proxy answered {status} {reason}".rstrip()
            if status == "407":
                return cause, PROXY_HINT
            return (
                cause,
                "the proxy does not permit the connection: ask its administrator, or set `NO_PROXY`",
            )
    return "the proxy cannot be reached", "check `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those that it wraps in any of the ways that requests and urllib3 have."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        link = pending.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = (link.__cause__, link.__context__, getattr(link, "reason", None), *link.args)
        pending += [other for other in inner if isinstance(other, BaseException)]
