"""A stage in several regions, each of which is addressed as ``STAGE@REGION``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import SettingsError
from wherry.problems import did_you_mean

if TYPE_CHECKING:
    from wherry.settings.model import StageSettings

__all__ = ["regions_of", "stage_in_region"]


def regions_of(stage: StageSettings) -> tuple[str, ...]:
    """The regions of a stage, its ``region`` first; empty if the settings name none."""
    first = (stage.region,) if stage.region is not None else ()
    return tuple(dict.fromkeys((*first, *stage.regions)))


def stage_in_region(stage: StageSettings, name: str, region: str | None) -> StageSettings:
    """The settings of a stage in one region, with ``{region}`` of its bucket replaced.

    Args:
        stage: its settings.
        name: its name, for messages.
        region: one of its regions; None for the first.

    Raises:
        SettingsError: the stage does not have that region.
    """
    known = regions_of(stage)
    if region is not None and region not in known:
        raise SettingsError(
            f"stage `{name}` is not in {region}" if region else "`@` is followed by no region",
            where=[
                f"its regions are {', '.join(known)}" if known else "its settings name no region"
            ],
            hint=did_you_mean(region, known=known)
            or f'add it: [tool.wherry.stages.{name}] regions = ["{region or "eu-west-1"}"]',
        )
    chosen = region or next(iter(known), None)
    bucket = stage.bucket
    if bucket is not None and chosen is not None:
        bucket = bucket.replace("{region}", chosen)
    return replace(stage, region=chosen, bucket=bucket)
