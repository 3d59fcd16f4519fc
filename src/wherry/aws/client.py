"""The connection to AWS for one stage: sessions and clients, configured as boto3's users expect."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wherry.aws.answers import require_complete, require_shape
from wherry.aws.errors import translate
from wherry.errors import AwsError, WherryError
from wherry.problems import did_you_mean
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

    from wherry.settings.model import StageSettings

__all__ = ["Client"]

_CONNECTIONS = 32
"""The number of functions and parts of an upload that may be in progress at once."""


class Client:
    """The boto3 clients for a stage, each created when it is first used. Safe for many threads.

    Credentials, endpoints, proxies and certificates are found as boto3 finds them: the environment
    (``AWS_PROFILE``, ``AWS_ENDPOINT_URL`` …), the user's AWS configuration, SSO, the machine's role. The stage's
    own ``region``, ``profile`` and ``assume-role`` take precedence.

    Attributes:
        calls: the operations that were called, in order, as IAM names them (``lambda:GetAlias``).
    """

    def __init__(self, stage: StageSettings, *, name: str) -> None:
        self.stage = stage
        self.name = name
        self.calls: list[str] = []
        self._lock = threading.RLock()
        self._session: boto3.Session | None = None
        self._clients: dict[tuple[str, str | None, bool, float], Any] = {}

    @property
    def region(self) -> str:
        """The region of the functions.

        Raises:
            AwsError: neither the stage nor the environment has one.
        """
        region = self.session.region_name
        if not region:
            raise AwsError(
                f"stage `{self.name}` has no region",
                where=["neither its settings, the environment nor the AWS profile names one"],
                hint='give it one: region = "eu-west-1"',
            )
        return region

    @property
    def functions(self) -> LambdaClient:
        """Lambda, for reading: boto3 repeats calls that fail temporarily."""
        client: LambdaClient = self._client("lambda", self.region, retried=True)
        return client

    @property
    def changes(self) -> LambdaClient:
        """Lambda, for changing: boto3 repeats no call.

        If an answer was lost, ``attempts`` looks before it repeats the call, or a layer would be published twice.
        """
        client: LambdaClient = self._client("lambda", self.region, retried=False)
        return client

    @property
    def invocations(self) -> LambdaClient:
        """Lambda, for calling functions: no call is repeated, and an answer may take as long as a function may run."""
        client: LambdaClient = self._client("lambda", self.region, retried=False, patience=920)
        return client

    def service(self, name: str) -> Any:
        """Another service, as boto3 names it, in the region of the functions and for reading."""
        return self._client(name, self.region, retried=True)

    def storage(self, region: str | None = None) -> S3Client:
        """S3 in a region: by default the bucket's in the stage, else that of the functions."""
        region = region or self.stage.bucket_region or self.region
        client: S3Client = self._client("s3", region, retried=True)
        return client

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Add a hint to errors if boto3 does not know the region.

        An unknown region alone is not an error: it may be newer than the installed boto3.
        """
        try:
            yield
        except AwsError as error:
            region = self._session.region_name if self._session is not None else None
            if region is None:
                raise
            known = [
                name
                for partition in self.session.get_available_partitions()
                for name in self.session.get_available_regions("lambda", partition_name=partition)
            ]
            if region in known:
                raise
            raise error.with_more(
                f"the region is {region}, which boto3 does not know",
                hint=did_you_mean(region, known=known),
            ) from error

    @property
    def session(self) -> boto3.Session:
        """The session of all clients.

        Raises:
            AwsError: there is no such profile, or the AWS configuration cannot be read.
        """
        with self._lock:
            if self._session is None:
                import boto3

                role = self.stage.assume_role
                with _configuring(f"reach AWS for stage `{self.name}`"):
                    session = boto3.Session(
                        profile_name=self.stage.profile, region_name=self.stage.region or None
                    )
                    self._session = session if role is None else self._assumed(session, role)
            return self._session

    def _assumed(self, session: boto3.Session, role: str) -> boto3.Session:
        """A session of the role; its credentials are fetched when needed and renewed before they expire."""
        import boto3
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
        from botocore.session import Session

        own = session._session  # noqa: SLF001  boto3 has no public name for it
        source = session.get_credentials()
        if source is None:
            from botocore.exceptions import NoCredentialsError

            raise NoCredentialsError
        region = self.stage.region or session.region_name
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=lambda *given, **options: own.create_client(
                *given, **{"region_name": region, **options}
            ),
            source_credentials=source,
            role_arn=role,
            extra_args={"RoleSessionName": "wherry"},
        )
        assumed = Session(profile=self.stage.profile)
        assumed._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001  botocore has no public name for it
            method="assume-role", refresh_using=fetcher.fetch_credentials
        )
        return boto3.Session(botocore_session=assumed, region_name=region)

    def _client(
        self, service: str, region: str | None, *, retried: bool, patience: float = 60
    ) -> Any:
        """A client; ``patience`` is how many seconds an answer may take."""
        key = (service, region, retried, patience)
        with self._lock:
            if key not in self._clients:
                from botocore.config import Config

                # AWS allows few requests in a second, and a project may have many functions: adaptive, boto3 slows down.
                retries: Any = {"mode": "adaptive", "total_max_attempts": 5}
                if not retried:
                    retries = {"mode": "standard", "total_max_attempts": 1}
                with _configuring(f"reach AWS for stage `{self.name}`"):
                    client = self.session.client(
                        service,  # type: ignore[call-overload]
                        region_name=region,
                        config=Config(
                            retries=retries,
                            max_pool_connections=_CONNECTIONS,
                            read_timeout=patience,
                            tcp_keepalive=True,
                            user_agent_extra=f"wherry/{__version__}",
                        ),
                    )
                client.meta.events.register("before-call", self._record)
                for answering in ("lambda", "cloudwatch-logs", "ssm", "secrets-manager", "signer"):
                    client.meta.events.register(f"before-parse.{answering}", require_shape)
                client.meta.events.register("after-call", require_complete)
                self._clients[key] = client
            return self._clients[key]

    def _record(self, model: Any, **_rest: Any) -> None:
        # Appending to a list is safe in every thread.
        self.calls.append(f"{model.service_model.service_name}:{model.name}")


@contextmanager
def _configuring(doing: str) -> Iterator[None]:
    """Turn what AWS's variables and configuration files lead boto3 to raise, which may be anything, into an ``AwsError``."""
    try:
        yield
    except WherryError:
        raise
    except Exception as error:
        raise translate(error, doing) from error
