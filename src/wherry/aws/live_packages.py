"""The packages of a stage as they are on AWS, fetched whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.errors import unless_missing
from wherry.aws.observe import latest_layer_version
from wherry.aws.remote_zip import download

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wherry.aws.client import Client

__all__ = ["download_packages", "live_location"]


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
    """The signed address of a function's code, or of the latest version of a layer; None if there is none."""

    def of_function() -> str | None:
        return client.functions.get_function(FunctionName=name)["Code"].get("Location")

    def of_layer() -> str | None:
        version = latest_layer_version(client, name)
        return None if version is None else version["Content"].get("Location")

    if is_layer:
        return unless_missing(f"look at the content of layer `{name}`", of_layer)
    return unless_missing(f"look at the code of function `{name}`", of_function)
