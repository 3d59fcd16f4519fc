"""D12: which calls are repeated, and what is looked at before."""

from __future__ import annotations

import time

import pytest
from botocore import exceptions as boto

from support.aws_faults import of_aws
from wherry.aws.attempts import Outcome, attempt, outcome, pauses, poll
from wherry.errors import AwsError

THROTTLED = of_aws("X", "TooManyRequestsException", status=429)
EXISTS = of_aws("X", "ResourceConflictException", "Function already exist: api", 409)
LOST = boto.ReadTimeoutError(endpoint_url="x")
DENIED = of_aws("X", "AccessDeniedException", status=403)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses, which take no time."""
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


class Calls:
    """Calls that fail in turn; then they succeed."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (of_aws("X", "ResourceConflictException", status=409), Outcome.LATER),
        (
            of_aws("X", "ResourceConflictException", "Alias already exists: live", 409),
            Outcome.EXISTS,
        ),
        (of_aws("X", "TooManyRequestsException", status=429), Outcome.LATER),
        (of_aws("X", "PreconditionFailedException", status=412), Outcome.LATER),
        (of_aws("X", "SlowDown", status=503), Outcome.LATER),
        (boto.EndpointConnectionError(endpoint_url="x"), Outcome.LATER),
        (of_aws("X", "ServiceException", status=500), Outcome.UNKNOWN),
        (of_aws("X", "503", status=503), Outcome.UNKNOWN),
        (boto.ConnectionClosedError(endpoint_url="x"), Outcome.UNKNOWN),
        (boto.ReadTimeoutError(endpoint_url="x"), Outcome.UNKNOWN),
        (of_aws("X", "AccessDeniedException", status=403), Outcome.REFUSED),
        (of_aws("X", "InvalidParameterValueException"), Outcome.REFUSED),
        (of_aws("X", "ExpiredTokenException", status=403), Outcome.REFUSED),
        (boto.NoCredentialsError(), Outcome.REFUSED),
    ],
    ids=str,
)
def test_what_became_of_a_call(error: Exception, wanted: Outcome) -> None:
    assert outcome(error) is wanted


def test_pauses_grow_and_end() -> None:
    found = list(pauses(first=0.2, most=5.0, total=120.0))
    steps = [0.2, 0.4, 0.8, 1.6, 3.2]
    assert all(step / 2 <= pause <= step for pause, step in zip(found, steps, strict=False))
    assert all(2.5 <= pause <= 5.0 for pause in found[5:])
    assert 45 < sum(found) < 130


def test_many_do_not_come_back_at_once() -> None:
    firsts = {next(pauses(first=0.2, most=5.0, total=120.0)) for _ in range(50)}
    assert len(firsts) > 40


def test_trying_ends() -> None:
    def fail() -> None:
        raise of_aws("X", "TooManyRequestsException", status=429)

    with pytest.raises(AwsError, match="cannot do it"):
        attempt("do it", fail, total=0.0)


def test_a_call_is_repeated_after_a_pause(naps: list[float]) -> None:
    calls = Calls(THROTTLED, LOST, THROTTLED)
    assert attempt("do it", calls) == "done"
    assert (calls.made, len(naps)) == (4, 3)


def test_a_refusal_is_not_repeated(naps: list[float]) -> None:
    calls = Calls(DENIED)
    with pytest.raises(AwsError, match="cannot do it"):
        attempt("do it", calls)
    assert (calls.made, naps) == (1, [])


def test_what_was_done_is_found(naps: list[float]) -> None:
    """A change whose answer was lost is not made twice; one that exists is found without a pause."""
    for error, pauses_before in ((LOST, 1), (EXISTS, 0)):
        calls = Calls(error)
        naps.clear()
        assert attempt("do it", calls, look=lambda failed: f"found, {failed.value}") == (
            f"found, {outcome(error).value}"
        )
        assert (calls.made, len(naps)) == (1, pauses_before)


def test_what_was_not_done_is_repeated(naps: list[float]) -> None:
    """Also what exists no longer when it is looked at."""
    looks: list[Outcome] = []
    calls = Calls(EXISTS, LOST, THROTTLED)
    assert attempt("do it", calls, look=looks.append) == "done"
    assert looks == [Outcome.EXISTS, Outcome.UNKNOWN, Outcome.LATER]
    assert len(naps) == 3


def test_polling_ends(naps: list[float]) -> None:
    states = iter(["busy", "busy", "ready"])
    assert poll(lambda: next(states), lambda state: state == "ready") == ("ready", True)
    assert len(naps) == 2
    assert poll(lambda: "busy", lambda state: state == "ready") == ("busy", False)
    assert 250 < sum(naps) <= 620
