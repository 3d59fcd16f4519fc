"""The order of a function's layers. Lambda unpacks them in order, so files of a later layer replace earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.aws.model import NewVersion, layer_of_arn

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from wherry.aws.model import LayerRef

__all__ = ["arrange_layers"]


def arrange_layers(
    current: Sequence[str],
    desired: Sequence[LayerRef],
    *,
    owned: Callable[[str], bool],
    account: str,
    region: str,
    attached: Collection[str] = (),
) -> tuple[LayerRef, ...]:
    """The desired layers of a function, among those that the project does not own.

    A layer that the project does not own keeps its position. The positions of its own (versions of layers that are
    desired, or that the project owns) are filled with the desired layers, in their order; the remaining ones follow
    the last of these positions. Without such a position they come last.

    Args:
        current: ARNs of the layer versions that the function has.
        desired: the layers of the project that it should have.
        owned: whether a layer of this name, in the function's account and region, is one of the project's.
        account: of the function.
        region: of the function.
        attached: ARNs in ``current`` that earlier settings attached, which the project thus owns.
    """
    identities = {layer_of_arn(layer) for layer in desired if isinstance(layer, str)}
    new = {layer.layer for layer in desired if isinstance(layer, NewVersion)}

    def is_own(arn: str) -> bool:
        layer = layer_of_arn(arn)
        parts = layer.split(":")
        return (
            arn in attached
            or layer in identities
            or (parts[3:5] == [region, account] and (parts[-1] in new or owned(parts[-1])))
        )

    positions = [number for number, arn in enumerate(current) if is_own(arn)]
    if not positions:
        return (*current, *desired)
    remaining = list(desired)
    result: list[LayerRef] = []
    for number, arn in enumerate(current):
        if number == positions[-1]:
            result.extend(remaining)
        elif number in positions:
            if remaining:
                result.append(remaining.pop(0))
        else:
            result.append(arn)
    return tuple(result)
