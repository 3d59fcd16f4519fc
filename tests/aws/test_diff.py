"""The pure part: what is to be done, from what is and what should be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from support.desired import desired_function, desired_layer
from wherry.aws.actions import (
    Action,
    CreateAlias,
    CreateFunction,
    MoveAlias,
    PublishLayer,
    PublishVersion,
    ShareLayer,
    UpdateCode,
    UpdateConfiguration,
)
from wherry.aws.attached import arrange_layers
from wherry.aws.diff import diff
from wherry.aws.model import (
    Desired,
    DesiredFunction,
    DesiredLayer,
    LayerRef,
    NewVersion,
    Observed,
    ObservedAlias,
    ObservedFunction,
    ObservedLayer,
    ObservedVersion,
    Snapshot,
)
from wherry.aws.plan import Plan
from wherry.aws.promote import plan_promotion
from wherry.errors import DeployError

ACCOUNT, REGION = "123456789012", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/function"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"


def arn(layer: str, version: int, *, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:lambda:{region}:{account}:layer:{layer}:{version}"


THEIRS = arn("theirs", 4)
FOREIGN = arn("deps", 9, account="999999999999")


def layer(name: str = "deps", content: str = "a", **more: Any) -> DesiredLayer:
    return desired_layer(name, content, **more)


def function(name: str = "api", content: str = "a", **more: Any) -> DesiredFunction:
    return desired_function(name, content, **{"owned": frozenset({"deps", "base"}), **more})


def snapshot(content: str = "a", layers: tuple[LayerRef, ...] = (), **more: Any) -> Snapshot:
    given: dict[str, Any] = {
        "code_sha256": content,
        "layers": layers,
        "runtime": "python3.13",
        "handler": "shop.api.handler",
        "architecture": "x86_64",
    }
    return Snapshot(**given | more)


def there(latest: Snapshot | None = None, name: str = "api", **more: Any) -> ObservedFunction:
    return ObservedFunction(aws_name=name, arn=FUNCTION + name, latest=latest or snapshot(), **more)


def version(number: int, what: Snapshot) -> ObservedVersion:
    return ObservedVersion(number=number, snapshot=what)


def known(name: str = "deps", number: int = 1, content: str = "a", **more: Any) -> ObservedLayer:
    given: dict[str, Any] = {
        "runtimes": ("python3.13",),
        "architectures": ("x86_64",),
        **more,
    }
    return ObservedLayer(aws_name=name, arn=arn(name, number), code_sha256=content, **given)


def planned(
    *functions: DesiredFunction,
    layers: tuple[DesiredLayer, ...] = (),
    on_aws: tuple[ObservedFunction, ...] = (),
    layers_on_aws: tuple[ObservedLayer, ...] = (),
    **more: Any,
) -> Plan:
    desired = Desired(stage="staging", layers=layers, functions=functions, **more)
    observed = Observed(
        functions={one.aws_name: one for one in on_aws},
        layers={one.aws_name: one for one in layers_on_aws},
    )
    return diff(desired, observed)


def kinds(plan: Plan) -> list[str]:
    return [type(action).__name__ for action in plan.actions]


def only(plan: Plan) -> Any:
    (action,) = plan.actions
    return action


# Layers.


def test_a_layer_that_is_there_is_taken() -> None:
    """A6: its ARN is used; nothing is uploaded."""
    plan = planned(layers=(layer(),), layers_on_aws=(known(number=7),))
    assert not plan
    assert plan.layers[0].version == arn("deps", 7)


@pytest.mark.parametrize(
    ("on_aws", "why"),
    [
        ((), ("there is no version",)),
        ((known(content="b"),), ("content",)),
        ((known(runtimes=("python3.12",)),), ("runtimes",)),
        ((known(architectures=("x86_64", "arm64")),), ("architectures",)),
        ((known(content="b", runtimes=()),), ("content", "runtimes")),
    ],
)
def test_a_layer_that_differs_is_published(on_aws: tuple[ObservedLayer, ...], why: Any) -> None:
    """A7, D11: for content, runtimes or architectures alone too; and when the version is gone."""
    action = only(planned(layers=(layer(),), layers_on_aws=on_aws))
    assert isinstance(action, PublishLayer)
    assert action.why == why


def test_the_order_of_runtimes_is_no_difference() -> None:
    one = layer(runtimes=("python3.12", "python3.13"))
    assert not planned(layers=(one,), layers_on_aws=(known(runtimes=("python3.13", "python3.12")),))


def test_a_layer_is_shared_with_whom_it_is_not_yet() -> None:
    """A10."""
    wanted = layer(share=("111111111111", "o-abc1234567"))
    plan = planned(layers=(wanted,), layers_on_aws=(known(shared=("111111111111",)),))
    assert plan.actions == (ShareLayer(version=arn("deps", 1), principal="o-abc1234567"),)


def test_a_new_version_is_shared_with_all() -> None:
    """A10: permissions are a version's own."""
    wanted = layer(share=("111111111111", "o-abc1234567"))
    plan = planned(layers=(wanted,), layers_on_aws=(known(content="b", shared=("111111111111",)),))
    assert kinds(plan) == ["PublishLayer", "ShareLayer", "ShareLayer"]
    assert {action.version for action in plan.actions[1:]} == {NewVersion(layer="deps")}  # type: ignore[attr-defined]


# Where layers go.

NEW = NewVersion(layer="deps")


@pytest.mark.parametrize(
    ("current", "wanted", "result"),
    [
        ([], [NEW], [NEW]),
        # A new version stands where the old one stood.
        ([THEIRS, arn("deps", 1), FOREIGN], [NEW], [THEIRS, NEW, FOREIGN]),
        # What nobody of ours is stays in its place, and what is new comes last.
        ([THEIRS, FOREIGN], [NEW], [THEIRS, FOREIGN, NEW]),
        # D9: a layer of ours that is no more wanted goes.
        ([THEIRS, arn("deps", 1), FOREIGN], [], [THEIRS, FOREIGN]),
        ([arn("base", 1), THEIRS, arn("deps", 1)], [NEW], [NEW, THEIRS]),
        # More than there were places: after the last of them.
        ([arn("deps", 1), FOREIGN], [arn("base", 1), NEW], [arn("base", 1), NEW, FOREIGN]),
        # D8: supplemental layers in the order of the settings, wherever they stood.
        ([arn("two", 1), THEIRS, arn("one", 1)], [arn("one", 2), arn("two", 1)], [arn("one", 2), THEIRS, arn("two", 1)]),
        # The same name in another account or region is somebody else's.
        ([FOREIGN, arn("deps", 1, region="us-east-1")], [NEW], [FOREIGN, arn("deps", 1, region="us-east-1"), NEW]),
    ],
)  # fmt: skip
def test_where_layers_go(
    current: list[str], wanted: list[LayerRef], result: list[LayerRef]
) -> None:
    """D8, D9: other people's layers keep their places."""
    owned = frozenset({"deps", "base"})
    assert (
        list(
            arrange_layers(
                current, wanted, owned=owned.__contains__, account=ACCOUNT, region=REGION
            )
        )
        == result
    )


own = st.sampled_from([arn(name, number) for name in ("deps", "base") for number in (1, 2)])
foreign = st.sampled_from([THEIRS, FOREIGN, arn("third", 1)])


@given(
    current=st.lists(st.one_of(own, foreign), unique=True, max_size=5),
    wanted=st.lists(st.one_of(own, st.just(NEW)), unique=True, max_size=3),
)
def test_layers_are_placed_once_and_for_all(current: list[str], wanted: list[LayerRef]) -> None:
    """D8: all that is wanted, in its order; others untouched, in theirs; and a second time changes nothing."""
    owned = frozenset({"deps", "base"})

    def arrange(layers: list[Any]) -> list[LayerRef]:
        return list(
            arrange_layers(layers, wanted, owned=owned.__contains__, account=ACCOUNT, region=REGION)
        )

    result = arrange(current)
    others = [one for one in current if one in (THEIRS, FOREIGN, arn("third", 1))]
    assert [one for one in result if one in others] == others
    assert [one for one in result if one not in others] == wanted
    if NEW not in wanted:
        assert arrange(result) == result


# Functions.


def test_what_is_so_already_needs_nothing() -> None:
    """N1, D3."""
    one = function(layers=("deps", THEIRS))
    at = there(snapshot(layers=(arn("deps", 1), THEIRS)))
    assert not planned(one, layers=(layer(),), on_aws=(at,), layers_on_aws=(known(),))


def test_code_alone() -> None:
    """D4."""
    action = only(planned(function(), on_aws=(there(snapshot("b")),)))
    assert isinstance(action, UpdateCode)
    assert (action.why, action.architecture) == (("code",), None)


def test_layers_alone() -> None:
    """D4: a changed dependency publishes a layer and updates the configuration, and nothing else."""
    plan = planned(
        function(layers=("deps",)),
        layers=(layer(),),
        on_aws=(there(snapshot(layers=(arn("deps", 1),))),),
        layers_on_aws=(known(content="b"),),
    )
    assert kinds(plan) == ["PublishLayer", "UpdateConfiguration"]
    assert plan.actions[1].layers == (NEW,)  # type: ignore[attr-defined]


@pytest.mark.parametrize("manage", [("code",), ("code", "handler")], ids="+".join)
def test_a_handler_in_the_spelling_of_other_tools(manage: tuple[str, ...]) -> None:
    """Lambda takes `shop/api.handler` for `shop.api.handler`: there is nothing to change."""
    there_ = there(snapshot(handler="shop/api.handler"))
    plan = planned(function(manage=frozenset(manage)), on_aws=(there_,))
    assert not plan
    assert plan.warnings == ()


def test_what_is_not_managed_stays() -> None:
    """The rest is Terraform's, CDK's or SAM's; it is told that they differ."""
    theirs = snapshot(handler="theirs.handler", layers=(THEIRS,))
    plan = planned(function(), on_aws=(there(theirs),))
    assert not plan
    assert [text.split(":")[0] for text in plan.warnings] == [
        "function `api` has the handler theirs.handler, and the package's is shop.api.handler",
    ]
    assert not planned(
        function(content="b", manage=frozenset({"layers"})), on_aws=(there(snapshot()),)
    )
    assert not planned(
        function(layers=(THEIRS,), manage=frozenset({"code"})), on_aws=(there(snapshot()),)
    )


def test_callers_of_managed_instances_get_no_latest() -> None:
    on_instances: dict[str, Any] = {
        "CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": {}}
    }
    current = there(snapshot(content="old"), configuration=on_instances)
    assert "get $LATEST.PUBLISHED" in planned(function(), on_aws=(current,)).warnings[0]
    assert planned(function(publish=True, alias="live"), on_aws=(current,)).warnings == ()
    current = there(configuration=on_instances)
    assert planned(function(), on_aws=(current,)).warnings == ()


def test_what_is_managed_is_changed() -> None:
    every = frozenset({"code", "layers", "handler", "runtime", "architecture"})
    theirs = snapshot(runtime="python3.12", handler="theirs.handler", architecture="arm64")
    plan = planned(function(manage=every), on_aws=(there(theirs),))
    code, configuration = sorted(plan.actions, key=lambda action: type(action).__name__)
    assert isinstance(code, UpdateCode)
    assert (code.why, code.architecture) == (("arm64 → x86_64",), "x86_64")
    assert isinstance(configuration, UpdateConfiguration)
    assert configuration.why == (
        "handler theirs.handler → shop.api.handler",
        "runtime python3.12 → python3.13",
    )
    assert (configuration.layers, configuration.handler, configuration.runtime) == (
        None,
        "shop.api.handler",
        "python3.13",
    )
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("before", "wanted", "order"),
    [
        ((), ("deps",), ["UpdateConfiguration", "UpdateCode"]),
        ((arn("deps", 1),), (), ["UpdateCode", "UpdateConfiguration"]),
        ((arn("deps", 8),), ("deps",), ["UpdateConfiguration", "UpdateCode"]),
        ((arn("base", 1), arn("deps", 1)), ("deps",), ["UpdateCode", "UpdateConfiguration"]),
    ],
)
def test_layers_are_there_before_code_needs_them_and_until_it_does_not(
    before: tuple[str, ...], wanted: tuple[str, ...], order: list[str]
) -> None:
    """A call in between finds what it imports."""
    plan = planned(
        function(layers=wanted),
        layers=(layer(),) if wanted else (),
        on_aws=(there(snapshot("b", before)),),
        layers_on_aws=(known(),),
    )
    assert kinds(plan) == order


def test_a_missing_function_is_made_when_there_is_a_role() -> None:
    """D2: with its layers at once."""
    plan = planned(
        function(role=ROLE, layers=("deps", THEIRS), alias="live", publish=True),
        layers=(layer(),),
    )
    assert kinds(plan) == ["PublishLayer", "CreateFunction", "PublishVersion", "CreateAlias"]
    assert plan.actions[1].layers == (NEW, THEIRS)  # type: ignore[attr-defined]


# Versions and aliases.


def test_a_version_is_published_and_the_alias_moved() -> None:
    at = there(
        snapshot("b"),
        versions=(version(1, snapshot("b")),),
        aliases=(ObservedAlias(name="live", version=1, revision="a1"),),
    )
    plan = planned(function(publish=True, alias="live"), on_aws=(at,))
    assert kinds(plan) == ["UpdateCode", "PublishVersion", "MoveAlias"]
    move = plan.actions[-1]
    assert isinstance(move, MoveAlias)
    assert (move.was, move.version, move.canary, move.revision) == (1, None, None, "a1")
    assert (plan.functions[0].alias, plan.functions[0].version) == ("live", None)


def test_a_version_that_runs_the_same_is_as_good_as_a_new_one() -> None:
    """The re-run after an interruption publishes nothing twice."""
    at = there(
        versions=(version(1, snapshot("b")), version(2, snapshot()), version(3, snapshot("c")))
    )
    plan = planned(function(publish=True, alias="live"), on_aws=(at,))
    assert plan.actions == (CreateAlias(alias="live", version=2),)
    assert not planned(function(publish=True), on_aws=(at,))


def test_somebody_elses_change_is_published_too() -> None:
    """Memory, variables and the like are frozen in a version: the alias gets them with the next one."""
    at = there(
        snapshot(rest="more memory"),
        versions=(version(1, snapshot(rest="less memory")),),
        aliases=(ObservedAlias(name="live", version=1),),
    )
    assert kinds(planned(function(publish=True, alias="live"), on_aws=(at,))) == [
        "PublishVersion",
        "MoveAlias",
    ]


def canary_at(weights: dict[int, float]) -> ObservedFunction:
    return there(
        versions=(version(1, snapshot("b")), version(2, snapshot())),
        aliases=(ObservedAlias(name="live", version=1, weights=weights),),
    )


def test_a_canary_gets_its_share() -> None:
    wanted = function(publish=True, alias="live", canary=0.1)
    move = only(planned(wanted, on_aws=(canary_at({}),)))
    assert isinstance(move, MoveAlias)
    assert (move.was, move.version, move.canary) == (1, 2, 0.1)
    assert not planned(wanted, on_aws=(canary_at({2: 0.1}),))
    more = only(planned(replace(wanted, canary=0.5), on_aws=(canary_at({2: 0.1}),)))
    assert more.canary == 0.5


def test_a_deployment_without_a_canary_gives_it_all() -> None:
    move = only(planned(function(publish=True, alias="live"), on_aws=(canary_at({2: 0.1}),)))
    assert (move.version, move.canary) == (2, None)


def test_there_is_no_canary_of_a_version_that_has_all_calls() -> None:
    """Nor is a weight of an older version one: AWS is moving the calls from there."""
    found = there(
        versions=(version(1, snapshot("b")), version(2, snapshot()), version(3, snapshot("c"))),
        aliases=(ObservedAlias(name="live", version=2, weights={1: 0.2}),),
    )
    desired = function(publish=True, alias="live", canary=0.1)
    assert not planned(desired, on_aws=(found,))
    canary = replace(found, aliases=(ObservedAlias(name="live", version=2, weights={3: 0.2}),))
    move = only(planned(desired, on_aws=(canary,)))
    assert (move.version, move.canary) == (2, None)
    assert [*move.lines()][1:] == ["version 3 is a canary, with 20% of the calls now"]


def test_a_canary_is_always_a_newer_version() -> None:
    found = there(
        versions=(version(1, snapshot()), version(2, snapshot("b"))),
        aliases=(ObservedAlias(name="live", version=2),),
    )
    plan = planned(function(publish=True, alias="live", canary=0.1), on_aws=(found,))
    assert kinds(plan) == ["PublishVersion", "MoveAlias"]
    assert plan.actions[1].version is None  # type: ignore[attr-defined]
    assert only(planned(function(publish=True, alias="live"), on_aws=(found,))).version == 1


def test_an_alias_at_latest_shares_its_calls_with_no_version() -> None:
    """A canary there would get all of them."""
    found = there(
        versions=(version(1, snapshot()),), aliases=(ObservedAlias(name="live", version=0),)
    )
    with pytest.raises(DeployError) as refused:
        planned(function(publish=True, alias="live", canary=0.1), on_aws=(found,))
    assert refused.value.where == (
        "alias `live` of function `api` stands at $LATEST, which shares its calls with no version",
    )
    assert "without --canary" in (refused.value.hint or "")


def test_a_layer_that_left_the_settings_is_detached() -> None:
    old = arn("shop-old-staging", 3)
    found = there(snapshot(layers=(THEIRS, old)))
    desired = function(own_layers="shop-[a-z]+-staging")
    (action,) = planned(desired, on_aws=(found,)).actions
    assert [*action.lines()][1:] == [f"- {old}", f"  {THEIRS}"]
    # In another account or region it is somebody else's.
    foreign = arn("shop-old-staging", 3, region="eu-north-1")
    assert not planned(desired, on_aws=(there(snapshot(layers=(foreign,))),))


def test_exclusive_layers_are_exactly_those_of_the_settings() -> None:
    found = there(snapshot(layers=(FOREIGN, THEIRS)))
    (action,) = planned(function(layers=(THEIRS,), exclusive=True), on_aws=(found,)).actions
    assert action.layers == (THEIRS,)  # type: ignore[attr-defined]


@pytest.mark.parametrize("runtime", ["python3.12", "nodejs20.x", None])
def test_a_package_for_another_runtime_is_refused(runtime: str | None) -> None:
    found = there(snapshot(runtime=runtime))
    with pytest.raises(DeployError) as refused:
        planned(function(content="b"), on_aws=(found,))
    assert refused.value.where == (
        f"function `api` runs {runtime}, and the package was built for python3.13",
    )
    every = frozenset({"code", "layers", "runtime"})
    assert planned(function(content="b", manage=every), on_aws=(found,))


def promoted(*functions: ObservedFunction) -> Plan:
    names = ("api", "jobs")[: max(len(functions), 1)]
    return plan_promotion(
        "staging",
        {name: name for name in names},
        dict.fromkeys(names, "live"),
        Observed(functions={one.aws_name: one for one in functions}),
    )


def test_promotion() -> None:
    move = only(promoted(canary_at({2: 0.1})))
    assert (move.alias, move.was, move.version, move.canary) == ("live", 1, 2, None)
    assert not promoted(canary_at({}))
    assert not promoted(there())
    with pytest.raises(DeployError, match="there is no function `api`"):
        promoted()


# What cannot be.


def refused(*functions: DesiredFunction, **more: Any) -> str:
    with pytest.raises(DeployError) as caught:
        planned(*functions, **more)
    return str(caught.value)


def test_all_that_cannot_be_is_told_at_once() -> None:
    """D10: before anything is changed."""
    text = refused(
        function("missing"),
        function("bare", role=ROLE, handler=None),
        function("image"),
        function("arm"),
        function("full", layers=(arn("one", 1), arn("two", 1))),
        function("big", "new", size=60 * 2**20),
        layers=(layer("heavy", size=70 * 2**20),),
        on_aws=(
            there(name="image", package_type="Image"),
            there(snapshot(architecture="arm64"), name="arm"),
            there(snapshot(layers=tuple(arn(f"x{n}", 1) for n in range(4))), name="full"),
            there(name="big"),
        ),
        direct_upload=50 * 2**20,
    )
    x = ", ".join(arn(f"x{n}", 1) for n in range(4))
    assert text == (
        "stage `staging` cannot be deployed\n"
        "  ├─▶ there is no function `missing`\n"
        "  ├─▶ function `bare` cannot be created without a handler\n"
        "  ├─▶ function `image` runs a container image\n"
        "  ├─▶ function `arm` is arm64, and the package was built for x86_64\n"
        f"  ├─▶ function `full` would have 6 layers, and AWS Lambda allows 5: {x}, {arn('one', 1)}, {arn('two', 1)}\n"
        "  ├─▶ function `big` is 60.0 MiB zipped, and a direct upload takes 50.0 MiB\n"
        "  ╰─▶ layer `heavy` is 70.0 MiB zipped, and a direct upload takes 50.0 MiB\n"
        "hint: check that the stage's region, profile and names match AWS; to have a missing "
        'function created, give it a role: functions.missing = {role = "arn:…"}\n'
        'set it: [tool.wherry.functions.bare] handler = "module.function"\n'
        "a function cannot change from an image to a zip: create another one, and name it in the stage\n"
        'build for arm64 (`architecture` of the settings), or let Wherry change it: "architecture" in `manage`\n'
        "combine layers, or detach those that are not needed\n"
        'give the stage a bucket, so that packages go through S3: bucket = "s3://…"'
    )


def test_the_architecture_is_changed_where_it_is_managed() -> None:
    manage = frozenset({"code", "layers", "architecture"})
    at = there(snapshot("b", architecture="arm64"))
    action = only(planned(function(manage=manage), on_aws=(at,)))
    assert (action.why, action.architecture) == (("code", "arm64 → x86_64"), "x86_64")


def test_layers_of_another_architecture_are_not_attached() -> None:
    at = there(snapshot(architecture="arm64"))
    manage = frozenset({"layers"})
    assert "is arm64" in refused(function(manage=manage, layers=(THEIRS,)), on_aws=(at,))


def test_what_is_too_big_but_there_already_is_no_matter() -> None:
    """Nothing needs to be uploaded."""
    assert not planned(
        function(size=60 * 2**20),
        layers=(layer(size=60 * 2**20),),
        on_aws=(there(),),
        layers_on_aws=(known(),),
        direct_upload=50 * 2**20,
    )


# Whatever there is.

content = st.sampled_from("abc")
refs = st.lists(
    st.sampled_from([arn("deps", 1), arn("deps", 2), arn("base", 1), THEIRS, FOREIGN]),
    unique=True,
    max_size=3,
).map(tuple)
snapshots = st.builds(
    snapshot,
    content,
    refs,
    runtime=st.sampled_from(["python3.12", "python3.13"]),
    handler=st.sampled_from(["shop.api.handler", "other.handler"]),
    rest=st.sampled_from(["", "theirs"]),
)
desired_layers = st.lists(
    st.builds(
        layer,
        st.sampled_from(["deps", "base"]),
        content,
        runtimes=st.sampled_from([("python3.13",), ("python3.12", "python3.13")]),
        share=st.sampled_from([(), ("111111111111",), ("111111111111", "o-abc1234567")]),
    ),
    unique_by=lambda one: one.name,
    max_size=2,
).map(tuple)


@st.composite
def desires(draw: st.DrawFn) -> Desired:
    layers = draw(desired_layers)
    functions = []
    for name in draw(st.lists(st.sampled_from(["api", "jobs"]), unique=True)):
        alias = draw(st.sampled_from([None, "live"]))
        taken = draw(st.permutations([one.aws_name for one in layers]))
        others = draw(st.lists(st.sampled_from([THEIRS, arn("third", 1)]), unique=True))
        functions.append(
            function(
                name,
                draw(content),
                role=ROLE,
                layers=(*taken, *others),
                alias=alias,
                publish=alias is not None or draw(st.booleans()),
                canary=draw(st.sampled_from([None, 0.1])) if alias else None,
                manage=frozenset(
                    draw(st.sets(st.sampled_from(["code", "layers", "handler", "runtime"])))
                ),
            )
        )
    return Desired(stage="staging", layers=layers, functions=tuple(functions), layer_quota=9)


@st.composite
def worlds(draw: st.DrawFn) -> Observed:
    functions = {}
    for name in draw(st.lists(st.sampled_from(["api", "jobs"]), unique=True)):
        every = draw(st.lists(snapshots, max_size=3))
        versions = tuple(version(number, one) for number, one in enumerate(every, 1))
        numbers = [one.number for one in versions]
        aliases: tuple[ObservedAlias, ...] = ()
        if draw(st.booleans()):
            at = draw(st.sampled_from([0, *numbers]))
            weights = {draw(st.sampled_from(numbers)): 0.1} if at and draw(st.booleans()) else {}
            weights.pop(at, None)
            aliases = (ObservedAlias(name="live", version=at, weights=weights),)
        functions[name] = there(draw(snapshots), name, versions=versions, aliases=aliases)
    layers = {}
    for name in draw(st.lists(st.sampled_from(["deps", "base"]), unique=True)):
        layers[name] = known(
            name,
            draw(st.integers(1, 3)),
            draw(content),
            shared=draw(st.sampled_from([(), ("111111111111",)])),
        )
    return Observed(functions=functions, layers=layers)


def can_be_deployed(desired: Desired, observed: Observed) -> bool:
    """Whether no alias at `$LATEST` is to share its calls, and no function runs another runtime that stays."""
    for one in desired.functions:
        found = observed.functions.get(one.aws_name)
        if found is None:
            continue
        if one.canary is not None and any(alias.version == 0 for alias in found.aliases):
            return False
        if (
            one.manage & {"code", "layers"}
            and "runtime" not in one.manage
            and found.latest.runtime != one.runtime
        ):
            return False
    return True


class World:
    """What AWS would make of a plan."""

    def __init__(self, observed: Observed) -> None:
        self.functions = dict(observed.functions)
        self.layers = dict(observed.layers)
        self.published: dict[str, int] = {}

    def observed(self) -> Observed:
        return Observed(functions=self.functions, layers=self.layers)

    def arns(self, layers: tuple[LayerRef, ...]) -> tuple[str, ...]:
        # A plan takes versions that are there, or that it has published before.
        return tuple(one if isinstance(one, str) else self.layers[one.layer].arn for one in layers)

    def next_version(self, layer: str) -> int:
        """AWS never gives a number twice, and a function may hold a version that is deleted."""
        found = self.layers.get(layer)
        held = [
            arn
            for function in self.functions.values()
            for one in (function.latest, *(version.snapshot for version in function.versions))
            for arn in one.layers
            if isinstance(arn, str) and f":layer:{layer}:" in arn
        ]
        return (
            max([found.version if found else 0, *(int(arn.rpartition(":")[2]) for arn in held)]) + 1
        )

    def do(self, name: str, action: Action) -> None:
        match action:
            case PublishLayer(package=wanted):
                self.layers[name] = known(
                    name, self.next_version(name), wanted.code_sha256,
                    runtimes=wanted.runtimes, architectures=wanted.architectures,
                )  # fmt: skip
            case ShareLayer(principal=principal, version=shared):
                assert self.layers[name].arn == (self.arns((shared,))[0])
                assert principal not in self.layers[name].shared
                self.layers[name] = replace(
                    self.layers[name], shared=(*self.layers[name].shared, principal)
                )
            case CreateFunction(package=wanted, layers=layers):
                assert name not in self.functions
                self.functions[name] = there(
                    snapshot(wanted.code_sha256, self.arns(layers), handler=wanted.handler), name
                )
            case UpdateCode(package=wanted):
                self.change(name, code_sha256=wanted.code_sha256)
            case UpdateConfiguration(layers=layers, handler=handler, runtime=runtime):
                given = {"handler": handler, "runtime": runtime}
                changed: dict[str, Any] = {key: one for key, one in given.items() if one}
                if layers is not None:
                    changed["layers"] = self.arns(layers)
                assert changed
                self.change(name, **changed)
            case PublishVersion(code_sha256=expected):
                found = self.functions[name]
                assert found.latest.code_sha256 == expected
                number = len(found.versions) + 1
                self.published[name] = number
                self.functions[name] = replace(
                    found, versions=(*found.versions, version(number, found.latest))
                )
            case CreateAlias(alias=alias, version=number):
                found = self.functions[name]
                assert found.alias(alias) is None
                at = number or self.published[name]
                self.functions[name] = replace(
                    found, aliases=(ObservedAlias(name=alias, version=at),)
                )
            case MoveAlias(alias=alias, version=number, was=was, canary=canary):
                found = self.functions[name]
                current = found.alias(alias)
                assert current is not None
                assert current.version == was
                to = number or self.published[name]
                made = (
                    ObservedAlias(name=alias, version=to)
                    if canary is None
                    else ObservedAlias(name=alias, version=was, weights={to: canary})
                )
                assert canary is None or was != 0
                assert (made.version, made.weights) != (current.version, current.weights)
                self.functions[name] = replace(found, aliases=(made,))
            case _:
                raise AssertionError(action)

    def change(self, name: str, **changed: Any) -> None:
        found = self.functions[name]
        after = replace(found.latest, **changed)
        assert after != found.latest
        self.functions[name] = replace(found, latest=after)


def steps(plan: Plan) -> list[tuple[str, Action]]:
    return [(part.aws_name, action) for part in plan.parts for action in part.actions]


@given(desired=desires(), observed=worlds())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    desired: Desired, observed: Observed
) -> None:
    """N1: no action is for nothing, each finds what it builds upon, and then all is as it should be."""
    assume(can_be_deployed(desired, observed))
    world = World(observed)
    for name, action in steps(diff(desired, observed)):
        world.do(name, action)
    assert diff(desired, world.observed()).actions == ()


@given(desired=desires(), observed=worlds(), data=st.data())
def test_a_plan_that_was_interrupted_goes_on_and_makes_nothing_twice(
    desired: Desired, observed: Observed, data: st.DataObject
) -> None:
    """However often: at most one new version of each layer and of each function."""
    assume(can_be_deployed(desired, observed))
    world = World(observed)
    made: dict[tuple[str, str], int] = {}
    plan = diff(desired, observed)
    while plan:
        number = data.draw(st.integers(1, len(plan.actions)))
        for name, action in steps(plan)[:number]:
            world.do(name, action)
            if isinstance(action, PublishLayer | PublishVersion):
                key = (type(action).__name__, name)
                made[key] = made.get(key, 0) + 1
        plan = diff(desired, world.observed())
    assert set(made.values()) <= {1}


@given(desired=desires(), observed=worlds())
def test_other_peoples_things_stay_as_they_are(desired: Desired, observed: Observed) -> None:
    """D8."""
    assume(can_be_deployed(desired, observed))
    world = World(observed)
    for name, action in steps(diff(desired, observed)):
        world.do(name, action)
    wanted = {one.aws_name: one for one in desired.functions}
    for name, before in observed.functions.items():
        after = world.functions[name]
        if name not in wanted:
            assert after == before
            continue
        manage = wanted[name].manage
        named = {
            str(one).rpartition(":")[0]
            for one in wanted[name].layers
            if str(one).startswith("arn:")
        }

        def others(layers: tuple[LayerRef, ...], named: set[str] = named) -> list[LayerRef]:
            ours = {arn("deps", 1)[:-2], arn("base", 1)[:-2], *named}
            return [one for one in layers if str(one).rpartition(":")[0] not in ours]

        assert others(after.latest.layers) == others(before.latest.layers)
        if "code" not in manage:
            assert after.latest.code_sha256 == before.latest.code_sha256
        if "layers" not in manage:
            assert after.latest.layers == before.latest.layers
        if "handler" not in manage:
            assert after.latest.handler == before.latest.handler
        if "runtime" not in manage:
            assert after.latest.runtime == before.latest.runtime
        if wanted[name].alias is None:
            assert after.aliases == before.aliases
