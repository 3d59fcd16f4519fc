"""The HTTP session that everything is fetched with.

requests does the work, with its own rules for proxies, CA bundles and netrc. Added here are timeouts, bounded
retries, and the logins of indexes. ``wherry.indexes.failures`` makes errors of its failures.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import FetchError
from wherry.indexes.login import Login, origin, sent_login, split_login
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    import requests

    from wherry.indexes.network import Network

__all__ = ["BACKOFF", "TRY_LATER", "open_session", "timeouts"]

_TIMEOUT = 30.0
_CONNECT = 10.0
_RETRIES = 3
_LONGEST_WAIT = 10
BACKOFF = 0.2
"""Seconds before the second attempt; doubled for each further one."""
TRY_LATER = frozenset({429, 500, 502, 503, 504})
"""The statuses of servers that may answer another time."""


def timeouts() -> tuple[float, float]:
    """The seconds to wait: for a connection, which takes little time or fails, and for a byte of a server.

    The latter are ``$WHERRY_HTTP_TIMEOUT``, else 30.

    Raises:
        FetchError: the variable is not a number above 0.
    """
    text = os.environ.get("WHERRY_HTTP_TIMEOUT", "")
    if not text:
        return _CONNECT, _TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise FetchError(
            f"`WHERRY_HTTP_TIMEOUT` is `{text}`", hint="it must be a number of seconds above 0"
        )
    return min(seconds, _CONNECT), seconds


@contextmanager
def open_session(network: Network) -> Iterator[requests.Session]:
    """Open a session for several threads.

    A URL's own login is used first, then the index's, then netrc's, and the keyring's when the index has answered
    401.
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
        status_forcelist=TRY_LATER,
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
            second = network.second_login(bare, login or sent_login(response), status=status)
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
