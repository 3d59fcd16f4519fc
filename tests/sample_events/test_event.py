"""Sample events: what people change is where the service has it, and what a kind would pass over is refused."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

import wherry
from wherry.errors import EventError
from wherry.sample_events.carriers import CARRIERS
from wherry.sample_events.choices import Choices
from wherry.sample_events.kinds import KINDS


def first(event: dict[str, Any]) -> Any:
    return event["Records"][0]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_json_and_heeds_the_options_that_it_names(name: str) -> None:
    kind, read = KINDS[name], set()

    class Watched(Choices, frozen=True, kw_only=True):
        def __getattribute__(self, field: str) -> Any:
            read.add(field)
            return super().__getattribute__(field)

    for each in kind.types or ("one", "CONNECT"):
        event = wherry.event(name, type=each) if "type" in kind.options else wherry.event(name)
        assert json.loads(json.dumps(event)) == event
        kind.make(Watched(type=each if "type" in kind.options else None))
    fields = set(Choices.__struct_fields__)
    assert read & fields - {"region", "now"} == set(kind.options)


def test_a_queue() -> None:
    event = wherry.event(
        "sqs", body={"a": "ü"}, records=2, name="orders", region="eu-west-1", attributes={"k": "v"}
    )
    assert [json.loads(record["body"]) for record in event["Records"]] == [{"a": "ü"}] * 2
    record = first(event)
    assert record["eventSourceARN"].startswith("arn:aws:sqs:eu-west-1:")
    assert record["eventSourceARN"].endswith(":orders")
    assert record["awsRegion"] == "eu-west-1"
    assert record["messageAttributes"]["k"]["stringValue"] == "v"
    assert len({record["messageId"] for record in event["Records"]}) == 2
    # A file that was written on Windows.
    assert first(wherry.event("sqs", body=b'\xef\xbb\xbf{"a": 1}'))["body"] == '{"a": 1}'
    assert "MessageGroupId" in first(wherry.event("sqs", name="a.fifo"))["attributes"]


def test_objects_of_s3_have_encoded_keys() -> None:
    event = wherry.event("s3", bucket="b", key="a dir/ü+1.txt", body="hello!")
    described = first(event)["s3"]
    assert described["bucket"]["name"] == "b"
    assert described["object"]["key"] == "a+dir/%C3%BC%2B1.txt"
    assert described["object"]["size"] == 6
    removed = first(wherry.event("s3", type="ObjectRemoved:Delete"))
    assert "size" not in removed["s3"]["object"]
    # By way of EventBridge it is as it is.
    assert wherry.event("s3-eventbridge", key="a b")["detail"]["object"]["key"] == "a b"


def test_items_of_dynamodb_get_their_types() -> None:
    item = {
        "id": 7,
        "price": 1.5,
        "paid": True,
        "note": None,
        "tags": ["a", 1],
        "to": {"name": "x"},
        "raw": b"x",
        "set": {"b", "a"},
    }
    change = first(wherry.event("dynamodb", item=item))["dynamodb"]
    assert change["NewImage"] == {
        "id": {"N": "7"},
        "price": {"N": "1.5"},
        "paid": {"BOOL": True},
        "note": {"NULL": True},
        "tags": {"L": [{"S": "a"}, {"N": "1"}]},
        "to": {"M": {"name": {"S": "x"}}},
        "raw": {"B": "eA=="},
        "set": {"SS": ["a", "b"]},
    }
    assert change["Keys"] == {"id": {"N": "7"}}
    assert "OldImage" not in change
    typed = {"pk": {"S": "1"}, "sk": {"N": "2"}, "x": {"S": "3"}}
    removed = first(wherry.event("dynamodb", type="REMOVE", item=json.dumps(typed)))["dynamodb"]
    assert (removed["OldImage"], removed["Keys"]) == (
        typed,
        {"pk": typed["pk"], "sk": typed["sk"]},
    )
    assert "NewImage" not in removed
    two = wherry.event("dynamodb", type="MODIFY", item={"a": 1}, old_item={"a": 0}, key="a")
    assert first(two)["dynamodb"]["OldImage"] == {"a": {"N": "0"}}


def test_messages_inside_of_messages() -> None:
    inside = first(wherry.event("s3", bucket="b", via=["sns", "sqs"]))
    notification = json.loads(inside["body"])
    assert notification["Type"] == "Notification"
    assert first(json.loads(notification["Message"]))["s3"]["bucket"]["name"] == "b"
    lambda_form = first(wherry.event("s3", bucket="b", via=["sns"]))["Sns"]
    assert first(json.loads(lambda_form["Message"]))["s3"]["bucket"]["name"] == "b"
    twice = wherry.event("sns", body="hi", records=2, via=["sqs"])
    assert [json.loads(each["body"])["Message"] for each in twice["Records"]] == ["hi", "hi"]
    stream = wherry.event("dynamodb", records=2, via=["kinesis"])["Records"]
    assert [
        json.loads(base64.b64decode(each["kinesis"]["data"]))["eventName"] for each in stream
    ] == [
        "INSERT",
        "INSERT",
    ]
    logs = first(wherry.event("cloudwatch-logs", body="line", via=["kinesis"]))["kinesis"]["data"]
    document = json.loads(gzip.decompress(base64.b64decode(logs)))
    assert document["logEvents"][0]["message"] == "line"
    for carrier in CARRIERS:
        assert wherry.event("eventbridge", via=[carrier])


def test_requests() -> None:
    rest = wherry.event("rest", path="/a b?x=1&x=2", headers={"X-Mine": "1"}, claims={"sub": "ada"})
    assert (rest["httpMethod"], rest["path"]) == ("GET", "/a%20b")
    assert rest["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert rest["headers"]["X-Mine"] == "1"
    assert rest["requestContext"]["authorizer"]["claims"] == {"sub": "ada"}
    http = wherry.event("http", body={"a": 1}, path="/x", query="y=1", claims={"sub": "ada"})
    assert http["requestContext"]["http"]["method"] == "POST"
    assert (http["body"], http["rawQueryString"]) == ('{"a": 1}', "y=1")
    assert http["requestContext"]["authorizer"]["jwt"]["claims"] == {"sub": "ada"}
    binary = wherry.event("function-url", method="put", body=b"\xff\xfe")
    assert binary["isBase64Encoded"]
    assert base64.b64decode(binary["body"]) == b"\xff\xfe"
    assert binary["requestContext"]["http"]["method"] == "PUT"
    lattice = wherry.event("lattice", query="a=1&a=2", headers=[("A", "1"), ("a", "2")])
    assert lattice["queryStringParameters"] == {"a": ["1", "2"]}
    assert lattice["headers"]["a"] == ["1", "2"]
    edge = first(wherry.event("edge", path="/x", body="hi"))["cf"]["request"]
    assert (edge["uri"], edge["body"]["data"]) == ("/x", "aGk=")


def test_any_value_can_be_changed() -> None:
    event = wherry.event(
        "s3",
        changes={
            "Records.0.s3.object.size": "5",
            "Records.0.eventName": "ObjectCreated:Copy",
            "Records.0.more": {"a": [1]},
            "Records.0.responseElements.with\\.dot": "null",
            ".Records[0].responseElements.a\\[0]": "as jq has it",
        },
    )
    record = first(event)
    assert record["s3"]["object"]["size"] == 5
    assert record["eventName"] == "ObjectCreated:Copy"
    assert record["more"] == {"a": [1]}
    assert record["responseElements"]["with.dot"] is None
    assert record["responseElements"]["a[0]"] == "as jq has it"


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("sq", {}, "did you mean `sqs`?"),
        ("apigateway", {}, "did you mean `rest`, `http`?"),
        ("nothing-like-it", {}, "`wherry event --list` lists all of them"),
        ("sqs", {"bucket": "x"}, "an event `sqs` has no `--bucket`"),
        ("s3", {"headers": {"a": "b"}}, "an event `s3` has no `--header`"),
        ("dynamodb", {"type": "insert"}, "did you mean `INSERT`?"),
        ("sqs", {"records": 0}, "cannot have 0 records"),
        ("eventbridge", {"body": "{"}, "the body is not JSON"),
        ("cloudformation", {"body": "7"}, "the body is not an object of JSON"),
        ("sqs", {"body": b"\xff"}, "the body is not text in UTF-8"),
        ("http", {"path": "x"}, "`x` is not the path of a request"),
        ("dynamodb", {"item": "[]"}, "--item is not an object of JSON"),
        ("dynamodb", {"old_item": "{"}, "--old-item is not JSON"),
        ("dynamodb", {"item": {"id": object()}}, "DynamoDB has no type for a value of `object`"),
        ("dynamodb", {"item": {"name": 1}, "key": "nam"}, "did you mean `name`?"),
        ("s3", {"via": ["smtp"]}, "`smtp` carries no events of others"),
        ("s3", {"key": "a\udcff"}, "`--key` is not text in UTF-8"),
        ("msk", {"attributes": {"a": "\udcff"}}, "`--attribute` is not text in UTF-8"),
        ("s3", {"changes": {"Record.0.x": 1}}, "did you mean `Records`?"),
        ("s3", {"changes": {"Records.1.x": 1}}, "it has 1 entries, counted from 0"),
        ("s3", {"changes": {"Records.0.eventName.x": 1}}, "there is no"),
    ],
)
def test_what_is_refused(kind: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(EventError) as caught:
        wherry.event(kind, **options)
    assert said in str(caught.value)
