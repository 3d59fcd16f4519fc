"""A8, K7: after builds that succeed, fail and are killed, the secret is searched for everywhere.

In every file under the project, its output, the store, the temporary folder, the home folder and uv's cache; in the
arguments and the environment of every process of the build; in what was said. As it is, quoted and in base64.

What the user has put into the environment, every child inherits. What Wherry itself learns elsewhere (from AWS,
the keyring or netrc) is in the environment of uv, which needs it, and of nobody else.
"""

from __future__ import annotations

import sys
import threading
from itertools import product
from typing import TYPE_CHECKING

import pytest

from support.code_artifact import serve_code_artifact
from support.faults import fails, hangs
from support.hunt import files_with, watch
from support.matrices import pairs, some
from support.private import FORMATS, PASSWORD, USER, WAYS, forms
from support.tools import new_uv_cache
from support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.command import Wherry
    from support.hunt import Watched
    from support.private import Indexes

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at processes by way of /proc"
)

RESOLVED = ("requirements.txt", "pyproject.toml", "Pipfile")
LOCKED = ("pylock.toml", "uv.lock", "poetry.lock", "Pipfile.lock")


@pytest.fixture
def hunt(wherry: Wherry, indexes: Indexes, tmp_path: Path) -> Callable[..., Watched]:
    """Builds, and searches."""

    def build(
        way: str,
        *arguments: str,
        user: str = USER,
        password: str = PASSWORD,
        kill_when: Callable[[], bool] | None = None,
        **env: str,
    ) -> Watched:
        for name in ("temporary", "home"):
            (tmp_path / name).mkdir(exist_ok=True)
        given = WAYS[way](indexes, tmp_path / "login") if way in WAYS else {}
        done = watch(
            arguments or ["build"],
            cwd=wherry.cwd,
            env=wherry.environment(
                TMPDIR=str(tmp_path / "temporary"),
                HOME=str(tmp_path / "home"),
                XDG_CACHE_HOME=str(tmp_path / "home" / "cache"),
                UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"),
                **{**indexes.environment, **given, **env},
            ),
            kill_when=kill_when,
        )
        secret = forms(user, password)
        holders = [tmp_path / "login" / name for name in ("netrc", "known.json")]
        assert files_with(secret, tmp_path, but=holders) == []
        assert not [form for form in secret if form in done.output]
        assert len(done.processes) >= 1
        for process in done.processes:
            assert not [form for form in secret if form in process.arguments], process.program
            if not any(form in value.encode() for form in secret for value in given.values()):
                in_environment = [form for form in secret if form in process.environment]
                assert not in_environment or done.below(process, "uv"), process
        return done

    return build


@pytest.mark.parametrize("format_", some(FORMATS, of=("uv.lock", "requirements.txt")))
def test_a_build_that_succeeds(
    wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched], format_: str
) -> None:
    """A8: the secret is in no file, argv, log or zip."""
    FORMATS[format_](wherry.cwd, indexes)
    done = hunt("netrc" if format_ in LOCKED else "keyring")
    assert done.code == 0, done.output
    assert any(process.program == "uv" for process in done.processes)


@pytest.mark.parametrize("way", some(WAYS, of=("netrc", "keyring")))
def test_wherever_the_password_comes_from(
    wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched], way: str
) -> None:
    """A8: resolved, fetched and built."""
    FORMATS["requirements.txt"](wherry.cwd, indexes)
    done = hunt(way)
    assert done.code == 0, done.output


@pytest.mark.parametrize("way", ["uv's name", "keyring"])
def test_a_lock_that_is_written(
    wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched], way: str
) -> None:
    """A8: the secret is in no lock."""
    FORMATS["pyproject.toml"](wherry.cwd, indexes)
    done = hunt(way, "lock")
    assert done.code == 0, done.output


def test_code_artifact(wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched]) -> None:
    """K7: a token that AWS gave is in memory alone, and in uv's environment."""
    token = "eyJ0b2tlbi1vZi1hd3M" * 20
    indexes.private.auth = ("aws", token)
    FORMATS["pyproject.toml"](wherry.cwd, indexes)
    path = wherry.cwd / "pyproject.toml"
    table = 'domain = "acme"\nowner = "111122223333"\nrepository = "python"\nregion = "eu-west-1"\n'
    path.write_text(path.read_text() + table)
    with serve_code_artifact(token) as endpoint:
        done = hunt("", user="aws", password=token, **endpoint.environment)
    assert done.code == 0, done.output


class TestFailures:
    """A8: also after a failure."""

    @pytest.mark.parametrize(("status", "format_"), pairs(product([401, 403, 500], FORMATS)))
    def test_an_index_that_refuses(
        self,
        wherry: Wherry,
        indexes: Indexes,
        hunt: Callable[..., Watched],
        format_: str,
        status: int,
    ) -> None:
        FORMATS[format_](wherry.cwd, indexes)
        indexes.private.fault = fails(status)
        done = hunt("uv's name", UV_HTTP_RETRIES="0")
        assert done.code == 1, done.output

    def test_a_file_that_is_another(
        self, wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched]
    ) -> None:
        FORMATS["poetry.lock"](wherry.cwd, indexes)
        indexes.private.add(make_wheel("alpha", "1.2", files={"other.py": b""}))
        done = hunt("Poetry's name")
        assert done.code == 1, done.output

    @pytest.mark.parametrize("way", some(WAYS, of=("netrc",)))
    def test_a_backend_that_tells_its_whole_environment(
        self, wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched], way: str
    ) -> None:
        """Its log is kept, without the secret."""
        FORMATS["pylock.toml"](wherry.cwd, indexes)
        telling = b"import os\nfor each in os.environ.items():\n    print(*each, each)\nraise SystemExit(3)\n"
        indexes.private.add(make_wheel("company-backend", files={"company_backend.py": telling}))
        done = hunt(way)
        assert done.code == 1, done.output
        assert b"`beta` could not be built" in done.output
        assert list(wherry.store.rglob("*.log"))


class TestKilled:
    """A8: what was killed had no time to clean up."""

    @pytest.mark.parametrize(
        ("format_", "way"),
        pairs(product(["poetry.lock", "pyproject.toml"], ["uv's name", "netrc", "keyring"])),
    )
    def test_while_it_waits_for_the_index(
        self,
        wherry: Wherry,
        indexes: Indexes,
        hunt: Callable[..., Watched],
        format_: str,
        way: str,
    ) -> None:
        """Once it has shown the password, so that whoever needs it knows it by then."""
        FORMATS[format_](wherry.cwd, indexes)
        release = threading.Event()
        wait = hangs(release)
        waiting = threading.Event()

        def fault(handler: object, path: str) -> bool:
            if indexes.private.authorizations[-1] is None:
                return False
            waiting.set()
            return wait(handler, path)  # type: ignore[arg-type]

        indexes.private.fault = fault
        try:
            done = hunt(way, kill_when=waiting.is_set)
        finally:
            release.set()
        assert done.code == -9
        assert waiting.is_set()

    def test_while_it_builds(
        self, wherry: Wherry, indexes: Indexes, hunt: Callable[..., Watched], tmp_path: Path
    ) -> None:
        FORMATS["pylock.toml"](wherry.cwd, indexes)
        mark = tmp_path / "building"
        waits = (
            f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(600)\n".encode()
        )
        indexes.private.add(make_wheel("company-backend", files={"company_backend.py": waits}))
        done = hunt("keyring", kill_when=mark.exists)
        assert done.code == -9
