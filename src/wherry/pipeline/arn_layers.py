"""Layers that are named by ARN, fetched once with the user's credentials and kept in the store."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from wherry.errors import AwsError, FetchError
from wherry.events import Note
from wherry.indexes.boto_errors import cause_of, is_of_boto, without_headers
from wherry.indexes.failures import explained
from wherry.indexes.network import Network
from wherry.indexes.session import open_session, timeouts
from wherry.sizes import format_size
from wherry.store.memo import Memo, memo_key
from wherry.target.quotas import UNZIPPED
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mypy_boto3_lambda.type_defs import LayerVersionContentOutputTypeDef

    from wherry.context import Context
    from wherry.store import Store, StoredFile

__all__ = ["fetch_layers"]

_ARN = re.compile(r"(arn:aws[a-z-]*:lambda:([a-z0-9-]+):\d{12}:layer:[A-Za-z0-9_-]+):(\d+)")
_CHUNK = 1024 * 1024
# A version of a layer never changes, and its number is never used again.
_SHA256: Memo[str] = Memo("arn-layers", encode=str, decode=str)
_SKIP = "`--skip-arn-layers` runs the function without such layers"
_BY_FILE = "a zip file of the layer does as well: --layer LAYER.zip"


def fetch_layers(arns: Sequence[str], context: Context, *, run: bool = True) -> Mapping[str, Path]:
    """The zips of versions of layers, by ARN; those that the store has are not fetched again.

    Args:
        arns: of the versions.
        context: of the run.
        run: whether they are for running a function, or else for looking at it; hints say how to do without them.

    Raises:
        AwsError: AWS does not give one, for want of credentials or of a permission.
        FetchError: one cannot be fetched, is not the one that AWS describes, or no network may be used.
        StoreError: the store cannot be written.
    """
    instead = _SKIP if run else _BY_FILE
    with ThreadPoolExecutor() as pool:
        return dict(
            zip(arns, pool.map(lambda arn: _layer(arn, context, instead), arns), strict=True)
        )


def _layer(arn: str, context: Context, instead: str) -> Path:
    if _ARN.fullmatch(arn) is None:
        raise AwsError(
            f"`{arn}` is not the ARN of a version of a layer",
            hint="it ends with the version: arn:aws:lambda:eu-west-1:123456789012:layer:NAME:7",
        )
    # What stands in for AWS may have another layer of this name.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL")
    key, store = memo_key(arn, endpoint), context.store
    known = _SHA256.recall(store, key)
    path = store.find(known) if known else None
    if path is not None:
        return path
    if context.offline:
        raise FetchError(
            f"the layer `{arn}` is not in the store",
            where=["no network may be used"],
            hint=f"run once without `--offline`, which fetches it; {instead}",
        )
    content, what = _describe(arn, instead), f"the layer `{arn}`"
    size = content["CodeSize"]
    if size > UNZIPPED:
        raise FetchError(
            f"{what} has {format_size(size)}, more than AWS Lambda takes", hint=instead
        )
    note = f"fetching {what}, {format_size(size)}; it is kept"
    context.reporter.emit(Note(text=note, brief=True))
    stored = _download(content, what, store, instead)
    _SHA256.remember(store, key, stored.sha256)
    return stored.path


def _describe(arn: str, instead: str) -> LayerVersionContentOutputTypeDef:
    """The answer of AWS about a layer: its size, its digest and a signed address, which is a secret while it is valid."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ClientError

    match = _ARN.fullmatch(arn)
    assert match is not None  # noqa: S101
    name, region, version = match.groups()
    config = Config(retries={"mode": "standard"}, user_agent_extra=f"wherry/{__version__}")
    try:
        client = boto3.Session().client("lambda", region_name=region, config=config)
        answer: Any = client.get_layer_version(LayerName=name, VersionNumber=int(version))
    except ClientError as error:
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        raise AwsError(
            f"cannot fetch the layer `{arn}`",
            code=code,
            where=[without_headers(f"{error.operation_name}: {code}: {told.get('Message', '')}")],
            hint=f"{_hint(code)}\n{instead}",
        ) from error
    except Exception as error:
        if not is_of_boto(error):
            raise
        raise AwsError(
            f"cannot fetch the layer `{arn}`",
            where=cause_of(error).splitlines(),
            hint=f"sign in (`aws sso login`, `aws configure`), or name a profile in AWS_PROFILE\n{instead}",
        ) from error
    content = answer.get("Content") or {}
    if all(content.get(member) is not None for member in ("CodeSha256", "CodeSize", "Location")):
        return cast("LayerVersionContentOutputTypeDef", content)
    raise AwsError(
        f"cannot fetch the layer `{arn}`",
        where=["what answers is not AWS: it tells no size, digest and address of the layer"],
        hint=f"see whether a proxy, a VPN or AWS_ENDPOINT_URL stands between this machine and AWS\n{instead}",
    )


def _hint(code: str) -> str:
    if code.startswith("AccessDenied"):
        return (
            "allow `lambda:GetLayerVersion` on it to these credentials; a layer of another account has to be shared "
            "with yours"
        )
    if code == "ResourceNotFoundException":
        return "check the region, the account, the name and the version in the ARN"
    return "check what `aws sts get-caller-identity` says, and which profile is meant (AWS_PROFILE)"


def _download(
    content: LayerVersionContentOutputTypeDef, what: str, store: Store, instead: str
) -> StoredFile:
    """A layer in the store, proved to be the one that AWS describes."""
    location, size, expected = content["Location"], content["CodeSize"], content["CodeSha256"]
    digest, received = hashlib.sha256(), 0
    with open_session(Network()) as session, store.writer() as writer:
        with explained(location, what=what):
            # The signature in the address is the login; S3 refuses a second one from netrc.
            response = session.get(
                location, auth=lambda request: request, stream=True, timeout=timeouts()
            )
        if response.status_code != 200:
            response.close()
            cause = f"HTTP {response.status_code} {response.reason or ''}".rstrip()
            raise FetchError(f"cannot fetch {what}", where=[cause], hint=instead)
        with explained(location, what=what), response:
            for chunk in response.iter_content(_CHUNK):
                received += len(chunk)
                if received > size:
                    break
                digest.update(chunk)
                writer.write(chunk)
        got = base64.b64encode(digest.digest()).decode()
        if received > size or got != expected:
            more = f"more than the {size:,} bytes that it has came"
            raise FetchError(
                f"{what} is not the one that AWS describes",
                where=[more]
                if received > size
                else [f"expected sha256 {expected}", f"got sha256 {got}"],
                hint="run the same command again; if that does not help, a proxy may change what is fetched",
            )
        return writer.commit(hashes={"sha256": digest.hexdigest()}, name=what)
