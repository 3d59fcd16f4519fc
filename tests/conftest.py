"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure, so no example has to end in time.
settings.register_profile("wherry", deadline=None)
settings.load_profile("wherry")
