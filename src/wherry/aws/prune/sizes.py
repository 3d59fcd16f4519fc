"""The sizes of layer versions, which AWS reports only for one version at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.aws.errors import unless_missing
from wherry.aws.prune.pruning import Removal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wherry.aws.client import Client
    from wherry.aws.prune.pruning import Spared

__all__ = ["with_layer_sizes"]


def with_layer_sizes(parts: Sequence[Removal | Spared], client: Client) -> list[Removal | Spared]:
    """The versions of layers, those that can be removed with their sizes.

    Raises:
        AwsError: AWS refused, or could not be reached.
    """

    def sized(part: Removal | Spared) -> Removal | Spared:
        number = part.version
        if not isinstance(part, Removal) or number is None:
            return part
        answer = unless_missing(
            f"look at {part}",
            lambda: client.functions.get_layer_version(LayerName=part.name, VersionNumber=number),
        )
        size = None if answer is None else answer["Content"].get("CodeSize")
        return replace(part, size=size)

    with ThreadPoolExecutor(16, thread_name_prefix="sizes") as pool:
        return [*pool.map(sized, parts)]
