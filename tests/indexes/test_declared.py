"""A8: indexes by name and URL, from the settings and from the files of the tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from support.projects import write_files
from wherry.errors import SettingsError
from wherry.files import ProjectFiles
from wherry.indexes.declared import (
    CodeArtifact,
    DeclaredIndex,
    code_artifact_at,
    indexes_in,
    is_pypi,
)
from wherry.settings.read import read_settings

if TYPE_CHECKING:
    from pathlib import Path

AWS = {"domain": "acme", "owner": "111122223333", "repository": "python", "region": "eu-west-1"}
ADDRESS = "https://acme-111122223333.d.codeartifact.eu-west-1.amazonaws.com/pypi/python/simple/"


def read(*tables: object) -> tuple[DeclaredIndex, ...]:
    return read_settings({"indexes": list(tables)}, "x").indexes


def test_the_settings() -> None:
    """A8: name and URL."""
    (index,) = read({"name": "acme", "url": "http://host/simple", "default": True})
    assert index == DeclaredIndex(name="acme", url="http://host/simple", default=True)


def test_code_artifact_by_its_parts() -> None:
    """K7: the address follows from them."""
    (index,) = read({"name": "artifacts", "profile": "build", **AWS})
    assert index.url == ADDRESS
    assert index.code_artifact == CodeArtifact(**AWS, profile="build")


def test_code_artifact_by_its_address() -> None:
    """K7: the parts follow from it; a dash in the domain is no obstacle."""
    (index,) = read({"name": "artifacts", "url": ADDRESS})
    assert index.code_artifact == CodeArtifact(**AWS)
    dashed = code_artifact_at(ADDRESS.replace("acme-", "my-acme-"))
    assert dashed is not None
    assert dashed.domain == "my-acme"


def test_code_artifact_behind_another_address() -> None:
    """K7: a private endpoint has a host of its own."""
    (index,) = read(
        {"name": "artifacts", "url": "https://vpce.internal/pypi/python/simple/", **AWS}
    )
    assert index.url == "https://vpce.internal/pypi/python/simple/"
    assert index.code_artifact == CodeArtifact(**AWS)


@pytest.mark.parametrize(
    "url",
    [
        "https://pypi.example/simple/",
        ADDRESS.replace("https", "http"),
        ADDRESS.replace("amazonaws.com/", "amazonaws.com.evil.example/"),
        ADDRESS.replace("https://", "https://evil.example/"),
    ],
)
def test_what_only_looks_like_code_artifact_gets_no_token(url: str) -> None:
    """K7: a token is AWS's business alone."""
    assert code_artifact_at(url) is None


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"name": "a"}, "indexes: expected tables"),
        ([{"name": "a"}], "indexes[0]: expected `url`"),
        ([{"url": "https://host/"}], "indexes[0].name: it is required"),
        ([{"name": "a b", "url": "https://host/"}], "indexes[0].name: expected a name"),
        ([{"name": "a", "url": "ftp://host/"}], "indexes[0].url: expected the address"),
        ([{"name": "a", "url": "https://"}], "indexes[0].url: expected the address"),
        ([{"name": "a", "url": "https://h/?x=y"}], "indexes[0].url: expected the address"),
        ([{"name": "a", "url": "https://h:x/"}], "indexes[0].url: expected the address"),
        ([{"name": "a", "url": "https://h/", "nmae": "b"}], "indexes[0].nmae: there is no such"),
        (
            [{"name": "a", "url": "https://h/", "default": 1}],
            "indexes[0].default: expected true or false",
        ),
        (
            [{"name": "a", "url": "https://h/", "profile": "p"}],
            "indexes[0].profile: it is a setting of",
        ),
        ([{"name": "a", "domain": "acme"}], "indexes[0]: CodeArtifact also needs `owner`"),
        ([{"name": "a", **AWS, "owner": "1"}], "indexes[0].owner: expected the twelve digits"),
        (
            [{"name": "a-b", "url": "https://h/"}, {"name": "A.b", "url": "https://i/"}],
            "indexes[1].name: another index is called `A.b`",
        ),
        (
            [{"name": name, "url": "https://h/", "default": True} for name in "ab"],
            "indexes[1].default: another index",
        ),
    ],
)
def test_wrong_settings(tables: object, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"indexes": tables}, "x")
    assert any(line.startswith(key) for line in caught.value.where), caught.value.where


@pytest.mark.parametrize(
    "url", ["https://me:s3cret@host/", "https://me:s3/cret@host/", "https://t0ken-s3cret@host/"]
)
def test_a_password_is_refused_in_the_settings_and_not_repeated(url: str) -> None:
    """A8: the secret is in no file, and not in the error that says so."""
    with pytest.raises(SettingsError) as caught:
        read({"name": "a", "url": url})
    assert "user and password do not belong in the settings" in str(caught.value)
    assert "s3" not in str(caught.value)


def test_what_the_tools_call_their_indexes(tmp_path: Path) -> None:
    """A8: alike for uv, Poetry, PDM and Pipenv."""
    write_files(
        tmp_path,
        {
            "pyproject.toml": '[[tool.uv.index]]\nname = "u"\nurl = "https://u/"\n'
            '[[tool.uv.index]]\nurl = "https://nameless/"\n'
            '[[tool.poetry.source]]\nname = "p"\nurl = "https://p/"\n'
            '[[tool.poetry.source]]\nname = "PyPI"\n'
            '[[tool.pdm.source]]\nname = "d"\nurl = "https://d/"\n',
            "uv.toml": '[[index]]\nname = "t"\nurl = "https://t/"\n',
            "Pipfile": '[[source]]\nname = "f"\nurl = "https://f/"\nverify_ssl = true\n',
        },
    )
    found = {(each.name, each.url, each.tool) for each in indexes_in(tmp_path, ProjectFiles())}
    tools = {"u": "uv", "p": "poetry", "d": "pdm", "t": "uv", "f": "pipenv"}
    assert found == {
        *((name, f"https://{name}/", tool) for name, tool in tools.items()),
        ("", "https://nameless/", "uv"),
    }


@pytest.mark.parametrize(
    ("login", "url"),
    [
        ('username = "me@x"\npassword = "a/b"', "https://me%40x:a%2Fb@h/simple"),
        ('username = "${U}"\npassword = "${P}"', "https://${U}:${P}@h/simple"),
        ('password = "a"', "https://h/simple"),
        ("username = 1", "https://h/simple"),
    ],
)
def test_pdm_has_keys_for_user_and_password(tmp_path: Path, login: str, url: str) -> None:
    text = f'[[tool.pdm.source]]\nname = "d"\nurl = "https://h/simple"\n{login}\n'
    write_files(tmp_path, {"pyproject.toml": text})
    assert [each.url for each in indexes_in(tmp_path, ProjectFiles())] == [url]


@pytest.mark.parametrize(
    "text", ["not = [toml", "tool = 1", "[tool.uv]\nindex = 1", "[tool]\nuv = []"]
)
def test_files_that_cannot_be_read_have_none(tmp_path: Path, text: str) -> None:
    write_files(tmp_path, {"pyproject.toml": text})
    assert list(indexes_in(tmp_path, ProjectFiles())) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (PYPI_SIMPLE_ENDPOINT, True),
        (PYPI_SIMPLE_ENDPOINT.upper(), True),
        ("https://pypi.host/simple/", False),
        (ADDRESS, False),
        ("http://[", False),
        ("", False),
    ],
)
def test_pypi_by_its_address(url: str, expected: bool) -> None:
    assert is_pypi(url) is expected
