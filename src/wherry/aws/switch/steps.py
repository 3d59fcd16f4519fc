"""The steps of a canary: ``10%/5m,50%/10m`` is 10% of the calls for five minutes, then 50% for ten, then all."""

from __future__ import annotations

import re

from wherry.errors import DeployError
from wherry.sizes import format_share
from wherry.structs import Struct

__all__ = ["CanaryStep", "first_share", "parse_canary"]

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?) ?(%?)")
_STEP = re.compile(_SHARE.pattern + r" ?/ ?(\d{1,6}(?:\.\d{1,3})?) ?([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 60 * 60}


class CanaryStep(Struct, frozen=True, kw_only=True):
    """A share of calls, between 0 and 1, and the time in seconds for which a new version has it."""

    share: float
    seconds: float

    def __str__(self) -> str:
        unit, size = next(
            (unit, size)
            for unit, size in reversed(_SECONDS.items())
            if size == 1 or (self.seconds and self.seconds % size == 0)
        )
        return f"{format_share(self.share)}/{self.seconds / size:g}{unit}"


def parse_canary(text: str) -> tuple[CanaryStep, ...]:
    """The steps of a canary.

    Raises:
        DeployError: the text is not a canary with steps.
    """
    steps: list[CanaryStep] = []
    for part in text.split(","):
        match = _STEP.fullmatch(part.strip())
        share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
        seconds = float(match[3]) * _SECONDS[match[4]] if match else 0.0
        if not 0 < share < 1 or not seconds:
            raise DeployError(
                f"`{text}` is not a canary",
                where=[f"`{part.strip()}` is not a share of calls and the time for which it lasts"],
                hint="such as 10%/5m, or 10%/5m,50%/10m; or 10% alone, which stays until it is promoted",
            )
        if steps and share <= steps[-1].share:
            raise DeployError(
                f"`{text}` is not a canary", where=["each step gives a bigger share than the last"]
            )
        steps.append(CanaryStep(share=round(share, 4), seconds=seconds))
    return tuple(steps)


def first_share(canary: float | str | None) -> float | None:
    """The share of calls with which a canary begins; a text is one share (``10%``) or steps.

    Raises:
        DeployError: a text is neither.
    """
    if not isinstance(canary, str):
        return canary
    if "/" in canary:
        return parse_canary(canary)[0].share
    match = _SHARE.fullmatch(canary.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match else 0.0
    if not 0 < share < 1:
        raise DeployError(
            f"`{canary}` is not a share of calls", hint="such as 10%, or 10%/5m,50%/10m"
        )
    return round(share, 4)
