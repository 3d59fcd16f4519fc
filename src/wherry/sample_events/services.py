"""Events of other services: mail, calls, conversations, agents, files.

After the guides of SES, Connect, Lex, Alexa, AppSync, Bedrock and Transfer Family.
"""

from __future__ import annotations

from wherry.invoke.variables import ACCOUNT
from wherry.sample_events.choices import Choices, Event, Kind, new_id

__all__ = ["SERVICES"]


def _ses(choices: Choices) -> Event:
    sender, recipient, message = "ada@example.com", choices.user or "shop@example.com", new_id()
    passed = {"status": "PASS"}
    mail = {
        "timestamp": choices.iso(),
        "source": sender,
        "messageId": message,
        "destination": [recipient],
        "headersTruncated": False,
        "headers": [
            {"name": "Return-Path", "value": f"<{sender}>"},
            {"name": "From", "value": sender},
            {"name": "To", "value": recipient},
            {"name": "Subject", "value": choices.name or "Example"},
        ],
        "commonHeaders": {
            "returnPath": sender,
            "from": [f"Ada <{sender}>"],
            "date": choices.now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "to": [recipient],
            "messageId": f"<{message}@example.com>",
            "subject": choices.name or "Example",
        },
    }
    receipt = {
        "timestamp": choices.iso(),
        "processingTimeMillis": 574,
        "recipients": [recipient],
        "spamVerdict": passed,
        "virusVerdict": passed,
        "spfVerdict": passed,
        "dkimVerdict": passed,
        "dmarcVerdict": passed,
        "action": {
            "type": "Lambda",
            "functionArn": choices.arn("lambda", "function:my-function"),
            "invocationType": "Event",
        },
    }
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {"mail": mail, "receipt": receipt},
            }
        ]
    }


def _connect(choices: Choices) -> Event:
    contact = new_id()
    return {
        "Name": "ContactFlowEvent",
        "Details": {
            "ContactData": {
                "Attributes": dict(choices.attributes),
                "AwsRegion": choices.region,
                "Channel": choices.type or "VOICE",
                "ContactId": contact,
                "CustomerEndpoint": {
                    "Address": choices.user or "+15555550100",
                    "Type": "TELEPHONE_NUMBER",
                },
                "CustomerId": None,
                "Description": None,
                "InitialContactId": contact,
                "InitiationMethod": "INBOUND",
                "InstanceARN": choices.arn("connect", f"instance/{new_id()}"),
                "LanguageCode": "en-US",
                "MediaStreams": {
                    "Customer": {
                        "Audio": {
                            "StartFragmentNumber": "91343852333181432392682062622220590765191907586",
                            "StartTimestamp": str(choices.milliseconds),
                            "StreamARN": choices.arn("kinesisvideo", "stream/my-stream/1"),
                        }
                    }
                },
                "Name": None,
                "PreviousContactId": contact,
                "Queue": None,
                "References": {},
                "RelatedContactId": None,
                "SystemEndpoint": {"Address": "+15555550101", "Type": "TELEPHONE_NUMBER"},
                "Tags": {},
            },
            "Parameters": choices.document({"example": "parameter"}),
        },
    }


def _lex(choices: Choices) -> Event:
    intent = {
        "name": choices.name or "OrderOar",
        "slots": {},
        "state": "ReadyForFulfillment",
        "confirmationState": "None",
    }
    words = choices.text("I would like an oar")
    return {
        "messageVersion": "1.0",
        "invocationSource": choices.type or "FulfillmentCodeHook",
        "inputMode": "Text",
        "responseContentType": "text/plain; charset=utf-8",
        "sessionId": new_id(),
        "inputTranscript": words,
        "invocationLabel": None,
        "bot": {
            "id": "ABCD123XYZ",
            "name": "MyBot",
            "aliasId": "TSTALIASID",
            "aliasName": "TestBotAlias",
            "localeId": "en_US",
            "version": "DRAFT",
        },
        "interpretations": [
            {
                "intent": intent,
                "interpretationSource": "Lex",
                "nluConfidence": 0.95,
            }
        ],
        "proposedNextState": {
            "prompt": {"attempt": "Initial"},
            "intent": intent,
            "dialogAction": {"type": "Close"},
        },
        "requestAttributes": {},
        "sessionState": {
            "activeContexts": [],
            "sessionAttributes": dict(choices.attributes),
            "originatingRequestId": new_id(),
            "intent": intent,
        },
        "transcriptions": [
            {
                "transcription": words,
                "transcriptionConfidence": 1.0,
                "resolvedContext": {"intent": intent["name"]},
                "resolvedSlots": {},
            }
        ],
    }


def _identity(choices: Choices) -> Event:
    user = choices.user or "ada"
    return {
        "sub": new_id(),
        "issuer": f"https://cognito-idp.{choices.region}.amazonaws.com/{choices.region}_EXAMPLE01",
        "username": user,
        "claims": {"sub": new_id(), "username": user, **choices.claims},
        "sourceIp": ["127.0.0.1"],
        "defaultAuthStrategy": "ALLOW",
        "groups": None,
    }


def _appsync(choices: Choices) -> Event:
    parent, _, field = (choices.name or "Query.getOrder").rpartition(".")
    return {
        "arguments": choices.document({"id": "7"}),
        "identity": _identity(choices),
        "source": None,
        "request": {
            "headers": {"host": "example.appsync-api.amazonaws.com", **dict(choices.headers)},
            "domainName": None,
        },
        "prev": None,
        "info": {
            "selectionSetList": ["id", "name"],
            "selectionSetGraphQL": "{\n  id\n  name\n}",
            "fieldName": field,
            "parentTypeName": parent or "Query",
            "variables": {},
        },
        "stash": {},
    }


def _appsync_authorizer(choices: Choices) -> Event:
    return {
        "authorizationToken": choices.text("example"),
        "requestContext": {
            "apiId": "example123456",
            "accountId": ACCOUNT,
            "requestId": new_id(),
            "queryString": "query MyQuery { getOrder(id: 7) { name } }",
            "operationName": "MyQuery",
            "variables": {},
        },
        "requestHeaders": {"accept": "application/json", **dict(choices.headers)},
    }


def _appsync_events(choices: Choices) -> Event:
    path = choices.path if choices.path != "/" else "/default/channel"
    segments = [part for part in path.split("/") if part]
    subscribing = choices.type == "SUBSCRIBE"
    return {
        "identity": _identity(choices),
        "result": None,
        "request": {
            "headers": {"host": "example.appsync-api.amazonaws.com", **dict(choices.headers)},
            "domainName": None,
        },
        "error": None,
        "prev": None,
        "stash": {},
        "outErrors": [],
        "info": {
            "channel": {"path": path, "segments": segments},
            "channelNamespace": {"name": segments[0] if segments else "default"},
            "operation": choices.type or "PUBLISH",
        },
        "events": None
        if subscribing
        else [
            {"id": new_id(), "payload": choices.document({"id": 7})} for _ in range(choices.records)
        ],
    }


def _agent(choices: Choices) -> Event:
    return {
        "messageVersion": "1.0",
        "agent": {
            "name": "my-agent",
            "id": "ABCDEF1234",
            "alias": "TSTALIASID",
            "version": "DRAFT",
        },
        "sessionId": new_id(),
        "sessionAttributes": dict(choices.attributes),
        "promptSessionAttributes": {},
        "inputText": choices.text("What have I ordered?"),
        "actionGroup": "my-action-group",
        "parameters": [{"name": "id", "type": "string", "value": "7"}],
    }


def _bedrock_agent(choices: Choices) -> Event:
    return {
        **_agent(choices),
        "apiPath": choices.path if choices.path != "/" else "/orders/{id}",
        "httpMethod": choices.method,
    }


def _bedrock_agent_function(choices: Choices) -> Event:
    return {**_agent(choices), "function": choices.name or "getOrder"}


def _transfer_family(choices: Choices) -> Event:
    return {
        "username": choices.user or "ada",
        "password": "example",
        "protocol": choices.type or "SFTP",
        "serverId": "s-abcd123456",
        "sourceIp": "127.0.0.1",
    }


def _alexa(choices: Choices) -> Event:
    application = {"applicationId": "amzn1.ask.skill.example"}
    user = {"userId": f"amzn1.ask.account.{choices.user or 'example'}"}
    request: Event = {
        "type": choices.type or "LaunchRequest",
        "requestId": f"amzn1.echo-api.request.{new_id()}",
        "timestamp": choices.iso(0),
        "locale": "en-US",
    }
    if choices.type == "IntentRequest":
        intent = choices.name or "OrderOar"
        request["intent"] = {"name": intent, "confirmationStatus": "NONE", "slots": {}}
    return {
        "version": "1.0",
        "session": {
            "new": True,
            "sessionId": f"amzn1.echo-api.session.{new_id()}",
            "application": application,
            "attributes": dict(choices.attributes),
            "user": user,
        },
        "context": {
            "System": {
                "application": application,
                "user": user,
                "device": {"deviceId": "example", "supportedInterfaces": {}},
                "apiEndpoint": "https://api.amazonalexa.com",
            }
        },
        "request": request,
    }


SERVICES = (
    Kind(
        name="ses",
        summary="a mail that SES has received (--name: its subject, --user: its recipient)",
        make=_ses,
        options=("name", "user"),
    ),
    Kind(
        name="connect",
        summary="a contact of a flow of Amazon Connect",
        make=_connect,
        options=("body", "type", "user", "attributes"),
        types=("VOICE", "CHAT", "TASK"),
    ),
    Kind(
        name="lex",
        summary="a turn of a conversation with a bot of Lex V2 (--name: the intent)",
        make=_lex,
        options=("body", "name", "type", "attributes"),
        types=("FulfillmentCodeHook", "DialogCodeHook"),
    ),
    Kind(
        name="alexa",
        summary="a request to a skill of Alexa",
        make=_alexa,
        options=("type", "name", "user", "attributes"),
        types=("LaunchRequest", "IntentRequest", "SessionEndedRequest"),
    ),
    Kind(
        name="appsync",
        summary="a field that AppSync resolves (--name: such as Query.getOrder)",
        make=_appsync,
        options=("body", "name", "headers", "user", "claims"),
    ),
    Kind(
        name="appsync-authorizer",
        summary="a request that AppSync has authorized (--body: the token)",
        make=_appsync_authorizer,
        options=("body", "headers"),
    ),
    Kind(
        name="appsync-events",
        summary="messages of a channel of AppSync Events (--path: the channel)",
        make=_appsync_events,
        options=("body", "path", "type", "records", "headers", "user", "claims"),
        types=("PUBLISH", "SUBSCRIBE"),
    ),
    Kind(
        name="bedrock-agent",
        summary="an action of a Bedrock agent by its OpenAPI schema",
        make=_bedrock_agent,
        options=("body", "path", "method", "attributes"),
    ),
    Kind(
        name="bedrock-agent-function",
        summary="an action of a Bedrock agent by its function's name",
        make=_bedrock_agent_function,
        options=("body", "name", "attributes"),
    ),
    Kind(
        name="transfer-family",
        summary="a user who logs in to a server of Transfer Family",
        make=_transfer_family,
        options=("user", "type"),
        types=("SFTP", "FTP", "FTPS"),
    ),
)
