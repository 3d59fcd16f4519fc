"""A stand-in for AWS Signer, and for functions of Lambda that take only what it has signed."""

from __future__ import annotations

import io
import secrets
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from support.aws_account import code_sha256
from support.aws_faults import Call, Fault

if TYPE_CHECKING:
    from support.aws_account import Account

__all__ = ["PROFILE", "SIGNATURE", "Signer"]

SIGNATURE = "META-INF/signature"
PROFILE = "arn:aws:signer:eu-west-1:123456789012:/signing-profiles/shop/a1b2c3d4e5"
_CONFIGURATION = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-0123456789abcdef0"


@dataclass(kw_only=True)
class Signer:
    """Answers calls of AWS Signer and of code signing configurations, as ``Proxy.answer``.

    Attributes:
        enforced: whether functions take signed code only.
        jobs: the objects that were signed, by the job.
        signed: what it has signed, by its digest as AWS reports it.
        fails: the reason for which it signs nothing.
    """

    account: Account
    enforced: bool = True
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    signed: dict[str, bytes] = field(default_factory=dict)
    fails: str | None = None
    _asked: set[str] = field(default_factory=set)

    def answer(self, call: Call) -> dict[str, Any] | Fault | None:
        match call.operation:
            case "StartSigningJob":
                return self._start(call.body)
            case "DescribeSigningJob":
                return self._describe(call.path.rpartition("/")[2])
            case "GetFunctionCodeSigningConfig":
                return {"CodeSigningConfigArn": _CONFIGURATION, "FunctionName": "shop-api"}
            case "GetCodeSigningConfig":
                publishers = {"SigningProfileVersionArns": [PROFILE]}
                return {"CodeSigningConfig": {"AllowedPublishers": publishers}}
            case "UpdateFunctionCode" | "CreateFunction" if self.enforced:
                return self._verify(call.body.get("Code", call.body))
            case _:
                return None

    def _start(self, job: dict[str, Any]) -> dict[str, Any] | Fault:
        source, target = job["source"]["s3"], job["destination"]["s3"]
        assert job["clientRequestToken"]
        if job["profileName"] != "shop":
            return Fault(name="no profile", status=404, code="ResourceNotFoundException")
        data = self.account.storage.get_object(
            Bucket=source["bucketName"], Key=source["key"], VersionId=source["version"]
        )["Body"].read()
        number = f"job-{len(self.jobs)}"
        key = f"{target['prefix']}{number}.zip"
        with_signature = io.BytesIO(data)
        with zipfile.ZipFile(with_signature, "a") as archive:
            archive.writestr(SIGNATURE, secrets.token_hex())
        if self.fails is None:
            signed = with_signature.getvalue()
            self.account.storage.put_object(Bucket=target["bucketName"], Key=key, Body=signed)
            self.signed[code_sha256(signed)] = signed
        self.jobs[number] = {"bucketName": target["bucketName"], "key": key}
        return {"jobId": number, "jobOwner": "123456789012"}

    def _describe(self, number: str) -> dict[str, Any]:
        if number not in self._asked:
            self._asked.add(number)
            return {"jobId": number, "status": "InProgress"}
        if self.fails is not None:
            return {"jobId": number, "status": "Failed", "statusReason": self.fails}
        return {
            "jobId": number,
            "status": "Succeeded",
            "signedObject": {"s3": self.jobs[number]},
        }

    def _verify(self, code: dict[str, Any]) -> Fault | None:
        refused = Fault(name="unsigned", status=400, code="CodeVerificationFailedException")
        if "S3Key" not in code:
            return refused
        given = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
        if "S3ObjectVersion" in code:
            given["VersionId"] = code["S3ObjectVersion"]
        try:
            data = self.account.storage.get_object(**given)["Body"].read()
        except ClientError:
            return None
        return None if code_sha256(data) in self.signed else refused
