"""The session that everything is fetched with, and what its failures mean.

requests does the work, with its own rules for proxies, CA bundles and netrc. What is added here:
timeouts, bounded retries, credentials by origin, and errors that a user can act on.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from wherry.errors import FetchError
from wherry.lock.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    import requests

__all__ = [
    "BACKOFF",
    "check",
    "default_index",
    "explain",
    "explained",
    "index_urls",
    "open_session",
    "place",
    "timeout",
    "timeouts",
]

_TIMEOUT = 30.0
_CONNECT = 10.0
_RETRIES = 3
_PATIENCE = 10
BACKOFF = 0.2
"""Seconds before the second attempt; doubled for each further one."""
_TRY_LATER = frozenset({429, 500, 502, 503, 504})
# A named index of uv's is `NAME=URL`.
_NAMED = re.compile(r"[A-Za-z0-9._-]+=(?=[a-z]+:)")


def timeout() -> float:
    """Seconds without a byte after which a server counts as hanging: ``$WHERRY_HTTP_TIMEOUT``, else 30.

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
    """The same for requests, which tells connecting from reading: a connection comes soon or never."""
    seconds = timeout()
    return min(seconds, _CONNECT), seconds


def default_index() -> str | None:
    """The address of the default index as the environment names it; None for PyPI."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if urls := _urls(variable):
            return urls[0]
    return None


def index_urls() -> tuple[str, ...]:
    """Every index that the environment names, the default one first; with their credentials."""
    variables = (
        *("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"),
        *("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"),
    )
    return tuple(dict.fromkeys(url for variable in variables for url in _urls(variable)))


def _urls(variable: str) -> list[str]:
    return [_NAMED.sub("", word, count=1) for word in os.environ.get(variable, "").split()]


@contextmanager
def open_session(
    credentials: Mapping[str, tuple[str, str]] | None = None,
) -> Iterator[requests.Session]:
    """A session for several threads.

    Args:
        credentials: user and password by URL prefix ``scheme://host[:port]``, besides those in the URLs
            of ``index_urls``. A URL's own come first, then these, then netrc's.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import ReadTimeoutError
    from urllib3.util.retry import Retry

    class Patience(Retry):
        # A server may ask for an hour; whoever waits for a build would rather be told.
        def parse_retry_after(self, retry_after: str) -> float:
            return min(super().parse_retry_after(retry_after), _PATIENCE)

        # One that hangs has had its time.
        def increment(self, *args: Any, **options: Any) -> Self:
            if isinstance(error := options.get("error"), ReadTimeoutError):
                raise error
            return super().increment(*args, **options)

    retries = Patience(
        total=_RETRIES,
        # requests itself follows redirects.
        redirect=False,
        backoff_factor=BACKOFF,
        backoff_max=_PATIENCE,
        status_forcelist=_TRY_LATER,
        allowed_methods=frozenset({"GET", "HEAD"}),
        raise_on_status=False,
    )
    adapter = HTTPAdapter(max_retries=retries, pool_connections=16, pool_maxsize=16)
    known = dict(credentials or {})
    for url in index_urls():
        # One that is no address is told of by whoever asks it.
        with suppress(ValueError):
            if (login := _login(url)) is not None:
                known.setdefault(_origin(url), login)

    class Session(requests.Session):
        def request(self, method: str, url: str, **options: object) -> requests.Response:  # type: ignore[override]
            # The login goes to the origin it is for, and nowhere else: requests drops it when a redirect
            # leads to another host. Files of an index that wants a login want it too.
            login = _login(url) or known.get(_origin(url))
            if login is not None:
                known.setdefault(_origin(url), login)
                options.setdefault("auth", (login[0].encode(), login[1].encode()))
            return super().request(method, _without_login(url), **options)  # type: ignore[arg-type]

    with Session() as session:
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        # Bytes are wanted as they were hashed: nothing is to be compressed on the way.
        session.headers.update({"User-Agent": _user_agent(), "Accept-Encoding": "identity"})
        yield session


def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"wherry/{version('wherry')}"
    except PackageNotFoundError:
        return "wherry"


def _login(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if not parts.username and not parts.password:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def place(url: str) -> str:
    """The URL as messages may show it: no login, and no query, which may be a signature."""
    return redact(url.partition("?")[0].partition("#")[0])


def check(response: requests.Response, *, what: str) -> None:
    """Refuse an answer that is not the file or page asked for.

    Raises:
        FetchError: the status is not 2xx.
    """
    status = response.status_code
    if 200 <= status < 300:
        return
    where = f"{place(response.url)} answered {status} {response.reason or ''}".rstrip()
    match status:
        case 401 | 407:
            given = "Authorization" in response.request.headers
            hint = (
                "user or password is wrong"
                if given
                else "give user and password in the index URL, or in a netrc file"
            )
        case 403:
            hint = "this user, or this network, may not read it"
        case 404 | 410:
            hint = "it was removed, or never there: lock again"
        case _ if status in _TRY_LATER:
            hint = "the server is in trouble: try again later"
        case _:
            hint = "is this the address of an index?"
    raise FetchError(f"cannot fetch {what}", where=[where], hint=hint)


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
            where=[f"{place(url)} is not a sound address"],
            hint="lock again",
        ) from None


def explain(error: Exception, url: str, *, what: str) -> FetchError:
    """The error for users that stands for one of requests, urllib3 or the system."""
    cause, hint = _cause(error)
    return FetchError(f"cannot fetch {what}", where=[f"from {place(url)}", cause], hint=hint)


def _cause(error: BaseException) -> tuple[str, str | None]:
    """What happened at the bottom of a chain of exceptions, and what to do about it."""
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
        if isinstance(link, (TimeoutError, exceptions.ReadTimeoutError)):
            return (
                f"no answer within {timeout():g} s",
                "try again, or set `WHERRY_HTTP_TIMEOUT` to more seconds",
            )
    if isinstance(error, (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)):
        return "only http, https and file addresses are fetched", None
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects without end", None
    if isinstance(error, (requests.exceptions.InvalidURL, exceptions.LocationParseError)):
        return "the address is not sound", "lock again"
    for link in reversed(chain):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower(), "check the network and its proxy settings"
    if any(isinstance(link, exceptions.ProtocolError) for link in chain):
        return "the connection broke off", "try again"
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(chain[-1]).__name__).lower(), "try again"


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
