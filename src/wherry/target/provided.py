"""Distributions and modules that AWS's Python runtimes contain in addition to the standard library, as dated data.

Their versions differ by runtime and region, and change without notice: only the names are known.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wherry.target import Runtime, Target

__all__ = ["PROVIDED_AS_OF", "knows_provided", "provided_distributions", "provided_modules"]

PROVIDED_AS_OF = date(2026, 11, 1)

# AWS's SDK with all that it needs, and the client of the Runtime API.
_DISTRIBUTIONS = frozenset(
    {
        "awslambdaric",
        "boto3",
        "botocore",
        "jmespath",
        "python-dateutil",
        "s3transfer",
        "simplejson",
        "six",
        "snapshot-restore-py",
        "urllib3",
    }
)
_MODULES = frozenset(
    {
        "__main__",
        "awslambdaric",
        "bootstrap",
        "boto3",
        "botocore",
        "dateutil",
        "jmespath",
        "lambda_runtime_client",
        "lambda_runtime_exception",
        "lambda_runtime_marshaller",
        "runtime_client",
        "s3transfer",
        "simplejson",
        "six",
        "snapshot_restore_py",
        "urllib3",
    }
)
# Python's own installer. Pythons before 3.12 came with setuptools, too.
_INSTALLERS = frozenset({"pip"})
_SETUPTOOLS = frozenset({"setuptools", "pkg_resources", "wheel", "_distutils_hack"})


# The SDK of durable functions, in the runtimes that may have such (AWS's page "Supported runtimes for durable functions").
_DURABLE = "aws-durable-execution-sdk-python"


def provided_distributions(runtime: Runtime) -> frozenset[str]:
    """The normalized names of distributions that a runtime brings."""
    return _DISTRIBUTIONS | _of_version(runtime, _DURABLE)


def knows_provided(names: Iterable[str], target: Target) -> bool:
    """Whether the runtime is known to bring all distributions that settings say it does."""
    return provided_distributions(target.runtime).issuperset(names)


def provided_modules(runtime: Runtime) -> frozenset[str]:
    """The names of top-level modules that a runtime brings besides the standard library."""
    return _MODULES | _of_version(runtime, _DURABLE.replace("-", "_"))


def _of_version(runtime: Runtime, durable: str) -> frozenset[str]:
    """The names that not all runtimes bring, and the installers."""
    setuptools = _SETUPTOOLS if runtime.python < (3, 12) else frozenset[str]()
    return _INSTALLERS | setuptools | ({durable} if runtime.python >= (3, 13) else set())
