"""uv_build: does what its settings say, and runs no code of the project."""

from __future__ import annotations

from wherry.sources.backends.interface import Backend

__all__ = ["BACKEND"]

BACKEND = Backend(
    plugins=frozenset({"uv-build"}),
    tool="uv",
    settings=frozenset({"build-backend"}),
    copies_only=lambda declaration: "data" not in declaration.tool("uv", "build-backend"),
    hooks_are_pure=True,
)
