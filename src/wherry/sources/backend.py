"""Calling a build backend: the hooks of PEP 517, in a process of its own, with nothing written in the source.

Whatever a backend is known to leave behind in the source tree goes to a temporary folder instead, so that
nothing of an earlier build can find its way into a wheel. Clock, locale, time zone and umask are fixed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyproject_hooks import BuildBackendHookCaller, SubprocessRunner

    from wherry.sources.declaration import Declaration
    from wherry.sources.environment import Environment
    from wherry.wheels.store import Store

__all__ = ["wheel_from_backend", "wheel_requirements"]

# 1980-01-01, the first day that a zip archive can name.
_EPOCH = "315532800"
_FIXED = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "SOURCE_DATE_EPOCH": _EPOCH,
    "TZ": "UTC",
}
_DROPPED = ("CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV")
# Folders that backends work in and do not clear away: pdm-backend's.
_LEFT_BEHIND = (".pdm-build",)
# Older ones do not read DIST_EXTRA_CONFIG.
_SETUPTOOLS_WITH_EXTRA_CONFIG = (65, 7)
_NOT_COPIED = shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__", ".venv", ".tox")


def wheel_requirements(
    declaration: Declaration, environment: Environment, store: Store
) -> tuple[str, ...]:
    """What the backend asks for beyond ``build-system.requires`` (``get_requires_for_build_wheel``).

    Raises:
        BuildError: the backend fails.
    """
    with _hooks(declaration, environment, store) as (hooks, _):
        return tuple(hooks.get_requires_for_build_wheel())


@contextmanager
def wheel_from_backend(
    declaration: Declaration, environment: Environment, store: Store
) -> Iterator[Path]:
    """The wheel that the backend makes (``build_wheel``), which is there until the block ends.

    Raises:
        BuildError: the backend fails, or what it made is no wheel.
    """
    with _hooks(declaration, environment, store) as (hooks, temporary):
        folder = temporary / "wheel"
        folder.mkdir()
        filename = hooks.build_wheel(str(folder))
        wheel = folder / str(filename)
        if wheel.parent != folder or wheel.suffix != ".whl" or not wheel.is_file():
            raise BuildError(
                f"`{declaration.label}` could not be built",
                where=[f"its backend `{declaration.backend}` made no wheel but {filename!r}"],
            )
        yield wheel


@contextmanager
def _hooks(
    declaration: Declaration, environment: Environment, store: Store
) -> Iterator[tuple[BuildBackendHookCaller, Path]]:
    import subprocess
    import warnings

    from pyproject_hooks import BackendUnavailable, BuildBackendHookCaller

    assert declaration.backend is not None  # noqa: S101  callers have asked
    # Warnings of the backend are in its log; they are none of Wherry's.
    with (
        tempfile.TemporaryDirectory(prefix="wherry-build-", ignore_cleanup_errors=True) as name,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        temporary = Path(name)
        log = temporary / "log"
        left = [declaration.root / name for name in _LEFT_BEHIND]
        left = [path for path in left if not path.exists()]
        try:
            caller = BuildBackendHookCaller(
                str(_source(declaration, environment, temporary)),
                declaration.backend,
                backend_path=declaration.backend_path or None,
                runner=_runner(environment, temporary, log),
                python_executable=str(environment.python),
            )
            yield caller, temporary
        except subprocess.CalledProcessError as error:
            cause = f"`{declaration.backend}` failed with status {error.returncode}"
            raise _failure(declaration, cause, log, store) from None
        except BackendUnavailable as error:
            lines = [line.strip() for line in error.traceback.splitlines() if line.strip()]
            raise BuildError(
                f"`{declaration.label}` could not be built",
                where=[f"its backend `{declaration.backend}` cannot be imported", *lines[-1:]],
                hint="name the backend's distribution in `build-system.requires`",
            ) from None
        except ValueError as error:  # a backend-path that leaves the tree, or no JSON from the hook
            raise _failure(declaration, str(error), log, store) from None
        except OSError as error:
            cause = f"`{declaration.backend}` ended without an answer ({error.strerror or error})"
            raise _failure(declaration, cause, log, store) from error
        finally:
            for path in left:
                shutil.rmtree(path, ignore_errors=True)


def _runner(environment: Environment, temporary: Path, log: Path) -> SubprocessRunner:
    import subprocess

    config = temporary / "setuptools.cfg"
    config.write_text(
        f"[build]\nbuild_base = {temporary / 'build'}\n\n[egg_info]\negg_base = {temporary}\n",
        encoding="utf-8",
    )
    scratch = temporary / "tmp"
    scratch.mkdir()
    inherited = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    path = os.pathsep.join([str(environment.python.parent), os.environ.get("PATH", os.defpath)])
    given = {"DIST_EXTRA_CONFIG": str(config), "PATH": path, "TMPDIR": str(scratch)}

    def run(
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        with log.open("ab") as output:
            subprocess.run(
                cmd,
                cwd=cwd,
                env={**inherited, **_FIXED, **given, **(extra_environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                umask=-1 if sys.platform == "win32" else 0o022,
            )

    return run


def _source(declaration: Declaration, environment: Environment, temporary: Path) -> Path:
    """The tree to build in: the project's own, or a copy where its backend cannot be kept out of it."""
    assert declaration.backend is not None  # noqa: S101
    version = environment.installed.get("setuptools")
    if not declaration.backend.startswith("setuptools.") or version is None:
        return declaration.root
    release = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if release >= _SETUPTOOLS_WITH_EXTRA_CONFIG:
        return declaration.root
    # The folder's name stays, as some projects take their name or version from it.
    copy = temporary / "source" / declaration.root.name
    shutil.copytree(declaration.root, copy, ignore=_NOT_COPIED, ignore_dangling_symlinks=True)
    return copy


def _failure(declaration: Declaration, cause: str, log: Path, store: Store) -> BuildError:
    """The error, with the end of what the backend said; the whole of it stays in the store."""
    from wherry.lock.redact import redact
    from wherry.sources.log import keep_log, last_lines

    try:
        said = redact(log.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        said = ""
    kept = keep_log(said, label=declaration.label, store=store)
    return BuildError(
        f"`{declaration.label}` could not be built",
        where=[cause, *last_lines(said)],
        hint=f"all that it said is in `{kept}`" if kept is not None else None,
    )
