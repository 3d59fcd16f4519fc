"""A10, N6: old versions go, never one in use."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import wherry as public
from support.aws_faults import ACCESS_DENIED, CONFLICT
from support.deployments import ONE, TWO, Site, plain
from support.reporters import Heard
from support.zips import zip_bytes
from wherry.aws.client import Client
from wherry.aws.prune.find import Policy, find_prunable
from wherry.aws.prune.prune import remove_all
from wherry.aws.prune.pruning import Pruning, Removal
from wherry.events import Warned
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from support.aws_account import Account
    from support.aws_faults import Proxy

BUCKET = "deploy-bucket"
DIGEST = "0123456789abcdef" * 4


pytestmark = pytest.mark.usefixtures("in_account")


def code(text: str) -> bytes:
    return zip_bytes({"shop/api.py": text})


def publish(account: Account, name: str, count: int, **more: object) -> None:
    """A function with so many versions, each with code of its own."""
    account.function(name, code("0"), **more)
    for number in range(1, count + 1):
        account.functions.update_function_code(FunctionName=name, ZipFile=code(f"{number}"))
        account.functions.publish_version(FunctionName=name)
    assert list(account.versions(name)) == [*range(1, count + 1)]


def client_of(**more: object) -> Client:
    stage = StageSettings(**{"region": "eu-west-1", "keep_versions": 2, "keep_days": 30, **more})  # type: ignore[arg-type]
    return Client(stage, name="test")


def find(
    client: Client,
    *,
    functions: list[str] | None = None,
    layers: list[str] | None = None,
    days: int,
) -> Pruning:
    """What could be pruned in so many days."""
    now = datetime.now(UTC) + timedelta(days=days)
    policy = Policy.of(client, now=now)
    return find_prunable(
        functions=functions or [], layers=layers or [], client=client, policy=policy
    )


def removed(pruning: Pruning) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.name, one.version) for one in pruning.removals]


def test_by_count_and_age(account: Account, proxy: Proxy) -> None:
    """A version stays while it is among the newest or young; finding changes nothing."""
    publish(account, "api", 5)
    assert not find(client_of(), functions=["api"], days=29)
    found = find(client_of(), functions=["api"], days=31)
    assert removed(found) == [
        ("function", "api", 3),
        ("function", "api", 2),
        ("function", "api", 1),
    ]
    assert found.size > 0
    assert not find(client_of(keep_versions=5), functions=["api"], days=31)
    # The newest stays, whatever is said.
    found = find(client_of(keep_versions=0, keep_days=0), functions=["api"], days=1)
    assert [one.version for one in found.removals] == [4, 3, 2, 1]
    assert len(account.versions("api")) == 5
    assert proxy.mutations == []


def test_the_default_policy(account: Account) -> None:
    publish(account, "api", 12)
    client = client_of(keep_versions=None, keep_days=None)
    assert not find(client, functions=["api"], days=29)
    found = find(client, functions=["api"], days=31)
    assert [one.version for one in found.removals] == [2, 1]


def test_a_version_of_an_alias_stays(account: Account) -> None:
    """With the one that a canary tries."""
    publish(account, "api", 6)
    account.functions.create_alias(FunctionName="api", Name="live", FunctionVersion="1")
    account.functions.create_alias(
        FunctionName="api",
        Name="next",
        FunctionVersion="6",
        RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}},
    )
    client = client_of()
    found = find(client, functions=["api"], days=31)
    assert removed(found) == [("function", "api", 4), ("function", "api", 2)]
    assert [str(one) for one in found.spared] == [
        "function api version 3 is used by alias next",
        "function api version 1 is used by alias live",
    ]
    gone = remove_all(found, client=client)
    assert gone == found.removals
    assert list(account.versions("api")) == [1, 3, 5, 6]
    assert account.configuration("api")["Version"] == "$LATEST"
    assert not find(client, functions=["api"], days=31)


def test_a_version_with_an_event_source_stays(account: Account) -> None:
    publish(account, "api", 4)
    queue = account.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
    arn = account.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])[
        "Attributes"
    ]["QueueArn"]
    whole = account.configuration("api")["FunctionArn"]
    account.functions.create_event_source_mapping(FunctionName=f"{whole}:1", EventSourceArn=arn)
    found = find(client_of(), functions=["api"], days=31)
    assert [one.version for one in found.removals] == [2]
    assert [str(one) for one in found.spared] == [
        f"function api version 1 is used by event source {arn}"
    ]


def test_a_layer_version_that_any_function_takes_stays(account: Account) -> None:
    """A10: of whatever function of the account, in whatever version."""
    arns = [account.layer("base", code(str(number))) for number in range(1, 8)]
    account.function("somebody-elses", code("x"), Layers=[arns[0]])
    account.function("theirs-too", code("x"), Layers=[arns[1]])
    account.functions.publish_version(FunctionName="theirs-too")
    account.functions.update_function_configuration(FunctionName="theirs-too", Layers=[])
    client = client_of()
    found = find(client, layers=["base", "none-there"], days=31)
    assert removed(found) == [("layer", "base", 3), ("layer", "base", 4), ("layer", "base", 5)]
    assert [one.size for one in found.removals] == [len(code(str(number))) for number in (3, 4, 5)]
    assert [str(one) for one in found.spared] == [
        "layer base version 1 is used by function somebody-elses $LATEST",
        "layer base version 2 is used by function theirs-too version 1",
    ]
    remove_all(found, client=client)
    assert list(account.layer_versions("base")) == [1, 2, 6, 7]


def test_what_only_old_versions_take_goes_after_them(account: Account, proxy: Proxy) -> None:
    arns = [account.layer("base", code(str(number))) for number in range(1, 5)]
    publish(account, "api", 1, Layers=[arns[0]])
    for number in (1, 2, 3):
        account.functions.update_function_configuration(FunctionName="api", Layers=[arns[number]])
        account.functions.update_function_code(FunctionName="api", ZipFile=code(f"v{number}"))
        account.functions.publish_version(FunctionName="api")
    client = client_of()
    found = find(client, functions=["api"], layers=["base"], days=31)
    assert removed(found) == [
        ("function", "api", 2),
        ("function", "api", 1),
        ("layer", "base", 1),
        ("layer", "base", 2),
    ]
    # One that has come into use meanwhile stays, and so does its layer.
    proxy.inject(CONFLICT, operation="DeleteFunction", at=1, attempts=None)
    heard = Heard()
    gone = remove_all(found, client=client, reporter=heard)
    assert [(one.kind, one.version) for one in gone] == [("function", 2), ("layer", 2)]
    warned = [event.text for event in heard.events if isinstance(event, Warned)]
    assert len(warned) == 2
    assert warned[0].startswith("function api version 1 of ")
    assert warned[1].startswith("layer base version 1 of ")
    assert list(account.versions("api")) == [1, 3, 4]
    assert list(account.layer_versions("base")) == [1, 3, 4]
    # What is gone already is no failure.
    remove_all(Pruning(removals=gone, spared=()), client=client)


@pytest.mark.parametrize("keep", [False, True])
def test_what_lies_in_the_bucket(account: Account, *, keep: bool) -> None:
    """Leftovers go after a day; what is kept on purpose goes as versions do."""
    account.bucket(BUCKET, versioned=True)
    keys = [f"wherry/uploads/api/{number:064x}.zip" for number in range(4)]
    for key in keys:
        account.storage.put_object(Bucket=BUCKET, Key=key, Body=b"x" * 100)
    account.storage.put_object(Bucket=BUCKET, Key=keys[0], Body=b"")
    others = [f"wherry/uploads/web/{DIGEST}.zip", "wherry/api/000001/uv.lock", "notes.txt"]
    for key in others:
        account.storage.put_object(Bucket=BUCKET, Key=key, Body=b"")
    client = client_of(bucket=BUCKET, prefix="wherry", keep=keep)
    assert not find(client, functions=["api"], days=0)
    # The stand-in says of every unfinished upload that it is years old.
    account.storage.create_multipart_upload(Bucket=BUCKET, Key=f"wherry/uploads/api/{DIGEST}.zip")
    found = find(client, functions=["api"], days=2)
    kinds = [one.kind for one in found.removals]
    assert kinds == (["upload"] if keep else ["package"] * 4 + ["upload"])
    found = find(client, functions=["api"], days=31)
    assert len(found.removals) == (3 if keep else 5)
    assert found.size == (200 if keep else 400)
    remove_all(found, client=client)
    left = set(account.objects(BUCKET))
    assert set(others) <= left
    # Of those of one second any two may count as the newest.
    assert len(left - set(others)) == (2 if keep else 0)
    assert account.uploads(BUCKET) == []


def test_the_document_is_json(account: Account) -> None:
    publish(account, "api", 3)
    account.functions.create_alias(FunctionName="api", Name="live", FunctionVersion="1")
    found = find(client_of(keep_versions=1), functions=["api"], days=31)
    document = json.loads(json.dumps(found.document()))
    assert [(one["kind"], one["version"]) for one in document["removals"]] == [("function", 2)]
    assert document["spared"] == [
        {"kind": "function", "name": "api", "version": 1, "users": ["alias live"]}
    ]
    assert document["size"] == found.size


def test_the_function_itself_is_never_removed(account: Account) -> None:
    account.function("api", code("x"))
    wrong = Pruning(removals=(Removal(kind="function", name="api"),), spared=())
    with pytest.raises(TypeError):
        remove_all(wrong, client=client_of())
    assert account.configuration("api")


# The command.


@pytest.fixture
def site(new_site: Site, account: Account) -> Site:
    """A project, and what four deployments came to, each with a layer of its own but for the last one."""
    layers = [account.layer("shop-dependencies", code(str(number))) for number in (1, 2, 3)]
    account.function("shop-api", code("0"), Layers=layers[:1])
    for number in (1, 2, 3, 4):
        if number in {2, 3}:
            account.functions.update_function_configuration(
                FunctionName="shop-api", Layers=[layers[number - 1]]
            )
        account.functions.update_function_code(FunctionName="shop-api", ZipFile=code(f"v{number}"))
        account.functions.publish_version(FunctionName="shop-api")
    account.functions.create_alias(FunctionName="shop-api", Name="live", FunctionVersion="4")
    return new_site


OLD = ("--keep-versions", "1", "--keep-days", "0")
GONE = (
    "function shop-api version 3 of DAY, SIZE\n"
    "function shop-api version 2 of DAY, SIZE\n"
    "function shop-api version 1 of DAY, SIZE\n"
    "layer shop-dependencies version 1 of DAY, SIZE\n"
    "layer shop-dependencies version 2 of DAY, SIZE\n"
)


def test_the_command_only_looks_at_first(site: Site) -> None:
    """A10: dry run by default."""
    done = site.run("prune", "staging", code=0)
    assert (done.out, done.err) == ("", "Stage staging has nothing to remove\n")
    done = site.run("prune", "staging", *OLD, code=0)
    assert plain(done.out) == GONE
    assert plain(done.err) == "Would remove 5 versions (SIZE); run with --yes to remove\n"
    assert site.proxy.mutations == []


def test_the_command_removes(new_site: Site, account: Account) -> None:
    """A10, N6: functions before the layers that only they took; what an alias stands at stays, and where it goes back."""
    for says, alpha in (("one", ONE), ("two", TWO), ("three", ONE), ("four", ONE)):
        new_site.write(says=says, alpha=alpha, role=account.role())
        new_site.deploy("--quiet")
    new_site.run("rollback", "staging", "--to", "3", "--yes", code=0)
    done = new_site.run("prune", "staging", *OLD, "--yes", code=0)
    assert plain(done.out) == (
        "function shop-api version 1 of DAY, SIZE\nlayer shop-dependencies version 1 of DAY, SIZE\n"
    )
    assert plain(done.err) == (
        "note: function shop-api version 3 is used by alias live, and stays\n"
        "note: function shop-api version 2 is used by alias live, which goes back to it, and stays\n"
        "note: layer shop-dependencies version 2 is used by function shop-api version 2, and stays\n"
        "Removed 2 versions (SIZE) in TIME\n"
    )
    assert list(new_site.account.versions("shop-api")) == [2, 3, 4]
    assert list(new_site.account.layer_versions("shop-dependencies")) == [2, 3]
    said = new_site.run("rollback", "staging", "--dry-run", code=0).out
    assert "from version 3 back to version 2" in said
    # The stage is as it was.
    new_site.deploy("--quiet")
    new_site.plan()
    assert new_site.run("prune", "staging", *OLD, "-q", "--json", code=0).document["removals"]


def test_one_of_them(site: Site) -> None:
    done = site.run("prune", "staging", "dependencies", *OLD, "--yes", code=0)
    # Versions of the function, which stay, take the other two.
    assert (done.out, plain(done.err)) == (
        "",
        (
            "note: layer shop-dependencies version 1 is used by function shop-api version 1, and stays\n"
            "note: layer shop-dependencies version 2 is used by function shop-api version 2, and stays\n"
            "Stage staging has nothing to remove\n"
        ),
    )
    done = site.run("prune", "staging", "api", *OLD, "--yes", code=0)
    assert len(done.out.splitlines()) == 3
    assert list(site.account.versions("shop-api")) == [4]
    assert len(site.account.layer_versions("shop-dependencies")) == 3


def test_the_policy_of_the_stage(site: Site) -> None:
    site.write(
        says="four",
        stage={"keep-versions": 2, "keep-days": 0},
        role=site.account.role(),
    )
    done = site.run("prune", "staging", "api", code=0)
    assert plain(done.out) == (
        "function shop-api version 2 of DAY, SIZE\nfunction shop-api version 1 of DAY, SIZE\n"
    )
    done = site.run("prune", "staging", "api", "--keep-versions", "3", code=0)
    assert plain(done.out) == "function shop-api version 1 of DAY, SIZE\n"
    assert site.run("prune", "staging", "--keep-days", "1", code=0).out == ""


def test_the_document_of_the_command(site: Site) -> None:
    document = site.run("prune", "staging", *OLD, "--yes", "--json", code=0).document
    assert {key: document[key] for key in ("schema", "stage", "done", "spared")} == {
        "schema": 1,
        "stage": "staging",
        "done": True,
        "spared": [],
    }
    assert len(document["removals"]) == 5
    assert document["size"] == sum(one["size"] or 0 for one in document["removals"])
    first = document["removals"][0]
    assert datetime.fromisoformat(first.pop("modified")).tzinfo is not None
    assert first.pop("size") > 0
    assert first == {
        "kind": "function",
        "name": "shop-api",
        "version": 3,
        "url": None,
        "removed": True,
    }


def test_what_the_command_refuses(site: Site) -> None:
    """D10."""
    for wrong in ("-1", "many"):
        done = site.run("prune", "staging", "--keep-versions", wrong, code=2)
        assert "keep-versions" in done.err
    site.proxy.inject(ACCESS_DENIED, operation="ListFunctions", attempts=None)
    done = site.run("prune", "staging", *OLD, "--yes", code=1)
    assert done.err.startswith("error: cannot look at the functions of the account\n")
    assert "hint: allow `lambda:ListFunctions`" in done.err
    assert site.proxy.mutations == []


def test_from_python(site: Site) -> None:
    with site.account.here():
        looked = public.prune(site.root, "staging", keep_versions=1, keep_days=0)
        assert (len(looked.pruning.removals), looked.removed, looked.done) == (5, (), False)
        done = public.prune(site.root, "staging", keep_versions=1, keep_days=0, dry_run=False)
        assert done.removed == done.pruning.removals
        assert list(site.account.versions("shop-api")) == [4]


def test_what_is_gone_is_told_when_the_rest_fails(site: Site) -> None:
    site.proxy.inject(ACCESS_DENIED, operation="DeleteLayerVersion", attempts=None)
    done = site.run("prune", "staging", *OLD, "--yes", code=1)
    assert plain(done.out) == "".join(GONE.splitlines(keepends=True)[:3])
    assert done.err.startswith("error: cannot remove layer shop-dependencies version 1 of ")
    assert "hint: allow `lambda:DeleteLayerVersion`" in done.err
    # And again it goes on from there.
    site.proxy.forget()
    done = site.run("prune", "staging", *OLD, "--yes", code=0)
    assert plain(done.out) == "".join(GONE.splitlines(keepends=True)[3:])
