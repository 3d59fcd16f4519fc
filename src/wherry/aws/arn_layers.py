"""Layers that are named by ARN, fetched once with the user's credentials and kept in the store, for local runs."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from wherry.aws.client import Client
from wherry.aws.errors import refusing
from wherry.aws.remote_zip import download
from wherry.errors import AwsError, FetchError, WherryError
from wherry.events import Note
from wherry.settings.model import StageSettings
from wherry.sizes import format_size
from wherry.store.memo import Memo, memo_key
from wherry.target.quotas import UNZIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from wherry.context import Context

__all__ = ["fetch_layers"]

_ARN = re.compile(r"(arn:aws[a-z-]*:lambda:([a-z0-9-]+):\d{12}:layer:[A-Za-z0-9_-]+):(\d+)")
# A version of a layer never changes, and its number is never used again.
_SHA256: Memo[str] = Memo("arn-layers", encode=str, decode=str)
_SKIP = "`--skip-arn-layers` runs the function without such layers"


def fetch_layers(arns: Sequence[str], context: Context) -> Mapping[str, Path]:
    """The zips of versions of layers, by ARN; those that the store has are not fetched again.

    Raises:
        AwsError: AWS does not give one, for want of credentials or of a permission.
        FetchError: one cannot be fetched, is not the one that AWS describes, or no network may be used.
        StoreError: the store cannot be written.
    """
    with ThreadPoolExecutor() as pool:
        return dict(zip(arns, pool.map(lambda arn: _layer(arn, context), arns), strict=True))


def _layer(arn: str, context: Context) -> Path:
    # What stands in for AWS may have another layer of this name.
    endpoint = os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL")
    key = memo_key(arn, endpoint)
    known = _SHA256.recall(context.store, key)
    path = context.store.find(known) if known else None
    if path is not None:
        return path
    if context.offline:
        raise FetchError(
            f"the layer `{arn}` is not in the store",
            where=["no network may be used"],
            hint=f"run once without `--offline`, which fetches it; {_SKIP}",
        )
    try:
        return _fetched(arn, key, context)
    except WherryError as error:
        hint = "\n".join(part for part in (error.hint, _SKIP) if part)
        raise type(error)(error.message, where=error.where, hint=hint) from error


def _fetched(arn: str, key: str, context: Context) -> Path:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise AwsError(f"`{arn}` is not the ARN of a version of a layer")
    name, region, version = match.groups()
    client = Client(StageSettings(region=region), name="of local runs")
    with refusing(f"fetch the layer `{arn}`"):
        answer = client.functions.get_layer_version(LayerName=name, VersionNumber=int(version))
    content, what = answer["Content"], f"the layer `{arn}`"
    size = content["CodeSize"]
    if size > UNZIPPED:
        raise FetchError(f"{what} is {format_size(size)}, more than AWS Lambda takes")
    note = f"fetching {what}, {format_size(size)}; it is kept"
    context.reporter.emit(Note(text=note, brief=True))
    with context.store.temporary() as temporary:
        download(content["Location"], temporary, what=what, most=size)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        expected = content["CodeSha256"]
        got = base64.b64encode(digest.digest()).decode()
        if got != expected:
            raise FetchError(
                f"{what} is not the one that AWS describes",
                where=[f"expected sha256 {expected}", f"got sha256 {got}"],
                hint="run the same command again; if that does not help, a proxy may change what is fetched",
            )
        stored = context.store.add(temporary, hashes={"sha256": digest.hexdigest()})
    _SHA256.remember(context.store, key, stored.sha256)
    return stored.path
