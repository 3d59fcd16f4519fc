"""Functions and layers as a stage wants them, for tests that say only what matters to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wherry.aws.model import DesiredFunction, DesiredLayer

__all__ = ["desired_function", "desired_layer"]


def desired_function(name: str, content: str = "a", **more: Any) -> DesiredFunction:
    given: dict[str, Any] = {
        "aws_name": name,
        "path": Path(f"{name}.zip"),
        "code_sha256": content,
        "size": 100,
        "runtime": "python3.13",
        "architecture": "x86_64",
        "handler": "shop.api.handler",
    }
    return DesiredFunction(name=name, **given | more)


def desired_layer(name: str, content: str = "a", **more: Any) -> DesiredLayer:
    given: dict[str, Any] = {
        "aws_name": name,
        "path": Path(f"{name}.zip"),
        "code_sha256": content,
        "size": 100,
        "runtimes": ("python3.13",),
        "architectures": ("x86_64",),
    }
    return DesiredLayer(name=name, **given | more)
