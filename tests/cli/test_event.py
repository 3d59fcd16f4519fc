"""`wherry event` as a user meets it."""

from __future__ import annotations

import json

import pytest

from support.command import Wherry
from wherry.sample_events.kinds import KINDS


def test_an_event_on_stdout(wherry: Wherry) -> None:
    (wherry.cwd / "order.json").write_text('{"id": "ü"}')
    done = wherry(
        "event", "sns", "--body", "@order.json", "--attribute", "kind=new", "--region", "eu-west-1",
        "--set", "Records.0.Sns.Subject=Order", "--name", "orders",
    )  # fmt: skip
    assert done.code == 0, done.err
    message = json.loads(done.out)["Records"][0]["Sns"]
    assert json.loads(message["Message"]) == {"id": "ü"}
    assert message["Subject"] == "Order"
    assert message["MessageAttributes"] == {"kind": {"Type": "String", "Value": "new"}}
    assert message["TopicArn"].startswith("arn:aws:sns:eu-west-1:")
    request = wherry(
        "event", "http", "-X", "put", "--path", "/a?b=1", "-H", "x-a: 1", "--claim", "sub=ada"
    )
    event = json.loads(request.out)
    assert event["rawQueryString"] == "b=1"
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert event["headers"]["x-a"] == "1"


def test_the_list(wherry: Wherry) -> None:
    done = wherry.succeed("event", "--list")
    assert all(f"\n{name} " in f"\n{done.out}" for name in KINDS)
    (s3,) = [
        each
        for each in wherry("event", "--list", "--json").document["events"]
        if each["name"] == "s3"
    ]
    one = wherry("event", "dynamodb", "--list")
    assert "types: INSERT, MODIFY, REMOVE" in one.out
    assert "s3" not in one.out
    assert s3["options"] == ["--bucket", "--key", "--type", "--body", "--records", "--region"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["sqss", "--list"], 1, "did you mean `sqs`?"),
        (["sqss"], 1, "did you mean `sqs`?"),
        (["sqs", "--item", "{}"], 1, "an event `sqs` has no `--item`"),
        (["sqs", "--body", "@none"], 1, "cannot read the body `none`"),
        (["http", "-H", "x"], 1, "`x` is not a header"),
        (["sqs", "--attribute", "x"], 2, "--attribute NAME=VALUE"),
        ([], 2, "`wherry event --list` lists the kinds"),
    ],
)
def test_bad_input(arguments: list[str], code: int, said: str, wherry: Wherry) -> None:
    done = wherry("event", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.error
