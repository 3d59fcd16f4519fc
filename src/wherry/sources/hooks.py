"""Calling a build backend: the hooks of PEP 517, in a process of its own, with nothing written in the source.

The files that a backend is known to leave behind in the source tree go to a temporary folder instead, so that
nothing of an earlier build gets into a wheel. Clock, locale, time zone and umask are fixed.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry.errors import BuildError
from wherry.files import copy_folder, is_inside, open_regular, remove_folder
from wherry.sources.backends.table import find_backend
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct
from wherry.tools.process import KeptOutput
from wherry.untrusted import parse_json
from wherry.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wherry.sources.declaration import Declaration
    from wherry.sources.environment import Environment
    from wherry.store import Store

__all__ = ["Outcome", "call_backend"]

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
_TIMEOUT = 3600.0
_LARGEST_ANSWER = 1 << 22
# Older ones do not read DIST_EXTRA_CONFIG.
_SETUPTOOLS_WITH_EXTRA_CONFIG = (65, 7)
_SCRIPT = str(Path(__file__).with_name("hook_process.py"))
_NOT_COPIED = frozenset({"build", "dist", "__pycache__", ".venv", ".tox"})
# What backends say when the folder is not laid out as a package: poetry-core and flit, setuptools, hatchling, uv.
_FOUND_NONE = re.compile(
    r"No file/folder found for (?:package|module)|discovered in a flat-layout"
    r"|Unable to determine which files to ship|Expected a Python module"
)
_SETTINGS = {"poetry": ("poetry", "package-mode"), "pdm": ("pdm", "distribution")}


class Outcome(Struct, frozen=True, kw_only=True):
    """The answer of a backend.

    Attributes:
        requires: the requirements that it asks for beyond ``build-system.requires``, where it was asked.
        wheel: the wheel; None where there are such requirements.
    """

    requires: tuple[str, ...] = ()
    wheel: Path | None = None


@contextmanager
def call_backend(
    declaration: Declaration, environment: Environment, store: Store, *, ask: bool, own: bool = True
) -> Iterator[Outcome]:
    """Let the backend make the wheel (``build_wheel``), which is there until the block ends.

    With ``ask``, it is first asked for further requirements (``get_requires_for_build_wheel``), and makes no wheel
    where there are any. An ``own`` tree is one that the user can change.

    Raises:
        BuildError: the backend fails, or what it made is not a wheel.
    """
    with temporary_folder("build") as temporary:
        call = _Call(declaration, environment, store, temporary, own=own)
        left = [declaration.root / name for name in _LEFT_BEHIND]
        left = [path for path in left if not path.exists()]
        try:
            if ask and not call.pure and not hasattr(os, "fork"):
                # One process would see what the first hook has left behind in it.
                requires = call.run(ask=True, build=False)["requires"]
                answer = {"requires": requires} if requires else call.run(ask=False, build=True)
            else:
                answer = call.run(ask=ask, build=True)
        finally:
            for path in left:
                with suppress(OSError):
                    remove_folder(path)
        if answer.get("requires"):
            yield Outcome(requires=tuple(answer["requires"]))
        else:
            yield Outcome(wheel=call.wheel(answer.get("filename")))


class _Call:
    """Calls of a backend with one temporary folder."""

    def __init__(
        self,
        declaration: Declaration,
        environment: Environment,
        store: Store,
        temporary: Path,
        *,
        own: bool,
    ) -> None:
        self._declaration = declaration
        self._environment = environment
        self._store = store
        self._temporary = temporary
        self._own = own
        self._output = KeptOutput()
        self._folder = temporary / "wheel"
        self._source = _source(declaration, environment, temporary)
        backend = None if environment.virtual else find_backend(declaration.backend)
        self.pure = backend is not None and backend.hooks_are_pure
        (temporary / "tmp").mkdir()
        self._folder.mkdir()

    def run(self, *, ask: bool, build: bool) -> dict[str, Any]:
        """Start the process; its answer."""
        from wherry.tools.process import Command, TimeLimitError, run, time_limit

        virtual = self._environment.virtual
        answer = self._temporary / "answer"
        request = {
            "backend": self._declaration.backend,
            "path": self._backend_path(),
            "modules": None if virtual else str(self._environment.folder),
            "ask": ask,
            "pure": self.pure,
            "build": build,
            "wheel": str(self._folder),
            "answer": str(answer),
        }
        # Python before 3.11 has no `-P`; the script sees to that itself.
        options = [] if virtual else ["-P", "-S"]
        seconds = time_limit("WHERRY_BUILD_TIMEOUT", _TIMEOUT)
        command = Command(
            arguments=[self._environment.python, *options, _SCRIPT, json.dumps(request)],
            cwd=self._source,
            environment=_variables(self._environment, self._temporary),
            seconds=seconds,
            umask=0o022,
        )
        try:
            status = run(command, self._output.add)
        except TimeLimitError:
            raise self._failure(
                f"was ended after {seconds:g} seconds", "set `WHERRY_BUILD_TIMEOUT` to more seconds"
            ) from None
        except OSError as error:
            raise self._failure(f"cannot be started ({error})") from None
        if status != 0:
            raise self._failure(f"failed with status {status}")
        try:
            with open_regular(answer) as file:
                found = _answer(parse_json(file.read(_LARGEST_ANSWER)))
        except (OSError, ValueError) as error:
            raise self._failure(f"ended without an answer ({error})") from None
        if "unimportable" in found:
            raise self._error(
                f"its backend `{self._declaration.backend}` cannot be imported",
                visible(str(found["unimportable"])),
                hint="name the backend's distribution in `build-system.requires`",
            )
        return found

    def wheel(self, filename: object) -> Path:
        wheel = self._folder / str(filename)[:255]
        if wheel.parent != self._folder or wheel.suffix != ".whl" or not wheel.is_file():
            raise self._error(
                f"its backend `{self._declaration.backend}` made no wheel but {filename!r:.300}"
            )
        return wheel

    def _backend_path(self) -> list[str]:
        """The folders that the backend is imported from, where it is part of the project."""
        found = []
        for folder in self._declaration.backend_path:
            path = self._source / folder
            if os.path.isabs(folder) or not is_inside(path, self._source):  # noqa: PTH117
                raise self._error(
                    f"`{folder}` of build-system.backend-path is not inside the source tree"
                )
            found.append(os.path.realpath(path))
        return found

    def _failure(self, cause: str, hint: str | None = None) -> BuildError:
        """The error, with the end of the backend's output; more of it stays in the store."""
        from wherry.indexes.redact import redact
        from wherry.sources.log import keep_log, last_lines

        output = redact(self._output.text())
        if hint is None and self._own:
            hint = _folder_hint(output, self._declaration)
        kept = keep_log(output, label=self._declaration.label, store=self._store)
        hints = [hint, f"the whole output is in `{kept}`" if kept is not None else None]
        return self._error(
            f"`{self._declaration.backend}` {cause}",
            *last_lines(output),
            hint="\n".join(filter(None, hints)) or None,
        )

    def _error(self, *where: str, hint: str | None = None) -> BuildError:
        message = f"`{self._declaration.label}` could not be built"
        return BuildError(message, where=where, hint=hint)


def _answer(answer: object) -> dict[str, Any]:
    """An answer that is one; a backend may have written the file itself.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(answer, dict):
        raise ValueError("it is no table")  # noqa: TRY004
    requires = answer.get("requires", [])
    if not isinstance(requires, list) or not all(isinstance(each, str) for each in requires):
        raise ValueError("`get_requires_for_build_wheel` returned no list of requirements")
    if not answer.keys() & {"requires", "filename", "unimportable"}:
        raise ValueError("it says nothing")
    return answer


def _variables(environment: Environment, temporary: Path) -> dict[str, str]:
    config = temporary / "setuptools.cfg"
    config.write_text(
        f"[build]\nbuild_base = {temporary / 'build'}\n\n[egg_info]\negg_base = {temporary}\n",
        encoding="utf-8",
    )
    inherited = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    path = os.pathsep.join([str(environment.scripts), os.environ.get("PATH", os.defpath)])
    return {
        **inherited,
        **_FIXED,
        "DIST_EXTRA_CONFIG": str(config),
        "PATH": path,
        "TMPDIR": str(temporary / "tmp"),
    }


def _source(declaration: Declaration, environment: Environment, temporary: Path) -> Path:
    """The tree to build in: the project's own, or a copy where its backend cannot be kept out of it."""
    version = environment.installed.get("setuptools")
    if version is None or not (declaration.backend or "").startswith("setuptools."):
        return declaration.root
    release = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if release >= _SETUPTOOLS_WITH_EXTRA_CONFIG:
        return declaration.root
    # The folder's name stays, as some projects take their name or version from it.
    copy = temporary / "source" / declaration.root.name
    copy_folder(
        declaration.root,
        copy,
        leave_out=lambda name: name in _NOT_COPIED or name.endswith(".egg-info"),
    )
    return copy


def _folder_hint(output: str, declaration: Declaration) -> str | None:
    """The setting that ships the project's folder as it is; None if the backend failed for another reason."""
    if not _FOUND_NONE.search(output):
        return None
    backend = (declaration.backend or "").partition(".")[0]
    tool, key = _SETTINGS.get(backend, ("uv", "package"))
    return (
        "to ship the folder as it is, without building it, say that it is no package: "
        f"`{key} = false` in [tool.{tool}] of `pyproject.toml`"
    )
