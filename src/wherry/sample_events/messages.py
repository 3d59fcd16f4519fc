"""Events of queues, topics and streams of messages.

After the pages "Using Lambda with Amazon SQS", SNS, Kinesis, Firehose, Kafka and MQ of the AWS Lambda developer guide.
"""

from __future__ import annotations

import hashlib
import time

from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.choices import Choices, Event, Kind, compact, encoded, new_id

__all__ = ["MESSAGES", "firehose", "kinesis", "sns", "sns_notification", "sqs"]

_EXAMPLE = compact({"id": 7})
_MESSAGE = ("body", "records", "name")


def sqs(choices: Choices) -> Event:
    """Messages of a queue; one whose name ends with ``.fifo`` keeps their order."""
    name = choices.name or "my-queue"
    records = []
    for number in range(choices.records):
        attributes = {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(choices.milliseconds),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": str(choices.milliseconds + 1),
        }
        if name.endswith(".fifo"):
            attributes |= {
                "SequenceNumber": str(18849496460467696128 + number),
                "MessageGroupId": "1",
                "MessageDeduplicationId": str(number + 1),
            }
        body = choices.text(_EXAMPLE)
        records.append(
            {
                "messageId": new_id(),
                "receiptHandle": encoded(new_id().encode() * 2),
                "body": body,
                "attributes": attributes,
                "messageAttributes": {
                    key: {
                        "stringValue": value,
                        "stringListValues": [],
                        "binaryListValues": [],
                        "dataType": "String",
                    }
                    for key, value in choices.attributes.items()
                },
                "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": choices.arn("sqs", name),
                "awsRegion": choices.region,
            }
        )
    return {"Records": records}


def sns(choices: Choices) -> Event:
    """Messages of a topic."""
    topic = choices.arn("sns", choices.name or "my-topic")
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:{new_id()}",
                # Lambda spells the addresses in another way than other subscribers get them.
                "Sns": {
                    {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}.get(
                        key, key
                    ): value
                    for key, value in sns_notification(choices).items()
                },
            }
            for _ in range(choices.records)
        ]
    }


def sns_notification(choices: Choices) -> Event:
    """A message of a topic, as queues and HTTP endpoints get it."""
    topic = choices.arn("sns", choices.name or "my-topic")
    return {
        "Type": "Notification",
        "MessageId": new_id(),
        "TopicArn": topic,
        "Subject": None if choices.body is not None else "Example",
        "Message": choices.text(_EXAMPLE),
        "Timestamp": choices.iso(),
        "SignatureVersion": "1",
        "Signature": encoded(b"signature"),
        "SigningCertURL": f"https://sns.{choices.region}.amazonaws.com/SimpleNotificationService-1.pem",
        "UnsubscribeURL": f"https://sns.{choices.region}.amazonaws.com/?Action=Unsubscribe"
        f"&SubscriptionArn={topic}:{new_id()}",
        "MessageAttributes": {
            key: {"Type": "String", "Value": value} for key, value in choices.attributes.items()
        },
    }


def kinesis(choices: Choices) -> Event:
    """Records of a stream."""
    sequence = int(time.time() * 1000) << 140
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": choices.key or "1",
                    "sequenceNumber": str(sequence + number),
                    "data": encoded(choices.data(_EXAMPLE)),
                    "approximateArrivalTimestamp": choices.milliseconds / 1000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{sequence + number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/my-function-role",
                "awsRegion": choices.region,
                "eventSourceARN": choices.arn("kinesis", f"stream/{choices.name or 'my-stream'}"),
            }
            for number in range(choices.records)
        ]
    }


def firehose(choices: Choices) -> Event:
    """Records that a delivery stream has a function transform."""
    return {
        "invocationId": new_id(),
        "deliveryStreamArn": choices.arn(
            "firehose", f"deliverystream/{choices.name or 'my-stream'}"
        ),
        "region": choices.region,
        "records": [
            {
                "recordId": f"{number:056d}",
                "approximateArrivalTimestamp": choices.milliseconds,
                "data": encoded(choices.data(_EXAMPLE)),
            }
            for number in range(choices.records)
        ],
    }


def _kafka(choices: Choices) -> Event:
    topic = choices.name or "my-topic"
    return {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": "broker-1.example.com:9092,broker-2.example.com:9092",
        "records": {
            f"{topic}-0": [
                {
                    "topic": topic,
                    "partition": 0,
                    "offset": number,
                    "timestamp": choices.milliseconds,
                    "timestampType": "CREATE_TIME",
                    "key": encoded((choices.key or "1").encode()),
                    "value": encoded(choices.data(_EXAMPLE)),
                    "headers": [
                        {name: list(value.encode())} for name, value in choices.attributes.items()
                    ],
                }
                for number in range(choices.records)
            ]
        },
    }


def _msk(choices: Choices) -> Event:
    here = f"my-cluster.abcdef.c2.kafka.{choices.region}.amazonaws.com:9092"
    return {
        **_kafka(choices),
        "eventSource": "aws:kafka",
        "eventSourceArn": choices.arn("kafka", f"cluster/my-cluster/{new_id()}-2"),
        "bootstrapServers": f"b-1.{here},b-2.{here}",
    }


def _active_mq(choices: Choices) -> Event:
    broker = f"b-{new_id()}"
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": choices.arn("mq", f"broker:my-broker:{broker}"),
        "messages": [
            {
                "messageID": f"ID:{broker}-1.mq.{choices.region}.amazonaws.com-37557-1:1:1:1:{number}",
                "messageType": "jms/text-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": "60000",
                "priority": 1,
                "correlationId": "myJMSCoID",
                "redelivered": False,
                "destination": {"physicalName": choices.name or "my-queue"},
                "data": encoded(choices.data(_EXAMPLE)),
                "timestamp": choices.milliseconds,
                "brokerInTime": choices.milliseconds,
                "brokerOutTime": choices.milliseconds + 1,
                "properties": dict(choices.attributes),
            }
            for number in range(1, choices.records + 1)
        ],
    }


def _rabbit_mq(choices: Choices) -> Event:
    data = choices.data(_EXAMPLE)
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": choices.arn("mq", f"broker:my-broker:b-{new_id()}"),
        "rmqMessagesByQueue": {
            f"{choices.name or 'my-queue'}::/": [
                {
                    "basicProperties": {
                        "contentType": "text/plain",
                        "contentEncoding": None,
                        "headers": {
                            name: {"bytes": list(value.encode())}
                            for name, value in choices.attributes.items()
                        },
                        "deliveryMode": 1,
                        "priority": 34,
                        "correlationId": None,
                        "replyTo": None,
                        "expiration": "60000",
                        "messageId": None,
                        "timestamp": choices.now.strftime("%b %d, %Y, %I:%M:%S %p"),
                        "type": None,
                        "userId": "AIDACKCEVSQ6C2EXAMPLE",
                        "appId": None,
                        "clusterId": None,
                        "bodySize": len(data),
                    },
                    "redelivered": False,
                    "data": encoded(data),
                }
                for _ in range(choices.records)
            ]
        },
    }


MESSAGES = (
    Kind(
        name="sqs",
        summary="messages of an SQS queue",
        make=sqs,
        options=(*_MESSAGE, "attributes"),
    ),
    Kind(
        name="sns",
        summary="messages of an SNS topic",
        make=sns,
        options=(*_MESSAGE, "attributes"),
    ),
    Kind(
        name="kinesis",
        summary="records of a Kinesis data stream",
        make=kinesis,
        options=(*_MESSAGE, "key"),
    ),
    Kind(
        name="firehose",
        summary="records that Firehose has a function transform",
        make=firehose,
        options=_MESSAGE,
    ),
    Kind(
        name="msk",
        summary="messages of a topic of Amazon MSK",
        make=_msk,
        options=(*_MESSAGE, "key", "attributes"),
    ),
    Kind(
        name="kafka",
        summary="messages of a topic of a Kafka of one's own",
        make=_kafka,
        options=(*_MESSAGE, "key", "attributes"),
    ),
    Kind(
        name="activemq",
        summary="messages of a queue of Amazon MQ for ActiveMQ",
        make=_active_mq,
        options=(*_MESSAGE, "attributes"),
    ),
    Kind(
        name="rabbitmq",
        summary="messages of a queue of Amazon MQ for RabbitMQ",
        make=_rabbit_mq,
        options=(*_MESSAGE, "attributes"),
    ),
)
