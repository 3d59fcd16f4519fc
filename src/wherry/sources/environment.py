"""Build environments, kept: the requirements of a backend are installed once and used again.

An environment belongs to its requirements, the interpreter and the indexes they came from. It is complete
once its mark is there, which also lists what was installed; so its identity, unlike its requirements,
changes when the same requirements bring newer backends.

A known backend whose build is hermetic needs a folder of modules only, which the interpreter that runs Wherry imports
them from. Any other gets a virtual environment of the target's Python (``wherry.interpreters``), as it may ask which
Python runs it, and start interpreters and scripts of its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wherry.errors import BuildError, StoreError
from wherry.files import reason_of, remove_folder
from wherry.interpreters import build_python, running_python
from wherry.store.memo import Memo, memo_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wherry.context import Context
    from wherry.interpreters import BuildPython
    from wherry.sources.declaration import Declaration

__all__ = [
    "FORMAT",
    "Environment",
    "find_environment",
    "known_environment",
    "make_environment",
    "remember_requirements",
]

FORMAT = 2
"""Part of the key of every build's result; raised when Wherry builds or canonicalises in another way."""

_KIND = "environments"
_MARK = "wherry-complete.json"
# What a backend asks for beyond its requirements, and the files that decide it.
_REQUIREMENTS: Memo[Sequence[str]] = Memo(
    "build-requirements", sorted, lambda names: [*map(str, names)]
)
_DECIDING = ("pyproject.toml", "setup.py", "setup.cfg", "hatch.toml")


class Environment(NamedTuple):
    """A folder in which the requirements of a backend are installed.

    Attributes:
        virtual: whether it is a virtual environment, with an interpreter of its own.
        identity: a digest of all that it is made of.
        installed: versions by normalized name.
    """

    folder: Path
    virtual: bool
    identity: str
    installed: Mapping[str, str]

    @property
    def python(self) -> Path:
        """The interpreter that runs the backend."""
        return _python(self.folder) if self.virtual else Path(sys.executable)

    @property
    def scripts(self) -> Path:
        """The folder of its scripts."""
        windows = sys.platform == "win32" and self.virtual
        return self.folder / ("Scripts" if windows else "bin")


def find_environment(
    requires: Iterable[str], declaration: Declaration, context: Context, *, virtual: bool
) -> Environment | None:
    """The environment with these requirements, if it is kept."""
    key = _key(requires, declaration, context, virtual=virtual)
    return _open(context.store.folder(_KIND, key), virtual=virtual)


def known_environment(declaration: Declaration, context: Context) -> Environment | None:
    """The environment of a hermetic build, with all that its backend asks for, if it is kept."""
    first = find_environment(declaration.requires, declaration, context, virtual=False)
    if first is None:
        return None
    more = _REQUIREMENTS.recall(context.store, _requirements_key(declaration, first, context))
    if more is None:
        return None
    if not more:
        return first
    return find_environment([*declaration.requires, *more], declaration, context, virtual=False)


def remember_requirements(
    requires: Sequence[str], declaration: Declaration, first: Environment, context: Context
) -> None:
    """Remember what a backend asks for in the environment of its declared requirements."""
    key = _requirements_key(declaration, first, context)
    _REQUIREMENTS.remember(context.store, key, requires)


def _requirements_key(declaration: Declaration, first: Environment, context: Context) -> str:
    digests = [context.files.digest(declaration.root / name) for name in _DECIDING]
    return memo_key(FORMAT, first.identity, declaration.backend, digests)


def make_environment(
    requires: Iterable[str], declaration: Declaration, context: Context, *, virtual: bool
) -> Environment:
    """The environment with these requirements, made where it is not kept.

    The project's ``[tool.uv]`` may name indexes. Offline, requirements come from uv's own cache.

    Raises:
        BuildError: the requirements cannot be installed.
        ToolError: uv is missing.
        StoreError: the store cannot be written.
    """
    requires = context.build_rules.requires(requires, declaration.label)
    key = _key(requires, declaration, context, virtual=virtual)
    folder = context.store.folder(_KIND, key)
    if (kept := _open(folder, virtual=virtual)) is not None:
        return kept
    with context.store.lock(_KIND, key):
        # Another process or thread may have made it while this one waited.
        if (kept := _open(folder, virtual=virtual)) is None:
            _make(folder, requires, declaration, context, virtual=virtual)
            kept = _open(folder, virtual=virtual)
    if kept is None:
        raise StoreError(f"the build environment `{folder}` vanished while it was made")
    return kept


def _key(
    requires: Iterable[str], declaration: Declaration, context: Context, *, virtual: bool
) -> str:
    rules = context.build_rules
    return memo_key(
        rules.requires(requires, declaration.label),
        _python_of(context, virtual=virtual).identity,
        # Without passwords: a new token makes no other environment, and none can be guessed from a digest.
        context.network.identity(),
        # Dates of TOML are not JSON.
        repr(declaration.tool("uv")),
        virtual,
        *rules.facts(declaration.label),
    )


def _python_of(context: Context, *, virtual: bool) -> BuildPython:
    """The interpreter that an environment is for: what a hermetic build makes does not depend on it."""
    return build_python(context) if virtual else running_python()


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _open(folder: Path, *, virtual: bool) -> Environment | None:
    try:
        mark = (folder / _MARK).read_bytes()
        installed = json.loads(mark)
    except (OSError, ValueError):
        return None
    # The link dangles when the interpreter it was made from has been removed.
    if not isinstance(installed, dict) or (virtual and not _python(folder).exists()):
        return None
    identity = hashlib.sha256(folder.name.encode() + b"\0" + mark).hexdigest()
    return Environment(folder=folder, virtual=virtual, identity=identity, installed=installed)


def _make(
    folder: Path,
    requires: Sequence[str],
    declaration: Declaration,
    context: Context,
    *,
    virtual: bool,
) -> None:
    from wherry.sources.build_rules import constraint_options
    from wherry.sources.declaration import normalized
    from wherry.tools.uv import run_uv

    def uv(*arguments: str) -> None:
        answer = run_uv(
            arguments, cwd=declaration.root, network=context.network, reporter=context.reporter
        )
        if answer.status != 0:
            raise BuildError(
                f"the build requirements of `{declaration.label}` cannot be installed",
                where=[f"they are {', '.join(requires) or 'none'}", *answer.causes],
                hint="run once without `--offline`" if context.offline else answer.hint,
            )

    try:
        if folder.is_dir():
            remove_folder(folder)
        if virtual:
            uv(
                "venv",
                "--quiet",
                "--no-project",
                "--python",
                str(build_python(context).path),
                str(folder),
            )
            place = ["--python", str(_python(folder))]
        else:
            folder.mkdir()
            place = ["--python", sys.executable, "--target", str(folder)]
        if requires:
            with constraint_options(context.build_rules) as options:
                uv("pip", "install", "--quiet", *place, *options, "--", *requires)
        found = folder.glob("**/site-packages/*.dist-info" if virtual else "*.dist-info")
        pairs = (path.name.removesuffix(".dist-info").split("-", 1) for path in sorted(found))
        installed = {normalized(pair[0]): pair[-1] for pair in pairs}
        mark = json.dumps(installed, sort_keys=True)
        (folder / _MARK).write_text(mark, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write the build environment `{folder}`", where=[reason_of(error)]
        ) from error
    except BaseException:
        with suppress(OSError):
            remove_folder(folder)
        raise
