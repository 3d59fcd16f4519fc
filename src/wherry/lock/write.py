"""Writing ``pylock.toml`` for a project that has no lock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wherry.errors import LockError, OutputError, ProjectError
from wherry.events import SILENT
from wherry.lock.document import is_path
from wherry.lock.model import LockFormat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from packaging.pylock import Package, Pylock
    from packaging.utils import NormalizedName

    from wherry.events import Event, Reporter
    from wherry.lock.model import Lock, LockRequest

__all__ = ["write_lock"]

_UNLOCKED = (LockFormat.PYPROJECT, LockFormat.PIPFILE, LockFormat.REQUIREMENTS_IN, LockFormat.SETUP)


def write_lock(
    request: LockRequest, *, output: Path | None = None, reporter: Reporter = SILENT
) -> Path:
    """Resolve what a project declares for the target, and write it as ``pylock.toml`` (PEP 751).

    The file is good for the target alone, and says so. It holds no passwords. It appears whole or not at all.

    Args:
        request: whose lock is wanted; ``lock`` may name the file to resolve.
        output: the file to write; ``pylock.toml`` in the project's folder if None.
        reporter: hears uv's warnings.

    Returns:
        The file that was written.

    Raises:
        ProjectError: there is no Python project.
        LockError: what it declares cannot be resolved, or another tool keeps its lock.
        OutputError: the file cannot be written.
    """
    from wherry.indexes.access import Access

    root = request.root.absolute()
    access = request.access or Access(folders=[root], offline=request.offline)
    request = replace(request, root=root, access=access)
    if not is_path(str(request.root)) or not request.root.is_dir():
        raise ProjectError("there is no such project", where=[f"{request.root} is no folder"])
    path = output or request.root / "pylock.toml"
    lock = _resolved(request, path, _WithoutAdvice(reporter))
    _write(path, _document(lock, request, path.parent))
    return path


def _resolved(request: LockRequest, path: Path, reporter: Reporter) -> Lock:
    from wherry.lock.find import Found, find_given, find_unlocked
    from wherry.lock.requirements.reader import read_requirements
    from wherry.lock.unlocked import empty_lock, read_unlocked

    if request.lock is not None:
        found = find_given(request, request.lock)
    else:
        _refuse_other_tools(request, path)
        requirements = request.root / "requirements.txt"
        if requirements.is_file():
            found = Found(path=requirements, format=LockFormat.REQUIREMENTS)
        else:
            found = find_unlocked(request)
    if found.format in {LockFormat.REQUIREMENTS, LockFormat.REQUIREMENTS_IN}:
        return read_requirements(found.path, request, reporter)
    if found.format is LockFormat.NONE:
        return empty_lock(request, found.path, found.format)
    if found.format not in _UNLOCKED:
        raise LockError(f"`{found.path.name}` is a lock already")
    return read_unlocked(found.path, found.format, request, reporter)


def _refuse_other_tools(request: LockRequest, path: Path) -> None:
    """A second lock beside a tool's own would go its own way."""
    commands = {
        LockFormat.UV: "uv lock",
        LockFormat.POETRY: "poetry lock",
        LockFormat.PIPFILE_LOCK: "pipenv lock",
    }
    for format_, command in commands.items():
        if (request.root / format_).is_file():
            raise LockError(
                f"the project has a lock, `{format_}`",
                where=[f"{path.name} would be a second one"],
                hint=f"run `{command}` to bring it up to date",
            )


class _WithoutAdvice:
    """Passes events on, except the advice to do what is being done."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def emit(self, event: Event) -> None:
        hint = getattr(event, "hint", None)
        if not (hint and "wherry lock" in hint):
            self._reporter.emit(event)


def _document(lock: Lock, request: LockRequest, base: Path) -> dict[str, Any]:
    """The lock as a TOML document, relative to ``base``."""
    from packaging.markers import Marker

    from wherry.lock.provenance import provenance

    environment = request.target.environment
    marker = Marker(
        " and ".join(
            f"{name} == '{environment[name]}'"
            for name in (
                "implementation_name",
                "platform_machine",
                "python_version",
                "sys_platform",
            )
        )
    )
    pylock: Pylock = replace(
        lock.pylock,
        created_by="wherry",
        environments=[marker],
        # What was asked for is in the lock without conditions: those who ask again are given it.
        extras=_names(request.extras),
        dependency_groups=_names(request.groups),
        default_groups=_names(request.groups),
        packages=[_portable(package, lock.base, base) for package in lock.pylock.packages],
        tool={"wherry": provenance([path for path in lock.inputs if path.is_file()], base)},
    )
    return dict(pylock.to_dict())


def _names(given: Sequence[str]) -> list[NormalizedName] | None:
    from packaging.utils import canonicalize_name

    return sorted({canonicalize_name(name) for name in given}) or None


def _portable(package: Package, before: Path, after: Path) -> Package:
    """The package without secrets in its URLs, its paths relative to the new lock."""
    from wherry.lock.redact import without_credentials

    def clean(source: Any) -> Any:
        if source is None:
            return None
        changes: dict[str, str] = {}
        if getattr(source, "url", None):
            changes["url"] = without_credentials(source.url)
        if getattr(source, "path", None):
            changes["path"] = _moved(source.path, before, after)
        return replace(source, **changes)

    return replace(
        package,
        index=without_credentials(package.index) if package.index else None,
        vcs=clean(package.vcs),
        directory=clean(package.directory),
        archive=clean(package.archive),
        sdist=clean(package.sdist),
        wheels=[clean(wheel) for wheel in package.wheels] if package.wheels else None,
    )


def _moved(path: str, before: Path, after: Path) -> str:
    from os.path import normpath, relpath

    if before == after:
        return path
    return relpath(normpath(before / path), after).replace("\\", "/")


def _write(path: Path, document: dict[str, Any]) -> None:
    import os
    import tempfile
    from pathlib import Path

    import tomli_w

    text = "# Written by `wherry lock` for one target; write it again, don't edit it.\n"
    text += tomli_w.dumps(document)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=".pylock-", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"`{path.name}` cannot be written", where=[f"{path}: {error.strerror or error}"]
        ) from None
    finally:
        # After the renaming there is nothing left to remove; after anything else, Ctrl-C included, there is.
        if temporary is not None:
            temporary.unlink(missing_ok=True)
