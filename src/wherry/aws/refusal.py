"""What AWS and boto3 answer when something is wrong, as one clear error with AWS's own words as the cause."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wherry.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import ClientError

__all__ = ["CONFLICT", "EXPIRED", "THROTTLED", "code_of", "refusing", "translate"]

EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
"""AWS's names for credentials that were good once."""

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
"""AWS's names for being asked too often: the request was not carried out."""

CONFLICT = "ResourceConflictException"
"""AWS's name for a function or alias that is busy, or that is there already: the request was not carried out."""

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
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AllAccessDisabled",
        "403",
        "Forbidden",
    }
)
_IAM = re.compile(r"not authorized to perform:? ([a-z0-9-]+:\w+)(?: on resource: (\S+))?")


@contextmanager
def refusing(doing: str) -> Iterator[None]:
    """Turn what boto3 raises inside into an ``AwsError``.

    Args:
        doing: what is being done, as it follows "cannot": "publish layer `x`".

    Raises:
        AwsError: boto3 raised something.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(error, doing) from error


def code_of(error: BaseException) -> str:
    """AWS's name of an error; empty where AWS gave none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def translate(error: Exception, doing: str) -> AwsError:
    """An error of boto3 in our terms: what was being done, AWS's words, and a hint."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        return _of_aws(error, doing)
    return _of_boto(error, doing)


def _of_aws(error: ClientError, doing: str) -> AwsError:
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", "")).strip()
    if re.fullmatch(r"\d{3}", code):
        # Who asks for the head alone gets no body; and whoever stands in between answers with a page.
        told = "" if message.startswith("<") else message
        cause = f"{error.operation_name}: HTTP {code} {told}".rstrip()
    else:
        cause = f"{error.operation_name}: {code}: {message}" if message else code
    return AwsError(
        f"cannot {doing}", code=code, where=[cause], hint=_hint(error.operation_name, code, message)
    )


def _hint(operation: str, code: str, message: str) -> str | None:
    if code in _BAD_SIGNATURE:
        # Before expiry: a clock that is wrong makes "Signature expired".
        return (
            "the secret access key is not that of the access key, or this machine's clock is wrong"
        )
    if code in EXPIRED or "expired" in message.lower():
        return "the credentials have expired: sign in again (`aws sso login`), then run the same command again"
    if code in _UNKNOWN_KEY:
        return (
            "AWS does not know these credentials: see what `aws sts get-caller-identity` says, and which "
            "profile is meant (`profile` of the stage, or AWS_PROFILE)"
        )
    if code in _DENIED:
        match = _IAM.search(message)
        action = match[1] if match else _action(operation)
        where = f" on {match[2].rstrip('.')}" if match and match[2] else ""
        return f"allow `{action}`{where} in the policy of whoever deploys"
    if code in THROTTLED:
        return "AWS is asked too often at the moment: run the same command again later"
    if code == "PreconditionFailedException":
        return (
            "somebody else changed it meanwhile: see what `wherry plan` says, then run the same command "
            "again"
        )
    if code == CONFLICT:
        return "another update is under way: run the same command again when it has ended"
    if code == "CodeStorageExceededException":
        return "the code storage of the region is full: remove old versions with `wherry prune`"
    if code in {"RequestEntityTooLargeException", "RequestTooLarge"}:
        return 'give the stage a bucket, so that packages go through S3: bucket = "s3://…"'
    if code in {"NoSuchBucket", "PermanentRedirect", "AuthorizationHeaderMalformed"}:
        return (
            "see that the stage's `bucket` and `bucket-region` are those of a bucket that is there"
        )
    if code == "400":
        return (
            "S3 gives such a request no reason; mostly the credentials have expired: sign in again "
            "(`aws sso login`), then run the same command again"
        )
    if code in {"ResourceNotFoundException", "404"}:
        return "see that the stage's region, profile and names are those of what is on AWS"
    if code == "InvalidParameterValueException":
        return _invalid(message)
    return None


def _invalid(message: str) -> str | None:
    lowered = message.lower()
    if "role" in lowered and ("assume" in lowered or "not found" in lowered):
        return (
            "the function's `role` must be there and let lambda.amazonaws.com assume it; a role that was "
            "just made takes some seconds"
        )
    if "unzipped size" in lowered:
        return "function and layers together are too big: `wherry build` says what weighs how much"
    if "getobject" in lowered or "s3" in lowered:
        return "AWS Lambda takes code from buckets of its own region: see the stage's `bucket`"
    return None


def _action(operation: str) -> str:
    """The IAM action of an operation; for the few whose names differ."""
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
    }
    if operation in others:
        return others[operation]
    service = "s3" if "Object" in operation or "Bucket" in operation else "lambda"
    return f"{service}:{operation}"


def _of_boto(error: Exception, doing: str) -> AwsError:
    from botocore import exceptions as known

    cause = str(error).strip() or type(error).__name__
    hint: str | None = None
    if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError):
        hint = (
            "sign in (`aws sso login`, `aws configure`), or name a profile: `profile` of the stage, or "
            "AWS_PROFILE"
        )
    elif isinstance(
        error, known.SSOError | known.TokenRetrievalError | known.CredentialRetrievalError
    ):
        hint = "the credentials could not be had, or have expired: sign in again (`aws sso login`)"
    elif isinstance(error, known.ProfileNotFound):
        hint = "`profile` of the stage or AWS_PROFILE names a profile that `aws configure list-profiles` lacks"
    elif isinstance(error, known.NoRegionError):
        hint = 'give the stage a region: region = "eu-west-1"'
    elif isinstance(error, known.EndpointConnectionError | known.ConnectTimeoutError):
        hint = "see that the region is one of AWS's, and that the network lets this machine out"
    elif isinstance(error, known.HTTPClientError | known.ConnectionError):
        hint = "the connection broke: run the same command again"
    return AwsError(f"cannot {doing}", where=cause.splitlines(), hint=hint)
