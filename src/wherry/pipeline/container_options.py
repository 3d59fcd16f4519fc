"""The options of containers, applied to the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from wherry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.settings.model import Settings

__all__ = ["with_container"]


def with_container(settings: Settings, options: Mapping[str, Any]) -> Settings:
    """The settings with the options of containers on top, which ``BuildOptions`` describes.

    Raises:
        SettingsError: there is no such way to use containers.
    """
    from wherry.settings.model import Mode

    container = settings.container
    if (mode := options.get("container")) is not None:
        try:
            container = replace(container, mode=Mode(mode))
        except ValueError:
            raise SettingsError(
                f"there is no mode `{mode}` of using containers",
                where=[f"there are {', '.join(Mode)}"],
            ) from None
    if (engine := options.get("container_engine")) is not None:
        container = replace(container, engine=engine)
    if (image := options.get("container_image")) is not None:
        container = replace(
            container, image=image, dockerfile=None, build_args={}, build_secrets=()
        )
    return replace(settings, container=container)
