"""AWS Lambda's quotas, as dated data (AWS's "Lambda quotas" page)."""

from __future__ import annotations

from datetime import date

__all__ = [
    "DESCRIPTION",
    "DIRECT_UPLOAD",
    "ENVIRONMENT",
    "LAYERS",
    "MEMORY",
    "QUOTAS_AS_OF",
    "STORAGE",
    "TIMEOUT",
    "UNZIPPED",
]

QUOTAS_AS_OF = date(2026, 11, 1)

DIRECT_UPLOAD = 50 * 1024 * 1024
"""Bytes of a zipped deployment package that can be uploaded directly; larger ones need a bucket."""

DESCRIPTION = 256
"""Characters of a description of a function, version or alias."""

UNZIPPED = 262_144_000
"""Bytes of a function and all its layers together, unzipped."""

LAYERS = 5
"""Layers of a function, including those of other accounts."""

ENVIRONMENT = 4096
"""Bytes of a function's variables, names and values together."""

TIMEOUT = (1, 900)
"""Seconds that a function may have for an event: the least and the most."""

MEMORY = (128, 10240)
"""MB of memory, likewise."""

STORAGE = (512, 10240)
"""MB of ``/tmp``, likewise."""
