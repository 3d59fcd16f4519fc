"""The context of a test: a store, and otherwise what a run on this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.context import Context
from wherry.files import ProjectFiles
from wherry.indexes.network import Network
from wherry.target import Target, find_architecture, find_runtime

if TYPE_CHECKING:
    from wherry.store import Store

__all__ = ["context"]


def context(
    store: Store, *, target: Target | None = None, offline: bool = False, **rest: Any
) -> Context:
    """A context for python3.13 on x86_64 that builds what has no wheel on this machine."""
    from wherry.settings.model import ContainerOptions, Mode
    from wherry.sources.builders import with_builders

    rest.setdefault("files", ProjectFiles())
    rest.setdefault("network", Network(offline=offline, files=rest["files"]))
    found = Context(
        target=target
        or Target(runtime=find_runtime("python3.13"), architecture=find_architecture("x86_64")),
        store=store,
        **rest,
    )
    if "builders" in rest:
        return found
    return with_builders(found, ContainerOptions(mode=Mode.NEVER), root=store.root)
