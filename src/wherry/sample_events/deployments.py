"""Events of deployments: custom resources, pipelines, hooks, repositories, rules, rotations of secrets.

After the guides of CloudFormation, CodePipeline, CodeDeploy, CodeCommit, Config and Secrets Manager.
"""

from __future__ import annotations

from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.choices import Choices, Event, Kind, compact, encoded, new_id

__all__ = ["DEPLOYMENTS"]


def _cloudformation(choices: Choices) -> Event:
    kind = choices.type or "Create"
    function = choices.arn("lambda", "function:my-function")
    properties = {"ServiceToken": function, **choices.document({"Name": "example"})}
    event: Event = {
        "RequestType": kind,
        "ServiceToken": function,
        "ResponseURL": f"https://cloudformation-custom-resource-response-{choices.region.replace('-', '')}"
        f".s3.{choices.region}.amazonaws.com/example",
        "StackId": choices.arn("cloudformation", f"stack/my-stack/{new_id()}"),
        "RequestId": new_id(),
        "LogicalResourceId": choices.name or "MyResource",
        "ResourceType": "Custom::MyResource",
        "ResourceProperties": properties,
    }
    if kind != "Create":
        event["PhysicalResourceId"] = "my-resource-1"
    if kind == "Update":
        event["OldResourceProperties"] = {**properties, "Name": "before"}
    return event


def _code_pipeline(choices: Choices) -> Event:
    return {
        "CodePipeline.job": {
            "id": new_id(),
            "accountId": ACCOUNT,
            "data": {
                "actionConfiguration": {
                    "configuration": {
                        "FunctionName": "my-function",
                        "UserParameters": choices.text(compact({"example": "parameter"})),
                    }
                },
                "inputArtifacts": [
                    {
                        "location": {
                            "s3Location": {
                                "bucketName": choices.bucket or "my-pipeline-bucket",
                                "objectKey": choices.key or "my-pipeline/SourceArti/example",
                            },
                            "type": "S3",
                        },
                        "revision": None,
                        "name": "SourceArtifact",
                    }
                ],
                "outputArtifacts": [],
                "artifactCredentials": {
                    "accessKeyId": "example",
                    "secretAccessKey": "example",
                    "sessionToken": "example",
                    "expirationTime": choices.milliseconds + 3_600_000,
                },
                "continuationToken": None,
            },
        }
    }


def _code_deploy(choices: Choices) -> Event:  # noqa: ARG001
    return {
        "DeploymentId": "d-ABCDEF123",
        "LifecycleEventHookExecutionId": encoded(new_id().encode()),
    }


def _code_commit(choices: Choices) -> Event:
    return {
        "Records": [
            {
                "awsRegion": choices.region,
                "codecommit": {
                    "references": [
                        {
                            "commit": "5c4ef1049f1d27deadbeeff313e0730018be182b",
                            "created": True,
                            "ref": "refs/heads/main",
                        }
                    ]
                },
                "customData": choices.text("example"),
                "eventId": new_id(),
                "eventName": "ReferenceChanges",
                "eventPartNumber": 1,
                "eventSource": "aws:codecommit",
                "eventSourceARN": choices.arn("codecommit", choices.name or "my-repository"),
                "eventTime": choices.iso().replace("Z", "+0000"),
                "eventTotalParts": 1,
                "eventTriggerConfigId": new_id(),
                "eventTriggerName": "my-trigger",
                "eventVersion": "1.0",
                "userIdentityARN": f"arn:aws:iam::{ACCOUNT}:root",
            }
        ]
    }


def _config(choices: Choices) -> Event:
    kind = choices.type or "ConfigurationItemChangeNotification"
    invoking: Event = {
        "awsAccountId": ACCOUNT,
        "notificationCreationTime": choices.iso(),
        "messageType": kind,
        "recordVersion": "1.0",
    }
    if kind != "ScheduledNotification":
        item = {
            "awsAccountId": ACCOUNT,
            "configurationItemVersion": "1.3",
            "configurationStateId": str(choices.milliseconds),
            "configurationItemCaptureTime": choices.iso(),
            "configurationItemStatus": "OK",
            "resourceId": choices.name or "i-00000000",
            "ARN": choices.arn("ec2", f"instance/{choices.name or 'i-00000000'}"),
            "awsRegion": choices.region,
            "availabilityZone": f"{choices.region}a",
            "configurationStateMd5Hash": "8f1ee69b287895a0f8bc5753eca68e96",
            "resourceCreationTime": choices.iso(),
            "resourceName": None,
            "resourceType": "AWS::EC2::Instance",
            "supplementaryConfiguration": {},
            "configuration": choices.document({"foo": "bar"}),
            "relationships": [],
            "relatedEvents": [],
            "tags": {},
        }
        if kind == "ConfigurationItemChangeNotification":
            invoking["configurationItem"] = item
            invoking["configurationItemDiff"] = {"changedProperties": {}, "changeType": "UPDATE"}
        else:
            # Of an item that is too large for an event there is a summary.
            summary = {name: value for name, value in item.items() if value in (None, str(value))}
            invoking["configurationItemSummary"] = {**summary, "changeType": "UPDATE"}
    return {
        "version": "1.0",
        "invokingEvent": compact(invoking),
        "ruleParameters": compact({"desiredInstanceType": "t3.micro"}),
        "resultToken": "example",
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/config-role",
        "configRuleArn": choices.arn("config", "config-rule/config-rule-0123456"),
        "configRuleName": "my-rule",
        "configRuleId": "config-rule-0123456",
        "accountId": ACCOUNT,
    }


def _secrets_manager(choices: Choices) -> Event:
    return {
        "SecretId": choices.arn("secretsmanager", f"secret:{choices.name or 'my-secret'}-a1b2c3"),
        "ClientRequestToken": new_id(),
        "Step": choices.type or "createSecret",
    }


DEPLOYMENTS = (
    Kind(
        name="cloudformation",
        summary="a custom resource of CloudFormation",
        make=_cloudformation,
        options=("type", "body", "name"),
        types=("Create", "Update", "Delete"),
    ),
    Kind(
        name="codepipeline",
        summary="a job of CodePipeline",
        make=_code_pipeline,
        options=("body", "bucket", "key"),
    ),
    Kind(name="codedeploy", summary="a hook of a deployment of CodeDeploy", make=_code_deploy),
    Kind(
        name="codecommit",
        summary="a push to a repository of CodeCommit",
        make=_code_commit,
        options=("name", "body"),
    ),
    Kind(
        name="config",
        summary="a rule of AWS Config",
        make=_config,
        options=("type", "name", "body"),
        types=(
            "ConfigurationItemChangeNotification",
            "OversizedConfigurationItemChangeNotification",
            "ScheduledNotification",
        ),
    ),
    Kind(
        name="secrets-manager",
        summary="a step of a rotation of a secret",
        make=_secrets_manager,
        options=("name", "type"),
        types=("createSecret", "setSecret", "testSecret", "finishSecret"),
    ),
)
