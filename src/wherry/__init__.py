"""Wherry carries a Python project to AWS Lambda.

>>> import wherry
>>> report = wherry.build("services/api", runtime="python3.13", architecture="arm64")
>>> report.packages[0].path, report.packages[0].code_sha256

Importing this package loads nothing; each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.version import __version__

if TYPE_CHECKING:
    from wherry.errors import WherryError
    from wherry.events import Reporter
    from wherry.pipeline import build
    from wherry.report import BuildReport, PackageReport
    from wherry.target import Architecture, Runtime, Target

__all__ = [
    "Architecture",
    "BuildReport",
    "PackageReport",
    "Reporter",
    "Runtime",
    "Target",
    "WherryError",
    "__version__",
    "build",
]

_HOMES = {
    "Architecture": "wherry.target",
    "BuildReport": "wherry.report",
    "PackageReport": "wherry.report",
    "Reporter": "wherry.events",
    "Runtime": "wherry.target",
    "Target": "wherry.target",
    "WherryError": "wherry.errors",
    "build": "wherry.pipeline",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'wherry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
