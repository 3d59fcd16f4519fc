"""Deployments to LocalStack, which checks what AWS checks, and runs what was deployed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from botocore.exceptions import ClientError

from support.aws_account import Account
from support.aws_faults import CUT_AFTER, KILL_AFTER, Call, Proxy, serve_faults
from support.command import Wherry
from support.deployments import ALIAS, FUNCTION, LAYER, ONE, TWO, Site, make_site
from support.forks import Forks, serve_forks
from support.functions import zip_of
from support.index import Index, serve_index
from support.projects import write_files
from wherry.settings.model import MANAGEABLE

pytestmark = pytest.mark.real


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    with serve_forks() as served:
        yield served


@pytest.fixture
def proxy(account: Account) -> Iterator[Proxy]:
    with serve_faults(account.url) as served:
        yield served


@pytest.fixture
def index() -> Iterator[Index]:
    with serve_index() as served:
        yield served


@pytest.fixture
def site(tmp_path: Path, account: Account, index: Index, proxy: Proxy) -> Site:
    (tmp_path / "shop").mkdir()
    wherry = Wherry(store=tmp_path / "store", cwd=tmp_path / "shop")
    made = make_site(wherry, account, index, proxy)
    made.write(role=account.role())
    return made


def invoke(site: Site, qualifier: str | None = ALIAS) -> Any:
    """What the deployed function says."""
    given = {} if qualifier is None else {"Qualifier": qualifier}
    answered = site.account.functions.invoke(FunctionName=FUNCTION, Payload=b"{}", **given)
    said = json.loads(answered["Payload"].read())
    assert "FunctionError" not in answered, said
    return said


def test_the_stand_in_is_strict(account: Account, tmp_path: Path) -> None:
    """What the tests below count on: preconditions, conflicts, and functions that run with their layers."""
    layer = zip_of(tmp_path / "layer.zip", {"python/dep.py": "SAYS = 1\n"}).read_bytes()
    code = "import dep\ndef handler(e, c):\n    return [dep.SAYS, e, __file__]\n"
    first = zip_of(tmp_path / "first.zip", {"app.py": code}).read_bytes()
    account.function("f", first, Handler="app.handler", Layers=[account.layer("dep", layer)])
    functions = account.functions
    said = functions.invoke(FunctionName="f", Payload=b'{"a": 1}')["Payload"].read()
    assert json.loads(said)[:2] == [1, {"a": 1}]
    revision = account.configuration("f")["RevisionId"]
    functions.update_function_code(FunctionName="f", ZipFile=layer, RevisionId=revision)
    with pytest.raises(ClientError, match="ResourceConflictException"):
        functions.update_function_configuration(FunctionName="f", Handler="dep.handler")
    account.wait("f")
    with pytest.raises(ClientError, match="PreconditionFailedException"):
        functions.update_function_code(FunctionName="f", ZipFile=first, RevisionId=revision)
    answered = functions.invoke(FunctionName="f")
    assert answered["FunctionError"] == "Unhandled"
    assert json.loads(answered["Payload"].read())["errorType"] == "Runtime.ImportModuleError"


def make_bucket(site: Site) -> str:
    """The project's bucket, which its stage has from now on; no two accounts have one of the same name."""
    name = site.account.bucket(f"deploys-{site.account.key}", versioned=True)
    site.write(stage={"bucket": f"s3://{name}/wherry"}, role=site.account.role())
    return name


@pytest.mark.parametrize("with_bucket", [False, True], ids=["direct", "bucket"])
def test_deploy_invoke_roll_back_invoke(site: Site, with_bucket: bool) -> None:
    """D2, D3, D4, N6: every version runs, and code, layers and configuration go back together."""
    bucket = make_bucket(site) if with_bucket else None
    role = site.account.role()
    site.deploy()
    # The first deployment attaches the layer at once.
    assert invoke(site) == {"says": "one", "alpha": 1, "version": "1"}
    assert invoke(site, None) == {"says": "one", "alpha": 1, "version": "$LATEST"}

    site.write(says="two", role=role)
    site.plan(code=3)
    site.deploy()
    assert invoke(site) == {"says": "two", "alpha": 1, "version": "2"}

    site.write(says="three", alpha=TWO, role=role)
    site.deploy()
    assert invoke(site) == {"says": "three", "alpha": 2, "version": "3"}
    site.plan()
    site.proxy.forget()
    site.deploy()
    assert site.proxy.mutations == []
    assert len(site.account.layer_versions(LAYER)) == 2

    said = site.run("rollback", "staging", "--yes", code=0)
    assert "3" in said.err
    assert "2" in said.err
    assert invoke(site) == {"says": "two", "alpha": 1, "version": "2"}
    site.run("rollback", "staging", "api", "--to", "1", "--yes", code=0)
    assert invoke(site) == {"says": "one", "alpha": 1, "version": "1"}

    # Forward again: what was published once is not published again.
    site.deploy()
    assert invoke(site) == {"says": "three", "alpha": 2, "version": "3"}
    assert sorted(site.account.versions(FUNCTION)) == [1, 2, 3]
    site.plan()
    if bucket is not None:
        keys = site.account.objects(bucket)
        assert [key for key in keys if key.endswith(".zip")] == []
        assert f"wherry/{LAYER}/000001/pylock.toml" in keys
        assert f"wherry/{LAYER}/last-pylock.toml" in keys


def test_a_version_is_tested_before_callers_get_it(site: Site) -> None:
    """It runs, by its number, as it will for callers."""
    test = {"event": {}, "expect": {"says": "two", "version": "2"}}
    role = site.account.role()
    site.deploy()
    site.write(says="two", role=role, stage={"test": [test]})
    done = site.deploy()
    assert "Version 2 of function `shop-api`: {} passed in " in done.err
    assert invoke(site)["says"] == "two"
    site.write(says="three", role=role)
    done = site.deploy(code=1)
    assert (
        '`shop-api` version 3, {}: says: expected "two", got "three"; version: expected "2", got "3"'
        in done.error
    )
    assert invoke(site)["says"] == "two"
    site.run("rollback", "staging", "--yes", code=0)
    assert invoke(site)["says"] == "one"


def test_handler_and_runtime_are_changed_when_they_are_managed(site: Site) -> None:
    role = site.account.role()
    managed = ["code", "layers", "handler", "runtime"]
    site.write(role=role, manage=managed)
    site.deploy()
    assert invoke(site)["says"] == "one"
    path = site.root / "wherry.toml"
    text = path.read_text().replace("shop.api.handler", "shop.other.handler")
    path.write_text(text.replace("python3.13", "python3.12"))
    write_files(
        site.root,
        {
            "shop/other.py": "import sys\ndef handler(e, c):\n    return list(sys.version_info[:2])\n"
        },
    )
    site.plan(code=3)
    site.deploy()
    assert invoke(site) == [3, 12]
    site.plan()


def test_layers_of_others_keep_their_place(site: Site) -> None:
    """D8, D9: in what order they were, also when the project's own layer comes and goes."""
    role = site.account.role()
    zips = {}
    site.build()
    packages = site.root / "dist" / "lambda"
    zips["foreign"] = site.account.layer("foreign", (packages / "dependencies.zip").read_bytes())
    zips["other"] = site.account.layer("other", (packages / "dependencies.zip").read_bytes())
    site.account.function(
        FUNCTION, (packages / "api.zip").read_bytes(), Layers=[zips["foreign"], zips["other"]]
    )
    site.deploy()
    first = site.account.layers_of(FUNCTION)
    assert [arn for arn in first if LAYER not in arn] == [zips["foreign"], zips["other"]]
    assert len(first) == 3
    assert invoke(site)["alpha"] in {1, 2}
    # All dependencies go.
    site.write(role=role, alpha=None)
    (site.root / "shop" / "api.py").write_text("def handler(e, c):\n    return 1\n")
    site.deploy()
    assert site.account.layers_of(FUNCTION) == [zips["foreign"], zips["other"]]
    site.plan()


def test_a_layer_version_that_is_gone_is_published_again(site: Site) -> None:
    """D11."""
    site.deploy()
    site.account.functions.delete_layer_version(LayerName=LAYER, VersionNumber=1)
    site.plan(code=3)
    site.deploy()
    at, _ = site.account.alias(FUNCTION, ALIAS)
    assert [arn.rpartition(":")[2] for arn in site.account.layers_of(FUNCTION, at)] == ["2"]
    assert invoke(site)["alpha"] == 1
    site.plan()


def test_an_update_in_progress_is_waited_out(site: Site) -> None:
    """D12: somebody else's update has just begun, and AWS refuses every other."""
    site.deploy()
    site.write(says="two", role=site.account.role())
    site.build()
    begun = threading.Event()

    def begin(call: Call) -> None:
        if call.operation == "UpdateFunctionCode" and not begun.is_set():
            begun.set()
            site.account.functions.update_function_configuration(
                FunctionName=FUNCTION, Description="theirs"
            )

    site.proxy.before = begin
    done = site.deploy("--no-build")
    statuses = [call.status for call in site.proxy.calls if call.operation == "UpdateFunctionCode"]
    assert statuses[0] in {409, 412}
    assert statuses[-1] == 200
    assert "error" not in done.err
    assert invoke(site)["says"] == "two"
    assert site.account.configuration(FUNCTION)["Description"] == "theirs"
    site.plan()


def test_somebody_elses_code_is_not_overwritten_unseen(site: Site) -> None:
    """`RevisionId` does not fit what was planned upon: whoever came between keeps what they did, or it is told."""
    site.deploy()
    theirs = (site.root / "dist" / "lambda" / "dependencies.zip").read_bytes()
    site.write(says="two", role=site.account.role())
    site.build()
    before = site.account.versions(FUNCTION)
    begun = threading.Event()

    def begin(call: Call) -> None:
        if call.operation == "UpdateFunctionCode" and not begun.is_set():
            begun.set()
            site.account.functions.update_function_code(FunctionName=FUNCTION, ZipFile=theirs)
            site.account.wait(FUNCTION)

    site.proxy.before = begin
    done = site.deploy("--no-build", code=None)
    assert 412 in [call.status for call in site.proxy.calls]
    assert done.code == 1, done.err
    assert "error: " in done.err
    assert site.account.versions(FUNCTION) == before
    site.proxy.before = lambda _: None
    site.deploy("--no-build")
    assert invoke(site)["says"] == "two"
    site.plan("--no-build")


def test_six_layers_are_too_many(site: Site) -> None:
    """AWS's own words, and exit 1."""
    site.build()
    packages = site.root / "dist" / "lambda"
    data = (packages / "dependencies.zip").read_bytes()
    arns = [site.account.layer(f"foreign-{number}", data) for number in range(5)]
    site.account.function(FUNCTION, (packages / "api.zip").read_bytes(), Layers=arns)
    done = site.deploy(code=1)
    assert "5" in done.error
    assert site.account.layers_of(FUNCTION) == arns


def test_interrupted_at_every_change(site: Site, forks: Forks) -> None:
    """Run again, it ends as desired, with nothing made twice: killed, and with an answer that is lost, in turn."""
    role = site.account.role()
    bucket = make_bucket(site)
    site.deploy()
    site.write(says="to count", alpha=TWO, role=role)
    site.proxy.forget()
    site.deploy()
    changes = [call.number for call in site.proxy.calls if call.mutates and call.attempt == 1]
    assert len(changes) > 8
    for turn, number in enumerate(changes):
        alpha, fault = (TWO, CUT_AFTER) if turn % 2 else (ONE, KILL_AFTER)
        site.write(says=f"text {number}", role=role, alpha=alpha)
        site.build()
        layers = len(site.account.layer_versions(LAYER))
        versions = len(site.account.versions(FUNCTION))
        site.proxy.forget()
        site.proxy.inject(fault, at=number)
        if fault.kills:
            assert site.deploy_killed(forks, "--no-build") == -9
        else:
            site.deploy("--no-build")
        site.proxy.forget()
        site.deploy("--no-build")
        assert invoke(site) == {
            "says": f"text {number}", "alpha": 2 if alpha is TWO else 1, "version": str(versions + 1),
        }  # fmt: skip
        assert len(site.account.versions(FUNCTION)) == versions + 1
        assert len(site.account.layer_versions(LAYER)) == layers + 1
        assert [key for key in site.account.objects(bucket) if key.endswith(".zip")] == []
        site.plan("--no-build")


def test_two_at_the_same_time(site: Site) -> None:
    """Two deployments of one project: each ends well or tells why, and the project is what stands there."""
    site.deploy()
    site.write(says="two", alpha=TWO, role=site.account.role())
    site.build()
    command = [sys.executable, "-m", "wherry", "deploy", "staging", "--no-build"]
    running = [
        subprocess.Popen(
            command, cwd=site.root, env=site.environment, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in running]
    for process, text in zip(running, said, strict=True):
        assert process.returncode in {0, 1}, text
        assert "Traceback" not in text
        assert process.returncode == 0 or "error: " in text
    site.deploy("--no-build")
    assert invoke(site)["says"] == "two"
    site.plan("--no-build")


def test_pruning_spares_what_is_used(site: Site) -> None:
    """A10, N6: old versions of functions and layers go; what an alias or a function stands on stays, and runs."""
    role = site.account.role()
    for number, alpha in enumerate([ONE, TWO, ONE, TWO]):
        site.write(says=str(number), role=role, alpha=alpha)
        site.deploy()
    site.account.functions.create_alias(FunctionName=FUNCTION, Name="pinned", FunctionVersion="1")
    dry = site.run("prune", "staging", "--keep-versions", "0", "--keep-days", "0", code=0)
    assert sorted(site.account.versions(FUNCTION)) == [1, 2, 3, 4], dry.err
    site.run("prune", "staging", "--keep-versions", "0", "--keep-days", "0", "--yes", code=0)
    # A rollback would go to the third.
    assert sorted(site.account.versions(FUNCTION)) == [1, 3, 4]
    assert sorted(site.account.layer_versions(LAYER)) == [1, 3, 4]
    assert invoke(site)["says"] == "3"
    assert invoke(site, "pinned")["says"] == "0"
    site.plan()


def without_alias(site: Site) -> None:
    """Settings in which versions are published, and callers get ``$LATEST``."""
    path = site.root / "wherry.toml"
    settings = tomllib.loads(path.read_text())
    said = settings["stages"]["staging"]
    del said["functions"]["api"]["alias"]
    said["publish"] = True
    write_files(site.root, {"wherry.toml": tomli_w.dumps(settings)})


@pytest.mark.parametrize("with_bucket", [False, True], ids=["direct", "bucket"])
def test_latest_is_restored_where_there_is_no_alias(site: Site, with_bucket: bool) -> None:
    """N6: code and layers of the version before, by what AWS itself has kept of it."""
    bucket, role = make_bucket(site) if with_bucket else None, site.account.role()
    for says, alpha in (("one", ONE), ("two", TWO)):
        site.write(says=says, alpha=alpha, role=role)
        without_alias(site)
        site.deploy()
    assert invoke(site, None) == {"says": "two", "alpha": 2, "version": "$LATEST"}
    done = site.run("rollback", "staging", "--yes", code=0)
    assert done.err.startswith("api: $LATEST from version 2 back to version 1 (shop 1.0): code, ")
    assert invoke(site, None) == {"says": "one", "alpha": 1, "version": "$LATEST"}
    site.run("rollback", "staging", "--to", "2", "--yes", code=0)
    assert invoke(site, None) == {"says": "two", "alpha": 2, "version": "$LATEST"}
    site.plan()
    if bucket is not None:
        assert not [key for key in site.account.objects(bucket) if key.endswith(".zip")]


def test_the_steps_one_by_one(site: Site) -> None:
    """A11: what they come to is what one deployment comes to."""
    bucket = make_bucket(site)
    site.run("build", "--quiet", code=0)
    site.run("upload", "staging", code=0)
    (arn,) = site.run("publish", "staging", "dependencies", code=0).out.splitlines()
    site.deploy("--no-build")
    assert site.account.layers_of(FUNCTION) == [arn]
    assert invoke(site) == {"says": "one", "alpha": 1, "version": "1"}
    assert not [key for key in site.account.objects(bucket) if key.endswith(".zip")]
    site.plan()


def test_all_configuration_is_changed_in_one_update_and_goes_back(site: Site) -> None:
    """With conflicts, revisions and updates that take time; each state leaves nothing to do."""
    account, role = site.account, site.account.role()
    site.shell["SHOP_TOKEN"] = "from-the-shell"
    account.client("ssm").put_parameter(Name="/shop/one", Value="one-5a", Type="SecureString")
    account.client("secretsmanager").create_secret(
        Name="shop/two", SecretString='{"key": "two-6b"}'
    )
    environment = {
        "TOKEN": {"env": "SHOP_TOKEN"}, "ONE": {"ssm": "/shop/one"},
        "TWO": {"secret": "shop/two", "key": "key"}, "LEVEL": "info",
    }  # fmt: skip
    states: list[dict[str, Any]] = [
        {
            "memory": 256, "timeout": 9, "ephemeral-storage": 1024, "tracing": "Active", "snap-start": True,
            "logging": {"format": "JSON", "level": "DEBUG", "group": "/shop/api"}, "description": "Takes orders",
            "environment": environment, "tags": {"team": "shop"},
        },
        {
            "memory": 512, "timeout": 10, "ephemeral-storage": 2048, "tracing": "PassThrough", "snap-start": False,
            "logging": {"format": "Text", "group": "/shop/all"}, "description": "Takes all orders",
            "environment": {**environment, "LEVEL": "debug"}, "tags": {"team": "shop", "cost": "7"},
        },
    ]  # fmt: skip
    for number, state in enumerate(states):
        site.write(says=str(number), role=role, manage=[*MANAGEABLE], **state)
        site.proxy.forget()
        said = site.deploy()
        configuring = "UpdateFunctionConfiguration" if number else "CreateFunction"
        assert site.proxy.mutations.count(configuring) == 1
        found = account.configuration(FUNCTION, account.alias(FUNCTION, ALIAS)[0])
        assert (found["MemorySize"], found["Timeout"]) == (state["memory"], state["timeout"])
        assert found["EphemeralStorage"] == {"Size": state["ephemeral-storage"]}
        assert found["TracingConfig"] == {"Mode": state["tracing"]}
        assert found["LoggingConfig"]["LogGroup"] == state["logging"]["group"]
        assert found["Environment"]["Variables"] == {
            "TOKEN": "from-the-shell", "ONE": "one-5a", "TWO": "two-6b",
            "LEVEL": state["environment"]["LEVEL"],
        }  # fmt: skip
        arn = account.configuration(FUNCTION)["FunctionArn"]
        assert account.functions.list_tags(Resource=arn)["Tags"] == state["tags"]
        for secret in ("from-the-shell", "one-5a", "two-6b"):
            assert secret not in said.out + said.err
        site.plan()
    site.run("rollback", "staging", "--yes", code=0)
    before = account.configuration(FUNCTION, account.alias(FUNCTION, ALIAS)[0])
    assert (before["MemorySize"], before["Environment"]["Variables"]["LEVEL"]) == (256, "info")
    # Deployed again as it was at first: the version that runs the same is used.
    site.write(says="0", role=role, manage=[*MANAGEABLE], **states[0])
    site.deploy()
    assert account.alias(FUNCTION, ALIAS)[0] == "1"
