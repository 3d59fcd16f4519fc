"""What boto3 raises, in Wherry's terms: what was being done, AWS's words, and what to do."""

from __future__ import annotations

import botocore.session
import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from support.aws_faults import of_aws
from wherry.aws.attempts import attempt
from wherry.aws.errors import refusing, translate
from wherry.errors import AwsError

DENIED = (
    "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: lambda:UpdateFunctionCode on resource: "
    "arn:aws:lambda:eu-west-1:123456789012:function:api because no identity-based policy allows it"
)

CONFIGURATION = "check AWS's variables (AWS_ENDPOINT_URL, AWS_SESSION_TOKEN …), those of proxies, and AWS's configuration files"


@pytest.mark.parametrize(
    ("error", "cause", "hint"),
    [
        (
            of_aws("UpdateFunctionCode", "AccessDeniedException", DENIED, 403),
            f"UpdateFunctionCode: AccessDeniedException: {DENIED}",
            ("allow `lambda:UpdateFunctionCode` on arn:aws:lambda:eu-west-1:123456789012:function:api in the policy of "
            "the user or role that deploys"),
        ),
        (
            of_aws("HeadObject", "403", "Forbidden", 403),
            "HeadObject: HTTP 403 Forbidden",
            "allow `s3:GetObject` in the policy of the user or role that deploys",
        ),
        (
            of_aws("ListObjectVersions", "AccessDenied", "Access Denied", 403),
            "ListObjectVersions: AccessDenied: Access Denied",
            "allow `s3:ListBucketVersions` in the policy of the user or role that deploys",
        ),
        (
            of_aws("GetLayerVersion", "ExpiredTokenException", "The security token is expired", 403),
            "GetLayerVersion: ExpiredTokenException: The security token is expired",
            "the credentials have expired: sign in again (`aws sso login`), then run the same command again",
        ),
        (
            of_aws("PutObject", "ExpiredToken", "The provided token has expired."),
            "PutObject: ExpiredToken: The provided token has expired.",
            "the credentials have expired: sign in again (`aws sso login`), then run the same command again",
        ),
        (
            of_aws("GetAlias", "UnrecognizedClientException", "The security token is invalid.", 403),
            "GetAlias: UnrecognizedClientException: The security token is invalid.",
            ("AWS does not know these credentials there: check what `aws sts get-caller-identity` says, which profile "
            "is meant (`profile` of the stage, or AWS_PROFILE), and that the account has enabled the region"),
        ),
        (
            of_aws("GetAlias", "InvalidSignatureException", "Signature expired: yes", 403),
            "GetAlias: InvalidSignatureException: Signature expired: yes",
            "the secret access key does not belong to the access key, or this machine's clock is wrong",
        ),
        (
            of_aws("PublishVersion", "TooManyRequestsException", "Rate exceeded", 429),
            "PublishVersion: TooManyRequestsException: Rate exceeded",
            "AWS received too many requests: run the same command again later",
        ),
        (
            of_aws("UpdateAlias", "PreconditionFailedException", "The RevisionId is old", 412),
            "UpdateAlias: PreconditionFailedException: The RevisionId is old",
            "somebody else has changed it: look at `wherry plan`, then run the same command again",
        ),
        (
            of_aws("UpdateFunctionCode", "ResourceConflictException", "An update is in progress", 409),
            "UpdateFunctionCode: ResourceConflictException: An update is in progress",
            "another update is under way: run the same command again when it has ended",
        ),
        (
            of_aws("PublishVersion", "CodeStorageExceededException", "Code storage limit exceeded"),
            "PublishVersion: CodeStorageExceededException: Code storage limit exceeded",
            "the code storage of the region is full: remove old versions with `wherry prune`",
        ),
        (
            of_aws("UpdateFunctionCode", "RequestEntityTooLargeException", "Request must be smaller", 413),
            "UpdateFunctionCode: RequestEntityTooLargeException: Request must be smaller",
            'give the stage a bucket, so that packages go through S3: bucket = "s3://…"',
        ),
        (
            of_aws("PutObject", "NoSuchBucket", "The specified bucket does not exist", 404),
            "PutObject: NoSuchBucket: The specified bucket does not exist",
            "check that the stage's `bucket` and `bucket-region` are those of an existing bucket",
        ),
        (
            of_aws("CreateFunction", "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
            "CreateFunction: InvalidParameterValueException: The role defined for the function cannot be assumed by Lambda.",
            ("the function's `role` must exist and let lambda.amazonaws.com assume it; a role that was just created "
            "takes some seconds"),
        ),
        (
            of_aws("UpdateFunctionConfiguration", "InvalidParameterValueException", "Function code combined with layers exceeds the maximum allowed size. The actual unzipped size is 1"),
            ("UpdateFunctionConfiguration: InvalidParameterValueException: Function code combined with layers exceeds the "
            "maximum allowed size. The actual unzipped size is 1"),
            "function and layers together are too big: `wherry build` shows the biggest distributions",
        ),
        (
            of_aws("PublishLayerVersion", "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: PermanentRedirect."),
            ("PublishLayerVersion: InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: "
            "PermanentRedirect."),
            "AWS Lambda takes code from buckets of its own region: see the stage's `bucket`",
        ),
        (
            of_aws("UpdateFunctionCode", "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: NoSuchKey."),
            "UpdateFunctionCode: InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchKey.",
            "another deployment of the same package has removed it from the bucket: run the same command again",
        ),
        (
            of_aws("PublishVersion", "FunctionVersionsPerCapacityProviderLimitExceededException", "Too many"),
            "PublishVersion: FunctionVersionsPerCapacityProviderLimitExceededException: Too many",
            "the capacity provider has too many versions: remove old ones with `wherry prune`",
        ),
        (
            of_aws("GetFunctionConfiguration", "ResourceNotFoundException", "Function not found: x", 404),
            "GetFunctionConfiguration: ResourceNotFoundException: Function not found: x",
            "check that the stage's region, profile and names match AWS",
        ),
        (
            of_aws("AssumeRole", "AccessDenied", "no", 403),
            "AssumeRole: AccessDenied: no",
            "allow `sts:AssumeRole` in the policy of the user or role that deploys",
        ),
        (of_aws("GetAlias", "500", "<!doctype html>\n<p>", 500), "GetAlias: HTTP 500", None),
        (of_aws("GetAlias", "ServiceException", "Oops", 500), "GetAlias: ServiceException: Oops", None),
        (
            boto.NoCredentialsError(),
            "Unable to locate credentials",
            "sign in (`aws sso login`, `aws configure`), or name a profile: `profile` of the stage, or AWS_PROFILE",
        ),
        (
            boto.ProfileNotFound(profile="shop"),
            "The config profile (shop) could not be found",
            "`profile` of the stage or AWS_PROFILE names a profile that `aws configure list-profiles` lacks",
        ),
        (
            boto.NoRegionError(),
            "You must specify a region.",
            'give the stage a region: region = "eu-west-1"',
        ),
        (
            boto.UnauthorizedSSOTokenError(),
            ("The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session "
            "run aws sso login with the corresponding profile."),
            "the credentials could not be loaded, or have expired: sign in again (`aws sso login`)",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="https://lambda.x"),
            'Could not connect to the endpoint URL: "https://lambda.x"',
            "check that the region is one of AWS's, and that the network allows this connection",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="http://me:secret@lambda.x/?token=secret"),
            'Could not connect to the endpoint URL: "http://****@lambda.x/?****"',
            "check that the region is one of AWS's, and that the network allows this connection",
        ),
        (
            boto.HTTPClientError(error=ValueError("Invalid header value b'secret\\n'")),
            ("An HTTP Client raised an unhandled exception: Invalid header value: it has a line break, or another "
            "character that HTTP does not carry"),
            CONFIGURATION,
        ),
        (
            of_aws("GetAlias", "SignatureDoesNotMatch", "The Canonical String should have been 'GET\nx-amz-security-token:secret\n'"),
            ("GetAlias: SignatureDoesNotMatch: The Canonical String should have been 'GET\nx-amz-security-token:****\n'"),
            "the secret access key does not belong to the access key, or this machine's clock is wrong",
        ),
        (ValueError("Invalid endpoint: shop"), "Invalid endpoint: shop", CONFIGURATION),
        (
            RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
            "Credentials were refreshed, but the refreshed credentials are still expired.",
            "the credentials have expired: sign in again (`aws sso login`), then run the same command again",
        ),
        (
            FileNotFoundError(2, "No such file or directory", "/nowhere/login"),
            "No such file or directory: /nowhere/login",
            ("AWS's variables and configuration files may name it, as `credential_process` and "
            "AWS_WEB_IDENTITY_TOKEN_FILE do"),
        ),
        (
            boto.SSLError(endpoint_url="https://lambda.x", error=OSError("bad")),
            "SSL validation failed for https://lambda.x bad",
            "check that AWS_CA_BUNDLE, or `ca_bundle` of the profile, has the certificate of what answers",
        ),
        (
            boto.ProxyConnectionError(proxy_url="http://me:secret@proxy.x"),
            'Failed to connect to proxy URL: "http://****@proxy.x"',
            "check the proxy: HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
        ),
        (
            boto.ConnectionClosedError(endpoint_url="https://lambda.x"),
            'Connection was closed before we received a valid response from endpoint URL: "https://lambda.x".',
            "the connection broke: run the same command again",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_refusals(error: Exception, cause: str, hint: str | None) -> None:
    """D10: one clear error, with AWS's words as the cause."""
    found = translate(error, "do it")
    assert isinstance(found, AwsError)
    assert (found.message, list(found.where), found.hint) == ("cannot do it", [cause], hint)


def test_aws_own_name_is_kept_for_programs() -> None:
    with pytest.raises(AwsError) as caught, refusing("do it"):
        raise of_aws("GetAlias", "ServiceException", "Oops", 500)
    assert caught.value.code == "ServiceException"
    assert isinstance(caught.value.__cause__, ClientError)


@pytest.mark.parametrize("kind", [KeyError, ValueError, RuntimeError, OSError])
def test_errors_of_others_pass(kind: type[Exception]) -> None:
    """Such as a bug beside a call of boto3, which would be told as AWS's."""

    def fail() -> None:
        raise kind("x")

    with pytest.raises(kind), refusing("do it"):
        fail()
    with pytest.raises(kind):
        attempt("do it", fail)


def test_what_boto3_raises_beside_its_own() -> None:
    with pytest.raises(AwsError, match="Invalid endpoint: here"), refusing("do it"):
        botocore.session.get_session().create_client(
            "lambda", region_name="eu-west-1", endpoint_url="here"
        )
