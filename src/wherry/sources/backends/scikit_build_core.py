"""scikit-build-core, which builds with the compiler of the machine."""

from __future__ import annotations

from wherry.sources.backends.interface import Backend

__all__ = ["BACKEND"]

BACKEND = Backend(
    plugins=frozenset({"scikit-build-core"}),
    asks_later=lambda _names, _text: ("cmake", "ninja"),
    compiles=True,
)
