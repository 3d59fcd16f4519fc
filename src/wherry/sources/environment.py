"""Build environments, kept: what a backend needs is installed once and used again.

An environment belongs to its requirements, the interpreter and the indexes they came from. It is complete
once its mark is there, which also tells what was installed; so its identity, unlike its requirements,
changes when the same requirements bring newer backends.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wherry.errors import BuildError, StoreError
from wherry.events import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.declaration import Declaration
    from wherry.wheels.store import Store

__all__ = ["Environment", "find_environment", "interpreter_identity", "make_environment"]

_KIND = "environments"
_MARK = "wherry-complete.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A virtual environment to run a backend in.

    Attributes:
        python: its interpreter.
        identity: a digest of all that it is made of.
        installed: versions by normalized name.
    """

    python: Path
    identity: str
    installed: Mapping[str, str]


def interpreter_identity() -> str:
    """What is of interest about the interpreter that runs Wherry, and its backends."""
    return (
        f"{sys.implementation.name} {sys.version} {sys.platform} {os.path.realpath(sys.executable)}"
    )


def find_environment(
    requires: Iterable[str],
    declaration: Declaration,
    store: Store,
    *,
    access: Access | None = None,
) -> Environment | None:
    """The environment with these requirements, if it is kept."""
    return _open(store.folder(_KIND, _key(requires, declaration, access)))


def make_environment(
    requires: Iterable[str],
    declaration: Declaration,
    store: Store,
    *,
    offline: bool = False,
    access: Access | None = None,
    reporter: Reporter = SILENT,
) -> Environment:
    """The environment with these requirements, made where it is not kept.

    Args:
        requires: PEP 508 requirements.
        declaration: the project that is to be built; its ``[tool.uv]`` settings may name indexes.
        store: where it is kept.
        offline: use no network; requirements come from uv's own cache.
        access: what opens which index; by default what the environment says.
        reporter: hears uv's warnings.

    Raises:
        BuildError: the requirements cannot be installed.
        ToolError: uv is missing.
        StoreError: the store cannot be written.
    """
    wanted = sorted(set(requires))
    key = _key(wanted, declaration, access)
    folder = store.folder(_KIND, key)
    if (kept := _open(folder)) is not None:
        return kept
    with store.lock(_KIND, key):
        # Somebody else may have made it while this process waited.
        if (kept := _open(folder)) is not None:
            return kept
        _make(folder, wanted, declaration, offline=offline, access=access, reporter=reporter)
        made = _open(folder)
    if made is None:
        raise StoreError(f"the build environment `{folder}` vanished while it was made")
    return made


def _key(requires: Iterable[str], declaration: Declaration, access: Access | None) -> str:
    from wherry.indexes.access import Access

    facts = [
        sorted(set(requires)),
        interpreter_identity(),
        # Without passwords: a new token makes no other environment, and no digest is to be guessed from.
        (access or Access()).identity(),
        declaration.tool("uv"),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _open(folder: Path) -> Environment | None:
    try:
        mark = (folder / _MARK).read_bytes()
        installed = json.loads(mark)
    except (OSError, ValueError):
        return None
    python = _python(folder)
    # The link dangles when the interpreter it was made from has been removed.
    if not isinstance(installed, dict) or not python.exists():
        return None
    identity = hashlib.sha256(folder.name.encode() + b"\0" + mark).hexdigest()
    return Environment(python=python, identity=identity, installed=installed)


def _make(
    folder: Path,
    requires: Sequence[str],
    declaration: Declaration,
    *,
    offline: bool,
    access: Access | None,
    reporter: Reporter,
) -> None:
    import shutil

    from wherry.lock.uv.run import run_uv

    def uv(*arguments: str) -> None:
        answer = run_uv(
            arguments, cwd=declaration.root, reporter=reporter, offline=offline, access=access
        )
        if answer.status != 0:
            raise BuildError(
                f"the build requirements of `{declaration.label}` cannot be installed",
                where=[f"they are {', '.join(requires) or 'none'}", *answer.causes],
                hint="run once without `--offline`" if offline else answer.hint,
            )

    try:
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "--quiet", "--no-project", "--python", sys.executable, str(folder))
        if requires:
            uv("pip", "install", "--quiet", "--python", str(_python(folder)), "--", *requires)
        mark = json.dumps(_installed(folder), sort_keys=True)
        (folder / _MARK).write_text(mark, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write the build environment `{folder}`", where=[error.strerror or str(error)]
        ) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _installed(folder: Path) -> dict[str, str]:
    from wherry.sources.declaration import normalized

    found = sorted(path.name for path in folder.glob("**/site-packages/*.dist-info"))
    pairs = (name.removesuffix(".dist-info").split("-", 1) for name in found)
    return {normalized(pair[0]): pair[-1] for pair in pairs}
