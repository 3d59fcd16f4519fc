"""From a source tree to a wheel in its canonical form, by the tree's own backend."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from wherry.bundle.wheel import wheel_bundle
from wherry.events import SILENT, BuildFinished, BuildStarted
from wherry.sources.backend import wheel_from_backend, wheel_requirements
from wherry.sources.canonical import canonical
from wherry.sources.environment import find_environment, make_environment
from wherry.sources.purity import (
    compiled_files,
    lacking_libraries,
    require_suitable,
    require_tags,
)

if TYPE_CHECKING:
    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.canonical import Canonical
    from wherry.sources.declaration import Declaration
    from wherry.sources.environment import Environment
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["FORMAT", "build_wheel", "known_environment"]

FORMAT = 2
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
    access: Access | None = None,
    reporter: Reporter = SILENT,
) -> Canonical:
    """Build the wheel.

    Args:
        declaration: of a tree that has a backend.
        target: what it must run on. It is built by the Python that runs Wherry; what that compiles is looked at.
        store: where its contents and the build environment are kept.
        closed: the backend does nothing that its settings do not say, so that it need not be asked twice
            what it requires (``wherry.sources.closure``).
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears that the build starts and ends.

    Raises:
        BuildError: the backend or its requirements fail.
        IncompatibleError: what came of it does not run on the target.
        ToolError: uv is missing.
        StoreError: the store cannot be written.
        ArchiveError, EntryPathError: the backend made an unsound wheel.
    """
    reporter.emit(BuildStarted(name=declaration.label))
    began = time.monotonic()
    environment = known_environment(declaration, store, access=access) if closed else None
    if environment is None:
        environment = _ready_environment(
            declaration, store, offline=offline, access=access, reporter=reporter
        )
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
        compiled = compiled_files(bundle, source=declaration.root)
    require_suitable(compiled, filename=filename, target=target, python=sys.version_info[:2])
    if (warning := lacking_libraries(compiled, bundle, name=declaration.label)) is not None:
        reporter.emit(warning)
    made = canonical(bundle, filename=filename, store=store)
    made = replace(made, compiled=tuple(entry.path for entry in compiled))
    reporter.emit(BuildFinished(name=declaration.label, seconds=time.monotonic() - began))
    return made


def known_environment(
    declaration: Declaration, store: Store, *, access: Access | None = None
) -> Environment | None:
    """The environment to build in, if it is kept."""
    first = find_environment(declaration.requires, declaration, store, access=access)
    if first is None:
        return None
    more = _recall(declaration, first, store)
    if more is None:
        return None
    if not more:
        return first
    return find_environment([*declaration.requires, *more], declaration, store, access=access)


def _ready_environment(
    declaration: Declaration,
    store: Store,
    *,
    offline: bool,
    access: Access | None,
    reporter: Reporter,
) -> Environment:
    """The environment to build in, with all that the backend asks for."""
    first = make_environment(
        declaration.requires, declaration, store, offline=offline, access=access, reporter=reporter
    )
    more = wheel_requirements(declaration, first, store)
    memo = json.dumps(sorted(more)).encode()
    store.remember(_REQUIREMENTS, _requirements_key(declaration, first), memo)
    if not more:
        return first
    return make_environment(
        [*declaration.requires, *more],
        declaration,
        store,
        offline=offline,
        access=access,
        reporter=reporter,
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
