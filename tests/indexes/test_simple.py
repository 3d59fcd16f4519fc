"""The Simple API, asked of a real index."""

from __future__ import annotations

import itertools
import json
import threading
import zlib
from collections.abc import Iterator

import pytest

from support.faults import answers, drips, fails, hangs, never_ends, redirects, refuses_to_talk
from support.index import JSON, Index, serve_index
from support.wheels import make_sdist, make_wheel
from wherry.errors import FetchError
from wherry.indexes.declared import DeclaredIndex
from wherry.indexes.network import Network
from wherry.indexes.session import open_session
from wherry.indexes.simple import IndexedFile, project_files

FOO = make_wheel("foo", requires_python=">=3.9")
OLD = make_wheel("foo", "0.9", yanked="has a hole")
SILENT = make_wheel("foo", "0.8", yanked="")
SDIST = make_sdist("foo", files={"pyproject.toml": b""})
FILES = [FOO, OLD, SILENT, SDIST]


@pytest.fixture
def index():
    with serve_index(FILES) as served:
        yield served


def ask(index: str | None, project: str = "foo") -> tuple[IndexedFile, ...]:
    network = Network()
    with open_session(network) as session:
        return project_files(index, project, session=session, network=network)


def refusal(index: Index, project: str = "foo") -> FetchError:
    with pytest.raises(FetchError) as caught:
        ask(index.simple, project)
    return caught.value


@pytest.mark.parametrize("html_only", [False, True])
def test_files_of_a_project(index, html_only):
    index.html_only = html_only
    files = {file.filename: file for file in ask(index.simple)}
    assert list(files) == [made.filename for made in FILES]
    for made in FILES:
        file = files[made.filename]
        assert file.url == f"{index.url}/files/{made.filename}"
        assert file.hashes == {"sha256": made.sha256}
        assert file.size == (None if html_only else len(made.data))
        assert file.yanked == made.yanked


@pytest.mark.parametrize("address", ["/simple", "/simple/"])
def test_a_slash_at_the_end_makes_no_difference(index, address):
    assert ask(index.url + address)
    assert index.requests == ["/simple/foo/"]


def test_names_are_normalized(index):
    index.add(make_wheel("foo-bar"))
    assert ask(index.simple, "Foo.Bar")
    assert index.requests == ["/simple/foo-bar/"]


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_the_default_index_is_what_the_environment_says(index, monkeypatch, variable):
    monkeypatch.setenv(variable, index.simple)
    assert ask(None)


def test_uv_s_variable_comes_before_pip_s(index, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"company={index.simple}")
    assert ask(None)


def test_relative_addresses(index):
    page = b'<!DOCTYPE html><a href="../../files/foo-1.0-py3-none-any.whl#sha256=00">foo-1.0-py3-none-any.whl</a>'
    index.fault = answers(page, kind="text/html")
    (file,) = ask(index.simple)
    assert file.url == f"{index.url}/files/foo-1.0-py3-none-any.whl"
    assert file.hashes == {"sha256": "00"}


def test_no_such_project(index):
    error = refusal(index, "bar")
    assert error.message == "the index has no project `bar`"
    assert error.where == (f"{index.url}/simple/bar/ answered 404",)
    assert error.hint


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "netrc"),
        (403, "not permitted to read"),
        (500, "later"),
        (503, "later"),
        (418, "address of an index"),
    ],
)
def test_an_index_that_refuses(index, status, hint):
    index.fault = fails(status)
    error = refusal(index)
    assert error.message == "cannot fetch the list of `foo`'s files"
    assert f"{index.url}/simple/foo/ answered {status}" in error.where[0]
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    "fault", [fails(500, times=1), fails(429, times=2), refuses_to_talk(times=1)]
)
def test_a_passing_fault_is_waited_out(index, fault):
    index.fault = fault
    assert len(ask(index.simple)) == len(FILES)


def test_an_index_that_asks_for_an_hour_is_not_waited_for(index, monkeypatch):
    monkeypatch.setattr("wherry.indexes.session._LONGEST_WAIT", 0.05)
    index.fault = fails(503, retry_after="3600")
    assert "503" in refusal(index).where[0]


def test_an_index_that_hangs(index, monkeypatch):
    monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", "0.2")
    release = threading.Event()
    index.fault = hangs(release)
    try:
        error = refusal(index)
    finally:
        release.set()
    assert error.where[-1] == "no answer within 0.2 s"
    assert len(index.requests) == 1
    assert "WHERRY_HTTP_TIMEOUT" in (error.hint or "")


def test_a_page_that_drips(index, monkeypatch):
    monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", "0.2")
    release = threading.Event()
    index.fault = drips(release)
    try:
        error = refusal(index)
    finally:
        release.set()
    assert "within 0.2 s" in error.where[-1]


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_none(index, monkeypatch, text):
    monkeypatch.setenv("WHERRY_HTTP_TIMEOUT", text)
    assert "WHERRY_HTTP_TIMEOUT" in refusal(index).message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><form>Log in</form></html>", "text/html"),
        (b"", "text/html"),
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"meta": {}}', JSON),
        (b'{"meta": {"api-version": "1.0"}, "name": "foo", "files": [{"filename": 3}]}', JSON),
        (b"\xff\xfe\x00", JSON),
        (b"%PDF", "application/pdf"),
        (b"hello", "nonsense"),
        (json.dumps({"error": "no"}).encode(), "application/json"),
    ],
)
def test_what_is_no_index(index, body, kind):
    index.fault = answers(body, kind=kind)
    error = refusal(index)
    assert error.message == f"{index.url}/simple/foo/ is not a page of an index"
    assert error.hint


def test_a_newer_simple_api(index):
    page = {"meta": {"api-version": "1.99"}, "name": "foo", "files": []}
    index.fault = answers(json.dumps(page).encode(), kind=JSON)
    assert ask(index.simple) == ()
    page["meta"] = {"api-version": "2.0"}
    index.fault = answers(json.dumps(page).encode(), kind=JSON)
    assert "version 2.0 of the Simple API" in refusal(index).message


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/simple/",
        "ftp://127.0.0.1/simple/",
        "nonsense",
        "http://[broken/",
        "http:///x",
        "",
    ],
)
def test_an_address_without_an_index(address, monkeypatch):
    monkeypatch.setenv("UV_DEFAULT_INDEX", address or "://")
    with pytest.raises(FetchError) as caught:
        ask(address or None)
    assert caught.value.where


class TestCredentials:
    """A8: users and passwords, and where they must not be seen."""

    SECRET = "p@ss:w/rd ?#"
    QUOTED = "p%40ss%3Aw%2Frd%20%3F%23"

    def with_login(self, index: Index, password: str = QUOTED) -> str:
        return index.simple.replace("http://", f"http://user:{password}@")

    @pytest.fixture
    def private(self):
        with serve_index(FILES, auth=("user", self.SECRET)) as served:
            yield served

    def test_of_the_url(self, private):
        files = ask(self.with_login(private))
        assert len(files) == len(FILES)
        assert not any("user" in file.url for file in files)

    def test_of_the_url_are_not_in_the_files_addresses(self, private):
        page = b'<a href="../../files/foo-1.0-py3-none-any.whl">foo-1.0-py3-none-any.whl</a>'
        private.fault = answers(page, kind="text/html")
        (file,) = ask(self.with_login(private))
        assert file.url == f"{private.url}/files/foo-1.0-py3-none-any.whl"

    def test_of_the_environment(self, private, monkeypatch):
        monkeypatch.setenv("UV_INDEX", f"http://127.0.0.1:1/ company={self.with_login(private)}")
        assert ask(private.simple)

    def test_of_netrc(self, private, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password simple\n")
        (tmp_path / "netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        private.auth = ("user", "simple")
        assert ask(private.simple)

    def test_the_url_s_come_before_netrc_s(self, private, monkeypatch, tmp_path):
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password wrong\n")
        (tmp_path / "netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        assert ask(self.with_login(private))

    def test_by_name(self, private, monkeypatch):
        monkeypatch.setenv("UV_INDEX_PRIVATE_USERNAME", "user")
        monkeypatch.setenv("UV_INDEX_PRIVATE_PASSWORD", self.SECRET)
        network = Network([DeclaredIndex(name="private", url=private.simple)])
        with open_session(network) as session:
            assert project_files(private.simple, "foo", session=session, network=network)

    def test_missing(self, private):
        error = refusal(private)
        assert "401" in error.where[0]
        assert error.where[1] == "the index requires a user and a password"
        assert "`UV_INDEX_NAME_PASSWORD`" in (error.hint or "")
        assert "netrc" in (error.hint or "")

    @pytest.mark.parametrize(
        "fault", [None, fails(403), fails(500), refuses_to_talk(), answers(b"")]
    )
    def test_are_in_no_error(self, private, fault):
        private.fault = fault
        private.auth = ("user", "another")
        with pytest.raises(FetchError) as caught:
            ask(self.with_login(private) + "?token=hidden", "foo")
        error: BaseException | None = caught.value
        while error is not None:
            for secret in (self.SECRET, self.QUOTED, "p@ss", "p%40ss", "hidden"):
                assert secret not in str(error)
                assert secret not in repr(error)
            error = error.__cause__
        if fault is None:
            assert caught.value.hint == "the user or the password is wrong, or has expired"
            assert "refused user `user`" in caught.value.where[1]

    def test_do_not_follow_a_redirect_to_another_host(self, private):
        with serve_index(FILES) as other:
            private.fault = redirects(other.url)
            assert ask(self.with_login(private))
            assert private.authorizations[-1] is not None
            assert other.authorizations == [None]

    def test_an_unreachable_index(self):
        with pytest.raises(FetchError) as caught:
            ask(f"http://user:{self.QUOTED}@127.0.0.1:1/simple/")
        assert "p%40ss" not in str(caught.value)
        assert caught.value.where == (
            "from http://****@127.0.0.1:1/simple/foo/",
            "connection refused",
        )


def test_who_asks(index):
    agents = []

    def listen(handler, path):
        agents.append(handler.headers["User-Agent"])
        return False

    index.fault = listen
    ask(index.simple)
    assert agents[0].startswith("wherry/")


def bomb() -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=31)
    while True:
        yield compressor.compress(bytes(1 << 22))


@pytest.mark.parametrize("kind", [JSON, "text/html"])
def test_a_page_without_end(kind: str, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.indexes.simple.LARGEST_DOCUMENT", 1 << 20)
    monkeypatch.setattr("wherry.indexes.simple._LARGEST_HTML", 1 << 20)
    index.fault = never_ends(lambda: itertools.repeat(b"x" * 65536), Content_Type=kind)
    assert "more than 1,048,576 bytes" in refusal(index).where[-1]
    index.fault = never_ends(bomb, Content_Type=kind, Content_Encoding="gzip")
    assert "more than 1,048,576 bytes" in refusal(index).where[-1]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" * 200_000, JSON),
        (b'{"meta": {"api-version": "1.0"}, "files": ' + b"9" * 5000 + b"}", JSON),
        (b'{"meta": [], "name": "foo", "files": [1]}', JSON),
        (b"<a>" * 20_000, "text/html"),
        (b"https://example.com/simple/foo/", "text/html"),
        (b"index.html", "text/html"),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "text/html"),
    ],
    ids=["deep", "number", "kinds", "tags", "address", "filename", "xml"],
)
def test_a_page_that_is_none(body: bytes, kind: str, index: Index) -> None:
    """Not even a warning of the library that reads it is shown."""
    index.fault = answers(body, kind=kind)
    assert "is not a page of an index" in refusal(index).message
