"""Fetching, from a real index that misbehaves in every way it can."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from msgspec.structs import replace

from support.contexts import context
from support.faults import (
    answers,
    breaks_off,
    drips,
    fails,
    gzips,
    hangs,
    redirects,
    refuses_to_talk,
)
from support.index import serve_index
from support.wheels import Made, make_wheel
from wherry.errors import FetchError, HashMismatchError, StoreError
from wherry.events import DownloadAdvanced, DownloadFinished, DownloadStarted, Event, Warned
from wherry.indexes.index_url import index_url
from wherry.store import Store
from wherry.wheels.fetch import RemoteFile, fetch

if TYPE_CHECKING:
    from support.index import Index

BIG = Made(filename="big-1.0-py3-none-any.whl", data=os.urandom(3_000_000))
FILES = [BIG, *(make_wheel(f"p{number}") for number in range(20))]
FOO = FILES[1]

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX alone has these signals and limits")


Kind = TypeVar("Kind", bound=Event)


class Events:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def emit(self, event: Event) -> None:
        self.heard.append(event)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.heard if isinstance(event, kind)]


@pytest.fixture
def index():
    with serve_index(FILES) as served:
        yield served


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "cache")
    yield made
    # Whatever a test did: nothing is left, and every file is what its name says.
    assert temporaries(made) == []
    for path in made.root.glob("files-v1/??/*"):
        assert path.name.partition(".")[0] == hashlib.sha256(path.read_bytes()).hexdigest()


def temporaries(store: Store) -> list[Path]:
    return list((store.root / "tmp").glob("*"))


def remote(index: Index, made: Made = FOO, **changes: object) -> RemoteFile:
    file = RemoteFile(
        filename=made.filename,
        url=f"{index.url}/files/{made.filename}",
        hashes={"sha256": made.sha256},
        size=len(made.data),
        project=made.filename.split("-", maxsplit=1)[0],
    )
    return replace(file, **changes)


def refusal(store: Store, *files: RemoteFile, offline: bool = False) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(files, context(store, offline=offline))
    assert caught.value.__cause__ is None
    return caught.value


class TestGood:
    def test_all_come_in_the_order_given(self, index, store):
        for files in (FILES, FILES[::-1]):
            stored = fetch([remote(index, made) for made in files], context(store))
            assert [one.sha256 for one in stored] == [made.sha256 for made in files]
            assert [one.path.read_bytes() for one in stored] == [made.data for made in files]

    def test_nothing_to_fetch(self, store):
        assert fetch([], context(store)) == ()
        assert not store.root.exists()

    def test_what_is_here_is_not_fetched_again(self, index, store):
        """Fetching can be repeated: it goes on where it was interrupted."""
        fetch([remote(index, made) for made in FILES[:5]], context(store))
        index.requests.clear()
        fetch([remote(index, made) for made in FILES], context(store))
        assert len(index.requests) == len(FILES) - 5
        index.requests.clear()
        fetch([remote(index, made, url="http://127.0.0.1:1/") for made in FILES], context(store))
        assert index.requests == []

    def test_one_file_wanted_twice_is_fetched_once(self, index, store):
        one, two = fetch([remote(index), remote(index, filename="again.whl")], context(store))
        assert one == two
        assert len(index.requests) == 1

    def test_the_largest_comes_first(self, index, store):
        files = [remote(index, made) for made in FILES[1:]] + [remote(index, BIG)]
        fetch(files, context(store))
        assert BIG.filename in "".join(index.requests[:10])

    def test_events(self, index, store):
        events = Events()
        fetch([remote(index, BIG), remote(index)], context(store, reporter=events))
        started = {(e.filename, e.size) for e in events.of(DownloadStarted)}
        assert started == {(made.filename, len(made.data)) for made in (BIG, FOO)}
        assert {e.filename for e in events.of(DownloadFinished)} == {BIG.filename, FOO.filename}
        received = [e.received for e in events.of(DownloadAdvanced) if e.filename == BIG.filename]
        assert sum(received) == len(BIG.data)
        assert len(received) > 5
        again = Events()
        fetch([remote(index, BIG)], context(store, reporter=again))
        assert again.heard == []

    def test_without_a_recorded_size(self, index, store):
        events = Events()
        fetch([remote(index, BIG, size=None)], context(store, reporter=events))
        (started,) = events.of(DownloadStarted)
        assert started == DownloadStarted(filename=BIG.filename, size=len(BIG.data))

    def test_a_file_known_by_sha512_alone(self, index, store):
        file = remote(index, hashes={"sha512": hashlib.sha512(FOO.data).hexdigest()})
        for _ in range(2):
            (stored,) = fetch([file], context(store))
            assert stored.sha256 == FOO.sha256
        assert len(index.requests) == 1

    def test_a_redirect_is_followed(self, index, store):
        with serve_index(FILES) as other:
            index.fault = redirects(other.url)
            fetch([remote(index)], context(store))
            assert other.downloads

    def test_the_body_of_a_redirect_is_not_waited_for(self, index, store):
        release = threading.Event()
        with serve_index(FILES) as other:
            index.fault = drips(release, to=other.url)
            try:
                fetch([remote(index)], context(store))
                assert not release.is_set()
            finally:
                release.set()

    def test_a_file_that_drips(self, index, store, monkeypatch):
        """Every byte comes in time, and the file would take days."""
        monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", "0.2")
        release = threading.Event()
        index.fault = drips(release, below="/files/")
        try:
            error = refusal(store, remote(index, size=None))
        finally:
            release.set()
        assert "within 0.2 s" in error.where[-1]
        assert temporaries(store) == []

    def test_the_login_stays_where_it_belongs(self, index, store):
        """A8: Authorization does not follow a redirect to another host."""
        index.auth = ("user", "p@ss")
        url = index.url.replace("//", "//user:p%40ss@") + f"/files/{FOO.filename}"
        fetch([remote(index, url=url)], context(store))
        assert index.authorizations[-1] is not None
        with serve_index(FILES) as other:
            index.fault = redirects(other.url)
            file = FILES[2]
            url = index.url.replace("//", "//user:p%40ss@") + f"/files/{file.filename}"
            fetch([remote(index, file, url=url)], context(store))
            assert other.authorizations == [None]

    def test_bytes_are_taken_as_they_are_sent(self, index, store):
        """A server that declares an encoding changes nothing of what was hashed."""
        data = gzip.compress(b"an sdist", mtime=0)
        index.fault = gzips(b"an sdist", below="/files/")
        made = Made(filename="x-1.0.tar.gz", data=data)
        sent = gzip.compress(b"an sdist", mtime=0)
        (stored,) = fetch(
            [remote(index, made, hashes={"sha256": hashlib.sha256(sent).hexdigest()}, size=None)],
            context(store),
        )
        assert stored.path.read_bytes()[:2] == b"\x1f\x8b"

    def test_nothing_is_asked_to_be_compressed(self, index, store):
        asked = []

        def listen(handler, path):
            asked.append(handler.headers["Accept-Encoding"])
            return False

        index.fault = listen
        fetch([remote(index)], context(store))
        assert asked == ["identity"]


class TestLocalFiles:
    def test_are_copied_even_offline(self, store, tmp_path, index):
        path = FOO.write(tmp_path / "wheels & more")
        events = Events()
        file = remote(index, url=path.as_uri())
        (stored,) = fetch([file], context(store, offline=True, reporter=events))
        assert stored.path.read_bytes() == FOO.data
        assert index.requests == []
        assert events.of(DownloadFinished)

    def test_that_are_not_the_recorded_ones(self, store, tmp_path, index):
        path = tmp_path / FOO.filename
        path.write_bytes(b"other")
        assert isinstance(refusal(store, remote(index, url=path.as_uri())), HashMismatchError)

    @pytest.mark.parametrize("url", ["file:///absent/x.whl", "file://host/x.whl", "file:///"])
    def test_that_cannot_be_read(self, store, index, url):
        with pytest.raises(FetchError, match=r"cannot (read|fetch)"):
            fetch([remote(index, url=url)], context(store))


class TestIndexAddresses:
    """Locks of Poetry and Pipenv record no addresses: the index tells them."""

    def located(self, index: Index, made: Made = FOO, *, default: bool = False) -> RemoteFile:
        project = made.filename.split("-", maxsplit=1)[0]
        place = None if default else index.simple.rstrip("/")
        return remote(index, made, url=index_url(project, made.filename, index=place), size=None)

    def test_are_looked_up(self, index, store):
        fetch([self.located(index, made) for made in FILES], context(store))
        assert len(index.downloads) == len(FILES)

    def test_once_for_each_project(self, index, store):
        versions = [make_wheel("many", f"1.{number}") for number in range(8)]
        index.add(*versions)
        fetch([self.located(index, made) for made in versions], context(store))
        assert index.requests.count("/simple/many/") == 1

    def test_on_the_default_index(self, index, store, monkeypatch):
        monkeypatch.setenv("PIP_INDEX_URL", index.simple)
        fetch([self.located(index, default=True)], context(store))
        assert index.downloads

    def test_on_a_private_index(self, index, store):
        index.auth = ("user", "p@ss")
        index.url, plain = index.url.replace("//", "//user:p%40ss@"), index.url
        file = self.located(index)
        index.url = plain
        fetch([file], context(store))

    def test_not_when_the_file_is_here(self, index, store):
        fetch([remote(index)], context(store))
        index.requests.clear()
        fetch([self.located(index)], context(store))
        assert index.requests == []

    def test_a_yanked_file_still_comes_with_a_warning(self, index, store):
        yanked = make_wheel("yanked", yanked="leaks")
        index.add(yanked)
        events = Events()
        fetch([self.located(index, yanked)], context(store, reporter=events))
        (warned,) = events.of(Warned)
        assert "yanked-1.0-py3-none-any.whl" in str(warned)
        assert "leaks" in str(warned)

    def test_a_file_that_is_gone(self, index, store):
        index.add(make_wheel("p0", "2.0"))
        del index.files[FOO.filename]
        error = refusal(store, self.located(index, FOO))
        assert error.message == f"`{FOO.filename}` is not on the index"
        assert "1 other files of `p0`" in error.where[0]
        index.add(FOO)

    def test_a_listed_file_that_is_gone(self, index, store):
        index.fault = fails(404, below="/files/")
        error = refusal(store, self.located(index, FOO))
        assert FOO.filename in error.message
        assert "404" in error.where[0]

    def test_an_index_that_serves_another_file(self, index, store):
        index.fault = answers(make_wheel("p0", files={"evil.py": b""}).data, below="/files/")
        with pytest.raises(FetchError):
            fetch([self.located(index)], context(store))


class TestOffline:
    def test_what_is_here_suffices(self, index, store):
        fetch([remote(index)], context(store))
        assert fetch([remote(index)], context(store, offline=True))

    def test_all_that_is_missing_is_named(self, index, store):
        fetch([remote(index)], context(store))
        index.requests.clear()
        error = refusal(store, *(remote(index, made) for made in FILES), offline=True)
        assert error.message.startswith(f"{len(FILES) - 1} files are not in the store")
        assert error.where == tuple(sorted(f"`{made.filename}`" for made in FILES if made != FOO))
        assert "--offline" in (error.hint or "")
        assert index.requests == []
        error = refusal(store, remote(index, BIG), offline=True)
        assert error.message.startswith("1 file is not")


class TestHashes:
    @pytest.mark.parametrize("size", [len(FOO.data), None])
    def test_a_file_that_is_not_the_recorded_one(self, index, store, size):
        index.fault = answers(b"x" * len(FOO.data), below="/files/")
        error = refusal(store, remote(index, size=size))
        assert isinstance(error, HashMismatchError)
        assert FOO.filename in error.message
        assert FOO.sha256 in error.where[0]
        assert len(index.requests) == 1
        assert store.find(FOO.sha256) is None

    @pytest.mark.parametrize("hashes", [{}, {"md5": "0" * 32}, {"sha1": "0" * 40}])
    def test_nothing_is_fetched_blindly(self, index, store, hashes):
        error = refusal(store, remote(index, hashes=hashes))
        assert "cannot be verified" in error.message
        assert index.requests == []

    def test_weak_hashes_beside_strong_ones_are_verified_too(self, index, store):
        good = {"sha256": FOO.sha256, "md5": hashlib.md5(FOO.data).hexdigest()}
        bad = good | {"md5": "0" * 32}
        assert isinstance(refusal(store, remote(index, hashes=bad)), HashMismatchError)
        assert fetch([remote(index, hashes=good)], context(store))

    def test_a_file_without_end_is_cut_off(self, index, store):
        index.fault = answers(b"x" * 50_000_000, below="/files/")
        events = Events()
        with pytest.raises(FetchError, match="larger than the") as caught:
            fetch([remote(index)], context(store, reporter=events))
        assert caught.value.hint
        assert sum(e.received for e in events.of(DownloadAdvanced)) < 1_000_000


class TestFaults:
    @pytest.mark.parametrize(
        ("status", "hint"),
        [
            (401, "netrc"),
            (403, "not permitted to read"),
            (404, "lock again"),
            (410, "lock again"),
            (500, "later"),
            (429, "later"),
        ],
    )
    def test_refusals(self, index, store, status, hint):
        index.fault = fails(status, below="/files/")
        error = refusal(store, remote(index))
        assert error.message == f"cannot fetch `{FOO.filename}`"
        assert f"{index.url}/files/{FOO.filename} answered {status}" in error.where[0]
        assert hint in (error.hint or "")

    @pytest.mark.parametrize("size", [len(BIG.data), None])
    @pytest.mark.parametrize(
        "fault",
        [
            lambda: fails(500, times=1),
            lambda: fails(503, times=2, retry_after="0"),
            lambda: refuses_to_talk(times=2),
            lambda: breaks_off(BIG.data, times=2),
        ],
        ids=["500", "503", "closed", "truncated"],
    )
    def test_that_pass_are_survived(self, index, store, fault, size):
        index.fault = fault()
        (stored,) = fetch([remote(index, BIG, size=size)], context(store))
        assert stored.path.read_bytes() == BIG.data

    @pytest.mark.parametrize("sized", [True, False])
    def test_a_truncated_download(self, index, store, sized):
        index.fault = breaks_off(BIG.data, sized=sized)
        error = refusal(store, remote(index, BIG))
        assert error.message == f"cannot fetch `{BIG.filename}`"
        assert error.where[1].endswith(", 3 times")
        assert len(index.requests) == 3
        assert store.find(BIG.sha256) is None

    def test_a_truncated_download_of_unknown_size(self, index, store):
        index.fault = breaks_off(BIG.data, sized=False)
        assert isinstance(refusal(store, remote(index, BIG, size=None)), HashMismatchError)

    @pytest.mark.parametrize("body", [None, BIG.data], ids=["before it answers", "in the middle"])
    def test_a_server_that_hangs(self, index, store, monkeypatch, body):
        monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", "0.2")
        release = threading.Event()
        index.fault = hangs(release, below="/files/", body=body)
        try:
            error = refusal(store, remote(index, BIG))
        finally:
            release.set()
        assert error.where == (f"from {index.url}/files/{BIG.filename}", "no answer within 0.2 s")

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://127.0.0.1/x.whl",
            "x.whl",
            "http://[broken/x.whl",
            "",
            "git+https://127.0.0.1/x",
            "index+",
            "http://127.0.0.1:1/x.whl",
            "http://127.0.0.1:99999/x.whl",
        ],
    )
    def test_odd_addresses(self, store, index, url):
        error = refusal(store, remote(index, url=url))
        assert FOO.filename in error.message

    def test_a_redirect_to_another_scheme(self, store, index, tmp_path):
        path = FOO.write(tmp_path)
        index.fault = redirects(f"file://{path}?", below="/files/")
        error = refusal(store, remote(index))
        assert error.where[1] == "only http, https and file addresses are fetched"

    def test_a_redirect_without_end(self, store, index):
        index.fault = redirects(index.url, below="/files/")
        assert refusal(store, remote(index)).where[1] == "it redirects too many times"

    def test_one_failure_ends_the_others(self, index, store, monkeypatch):
        """Nine downloads that hang, for as good as ever, do not keep the tenth's failure from the user."""
        monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", "100000")
        release = threading.Event()
        waits = hangs(release, below="/files/", body=b"xy")
        fault = fails(404, below=f"/files/{FOO.filename}")
        index.fault = lambda handler, path: fault(handler, path) or waits(handler, path)
        try:
            error = refusal(store, *(remote(index, made, size=None) for made in FILES))
            assert temporaries(store) == []
        finally:
            release.set()
        assert FOO.filename in error.message

    def test_the_rest_is_not_begun_after_a_failure(self, index, store):
        index.fault = fails(404, below="/files/")
        refusal(store, *(remote(index, made) for made in FILES))
        assert len(index.requests) <= 10

    def test_passwords_are_in_no_error(self, index, store):
        index.auth = ("user", "right")
        url = index.url.replace("//", "//user:wr%40ng@") + f"/files/{FOO.filename}?sig=hidden"
        for fault in (None, fails(500), refuses_to_talk(), breaks_off(FOO.data)):
            index.fault = fault
            error = refusal(store, remote(index, url=url))
            assert "wr%40ng" not in str(error)
            assert "wr@ng" not in str(error)
            assert "hidden" not in str(error)

    @posix
    def test_a_full_disk(self, index, tmp_path):
        code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
"""
        process = run(index, tmp_path, before=code)
        said = process.communicate()[1]
        assert "cannot write to the store" in said
        assert process.returncode == 1
        assert temporaries(Store(tmp_path / "cache")) == []

    def test_a_store_that_cannot_be_written(self, index, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError):
            fetch([remote(index)], context(Store(tmp_path / "file")))


def run(index: Index, folder: Path, *, before: str = "") -> subprocess.Popen[str]:
    """A process that fetches the big file into `folder/cache`."""
    code = f"""
import sys, pathlib
{before}
from wherry.context import Context
from wherry.errors import WherryError
from wherry.wheels.fetch import RemoteFile, fetch
from wherry.store import Store
from wherry.target import Target, find_architecture, find_runtime
class Events:
    def emit(self, event):
        print(type(event).__name__, flush=True)
file = RemoteFile(filename={BIG.filename!r}, url={index.url + "/files/" + BIG.filename!r},
    hashes={{"sha256": {BIG.sha256!r}}}, size={len(BIG.data)}, project="big")
try:
    store = Store(pathlib.Path({str(folder / "cache")!r}))
    target = Target(runtime=find_runtime("python3.13"), architecture=find_architecture("x86_64"))
    (stored,) = fetch([file], Context(target=target, store=store, reporter=Events()))
except WherryError as error:
    sys.exit(str(error))
except KeyboardInterrupt:
    sys.exit(130)
assert stored.path.stat().st_size == {len(BIG.data)}
"""
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str]) -> int:
    process.communicate()
    return process.returncode


class TestProcesses:
    def test_two_at_once_both_succeed(self, index, store, tmp_path):
        processes = [run(index, tmp_path) for _ in range(3)]
        assert [end(process) for process in processes] == [0, 0, 0]
        assert store.find(BIG.sha256)

    @posix
    @pytest.mark.parametrize("body", [None, BIG.data], ids=["before it answers", "in the middle"])
    def test_ctrl_c_ends_at_once_and_leaves_nothing(
        self, index, store, tmp_path, body, monkeypatch
    ):
        """A server that says nothing more, for as good as ever, is not waited for."""
        monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", "100000")
        release = threading.Event()
        index.fault = hangs(release, below="/files/", body=body)
        process = run(index, tmp_path)
        try:
            if body is None:
                while not index.requests:
                    time.sleep(0.01)
            else:
                assert process.stdout is not None
                assert process.stdout.readline() == "DownloadStarted\n"
                assert process.stdout.readline() == "DownloadAdvanced\n"
            process.send_signal(signal.SIGINT)
            assert end(process) == 130
        finally:
            release.set()
        assert store.find(BIG.sha256) is None

    @posix
    def test_a_killed_download_leaves_no_file(self, index, store, tmp_path):
        release = threading.Event()
        index.fault = hangs(release, below="/files/", body=BIG.data)
        process = run(index, tmp_path)
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "DownloadStarted\n"
            assert process.stdout.readline() == "DownloadAdvanced\n"
            process.kill()
            end(process)
        finally:
            release.set()
        assert len(temporaries(store)) == 1
        assert store.find(BIG.sha256) is None
        index.fault = None
        (stored,) = fetch([remote(index, BIG)], context(store))
        assert stored.path.read_bytes() == BIG.data
        store.prune(older_than=None)


def test_importing_loads_no_http_client():
    code = "import sys, wherry.wheels.fetch, wherry.wheels.select; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"requests", "urllib3", "pypi_simple", "http.client", "packaging", "ssl"} & set(
        loaded
    )
