"""The older tools' settings, ``drover.yml`` and ``settings.spindrift``, as Wherry's own."""

from wherry.legacy.read import FILES, find_legacy, is_legacy, require_distribution, translate
from wherry.legacy.toml import render
from wherry.legacy.translation import Translation

__all__ = [
    "FILES",
    "Translation",
    "find_legacy",
    "is_legacy",
    "render",
    "require_distribution",
    "translate",
]
