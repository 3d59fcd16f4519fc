"""Constructs for the AWS CDK that take Wherry's packages: no Docker, and assets that change only with their bytes.

>>> from wherry.cdk import PythonFunction, PythonLayerVersion, Project, Bundling, code

``PythonFunction`` and ``PythonLayerVersion`` take what those of ``aws-cdk.aws-lambda-python-alpha`` take.
``BundlingOptions`` and ``ICommandHooks`` are their names for ``Bundling`` and ``CommandHooks``. They need the extra
``cdk``: ``pip install 'wherry[cdk]'``. Nothing else of Wherry imports this package.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("aws_cdk") is None or find_spec("constructs") is None:
    raise ImportError(
        "`wherry.cdk` needs aws-cdk-lib, which is not installed: pip install 'wherry[cdk]'"
    )

from wherry.cdk.code import code
from wherry.cdk.function import PythonFunction
from wherry.cdk.layer import PythonLayerVersion
from wherry.cdk.project import Project
from wherry.pipeline.bundling import Bundling, CommandHooks

BundlingOptions = Bundling
ICommandHooks = CommandHooks

__all__ = [
    "Bundling",
    "BundlingOptions",
    "CommandHooks",
    "ICommandHooks",
    "Project",
    "PythonFunction",
    "PythonLayerVersion",
    "code",
]
