"""Code signing: packages that AWS Signer signs before Lambda gets them.

A function with a code signing configuration takes only packages, and layers, that were signed with one of its profiles.
AWS Signer reads a package from the bucket of the stage and writes a signed one beside it. Signed bytes are not
reproducible, so a record in the bucket says which signed package belongs to which package: with it nothing is signed
twice, and an unchanged function is known by its digest as ever.

``PREFIX/signed/NAME/SHA256.json`` is the record of a package, and ``PREFIX/signed/NAME/SHA256/`` holds what was signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.aws.attempts import poll
from wherry.aws.bucket import Bucket, plain_name
from wherry.aws.diff import diff
from wherry.aws.errors import refusing
from wherry.aws.transfer import MISSING, StoredObject, real_version
from wherry.errors import AwsError
from wherry.events import PackageSigned, Reporter
from wherry.structs import Struct
from wherry.untrusted import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.aws.client import Client
    from wherry.aws.model import Desired, DesiredFunction, DesiredLayer, Observed
    from wherry.aws.plan import Plan

__all__ = ["explaining_signatures", "plan_signed"]

_FOLDER = "signed"
_REFUSED = frozenset({"CodeVerificationFailedException", "InvalidCodeSignatureException"})
_MISSING = MISSING | {"403", "AccessDenied"}
_RECORD_SIZE = 10_000
_AT_ONCE = 8


def plan_signed(
    desired: Desired, observed: Observed, client: Client, reporter: Reporter | None = None
) -> tuple[Desired, Plan]:
    """The desired state with signed packages, and the plan of it.

    Without a signing profile in the stage nothing is signed. Without a reporter neither: a package that is not signed
    yet then differs from AWS.

    Raises:
        AwsError: the packages cannot be signed. Nothing but the bucket was changed.
        DeployError: something cannot be deployed; nothing was signed.
    """
    profile, bucket = client.stage.signing_profile, Bucket.of(client)
    if profile is None or bucket is None:
        return desired, _warned(diff(desired, observed))
    signer = _Signer(bucket=bucket, profile=profile)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="signed") as pool:
        layers = tuple(pool.map(signer.find, desired.layers))
        functions = tuple(pool.map(signer.find, desired.functions))
    desired = replace(desired, layers=layers, functions=functions)
    plan = diff(desired, observed)
    if reporter is None:
        return desired, plan
    used = {id(action.package) for action in plan.actions if action.package is not None}

    def sign(part: Any) -> Any:
        return signer.sign(part, reporter) if id(part) in used else part

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sign") as pool:
        layers = tuple(pool.map(sign, desired.layers))
        functions = tuple(pool.map(sign, desired.functions))
    desired = replace(desired, layers=layers, functions=functions)
    return desired, diff(desired, observed)


def _warned(plan: Plan) -> Plan:
    """The plan, with a warning for functions whose code is signed and is to be replaced by code that is not."""
    warnings = [
        f"the code of function `{function.aws_name}` was signed with {profile}, and the new code is not: if AWS refuses "
        f'it, name the profile in the stage: signing-profile = "{_name(profile)}"'
        for function in plan.functions
        if function.observed is not None
        and (profile := function.observed.configuration.get("SigningProfileVersionArn"))
        and any(action.package is not None for action in function.actions)
    ]
    return replace(plan, warnings=(*plan.warnings, *warnings))


class _Signer(Struct, frozen=True, kw_only=True):
    bucket: Bucket
    profile: str

    @property
    def _client(self) -> Client:
        return self.bucket.client

    @property
    def _s3(self) -> Any:
        return self._client.storage()

    def _key(self, part: DesiredFunction | DesiredLayer, end: str) -> str:
        digest = hashlib.sha256(part.path.read_bytes()).hexdigest()
        return self.bucket.key(_FOLDER, plain_name(part.aws_name), f"{digest}{end}")

    def find(self, part: Any) -> Any:
        """The layer or function with the package that was signed before; itself if there is none."""
        try:
            with refusing(f"look for the signed package of `{part.aws_name}`"):
                answer = self._s3.get_object(Bucket=self.bucket.name, Key=self._key(part, ".json"))
                data = answer["Body"].read(_RECORD_SIZE)
        except AwsError as error:
            if error.code in _MISSING:
                return part
            raise
        try:
            record = parse_json(data)
            signed = StoredObject(
                bucket=record["bucket"], key=record["key"], version_id=record["version"]
            )
            if record["profile"] != self.profile:
                return part
            return replace(part, code_sha256=record["code_sha256"], signed=signed)
        except (ValueError, LookupError, TypeError):
            # It is written anew.
            return part

    def sign(self, part: Any, reporter: Reporter) -> Any:
        """The layer or function with a signed package, which is signed now unless it is there."""
        if part.signed is not None and self._is_there(part.signed):
            return part
        code_sha256 = base64.b64encode(hashlib.sha256(part.path.read_bytes()).digest()).decode()
        stored, _ = self.bucket.put(part.path, code_sha256, name=part.aws_name)
        if stored.version_id is None:
            # Else it would be found there, still without a version, when the bucket keeps versions.
            self.bucket.discard(stored, reporter)
            raise AwsError(
                f"`{part.aws_name}` cannot be signed",
                where=[
                    f"`{self.bucket.url}` keeps no versions of objects, and AWS Signer needs one"
                ],
                hint="enable versioning of the bucket",
            )
        signed = self._run(part.aws_name, stored, self._key(part, "/"))
        with refusing(f"read `{signed.url}`"):
            answer = self._s3.get_object(Bucket=signed.bucket, Key=signed.key)
            digest = hashlib.sha256()
            for piece in answer["Body"].iter_chunks(1 << 20):
                digest.update(piece)
        signed = replace(signed, version_id=real_version(answer.get("VersionId")))
        result = replace(
            part, code_sha256=base64.b64encode(digest.digest()).decode(), signed=signed
        )
        record = {
            "schema": 1,
            "profile": self.profile,
            "code_sha256": result.code_sha256,
            "bucket": signed.bucket,
            "key": signed.key,
            "version": signed.version_id,
        }
        self.bucket.put_text(
            f"record the signed package of `{part.aws_name}`",
            self._key(part, ".json"),
            json.dumps(record, indent=2).encode(),
            {"code-sha256": result.code_sha256},
        )
        self.bucket.discard(stored, reporter)
        reporter.emit(PackageSigned(name=part.aws_name, profile=self.profile, url=signed.url))
        return result

    def _is_there(self, stored: StoredObject) -> bool:
        version = {"VersionId": stored.version_id} if stored.version_id is not None else {}
        try:
            with refusing(f"look for `{stored.url}`"):
                self._s3.head_object(Bucket=stored.bucket, Key=stored.key, **version)
        except AwsError as error:
            if error.code in _MISSING:
                return False
            raise
        return True

    def _run(self, name: str, stored: StoredObject, prefix: str) -> StoredObject:
        """Let AWS Signer sign an object, and wait for it."""
        source = {"bucketName": stored.bucket, "key": stored.key, "version": stored.version_id}
        with refusing(f"sign `{name}` with the profile `{self.profile}`"):
            job = self._client.service("signer").start_signing_job(
                source={"s3": source},
                destination={"s3": {"bucketName": self.bucket.name, "prefix": prefix}},
                profileName=self.profile,
                clientRequestToken=str(uuid.uuid4()),
            )["jobId"]

        def look() -> Any:
            with refusing(f"wait for the signature of `{name}`"):
                return self._client.service("signer").describe_signing_job(jobId=job)

        answer, ended = poll(look, lambda answer: answer.get("status") != "InProgress")
        signed = (answer.get("signedObject") or {}).get("s3") or {}
        if not ended or answer.get("status") != "Succeeded" or not signed.get("key"):
            raise AwsError(
                f"AWS Signer does not sign `{name}` with the profile `{self.profile}`",
                where=[
                    str(answer.get("statusReason") or f"its job {job} is {answer.get('status')}")
                ],
            )
        return StoredObject(bucket=signed["bucketName"], key=signed["key"])


@contextmanager
def explaining_signatures(client: Client, function: str) -> Iterator[None]:
    """Add to errors about signatures which profiles the function (name on AWS) accepts, as far as AWS tells it.

    Raises:
        AwsError: the error of the inner block.
    """
    try:
        yield
    except AwsError as error:
        if error.code not in _REFUSED:
            raise
        profiles = _profiles(client, function)
        accepted = (
            f"with {', '.join(profiles)}" if profiles else "with a profile of its configuration"
        )
        used = client.stage.signing_profile
        raise error.with_more(
            f"the function takes only code and layers that AWS Signer has signed {accepted}",
            f"the packages were signed with `{used}`" if used else "the packages were not signed",
            hint="name one of the profiles in the stage: signing-profile = "
            f'"{_name(profiles[0]) if profiles else "…"}"',
        ) from error


def _profiles(client: Client, function: str) -> list[str]:
    """The versions of signing profiles (ARNs) that a function accepts; empty if AWS does not tell them."""
    try:
        with refusing(f"look at the code signing configuration of `{function}`"):
            arn = client.functions.get_function_code_signing_config(FunctionName=function)[
                "CodeSigningConfigArn"
            ]
            answer: Any = client.functions.get_code_signing_config(CodeSigningConfigArn=arn)
        return list(answer["CodeSigningConfig"]["AllowedPublishers"]["SigningProfileVersionArns"])
    except (AwsError, LookupError, TypeError):
        return []


def _name(profile: str) -> str:
    """The name in the ARN of a signing profile: ``arn:aws:signer:REGION:ACCOUNT:/signing-profiles/NAME/VERSION``."""
    return profile.partition("/signing-profiles/")[2].partition("/")[0]
