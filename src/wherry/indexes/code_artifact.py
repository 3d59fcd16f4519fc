"""Tokens of AWS CodeArtifact, kept in memory until they expire."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from wherry.errors import FetchError, ToolError
from wherry.indexes.boto_errors import cause_of, is_of_boto, without_headers
from wherry.indexes.login import Login

if TYPE_CHECKING:
    from collections.abc import Callable

    from wherry.indexes.declared import CodeArtifact

__all__ = ["Tokens"]

# AWS's default is twelve hours. A build takes less, and a new token costs one call.
_SECONDS = 3600
# A token that is about to expire is not sent any more, as a download takes time.
_MARGIN = 60.0


class Tokens:
    """The tokens of one process, by domain: all repositories of a domain share one."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Begin without a token; ``clock`` gives seconds since the epoch."""
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, str, str | None], tuple[str, float]] = {}

    def login(self, repository: CodeArtifact, *, refused: Login | None = None) -> Login:
        """A login with a valid token.

        If the repository has refused one, a new token is fetched.

        Raises:
            FetchError: AWS gives no token.
            ToolError: boto3 is missing.
        """
        key = (repository.domain, repository.owner, repository.region, repository.profile)
        with self._lock:
            token, until = self._known.get(key, ("", 0.0))
            taken = refused is not None and refused.password == token
            if taken or until - _MARGIN <= self._clock():
                token, until = _fetch(repository)
                self._known[key] = (token, until)
        return Login(user="aws", password=token, source="AWS CodeArtifact")


def _fetch(repository: CodeArtifact) -> tuple[str, float]:
    """A token, and when it expires, in seconds since the epoch."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import ClientError
    except ImportError:
        raise ToolError(
            "boto3 is missing, which fetches the tokens of CodeArtifact",
            hint="install `boto3` in the environment of Wherry",
        ) from None
    config = Config(connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 4})
    try:
        session = boto3.session.Session(
            profile_name=repository.profile, region_name=repository.region
        )
        client: Any = session.client("codeartifact", config=config)  # type: ignore[call-overload,unused-ignore]
        answer = client.get_authorization_token(
            domain=repository.domain, domainOwner=repository.owner, durationSeconds=_SECONDS
        )
        return answer["authorizationToken"], answer["expiration"].timestamp()
    except ClientError as error:
        details = error.response.get("Error", {})
        raise _failure(
            repository,
            without_headers(
                f"AWS answered {details.get('Code', 'an error')}: {details.get('Message', '')}"
            ).rstrip(": "),
            _hint(details.get("Code", ""), repository),
        ) from None
    except (KeyError, AttributeError):
        raise _failure(repository, "AWS's answer holds no token", None) from None
    except Exception as error:
        if not is_of_boto(error):
            raise
        hint = _hint(type(error).__name__, repository)
        raise _failure(repository, cause_of(error), hint) from None


def _failure(repository: CodeArtifact, cause: str, hint: str | None) -> FetchError:
    of = f"repository `{repository.repository}` in domain `{repository.domain}`"
    return FetchError(
        "AWS gives no token for CodeArtifact",
        where=[f"{of} of {repository.owner}, {repository.region}", cause],
        hint=hint,
    )


def _hint(kind: str, repository: CodeArtifact) -> str | None:
    profile = f" --profile {repository.profile}" if repository.profile else ""
    match kind:
        case "AccessDeniedException":
            return "allow `codeartifact:GetAuthorizationToken` and `sts:GetServiceBearerToken`"
        case "ResourceNotFoundException":
            return "check `domain`, `owner` and `region` of the index"
        case "ProfileNotFound":
            return "check `profile` of the index, or AWS's configuration files"
        case "ThrottlingException" | "InternalServerException":
            return "try again later"
        case (
            "EndpointConnectionError"
            | "ConnectTimeoutError"
            | "ReadTimeoutError"
            | "ProxyConnectionError"
        ):
            return "check the network and its proxy settings"
        case _:
            return f"log in to AWS: `aws sso login{profile}`, `aws configure{profile}`, or AWS's variables"
