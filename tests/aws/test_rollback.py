"""N6: rollback of code, layers and configuration."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

import wherry as public
from support.aws_account import code_sha256
from support.aws_faults import ACCESS_DENIED, CUT_AFTER, EXPIRED, THROTTLED, Fault
from support.deployments import ONE, TWO, Site, plain
from support.storage import Storage, serve_storage
from support.zips import zip_bytes
from wherry.aws.client import Client
from wherry.aws.rollback.find import Rollback, Subject, find_rollbacks
from wherry.aws.rollback.rollback import delete_left, roll_back
from wherry.errors import AwsError, DeployError, FetchError
from wherry.events import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.aws_account import Account
    from support.aws_faults import Proxy

ALIASED = Subject(name="api", aws_name="shop-api", alias="live")
BARE = Subject(name="api", aws_name="shop-api", alias=None)


def code(text: str) -> bytes:
    return zip_bytes({"shop/api.py": text})


PRECONDITION = Fault(name="precondition", status=412, code="PreconditionFailedException")
CODES = {number: code(f"version {number}") for number in range(1, 5)}


pytestmark = pytest.mark.usefixtures("in_account")


def release(account: Account, number: int, *, layer: str | None = None, **more: Any) -> None:
    """A version of a function: code, a layer and configuration of its own."""
    layers = [layer or account.layer("base", code(f"layer {number}"))]
    if number == 1:
        account.function("shop-api", CODES[1], Layers=layers, **more)
    else:
        account.functions.update_function_configuration(
            FunctionName="shop-api", Layers=layers, **more
        )
        account.functions.update_function_code(FunctionName="shop-api", ZipFile=CODES[number])
    account.functions.publish_version(FunctionName="shop-api", Description=f"shop 1.{number}")


def releases(account: Account, count: int) -> None:
    for number in range(1, count + 1):
        release(account, number)


def alias(account: Account, version: int, **weights: float) -> None:
    given: dict[str, Any] = {"FunctionName": "shop-api", "Name": "live"}
    if weights:
        shares = {name.removeprefix("v"): share for name, share in weights.items()}
        given["RoutingConfig"] = {"AdditionalVersionWeights": shares}
    account.functions.create_alias(FunctionVersion=str(version), **given)


def find(client: Client, subject: Subject = ALIASED, to: int | None = None) -> Rollback:
    (found,) = find_rollbacks([subject], client=client, to=to)
    return found


def test_the_alias_goes_back(account: Account, proxy: Proxy, client: Client) -> None:
    """Code, layers and configuration together, by one call."""
    for number in (1, 2, 3):
        release(account, number, MemorySize=128 * number, Handler=f"shop.api.v{number}")
    alias(account, 3)
    proxy.forget()
    found = find(client)
    assert str(found) == (
        "api: alias `live` from version 3 back to version 2 (shop 1.2): code, layers, "
        "handler shop.api.v3 → shop.api.v2, configuration (by its number, because nothing is recorded)"
    )
    assert proxy.mutations == []
    roll_back([found], client=client)
    assert proxy.mutations == ["UpdateAlias"]
    assert account.alias("shop-api", "live") == ("2", {})
    live = account.configuration("shop-api", "live")
    assert live["CodeSha256"] == code_sha256(CODES[2])
    assert live["MemorySize"] == 256
    assert live["Layers"][0]["Arn"].endswith(":base:2")
    # Again, and it goes on to the one before that; then there is none.
    roll_back([find(client)], client=client)
    assert account.alias("shop-api", "live") == ("1", {})
    with pytest.raises(DeployError, match="it stands at version 1, the oldest there is"):
        find(client)
    # $LATEST is nobody's business.
    assert account.configuration("shop-api")["CodeSha256"] == code_sha256(CODES[3])


def test_to_a_version(account: Account, client: Client) -> None:
    releases(account, 3)
    alias(account, 3)
    roll_back([find(client, to=1)], client=client)
    assert account.alias("shop-api", "live") == ("1", {})
    # Forth is as good as back, and there is there.
    roll_back([find(client, to=3)], client=client)
    assert account.alias("shop-api", "live") == ("3", {})
    assert find_rollbacks([ALIASED], client=client, to=3) == ()
    with pytest.raises(DeployError) as caught:
        find(client, to=7)
    assert caught.value.where == ("`api`: `shop-api` has no version 7",)
    assert caught.value.hint == "`api` has these: 1, 2, 3"


def test_versions_that_were_pruned_are_passed_over(account: Account, client: Client) -> None:
    releases(account, 3)
    alias(account, 3)
    account.functions.delete_function(FunctionName="shop-api", Qualifier="2")
    assert find(client).to == 1


def test_a_canary_ends(account: Account, client: Client) -> None:
    """What it tries is not what ran before."""
    releases(account, 3)
    alias(account, 2, v3=0.1)
    found = find(client)
    assert str(found) == (
        "api: alias `live` stays at version 2 (shop 1.2); version 3 gets no calls"
    )
    roll_back([found], client=client)
    assert account.alias("shop-api", "live") == ("2", {})
    assert find(client).to == 1


def test_a_change_by_somebody_else_is_not_overwritten(
    account: Account, proxy: Proxy, client: Client
) -> None:
    releases(account, 3)
    alias(account, 3)
    found = find(client)
    account.functions.update_alias(FunctionName="shop-api", Name="live", FunctionVersion="1")
    # As AWS would, which looks at RevisionId; the stand-in does not.
    proxy.forget()
    proxy.inject(PRECONDITION, operation="UpdateAlias", attempts=None)
    with pytest.raises(AwsError, match="somebody else changed alias `live`"):
        roll_back([found], client=client)
    (call,) = [call for call in proxy.calls if call.operation == "UpdateAlias"]
    observed = found.observed.alias("live")
    assert observed is not None
    assert call.body["RevisionId"] == observed.revision
    assert account.alias("shop-api", "live")[0] == "1"


@pytest.mark.parametrize("fault", [THROTTLED, CUT_AFTER], ids=str)
def test_faults(account: Account, proxy: Proxy, client: Client, fault: Any) -> None:
    releases(account, 2)
    alias(account, 2)
    found = find(client)
    proxy.forget()
    proxy.inject(fault, operation="UpdateAlias")
    roll_back([found], client=client)
    assert account.alias("shop-api", "live") == ("1", {})


def test_everything_that_is_wrong_is_told_at_once(account: Account, client: Client) -> None:
    """D10, and nothing is changed."""
    account.function("new", CODES[1])
    account.functions.publish_version(FunctionName="new")
    releases(account, 2)
    subjects = [
        Subject(name="none", aws_name="shop-none", alias="live"),
        Subject(name="bare", aws_name="shop-api", alias="live"),
        Subject(name="new", aws_name="new", alias=None),
    ]
    with pytest.raises(DeployError) as caught:
        find_rollbacks(subjects, client=client)
    assert caught.value.message == "stage `staging` cannot go back"
    assert caught.value.where == (
        "`none`: there is no function `shop-none` in eu-west-1",
        "`bare`: `shop-api` has no alias `live`",
        "`new`: there is no version to go back to: version 1 is what $LATEST runs",
    )
    assert caught.value.hint


@pytest.fixture
def storage(client: Client) -> Iterator[Storage]:
    """The addresses that the stand-in gives lead nowhere; this lets them lead to the code."""
    codes = {code_sha256(data): data for data in CODES.values()}
    files = {str(number): data for number, data in CODES.items()}
    with serve_storage(Storage(others=files)) as served:

        def lead(parsed: dict[str, Any], **_: object) -> None:
            data = codes[parsed["Configuration"]["CodeSha256"]]
            name = next(name for name, each in CODES.items() if each == data)
            parsed["Code"]["Location"] = served.url(str(name))

        client.functions.meta.events.register("after-call.lambda.GetFunction", lead)
        yield served


@pytest.mark.usefixtures("storage")
def test_without_an_alias_latest_is_restored(
    account: Account, proxy: Proxy, client: Client
) -> None:
    """Code, layers, handler and runtime; memory is not Wherry's and stays."""
    release(account, 1, Runtime="python3.12", MemorySize=128, Handler="shop.api.old")
    release(account, 2, Runtime="python3.13", MemorySize=256, Handler="shop.api.new")
    found = find(client, BARE)
    assert str(found) == (
        "api: $LATEST from version 2 back to version 1 (shop 1.1): code, layers, "
        "handler shop.api.new → shop.api.old, runtime python3.13 → python3.12"
    )
    assert found.stays == ("variables, memory, timeout, role or other configuration",)
    proxy.forget()
    roll_back([found], client=client)
    assert proxy.mutations == ["UpdateFunctionConfiguration", "UpdateFunctionCode"]
    latest = account.configuration("shop-api")
    assert latest["CodeSha256"] == code_sha256(CODES[1])
    assert latest["Layers"][0]["Arn"].endswith(":base:1")
    assert latest["Handler"] == "shop.api.old"
    assert latest["Runtime"] == "python3.12"
    assert latest["MemorySize"] == 256
    with pytest.raises(DeployError, match="version 1 is what"):
        find(client, BARE)
    # And forth.
    roll_back([find(client, BARE, to=2)], client=client)
    assert account.configuration("shop-api")["CodeSha256"] == code_sha256(CODES[2])
    assert find_rollbacks([BARE], client=client, to=2) == ()


@pytest.mark.usefixtures("storage")
def test_what_was_never_published_goes_back_to_the_newest_version(
    account: Account, proxy: Proxy, client: Client
) -> None:
    layer = account.layer("base", code("layer"))
    release(account, 1, layer=layer)
    release(account, 2, layer=layer)
    account.functions.update_function_code(FunctionName="shop-api", ZipFile=CODES[3])
    found = find(client, BARE)
    assert (found.was, found.to) == (None, 2)
    assert "from what was not published back to version 2" in str(found)
    proxy.forget()
    roll_back([found], client=client)
    assert proxy.mutations == ["UpdateFunctionCode"]
    assert account.configuration("shop-api")["CodeSha256"] == code_sha256(CODES[2])


@pytest.mark.usefixtures("storage")
def test_what_was_interrupted_goes_on_in_the_same_direction(
    account: Account, proxy: Proxy, client: Client
) -> None:
    """Between its two calls `$LATEST` is no version, and the newest is the one that was left."""
    releases(account, 3)
    found = find(client, BARE)
    assert (found.was, found.to) == (3, 2)
    proxy.inject(ACCESS_DENIED, operation="UpdateFunctionCode")
    with pytest.raises(AwsError):
        roll_back([found], client=client)
    again = find(client, BARE)
    assert (again.was, again.to, again.changes) == (None, 2, ("code",))
    roll_back([again], client=client)
    assert account.configuration("shop-api")["CodeSha256"] == code_sha256(CODES[2])


def test_a_deleted_layer_cannot_be_restored(account: Account, client: Client) -> None:
    """An alias does not mind: a version keeps its layers."""
    releases(account, 2)
    alias(account, 2)
    account.functions.delete_layer_version(LayerName="base", VersionNumber=1)
    with pytest.raises(DeployError) as caught:
        find(client, BARE)
    assert ":layer:base:1`, which was deleted" in caught.value.where[0]
    roll_back([find(client, ALIASED)], client=client)
    assert account.alias("shop-api", "live") == ("1", {})


def test_code_that_is_not_that_of_the_version(
    account: Account, proxy: Proxy, client: Client, storage: Storage
) -> None:
    releases(account, 2)
    found = find(client, BARE)
    storage.others["1"] = CODES[4]
    proxy.forget()
    with pytest.raises(FetchError, match="not the one that AWS reports"):
        roll_back([found], client=client)
    assert proxy.mutations == []


@pytest.mark.usefixtures("storage")
def test_code_that_is_too_big_without_a_bucket(
    account: Account, proxy: Proxy, client: Client
) -> None:
    """D7: known before the configuration is changed."""
    releases(account, 2)
    found = find(client, BARE)
    proxy.forget()
    with pytest.raises(DeployError) as caught:
        roll_back([found], client=client, quota=10)
    assert "the code of version 1 of `api` has " in caught.value.where[0]
    assert "bucket" in str(caught.value.hint)
    assert proxy.mutations == []


def test_the_document_is_json(account: Account, client: Client) -> None:
    releases(account, 2)
    alias(account, 2)
    document = json.loads(json.dumps(find(client).document()))
    assert document["was"] == 2
    assert document["to"] == 1
    assert document["changes"] == ["code", "layers"]
    assert replace(ALIASED, alias=None) == BARE


# The command.


@pytest.fixture
def site(new_site: Site, account: Account) -> Site:
    """A project, and what three deployments came to."""
    releases(account, 3)
    alias(account, 3)
    return new_site


LIVE = "arn:aws:lambda:eu-west-1:123456789012:function:shop-api:live"
SAID = (
    "api: alias `live` from version 3 back to version 2 (shop 1.2): code, layers "
    "(by its number, because nothing is recorded)\n"
)


def test_the_command_goes_back_and_says_so(site: Site) -> None:
    """N6: code, layers and configuration by one command, which says first what it will do."""
    done = site.run("rollback", "staging", "--yes", code=0)
    assert done.out == f"{LIVE}\n"
    assert plain(done.err) == (
        f"{SAID}"
        "Alias `live` of function `shop-api`: version 2\n"
        "Rolled back staging: 1 function in TIME\n"
    )
    assert site.proxy.mutations == ["UpdateAlias"]
    # Two that look, one that moves, one that sees whether provisioned concurrency has to be waited for.
    assert len(site.proxy.calls) == 4
    done = site.run("rollback", "staging", "api", "--to", "3", "--yes", "--quiet", code=0)
    assert (done.out, done.err) == (f"{LIVE}\n", "")
    assert site.account.alias("shop-api", "live") == ("3", {})
    done = site.run("rollback", "staging", "--to", "3", "--yes", code=0)
    assert (done.out, done.err) == ("", "Stage staging is there already\n")


def test_the_next_deployment_comes_back_to_what_is_built(new_site: Site, account: Account) -> None:
    for says, alpha in (("one", ONE), ("two", ONE), ("three", TWO)):
        new_site.write(says=says, alpha=alpha, role=account.role())
        new_site.deploy("--quiet")
    new_site.run("rollback", "staging", "--yes", code=0)
    new_site.plan(code=3)
    new_site.proxy.forget()
    new_site.deploy()
    # The version that runs it is there.
    assert new_site.proxy.mutations == ["UpdateAlias"]
    assert new_site.account.alias("shop-api", "live") == ("3", {})


def test_it_goes_back_to_what_callers_had(new_site: Site, account: Account) -> None:
    """Not to the next lower number: the canary of version 2 was ended, and stays out of use."""
    for says, options in (("one", ()), ("two", ("--canary", "10%"))):
        new_site.write(says=says, role=account.role())
        new_site.deploy("--quiet", *options)
    new_site.run("rollback", "staging", "--yes", code=0)
    new_site.write(says="three", role=account.role())
    new_site.deploy("--quiet")
    assert account.alias("shop-api", "live") == ("3", {})
    described = account.functions.get_alias(FunctionName="shop-api", Name="live")["Description"]
    # With the times of both moves.
    assert re.fullmatch(r"\[wherry: 3 1; not 2; at [0-9a-z]{5} [0-9a-z]{5}\]", described)
    done = new_site.run("rollback", "staging", "--yes", code=0)
    assert "back to version 1 (shop 1.0): code (as recorded in the alias)\n" in done.err
    assert account.alias("shop-api", "live") == ("1", {})
    done = new_site.run("rollback", "staging", "--yes", code=1)
    assert "version 1, the oldest there is that was not rejected" in done.err


def test_a_weight_of_an_older_version_is_a_move_under_way(account: Account, client: Client) -> None:
    """AWS shifts the calls of an alias with provisioned concurrency; nobody is to be kept at the new version."""
    releases(account, 3)
    alias(account, 3, v1=0.4)
    found = find(client)
    assert (found.was, found.to, dict(found.ends)) == (3, 1, {})
    assert found.known == "AWS is moving its calls from there"
    roll_back([found], client=client)
    assert account.alias("shop-api", "live") == ("1", {})


def test_a_dry_run_changes_nothing(site: Site) -> None:
    done = site.run("rollback", "staging", "--dry-run", code=0)
    assert (done.out, done.err) == (SAID, "")
    done = site.run("rollback", "staging", "--dry-run", "--json", code=0)
    assert done.document["done"] is False
    assert site.proxy.mutations == []


def test_the_document_of_the_command(site: Site) -> None:
    document = site.run("rollback", "staging", "--yes", "--json", code=0).document
    (function,) = document["functions"]
    assert function.pop("published")
    assert document == {
        "schema": 1,
        "stage": "staging",
        "done": True,
        "functions": [
            {
                "name": "api",
                "aws_name": "shop-api",
                "alias": "live",
                "was": 3,
                "to": 2,
                "description": "shop 1.2",
                "changes": ["code", "layers"],
                "stays": [],
                "ends": {},
                "known": "by its number, because nothing is recorded",
                "deleted": [],
            }
        ],
    }


def test_nobody_can_be_asked(site: Site) -> None:
    done = site.run("rollback", "staging", code=2)
    assert (done.out, done.err) == (
        "",
        (
            "error: there is no terminal to ask on: add --yes, or --dry-run to only look\n"
            "hint: wherry rollback --help\n"
        ),
    )
    assert site.proxy.calls == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize("answer", ["y", "n", ""])
def test_on_a_terminal_it_asks(site: Site, answer: str) -> None:
    """Quiet or not: who is asked must know what."""
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "wherry", "rollback", "staging", "--quiet"],
            cwd=site.root,
            env=site.environment,
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    asked = f"{SAID}Go back? [y/N]: "
    if answer == "y":
        assert (done.returncode, done.stdout) == (0, f"{LIVE}\n")
    else:
        assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(asked)
    assert site.account.alias("shop-api", "live")[0] == ("2" if answer == "y" else "3")


def test_what_cannot_go_back(site: Site) -> None:
    """D10."""
    site.run("rollback", "staging", "--to", "1", "--yes", code=0)
    done = site.run("rollback", "staging", "--yes", code=1)
    assert (done.out, done.err) == (
        "",
        (
            "error: stage `staging` cannot go back\n"
            "  ╰─▶ `api`: there is no version to go back to: it stands at version 1, the oldest there is that was not rejected\n"
            "hint: `--to VERSION` goes to any: 2, 3\n"
        ),
    )
    done = site.run("rollback", "staging", "dependencies", "--yes", code=1)
    assert done.err == (
        "error: `dependencies` is a layer, which cannot go back\n"
        "  ╰─▶ the versions of a function contain those of its layers\n"
        "hint: name functions: `api`\n"
    )
    done = site.run("rollback", "staging", "--to", "0", "--yes", code=2)
    assert "--to" in done.err
    site.proxy.forget()
    site.proxy.inject(ACCESS_DENIED, operation="ListVersionsByFunction", attempts=None)
    done = site.run("rollback", "staging", "--yes", code=1)
    assert done.err.startswith("error: cannot look at function `shop-api`\n")
    assert "hint: allow `lambda:ListVersionsByFunction`" in done.err


def test_a_version_is_of_one_function(site: Site) -> None:
    site.add('[functions.worker]\nhandler = "shop.api.handler"')
    done = site.run("rollback", "staging", "--to", "2", "--yes", code=1)
    assert done.err == (
        "error: version 2 of which function?\n"
        "  ╰─▶ each function counts its own versions\n"
        "hint: name one of `api`, `worker`\n"
    )
    assert site.run("rollback", "staging", "api", "--to", "2", "--yes", code=0).out == f"{LIVE}\n"


def test_from_python(site: Site) -> None:
    with site.account.here():
        heard: list[Any] = []

        def refuse(found: Any) -> bool:
            heard.extend(found)
            return False

        refused = public.rollback(site.root, "staging", confirm=refuse)
        assert (refused.done, refused.rollbacks) == (False, tuple(heard))
        assert not public.rollback(site.root, "staging", dry_run=True).done
        assert site.account.alias("shop-api", "live")[0] == "3"
        done = public.rollback(site.root, "staging", names=["api"])
        assert done.done
        assert done.calls == (
            "lambda:ListVersionsByFunction",
            "lambda:ListAliases",
            "lambda:UpdateAlias",
            "lambda:GetProvisionedConcurrencyConfig",
        )
        assert site.account.alias("shop-api", "live")[0] == "2"


@pytest.mark.parametrize("fault", [EXPIRED, ACCESS_DENIED], ids=str)
def test_when_it_fails_half_way(site: Site, fault: Fault) -> None:
    """D10: what goes on from there is said; the version before might be another one by then."""
    site.proxy.inject(fault, operation="UpdateAlias", attempts=None)
    done = site.run("rollback", "staging", "--yes", code=1)
    assert done.out == ""
    assert done.err.endswith("to continue from here:\n      wherry rollback staging api --to 2\n")
    site.proxy.forget()
    site.run("rollback", "staging", "api", "--to", "2", "--yes", code=0)
    assert site.account.alias("shop-api", "live") == ("2", {})


def test_the_version_that_was_left_is_deleted(site: Site) -> None:
    """But for one that another alias stands at, or would go back to."""
    done = site.run("rollback", "staging", "--yes", "--delete", code=0)
    assert "Deleted function shop-api version 3, " in done.err
    assert sorted(site.account.versions("shop-api")) == [1, 2]
    site.account.functions.create_alias(FunctionName="shop-api", Name="blue", FunctionVersion="2")
    done = site.run("rollback", "staging", "--yes", "--delete", "--json", code=0)
    assert "warning: function shop-api version 2 stays: it is used by alias blue\n" in done.err
    assert done.document["functions"][0]["deleted"] == []
    site.account.functions.update_alias(
        FunctionName="shop-api", Name="blue", FunctionVersion="1", Description="[wherry: 1 2]"
    )
    site.run("rollback", "staging", "--to", "2", "--yes", code=0)
    done = site.run("rollback", "staging", "--to", "1", "--yes", "--delete", code=0)
    assert "version 2 stays: it is used by alias blue, which goes back to it" in done.err
    assert sorted(site.account.versions("shop-api")) == [1, 2]


def test_the_version_of_a_canary_is_deleted(account: Account, client: Client) -> None:
    releases(account, 2)
    alias(account, 1, v2=0.1)
    found = find(client)
    roll_back([found], client=client)
    assert delete_left([found], client, SILENT) == {"api": (2,)}
    assert sorted(account.versions("shop-api")) == [1]


def test_a_version_of_another_alias_is_not_gone_back_to(account: Account, client: Client) -> None:
    """A2: two stages are two aliases of one function, and this one began with version 2."""
    releases(account, 2)
    for name, version in (("live", "2"), ("other", "1")):
        account.functions.create_alias(
            FunctionName="shop-api",
            Name=name,
            FunctionVersion=version,
            Description=f"[wherry: {version}]",
        )
    with pytest.raises(DeployError, match="there is no version to go back to"):
        find(client)
