"""A8: private indexes by name, user and password; the secret is told to nobody."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from support.code_artifact import serve_code_artifact
from support.faults import fails
from support.index import serve_index
from support.matrices import pairs, some
from support.private import (
    ALPHA,
    BACKEND,
    BETA,
    FORMATS,
    PASSWORD,
    USER,
    WAYS,
    forms,
    serve_indexes,
)
from support.tools import new_uv_cache
from support.wheels import make_sdist, make_wheel
from support.zips import unzipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.command import Wherry
    from support.private import Indexes


@pytest.fixture
def over_https(tmp_path: Path) -> Iterator[Indexes]:
    """With a certificate that only a CA of the user's own vouches for."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    trust = {"REQUESTS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
    yield from serve_indexes(tls=context, trust=trust)


def names_in(wherry: Wherry) -> set[str]:
    return set(unzipped(wherry.cwd / "dist" / "lambda" / "shop.zip"))


THOROUGH = ("uv's name", "netrc", "keyring")
FEW = ("uv.lock", "poetry.lock")
BRIEF = ("pylock.toml", "poetry.lock", "pyproject.toml")


@pytest.mark.parametrize(
    ("format_", "way"),
    pairs(
        (format_, way) for format_ in FORMATS for way in WAYS if way in THOROUGH or format_ in BRIEF
    ),
)
def test_every_lock_by_every_way(
    wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str, way: str
) -> None:
    """A8: for every lock alike. No dependency confusion: what the private index has comes from nowhere else.

    A wheel, an sdist, and what the sdist's backend needs.
    """
    FORMATS[format_](wherry.cwd, indexes)
    env = {**indexes.environment, **WAYS[way](indexes, tmp_path / "login")}
    done = wherry.succeed("build", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **env)
    package = names_in(wherry)
    assert {"alpha/__init__.py", "beta.py"} <= package
    assert "trap.py" not in package
    assert indexes.public.downloads == []
    for form in forms(USER, PASSWORD):
        assert form not in (done.out + done.err).encode()


def by_name(indexes: Indexes, tmp_path: Path, password: str = PASSWORD) -> dict[str, str]:
    return {
        **indexes.environment,
        "UV_CACHE_DIR": new_uv_cache(tmp_path / "uv"),
        "UV_INDEX_COMPANY_USERNAME": USER,
        "UV_INDEX_COMPANY_PASSWORD": password,
    }


@pytest.mark.parametrize(
    "format_", some(["poetry.lock", "requirements.txt", "pyproject.toml"], of=["requirements.txt"])
)
def test_over_https(wherry: Wherry, over_https: Indexes, tmp_path: Path, format_: str) -> None:
    """A8: with a certificate of the company's own."""
    FORMATS[format_](wherry.cwd, over_https)
    wherry.succeed("build", **by_name(over_https, tmp_path))
    assert {"alpha/__init__.py", "beta.py"} <= names_in(wherry)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_one_variable_for_certificates_is_enough(
    wherry: Wherry, over_https: Indexes, tmp_path: Path, variable: str
) -> None:
    """A8: whether it is uv's or requests' own, both that resolve and that fetch heed it."""
    FORMATS["pyproject.toml"](wherry.cwd, over_https)
    others = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), "")
    env = {**by_name(over_https, tmp_path), **others}
    wherry.succeed("build", **{**env, variable: over_https.trust[variable]})


@pytest.mark.parametrize("format_", some(FORMATS, of=FEW))
def test_the_password_does_not_follow_to_another_host(
    wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
) -> None:
    """A8: an index that keeps its files elsewhere."""
    FORMATS[format_](wherry.cwd, indexes)
    with serve_index([ALPHA, BETA, BACKEND]) as elsewhere:
        indexes.private.elsewhere = elsewhere.url
        wherry.succeed("build", **by_name(indexes, tmp_path))
        assert elsewhere.downloads
        assert set(elsewhere.authorizations) == {None}


class TestConfusion:
    """A8: a name on two indexes is taken from the one that the lock names, or from none."""

    @pytest.mark.parametrize("format_", some(FORMATS, of=FEW))
    def test_an_index_that_refuses_is_not_replaced(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        FORMATS[format_](wherry.cwd, indexes)
        done = wherry.fail(
            "build", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **indexes.environment
        )
        assert "401" in done.error
        assert "hint: set `UV_INDEX_COMPANY_USERNAME` and `UV_INDEX_COMPANY_PASSWORD`" in done.error
        assert indexes.public.downloads == []

    @pytest.mark.parametrize(
        "format_", some(["poetry.lock", "Pipfile.lock", "pylock.toml"], of=["poetry.lock"])
    )
    def test_an_index_that_has_lost_the_file_is_not_replaced(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        FORMATS[format_](wherry.cwd, indexes)
        del indexes.private.files[ALPHA.filename]
        wherry.fail("build", **by_name(indexes, tmp_path))
        assert indexes.public.requests == []

    @pytest.mark.parametrize(
        "format_", some(["requirements.txt", "pyproject.toml"], of=["requirements.txt"])
    )
    def test_the_public_one_gives_what_the_private_one_has_not(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        """And nothing more."""
        FORMATS[format_](wherry.cwd, indexes)
        indexes.public.add(gamma := make_wheel("gamma"))
        for name in ("pyproject.toml", "requirements.txt"):
            path = wherry.cwd / name
            if path.exists():
                text = path.read_text().replace('"beta"]', '"beta", "gamma"]')
                path.write_text(text.replace("beta==1.0", "beta==1.0\ngamma==1.0"))
        wherry.succeed("build", **by_name(indexes, tmp_path))
        assert "gamma/__init__.py" in names_in(wherry)
        asked = {path.removesuffix(".metadata") for path in indexes.public.downloads}
        assert asked == {f"/files/{gamma.filename}"}

    @pytest.mark.parametrize("name", some(["company", "other"], of=["company"]))
    def test_an_sdist_cannot_lead_elsewhere(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, name: str
    ) -> None:
        """By naming an index of its own: what builds it would come from there, and a password might go there."""
        FORMATS["pylock.toml"](wherry.cwd, indexes)
        indexes.public.add(make_wheel("helper"))
        with serve_index([make_wheel("helper")]) as evil:
            pyproject = (
                b'[build-system]\nrequires = ["company-backend", "helper"]\n'
                b'build-backend = "company_backend"\n'
                b'[[tool.uv.index]]\nname = "%s"\nurl = "%s"\n'
                % (name.encode(), evil.simple.encode())
            )
            sdist = make_sdist("beta", files={"beta.py": b"", "pyproject.toml": pyproject})
            indexes.private.add(sdist)
            lock = wherry.cwd / "pylock.toml"
            lock.write_text(lock.read_text().replace(BETA.sha256, sdist.sha256))
            wherry.succeed("build", **by_name(indexes, tmp_path))
            assert evil.requests == []

    def test_the_projects_own_indexes_serve_what_it_builds(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path
    ) -> None:
        """Without a word in Wherry's settings, as with uv itself."""
        FORMATS["uv.lock"](wherry.cwd, indexes)
        path = wherry.cwd / "pyproject.toml"
        path.write_text(path.read_text().partition("[[tool.wherry")[0])
        wherry.succeed("build", **by_name(indexes, tmp_path))
        assert indexes.public.downloads == []

    def test_a_default_of_the_file_is_not_replaced_by_the_environments(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path
    ) -> None:
        """As pip has it: what a requirements file says is nearer than a variable."""
        FORMATS["requirements.txt"](wherry.cwd, indexes)
        path = wherry.cwd / "requirements.txt"
        path.write_text(path.read_text().replace("--extra-index-url", "--index-url"))
        wherry.succeed("build", **by_name(indexes, tmp_path))
        assert "trap.py" not in names_in(wherry)
        assert indexes.public.downloads == []


class TestRefusals:
    """A8: which index, which user, what to do; and never the password."""

    @pytest.mark.parametrize("format_", some(FORMATS, of=FEW))
    def test_a_wrong_password(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        FORMATS[format_](wherry.cwd, indexes)
        done = wherry.fail("build", **by_name(indexes, tmp_path, "wr@ng s3cret"))
        assert "401" in done.error
        assert "the index `company` refused user `robot` of `UV_INDEX_COMPANY_PASSWORD`" in joined(
            done.error
        )
        assert "hint: the user or the password is wrong, or has expired" in done.error
        for form in forms(USER, "wr@ng s3cret"):
            assert form not in (done.out + done.err).encode()

    @pytest.mark.parametrize("format_", some(["poetry.lock", "pylock.toml"], of=["poetry.lock"]))
    def test_a_user_who_may_not(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        FORMATS[format_](wherry.cwd, indexes)
        indexes.private.fault = fails(403)
        done = wherry.fail("build", **by_name(indexes, tmp_path))
        assert "answered 403" in done.error
        assert "refused user `robot`" in done.error
        assert "hint: this user, or this network, is not permitted to read it" in done.error

    def test_an_index_without_a_name(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path
    ) -> None:
        FORMATS["pylock.toml"](wherry.cwd, indexes)
        path = wherry.cwd / "pyproject.toml"
        path.write_text(path.read_text().partition("[[tool")[0])
        done = wherry.fail("build", **indexes.environment)
        assert "the index requires a user and a password" in done.error
        assert "hint: name the index in `[[tool.wherry.indexes]]`" in done.error

    @pytest.mark.parametrize("format_", ["poetry.lock", "pyproject.toml"])
    def test_a_proxy_that_wants_a_password(
        self, wherry: Wherry, over_https: Indexes, tmp_path: Path, format_: str
    ) -> None:
        FORMATS[format_](wherry.cwd, over_https)
        with serve_index() as proxy:
            proxy.fault = fails(407)
            given = proxy.url.replace("//", "//me:pr%40xy-s3cret@")
            done = wherry(
                "build",
                **by_name(over_https, tmp_path),
                **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), given),
                NO_PROXY="",
                # uv would try again for seconds.
                UV_HTTP_RETRIES="0",
            )
        assert done.code == 1
        assert "Traceback" not in done.err
        assert "407" in done.error or "proxy authorization required" in done.error
        assert "`HTTPS_PROXY`" in done.error
        assert "s3cret" not in done.err

    def test_a_proxy_that_lets_nothing_through(
        self, wherry: Wherry, over_https: Indexes, tmp_path: Path
    ) -> None:
        FORMATS["poetry.lock"](wherry.cwd, over_https)
        with serve_index() as proxy:
            proxy.fault = fails(403)
            given = proxy.url.replace("//", "//me:pr%40xy-s3cret@")
            env = by_name(over_https, tmp_path)
            done = wherry("build", **env, HTTPS_PROXY=given, NO_PROXY="")
        assert done.code == 1
        assert "the proxy answered 403" in done.error
        assert "hint: the proxy does not permit the connection" in done.error
        assert "s3cret" not in done.err

    def test_a_proxy_that_is_not_there(
        self, wherry: Wherry, over_https: Indexes, tmp_path: Path
    ) -> None:
        FORMATS["poetry.lock"](wherry.cwd, over_https)
        env = by_name(over_https, tmp_path)
        given = "http://me:pr%40xy-s3cret@127.0.0.1:1"
        done = wherry.fail("build", **env, HTTPS_PROXY=given, NO_PROXY="")
        assert "the proxy cannot be reached" in done.error
        assert "s3cret" not in done.err


class TestCodeArtifact:
    """K7: the token is fetched, used, and found nowhere."""

    TOKEN = "eyJ0b2tlbi1vZi1hd3M" * 20

    def declare(self, wherry: Wherry) -> None:
        """What the settings call `company` is a repository of CodeArtifact."""
        path = wherry.cwd / "pyproject.toml"
        path.write_text(
            path.read_text()
            + 'domain = "acme"\nowner = "111122223333"\nrepository = "python"\nregion = "eu-west-1"\n'
        )

    @pytest.mark.parametrize(
        "format_",
        some(
            ["pylock.toml", "Pipfile.lock", "requirements.txt", "pyproject.toml"],
            of=["pylock.toml", "requirements.txt"],
        ),
    )
    def test_for_every_lock_alike(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        indexes.private.auth = ("aws", self.TOKEN)
        FORMATS[format_](wherry.cwd, indexes)
        self.declare(wherry)
        with serve_code_artifact(self.TOKEN) as endpoint:
            env = {**indexes.environment, **endpoint.environment}
            wherry.succeed("build", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **env)
            assert len(endpoint.asked) == 1
            wherry.succeed("build", "--json", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **env)
            if format_ in {"pylock.toml", "Pipfile.lock"}:
                # A build that fetches nothing needs no token.
                assert len(endpoint.asked) == 1
        assert {"alpha/__init__.py", "beta.py"} <= names_in(wherry)
        for path in tmp_path.rglob("*"):
            if path.is_file():
                for form in forms("aws", self.TOKEN):
                    assert form not in path.read_bytes(), path

    @pytest.mark.parametrize("format_", ["Pipfile.lock", "pyproject.toml"])
    def test_a_token_that_has_run_out_is_renewed(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
    ) -> None:
        indexes.private.auth = ("aws", self.TOKEN)
        FORMATS[format_](wherry.cwd, indexes)
        self.declare(wherry)
        with serve_code_artifact("token-that-ran-out", self.TOKEN) as endpoint:
            env = {**indexes.environment, **endpoint.environment}
            wherry.succeed("build", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **env)
            assert len(endpoint.asked) == 2

    def test_aws_gives_none(self, wherry: Wherry, indexes: Indexes, tmp_path: Path) -> None:
        FORMATS["pyproject.toml"](wherry.cwd, indexes)
        self.declare(wherry)
        with serve_code_artifact(self.TOKEN) as endpoint:
            endpoint.fault = (403, "ExpiredTokenException", "The security token is expired")
            done = wherry("build", **indexes.environment, **endpoint.environment)
        assert done.code == 1
        assert "Traceback" not in done.err
        assert "AWS gives no token for CodeArtifact" in done.error
        assert "ExpiredTokenException" in done.error
        assert "aws sso login" in done.error
        assert "aws-secret" not in done.err


@pytest.mark.parametrize(
    "format_",
    some(["pyproject.toml", "pyproject.toml of Poetry", "Pipfile"], of=["pyproject.toml"]),
)
def test_a_lock_is_written_without_it(
    wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
) -> None:
    """A8: the secret is in no lock; and who builds from it needs it again."""
    FORMATS[format_](wherry.cwd, indexes)
    for way in ("uv's name", "uv's address", "keyring"):
        env = {**indexes.environment, **WAYS[way](indexes, tmp_path / "login")}
        wherry.succeed("lock", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **env)
        text = (wherry.cwd / "pylock.toml").read_bytes()
        assert f"{indexes.private.url}/files/{ALPHA.filename}".encode() in text
        for form in forms(USER, PASSWORD):
            assert form not in text
    refused = wherry.fail(
        "build", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **indexes.environment
    )
    assert "401" in refused.error


def joined(text: str) -> str:
    return " ".join(text.split())
