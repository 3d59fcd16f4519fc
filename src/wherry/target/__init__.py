"""Targets of packages: a runtime of AWS Lambda on an architecture."""

from wherry.target.model import (
    RUNTIMES,
    Architecture,
    PythonRequirement,
    Runtime,
    Target,
    admits,
    find_architecture,
    find_runtime,
    newest_runtime,
)

__all__ = [
    "RUNTIMES",
    "Architecture",
    "PythonRequirement",
    "Runtime",
    "Target",
    "admits",
    "find_architecture",
    "find_runtime",
    "newest_runtime",
]
