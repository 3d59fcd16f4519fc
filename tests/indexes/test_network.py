"""A8: which login goes to which address, and that no secret goes anywhere else."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from support.keyrings import keyring_command
from support.projects import write_files
from wherry.files import ProjectFiles
from wherry.indexes.declared import DeclaredIndex
from wherry.indexes.network import Network
from wherry.indexes.uv_variables import uv_variables

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.indexes.login import Login

SECRET = "p@ss:w/o%rd +1"
COMPANY = DeclaredIndex(name="my-company", url="https://host/company/simple/")


def said(login: Login | None) -> tuple[str, str] | None:
    return None if login is None else (login.user, login.password)


@pytest.mark.parametrize("lead", ["UV_INDEX", "POETRY_HTTP_BASIC"])
def test_by_the_name(monkeypatch: pytest.MonkeyPatch, lead: str) -> None:
    """A8: the names that users of uv and Poetry already set, whatever made the lock."""
    monkeypatch.setenv(f"{lead}_MY_COMPANY_USERNAME", "robot")
    monkeypatch.setenv(f"{lead}_MY_COMPANY_PASSWORD", SECRET)
    for network in (Network([COMPANY]), Network()):
        network.learn({COMPANY.url: COMPANY.name}, lock="Pipfile.lock", alone=True)
        assert said(network.login("https://host/company/files/x.whl")) == ("robot", SECRET)
        assert network.login("https://other/company/files/x.whl") is None
        assert network.login("http://host/company/files/x.whl") is None
        assert network.login("https://host:8443/company/files/x.whl") is None
        assert said(network.login("https://host:443/company/files/x.whl")) == ("robot", SECRET)


@pytest.mark.parametrize(
    "variable",
    ["UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"],
)
def test_by_an_address_of_the_environment(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """A8: as pip's users and uv's write it."""
    monkeypatch.setenv(variable, f"https://robot:{quote(SECRET, safe='')}@host/simple/")
    assert said(Network().login("https://host/files/x.whl")) == ("robot", SECRET)


def test_by_the_files_of_the_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A8: uv's locks do not tell what their indexes are called; the project does."""
    write_files(
        tmp_path, {"pyproject.toml": '[[tool.uv.index]]\nname = "c"\nurl = "https://h/s"\n'}
    )
    monkeypatch.setenv("UV_INDEX_C_PASSWORD", "token")
    assert said(Network(folders=[tmp_path]).login("https://h/f/x.whl")) == ("", "token")
    late = Network()
    assert late.login("https://h/f/x.whl") is None
    late.consult(tmp_path)
    assert said(late.login("https://h/f/x.whl")) == ("", "token")


def test_the_files_of_the_tools_are_read_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By what reads all files of a run, which sees each as it was at first."""
    pyproject = tmp_path / "pyproject.toml"
    files = ProjectFiles()
    for name in ("first", "second"):
        pyproject.write_text(f'[[tool.uv.index]]\nname = "{name}"\nurl = "https://{name}/s"\n')
        files.toml(pyproject)
        monkeypatch.setenv(f"UV_INDEX_{name.upper()}_PASSWORD", "token")
    network = Network(folders=[tmp_path], files=files)
    assert network.login("https://first/x") is not None
    assert network.login("https://second/x") is None


def test_of_two_on_one_host_the_nearer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A8: project 2's files are not asked for with project 1's token."""
    for number in ("ONE", "TWO"):
        monkeypatch.setenv(f"UV_INDEX_{number}_USERNAME", number)
        monkeypatch.setenv(f"UV_INDEX_{number}_PASSWORD", number)
    network = Network(
        [
            DeclaredIndex(name="one", url="https://host/projects/1/pypi/simple"),
            DeclaredIndex(name="two", url="https://host/projects/2/pypi/simple"),
        ]
    )
    assert said(network.login("https://host/projects/1/pypi/files/x.whl")) == ("ONE", "ONE")
    assert said(network.login("https://host/projects/2/pypi/files/x.whl")) == ("TWO", "TWO")


def test_what_stands_in_an_address_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX_MY_COMPANY_PASSWORD", "of-the-name")
    network = Network([COMPANY])
    assert said(network.login("https://a:b@host/company/simple/")) == ("a", "b")


def test_addresses_that_are_none_are_somebody_elses_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_INDEX", "http://[ https://a:b@host/simple")
    network = Network()
    assert said(network.login("https://host/x")) == ("a", "b")
    assert network.login("http://[") is None
    assert network.identity() == [["UV_INDEX", "http://[ https://host/simple"]]


class TestUv:
    """A8: what uv hears, by its environment alone."""

    def test_of_a_declared_index(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("POETRY_HTTP_BASIC_MY_COMPANY_USERNAME", "robot")
        monkeypatch.setenv("POETRY_HTTP_BASIC_MY_COMPANY_PASSWORD", SECRET)
        assert uv_variables(Network([COMPANY]), tmp_path) == {
            "UV_INDEX": f"my-company={COMPANY.url}",
            "UV_INDEX_MY_COMPANY_USERNAME": "robot",
            "UV_INDEX_MY_COMPANY_PASSWORD": SECRET,
        }

    def test_of_one_that_stands_in_for_pypi(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        index = DeclaredIndex(name="mirror", url="https://mirror/simple", default=True)
        network = Network([index])
        assert network.default_index == "https://mirror/simple"
        variables = uv_variables(network, tmp_path)
        assert variables == {"UV_DEFAULT_INDEX": "mirror=https://mirror/simple"}
        monkeypatch.setenv("PIP_INDEX_URL", "https://here/simple")
        assert network.default_index == "https://here/simple"
        variables = uv_variables(network, tmp_path)
        assert variables == {"UV_DEFAULT_INDEX": "https://here/simple"}

    def test_the_environments_come_before_the_settings(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://here/simple")
        variables = uv_variables(Network([COMPANY]), tmp_path)
        assert variables["UV_INDEX"] == f"https://here/simple my-company={COMPANY.url}"
        monkeypatch.setenv("UV_INDEX", "mine=https://mine/simple")
        variables = uv_variables(Network([COMPANY]), tmp_path)
        assert variables["UV_INDEX"] == f"mine=https://mine/simple my-company={COMPANY.url}"

    def test_what_uv_reads_itself_keeps_its_meaning(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """An index that is `explicit` there is not to become one for everything."""
        write_files(
            tmp_path,
            {
                "pyproject.toml": f'[[tool.uv.index]]\nname = "c"\nurl = "{COMPANY.url.rstrip("/")}"\nexplicit = true\n'
            },
        )
        monkeypatch.setenv("UV_INDEX_MY_COMPANY_PASSWORD", "token")
        monkeypatch.setenv("POETRY_HTTP_BASIC_C_PASSWORD", "other")
        variables = uv_variables(Network([COMPANY], folders=[tmp_path]), tmp_path)
        assert "UV_INDEX" not in variables
        assert variables["UV_INDEX_C_PASSWORD"] == "other"

    def test_what_the_keyring_gave(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """uv itself asks a keyring only where it was told to."""
        given = keyring_command(tmp_path / "bin", {"host": ("robot", SECRET)})
        monkeypatch.setenv("PATH", given["PATH"])
        monkeypatch.setenv("UV_DEFAULT_INDEX", "https://host/simple")
        network = Network([DeclaredIndex(name="c", url="https://host/c")])
        before = uv_variables(network, tmp_path)
        assert before == {"UV_INDEX": "c=https://host/c"}
        assert network.second_login("https://host/simple", None) is not None
        quoted = quote(SECRET, safe="")
        assert uv_variables(network, tmp_path) == {
            **before,
            "UV_INDEX_C_USERNAME": "robot",
            "UV_INDEX_C_PASSWORD": SECRET,
            "UV_DEFAULT_INDEX": f"https://robot:{quoted}@host/simple",
        }


class TestAbroad:
    """A8: what is somebody else's is built with the project's indexes, and not with its own."""

    def test_the_projects_indexes_count(self, tmp_path: Path) -> None:
        write_files(
            tmp_path,
            {
                "pyproject.toml": '[[tool.uv.index]]\nname = "u"\nurl = "https://u/simple"\n'
                '[[tool.uv.index]]\nname = "x"\nurl = "https://x/simple"\nexplicit = true\n'
                '[[tool.poetry.source]]\nname = "p"\nurl = "https://p/simple"\n',
                "Pipfile": f'[[source]]\nname = "public"\nurl = "{PYPI_SIMPLE_ENDPOINT}"\n'
                '[[source]]\nname = "f"\nurl = "https://${A}:${B}@f/simple"\n',
            },
        )
        network = Network([COMPANY], folders=[tmp_path])
        network.use(["https://r/simple"])
        for_third_party = network.for_third_party()
        words = uv_variables(for_third_party, tmp_path / "elsewhere")["UV_INDEX"].split()
        assert words == [
            f"my-company={COMPANY.url}",
            "u=https://u/simple",
            "p=https://p/simple",
            "f=https://f/simple",
            "https://r/simple",
        ]
        assert ["u", "https://u/simple"] in for_third_party.identity()
        assert ["u", "https://u/simple"] not in network.identity()

    def test_keys_are_made_without_secrets(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("A", "robot")
        monkeypatch.setenv("B", SECRET)
        write_files(
            tmp_path,
            {"Pipfile": '[[source]]\nname = "f"\nurl = "https://${A}:${B}@f/simple"\n'},
        )
        network = Network(folders=[tmp_path])
        network.use([f"https://robot:{quote(SECRET, safe='')}@r/simple"])
        assert network.for_third_party().identity() == [
            ["f", "https://f/simple"],
            ["", "https://r/simple"],
        ]

    def test_those_of_its_own_source_do_not(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """It could name an address of its own `my-company`, and be sent the password."""
        monkeypatch.setenv("UV_INDEX_MY_COMPANY_PASSWORD", "s3cret")
        write_files(
            tmp_path,
            {"pyproject.toml": '[[tool.uv.index]]\nname = "my-company"\nurl = "https://evil/"\n'},
        )
        for_third_party = Network([COMPANY]).for_third_party()
        assert uv_variables(for_third_party, tmp_path)["UV_INDEX"] == f"my-company={COMPANY.url}"
        assert for_third_party.login("https://evil/x") is None

    def test_what_is_learnt_here_is_known_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_INDEX_LATE_PASSWORD", "token")
        network = Network()
        for_third_party = network.for_third_party()
        network.learn({"https://late/simple": "late"}, lock="Pipfile.lock", alone=True)
        assert said(for_third_party.login("https://late/x")) == ("", "token")


class TestKeyring:
    """A8: asked when an index has answered 401, never before."""

    def command(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str) -> Path:
        given = keyring_command(tmp_path / "bin", {service: ("robot", SECRET)})
        monkeypatch.setenv("PATH", given["PATH"])
        return tmp_path / "bin" / "asked"

    @pytest.mark.parametrize("service", [COMPANY.url, "host"])
    def test_by_address_and_by_host(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
    ) -> None:
        asked = self.command(monkeypatch, tmp_path, service)
        network = Network([COMPANY])
        file = "https://host/company/files/x.whl"
        assert network.login(file) is None
        assert asked.read_text() == ""
        assert said(network.second_login(file, None)) == ("robot", SECRET)
        before = asked.read_text()
        assert said(network.login(file)) == ("robot", SECRET)
        assert said(network.second_login(file, None)) == ("robot", SECRET)
        assert asked.read_text() == before
        assert SECRET not in before

    def test_for_a_user(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        asked = self.command(monkeypatch, tmp_path, "host")
        monkeypatch.setenv("UV_INDEX_MY_COMPANY_USERNAME", "robot")
        network = Network([COMPANY])
        assert said(network.second_login("https://host/company/x", None)) == ("robot", SECRET)
        assert asked.read_text() == f"get {COMPANY.url} robot\nget host robot\n"
        bare = Network()
        sent = bare.login("https://robot@host/simple/x")
        assert said(sent) == ("robot", "")
        assert said(bare.second_login("https://host/simple/x", sent)) == ("robot", SECRET)

    def test_one_that_knows_nothing_is_asked_once(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        asked = self.command(monkeypatch, tmp_path, "elsewhere")
        network = Network()
        assert network.second_login("https://host/a", None) is None
        before = asked.read_text()
        assert before
        assert network.second_login("https://host/b", None) is None
        assert asked.read_text() == before

    def test_a_wrong_password_is_not_looked_up_again(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        asked = self.command(monkeypatch, tmp_path, "host")
        network = Network()
        sent = network.login("https://robot:wrong@host/simple/x")
        assert network.second_login("https://host/simple/x", sent) is None
        assert asked.read_text() == ""

    def test_may_be_forbidden(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        asked = self.command(monkeypatch, tmp_path, "host")
        monkeypatch.setenv("UV_KEYRING_PROVIDER", "disabled")
        assert Network().second_login("https://host/a", None) is None
        assert asked.read_text() == ""


class TestSilence:
    """A8: the secret is in no log."""

    def forms(self, user: str) -> list[str]:
        pair = base64.b64encode(f"{user}:{SECRET}".encode()).decode()
        return [SECRET, quote(SECRET, safe=""), quote(SECRET), pair]

    def test_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_INDEX_X_USERNAME", "robot")
        monkeypatch.setenv("UV_INDEX_X_PASSWORD", SECRET)
        for form in self.forms("robot"):
            assert Network().hide(f"it said <{form}>") == "it said <****>"

    def test_of_addresses_and_proxies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UV_INDEX", f"https://robot:{quote(SECRET, safe='')}@host/simple/")
        monkeypatch.setenv("https_proxy", "http://me:of-the-proxy@proxy:3128")
        network = Network()
        network.login("https://else:where-else@host2/")
        for form in [*self.forms("robot"), "of-the-proxy", "where-else"]:
            assert form not in network.hide(f"it said <{form}>")

    def test_keys_are_made_without_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A new token is no new input, and nothing is to be guessed from a digest."""
        monkeypatch.setenv("UV_INDEX", f"https://robot:{quote(SECRET, safe='')}@host/simple/")
        before = Network([COMPANY]).identity()
        monkeypatch.setenv("UV_INDEX", "c=https://robot:another@host/simple/")
        assert [
            ["UV_INDEX", "c=https://host/simple/"],
            ["my-company", COMPANY.url, "False"],
        ] == Network([COMPANY]).identity()
        assert before[0] == ["UV_INDEX", "https://host/simple/"]
