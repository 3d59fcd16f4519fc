"""The older tools' settings, ``drover.yml`` and ``settings.spindrift``, as Wherry's own."""

from wherry.settings.legacy.read import find_legacy, is_legacy, require_distribution, translate
from wherry.settings.legacy.translation import Translation

__all__ = ["Translation", "find_legacy", "is_legacy", "require_distribution", "translate"]
