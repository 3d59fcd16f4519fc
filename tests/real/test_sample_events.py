"""Sample events are read by Powertools for AWS Lambda, whose classes also say which events there are.

Its data classes read what they are asked for, so every property of every part is asked for; its parser's models check
the whole event.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from uv import find_uv_bin

import wherry
from wherry.sample_events.kinds import KINDS

pytestmark = pytest.mark.real

READER = """
import importlib, inspect, json, pkgutil, sys

import aws_lambda_powertools.utilities.data_classes as data_classes
from aws_lambda_powertools.utilities.data_classes.common import DictWrapper
from aws_lambda_powertools.utilities.parser import models
from pydantic import BaseModel

for module in pkgutil.iter_modules(data_classes.__path__):
    importlib.import_module(f"{data_classes.__name__}.{module.name}")

def below(kind):
    for each in kind.__subclasses__():
        yield each
        yield from below(each)

wrappers = {each.__name__: each for each in below(DictWrapper)}
parsers = {name: getattr(models, name) for name in models.__all__}
for module in pkgutil.iter_modules(models.__path__):
    for name, each in vars(importlib.import_module(f"{models.__name__}.{module.name}")).items():
        if inspect.isclass(each) and issubclass(each, BaseModel) and each is not BaseModel:
            parsers[name] = each

def read(part, seen):
    # A list of records is an iterator that makes them.
    if isinstance(part, DictWrapper):
        for name, value in inspect.getmembers(type(part), lambda each: isinstance(each, property)):
            if name not in seen:
                read(getattr(part, name), seen)
    elif isinstance(part, dict):
        for each in part.values():
            read(each, seen)
    elif hasattr(part, "__iter__") and not isinstance(part, (str, bytes)):
        for each in part:
            read(each, seen)

found = {}
for case in json.load(sys.stdin):
    said = []
    for name in case["wrappers"]:
        try:
            read(wrappers[name](case["event"]), set(case["unread"]))
        except Exception as error:
            said.append(f"{name}: {error!r}")
    for name in case["models"]:
        try:
            parsers[name].model_validate(case["event"])
        except Exception as error:
            said.append(f"{name}: {error}")
    found[case["name"]] = said
parts = {
    name
    for each in parsers.values()
    for annotation in (str(field.annotation) for field in each.model_fields.values())
    for name in parsers
    if f".{name}" in annotation
}
bases = {base.__name__ for each in (*parsers.values(), *wrappers.values()) for base in each.__mro__[1:]}
json.dump({
    "faults": found,
    "wrappers": sorted(name for name in wrappers if name.endswith(("Event", "V2", "Authorizer")) and name not in bases),
    "models": sorted(set(parsers) - parts - bases),
}, sys.stdout)
"""

# By the kind: the data classes and the models that read it. A kind that is missing is unknown to Powertools.
READ_BY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rest": (("APIGatewayProxyEvent",), ("APIGatewayProxyEventModel",)),
    "http": (("APIGatewayProxyEventV2",), ("APIGatewayProxyEventV2Model",)),
    "function-url": (("LambdaFunctionUrlEvent",), ("LambdaFunctionUrlModel",)),
    "alb": (("ALBEvent",), ("AlbModel",)),
    # Its model knows one value for each header only.
    "alb-multi": (("ALBEvent",), ()),
    "websocket": (("APIGatewayWebSocketEvent",), ("APIGatewayWebSocketMessageEventModel",)),
    # Its model does not take lists of headers, see below.
    "lattice": (("VPCLatticeEventV2",), ()),
    "lattice-1": (("VPCLatticeEvent",), ("VpcLatticeModel",)),
    "authorizer-token": (("APIGatewayAuthorizerTokenEvent",), ("ApiGatewayAuthorizerToken",)),
    "authorizer-request": (
        ("APIGatewayAuthorizerRequestEvent",),
        ("ApiGatewayAuthorizerRequest",),
    ),
    "authorizer-http": (("APIGatewayAuthorizerEventV2",), ("ApiGatewayAuthorizerRequestV2",)),
    "s3": (("S3Event",), ("S3Model",)),
    "s3-eventbridge": (
        ("S3EventBridgeNotificationEvent",),
        ("S3EventNotificationEventBridgeModel",),
    ),
    "s3-batch": (("S3BatchOperationEvent",), ("S3BatchOperationModel",)),
    "s3-object-lambda": (("S3ObjectLambdaEvent",), ("S3ObjectLambdaEvent",)),
    "dynamodb": (("DynamoDBStreamEvent",), ("DynamoDBStreamModel",)),
    "dynamodb-failure": ((), ("DynamoDBStreamLambdaOnFailureDestinationModel",)),
    "sqs": (("SQSEvent",), ("SqsModel",)),
    "sns": (("SNSEvent",), ("SnsModel",)),
    "kinesis": (("KinesisStreamEvent",), ("KinesisDataStreamModel",)),
    "firehose": (("KinesisFirehoseEvent",), ("KinesisFirehoseModel",)),
    "msk": (("KafkaEvent",), ("KafkaMskEventModel",)),
    "kafka": (("KafkaEvent",), ("KafkaSelfManagedEventModel",)),
    "activemq": (("ActiveMQEvent",), ()),
    "rabbitmq": (("RabbitMQEvent",), ()),
    "eventbridge": (("EventBridgeEvent",), ("EventBridgeModel",)),
    "scheduled": (("EventBridgeEvent",), ("EventBridgeModel",)),
    "step-functions-status": (("EventBridgeEvent",), ("EventBridgeModel",)),
    "cloudwatch-logs": (("CloudWatchLogsEvent",), ("CloudWatchLogsModel",)),
    "cloudwatch-alarm": (("CloudWatchAlarmEvent",), ()),
    "cloudwatch-dashboard": (("CloudWatchDashboardCustomWidgetEvent",), ()),
    "cloudformation": (
        ("CloudFormationCustomResourceEvent",),
        ("CloudFormationCustomResourceCreateModel",),
    ),
    "codepipeline": (("CodePipelineJobEvent",), ()),
    "codedeploy": (("CodeDeployLifecycleHookEvent",), ()),
    "config": (("AWSConfigRuleEvent",), ()),
    "secrets-manager": (("SecretsManagerEvent",), ()),
    "ses": (("SESEvent",), ("SesModel",)),
    "connect": (("ConnectContactFlowEvent",), ()),
    "appsync": (("AppSyncResolverEvent",), ("AppSyncResolverEventModel",)),
    "appsync-authorizer": (("AppSyncAuthorizerEvent",), ()),
    "appsync-events": (("AppSyncResolverEventsEvent",), ("AppSyncEventsModel",)),
    "bedrock-agent": (("BedrockAgentEvent",), ("BedrockAgentEventModel",)),
    "bedrock-agent-function": (
        ("BedrockAgentFunctionEvent",),
        ("BedrockAgentFunctionEventModel",),
    ),
    "transfer-family": (("TransferFamilyAuthorizer",), ("TransferFamilyAuthorizer",)),
    "iot-thing": (("IoTCoreThingEvent",), ("IoTCoreThingEvent",)),
    "iot-thing-type": (("IoTCoreThingTypeEvent",), ("IoTCoreThingTypeEvent",)),
    "iot-thing-type-association": (
        ("IoTCoreThingTypeAssociationEvent",),
        ("IoTCoreThingTypeAssociationEvent",),
    ),
    "iot-thing-group": (("IoTCoreThingGroupEvent",), ("IoTCoreThingGroupEvent",)),
    "iot-thing-group-membership": (
        ("IoTCoreAddOrRemoveFromThingGroupEvent",),
        ("IoTCoreAddOrRemoveFromThingGroupEvent",),
    ),
    "iot-thing-group-hierarchy": (
        ("IoTCoreAddOrDeleteFromThingGroupEvent",),
        ("IoTCoreAddOrDeleteFromThingGroupEvent",),
    ),
    "cognito-pre-sign-up": (("PreSignUpTriggerEvent",), ("CognitoPreSignupTriggerModel",)),
    "cognito-post-confirmation": (
        ("PostConfirmationTriggerEvent",),
        ("CognitoPostConfirmationTriggerModel",),
    ),
    "cognito-pre-authentication": (
        ("PreAuthenticationTriggerEvent",),
        ("CognitoPreAuthenticationTriggerModel",),
    ),
    "cognito-post-authentication": (
        ("PostAuthenticationTriggerEvent",),
        ("CognitoPostAuthenticationTriggerModel",),
    ),
    "cognito-pre-token-generation": (
        ("PreTokenGenerationTriggerEvent",),
        ("CognitoPreTokenGenerationTriggerModelV1",),
    ),
    "cognito-pre-token-generation-v2": (
        # Its model takes scopes that are an object, and the documentation has a list, see below.
        ("PreTokenGenerationV2TriggerEvent",),
        (),
    ),
    "cognito-pre-token-generation-v3": (("PreTokenGenerationV2TriggerEvent",), ()),
    "cognito-custom-message": (
        ("CustomMessageTriggerEvent",),
        ("CognitoCustomMessageTriggerModel",),
    ),
    "cognito-user-migration": (
        ("UserMigrationTriggerEvent",),
        ("CognitoMigrateUserTriggerModel",),
    ),
    "cognito-define-auth-challenge": (
        ("DefineAuthChallengeTriggerEvent",),
        ("CognitoDefineAuthChallengeTriggerModel",),
    ),
    "cognito-create-auth-challenge": (
        ("CreateAuthChallengeTriggerEvent",),
        ("CognitoCreateAuthChallengeTriggerModel",),
    ),
    "cognito-verify-auth-challenge": (
        ("VerifyAuthChallengeResponseTriggerEvent",),
        ("CognitoVerifyAuthChallengeTriggerModel",),
    ),
    "cognito-custom-email-sender": (
        ("CustomEmailSenderTriggerEvent",),
        ("CognitoCustomEmailSenderTriggerModel",),
    ),
    "cognito-custom-sms-sender": (
        ("CustomSMSSenderTriggerEvent",),
        ("CognitoCustomSMSSenderTriggerModel",),
    ),
}

# What carries the events of others, or is of another type: the kind, its options, and what reads it.
MORE: list[tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    ("s3", {"type": "ObjectRemoved:Delete"}, (), ("S3Model",)),
    ("s3", {"via": ["sqs"]}, ("SQSEvent",), ("S3SqsEventNotificationModel",)),
    ("s3", {"via": ["sns", "sqs"]}, ("SQSEvent",), ("SqsModel",)),
    ("sns", {"via": ["sqs"]}, ("SQSEvent",), ("SqsModel",)),
    ("sqs", {"via": ["firehose"]}, ("KinesisFirehoseEvent",), ("KinesisFirehoseSqsModel",)),
    ("cloudwatch-logs", {"via": ["kinesis"]}, ("KinesisStreamEvent",), ("KinesisDataStreamModel",)),
    ("dynamodb", {"type": "REMOVE"}, ("DynamoDBStreamEvent",), ("DynamoDBStreamModel",)),
    (
        "dynamodb",
        {"type": "MODIFY", "records": 3},
        ("DynamoDBStreamEvent",),
        ("DynamoDBStreamModel",),
    ),
    (
        "cloudformation",
        {"type": "Update"},
        ("CloudFormationCustomResourceEvent",),
        ("CloudFormationCustomResourceUpdateModel",),
    ),
    (
        "cloudformation",
        {"type": "Delete"},
        ("CloudFormationCustomResourceEvent",),
        ("CloudFormationCustomResourceDeleteModel",),
    ),
    (
        "websocket",
        {"type": "CONNECT"},
        ("APIGatewayWebSocketEvent",),
        ("APIGatewayWebSocketConnectEventModel",),
    ),
    (
        "websocket",
        {"type": "DISCONNECT"},
        ("APIGatewayWebSocketEvent",),
        ("APIGatewayWebSocketDisconnectEventModel",),
    ),
    ("rest", {"claims": {"sub": "ada"}}, ("APIGatewayProxyEvent",), ("APIGatewayProxyEventModel",)),
    (
        "http",
        {"claims": {"sub": "ada"}, "body": {"a": 1}, "query": "a=1&a=2"},
        ("APIGatewayProxyEventV2",),
        ("APIGatewayProxyEventV2Model",),
    ),
    (
        "sqs",
        {"name": "a.fifo", "attributes": {"a": "b"}, "records": 10},
        ("SQSEvent",),
        ("SqsModel",),
    ),
    ("sns", {"attributes": {"a": "b"}, "records": 2}, ("SNSEvent",), ("SnsModel",)),
    (
        "cognito-pre-token-generation-v3",
        {"changes": {"request.scopes": {}}},
        (),
        ("CognitoPreTokenGenerationTriggerModelV2AndV3",),
    ),
    ("lattice", {"changes": {"headers": {}}}, (), ("VpcLatticeV2Model",)),
    ("config", {"type": "ScheduledNotification"}, ("AWSConfigRuleEvent",), ()),
    (
        "config",
        {"type": "OversizedConfigurationItemChangeNotification"},
        ("AWSConfigRuleEvent",),
        (),
    ),
]

# Properties that only some of these events have; Powertools documents no default for them.
UNREAD = [
    "decoded_nested_s3_event",
    "decoded_nested_sns_event",
    # Of HTTP APIs in format 1.0 and with cookies, of authorizers that are asked about a token, of users of IAM.
    "version",
    "cookies",
    "authorization_token",
    "user_name",
    "identity_source",
    "query_string_parameters",
    "connection_id",
]
PARTS = {
    "APIGatewayEventAuthorizer",
    "CloudWatchLogsLogEvent",
    "RequestContextV2",
    "RequestContextV2Authorizer",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Powertools says of every sample event, and which classes it has."""
    target = tmp_path_factory.mktemp("powertools")
    subprocess.run(
        [find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable,
         "--target", target, "--only-binary", ":all:", "aws-lambda-powertools[parser]"],
        check=True,
    )  # fmt: skip
    cases = [
        {
            "name": kind,
            "event": wherry.event(kind),
            "wrappers": wrappers,
            "models": models,
            "unread": UNREAD,
        }
        for kind, (wrappers, models) in READ_BY.items()
    ]
    cases += [
        {
            "name": f"{kind} {options}",
            "event": wherry.event(kind, **options),
            "wrappers": wrappers,
            "models": models,
            "unread": UNREAD,
        }
        for kind, options, wrappers, models in MORE
    ]
    done = subprocess.run(
        [sys.executable, "-c", READER],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_event_is_read(answers: dict[str, Any]) -> None:
    assert {name: said for name, said in answers["faults"].items() if said} == {}


def test_there_is_an_event_for_every_class(answers: dict[str, Any]) -> None:
    wrappers = {name for read, _ in READ_BY.values() for name in read}
    models = {name for _, read in READ_BY.values() for name in read}
    for _, _, more_wrappers, more_models in MORE:
        wrappers |= set(more_wrappers)
        models |= set(more_models)
    assert set(answers["wrappers"]) - wrappers - PARTS == set()
    assert set(answers["models"]) - models == set()
    assert READ_BY.keys() <= KINDS.keys()
