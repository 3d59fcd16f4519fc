"""Deployments that are interrupted, at every call and in every way, and run again.

Whatever happened: running again ends in the desired state, nothing is left to do, nothing was made twice and nothing
lies about in the bucket.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.aws_faults import (
    ACCESS_DENIED,
    CONFLICT,
    CUT_AFTER,
    CUT_BEFORE,
    ERRORS,
    EXPIRED,
    INTERNAL,
    KILL_AFTER,
    KILL_BEFORE,
    THROTTLED,
    UNAVAILABLE,
    Call,
    Fault,
    serve_faults,
)
from support.command import Wherry
from support.deployments import ALIAS, BUCKET, FUNCTION, LAYER, Site, make_site
from support.forks import Forks, serve_forks
from support.index import serve_index
from support.matrices import pairs, some
from support.zips import zip_bytes

if TYPE_CHECKING:
    from support.moto import Moto

OLD = {"shop/api.py": "def handler(event, context):\n    return 'old'\n"}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A project that is built, and zips of what may stand on AWS before.

    Attributes:
        site: the project.
        moto: where its account is.
        forks: starts processes that may be killed.
        digests: AWS's hashes of the packages, by their names.
        old: another function's zip.
        foreign: another layer's zip.
    """

    site: Site
    moto: Moto
    forks: Forks
    digests: dict[str, str]
    old: bytes
    foreign: bytes


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, moto: Moto) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "shop").mkdir()
    wherry = Wherry(store=folder / "store", cwd=folder / "shop")
    account = moto.account()
    with serve_index() as index, serve_faults(account.url) as proxy, serve_forks() as forks:
        site = make_site(wherry, account, index, proxy, bucket=f"s3://{BUCKET}/wherry")
        site.write(role=account.role())
        yield Prepared(
            site=site,
            moto=moto,
            forks=forks,
            digests=site.build(),
            old=zip_bytes(OLD),
            foreign=zip_bytes({"python/other.py": ""}),
        )


pytestmark = pytest.mark.usefixtures("in_haste")


@dataclass(frozen=True, kw_only=True)
class Before:
    """What stands on AWS before a deployment.

    Attributes:
        function: ``missing``, with ``other`` code, or with the ``same``.
        versions: how many of the function are published.
        alias: the version that it stands at; 0 for no alias.
        canary: whether the alias sends a share of the calls to another version.
        layer: the versions of the layer: ``old``, ``same``, ``other`` for the same content made for another
            runtime, or ``deleted`` for one that is gone.
        attached: what the function takes: ``old`` and ``same`` of the layer, and ``foreign`` ones.
        left: packages that somebody left in the bucket.
    """

    function: str = "other"
    versions: int = 0
    alias: int = 0
    canary: bool = False
    layer: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def prepare(prepared: Prepared, before: Before) -> Found:
    """An account in which things are so."""
    prepared.moto.reset()
    account, storage = prepared.site.account, prepared.site.account.storage
    account.role()
    account.bucket(BUCKET, versioned=True)
    packages = {
        path.stem: path.read_bytes() for path in (prepared.site.root / "dist/lambda").iterdir()
    }
    arns, deleted = {}, []
    if "foreign" in before.attached:
        arns["foreign"] = account.layer("foreign", prepared.foreign)
    for kind in before.layer:
        arn = account.layer(
            LAYER,
            packages["dependencies"] if kind in {"same", "other"} else prepared.foreign,
            CompatibleRuntimes=["python3.12" if kind == "other" else "python3.13"],
            CompatibleArchitectures=["x86_64"],
        )
        arns[kind] = arn
        if kind == "deleted":
            deleted.append(int(arn.rpartition(":")[2]))
    if before.function != "missing":
        code = prepared.old if before.function == "other" else packages["api"]
        attached = [arns[kind] for kind in before.attached if kind in arns]
        account.function(FUNCTION, prepared.old if before.versions else code, Layers=attached)
        _publish(prepared, before, code)
    # A function keeps the layer versions that it took.
    for version in deleted:
        account.functions.delete_layer_version(LayerName=LAYER, VersionNumber=version)
    for package in before.left:
        name = {"api": FUNCTION, "dependencies": LAYER}[package]
        digest = hashlib.sha256(packages[package]).hexdigest()
        key = f"wherry/uploads/{name}/{digest}.zip"
        storage.put_object(Bucket=BUCKET, Key=key, Body=packages[package])
    prepared.site.proxy.forget()
    return _look(prepared)


def _publish(prepared: Prepared, before: Before, code: bytes) -> None:
    functions = prepared.site.account.functions
    for number in range(before.versions):
        last = number == before.versions - 1
        functions.update_function_code(
            FunctionName=FUNCTION, ZipFile=code if last else prepared.old
        )
        functions.update_function_configuration(
            FunctionName=FUNCTION, Description=f"number {number}"
        )
        functions.publish_version(FunctionName=FUNCTION)
    numbers = sorted(prepared.site.account.versions(FUNCTION))
    if numbers and before.alias:
        at = numbers[min(before.alias, len(numbers)) - 1]
        weights = {str(number): 0.1 for number in numbers if number != at}
        routing = {"AdditionalVersionWeights": weights} if before.canary else {}
        functions.create_alias(
            FunctionName=FUNCTION, Name=ALIAS, FunctionVersion=str(at), RoutingConfig=routing
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was there before, to be compared with what is there afterwards.

    Attributes:
        layers: versions of the layer, and their contents' hashes.
        runtimes: of the latest of them.
        versions: of the function, and their codes' hashes.
        foreign: layers that the function takes and that are not the project's.
    """

    layers: dict[int, str]
    runtimes: tuple[str, ...]
    versions: dict[int, str]
    foreign: tuple[str, ...]


def _look(prepared: Prepared) -> Found:
    account = prepared.site.account
    functions = account.functions
    try:
        attached = account.layers_of(FUNCTION)
        versions = account.versions(FUNCTION)
    except functions.exceptions.ResourceNotFoundException:
        attached, versions = [], {}
    layers = account.layer_versions(LAYER)
    runtimes = []
    if layers:
        latest = functions.get_layer_version(LayerName=LAYER, VersionNumber=max(layers))
        runtimes = latest["CompatibleRuntimes"]
    return Found(
        layers=layers,
        runtimes=tuple(runtimes),
        versions=versions,
        foreign=tuple(arn for arn in attached if f":layer:{LAYER}:" not in arn),
    )


def check(prepared: Prepared, before: Found, *, said: str = "", tolerant: bool = False) -> None:
    """The desired state, with nothing made twice and nothing left behind.

    Args:
        prepared: the project.
        before: what was there.
        said: by the deployments.
        tolerant: of packages in the bucket.
    """
    account, digests = prepared.site.account, prepared.digests
    at, weights = account.alias(FUNCTION, ALIAS)
    assert not weights
    layers = account.layer_versions(LAYER)
    for qualifier in (None, at):
        found = account.configuration(FUNCTION, qualifier)
        assert found["CodeSha256"] == digests["api"]
        arns = [layer["Arn"] for layer in found.get("Layers", [])]
        own = [arn for arn in arns if f":layer:{LAYER}:" in arn]
        assert [layers[int(arn.rpartition(":")[2])] for arn in own] == [digests["dependencies"]]
        assert tuple(arn for arn in arns if arn not in own) == before.foreign
    made = [layers[number] for number in layers.keys() - before.layers.keys()]
    latest = before.layers[max(before.layers)] if before.layers else None
    there = latest == digests["dependencies"] and before.runtimes == ("python3.13",)
    assert made == ([] if there else [digests["dependencies"]])
    published = account.versions(FUNCTION)
    fresh = [published[number] for number in published.keys() - before.versions.keys()]
    assert fresh in ([], [digests["api"]])
    objects = account.objects(BUCKET)
    # Who may not take a package away is told so; `wherry prune` comes by later.
    if not tolerant and "was not removed" not in said:
        assert [key for key in objects if key.endswith(".zip")] == []
    assert account.uploads(BUCKET) == []
    # Who may not write the lock is told so once.
    if made and f"the lock of `{LAYER}` version {max(layers)} is not kept" not in said:
        assert f"wherry/{LAYER}/{max(layers):06}/pylock.toml" in objects
        assert f"wherry/{LAYER}/last-pylock.toml" in objects


def finish(prepared: Prepared, before: Found, *, said: str = "", tolerant: bool = False) -> None:
    """Run again, undisturbed; then there is nothing left to do."""
    site = prepared.site
    site.proxy.forget()
    done = site.deploy("--no-build")
    check(prepared, before, said=said + done.err, tolerant=tolerant)
    site.plan("--no-build")


CREATE = Before(function="missing")
UPDATE = Before(function="other", versions=1, alias=1, layer=("old",), attached=("foreign", "old"))
BOTH = pytest.mark.parametrize("before", [CREATE, UPDATE], ids=["create", "update"])
# What passes, if one waits and looks.
PASSING = [THROTTLED, INTERNAL, UNAVAILABLE, CONFLICT, CUT_BEFORE, CUT_AFTER]


@BOTH
def test_undisturbed(prepared: Prepared, before: Before) -> None:
    found = prepare(prepared, before)
    finish(prepared, found)
    prepared.site.proxy.forget()
    prepared.site.deploy("--no-build")
    assert prepared.site.proxy.mutations == []


@pytest.mark.parametrize(("before", "fault"), pairs(product([CREATE, UPDATE], PASSING)), ids=str)
def test_every_call_fails_at_first(prepared: Prepared, before: Before, fault: Fault) -> None:
    """D12 and more: it is waited out, and what was done although the answer was lost is not done again."""
    found = prepare(prepared, before)
    # Only what changes a function meets another change of it.
    prepared.site.proxy.inject_everywhere(
        fault,
        where=lambda call: fault is not CONFLICT or (call.mutates and call.service == "lambda"),
    )
    done = prepared.site.deploy("--no-build")
    assert {call.status for call in prepared.site.proxy.calls} >= {200, fault.status}
    check(prepared, found, said=done.err)
    finish(prepared, found)


def each_call(
    prepared: Prepared, before: Before, fault: Fault, *, attempts: int | None, every: int = 1
) -> Iterator[tuple[str, Found]]:
    """The account as it was, with a fault at each of the calls of a deployment in turn, or only at every third, say."""
    prepare(prepared, before)
    prepared.site.deploy("--no-build")
    operations = prepared.site.proxy.operations
    assert len(operations) > 6
    for number, operation in list(enumerate(operations))[::every]:
        found = prepare(prepared, before)
        prepared.site.proxy.inject(fault, at=number, attempts=attempts)
        yield f"{fault} at {number} {operation}", found


@pytest.mark.parametrize(
    ("before", "fault", "every"),
    [
        pytest.param(CREATE, KILL_BEFORE, 1, marks=pytest.mark.real, id="create-before"),
        pytest.param(CREATE, KILL_AFTER, 1, marks=pytest.mark.real, id="create-after"),
        pytest.param(UPDATE, KILL_BEFORE, 1, marks=pytest.mark.real, id="update-before"),
        pytest.param(UPDATE, KILL_AFTER, 1, marks=pytest.mark.real, id="update-after"),
        pytest.param(UPDATE, KILL_AFTER, 4, id="update-after-some"),
    ],
)
def test_killed_at_every_call(prepared: Prepared, before: Before, fault: Fault, every: int) -> None:
    killed = 0
    for _, found in each_call(prepared, before, fault, attempts=1, every=every):
        killed += prepared.site.deploy_killed(prepared.forks, "--no-build") == -9
        finish(prepared, found)
    assert killed > 6 // every


@pytest.mark.parametrize(
    "fault",
    some([EXPIRED, ACCESS_DENIED, CUT_BEFORE, THROTTLED], of=()),
    ids=str,
)
def test_every_call_fails_for_good(prepared: Prepared, fault: Fault) -> None:
    """One clear error with AWS's own words, exit 1, no traceback; and the next run goes on from there."""
    for where, found in each_call(prepared, UPDATE, fault, attempts=None):
        done = prepared.site.deploy("--no-build", code=None)
        if done.code:
            assert done.code == 1
            assert done.err.count("error: ") == 1, f"{where}:\n{done.err}"
            assert "╰─▶" in done.error, f"{where}:\n{done.err}"
            if fault in {EXPIRED, ACCESS_DENIED}:
                assert "hint: " in done.error, f"{where}:\n{done.err}"
        finish(prepared, found, said=done.err)


@pytest.mark.real
@pytest.mark.parametrize("fault", [*ERRORS, CUT_BEFORE, CUT_AFTER], ids=str)
def test_every_call_fails_once(prepared: Prepared, fault: Fault) -> None:
    for where, found in each_call(prepared, UPDATE, fault, attempts=1):
        done = prepared.site.deploy("--no-build", code=None)
        if fault in PASSING and fault is not CONFLICT:
            assert done.code == 0, f"{where}:\n{done.err}"
            check(prepared, found, said=done.err)
        finish(prepared, found, said=done.err)


@pytest.mark.parametrize("every", some([1, 3], of=[3]))
def test_somebody_else_changes_the_function_meanwhile(prepared: Prepared, every: int) -> None:
    """Between looking and changing, at every call: what they did stays."""
    site = prepared.site
    prepare(prepared, UPDATE)
    site.deploy("--no-build")
    for number, operation in list(enumerate(site.proxy.operations))[::every]:
        found = prepare(prepared, UPDATE)
        site.proxy.before = partial(interfere, prepared, number)
        try:
            done = site.deploy("--no-build", code=None)
        finally:
            site.proxy.before = lambda _: None
        assert done.code in {0, 1}, operation
        finish(prepared, found, said=done.err)
        assert site.account.configuration(FUNCTION)["Description"] == f"theirs {number}"


def interfere(prepared: Prepared, number: int, call: Call) -> None:
    """Change the function when this call comes."""
    if (call.number, call.attempt) == (number, 1):
        prepared.site.account.functions.update_function_configuration(
            FunctionName=FUNCTION, Description=f"theirs {number}"
        )


states = st.builds(
    Before,
    function=st.sampled_from(["missing", "other", "same"]),
    versions=st.integers(0, 2),
    alias=st.integers(0, 2),
    canary=st.booleans(),
    layer=st.lists(st.sampled_from(["old", "same", "other", "deleted"]), max_size=3).map(tuple),
    attached=st.lists(st.sampled_from(["old", "same", "foreign", "deleted"]), max_size=3, unique=True).map(tuple),
    left=st.lists(st.sampled_from(["api", "dependencies"]), max_size=2, unique=True).map(tuple),
)  # fmt: skip
faults = st.lists(
    st.tuples(
        st.sampled_from([*ERRORS, CUT_BEFORE, CUT_AFTER, KILL_BEFORE, KILL_AFTER]),
        st.integers(0, 20),
        st.sampled_from([1, 2, None]),
    ),
    max_size=3,
)


@given(before=states, injected=faults)
@settings(
    max_examples=int(os.environ.get("WHERRY_FUZZ", "10")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_apply_then_plan_is_empty(
    prepared: Prepared, before: Before, injected: list[tuple[Fault, int, int | None]]
) -> None:
    """Wherever it begins and whatever goes wrong on the way."""
    found = prepare(prepared, before)
    # A deployment that has nothing to do does not look into the bucket, and who may not list the versions of an
    # object takes away only the one that it knows; `wherry prune` finds the rest.
    tolerant = bool(before.left) and (
        any(fault is ACCESS_DENIED for fault, _, _ in injected)
        or prepared.site.plan("--no-build", code=None).code == 0
    )
    prepared.site.proxy.forget()
    for fault, number, attempts in injected:
        prepared.site.proxy.inject(fault, at=number, attempts=attempts)
    said = ""
    if any(fault.kills for fault, _, _ in injected):
        code = prepared.site.deploy_killed(prepared.forks, "--no-build")
        assert code in {0, 1, -9}
    else:
        done = prepared.site.deploy("--no-build", code=None)
        assert done.code == 0 or (injected and done.code == 1), done.err
        said = done.err
    finish(prepared, found, said=said, tolerant=tolerant)
