"""scikit-build-core, which builds with the compiler of the machine."""

from __future__ import annotations

from wherry.sources.backends.interface import compiling_backend

__all__ = ["BACKEND"]

BACKEND = compiling_backend("scikit-build-core", "cmake", "ninja")
