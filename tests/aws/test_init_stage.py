"""`wherry init --from`: a stage from what AWS has."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

import wherry as public
from support.deployments import ALIAS, FUNCTION, LAYER, Site
from support.projects import write_files
from support.zips import zip_bytes
from wherry.errors import DeployError, SettingsError

if TYPE_CHECKING:
    from support.aws_account import Account


@pytest.fixture
def site(new_site: Site, account: Account) -> Site:
    code = zip_bytes({"x.py": ""})
    layers = [account.layer("telemetry", code), account.layer(LAYER, code)]
    account.function(FUNCTION, code, Layers=layers, Handler="shop.api.handler")
    account.functions.publish_version(FunctionName=FUNCTION)
    account.functions.create_alias(FunctionName=FUNCTION, Name=ALIAS, FunctionVersion="1")
    return new_site


def stages(site: Site) -> Any:
    return tomllib.loads((site.root / "wherry.toml").read_text())["stages"]


def test_a_stage_beside_others(site: Site) -> None:
    """Names, alias and layer by AWS; what was written before stays byte for byte; and it can be planned."""
    before = (site.root / "wherry.toml").read_text()
    done = site.run("init", "--stage", "live", "--from", FUNCTION, code=0)
    assert done.out == "wherry.toml\n"
    assert done.err == (
        "note: function `shop-api` keeps its layer "
        "arn:aws:lambda:eu-west-1:123456789012:layer:telemetry:1, which is not in the settings\n"
        "Wrote settings to wherry.toml\n"
    )
    text = (site.root / "wherry.toml").read_text()
    assert text.startswith(before)
    assert "# from shop-api; packages over 50 MiB need a bucket" in text
    assert stages(site)["live"] == {
        "region": "eu-west-1", "alias": ALIAS,
        "functions": {"api": {"name": FUNCTION}}, "layers": {"dependencies": {"name": LAYER}},
    }  # fmt: skip
    assert site.proxy.operations == ["ListVersionsByFunction", "ListAliases"]
    plan = site.run("plan", "live", "--json", code=0).document
    assert [action["action"] for action in plan["functions"][0]["actions"]][-1] == "move-alias"
    done = site.run("init", "--stage", "live", "--from", FUNCTION, code=1)
    assert done.err.startswith("error: the settings have a stage `live`\n")


def test_first_settings_and_a_stage(site: Site) -> None:
    """Runtime and architecture are the function's."""
    (site.root / "wherry.toml").unlink()
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Runtime="python3.12"
    )
    done = site.run("init", "--stage", "live", "--from", FUNCTION, "--dry-run", code=0)
    written = tomllib.loads(done.out)
    written = written.get("tool", {}).get("wherry", written)
    assert written["runtime"] == "python3.12"
    assert [*written["stages"]["live"]["functions"].values()] == [{"name": FUNCTION}]
    assert not (site.root / "wherry.toml").exists()


def test_another_adapter(site: Site) -> None:
    """A web application has the handler of Wherry's shim: with any other the function would fail."""
    write_files(
        site.root,
        {
            "web.py": "def app(environ, start_response): ...\n",
            "wherry.toml": '[functions.api]\napp = "web:app"\ninterface = "wsgi"\n',
        },
    )
    done = site.run("init", "--stage", "live", "--from", FUNCTION, code=0)
    assert (
        "note: the first deployment changes the handler of function `shop-api`: "
        "shop.api.handler → wherry_shim.handler\n" in done.err
    )
    functions = stages(site)["live"]["functions"]
    assert functions == {"api": {"name": FUNCTION, "manage": ["code", "layers", "handler"]}}
    site.account.functions.update_function_configuration(
        FunctionName=FUNCTION, Handler="wherry_shim.handler"
    )
    site.run("init", "--stage", "next", "--from", FUNCTION, code=0)
    assert stages(site)["next"]["functions"] == {"api": {"name": FUNCTION}}


def test_what_should_be_checked(site: Site) -> None:
    functions = site.account.functions
    functions.update_function_configuration(
        FunctionName=FUNCTION, Runtime="python3.12", Handler="x.y", Layers=[]
    )
    functions.create_alias(FunctionName=FUNCTION, Name="blue", FunctionVersion="1")
    done = site.run("init", "--stage", "new", "--from", FUNCTION, code=0)
    assert (
        "warning: function `shop-api` has the runtime python3.12, and `api` is built for"
        in done.err
    )
    assert "warning: function `shop-api` has the handler x.y, and `api` of the settings" in done.err
    assert "has the aliases blue, live" in done.err or "has the aliases live, blue" in done.err
    # The alias that is called as the stage.
    site.run("init", "--stage", "blue", "--from", FUNCTION, code=0)
    assert stages(site)["blue"]["alias"] == "blue"
    assert "alias" not in stages(site)["new"]


def test_several_functions(site: Site) -> None:
    write_files(site.root, {"shop/jobs.py": "def handler(event, context): ...\n"})
    site.add('[functions.jobs]\nhandler = "shop.jobs.handler"')
    code = zip_bytes({"x.py": ""})
    site.account.function("background", code, Handler="shop.jobs.handler")
    given = ("init", "--stage", "a", "--from", FUNCTION, "--from")
    done = site.run(*given, "background", code=1)
    assert done.err.startswith("error: which function of the settings is `background`?\n")
    assert "hint: name it: --from api=background" in done.err
    site.run(*given, "jobs=background", code=0)
    assert stages(site)["a"]["functions"] == {
        "api": {"name": FUNCTION, "alias": ALIAS}, "jobs": {"name": "background"},
    }  # fmt: skip


def test_what_is_refused(site: Site) -> None:
    with site.account.here():
        with pytest.raises(DeployError, match="there is no function `none` in eu-west-1"):
            public.init_stage(site.root, "new", ["none"])
        with pytest.raises(SettingsError, match="a stage is in one region"):
            public.init_stage(
                site.root, "new", ["arn:aws:lambda:us-east-1:1:function:x"], region="eu-west-1"
            )
        with pytest.raises(SettingsError, match="is not a name for a stage"):
            public.init_stage(site.root, "new stage", [FUNCTION])
    for words in (["--from", "x"], ["--stage", "s", "--region", "eu-west-1"]):
        assert site.run("init", *words, code=2).err.startswith("error: --")
