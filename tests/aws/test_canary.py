"""A canary: the new version gets a share of the alias's calls, and then all of them, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.deployments import ALIAS, FUNCTION, TWO, Site

if TYPE_CHECKING:
    from support.aws_account import Account

ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{FUNCTION}"


@pytest.fixture
def site(site: Site) -> Site:
    """Deployed once; then changed."""
    site.deploy()
    site.write(says="two", alpha=TWO, role=site.account.role())
    return site


@pytest.mark.parametrize(("share", "weight"), [("10%", 0.1), ("0.25", 0.25), ("0.5 %", 0.005)])
def test_the_new_version_gets_its_share(site: Site, share: str, weight: float) -> None:
    done = site.deploy("--canary", share)
    assert site.account.alias(FUNCTION, ALIAS) == ("1", {"2": weight})
    assert done.out.splitlines()[-1] == f"{ARN}:{ALIAS}"
    assert list(site.account.versions(FUNCTION)) == [1, 2]
    # Code, layers and configuration of both are frozen.
    assert site.account.layers_of(FUNCTION, "1") != site.account.layers_of(FUNCTION, "2")
    site.plan("--canary", share)
    site.proxy.forget()
    site.deploy("--canary", share)
    assert site.proxy.mutations == []


def test_promotion_gives_it_all(site: Site) -> None:
    """And does nothing else: what was built since stays here, and nothing needs to be built."""
    site.deploy("--canary", "10%")
    site.write(says="three", role=site.account.role())
    for path in (site.root / "dist" / "lambda").iterdir():
        path.unlink()
    site.proxy.forget()
    done = site.deploy("--promote")
    assert site.proxy.mutations == ["UpdateAlias"]
    assert site.account.alias(FUNCTION, ALIAS) == ("2", {})
    assert done.out == f"{ARN}:{ALIAS}\n"
    assert "Alias `live` of function `shop-api`: version 2" in done.err
    assert not list((site.root / "dist" / "lambda").iterdir())


def test_nothing_to_promote(site: Site) -> None:
    site.proxy.forget()
    done = site.deploy("--promote", "--json")
    assert site.proxy.mutations == []
    assert site.account.alias(FUNCTION, ALIAS) == ("1", {})
    assert "Function `shop-api` has no canary" in done.err
    assert done.document["changes"] == 0
    assert done.document["functions"][0]["version"] == 1


def test_a_plain_deployment_gives_it_all_too(site: Site) -> None:
    site.deploy("--canary", "10%")
    planned = site.plan(code=3)
    assert "  move alias live: version 1 → version 2\n" in planned.out
    site.proxy.forget()
    site.deploy()
    assert site.proxy.mutations == ["UpdateAlias"]
    assert site.account.alias(FUNCTION, ALIAS) == ("2", {})


def test_the_next_canary_takes_the_place_of_the_last(site: Site) -> None:
    site.deploy("--canary", "10%")
    site.write(says="three", alpha=TWO, role=site.account.role())
    planned = site.plan("--canary", "20%", code=3)
    assert "  give the new version 20% of the calls of alias live\n" in planned.out
    site.deploy("--canary", "20%")
    assert site.account.alias(FUNCTION, ALIAS) == ("1", {"3": 0.2})
    site.deploy("--promote")
    assert site.account.alias(FUNCTION, ALIAS) == ("3", {})


def test_a_first_deployment_has_nothing_to_share_out(new_site: Site, account: Account) -> None:
    new_site.write(role=account.role())
    new_site.deploy("--canary", "10%")
    assert account.alias(FUNCTION, ALIAS) == ("1", {})


@pytest.mark.parametrize("share", ["0", "100%", "1", "ten", "-5%", "10%%", "110%", ""])
def test_shares_that_are_none(site: Site, share: str) -> None:
    for command in ("deploy", "plan"):
        site.proxy.forget()
        done = site.run(command, "staging", f"--canary={share}", code=2)
        assert done.error.startswith(
            f"error: `{share}` is not a share of calls: write --canary 10%\n"
        )
        assert site.proxy.calls == []


@pytest.mark.parametrize("other", [["--canary", "10%"], ["--dry-run"]])
def test_promotion_stands_alone(site: Site, other: list[str]) -> None:
    done = site.deploy("--promote", *other, code=2)
    assert done.error.startswith(
        "error: --promote does nothing else: leave out the other options\n"
    )


def test_promoting_what_is_not_there(site: Site) -> None:
    """D10."""
    site.account.functions.delete_function(FunctionName=FUNCTION)
    done = site.deploy("--promote", code=1)
    assert done.error == (
        "error: stage `staging` cannot be deployed\n"
        "  ╰─▶ there is no function `shop-api`\n"
        "hint: deploy it first\n"
    )


def test_without_an_alias(site: Site) -> None:
    """D10."""
    site.change(f'alias = "{ALIAS}"\n')
    site.proxy.forget()
    assert site.deploy("--promote", code=1).error == (
        "error: there is no canary in stage `staging`\n"
        "  ╰─▶ none of its functions has an alias, which would share the calls\n"
        'hint: give the stage one: alias = "live"\n'
    )
    assert site.deploy("--canary", "10%", code=1).error == (
        "error: a canary needs an alias, which shares the calls\n"
        "  ╰─▶ function `api` has none in stage `staging`\n"
        'hint: give the stage one: alias = "live"\n'
    )
    assert site.proxy.calls == []
