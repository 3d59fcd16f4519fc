"""A layer that left the settings is detached, whatever its name; one of somebody else stays."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import tomli_w

from support.deployments import ALIAS, FUNCTION, LAYER, Site
from support.zips import zip_bytes

if TYPE_CHECKING:
    from support.aws_account import Account

PLACE = "arn:aws:lambda:eu-west-1:123456789012:layer:"
ELSEWHERE = "arn:aws:lambda:eu-west-1:999999999999:layer:theirs:7"


def names(account: Account) -> list[str]:
    return [arn.split(":")[6] for arn in account.layers_of(FUNCTION)]


def set_layers(site: Site, *layers: str) -> None:
    """The layers of the function in the settings, which have no other."""
    path = site.root / "wherry.toml"
    settings = tomllib.loads(path.read_text())
    settings["functions"]["api"]["layers"] = list(layers)
    settings["layers"] = {name: {} for name in layers if not name.startswith("arn:")}
    settings["stages"]["staging"]["layers"] = {name: {"name": LAYER} for name in settings["layers"]}
    path.write_text(tomli_w.dumps(settings))


def test_names_of_their_own_and_arns(site: Site) -> None:
    """A3."""
    account = site.account
    code = zip_bytes({"python/x.py": ""})
    theirs, foreign = account.layer("telemetry", code), account.layer("foreign", code)
    set_layers(site, "dependencies", theirs)
    site.deploy()
    account.functions.update_function_configuration(
        FunctionName=FUNCTION, Layers=[foreign, *account.layers_of(FUNCTION)]
    )
    set_layers(site, "dependencies")
    planned = site.plan(code=3)
    assert f"- {theirs}\n" in planned.out
    site.deploy()
    assert names(account) == ["foreign", LAYER]
    set_layers(site)
    assert f"- {PLACE}{LAYER}:1\n" in site.plan(code=3).out
    site.deploy()
    assert names(account) == ["foreign"]
    # What somebody else attaches afterwards is theirs.
    account.functions.update_function_configuration(FunctionName=FUNCTION, Layers=[theirs])
    site.deploy()
    assert names(account) == ["telemetry"]
    # The record is nobody's business but ours.
    done = site.run("rollback", "staging", "--dry-run", code=0)
    assert "(shop 1.0)" in done.out
    assert account.alias(FUNCTION, ALIAS)[0] == "4"


def without_alias(site: Site, **more: str | bool) -> None:
    path = site.root / "wherry.toml"
    settings = tomllib.loads(path.read_text())
    function = settings["stages"]["staging"]["functions"]["api"]
    function.pop("alias", None)
    function.update(more)
    path.write_text(tomli_w.dumps(settings))


def described(account: Account) -> str:
    configuration = account.functions.get_function_configuration(FunctionName=FUNCTION)
    return str(configuration.get("Description", ""))


def describe(account: Account, text: str) -> None:
    account.functions.update_function_configuration(FunctionName=FUNCTION, Description=text)


def test_a_function_without_versions(site: Site) -> None:
    """Its own description has the record: of what Wherry attached, and of nothing else."""
    account = site.account
    code = zip_bytes({"python/x.py": ""})
    theirs, second, foreign = (account.layer(name, code) for name in ("t", "second", "foreign"))
    without_alias(site)
    set_layers(site, "dependencies", theirs)
    site.deploy()
    record = described(account)
    assert record.startswith("[wherry layers: ")
    assert site.plan(code=0).out
    describe(account, f"Sells {record}")
    account.functions.update_function_configuration(
        FunctionName=FUNCTION, Layers=[foreign, *account.layers_of(FUNCTION)]
    )
    # The settings come to name one that somebody else has attached: that is not Wherry's.
    set_layers(site, "dependencies", theirs, foreign)
    site.deploy()
    set_layers(site, "dependencies", second)
    planned = site.plan(code=3)
    assert f"- {theirs}\n" in planned.out
    site.deploy()
    assert set(names(account)) == {"foreign", LAYER, "second"}
    assert described(account).startswith("Sells [wherry layers: ")
    # One that somebody detached, and that then leaves the settings, is forgotten.
    account.functions.update_function_configuration(FunctionName=FUNCTION, Layers=[foreign])
    set_layers(site)
    site.deploy()
    assert described(account) == "Sells"
    account.functions.update_function_configuration(FunctionName=FUNCTION, Layers=[foreign, second])
    site.plan(code=0)


def test_a_description_of_the_settings_and_one_that_is_too_long(site: Site) -> None:
    account = site.account
    theirs = account.layer("t", zip_bytes({"python/x.py": ""}))
    without_alias(site, description="Sells")
    set_layers(site, "dependencies", theirs)
    site.deploy()
    assert described(account).startswith("Sells [wherry layers: ")
    assert "other than the settings say" not in site.plan(code=0).err
    set_layers(site, "dependencies")
    describe(account, "x" * 256)
    site.deploy()
    assert names(account) == [LAYER, "t"]
    assert described(account) == "x" * 256


def test_the_record_moves_to_versions(site: Site) -> None:
    account = site.account
    theirs = account.layer("t", zip_bytes({"python/x.py": ""}))
    without_alias(site)
    set_layers(site, "dependencies", theirs)
    site.deploy()
    without_alias(site, publish=True)
    site.deploy()
    assert described(account) == ""
    site.plan(code=0)
    set_layers(site, "dependencies")
    site.deploy()
    assert names(account) == [LAYER]
