"""Functions to run: their zips, written as Wherry writes them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wherry.bundle.bundle import Bundle
from wherry.bundle.entry import inline
from wherry.bundle.writer import write_package
from wherry.invoke.runnable import Runnable
from wherry.target import Architecture, Target, find_runtime

__all__ = ["HERE", "bundle_of", "make_runnable", "zip_of"]

HERE = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def bundle_of(files: Mapping[str, str | bytes], *, owner: str = "shop") -> Bundle:
    return Bundle.of(
        inline(path, text.encode() if isinstance(text, str) else text, owner=owner)
        for path, text in files.items()
    )


def zip_of(path: Path, files: Mapping[str, str | bytes]) -> Path:
    write_package(bundle_of(files), path)
    return path


def make_runnable(
    folder: Path,
    files: Mapping[str, str | bytes] | str,
    *layers: Mapping[str, str | bytes],
    runtime: str = HERE,
    architecture: Architecture = Architecture.X86_64,
    handler: str = "app.handler",
    **more: Any,
) -> Runnable:
    """A function; text alone is the module `app`."""
    return Runnable(
        name="shop",
        target=Target(runtime=find_runtime(runtime), architecture=architecture),
        handler=handler,
        function=zip_of(
            folder / "shop.zip", {"app.py": files} if isinstance(files, str) else files
        ),
        layers=tuple(
            zip_of(folder / f"layer-{number}.zip", layer) for number, layer in enumerate(layers)
        ),
        **more,
    )
