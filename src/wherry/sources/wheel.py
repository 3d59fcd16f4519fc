"""From a source tree to a wheel in its canonical form, by the tree's own backend."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.bundle.canonical import canonical
from wherry.bundle.wheel import wheel_bundle
from wherry.events import BuildFinished, BuildStarted, Warned
from wherry.interpreters import build_python, running_python
from wherry.sources.compiled_check import (
    compiled_files,
    lacking_libraries,
    require_suitable,
    require_tags,
)
from wherry.sources.environment import (
    known_environment,
    make_environment,
    remember_requirements,
)
from wherry.sources.hooks import call_backend
from wherry.store.memo import memo_key

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.bundle.canonical import Canonical
    from wherry.context import Context
    from wherry.sources.declaration import Declaration

__all__ = ["accept_wheel", "build_wheel"]


def build_wheel(declaration: Declaration, context: Context, *, hermetic: bool = False) -> Canonical:
    """Build the wheel.

    A Python of the target's version builds it, where there is one; what that compiles is examined. A ``hermetic``
    backend does nothing that its settings do not say (``wherry.sources.hermetic``), and need not be asked twice for
    requirements.

    Raises:
        BuildError: the backend or its requirements fail.
        IncompatibleError: the wheel does not run on the target.
        ToolError: uv is missing.
        StoreError: the store cannot be written.
        ArchiveError, EntryPathError: the backend made an unsound wheel.
    """
    store = context.store
    context.reporter.emit(BuildStarted(name=declaration.label))
    began = time.monotonic()
    python = running_python() if hermetic else build_python(context)
    if python.version != context.target.runtime.python:
        _warn(declaration, python.version, context)
    known = known_environment(declaration, context) if hermetic else None
    ask, own = known is None, not context.network.is_for_third_party
    environment = known or make_environment(
        declaration.requires, declaration, context, virtual=not hermetic
    )
    with ExitStack() as stack:
        # Backends that leave something in the tree while they work must not meet each other.
        stack.enter_context(store.lock("build", memo_key(declaration.root)))
        call = call_backend(declaration, environment, store, ask=ask, own=own)
        outcome = stack.enter_context(call)
        if ask:
            remember_requirements(outcome.requires, declaration, environment, context)
        if outcome.wheel is None:
            requires = [*declaration.requires, *outcome.requires]
            environment = make_environment(requires, declaration, context, virtual=not hermetic)
            call = call_backend(declaration, environment, store, ask=False, own=own)
            outcome = stack.enter_context(call)
        assert outcome.wheel is not None  # noqa: S101
        wheel = accept_wheel(
            outcome.wheel, declaration.label, declaration.root, context, python=python.version
        )
    context.reporter.emit(BuildFinished(name=declaration.label, seconds=time.monotonic() - began))
    return wheel


def _warn(declaration: Declaration, built_by: tuple[int, int], context: Context) -> None:
    """Warn of another Python than the target's, unless nothing of the tree asks which Python builds it."""
    from wherry.sources.hermetic import examine, input_options
    from wherry.sources.inputs import read_inputs

    files = context.files
    inputs = read_inputs(declaration.root, input_options(declaration, (), files), files)
    if examine(declaration, inputs, files).reason is None:
        return
    version = context.target.runtime.python_version
    context.reporter.emit(
        Warned(
            text=f"`{declaration.label}` is built by Python {built_by[0]}.{built_by[1]}, "
            f"as there is no Python {version} on this machine: the result may differ",
            hint=f"install one with `uv python install {version}`, or build in a container with `--container always`",
        )
    )


def accept_wheel(
    path: Path, name: str, tree: Path, context: Context, *, python: tuple[int, int] | None
) -> Canonical:
    """Put a wheel that was built into the store, in its canonical form, and prove that it runs on the target.

    ``tree`` is what it was built from; ``python`` is as for ``require_suitable``.

    Raises:
        IncompatibleError: it does not run on the target.
        FetchError: it cannot be read.
        ArchiveError, EntryPathError: it is unsound.
        StoreError: the store cannot be written.
    """
    filename, store, target = path.name, context.store, context.target
    require_tags(filename, target)
    bundle = wheel_bundle(store.add(path), filename=filename, owner=name, store=store)
    compiled = compiled_files(bundle, source=tree)
    require_suitable(compiled, filename=filename, target=target, python=python)
    if (warning := lacking_libraries(compiled, bundle, name=name)) is not None:
        context.reporter.emit(warning)
    wheel = canonical(bundle, filename=filename, store=store)
    return replace(wheel, compiled=tuple(entry.path for entry in compiled))
