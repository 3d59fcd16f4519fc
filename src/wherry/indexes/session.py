"""The HTTP session that everything is fetched with, and the errors that its failures become.

requests does the work, with its own rules for proxies, CA bundles and netrc. Added here are timeouts, bounded
retries, the logins of indexes, and errors that a user can act on.
"""

from __future__ import annotations

import base64
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import FetchError
from wherry.indexes.declared import code_artifact_at, is_pypi
from wherry.indexes.login import Login, origin, split_login
from wherry.indexes.redact import redact
from wherry.indexes.variables import environment_name
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    import requests

    from wherry.indexes.known import KnownIndex
    from wherry.indexes.network import Network

__all__ = [
    "BACKOFF",
    "PROXY_HINT",
    "check",
    "explain",
    "explain_denial",
    "explained",
    "open_session",
    "shown_url",
    "timeouts",
]

_TIMEOUT = 30.0
_CONNECT = 10.0
_RETRIES = 3
_LONGEST_WAIT = 10
BACKOFF = 0.2
"""Seconds before the second attempt; doubled for each further one."""
PROXY_HINT = (
    "give user and password in `HTTPS_PROXY` or `HTTP_PROXY`: http://USER:PASSWORD@HOST:PORT"
)
"""The hint about a proxy that requires a user and a password."""
_SHOWN = 3
_TRY_LATER = frozenset({429, 500, 502, 503, 504})


def _timeout() -> float:
    """The seconds to wait for a byte of a server: ``$WHERRY_HTTP_TIMEOUT``, else 30.

    Raises:
        FetchError: the variable is not a number above 0.
    """
    text = os.environ.get("WHERRY_HTTP_TIMEOUT", "")
    if not text:
        return _TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise FetchError(
            f"`WHERRY_HTTP_TIMEOUT` is `{text}`", hint="it must be a number of seconds above 0"
        )
    return seconds


def timeouts() -> tuple[float, float]:
    """The timeouts for requests: of connecting, which takes little time or fails, and of reading."""
    seconds = _timeout()
    return min(seconds, _CONNECT), seconds


@contextmanager
def open_session(network: Network) -> Iterator[requests.Session]:
    """Open a session for several threads.

    Args:
        network: knows the logins of indexes. A URL's own login is used first, then the index's, then netrc's, and
            the keyring's when the index has answered 401.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import ReadTimeoutError
    from urllib3.util.retry import Retry

    class BoundedRetry(Retry):
        # A server may ask for an hour; an error is better than a build that waits so long.
        def parse_retry_after(self, retry_after: str) -> float:
            return min(super().parse_retry_after(retry_after), _LONGEST_WAIT)

        # A server that does not answer in time is not asked again.
        def increment(self, *args: Any, **options: Any) -> Self:
            if isinstance(error := options.get("error"), ReadTimeoutError):
                raise error
            return super().increment(*args, **options)

    retries = BoundedRetry(
        total=_RETRIES,
        # requests itself follows redirects.
        redirect=False,
        backoff_factor=BACKOFF,
        backoff_max=_LONGEST_WAIT,
        status_forcelist=_TRY_LATER,
        allowed_methods=frozenset({"GET", "HEAD"}),
        raise_on_status=False,
    )
    adapter = HTTPAdapter(max_retries=retries, pool_connections=16, pool_maxsize=16)

    class Session(requests.Session):
        def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
            # The login is sent to its own scheme, host and port, and nowhere else.
            bare, _ = split_login(url)
            login = _with_password_of_netrc(network.login(url), bare)
            response = self._ask(method, bare, login, options)
            status = response.status_code
            if status not in {401, 403} or origin(response.url) != origin(bare):
                return response
            second = network.second_login(bare, login or _sent(response), status=status)
            if second is None:
                return response
            response.close()
            return self._ask(method, bare, second, options)

        def _ask(
            self, method: str, url: str, login: Login | None, options: dict[str, Any]
        ) -> requests.Response:
            if login is not None:
                options = {"auth": (login.user.encode(), login.password.encode()), **options}
            return super().request(method, url, **options)

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            target = super().get_redirect_target(resp)
            if target is not None:
                # Its body is of no use, may have no end, and would be read to the end.
                resp.close()
            return target

        def rebuild_auth(
            self, prepared_request: requests.PreparedRequest, response: requests.Response
        ) -> None:
            # Drops the login where a redirect leads to another host, which may have a login of its own.
            super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call,unused-ignore]
            url = prepared_request.url or ""
            if "Authorization" not in prepared_request.headers and (login := network.login(url)):
                prepared_request.prepare_auth((login.user.encode(), login.password.encode()))

    with Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        # The certificates that uv was given are meant for all tools. requests' own variables come first.
        if os.path.isfile(certificates := os.environ.get("SSL_CERT_FILE", "")):  # noqa: PTH113
            session.verify = certificates
        # The bytes must be those that were hashed, so nothing may be compressed on the way.
        session.headers.update(
            {"User-Agent": f"wherry/{__version__}", "Accept-Encoding": "identity"}
        )
        yield session


def _with_password_of_netrc(login: Login | None, url: str) -> Login | None:
    """The login, with the password that netrc has for its user where it has none itself."""
    if login is None or login.password or not login.user:
        return login
    from requests.utils import get_netrc_auth

    known = get_netrc_auth(url)
    if known is None or known[0] != login.user:
        return login
    return replace(login, password=known[1], source="the netrc file")


def _sent(response: requests.Response) -> Login | None:
    """The login that was sent with a request; one that is not ours was taken from netrc by requests."""
    kind, _, value = response.request.headers.get("Authorization", "").partition(" ")
    if kind != "Basic":
        return None
    try:
        user, _, password = base64.b64decode(value).decode("utf-8", "replace").partition(":")
    except ValueError:
        return None
    return Login(user=user, password=password, source="the netrc file")


def shown_url(url: str) -> str:
    """The address as messages may show it: without login, and without query, which may hold a signature."""
    return redact(url.partition("?")[0].partition("#")[0])


def check(response: requests.Response, *, what: str, network: Network) -> None:
    """Require that a response is the file or page asked for.

    Args:
        response: the response.
        what: the file or page, as messages call it.
        network: how the index was asked.

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
            sent = _sent(response)
            known = network.login(response.url)
            if sent is not None and known is not None and known.user == sent.user:
                sent = known
            more, hint = explain_denial(network, response.url, status, sent)
            where += more
        case 404 | 410:
            hint = "it was removed, or never existed: lock again"
        case _ if status in _TRY_LATER:
            hint = "the server has a problem: try again later"
        case _:
            hint = "is this the address of an index?"
    raise FetchError(f"cannot fetch {what}", where=where, hint=hint)


def explain_denial(
    network: Network, url: str, status: int, sent: Login | None
) -> tuple[list[str], str]:
    """Why an index denied access, and what to do about it.

    Args:
        network: how the index was asked.
        url: the address that was asked.
        status: 401, 403 or 407.
        sent: the login that was sent, if any.

    Returns:
        Lines for the chain of causes, and the hint.
    """
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
                f"no answer within {_timeout():g} s",
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
