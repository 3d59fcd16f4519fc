"""The packages of a stage as they are on AWS, fetched whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.errors import unless_missing
from wherry.aws.observe import latest_layer_version
from wherry.aws.remote_zip import download
from wherry.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from wherry.aws.client import Client

__all__ = ["download_packages", "live_location", "location_in"]


def download_packages(
    client: Client, functions: Mapping[str, str], layers: Mapping[str, str], folder: Path
) -> Mapping[str, Path]:
    """Fetch the code of functions and the newest versions of layers (names on AWS by those of the settings) into a folder.

    Returns the zip files by the names of the settings, without those that are not on AWS.

    Raises:
        FetchError: a package cannot be fetched.
    """
    found: dict[str, Path] = {}
    parts = [(False, *names) for names in functions.items()]
    parts += [(True, *names) for names in layers.items()]
    for number, (is_layer, name, aws_name) in enumerate(parts):
        location = live_location(client, aws_name, is_layer=is_layer)
        if location is not None:
            path = folder / f"{number}.zip"
            download(location, path, what=f"the live package of `{name}`")
            found[name] = path
    return found


def live_location(client: Client, name: str, *, is_layer: bool) -> str | None:
    """The signed address of a function's code, or of the latest version of a layer; None if there is none.

    Raises:
        AwsError: AWS refuses, or gives no address.
    """
    if is_layer:
        what = f"the content of layer `{name}`"
        version = unless_missing(f"look at {what}", lambda: latest_layer_version(client, name))
        return None if version is None else location_in(version["Content"], what)
    what = f"the code of function `{name}`"
    function = unless_missing(
        f"look at {what}", lambda: client.functions.get_function(FunctionName=name)
    )
    return None if function is None else location_in(function["Code"], what)


def location_in(answer: Mapping[str, Any], what: str) -> str:
    """The signed address in AWS's description of a package.

    Args:
        answer: the ``Code`` of a function, or the ``Content`` of a layer version.
        what: the package, for messages.

    Raises:
        AwsError: there is none, such as that of code whose key is denied.
    """
    if location := answer.get("Location"):
        return str(location)
    error = answer.get("Error") or {}
    reason = f"{error.get('ErrorCode', '')}: {error.get('Message', '')}".strip(": ")
    if answer.get("ImageUri"):
        reason = "it is a container image"
    raise AwsError(
        f"AWS gives no address of {what}",
        where=[reason or "no reason given"],
        hint="allow `kms:Decrypt` for the key of the code" if error else None,
    )
