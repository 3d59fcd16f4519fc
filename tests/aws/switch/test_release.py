"""Publishing, testing and switching: what callers get at each step, and what they get when something fails."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from support.light_aws import Answer, RefusedError
from support.matrices import some
from support.releases import NAME
from wherry.aws.history import AliasHistory
from wherry.aws.switch.cases import TestCase
from wherry.errors import AwsError, DeployError, RejectedError
from wherry.events import (
    AliasMoved,
    CanaryWatched,
    ConcurrencyMoving,
    VersionTested,
    VersionWaits,
    Warned,
)

if TYPE_CHECKING:
    from support.light_aws import LightAws
    from support.releases import Shop

RESOURCE = f"{NAME}:live"


def case(name: str = "order.json", event: Any = None, **more: Any) -> TestCase:
    return TestCase(name=name, payload=json.dumps(event or {}).encode(), **more)


def test_a_version_that_passes_its_tests_gets_the_calls(shop: Shop, aws: LightAws) -> None:
    shop.deploy(1)
    asked = []

    def answer(code: bytes, version: str, event: Any) -> Answer:
        asked.append((version, event, shop.stands))
        return Answer(value={"statusCode": 201, "body": '{"id": 7, "more": 1}'})

    aws.answer = answer
    expected = {"statusCode": 201, "body": {"id": 7}}
    shop.deploy(2, cases=[case(event={"n": 1}, expect=(expected,)), case(event={"n": 2})])
    # By its number, while callers had the old one.
    assert asked == [("2", {"n": 1}, (1, {})), ("2", {"n": 2}, (1, {}))]
    assert shop.stands == (2, {})
    tested = [event for event in shop.events if isinstance(event, VersionTested)]
    assert [(one.version, one.passed) for one in tested] == [(2, True), (2, True)]
    # There is nothing to do, so nothing is tested.
    shop.deploy(2, cases=[case(error=True)])
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "test", "problem"),
    [
        (Answer(value={"statusCode": 500}), case(expect=({"statusCode": 201},)), "statusCode: expected 201, got 500"),
        (Answer(error="KeyError"), case(expect=(1,)), "expected 1, got the error KeyError: it broke"),
        (Answer(error="KeyError"), case(), "it failed: KeyError: it broke"),
        (Answer(value=3), case(error=True), "expected an error, got 3"),
        (Answer(error="KeyError"), case(error="ValueError"), "expected the error ValueError, got KeyError: it broke"),
    ],
)  # fmt: skip
def test_a_version_that_fails_gets_none(
    shop: Shop, aws: LightAws, answer: Answer, test: TestCase, problem: str
) -> None:
    shop.deploy(1)
    shop.deploy(2)
    before = shop.stands
    answer.log = "START RequestId: 1\nit goes wrong\nEND RequestId: 1\nREPORT 3 ms\n"
    aws.answer = lambda *_: answer
    with pytest.raises(RejectedError) as caught:
        shop.deploy(3, cases=[test, case(error="X")])
    assert caught.value.message.endswith("failed in stage `staging`; no alias was moved")
    assert caught.value.where[0] == f"`shop-api` version 3, order.json: {problem}"
    assert caught.value.where[1:3] == ("  log: it goes wrong", "  log: REPORT 3 ms")
    assert "version 3 of `shop-api` was published and gets no calls" in (caught.value.hint or "")
    assert shop.stands == before == (2, {})
    assert AliasHistory.parse(shop.record).rejected == (3,)
    # Nobody goes there: to roll back is to go to what callers had.
    shop.deploy(4)
    shop.rollback()
    assert shop.stands == (2, {})
    shop.rollback()
    assert shop.stands == (1, {})


@pytest.mark.parametrize("error", ["", "KeyError"])
def test_an_error_may_be_expected(shop: Shop, aws: LightAws, error: str) -> None:
    aws.answer = lambda *_: Answer(error="KeyError")
    shop.deploy(1, cases=[case(error=error or True)])
    assert shop.stands == (1, {})


def test_the_first_version_fails(shop: Shop, aws: LightAws) -> None:
    """No alias is created, and the one that is created later never had that version."""
    aws.answer = lambda *_: Answer(error="KeyError")
    with pytest.raises(RejectedError):
        shop.deploy(1, cases=[case()])
    assert aws.functions[NAME].aliases == {}
    shop.deploy(2)
    assert shop.stands == (2, {})
    with pytest.raises(DeployError, match="it stands at version 2, the first that it had"):
        shop.rollback()


def test_two_aliases_of_one_function(shop: Shop) -> None:
    """The second alias is created at the fifth version; it never had the fourth."""
    for number in range(1, 6):
        shop.deploy(number)
    shop.alias = "production"
    shop.deploy(5)
    with pytest.raises(DeployError, match="the first that it had"):
        shop.rollback()
    shop.alias = "live"
    shop.rollback()
    assert shop.stands == (4, {})


def test_without_traffic(shop: Shop, aws: LightAws) -> None:
    shop.deploy(1)
    aws.calls.clear()
    applied = shop.deploy(2, traffic=False)
    assert shop.stands == (1, {})
    assert applied.functions[0].version == 2
    (waits,) = [event for event in shop.events if isinstance(event, VersionWaits)]
    assert (waits.version, waits.exists) == (2, True)
    # Once more, and nothing is published or recorded again.
    aws.calls.clear()
    shop.deploy(2, traffic=False)
    assert aws.called("PublishVersion", "UpdateAlias", "UpdateFunctionCode") == []
    shop.promote()
    assert shop.stands == (2, {})
    shop.rollback()
    assert shop.stands == (1, {})
    # It was rejected meanwhile, and nothing waits any more.
    shop.promote()
    assert shop.stands == (1, {})


def test_the_first_deployment_without_traffic(shop: Shop, aws: LightAws) -> None:
    shop.deploy(1, traffic=False)
    assert aws.functions[NAME].aliases == {}
    (waits,) = [event for event in shop.events if isinstance(event, VersionWaits)]
    assert not waits.exists
    shop.promote()
    assert aws.functions[NAME].aliases == {}
    shop.deploy(1)
    assert shop.stands == (1, {})


def test_a_canary_steps_by_itself(shop: Shop, aws: LightAws) -> None:
    shop.set_stage(alarms=("errors",))
    aws.alarms["errors"] = "OK"
    aws.metrics[RESOURCE, "2", "Invocations"] = 40.0
    aws.metrics[RESOURCE, "2", "Errors"] = 2.0
    shop.deploy(1)
    shop.deploy(2, steps=[0.1, 0.5])
    assert shop.stands == (2, {})
    moves = [event for event in shop.events if isinstance(event, AliasMoved)]
    assert [(one.version, one.canary) for one in moves] == [
        (1, None),
        (2, 0.1),
        (2, 0.5),
        (2, None),
    ]
    watched = [event for event in shop.events if isinstance(event, CanaryWatched)]
    assert [(one.share, one.calls, one.errors) for one in watched] == [(0.1, 40, 2), (0.5, 40, 2)]
    shop.rollback()
    assert shop.stands == (1, {})


@pytest.mark.parametrize(
    "fault", some(["alarm", "errors", "blind", "unread", "gone"], of=("alarm", "errors", "unread"))
)
@pytest.mark.parametrize("at", some([0, 1], of=(1,)))
def test_it_goes_back_by_itself(
    shop: Shop, aws: LightAws, fault: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step: the alias ends where it began, and the version is never gone back to."""
    monkeypatch.setattr("wherry.aws.switch.watch._ALARMS", 1)
    monkeypatch.setattr("time.sleep", lambda _: None)
    shop.set_stage(alarms=("errors", "more"))
    aws.alarms |= {"errors": "OK", "more": "OK"}
    shop.deploy(1)
    looks = 0

    def before(operation: str) -> None:
        nonlocal looks
        if operation == "GetMetricData":
            looks += 1
            if looks < at + 2:
                return
            aws.alarms["more"] = "ALARM" if fault == "alarm" else "OK"
            if fault == "errors":
                aws.metrics[RESOURCE, "2", "Invocations"] = 10.0
                aws.metrics[RESOURCE, "2", "Errors"] = 1.0
            if fault == "unread":
                aws.read = "InternalError"
            if fault == "gone":
                del aws.alarms["more"]
            if fault == "blind":
                raise RefusedError(403, "AccessDeniedException", "no")

    aws.before = before
    monkeypatch.setattr("wherry.aws.switch.canary._BLIND", 1)
    with pytest.raises(RejectedError) as caught:
        shop.deploy(2, steps=[0.1, 0.5])
    reason = {
        "alarm": "alarm `more` is in alarm: Threshold crossed",
        "errors": "1 of 10 calls of version 2 of `shop-api` failed: 10%, and 5% are allowed",
        "blind": "cannot read the metrics of the canary: GetMetricData: AccessDeniedException: no",
        "unread": "cannot read the metrics of the canary: CloudWatch: InternalError",
        "gone": "cannot look at the alarms of the stage: there is no alarm `more`",
    }[fault]
    assert caught.value.where[0] == reason
    assert shop.stands == (1, {})
    history = AliasHistory.parse(shop.record)
    assert (history.versions, history.rejected) == ((1,), (2,))
    shares = [event.canary for event in shop.events if isinstance(event, AliasMoved)]
    assert shares == [None, *[0.1, 0.5][: at + 1], None]


@pytest.mark.parametrize(
    ("alarms", "state", "message"),
    [(("gone",), None, "there is no alarm `gone` in eu-west-1"), (("on",), "ALARM", "alarm `on` is in alarm already: Threshold crossed")],
)  # fmt: skip
def test_a_canary_that_cannot_be_watched_is_not_begun(
    shop: Shop, aws: LightAws, alarms: tuple[str, ...], state: str | None, message: str
) -> None:
    shop.deploy(1)
    shop.set_stage(alarms=alarms)
    aws.alarms |= {"on": state} if state else {}
    with pytest.raises(DeployError) as caught:
        shop.deploy(2, steps=[0.1])
    assert caught.value.where == (message,)
    assert list(aws.functions[NAME].versions) == [1]


def test_any_error_rate_may_be_allowed(shop: Shop, aws: LightAws) -> None:
    """And then CloudWatch is not asked at all."""
    shop.set_stage(max_error_rate=1.0)
    shop.deploy(1)
    shop.deploy(2, steps=[0.1])
    assert aws.called("GetMetricData", "DescribeAlarms") == []
    assert shop.stands == (2, {})


@pytest.mark.parametrize("at", some([0, 1], of=(1,)))
@pytest.mark.parametrize("then", ["again", "promote", "rollback"])
def test_interrupted(
    shop: Shop, aws: LightAws, at: int, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays as it is, and says how to go on; each of the ways goes on."""
    shop.deploy(1)
    share = [0.1, 0.5][at]
    looks = 0

    def calls(_self: Any, *_: Any) -> dict[Any, Any]:
        nonlocal looks
        looks += 1
        if looks == at + 2:
            raise KeyboardInterrupt
        return {}

    with monkeypatch.context() as patch:
        patch.setattr("wherry.aws.switch.watch.Watch.calls", calls)
        with pytest.raises(KeyboardInterrupt):
            shop.deploy(2, steps=[0.1, 0.5])
    assert shop.stands == (1, {2: share})
    (told,) = [event for event in shop.events if isinstance(event, Warned)]
    assert f"version 2 has {share:.0%} of the calls" in told.text
    assert "wherry deploy staging --canary 10%/0s,50%/0s" in (told.hint or "")
    shop.events.clear()
    if then == "again":
        aws.calls.clear()
        shop.deploy(2, steps=[0.1, 0.5], cases=[case()])
        moves = [event.canary for event in shop.events if isinstance(event, AliasMoved)]
        assert moves == [0.5, None][at:]
        # Callers have it already.
        assert "Invoke" not in aws.calls
        assert shop.stands == (2, {})
    elif then == "promote":
        shop.promote()
        assert shop.stands == (2, {})
    else:
        shop.rollback()
        assert shop.stands == (1, {})
        assert AliasHistory.parse(shop.record).rejected == (2,)


def test_somebody_else_moves_the_alias_meanwhile(shop: Shop, aws: LightAws) -> None:
    shop.deploy(1)

    def before(operation: str) -> None:
        if operation == "GetMetricData" and shop.stands[1] == {2: 0.1}:
            aws.set_alias(NAME, {"RoutingConfig": {"AdditionalVersionWeights": {}}}, "live")

    aws.before = before
    with pytest.raises(AwsError) as caught:
        shop.deploy(2, steps=[0.1, 0.5])
    assert caught.value.message.startswith("somebody else changed alias `live`")
    assert "continue: wherry deploy staging --canary 10%/0s,50%/0s" in (caught.value.hint or "")
    assert shop.stands == (1, {})


def test_provisioned_concurrency_is_waited_for(
    shop: Shop, aws: LightAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While AWS moves it, the alias gives the old version a share; that is no canary."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    shop.deploy(1)
    config = {"RequestedProvisionedConcurrentExecutions": 5}
    aws.concurrency = [
        {**config, "AllocatedProvisionedConcurrentExecutions": 0, "Status": "IN_PROGRESS"},
        {**config, "AllocatedProvisionedConcurrentExecutions": 3, "Status": "IN_PROGRESS"},
        {**config, "AllocatedProvisionedConcurrentExecutions": 3, "Status": "IN_PROGRESS"},
        {**config, "AllocatedProvisionedConcurrentExecutions": 5, "Status": "READY"},
    ]
    looks = 0

    def before(operation: str) -> None:
        nonlocal looks
        if operation == "GetProvisionedConcurrencyConfig":
            looks += 1
            share = {1: 0.9, 2: 0.4}.get(looks, 0.0)
            weights = {"1": share} if share else {}
            aws.set_alias(NAME, {"RoutingConfig": {"AdditionalVersionWeights": weights}}, "live")

    aws.before = before
    shop.deploy(2)
    moving = [event for event in shop.events if isinstance(event, ConcurrencyMoving)]
    assert [one.allocated for one in moving] == [0, 3]
    assert looks == 4
    assert shop.stands == (2, {})
    # Nothing to do, and nothing to wait for.
    aws.calls.clear()
    shop.deploy(2)
    assert "GetProvisionedConcurrencyConfig" not in aws.calls


def test_provisioned_concurrency_that_fails(shop: Shop, aws: LightAws) -> None:
    shop.deploy(1)
    aws.concurrency = [{"Status": "FAILED", "StatusReason": "the account has no more"}]
    with pytest.raises(AwsError) as caught:
        shop.deploy(2)
    assert caught.value.where == ("the account has no more",)
    assert "has moved, but not its provisioned concurrency" in caught.value.message
    assert shop.stands == (2, {})


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ProvisionedConcurrencyConfigNotFoundException"]
)
def test_concurrency_that_may_not_be_looked_at(shop: Shop, aws: LightAws, code: str) -> None:
    def before(operation: str) -> None:
        if operation == "GetProvisionedConcurrencyConfig":
            raise RefusedError(403, code)

    aws.before = before
    shop.deploy(1)
    shop.deploy(2)
    assert shop.stands == (2, {})


def test_times_of_moves_are_recorded(shop: Shop) -> None:
    shop.deploy(1)
    shop.deploy(2)
    history = AliasHistory.parse(shop.record)
    assert re.fullmatch(r"\[wherry: 2 1; at [0-9a-z]{5} [0-9a-z]{5}\]", shop.record)
    since = history.since(0)
    assert since is not None
    assert since.year >= 2026
    assert history.since(7) is None
