"""A model of versions, weights and an alias, driven at random: what callers get, whatever the operator and others do."""

from __future__ import annotations

from contextlib import nullcontext as nothing
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.light_aws import Answer, LightAws, light_aws
from support.matrices import some
from support.releases import ALIAS, NAME, Shop, open_shop
from wherry.aws.history import AliasHistory
from wherry.aws.switch.cases import TestCase
from wherry.errors import AwsError, DeployError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STEPS = (0.1, 0.5)


class KilledError(BaseException):
    """The process is gone: nothing that stands after it is done."""


@dataclass
class Operator:
    """Drives the shop, and knows what callers must have got.

    Attributes:
        had: what callers had before, the last of it at the end, by moves that Wherry made or came upon.
        rejected: versions that the operator rejected and did not deploy again.
        foreign: whether somebody else moved the alias, and Wherry has not come upon that since.
        newest: the number of the newest code.
        adopted: whether the alias was not made by Wherry, so that nobody knows what it stood at at first.
    """

    shop: Shop
    had: list[int] = field(default_factory=list)
    rejected: set[int] = field(default_factory=set)
    foreign: bool = False
    newest: int = 1
    adopted: bool = False

    @property
    def aws(self) -> LightAws:
        return self.shop.aws

    @property
    def stands(self) -> tuple[int, dict[int, float]]:
        return self.shop.stands

    def code(self, chosen: int) -> int:
        """New code, or the present code of the project once more."""
        if chosen % 2:
            self.newest += 1
        return self.newest

    def do(self, operation: str, chosen: int, kill: int) -> None:
        """One thing that is done; the process is killed at the change with the number ``kill``, if there are so many."""
        before = self.stands
        act: Callable[[int], Any] = getattr(self, operation)
        with killing(self.shop, kill), suppress(KilledError):
            act(chosen)
        self.settle(before, operation)

    def settle(self, before: tuple[int, dict[int, float]], operation: str) -> None:
        """Take over what happened, and require what must be so."""
        (was, weights), (now, shares) = before, self.stands
        if operation == "else_":
            if now != was and not self.foreign:
                self.had.append(was)
            self.foreign = self.foreign or now != was
            return
        ended = set(weights) - {now} - set(shares)
        if operation == "rollback":
            self.rejected |= ended
            if now != was:
                assert not weights
                # What they had before the last deployment that moved them.
                while self.had and self.had[-1] in self.rejected | {was}:
                    self.had.pop()
                if self.had or not self.adopted:
                    assert now == self.had.pop(), (before, self.stands, self.shop.record)
                else:
                    assert now < was
                self.rejected.add(was)
        else:
            self.rejected |= ended
            if now != was:
                self.had.append(was)
            # To deploy it again is a decision of its own.
            self.rejected -= {now, *shares} - {was}
        # Whatever Wherry does, it may come upon a move of somebody else.
        self.foreign = AliasHistory.parse(self.shop.record).versions[:1] != (now,)
        assert not self.rejected & {now, *shares}, (
            operation,
            before,
            self.stands,
            self.shop.record,
        )

    # The operations.

    def deploy(self, chosen: int) -> None:
        self.shop.deploy(self.code(chosen))
        assert self.shop.serves(self.stands[0]) == self.newest
        assert self.stands[1] == {}

    def canary(self, chosen: int) -> None:
        before = self.stands
        self.shop.deploy(self.code(chosen), canary=0.1)
        if self.stands != before:
            assert self.stands[0] == before[0]

    def steps(self, chosen: int) -> None:
        self.shop.deploy(self.code(chosen), steps=STEPS)
        assert self.shop.serves(self.stands[0]) == self.newest

    def alarm(self, chosen: int) -> None:
        """It goes off in the middle of a canary."""
        before, looks = self.stands, 0
        number = self.code(chosen)

        def watch(operation: str) -> None:
            nonlocal looks
            looks += operation == "DescribeAlarms"
            self.aws.alarms["errors"] = "ALARM" if looks > 1 + chosen % 2 else "OK"

        self.aws.before = watch
        try:
            self.shop.deploy(number, steps=STEPS)
        except RejectedError:
            # The alias ends where it began.
            assert self.stands == (before[0], {})
            self.rejected.add(max(self.aws.functions[NAME].versions))
        finally:
            self.aws.before = lambda _: None
            self.aws.alarms["errors"] = "OK"

    def fail(self, chosen: int) -> None:
        """A test fails."""
        before = self.stands
        self.aws.answer = lambda *_: Answer(error="KeyError")
        try:
            self.shop.deploy(self.code(chosen), cases=[TestCase(name="event", payload=b"{}")])
        except RejectedError as error:
            assert self.stands == before
            self.rejected.add(int(error.where[0].split("version ")[1].split(",")[0]))
        finally:
            self.aws.answer = lambda *_: Answer(value={})

    def wait(self, chosen: int) -> None:
        before = self.stands
        self.shop.deploy(self.code(chosen), traffic=False)
        assert self.stands == before

    def promote(self, _: int) -> None:
        before = self.stands
        self.shop.promote()
        if before[1]:
            assert self.stands == (max(before[1]), {})

    def rollback(self, _: int) -> None:
        before = self.stands
        try:
            self.shop.rollback()
        except DeployError:
            assert not before[1]
            assert all(one in self.rejected | {before[0]} for one in self.had)
        else:
            assert self.stands[1] == {}
            assert (self.stands[0] == before[0]) == bool(before[1])

    def else_(self, chosen: int) -> None:
        """Somebody else moves the alias to some version, with Terraform or by hand."""
        numbers = [
            number for number in self.aws.functions[NAME].versions if number not in self.rejected
        ]
        version = str(numbers[chosen % len(numbers)])
        routing: dict[str, Any] = {"AdditionalVersionWeights": {}}
        self.aws.set_alias(NAME, {"FunctionVersion": version, "RoutingConfig": routing}, ALIAS)


class killing:  # noqa: N801  a context manager
    """The process is killed at a change: before AWS gets it, or when AWS has done it."""

    def __init__(self, shop: Shop, at: int) -> None:
        self._at, self._count = at, 0
        self._events = shop.client.changes.meta.events

    def _before(self, **_: Any) -> None:
        self._count += 1
        if self._count * 2 - 1 == self._at:
            raise KilledError

    def _after(self, **_: Any) -> None:
        if self._count * 2 == self._at:
            raise KilledError

    def __enter__(self) -> None:
        self._events.register("before-call", self._before)
        self._events.register("after-call", self._after)

    def __exit__(self, *_: object) -> None:
        self._events.unregister("before-call", self._before)
        self._events.unregister("after-call", self._after)


OPERATIONS = ("deploy", "canary", "steps", "alarm", "fail", "wait", "promote", "rollback", "rollback", "else_")  # fmt: skip
sequences = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS),
        st.integers(0, 5),
        # Most processes live.
        st.sampled_from([0, 0, 0, *range(1, 9)]),
    ),
    min_size=2,
    max_size=9,
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("model") / "shop"
    with light_aws() as aws, open_shop(aws, folder) as opened:
        opened.set_stage(alarms=("errors",))
        aws.alarms["errors"] = "OK"
        yield opened


def drive(shop: Shop, sequence: list[tuple[str, int, int]]) -> None:
    shop.aws.functions.clear()
    shop.aws.alarms["errors"] = "OK"
    beginning, operator = sequence[0][1] % 3, Operator(shop)
    if beginning:
        # Versions that callers of the alias never had: the operator looked at them.
        for number in (1, 2):
            shop.deploy(number, traffic=False)
        operator.newest = 2
    if beginning == 2:
        operator.adopted = operator.foreign = True
        shop.aws.set_alias(NAME, {"Name": ALIAS, "FunctionVersion": "2"}, None)
    else:
        shop.deploy(operator.newest)
    for operation, chosen, kill in sequence:
        operator.do(operation, chosen, kill)
    # Whatever happened, the same command brings the stage to what is built.
    operator.deploy(0)


@given(sequence=sequences)
@settings(max_examples=24, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_callers_get(shop: Shop, sequence: list[tuple[str, int, int]]) -> None:
    drive(shop, sequence)


@pytest.mark.real
@given(sequence=sequences)
@settings(
    max_examples=500,
    # To make a sequence smaller may take longer than all of them.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_callers_get_in_many_ways(shop: Shop, sequence: list[tuple[str, int, int]]) -> None:
    drive(shop, sequence)


@pytest.mark.parametrize("at", some(range(1, 13), of=(2, 6, 9)))
def test_killed_at_each_step_of_a_canary(shop: Shop, at: int) -> None:
    """It is taken back to where it began; or it goes on, from where it was."""
    for then in ("rollback", "again"):
        shop.aws.functions.clear()
        shop.deploy(1)
        with killing(shop, at), pytest.raises(KilledError) if at <= 10 else nothing():
            shop.deploy(2, steps=STEPS)
        moved = shop.stands[0] == 2
        assert moved == (at >= 10)
        if then == "again":
            shop.deploy(2, steps=STEPS)
            assert shop.stands == (2, {})
        elif moved or shop.stands[1]:
            shop.rollback()
            assert shop.stands == (1, {})
        else:
            with pytest.raises((DeployError, AwsError)):
                shop.rollback()
            assert shop.stands == (1, {})
