"""Fetching files into the store: in parallel, verified while they are received.

A file that is in the store is not fetched again, and a download that was interrupted leaves nothing there.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from wherry.errors import FetchError
from wherry.events import DownloadAdvanced, DownloadFinished, DownloadStarted, Warned
from wherry.indexes import session as http
from wherry.indexes.body import sent_pieces
from wherry.indexes.failures import check, explain, explained, shown_url
from wherry.indexes.index_url import parse_index_url
from wherry.indexes.session import open_session, timeouts
from wherry.indexes.simple import page_key, project_files
from wherry.store.writer import STRONG, unverifiable
from wherry.structs import Struct
from wherry.untrusted import parse_number, split_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import requests

    from wherry.context import Context
    from wherry.indexes.index_url import IndexFile
    from wherry.indexes.simple import IndexedFile
    from wherry.store import StoredFile

__all__ = ["RemoteFile", "fetch"]

_WORKERS = 10
_ATTEMPTS = 3
# Of a file; AWS Lambda takes a sixteenth of it.
_LARGEST = 1 << 32
# Seconds to wait for the other downloads to end when one has failed.
_CLEAN_UP = 5.0


class RemoteFile(Struct, frozen=True, kw_only=True):
    """A file that a lock names.

    Attributes:
        url: its address: ``http:``, ``https:``, ``file:`` or that of ``wherry.indexes.index_url``.
        hashes: hexadecimal digests by algorithm, at least one of a strong one.
        size: its size in bytes, where the lock records it.
        project: the normalized name of its distribution.
    """

    filename: str
    url: str
    hashes: Mapping[str, str]
    size: int | None
    project: str


def fetch(files: Sequence[RemoteFile], context: Context) -> tuple[StoredFile, ...]:
    """Bring files into the store, and return them in the order given.

    A file that the store has is not fetched, whatever its address; but a local file (``file:``) must be the one
    that the lock records, as somebody may have put another in its place. Every download is reported, from several threads.

    Raises:
        HashMismatchError: a file is not the one the lock records.
        FetchError: a file cannot be fetched, or its lock records no strong hash. The first such failure
            stops the other downloads.
        StoreError: the store cannot be written.
    """
    for file in files:
        if not any(algorithm in STRONG for algorithm in file.hashes):
            raise unverifiable(file.hashes, name=file.filename)
    found = [
        None if _is_local(file) and not _is_recorded(file) else context.store.find_by(file.hashes)
        for file in files
    ]
    wanted: dict[str, list[int]] = defaultdict(list)
    for number, file in enumerate(files):
        if found[number] is None:
            digests = (f"{name}-{digest.lower()}" for name, digest in file.hashes.items())
            wanted[min(digests)].append(number)
    missing = [(files[numbers[0]], numbers) for numbers in wanted.values()]
    if context.offline:
        _refuse_remote([file for file, _ in missing])
    if missing:
        # The largest first, so that none is left to run alone at the end; an unknown size may be large.
        missing.sort(key=lambda task: (task[0].size is not None, -(task[0].size or 0)))
        for numbers, stored in _fetch_all(missing, context):
            for number in numbers:
                found[number] = stored
    return tuple(stored for stored in found if stored is not None)


def _refuse_remote(files: Sequence[RemoteFile]) -> None:
    remote = sorted(file.filename for file in files if not _is_local(file))
    if remote:
        raise FetchError(
            f"{len(remote)} {'files are' if len(remote) > 1 else 'file is'} not in the store, "
            "and `--offline` forbids fetching",
            where=[f"`{filename}`" for filename in remote],
            hint="run once without `--offline`",
        )


def _fetch_all(
    missing: Sequence[tuple[RemoteFile, list[int]]], context: Context
) -> list[tuple[list[int], StoredFile]]:
    tasks: SimpleQueue[tuple[RemoteFile, list[int]]] = SimpleQueue()
    for task in missing:
        tasks.put(task)
    results: SimpleQueue[tuple[list[int], StoredFile] | BaseException] = SimpleQueue()
    stored: list[tuple[list[int], StoredFile]] = []
    with open_session(context.network) as session:
        downloads = _Downloads(session, context)

        def work() -> None:
            while not downloads.cancelled.is_set():
                try:
                    file, numbers = tasks.get_nowait()
                except Empty:
                    return
                try:
                    results.put((numbers, downloads.fetch(file)))
                except BaseException as error:  # noqa: BLE001 - raised again by the main thread
                    results.put(error)
                    return

        # Not a ThreadPoolExecutor: at exit the interpreter would wait for a worker that waits for a server that
        # does not answer, and Ctrl-C must end the program now.
        workers = [
            threading.Thread(target=work, name="wherry-fetch", daemon=True)
            for _ in range(min(_WORKERS, len(missing)))
        ]
        try:
            for worker in workers:
                worker.start()
            while len(stored) < len(missing):
                result = results.get()
                if isinstance(result, BaseException):
                    raise result
                stored.append(result)
        finally:
            downloads.cancel()
    return stored


class _Cancelled(Exception):  # noqa: N818
    """The failure of another file ended this download."""


class _ConnectionLost(Exception):  # noqa: N818
    """The body ended too soon; another attempt may succeed."""


class _Downloads:
    """The state that the workers of one ``fetch`` share."""

    def __init__(self, session: requests.Session, context: Context) -> None:
        self.cancelled = threading.Event()
        self._session = session
        self._context = context
        # By thread: what is being written to the store, and the response it comes from.
        self._writing: dict[int, requests.Response | None] = {}
        self._guard = threading.Condition()

    def cancel(self) -> None:
        """End the other downloads, and wait until nothing of them is left in the store."""
        with self._guard:
            self.cancelled.set()
            for response in self._writing.values():
                # Wakes a worker that waits for bytes. (urllib3 before 2.3 has no such method.)
                with suppress(Exception):
                    if response is not None:
                        response.raw.shutdown()
            # Workers that wait for a response have written nothing to the store, and will not.
            self._guard.wait_for(lambda: not self._writing, timeout=_CLEAN_UP)

    @contextmanager
    def _writes(self, response: requests.Response | None = None) -> Iterator[None]:
        with self._guard:
            if self.cancelled.is_set():
                raise _Cancelled
            self._writing[threading.get_ident()] = response
        try:
            yield
        finally:
            with self._guard:
                del self._writing[threading.get_ident()]
                self._guard.notify_all()

    def fetch(self, file: RemoteFile) -> StoredFile:
        if _is_local(file):
            return self._copy(file)
        url, size = file.url, file.size
        if (index_file := parse_index_url(url)) is not None:
            indexed = self._look_up(index_file)
            url, size = indexed.url, file.size or indexed.size
        for attempt in range(_ATTEMPTS):
            try:
                return self._download(file, url, size)
            except _ConnectionLost as error:
                if attempt + 1 == _ATTEMPTS or self.cancelled.wait(http.BACKOFF * 2**attempt):
                    raise FetchError(
                        f"cannot fetch `{file.filename}`",
                        where=[
                            f"from {self._context.network.hide(shown_url(url))}",
                            f"{error}, {attempt + 1} times",
                        ],
                        hint="try again",
                    ) from None
        raise AssertionError("unreachable")

    def _look_up(self, index_file: IndexFile) -> IndexedFile:
        page = (index_file.index, index_file.project)
        find = partial(project_files, *page, session=self._session, network=self._context.network)
        files = self._context.files.once(page_key(*page), find)
        file = next((file for file in files if file.filename == index_file.filename), None)
        if file is None:
            index = shown_url(index_file.index) if index_file.index else "the default index"
            raise FetchError(
                f"`{index_file.filename}` is not on the index",
                where=[f"{index} has {len(files)} other files of `{index_file.project}`"],
                hint="it was removed, or locked from another index: lock again",
            )
        if file.yanked is not None:
            reason = f": {file.yanked}" if file.yanked else ""
            self._context.reporter.emit(
                Warned(
                    text=f"`{file.filename}` was yanked from the index{reason}",
                    hint="lock again to get another version",
                )
            )
        return file

    def _copy(self, file: RemoteFile) -> StoredFile:
        path = _local_path(file)
        self._context.reporter.emit(DownloadStarted(filename=file.filename, size=file.size))
        with self._writes():
            stored = self._context.store.add(path, hashes=file.hashes)
        self._context.reporter.emit(DownloadFinished(filename=file.filename, size=stored.size))
        return stored

    def _download(self, file: RemoteFile, url: str, size: int | None) -> StoredFile:
        what = f"`{file.filename}`"
        with explained(self._context.network.hide(url), what=what):
            response = self._session.get(url, stream=True, timeout=timeouts())
        with response:
            check(response, what=what, network=self._context.network)
            expected = size
            if size is None:
                # One that is none is passed over.
                with suppress(ValueError):
                    length = response.headers.get("Content-Length", "")
                    expected = parse_number(length, most=_LARGEST)
            with self._writes(response):
                return self._stream(file, response, expected)

    def _stream(
        self, file: RemoteFile, response: requests.Response, expected: int | None
    ) -> StoredFile:
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        self._context.reporter.emit(DownloadStarted(filename=file.filename, size=expected))
        # The bytes as they were sent, whatever encoding the response declares.
        pieces = sent_pieces(
            response,
            what=f"`{file.filename}`",
            shown=self._context.network.hide(response.url),
        )
        with self._context.store.writer(algorithms=file.hashes) as writer:
            while True:
                try:
                    piece = next(pieces, b"")
                except ReadTimeoutError as error:
                    # A server that does not answer in time is not asked again.
                    raise explain(error, response.url, what=f"`{file.filename}`") from None
                except (HTTPError, OSError) as error:
                    raise _ConnectionLost(
                        f"the connection was lost after {writer.size:,} bytes"
                    ) from error
                if self.cancelled.is_set():
                    raise _Cancelled
                if not piece:
                    break
                writer.write(piece)
                if expected is not None and writer.size > expected:
                    break
                if writer.size > _LARGEST:
                    raise FetchError(
                        f"`{file.filename}` has more than {_LARGEST:,} bytes",
                        where=[f"from {self._context.network.hide(shown_url(response.url))}"],
                    )
                self._context.reporter.emit(
                    DownloadAdvanced(filename=file.filename, received=len(piece))
                )
            if expected is not None and writer.size < expected:
                raise _ConnectionLost(f"only {writer.size:,} of {expected:,} bytes were received")
            if expected is not None and writer.size > expected:
                raise FetchError(
                    f"`{file.filename}` is larger than the {expected:,} bytes that the lock records",
                    where=[f"from {self._context.network.hide(shown_url(response.url))}"],
                    hint="the file was replaced: find out why before you lock again",
                )
            stored = writer.commit(hashes=file.hashes, name=file.filename)
        self._context.reporter.emit(DownloadFinished(filename=file.filename, size=stored.size))
        return stored


def _is_local(file: RemoteFile) -> bool:
    return file.url[:5].lower() == "file:"


def _is_recorded(file: RemoteFile) -> bool:
    """Whether a local file has the strongest of the hashes that its lock records; if not, adding it says so."""
    import hashlib

    from wherry.files import open_regular

    name = next(name for name in STRONG if name in file.hashes)
    try:
        with open_regular(_local_path(file)) as content:
            digest = hashlib.file_digest(content, name).hexdigest()
    except (OSError, ValueError):
        return False
    return digest == file.hashes[name].lower()


def _local_path(file: RemoteFile) -> Path:
    from pathlib import Path
    from urllib.request import url2pathname

    with explained(file.url, what=f"`{file.filename}`"):
        parts = split_url(file.url)
    if parts.netloc not in {"", "localhost"}:
        raise FetchError(
            f"cannot fetch `{file.filename}`",
            where=[f"{shown_url(file.url)} is on another machine"],
            hint="a `file:` address has three slashes before the path",
        )
    return Path(url2pathname(parts.path))
