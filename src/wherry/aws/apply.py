"""Carrying out a plan. It may be interrupted anywhere, and then simply be repeated.

Layers come first, in parallel; then functions, in parallel, each with its actions in order. Before and after each
change the function is waited for. A change that is already made is passed over, so that an attempt whose answer was
lost is not made twice. A concurrent change by somebody else is noticed, and nothing is overwritten.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from wherry.aws.apply_function import FunctionWork
from wherry.aws.apply_layer import LayerWork
from wherry.aws.delivery import Delivery
from wherry.aws.plan import Applied, AppliedFunction, AppliedLayer, FunctionPlan, LayerPlan, Plan
from wherry.errors import AwsError, WherryError
from wherry.events import SILENT, Reporter
from wherry.target.quotas import DIRECT_UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wherry.aws.client import Client
    from wherry.aws.locks import LockKeeper

__all__ = ["apply"]

Part = TypeVar("Part", bound="LayerPlan | FunctionPlan")
Result = TypeVar("Result")

_AT_ONCE = 8


def apply(
    plan: Plan,
    client: Client,
    *,
    quota: int = DIRECT_UPLOAD,
    locks: LockKeeper | None = None,
    reporter: Reporter = SILENT,
) -> Applied:
    """Carry out a plan; without a bucket, Lambda takes ``quota`` bytes of a package.

    ``locks`` stores the lock file of every layer version that is published, while its package is still in the bucket: a
    package that is left there tells the next run that this did not happen.

    Raises:
        AwsError: AWS refused. Changes that were made stay; a repetition continues from there.
    """

    def apply_layer(layer: LayerPlan) -> AppliedLayer:
        delivery = Delivery(client, quota=quota, reporter=reporter)
        return LayerWork(layer, client, delivery, reporter).apply(locks)

    def apply_function(function: FunctionPlan) -> AppliedFunction:
        delivery = Delivery(client, quota=quota, reporter=reporter)
        return FunctionWork(function, client, arns, delivery, reporter).apply()

    layers = _in_parallel(apply_layer, plan.layers)
    arns = {layer.aws_name: layer.arn for layer in layers}
    return Applied(layers=layers, functions=_in_parallel(apply_function, plan.functions))


def _in_parallel(work: Callable[[Part], Result], parts: Sequence[Part]) -> tuple[Result, ...]:
    """Do the work for each part; the others go on if one fails, and all failures are reported."""
    if sum(bool(part.actions) for part in parts) < 2:
        return tuple(work(part) for part in parts)
    errors: list[WherryError] = []
    results: list[Result] = []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="apply") as pool:
        try:
            for future in [pool.submit(work, part) for part in parts]:
                try:
                    results.append(future.result())
                except WherryError as error:
                    errors.append(error)
        except BaseException:
            # After an interruption nothing more is begun; what is under way is completed.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not errors:
        return tuple(results)
    if len(errors) == 1:
        raise errors[0]
    raise AwsError(
        f"{len(errors)} parts of the deployment failed",
        code=getattr(errors[0], "code", ""),
        where=[line for part in errors for line in (part.message, *part.where)],
        hint=next((part.hint for part in errors if part.hint), None),
    ) from errors[0]
