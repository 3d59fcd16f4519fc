"""From a source tree to a wheel in its canonical form, by the tree's own backend."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

from wherry.bundle.wheel import wheel_bundle
from wherry.events import SILENT, BuildFinished, BuildStarted
from wherry.sources.backend import wheel_from_backend, wheel_requirements
from wherry.sources.canonical import canonical
from wherry.sources.environment import find_environment, make_environment
from wherry.sources.purity import require_nothing_compiled, require_tags

if TYPE_CHECKING:
    from wherry.events import Reporter
    from wherry.sources.canonical import Canonical
    from wherry.sources.declaration import Declaration
    from wherry.sources.environment import Environment
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["FORMAT", "build_wheel", "known_environment"]

FORMAT = 1
"""Goes into the key of whatever a build gave; raised when Wherry builds or canonicalises in another way."""

_REQUIREMENTS = "build-requirements"
# What a backend asks for beyond its requirements is decided by these.
_DECIDING = ("pyproject.toml", "setup.py", "setup.cfg", "hatch.toml")


def build_wheel(
    declaration: Declaration,
    *,
    target: Target,
    store: Store,
    closed: bool = False,
    offline: bool = False,
    reporter: Reporter = SILENT,
) -> Canonical:
    """Build the wheel.

    Args:
        declaration: of a tree that has a backend.
        target: what it must run on. It is built by the Python that runs Wherry, and must not depend on it.
        store: where its contents and the build environment are kept.
        closed: the backend does nothing that its settings do not say, so that it need not be asked twice
            what it requires (``wherry.sources.closure``).
        offline: use no network.
        reporter: hears that the build starts and ends.

    Raises:
        BuildError: the backend or its requirements fail, or the wheel would have to be compiled for the target.
        ToolError: uv is missing.
        StoreError: the store cannot be written.
        ArchiveError, EntryPathError: the backend made an unsound wheel.
    """
    reporter.emit(BuildStarted(name=declaration.label))
    began = time.monotonic()
    environment = known_environment(declaration, store) if closed else None
    if environment is None:
        environment = _ready_environment(declaration, store, offline=offline, reporter=reporter)
    # Backends that leave something in the tree while they work must not meet each other.
    tree = hashlib.sha256(str(declaration.root).encode(errors="surrogateescape")).hexdigest()
    with (
        store.lock("build", tree),
        wheel_from_backend(declaration, environment, store) as path,
    ):
        filename = path.name
        require_tags(filename, target)
        stored = store.add(path)
        bundle = wheel_bundle(stored, filename=filename, owner=declaration.label, store=store)
        require_nothing_compiled(bundle, filename=filename, source=declaration.root, target=target)
    made = canonical(bundle, filename=filename, store=store)
    reporter.emit(BuildFinished(name=declaration.label, seconds=time.monotonic() - began))
    return made


def known_environment(declaration: Declaration, store: Store) -> Environment | None:
    """The environment to build in, if it is kept."""
    first = find_environment(declaration.requires, declaration, store)
    if first is None:
        return None
    more = _recall(declaration, first, store)
    if more is None:
        return None
    return find_environment([*declaration.requires, *more], declaration, store) if more else first


def _ready_environment(
    declaration: Declaration, store: Store, *, offline: bool, reporter: Reporter
) -> Environment:
    """The environment to build in, with all that the backend asks for."""
    first = make_environment(
        declaration.requires, declaration, store, offline=offline, reporter=reporter
    )
    more = wheel_requirements(declaration, first, store)
    memo = json.dumps(sorted(more)).encode()
    store.remember(_REQUIREMENTS, _requirements_key(declaration, first), memo)
    if not more:
        return first
    return make_environment(
        [*declaration.requires, *more], declaration, store, offline=offline, reporter=reporter
    )


def _recall(declaration: Declaration, first: Environment, store: Store) -> list[str] | None:
    memo = store.recall(_REQUIREMENTS, _requirements_key(declaration, first))
    try:
        more = json.loads(memo or b"null")
    except ValueError:
        return None
    return more if isinstance(more, list) else None


def _requirements_key(declaration: Declaration, first: Environment) -> str:
    digest = hashlib.sha256(f"{FORMAT} {first.identity} {declaration.backend}".encode())
    for name in _DECIDING:
        try:
            content = (declaration.root / name).read_bytes()
        except OSError:
            content = b""
        digest.update(f"\0{name} {len(content)}\0".encode() + content)
    return digest.hexdigest()
