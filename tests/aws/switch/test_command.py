"""The command: its options, its settings and what it says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.deployments import FUNCTION, Site
from support.light_aws import Answer

if TYPE_CHECKING:
    from support.light_aws import LightAws

ROLE = "arn:aws:iam::123456789012:role/shop"


@pytest.fixture
def site(light_site: Site) -> Site:
    """Deployed once; then changed."""
    light_site.write(role=ROLE)
    light_site.deploy()
    light_site.write(says="two", role=ROLE)
    return light_site


def stage(site: Site, **settings: Any) -> None:
    site.write(says="two", role=ROLE, stage=settings)


def test_tests_of_the_stage_and_of_the_command(site: Site, aws: LightAws) -> None:
    (site.root / "order.json").write_text('{"id": 7}')
    (site.root / "more.json").write_text('{"id": 8}')
    stage(site, test=[{"event": "order.json", "expect": {"statusCode": 201}}])
    aws.answer = lambda _code, _version, event: Answer(
        value={"statusCode": 500 if event["id"] == 7 else 200}, log="REPORT\n\x1b[31mred\n"
    )
    done = site.deploy("--test", "more.json", "--test", "api=more.json", code=1)
    assert aws.alias(FUNCTION, "live") == (1, {})
    assert re.sub(r"in [\d.]+m?s", "in TIME", done.err).endswith(
        "Version 2 of function `shop-api`: order.json FAILED in TIME\n"
        "Version 2 of function `shop-api`: more.json passed in TIME\n"
        "Version 2 of function `shop-api`: more.json passed in TIME\n"
        "error: 1 test of 3 failed in stage `staging`; no alias was moved\n"
        "  ├─▶ `shop-api` version 2, order.json: statusCode: expected 201, got 500\n"
        "  ├─▶   log: REPORT\n"
        "  ╰─▶   log: \\x1b[31mred\n"
        "hint: version 2 of `shop-api` was published and gets no calls, and `wherry rollback` never goes there; fix "
        "the project, and deploy again\n"
    )
    aws.answer = lambda *_: Answer(value={"statusCode": 201})
    site.deploy()
    assert aws.alias(FUNCTION, "live") == (2, {})


def test_without_traffic_and_then_with(site: Site, aws: LightAws) -> None:
    done = site.deploy("--no-traffic")
    assert (
        "Version 2 of function `shop-api` gets no calls; `wherry deploy staging --promote` moves alias `live` there\n"
        in done.err
    )
    assert "Deployed staging: 2 changes" in done.err
    assert "Stage staging is as it should be" in site.deploy("--no-traffic").err
    assert aws.alias(FUNCTION, "live") == (1, {})
    found = site.run("history", "staging", "--json", code=0).document
    versions = found["functions"][0]["versions"]
    assert [(one["version"], one["status"], one["share"]) for one in versions] == [
        (2, "waiting", 0.0),
        (1, "current", 1.0),
    ]
    site.deploy("--promote")
    assert aws.alias(FUNCTION, "live") == (2, {})


def test_history(site: Site, aws: LightAws) -> None:
    site.deploy("--canary", "10%")
    said = site.run("history", "staging", "--verbose", code=0)
    assert "asked AWS 2 times" in said.err
    lines = said.out.splitlines()
    assert lines[0] == "api (shop-api), alias live"
    assert re.fullmatch(
        r"  version 2     2026-01-02 03:04\*  sha256 [0-9a-f]{12}  shop 1.0  10% of the calls, a canary",
        lines[1],
    )
    assert re.fullmatch(
        r"  version 1     20\d\d-\d\d-\d\d \d\d:\d\d   sha256 [0-9a-f]{12}  shop 1.0  90% of the calls",
        lines[2],
    )
    assert lines[3] == "* when it was published: when it got its calls is not recorded"
    site.run("rollback", "staging", "--yes", code=0)
    site.write(says="three", role=ROLE)
    site.deploy()
    del aws.functions[FUNCTION].versions[1]
    lines = site.run("history", "staging", code=0).out.splitlines()
    assert [line.split("  ")[-1] for line in lines[1:4]] == [
        "100% of the calls",
        "before",
        "rejected",
    ]
    assert lines[2] == "  version 1     removed since  before"


def test_a_canary_with_times(site: Site, aws: LightAws) -> None:
    stage(site, alarms=["errors"])
    aws.alarms["errors"] = "OK"
    done = site.deploy("--canary", "10%/0.01s,50%/0.01s")
    lines = [
        line
        for line in done.err.splitlines()
        if line.startswith(("Canary", "Alias")) and "0s left" not in line
    ]
    assert lines == [
        "Alias `live` of function `shop-api`: version 2 for 10% of the calls",
        "Canary in staging: 10% of the calls, the time is over; 0 calls, 0 errors",
        "Alias `live` of function `shop-api`: version 2 for 50% of the calls",
        "Canary in staging: 50% of the calls, the time is over; 0 calls, 0 errors",
        "Alias `live` of function `shop-api`: version 2",
    ]
    assert aws.alias(FUNCTION, "live") == (2, {})


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--no-traffic", "--canary", "10%"), 2, "a canary gets calls: leave --canary or --no-traffic out"),
        (("--promote", "--test", "x.json"), 2, "--promote does nothing else: leave out the other options"),
        (("--promote", "--from", "x"), 2, "--promote does nothing else: leave out the other options"),
        (("--canary", "10%/5"), 1, "`10%/5` is not a canary"),
        (("--test", "none.json"), 1, "none.json"),
        (("--test", "-"), 1, "a test is a file"),
    ],
)  # fmt: skip
def test_what_is_refused(
    site: Site, aws: LightAws, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """And nothing is changed."""
    site.proxy.forget()
    done = site.deploy("--no-build", *arguments, code=code)
    assert message in done.error
    assert site.proxy.mutations == []
    assert aws.alias(FUNCTION, "live") == (1, {})


def test_settings_that_do_not_fit(site: Site) -> None:
    stage(site, test=[{"event": {}, "function": "apy"}])
    done = site.deploy("--no-build", code=1)
    assert "a test is of function `apy`, which the project does not have" in done.error
    assert "did you mean `api`?" in done.error
    site.change('alias = "live"\n')
    site.change("apy", "api")
    # The stage's own test is of the function that has no alias.
    for arguments in ((), ("--no-traffic",), ("--test", "order.json")):
        done = site.deploy("--no-build", *arguments, code=1)
        assert "callers get $LATEST at once where there is no alias" in done.error
        assert "function `api` has none in stage `staging`" in done.error


def test_the_json_of_a_deployment_says_the_version(site: Site) -> None:
    document = json.loads(site.deploy("--json", "--no-traffic").out)
    assert document["functions"][0]["version"] == 2
    assert document["functions"][0]["changed"]


def test_a_canary_that_goes_on_is_a_change(site: Site, aws: LightAws) -> None:
    site.deploy("--canary", "10%")
    done = site.deploy("--canary", "10%/0.01s")
    assert "Deployed staging: 1 change" in done.err
    assert aws.alias(FUNCTION, "live") == (2, {})
    assert site.deploy("--json").document["changes"] == 0
