"""Events of objects in S3 and of items in databases.

After "Event message structure" and "Using EventBridge" of the Amazon S3 user guide, "Change data capture for DynamoDB
Streams" and the AWS Lambda developer guide.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.attribute_values import key_names, marshalled
from wherry.sample_events.choices import Choices, Event, Kind, encoded, new_id
from wherry.sample_events.operations import notification

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STORAGE"]

_BUCKET, _KEY = "my-bucket", "folder/my-file.txt"


def _s3(choices: Choices) -> Event:
    bucket, name = choices.bucket or _BUCKET, choices.type or "ObjectCreated:Put"
    content = choices.data("hello")
    described: Event = {
        # Written as a browser writes a form: a space is a plus sign.
        "key": quote_plus(choices.key or _KEY, safe="/"),
        "size": len(content),
        "eTag": _etag(content),
        "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        "sequencer": _sequencer(choices),
    }
    if name.startswith(("ObjectRemoved", "LifecycleExpiration")):
        del described["size"], described["eTag"]
    record: Event = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": choices.region,
        "eventTime": choices.iso(),
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AIDAINPONIXQXHT3IKHL2"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": "D82B88E5F771F645",
            "x-amz-id-2": "vlR7PnpV2Ce81l0PRw6jlUpck7Jo5ZsQjryTjKlc5aLWGVHPZLj5NeC6qMa0emYBDXOo6QBU0Wo=",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "my-notification",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A3I5XTEXAMAI3E"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": described,
        },
    }
    if name == "ObjectRestore:Completed":
        record["glacierEventData"] = {
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": choices.iso(),
                "lifecycleRestoreStorageClass": "GLACIER",
            }
        }
    return {"Records": [record for _ in range(choices.records)]}


def _s3_eventbridge(choices: Choices) -> Event:
    content, name = choices.data("hello"), choices.type or "Object Created"
    # Here the key is as it is.
    described: Event = {
        "key": choices.key or _KEY,
        "size": len(content),
        "etag": _etag(content),
        "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        "sequencer": _sequencer(choices),
    }
    if name == "Object Deleted":
        del described["size"]
    detail: Event = {
        "version": "0",
        "bucket": {"name": choices.bucket or _BUCKET},
        "object": described,
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
    }
    if name == "Object Deleted":
        detail |= {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"}
    elif name == "Object Created":
        detail["reason"] = "PutObject"
    return notification(
        choices,
        source="aws.s3",
        type=name,
        detail=detail,
        resources=[f"arn:aws:s3:::{choices.bucket or _BUCKET}"],
    )


def _s3_batch(choices: Choices) -> Event:
    return {
        "invocationSchemaVersion": "1.0",
        "invocationId": encoded(new_id().encode()),
        "job": {"id": new_id()},
        "tasks": [
            {
                "taskId": encoded(new_id().encode()),
                "s3Key": quote_plus(choices.key or _KEY, safe="/"),
                "s3VersionId": "1",
                "s3BucketArn": f"arn:aws:s3:::{choices.bucket or _BUCKET}",
            }
            for _ in range(choices.records)
        ],
    }


def _s3_object_lambda(choices: Choices) -> Event:
    key = choices.key or _KEY
    host = f"my-access-point-{ACCOUNT}.s3-accesspoint.{choices.region}.amazonaws.com"
    url = f"https://{host}/{quote(key)}"
    return {
        "xAmzRequestId": new_id(),
        "getObjectContext": {
            "inputS3Url": f"{url}?X-Amz-Security-Token=example",
            "outputRoute": "io-use1-001",
            "outputToken": "example",
        },
        "configuration": {
            "accessPointArn": choices.arn(
                "s3-object-lambda", "accesspoint/my-object-lambda-access-point"
            ),
            "supportingAccessPointArn": choices.arn("s3", "accesspoint/my-access-point"),
            "payload": choices.text("{}"),
        },
        "userRequest": {
            "url": url.replace("s3-accesspoint", "s3-object-lambda"),
            "headers": {
                "Host": host.replace("s3-accesspoint", "s3-object-lambda"),
                "Accept-Encoding": "identity",
                **dict(choices.headers),
            },
        },
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:session",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/example",
            "accountId": ACCOUNT,
            "accessKeyId": "example",
            "sessionContext": {
                "attributes": {"mfaAuthenticated": "false", "creationDate": choices.iso(0)},
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLE",
                    "arn": f"arn:aws:iam::{ACCOUNT}:role/Admin",
                    "accountId": ACCOUNT,
                    "userName": "Admin",
                },
            },
        },
        "protocolVersion": "1.00",
    }


def _dynamodb(choices: Choices) -> Event:
    name, stream = choices.type or "INSERT", _stream(choices)
    item: Mapping[str, Any] = choices.item or {"id": "7", "name": "oar", "price": 48.5}
    old: Mapping[str, Any] = choices.old_item or item
    records = []
    for number in range(choices.records):
        new, before = marshalled(item), marshalled(old)
        image = before if name == "REMOVE" else new
        change: Event = {
            "ApproximateCreationDateTime": choices.milliseconds // 1000,
            "Keys": {key: image[key] for key in key_names(image, choices.key)},
            "SequenceNumber": str(4421584500000000017450439091 + number),
            "SizeBytes": len(str(image)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if name != "REMOVE":
            change["NewImage"] = new
        if name != "INSERT":
            change["OldImage"] = before
        records.append(
            {
                "eventID": new_id().replace("-", ""),
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": choices.region,
                "dynamodb": change,
                "eventSourceARN": stream,
            }
        )
    return {"Records": records}


def _dynamodb_failure(choices: Choices) -> Event:
    return {
        "requestContext": {
            "requestId": new_id(),
            "functionArn": choices.arn("lambda", "function:my-function"),
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": choices.iso(),
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000001573689847184-864758bb",
            "startSequenceNumber": "800000000003126276362",
            "endSequenceNumber": "800000000003126276362",
            "approximateArrivalOfFirstRecord": choices.iso(0),
            "approximateArrivalOfLastRecord": choices.iso(0),
            "batchSize": choices.records,
            "streamArn": _stream(choices),
        },
    }


def _documentdb(choices: Choices) -> Event:
    change = {
        "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
        "clusterTime": {"$timestamp": {"t": choices.milliseconds // 1000, "i": 9}},
        "documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
        "fullDocument": {
            "_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"},
            **choices.document({"id": 7}),
        },
        "ns": {"db": "my-database", "coll": choices.name or "my-collection"},
        "operationType": choices.type or "insert",
    }
    return {
        "eventSourceArn": choices.arn("rds", "cluster:my-cluster"),
        "events": [{"event": change} for _ in range(choices.records)],
        "eventSource": "aws:docdb",
    }


def _stream(choices: Choices) -> str:
    return choices.arn(
        "dynamodb", f"table/{choices.name or 'my-table'}/stream/2015-06-27T00:48:05.899"
    )


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _sequencer(choices: Choices) -> str:
    return f"{choices.milliseconds:018X}"


_OBJECT = ("bucket", "key")

STORAGE = (
    Kind(
        name="s3",
        summary="an object of a bucket of S3 was created, removed, restored …",
        make=_s3,
        options=(*_OBJECT, "type", "body", "records"),
    ),
    Kind(
        name="s3-eventbridge",
        summary="the same by way of EventBridge",
        make=_s3_eventbridge,
        options=(*_OBJECT, "type", "body"),
    ),
    Kind(
        name="s3-batch",
        summary="objects that an S3 Batch Operations job hands over",
        make=_s3_batch,
        options=(*_OBJECT, "records"),
    ),
    Kind(
        name="s3-object-lambda",
        summary="an object that S3 Object Lambda is asked for",
        make=_s3_object_lambda,
        options=("key", "headers", "body"),
    ),
    Kind(
        name="dynamodb",
        summary="changes of items of a DynamoDB table",
        make=_dynamodb,
        options=("item", "old_item", "key", "name", "type", "records"),
        types=("INSERT", "MODIFY", "REMOVE"),
    ),
    Kind(
        name="dynamodb-failure",
        summary="changes of a DynamoDB table that a function failed for, at its destination",
        make=_dynamodb_failure,
        options=("name", "records"),
    ),
    Kind(
        name="documentdb",
        summary="changes of documents of a collection of DocumentDB",
        make=_documentdb,
        options=("body", "name", "type", "records"),
        types=("insert", "update", "replace", "delete"),
    ),
)
