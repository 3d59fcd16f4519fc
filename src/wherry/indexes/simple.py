"""The files of a project on an index, by the Simple API (PEP 503, 691, 700)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from wherry.errors import FetchError
from wherry.indexes.body import read_body
from wherry.indexes.failures import check, explained, shown_url
from wherry.indexes.session import open_session, timeouts
from wherry.structs import Struct
from wherry.untrusted import LARGEST_DOCUMENT, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pypi_simple
    import requests

    from wherry.files import ProjectFiles
    from wherry.indexes.network import Network

__all__ = ["FindFiles", "IndexedFile", "index_finder", "page_key", "project_files"]

# Its tree takes about twenty times that.
_LARGEST_HTML = 1 << 23


class IndexedFile(Struct, frozen=True, kw_only=True):
    """A file of a project, as an index offers it.

    Attributes:
        hashes: hexadecimal digests by algorithm, those that the index states.
        size: in bytes, where the index states it.
        yanked: why it was yanked, which may be empty; None when it was not (PEP 592).
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    size: int | None
    yanked: str | None


FindFiles = Callable[[str | None, str], Sequence[IndexedFile]]
"""Finds the files that an index (None for the default one) has of a project, by its normalized name."""


def page_key(index: str | None, project: str) -> tuple[str, str | None, str]:
    """The key under which ``ProjectFiles.once`` remembers the files of a project, for a run."""
    return ("files of an index", index, project)


def project_files(
    index: str | None, project: str, *, session: requests.Session, network: Network
) -> tuple[IndexedFile, ...]:
    """The files of a project, in the index's order.

    An index of None is the default one, which is what the environment says (``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``,
    ``PIP_INDEX_URL``), else the settings, or PyPI.

    Raises:
        FetchError: the index does not answer, does not know the project, or is not an index.
    """
    import pypi_simple

    address = (
        (network.expanded(index) if index else None)
        or network.default_index
        or pypi_simple.PYPI_SIMPLE_ENDPOINT
    )
    client = pypi_simple.PyPISimple(endpoint=address, session=session)
    url = client.get_project_url(project)
    what = f"the list of `{project}`'s files"
    with explained(network.hide(url), what=what):
        response = session.get(
            url,
            stream=True,
            timeout=timeouts(),
            headers={"Accept": pypi_simple.ACCEPT_JSON_PREFERRED},
        )
    with response:
        return _files(response, project, url, network)


def _files(
    response: requests.Response, project: str, url: str, network: Network
) -> tuple[IndexedFile, ...]:
    what = f"the list of `{project}`'s files"
    if response.status_code in {404, 410}:
        raise FetchError(
            f"the index has no project `{project}`",
            where=[f"{network.hide(shown_url(url))} answered {response.status_code}"],
            hint="set `UV_DEFAULT_INDEX` to the address of the index that has it",
        )
    check(response, what=what, network=network)
    return tuple(
        IndexedFile(
            filename=package.filename,
            url=package.url,
            hashes=package.digests,
            size=package.size,
            yanked=(package.yanked_reason or "") if package.is_yanked else None,
        )
        for package in _parse(response, project, what, network.hide(url)).packages
    )


def _parse(
    response: requests.Response, project: str, what: str, url: str
) -> pypi_simple.ProjectPage:
    import warnings

    import bs4
    import pypi_simple

    for category in (
        # A newer minor version of the API is compatible by its definition (PEP 629).
        pypi_simple.UnexpectedRepoVersionWarning,
        # Whether it is a page of an index is judged below.
        bs4.MarkupResemblesLocatorWarning,
        bs4.XMLParsedAsHTMLWarning,
    ):
        warnings.filterwarnings("ignore", category=category)
    is_json = "json" in response.headers.get("Content-Type", "")
    body = read_body(
        response, what=what, shown=url, most=LARGEST_DOCUMENT if is_json else _LARGEST_HTML
    )
    try:
        if is_json:
            page = pypi_simple.ProjectPage.from_json_data(parse_json(body), response.url)
        else:
            # What has been read; it is not asked for again.
            response._content = body  # noqa: SLF001
            page = pypi_simple.ProjectPage.from_response(response, project)
    except pypi_simple.UnsupportedRepoVersionError as error:
        raise FetchError(
            f"the index uses version {error.declared_version} of the Simple API",
            where=[shown_url(url)],
            hint="a newer version of Wherry may support it",
        ) from error
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        bs4.ParserRejectedMarkup,
    ):
        # Not chained: its text holds the address as it was given.
        raise _no_index(url) from None
    # Login pages are HTML too; and an index page without files is of no use.
    if not page.packages and "html" in response.headers.get("Content-Type", "html"):
        raise _no_index(url)
    return page


def _no_index(url: str) -> FetchError:
    return FetchError(
        f"{shown_url(url)} is not a page of an index",
        where=["it is neither JSON nor HTML of the Simple API with files in it"],
        hint="is it the address of the index, ending in `/simple/`?",
    )


@contextmanager
def index_finder(network: Network, files: ProjectFiles) -> Iterator[FindFiles]:
    """Find the files of projects, for locks that record hashes without file names; asked once in a run.

    Nothing is loaded or connected before the first call, which may come from any thread.
    """
    with ExitStack() as stack:
        lock = threading.Lock()
        sessions: list[requests.Session] = []

        def find(index: str | None, project: str, /) -> Sequence[IndexedFile]:
            if network.offline:
                raise FetchError(
                    f"an index must be asked for the files of `{project}`, which `--offline` forbids",
                    where=["the lock records hashes, but no file names"],
                    hint="run once without `--offline`",
                )
            return files.once(page_key(index, project), lambda: ask(index, project))

        def ask(index: str | None, project: str) -> tuple[IndexedFile, ...]:
            with lock:
                if not sessions:
                    sessions.append(stack.enter_context(open_session(network)))
            return project_files(index, project, session=sessions[0], network=network)

        yield find
