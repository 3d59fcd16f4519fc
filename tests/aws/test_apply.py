"""Carrying out a plan: waiting, retrying, adopting what was done, and leaving alone what somebody else did."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from msgspec.structs import replace

from support.aws_account import code_sha256
from support.aws_faults import (
    ACCESS_DENIED,
    CONFLICT,
    CUT_AFTER,
    EXPIRED,
    INTERNAL,
    THROTTLED,
    Fault,
)
from support.deployments import hasty
from support.desired import desired_function, desired_layer
from support.functions import zip_of
from support.reporters import Heard
from wherry.aws.apply import apply
from wherry.aws.client import Client
from wherry.aws.configuration import Configuration
from wherry.aws.diff import diff
from wherry.aws.locks import LockKeeper
from wherry.aws.model import Desired, DesiredFunction, DesiredLayer
from wherry.aws.observe import observe
from wherry.aws.plan import Applied, AppliedLayer
from wherry.errors import AwsError
from wherry.settings.model import StageSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.aws_account import Account
    from support.aws_faults import Call, Proxy

BUCKET = "deploys"


class Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@dataclass(kw_only=True)
class Work:
    """An account, a way there, and packages to bring."""

    account: Account
    proxy: Proxy
    folder: Path
    stage: StageSettings
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.client = Client(self.stage, name="staging")

    def package(self, name: str, says: str, folder: str = "") -> dict[str, Any]:
        path = zip_of(self.folder / f"{name}-{says}.zip", {f"{folder}{name}.py": f"A = {says!r}\n"})
        data = path.read_bytes()
        return {"path": path, "code_sha256": code_sha256(data), "size": len(data)}

    def function(self, says: str = "one", name: str = "api", **more: Any) -> DesiredFunction:
        given: dict[str, Any] = {
            **self.package(name, says),
            "owned": frozenset({"deps"}),
            "role": self.account.role(),
            "version_description": "shop 1.0",
        }
        return desired_function(name, **given | more)

    def layer(self, says: str = "one", name: str = "deps", **more: Any) -> DesiredLayer:
        return desired_layer(name, **{**self.package(name, says, "python/"), **more})

    def desire(self, *parts: DesiredFunction | DesiredLayer) -> Desired:
        return Desired(
            stage="staging",
            layers=tuple(one for one in parts if isinstance(one, DesiredLayer)),
            functions=tuple(one for one in parts if isinstance(one, DesiredFunction)),
        )

    def deploy(
        self,
        *parts: DesiredFunction | DesiredLayer,
        between: Callable[[], None] = lambda: None,
        lock: Path | None = None,
    ) -> Applied:
        """Observe, plan and apply; something may happen before the last."""
        desired = self.desire(*parts)
        plan = diff(desired, observe(desired, self.client))
        between()
        names = [part.aws_name for part in parts]
        locks = LockKeeper(self.client, dict.fromkeys(names, lock) if lock else {}, self.heard)
        return apply(plan, self.client, locks=locks, reporter=self.heard)

    def is_done(self, *parts: DesiredFunction | DesiredLayer) -> bool:
        desired = self.desire(*parts)
        return not diff(desired, observe(desired, self.client))

    def tell(self, operation: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Let AWS answer otherwise, whichever client asks."""
        for client in (self.client.functions, self.client.changes):
            client.meta.events.register(
                f"after-call.lambda.{operation}", lambda parsed, **_: change(parsed)
            )


@pytest.fixture(params=[False], ids=["direct"])
def work(
    request: pytest.FixtureRequest,
    account: Account,
    proxy: Proxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Work]:
    with account.here(url=proxy.url), hasty(monkeypatch):
        bucket = account.bucket(BUCKET, versioned=True) if request.param else None
        yield Work(
            account=account,
            proxy=proxy,
            folder=tmp_path,
            stage=StageSettings(region="eu-west-1", bucket=bucket, tags={"team": "shop"}),
        )


with_bucket = pytest.mark.parametrize("work", [True], ids=["bucket"], indirect=True)


# What comes of it.


def test_a_function_is_created_with_all_that_the_stage_says(work: Work) -> None:
    """D2: layers are attached at once."""
    deps = work.layer(description="shop 1.0", license="MIT")
    wanted = work.function(
        layers=("deps",),
        publish=True,
        alias="live",
        configuration=Configuration(values={"memory": 256, "timeout": 9, "description": "it"}),
        tags={"team": "shop"},
    )
    done = work.deploy(deps, wanted)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:api"
    layer = "arn:aws:lambda:eu-west-1:123456789012:layer:deps:1"
    (made,) = done.functions
    assert (made.arn, made.version, made.alias, made.changed) == (arn, 1, "live", True)
    assert done.layers == (AppliedLayer(name="deps", aws_name="deps", arn=layer, published=True),)
    found = work.account.configuration("api", "live")
    assert (found["MemorySize"], found["Timeout"]) == (256, 9)
    assert found["CodeSha256"] == wanted.code_sha256
    assert [one["Arn"] for one in found["Layers"]] == [layer]
    assert work.account.configuration("api")["Description"] == "it"
    tags = work.account.functions.list_tags(Resource=arn)["Tags"]
    assert tags == {"team": "shop"}
    version = work.account.functions.get_layer_version(LayerName="deps", VersionNumber=1)
    assert (version["Description"], version["LicenseInfo"]) == ("shop 1.0", "MIT")
    assert version["CompatibleRuntimes"] == ["python3.13"]
    assert version["CompatibleArchitectures"] == ["x86_64"]
    assert work.is_done(deps, wanted)


def test_versions_carry_the_version_of_the_project(work: Work) -> None:
    work.deploy(work.function(publish=True))
    found = work.account.functions.list_versions_by_function(FunctionName="api")["Versions"]
    assert [one["Description"] for one in found if one["Version"] == "1"] == ["shop 1.0"]


def test_what_is_done_already_is_told_the_same(work: Work) -> None:
    """A script that takes the ARN, the version or the alias gets the same from a no-op."""
    parts = (work.layer(), work.function(layers=("deps",), publish=True, alias="live"))
    first = work.deploy(*parts)
    again = work.deploy(*parts)
    assert replace(again.functions[0], changed=True) == first.functions[0]
    assert replace(again.layers[0], published=True) == first.layers[0]


def test_a_layer_is_shared(work: Work) -> None:
    """A10; saying it twice is no harm."""
    wanted = work.layer(share=("111111111111", "o-abc1234567"))
    work.deploy(wanted)
    sent = [one.body for one in work.proxy.calls if one.operation == "AddLayerVersionPermission"]
    assert [(one["Principal"], one.get("OrganizationId")) for one in sent] == [
        ("111111111111", None),
        ("*", "o-abc1234567"),
    ]
    found = work.account.functions.get_layer_version_policy(LayerName="deps", VersionNumber=1)
    assert "111111111111" in found["Policy"]
    # The stand-in does not tell of organisations, so this says it again.
    work.deploy(wanted)
    assert work.account.layer_versions("deps").keys() == {1}


def test_steps_are_told(work: Work) -> None:
    """D1: what is uploaded, its size, and what came of it."""
    work.deploy(work.layer(), work.function(layers=("deps",)))
    work.deploy(
        work.layer("two"), work.function("two", layers=("deps",), publish=True, alias="live")
    )
    arn = "arn:aws:lambda:eu-west-1:123456789012:"
    assert work.heard.texts() == [
        "Uploading `deps` (136 B) ...",
        f"Published layer `deps` version 1: {arn}layer:deps:1",
        "Uploading `api` (120 B) ...",
        f"Created function `api`: 120 B, {arn}function:api",
        "Uploading `deps` (136 B) ...",
        f"Published layer `deps` version 2: {arn}layer:deps:2",
        "Updated the configuration of function `api`: layers",
        "Uploading `api` (120 B) ...",
        f"Updated function `api`: 120 B, {arn}function:api",
        "Published version 1 of function `api`",
        "Alias `live` of function `api`: version 1",
    ]


def test_the_architecture_goes_with_the_code(work: Work) -> None:
    work.deploy(work.function())
    updated = threading.Event()
    work.tell("UpdateFunctionCode", lambda _: updated.set())

    def told(parsed: dict[str, Any]) -> None:
        # The stand-in takes it and forgets it.
        if updated.is_set():
            parsed["Architectures"] = ["arm64"]

    for operation in ("UpdateFunctionCode", "GetFunctionConfiguration"):
        work.tell(operation, told)
    wanted = work.function(architecture="arm64", manage=frozenset({"code", "architecture"}))
    work.deploy(wanted)
    (body,) = [one.body for one in work.proxy.calls if one.operation == "UpdateFunctionCode"]
    assert body["Architectures"] == ["arm64"]
    assert work.is_done(wanted)


# Waiting.


@pytest.mark.parametrize("denied", [False, True])
def test_the_key_of_the_code_stays(work: Work, denied: bool) -> None:
    """AWS takes its own key where an update names none."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/one"
    work.deploy(work.function())
    work.tell("GetFunction", lambda parsed: parsed.get("Code", {}).update(SourceKMSKeyArn=key))
    work.proxy.forget()
    if denied:
        work.proxy.inject(ACCESS_DENIED, operation="GetFunction")
    work.deploy(work.function("two"))
    (update,) = [one for one in work.proxy.calls if one.operation == "UpdateFunctionCode"]
    assert update.body.get("SourceKMSKeyArn") == (None if denied else key)


def test_a_function_that_aws_does_not_tell_of_at_once(work: Work) -> None:
    unseen = Fault(name="missing", status=404, code="ResourceNotFoundException")

    def look(call: Call) -> Fault | None:
        seen = [one for one in work.proxy.calls if one.operation == "GetFunctionConfiguration"]
        made = any(one.operation == "CreateFunction" for one in work.proxy.calls)
        return unseen if made and call.operation == "GetFunctionConfiguration" and len(seen) < 5 else None  # fmt: skip

    work.proxy.answer = look
    work.tell("CreateFunction", lambda parsed: parsed.update(State="Pending"))
    work.deploy(work.function(publish=True, alias="live"))
    assert work.account.versions("api").keys() == {1}
    work.proxy.answer = lambda call: unseen if call.operation == "GetFunctionConfiguration" else None  # fmt: skip
    with pytest.raises(AwsError, match="cannot wait for function `api`"):
        work.deploy(work.function("two", publish=True, alias="live"))


def test_an_update_in_progress_is_waited_for(work: Work) -> None:
    """D12: before each change, and after it."""
    work.deploy(work.function())
    waiting = [3]

    def busy(parsed: dict[str, Any]) -> None:
        if waiting[0]:
            waiting[0] -= 1
            parsed["LastUpdateStatus"] = "InProgress"

    work.tell("GetFunctionConfiguration", busy)
    work.tell("UpdateFunctionCode", lambda parsed: parsed.update(LastUpdateStatus="InProgress"))
    work.proxy.forget()
    waiting[0] = 3
    work.deploy(work.function("two", publish=True))
    operations = work.proxy.operations
    assert operations.count("GetFunctionConfiguration") == 5
    assert operations.index("UpdateFunctionCode") > 3
    assert operations[-2:] == ["GetFunctionConfiguration", "PublishVersion"]


def test_a_new_function_is_waited_for(work: Work) -> None:
    waiting = [2]

    def pending(parsed: dict[str, Any]) -> None:
        if waiting[0]:
            waiting[0] -= 1
            parsed["State"] = "Pending"

    work.tell("CreateFunction", lambda parsed: parsed.update(State="Pending"))
    work.tell("GetFunctionConfiguration", pending)
    work.deploy(work.function(publish=True))
    assert work.proxy.operations[-5:] == [
        "CreateFunction",
        "GetFunctionConfiguration",
        "GetFunctionConfiguration",
        "GetFunctionConfiguration",
        "PublishVersion",
    ]


def test_a_version_that_is_not_ready_gets_no_calls(work: Work) -> None:
    """SnapStart makes a version wait: the alias moves when it runs."""
    work.deploy(work.function())
    work.proxy.forget()
    work.tell("PublishVersion", lambda parsed: parsed.update(State="Pending"))
    work.deploy(work.function("two", publish=True, alias="live"))
    tail = [one for one in work.proxy.calls if one.operation != "ListAliases"][-3:]
    assert [one.operation for one in tail] == [
        "PublishVersion",
        "GetFunctionConfiguration",
        "CreateAlias",
    ]
    assert "Qualifier=1" in tail[1].path


@pytest.mark.parametrize("fault", [None, CUT_AFTER], ids=["published", "answer-lost"])
def test_a_version_that_cannot_run_gets_no_calls(work: Work, fault: Fault | None) -> None:
    """SnapStart runs the code when a version is published, and that may fail; nor does a later deployment move there."""
    wanted = work.function(publish=True, alias="live")
    work.deploy(work.function())

    def fail(parsed: dict[str, Any]) -> None:
        if parsed["Version"] == "1":
            parsed |= {"State": "Failed", "StateReason": "Function failed to initialize"}

    work.tell("PublishVersion", lambda parsed: parsed.update(State="Pending"))
    work.tell("GetFunctionConfiguration", fail)
    for _ in range(2):
        work.proxy.forget()
        if fault is not None:
            work.proxy.inject(fault, operation="PublishVersion")
        with pytest.raises(AwsError) as caught:
            work.deploy(wanted)
        assert caught.value.message == "version 1 of function `api` failed"
        assert list(caught.value.where) == ["Function failed to initialize"]
        assert "CreateAlias" not in work.proxy.operations
        assert [*work.account.versions("api")] == [1]


def test_an_update_that_failed_is_told(work: Work) -> None:
    work.deploy(work.function())
    failed = {
        "LastUpdateStatus": "Failed",
        "LastUpdateStatusReason": "The image is broken",
        "LastUpdateStatusReasonCode": "InvalidImage",
    }
    updated = threading.Event()

    def begin(parsed: dict[str, Any]) -> None:
        updated.set()
        parsed["LastUpdateStatus"] = "InProgress"

    work.tell("UpdateFunctionCode", begin)
    work.tell("GetFunctionConfiguration", lambda parsed: parsed.update(failed) if updated.is_set() else None)  # fmt: skip
    with pytest.raises(AwsError) as caught:
        work.deploy(work.function("two", publish=True, alias="live"))
    assert str(caught.value) == "function `api` failed\n  ╰─▶ The image is broken"
    assert caught.value.code == "InvalidImage"
    assert work.account.versions("api") == {}


def test_an_update_that_failed_before_is_mended(work: Work) -> None:
    """It is what this one is for."""
    work.deploy(work.function())
    updated = threading.Event()
    work.tell("UpdateFunctionCode", lambda _: updated.set())

    def failed(parsed: dict[str, Any]) -> None:
        if not updated.is_set():
            parsed["LastUpdateStatus"] = "Failed"

    work.tell("GetFunctionConfiguration", failed)
    wanted = work.function("two")
    work.deploy(wanted)
    assert work.account.configuration("api")["CodeSha256"] == wanted.code_sha256


def test_waiting_ends(work: Work) -> None:
    work.deploy(work.function())
    work.tell("GetFunctionConfiguration", lambda parsed: parsed.update(LastUpdateStatus="InProgress"))  # fmt: skip
    import time

    naps: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", naps.append)
        with pytest.raises(AwsError) as caught:
            work.deploy(work.function("two"))
    assert caught.value.message == "function `api` does not become ready"
    # Soon at first, then less often; ten minutes in all.
    assert naps[0] <= 0.1
    assert max(naps) <= 3.0
    assert 250 < sum(naps) <= 610
    assert work.proxy.mutations == ["CreateFunction"]


# Trying again, and not twice.

CHANGES = {
    "PublishLayerVersion",
    "UpdateFunctionConfiguration",
    "UpdateFunctionCode",
    "PublishVersion",
    "CreateAlias",
}


def everything(work: Work, says: str = "two") -> tuple[DesiredLayer, DesiredFunction]:
    return (
        work.layer(says),
        work.function(says, layers=("deps",), publish=True, alias="live"),
    )


@pytest.mark.parametrize("fault", [THROTTLED, INTERNAL, CONFLICT, CUT_AFTER], ids=str)
@pytest.mark.parametrize("operation", sorted(CHANGES))
def test_what_fails_by_accident_is_done_once(work: Work, operation: str, fault: Fault) -> None:
    """D12: also when AWS has done it and its answer was lost: then it is found done."""
    work.deploy(work.function())
    parts = everything(work)
    work.proxy.forget()
    work.proxy.inject(fault, operation=operation, attempts=None)
    done = work.deploy(*parts)
    assert set(work.proxy.mutations) == CHANGES
    assert done.functions[0].version == 1
    assert list(work.account.versions("api")) == [1]
    assert list(work.account.layer_versions("deps")) == [1]
    assert work.is_done(*parts)
    again = 1 if fault is CUT_AFTER else 2
    assert work.proxy.mutations.count(operation) == again


@pytest.mark.parametrize("fault", [THROTTLED, INTERNAL, CUT_AFTER], ids=str)
def test_a_function_is_created_once(work: Work, fault: Fault) -> None:
    wanted = work.function(publish=True)
    work.proxy.inject(fault, operation="CreateFunction", attempts=None)
    (done,) = work.deploy(wanted).functions
    assert done.arn == "arn:aws:lambda:eu-west-1:123456789012:function:api"
    assert work.is_done(wanted)


@pytest.mark.parametrize("fault", [ACCESS_DENIED, EXPIRED], ids=str)
def test_what_fails_for_good_is_not_tried_again(work: Work, fault: Fault) -> None:
    work.deploy(work.function())
    work.proxy.forget()
    for at in range(3):
        work.proxy.inject(fault, operation="UpdateFunctionCode", attempts=None, at=at)
    with pytest.raises(AwsError, match="cannot update the code of function `api`"):
        work.deploy(work.function("two"))
    assert work.proxy.mutations == ["UpdateFunctionCode"]


def test_trying_ends(work: Work) -> None:
    """Some two minutes of conflicts."""
    import time

    work.deploy(work.function())
    for at in range(200):
        work.proxy.inject(CONFLICT, operation="UpdateFunctionCode", attempts=None, at=at)
    with pytest.MonkeyPatch.context() as patch:
        naps: list[float] = []
        patch.setattr(time, "sleep", naps.append)
        with pytest.raises(AwsError) as caught:
            work.deploy(work.function("two"))
    assert caught.value.code == "ResourceConflictException"
    assert 45 < sum(naps) < 130


# Others at work.


def test_changes_are_guarded_by_revision(work: Work) -> None:
    work.deploy(work.function(), work.layer("zero", "other"))
    readings = iter(range(1000))

    def revised(parsed: dict[str, Any]) -> None:
        parsed["RevisionId"] = f"revision {next(readings)}"

    for operation in ("GetFunctionConfiguration", "UpdateFunctionConfiguration", "UpdateFunctionCode"):  # fmt: skip
        work.tell(operation, revised)
    # The stand-in compares them with its own, and knows nothing of these.
    guards: list[str | None] = []

    def unguarded(params: dict[str, Any], **_: Any) -> None:
        guards.append(params.pop("RevisionId", None))

    for operation in ("UpdateFunctionConfiguration", "UpdateFunctionCode", "PublishVersion"):
        work.client.changes.meta.events.register(
            f"provide-client-params.lambda.{operation}", unguarded
        )
    work.deploy(*everything(work))
    assert len(guards) == 3
    assert all(one is not None and one.startswith("revision ") for one in guards)


def test_somebody_elses_code_is_not_overwritten(work: Work) -> None:
    """It came between looking and changing."""
    work.deploy(work.function())
    theirs = work.function("theirs")

    def interfere() -> None:
        work.account.functions.update_function_code(
            FunctionName="api", ZipFile=theirs.path.read_bytes()
        )

    with pytest.raises(AwsError) as caught:
        work.deploy(work.function("two"), between=interfere)
    assert caught.value.message == "somebody else changed function `api` meanwhile"
    assert work.account.configuration("api")["CodeSha256"] == theirs.code_sha256


def test_somebody_elses_configuration_is_left_alone(work: Work) -> None:
    """Memory and variables are not Wherry's, and no reason to stop."""
    work.deploy(work.function())

    def interfere() -> None:
        work.account.functions.update_function_configuration(FunctionName="api", MemorySize=512)

    wanted = work.function("two")
    work.deploy(wanted, between=interfere)
    found = work.account.configuration("api")
    assert (found["MemorySize"], found["CodeSha256"]) == (512, wanted.code_sha256)


def test_somebody_who_did_the_same(work: Work) -> None:
    """Two deployments at once: the later one finds it done."""
    work.deploy(work.function())
    wanted = work.function("two")

    def interfere() -> None:
        work.account.functions.update_function_code(
            FunctionName="api", ZipFile=wanted.path.read_bytes()
        )

    work.proxy.forget()
    work.deploy(wanted, between=interfere)
    assert work.proxy.mutations == []


def test_an_alias_that_somebody_else_has_moved_stays(work: Work) -> None:
    for says in ("one", "two"):
        work.deploy(work.function(says, publish=True, alias="live"))

    def interfere() -> None:
        work.account.functions.update_alias(
            FunctionName="api", Name="live", FunctionVersion="1", Description="back"
        )

    precondition = Fault(name="precondition", status=412, code="PreconditionFailedException")
    work.proxy.inject(precondition, operation="UpdateAlias", at=1, attempts=None)
    with pytest.raises(AwsError) as caught:
        work.deploy(work.function("three", publish=True, alias="live"), between=interfere)
    assert caught.value.message == "somebody else changed alias `live` of function `api` meanwhile"
    assert work.account.alias("api", "live")[0] == "1"


# Several at once.


def test_all_failures_are_told_and_the_others_go_on(work: Work) -> None:
    names = ("a", "b", "c")
    work.deploy(*(work.function(name=name) for name in names))

    def refuse(call: Call) -> bool:
        return call.operation == "UpdateFunctionCode" and "/c/" not in call.path

    work.proxy.inject_everywhere(ACCESS_DENIED, where=refuse)
    parts = [work.function("two", name=name) for name in names]
    with pytest.raises(AwsError) as caught:
        work.deploy(*parts)
    assert caught.value.message == "2 parts of the deployment failed"
    lines = list(caught.value.where)
    assert lines[0] == "cannot update the code of function `a`"
    assert lines[2] == "cannot update the code of function `b`"
    assert all(lines[n].startswith("UpdateFunctionCode: AccessDeniedException:") for n in (1, 3))
    assert work.account.configuration("c")["CodeSha256"] == parts[2].code_sha256


def test_functions_wait_for_their_layers(work: Work) -> None:
    """A layer that fails leaves all functions as they are."""
    work.deploy(work.function())
    work.proxy.forget()
    work.proxy.inject(ACCESS_DENIED, operation="PublishLayerVersion", attempts=None)
    with pytest.raises(AwsError, match="cannot publish layer `deps`"):
        work.deploy(*everything(work))
    assert work.proxy.mutations == ["PublishLayerVersion"]


# Too much at once.


def test_the_order_changes_where_the_sum_is_too_big_for_a_moment(work: Work) -> None:
    """What moves from the code into a layer is in both for a moment."""
    work.deploy(work.function())
    refused: list[str] = []

    def refuse(request: Any, **_: Any) -> Any:
        if refused:
            return None
        refused.append(request.url)
        body = b'{"Type": "User", "Message": "Unzipped size must be smaller than 262144000 bytes"}'
        headers = HTTPHeaders()
        headers["x-amzn-errortype"] = "InvalidParameterValueException"
        return AWSResponse(request.url, 400, headers, Raw(body))

    work.client.changes.meta.events.register(
        "before-send.lambda.UpdateFunctionConfiguration", refuse
    )
    work.proxy.forget()
    parts = everything(work)
    work.deploy(*parts)
    assert refused
    assert work.proxy.mutations == [
        "PublishLayerVersion",
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
        "PublishVersion",
        "CreateAlias",
    ]
    assert work.is_done(*parts)


# Through a bucket.


@with_bucket
def test_packages_are_out_of_the_bucket_before_what_follows(work: Work) -> None:
    """D7: so an interrupted deployment that left one there has something to do, and looks."""
    work.deploy(*everything(work, "one"))
    order = [
        (one.operation, "deps" if "deps" in one.path or "deps" in str(one.body) else "api")
        for one in work.proxy.calls
        if one.operation in CHANGES | {"CreateFunction", "PutObject", "DeleteObject"}
    ]
    assert order == [
        ("PutObject", "deps"),
        ("PublishLayerVersion", "deps"),
        ("DeleteObject", "deps"),
        ("PutObject", "api"),
        ("CreateFunction", "deps"),
        ("DeleteObject", "api"),
        ("PublishVersion", "api"),
        ("CreateAlias", "api"),
    ]
    assert work.account.objects(BUCKET) == []


@with_bucket
def test_the_package_of_a_layer_stays_while_its_lock_is_not_kept(work: Work) -> None:
    """A9: the next run knows by it."""
    lock = work.folder / "uv.lock"
    lock.write_text("")
    # The first object is the package, the second the lock.
    work.proxy.inject(EXPIRED, operation="PutObject", at=1, attempts=None)
    with pytest.raises(AwsError, match="cannot keep the lock of layer `deps`"):
        work.deploy(work.layer(), lock=lock)
    assert list(work.account.layer_versions("deps")) == [1]
    (key,) = work.account.objects(BUCKET)
    assert key.startswith("uploads/deps/")


@with_bucket
def test_what_cannot_be_removed_at_first_is_tried_once_more(work: Work) -> None:
    work.proxy.inject(EXPIRED, operation="DeleteObject", attempts=None)
    work.deploy(work.function())
    assert work.account.objects(BUCKET) == []
    assert not [text for text in work.heard.texts() if "was not removed" in text]
    for at in range(2):
        work.proxy.inject(ACCESS_DENIED, operation="DeleteObject", attempts=None, at=2 + at)
    work.deploy(work.function("two"))
    assert len(work.account.objects(BUCKET)) == 1
    assert [text for text in work.heard.texts() if "was not removed" in text]
