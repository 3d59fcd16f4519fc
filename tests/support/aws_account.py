"""An account of a stand-in for AWS: how to reach it, and what is in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

__all__ = ["Account", "code_sha256"]

ROLE = "wherry-function"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def code_sha256(data: bytes) -> str:
    """As AWS reports it."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _make_client(service: str, url: str, key: str, region: str, **more: Any) -> Any:
    session = boto3.Session(
        aws_access_key_id=key, aws_secret_access_key="testing", region_name=region
    )
    return session.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **more),
    )


# It takes as long to make a client as to make several calls.
_client = cache(_make_client)


@dataclass(frozen=True)
class Account:
    """One region of an account, asked directly: past every proxy, with no retries."""

    url: str
    region: str = "eu-west-1"
    # LocalStack takes twelve digits for the number of an account.
    key: str = "testing"

    def environment(self, *, url: str | None = None) -> dict[str, str]:
        """What a process needs to work with this account, and with no other."""
        return {
            "AWS_ENDPOINT_URL": url or self.url,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            # What a stand-in says is at AWS itself is fetched from nowhere.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    @contextmanager
    def here(self, *, url: str | None = None) -> Iterator[None]:
        """The same for this process."""
        kept = dict(os.environ)
        for name in [name for name in kept if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(self.environment(url=url))
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def client(self, service: str, *, url: str | None = None, **more: Any) -> Any:
        if more:
            return _make_client(service, url or self.url, self.key, self.region, **more)
        return _client(service, url or self.url, self.key, self.region)

    @cached_property
    def functions(self) -> Any:
        return self.client("lambda")

    @cached_property
    def storage(self) -> Any:
        return self.client("s3")

    # What is prepared.

    def role(self) -> str:
        """A role that functions may have; made at the first call."""
        iam = self.client("iam")
        try:
            found = iam.get_role(RoleName=ROLE)
        except ClientError:
            found = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(_TRUST))
        return str(found["Role"]["Arn"])

    def bucket(self, name: str, *, versioned: bool = False) -> str:
        self.storage.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.region}
        )
        if versioned:
            self.storage.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        return name

    def function(self, name: str, code: bytes, **more: Any) -> str:
        """A function that is ready; its ARN."""
        given = {
            "Runtime": "python3.13",
            "Handler": "shop.api.handler",
            "Role": self.role(),
            "Architectures": ["x86_64"],
            **more,
        }
        made = self.functions.create_function(FunctionName=name, Code={"ZipFile": code}, **given)
        self.wait(name)
        return str(made["FunctionArn"])

    def layer(self, name: str, code: bytes, **more: Any) -> str:
        """A layer version; its ARN."""
        made = self.functions.publish_layer_version(
            LayerName=name, Content={"ZipFile": code}, **more
        )
        return str(made["LayerVersionArn"])

    def alarm(self, name: str) -> None:
        """An alarm of CloudWatch that is off."""
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            MetricName="Errors",
            Namespace="AWS/Lambda",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )

    def wait(self, name: str) -> None:
        """Until no update of the function is in progress."""
        waiter = self.functions.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})

    # What is there.

    def configuration(self, name: str, qualifier: str | None = None) -> dict[str, Any]:
        given = {} if qualifier is None else {"Qualifier": qualifier}
        found: dict[str, Any] = self.functions.get_function_configuration(
            FunctionName=name, **given
        )
        return found

    def layers_of(self, name: str, qualifier: str | None = None) -> list[str]:
        """ARNs of what the function takes, in order."""
        return [layer["Arn"] for layer in self.configuration(name, qualifier).get("Layers", [])]

    def versions(self, name: str) -> dict[int, str]:
        """The published versions of a function, and their code's hash."""
        found = {}
        for page in self.functions.get_paginator("list_versions_by_function").paginate(
            FunctionName=name
        ):
            for version in page["Versions"]:
                if version["Version"] != "$LATEST":
                    found[int(version["Version"])] = version["CodeSha256"]
        return found

    def alias(self, function: str, name: str) -> tuple[str, Mapping[str, float]]:
        """The version that it stands at, and the weights of others."""
        found = self.functions.get_alias(FunctionName=function, Name=name)
        routing = found.get("RoutingConfig") or {}
        return found["FunctionVersion"], routing.get("AdditionalVersionWeights") or {}

    def layer_versions(self, name: str) -> dict[int, str]:
        """The versions of a layer, and their content's hash."""
        found = {}
        try:
            listed = self.functions.list_layer_versions(LayerName=name)["LayerVersions"]
        except ClientError:
            return {}
        for version in listed:
            asked = self.functions.get_layer_version(
                LayerName=name, VersionNumber=version["Version"]
            )
            found[version["Version"]] = asked["Content"]["CodeSha256"]
        return dict(sorted(found.items()))

    def objects(self, bucket: str) -> list[str]:
        """Keys of all objects in a bucket, once for each version, deletion markers too."""
        found = self.storage.list_object_versions(Bucket=bucket)
        return sorted(
            one["Key"] for kind in ("Versions", "DeleteMarkers") for one in found.get(kind, [])
        )

    def uploads(self, bucket: str) -> list[str]:
        """Keys of multipart uploads that were begun and not ended."""
        found = self.storage.list_multipart_uploads(Bucket=bucket)
        return sorted(one["Key"] for one in found.get("Uploads", []))
