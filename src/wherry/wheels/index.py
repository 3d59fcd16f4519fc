"""What an index offers of a project, by the Simple API (PEP 503, 691, 700)."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import FetchError
from wherry.indexes.access import Access
from wherry.wheels.http import check, explained, open_session, place, timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pypi_simple
    import requests

    from wherry.lock.model import FindFiles

__all__ = ["IndexedFile", "index_finder", "project_files"]


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexedFile:
    """A file of a project.

    Attributes:
        filename: its name.
        url: where it lies.
        hashes: hexadecimal digests by algorithm, as far as the index tells them.
        size: in bytes, where the index tells it.
        yanked: why it was yanked, perhaps without a word; None when it was not (PEP 592).
        requires_python: a version specifier, unparsed.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    size: int | None
    yanked: str | None
    requires_python: str | None


def project_files(
    index: str | None,
    project: str,
    *,
    session: requests.Session,
    access: Access | None = None,
) -> tuple[IndexedFile, ...]:
    """The files of a project, in the index's order.

    Args:
        index: the address of a Simple API; None for the default one, which is what the environment
            says (``UV_DEFAULT_INDEX``, ``UV_INDEX_URL``, ``PIP_INDEX_URL``), else the settings, or PyPI.
        project: a project's name.
        session: from ``wherry.wheels.http.open_session``.
        access: what the session was opened with.

    Raises:
        FetchError: the index does not answer, does not know the project, or is no index.
    """
    import pypi_simple

    access = access or Access()
    address = index or access.default_index or pypi_simple.PYPI_SIMPLE_ENDPOINT
    client = pypi_simple.PyPISimple(endpoint=address, session=session)
    url = client.get_project_url(project)
    what = f"the list of `{project}`'s files"
    with explained(url, what=what):
        response = session.get(
            url, timeout=timeouts(), headers={"Accept": pypi_simple.ACCEPT_JSON_PREFERRED}
        )
    if response.status_code in {404, 410}:
        raise FetchError(
            f"there is no `{project}` on the index",
            where=[f"{place(url)} answered {response.status_code}"],
            hint="name the index that has it: set `UV_DEFAULT_INDEX` to its address",
        )
    check(response, what=what, access=access)
    return tuple(
        IndexedFile(
            filename=package.filename,
            url=package.url,
            hashes=package.digests,
            size=package.size,
            yanked=(package.yanked_reason or "") if package.is_yanked else None,
            requires_python=package.requires_python,
        )
        for package in _parse(response, project, url).packages
    )


def _parse(response: requests.Response, project: str, url: str) -> pypi_simple.ProjectPage:
    import warnings

    import pypi_simple

    # A newer minor version of the API is compatible by its definition (PEP 629).
    warnings.filterwarnings("ignore", category=pypi_simple.UnexpectedRepoVersionWarning)
    try:
        page = pypi_simple.ProjectPage.from_response(response, project)
    except pypi_simple.UnsupportedRepoVersionError as error:
        raise FetchError(
            f"the index speaks version {error.declared_version} of the Simple API",
            where=[place(url)],
            hint="a newer Wherry may know it",
        ) from error
    except (ValueError, LookupError, TypeError):
        # Not chained: its text holds the address as it was given.
        raise _no_index(url) from None
    # Login pages and the like are HTML too; an index page without a file is of no use to anybody.
    if not page.packages and "html" in response.headers.get("Content-Type", "html"):
        raise _no_index(url)
    return page


def _no_index(url: str) -> FetchError:
    return FetchError(
        f"{place(url)} is not a page of an index",
        where=["it is neither JSON nor HTML of the Simple API with files in it"],
        hint="is it the address of the index, ending in `/simple/`?",
    )


@contextmanager
def index_finder(*, offline: bool, access: Access | None = None) -> Iterator[FindFiles]:
    """What a lock reader asks for the files of a project (``wherry.lock.model.FindFiles``).

    Args:
        offline: refuse to ask.
        access: what opens which index; by default what the environment says.

    Nothing is loaded or connected before the first question; it may come from any thread.
    """
    access = access or Access()
    with ExitStack() as stack:
        lock = threading.Lock()
        sessions: list[requests.Session] = []

        def find(index: str | None, project: str, /) -> Sequence[IndexedFile]:
            if offline:
                raise FetchError(
                    f"the files of `{project}` must be asked of an index, and `--offline` forbids it",
                    where=["the lock records hashes and no file names"],
                    hint="run once without `--offline`",
                )
            with lock:
                if not sessions:
                    sessions.append(stack.enter_context(open_session(access)))
            return project_files(index, project, session=sessions[0], access=access)

        yield find
