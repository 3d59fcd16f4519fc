"""Events of user pools of Cognito.

After "Customizing user pool workflows with Lambda triggers" of the Amazon Cognito developer guide.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from wherry.sample_events.choices import Choices, Event, Kind, encoded, new_id

__all__ = ["USERS"]

_CHALLENGE = {
    "challengeName": "PASSWORD_VERIFIER",
    "challengeResult": True,
    "challengeMetadata": None,
}
_GROUPS = {"groupsToOverride": ["my-group"], "iamRolesToOverride": [], "preferredRole": None}
_CODE = encoded(b"encrypted")

# By the name of the trigger: its summary, its sources (the first is the default), what the request has besides the
# attributes of the user, and the response that the function fills in.
_TRIGGERS: dict[str, tuple[str, tuple[str, ...], Event, Event]] = {
    "pre-sign-up": (
        "a user signs up",
        ("PreSignUp_SignUp", "PreSignUp_AdminCreateUser", "PreSignUp_ExternalProvider"),
        {"validationData": None, "clientMetadata": None},
        {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    ),
    "post-confirmation": (
        "a user has confirmed to be who he is",
        ("PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword"),
        {"clientMetadata": None},
        {},
    ),
    "pre-authentication": (
        "a user is about to sign in",
        ("PreAuthentication_Authentication",),
        {"validationData": None, "userNotFound": False},
        {},
    ),
    "post-authentication": (
        "a user has signed in",
        ("PostAuthentication_Authentication",),
        {"newDeviceUsed": True, "clientMetadata": None},
        {},
    ),
    "pre-token-generation": (
        "tokens are about to be made",
        (
            "TokenGeneration_Authentication",
            "TokenGeneration_HostedAuth",
            "TokenGeneration_NewPasswordChallenge",
            "TokenGeneration_AuthenticateDevice",
            "TokenGeneration_RefreshTokens",
        ),
        {"groupConfiguration": _GROUPS, "clientMetadata": None},
        {"claimsOverrideDetails": None},
    ),
    "pre-token-generation-v2": (
        "tokens are about to be made, by the newer version of the event",
        (
            "TokenGeneration_Authentication",
            "TokenGeneration_HostedAuth",
            "TokenGeneration_RefreshTokens",
        ),
        {
            "groupConfiguration": _GROUPS,
            "scopes": ["aws.cognito.signin.user.admin"],
            "clientMetadata": None,
        },
        {"claimsAndScopeOverrideDetails": None},
    ),
    "pre-token-generation-v3": (
        "tokens for a machine are about to be made",
        ("TokenGeneration_ClientCredentials",),
        {
            "userAttributes": {},
            "groupConfiguration": {**_GROUPS, "groupsToOverride": []},
            "scopes": ["my-api/read"],
            "clientMetadata": None,
        },
        {"claimsAndScopeOverrideDetails": None},
    ),
    "custom-message": (
        "a message to a user is about to be sent",
        (
            "CustomMessage_SignUp",
            "CustomMessage_AdminCreateUser",
            "CustomMessage_ResendCode",
            "CustomMessage_ForgotPassword",
            "CustomMessage_UpdateUserAttribute",
            "CustomMessage_VerifyUserAttribute",
            "CustomMessage_Authentication",
        ),
        {
            "codeParameter": "{####}",
            "linkParameter": "{##Click Here##}",
            "usernameParameter": None,
            "clientMetadata": None,
        },
        {"smsMessage": None, "emailMessage": None, "emailSubject": None},
    ),
    "user-migration": (
        "a user who is not in the pool signs in",
        ("UserMigration_Authentication", "UserMigration_ForgotPassword"),
        {"password": "example", "validationData": None, "clientMetadata": None},
        {
            "userAttributes": None,
            "finalUserStatus": None,
            "messageAction": None,
            "desiredDeliveryMediums": None,
            "forceAliasCreation": None,
        },
    ),
    "define-auth-challenge": (
        "the next challenge of a user is to be chosen",
        ("DefineAuthChallenge_Authentication",),
        {"session": [_CHALLENGE], "clientMetadata": None, "userNotFound": False},
        {"challengeName": None, "issueTokens": False, "failAuthentication": False},
    ),
    "create-auth-challenge": (
        "a challenge for a user is to be made",
        ("CreateAuthChallenge_Authentication",),
        {
            "session": [_CHALLENGE],
            "challengeName": "CUSTOM_CHALLENGE",
            "clientMetadata": None,
            "userNotFound": False,
        },
        {
            "publicChallengeParameters": None,
            "privateChallengeParameters": None,
            "challengeMetadata": None,
        },
    ),
    "verify-auth-challenge": (
        "the answer of a user to a challenge is to be checked",
        ("VerifyAuthChallengeResponse_Authentication",),
        {
            "privateChallengeParameters": {"answer": "42"},
            "challengeAnswer": "42",
            "clientMetadata": None,
            "userNotFound": False,
        },
        {"answerCorrect": False},
    ),
    "custom-email-sender": (
        "a message to a user is to be sent by email",
        ("CustomEmailSender_SignUp", "CustomEmailSender_ForgotPassword"),
        {"type": "customEmailSenderRequestV1", "code": _CODE, "clientMetadata": None},
        {},
    ),
    "custom-sms-sender": (
        "a message to a user is to be sent by SMS",
        ("CustomSMSSender_SignUp", "CustomSMSSender_ForgotPassword"),
        {"type": "customSMSSenderRequestV1", "code": _CODE, "clientMetadata": None},
        {},
    ),
}
_VERSIONS = {"pre-token-generation-v2": "2", "pre-token-generation-v3": "3"}
_WITHOUT_USER = frozenset({"user-migration", "pre-token-generation-v3"})


def _trigger(name: str, choices: Choices) -> Event:
    _, sources, request, response = _TRIGGERS[name]
    user = choices.user or "ada"
    attributes: dict[str, Any] = {}
    if name not in _WITHOUT_USER:
        attributes["userAttributes"] = {
            "sub": new_id(),
            "email": f"{user}@example.com",
            "email_verified": "true",
            "cognito:user_status": "CONFIRMED",
            **choices.attributes,
        }
    return {
        "version": _VERSIONS.get(name, "1"),
        "triggerSource": choices.type or sources[0],
        "region": choices.region,
        "userPoolId": f"{choices.region}_{choices.name or 'EXAMPLE01'}",
        "userName": user,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "example"},
        "request": {**attributes, **request},
        "response": dict(response),
    }


USERS = tuple(
    Kind(
        name=f"cognito-{name}",
        summary=f"Cognito: {summary}",
        make=partial(_trigger, name),
        options=("user", "name", "type", *(() if name in _WITHOUT_USER else ("attributes",))),
        types=sources,
    )
    for name, (summary, sources, _, _) in _TRIGGERS.items()
)
