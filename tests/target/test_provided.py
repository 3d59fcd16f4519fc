"""What AWS's runtimes bring."""

from __future__ import annotations

import pytest

from wherry.target import RUNTIMES
from wherry.target.provided import provided_distributions, provided_modules


@pytest.mark.parametrize(
    ("distribution", "module", "runtimes"),
    [
        ("boto3", "boto3", RUNTIMES.keys()),
        ("pip", "pip", RUNTIMES.keys()),
        ("setuptools", "pkg_resources", {"python3.9", "python3.10", "python3.11"}),
        ("aws-durable-execution-sdk-python", "aws_durable_execution_sdk_python", {"python3.13", "python3.14"}),
    ],
)  # fmt: skip
def test_which_runtimes_bring_it(distribution: str, module: str, runtimes: set[str]) -> None:
    bring = {name: runtime for name, runtime in RUNTIMES.items() if name in runtimes}
    for name, runtime in RUNTIMES.items():
        assert (distribution in provided_distributions(runtime)) == (name in bring)
        assert (module in provided_modules(runtime)) == (name in bring)
