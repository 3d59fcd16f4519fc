"""Errors of AWS and boto3 as one clear error, with AWS's own message as the cause."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from wherry.errors import AwsError
from wherry.indexes.boto_errors import cause_of, is_of_boto, without_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "CONFLICT",
    "DENIED",
    "THROTTLED",
    "code_of",
    "not_aws",
    "refusing",
    "translate",
    "unless_missing",
]

Result = TypeVar("Result")

_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
"""AWS's error codes for credentials that have expired."""

_EXPIRED_HINT = (
    "the credentials have expired: sign in again (`aws sso login`), then run the same command again"
)

THROTTLED = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "SlowDown",
        "RequestThrottled",
        "RequestThrottledException",
    }
)
"""AWS's error codes for too many requests: the request was not carried out."""

CONFLICT = "ResourceConflictException"
"""AWS's error code for a function or alias that is busy, or exists already: the request was not carried out."""

_UNKNOWN_KEY = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidToken",
        "AuthFailure",
    }
)
_BAD_SIGNATURE = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException"})
DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AllAccessDisabled",
        "403",
        "Forbidden",
    }
)
"""AWS's error codes for a missing permission."""

_IAM = re.compile(r"not authorized to perform:? ([a-z0-9-]+:\w+)(?: on resource: (\S+))?")
_EXPLICIT_DENY = re.compile(r"with an explicit deny in (an? (?:[\w-]+ ){0,4}(?:policy|boundary))")


@contextmanager
def refusing(doing: str) -> Iterator[None]:
    """Turn an exception of boto3 into an ``AwsError``.

    ``doing`` follows "cannot": "publish layer `x`".

    Raises:
        AwsError: boto3 raised an exception; it raises one also where what answers is not AWS.
    """
    try:
        yield
    except Exception as error:
        if not is_of_boto(error):
            raise
        raise translate(error, doing) from error


def unless_missing(doing: str, call: Callable[[], Result]) -> Result | None:
    """The result of a call; None if AWS has no such function, layer, alias or policy.

    Raises:
        AwsError: boto3 raised another exception.
    """
    try:
        with refusing(doing):
            return call()
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None


def code_of(error: BaseException) -> str:
    """The code of an error of AWS; empty if it has none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def not_aws(doing: str, cause: str) -> AwsError:
    """The error for an answer that cannot be understood."""
    return AwsError(
        f"cannot {doing}",
        where=[f"what answers is not AWS: {cause}"],
        hint="see whether a proxy, a VPN or AWS_ENDPOINT_URL stands between this machine and AWS",
    )


def translate(error: Exception, doing: str) -> AwsError:
    """An exception of boto3 as an ``AwsError``: the activity, AWS's message, and a hint."""
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        return _of_boto(error, doing)
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", ""))
    message = without_headers(str(answer.get("Message", ""))).strip()
    if re.fullmatch(r"\d{3}", code):
        # The answer to a HEAD request has no message; that of a proxy may be an HTML page.
        shown = "" if message.startswith("<") else message
        cause = f"{error.operation_name}: HTTP {code} {shown}".rstrip()
    else:
        cause = f"{error.operation_name}: {code}: {message}" if message else code
    return AwsError(
        f"cannot {doing}", code=code, where=[cause], hint=_hint(error.operation_name, code, message)
    )


def _hint(operation: str, code: str, message: str) -> str | None:
    if code in _BAD_SIGNATURE:
        # Checked before expiry: with a wrong clock the message is "Signature expired".
        return "the secret access key does not belong to the access key, or this machine's clock is wrong"
    if code in _EXPIRED or "expired" in message.lower():
        return _EXPIRED_HINT
    if code in _UNKNOWN_KEY:
        return (
            "AWS does not know these credentials there: check what `aws sts get-caller-identity` says, which profile "
            "is meant (`profile` of the stage, or AWS_PROFILE), and that the account has enabled the region"
        )
    if code in DENIED:
        if deny := _EXPLICIT_DENY.search(message):
            # To allow it elsewhere is of no use.
            return f"it is denied by {deny[1]}: ask whoever manages that, because a denial takes precedence"
        match = _IAM.search(message)
        action = match[1] if match else _action(operation)
        where = f" on {match[2].rstrip('.')}" if match and match[2] else ""
        return f"allow `{action}`{where} in the policy of the user or role that deploys"
    if code in THROTTLED:
        return "AWS received too many requests: run the same command again later"
    if code == "PreconditionFailedException":
        return (
            "somebody else has changed it: look at `wherry plan`, then run the same command again"
        )
    if code == CONFLICT:
        return "another update is under way: run the same command again when it has ended"
    if code == "CodeStorageExceededException":
        return "the code storage of the region is full: remove old versions with `wherry prune`"
    if code == "FunctionVersionsPerCapacityProviderLimitExceededException":
        return "the capacity provider has too many versions: remove old ones with `wherry prune`"
    if code in {"RequestEntityTooLargeException", "RequestTooLarge"}:
        return 'give the stage a bucket, so that packages go through S3: bucket = "s3://…"'
    if code in {"NoSuchBucket", "PermanentRedirect", "AuthorizationHeaderMalformed"}:
        return "check that the stage's `bucket` and `bucket-region` are those of an existing bucket"
    if code == "400":
        return (
            "S3 gives no reason for this; usually the credentials have expired: sign in again "
            "(`aws sso login`), then run the same command again"
        )
    if code in {"ResourceNotFoundException", "404"}:
        return "check that the stage's region, profile and names match AWS"
    if code == "InvalidParameterValueException":
        return _invalid(message)
    return None


def _invalid(message: str) -> str | None:
    lowered = message.lower()
    if "role" in lowered and ("assume" in lowered or "not found" in lowered):
        return (
            "the function's `role` must exist and let lambda.amazonaws.com assume it; a role that was "
            "just created takes some seconds"
        )
    if "unzipped size" in lowered:
        return "function and layers together are too big: `wherry build` shows the biggest distributions"
    if "nosuchkey" in lowered or "nosuchversion" in lowered:
        return "another deployment of the same package has removed it from the bucket: run the same command again"
    if "getobject" in lowered or "s3" in lowered:
        return "AWS Lambda takes code from buckets of its own region: see the stage's `bucket`"
    return None


def _action(operation: str) -> str:
    """The IAM action of an operation; a few have another name."""
    others = {
        "HeadObject": "s3:GetObject",
        "HeadBucket": "s3:ListBucket",
        "ListObjectsV2": "s3:ListBucket",
        "ListObjectVersions": "s3:ListBucketVersions",
        "CreateMultipartUpload": "s3:PutObject",
        "UploadPart": "s3:PutObject",
        "CompleteMultipartUpload": "s3:PutObject",
        "DeleteObjects": "s3:DeleteObject",
        "AssumeRole": "sts:AssumeRole",
        "FilterLogEvents": "logs:FilterLogEvents",
        "Invoke": "lambda:InvokeFunction",
        "GetParameters": "ssm:GetParameters",
        "GetSecretValue": "secretsmanager:GetSecretValue",
        "StartSigningJob": "signer:StartSigningJob",
        "DescribeSigningJob": "signer:DescribeSigningJob",
    }
    if operation in others:
        return others[operation]
    service = "s3" if "Object" in operation or "Bucket" in operation else "lambda"
    return f"{service}:{operation}"


def _of_boto(error: Exception, doing: str) -> AwsError:
    from botocore import exceptions as known
    from botocore.parsers import ResponseParserError

    cause = cause_of(error)
    if isinstance(error, ResponseParserError):
        return not_aws(doing, cause)
    hint: str | None = None
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError):
        hint = (
            "sign in (`aws sso login`, `aws configure`), or name a profile: `profile` of the stage, or "
            "AWS_PROFILE"
        )
    elif isinstance(
        error, known.SSOError | known.TokenRetrievalError | known.CredentialRetrievalError
    ):
        hint = (
            "the credentials could not be loaded, or have expired: sign in again (`aws sso login`)"
        )
    elif isinstance(error, known.ProfileNotFound):
        hint = "`profile` of the stage or AWS_PROFILE names a profile that `aws configure list-profiles` lacks"
    elif isinstance(error, known.NoRegionError):
        hint = 'give the stage a region: region = "eu-west-1"'
    elif isinstance(error, known.EndpointConnectionError | known.ConnectTimeoutError):
        hint = "check that the region is one of AWS's, and that the network allows this connection"
    elif isinstance(error, known.SSLError):
        hint = "check that AWS_CA_BUNDLE, or `ca_bundle` of the profile, has the certificate of what answers"
    elif isinstance(error, known.ProxyConnectionError):
        hint = "check the proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    elif isinstance(error, OSError):
        hint = (
            "AWS's variables and configuration files may name it, as `credential_process` and "
            "AWS_WEB_IDENTITY_TOKEN_FILE do"
        )
    elif not isinstance(error, known.BotoCoreError) or isinstance(_origin(error), ValueError):
        expired = "expired" in cause.lower()
        hint = (
            _EXPIRED_HINT
            if expired
            else (
                "check AWS's variables (AWS_ENDPOINT_URL, AWS_SESSION_TOKEN …), those of proxies, and AWS's "
                "configuration files"
            )
        )
    elif isinstance(error, known.HTTPClientError | known.ConnectionError):
        hint = "the connection broke: run the same command again"
    return AwsError(f"cannot {doing}", where=cause.splitlines(), hint=hint)


def _origin(error: Exception) -> object:
    """The exception of the HTTP client, of which boto3 made its own."""
    return getattr(error, "kwargs", {}).get("error")
