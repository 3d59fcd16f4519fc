"""The way through the house in one call: project → lock → wheels → bundle → deployment package."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.acquire import Acquired, Trees, acquire, materialize
from wherry.errors import StoreError
from wherry.events import SILENT, Note
from wherry.project import DEFAULT_OUTPUT, choose_target, read_project
from wherry.report import BuildReport
from wherry.unchanged import Memory, Remembered, file_digest, lock_names, stats
from wherry.version import __version__
from wherry.wheels.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wherry.compose import Distribution
    from wherry.events import Reporter
    from wherry.lock.model import Lock
    from wherry.project import Project
    from wherry.report import PackageReport
    from wherry.target import Target

__all__ = ["build"]


def build(
    project: Path | str = ".",
    *,
    runtime: str | None = None,
    architecture: str | None = None,
    groups: Sequence[str] = (),
    extras: Sequence[str] = (),
    package: str | None = None,
    lock: Path | str | None = None,
    output: Path | str | None = None,
    offline: bool = False,
    store: Store | None = None,
    reporter: Reporter = SILENT,
) -> BuildReport:
    """Build a project's deployment packages.

    Args:
        project: the project's folder.
        runtime: such as ``python3.13``; by default the settings', else the newest AWS offers that the
            project's ``requires-python`` admits.
        architecture: ``x86_64`` or ``arm64``; by default the settings', else ``x86_64``.
        groups: dependency groups beyond the default ones.
        extras: extras of the project.
        package: the member of a workspace.
        lock: the lock file, where it is not to be looked for.
        output: a folder, or a path that ends in ``.zip``; by default ``dist/lambda`` in the project.
        offline: use no network.
        store: where files are kept; by default the user's.
        reporter: who is told what happens.

    Returns:
        What was written, with digests and sizes.

    Raises:
        WherryError: whatever is wrong with the input or the world; nothing was written.
    """
    begin = time.perf_counter()
    found = read_project(Path(project))
    target, why = choose_target(found, runtime=runtime, architecture=architecture)
    reporter.emit(Note(text=f"building for {target}: {why}"))
    request = _Request(
        project=found,
        target=target,
        groups=_together(found.settings.groups, groups),
        extras=_together(found.settings.extras, extras),
        package=package,
        lock=_lock_path(found, lock),
        output=_output(Path(project), found, output),
        offline=offline,
        store=store or Store.default(),
        reporter=reporter,
    )
    run = _Run(request)
    packages = run.unchanged() or run.write()
    return BuildReport(target=target, packages=packages, seconds=time.perf_counter() - begin)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    """Everything that was said, by options and settings, in one place."""

    project: Project
    target: Target
    groups: tuple[str, ...]
    extras: tuple[str, ...]
    package: str | None
    lock: Path | None
    output: Path
    offline: bool
    store: Store
    reporter: Reporter

    def path(self, name: str) -> Path:
        """Where the package of that name is written."""
        return self.output if self.output.suffix == ".zip" else self.output / f"{name}.zip"


def _together(settings: Sequence[str], options: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*settings, *options)))


def _lock_path(project: Project, lock: Path | str | None) -> Path | None:
    if lock is not None:
        # A relative path starts at the working folder, or else at the project.
        path = Path(lock).absolute()
        return path if path.exists() else project.root / lock
    return project.root / project.settings.lock if project.settings.lock else None


def _output(given: Path, project: Project, output: Path | str | None) -> Path:
    # Paths are told as they were given: relative to the current folder where the project was.
    return (
        Path(output) if output is not None else given / (project.settings.output or DEFAULT_OUTPUT)
    )


class _Run:
    """One build: what is remembered of the last one, and what there is to do."""

    def __init__(self, request: _Request) -> None:
        self._request = request
        root, settings = request.project.root, request.project.settings
        self._trees = Trees(
            include=settings.include,
            exclude=settings.exclude,
            # What is written may lie among the sources, and is not one of them.
            skip=(request.output.absolute(), root / DEFAULT_OUTPUT),
        )
        self._memory = Memory(
            request.store,
            wherry=__version__,
            root=str(root),
            output=str(request.output),
            runtime=asdict(request.target.runtime),
            architecture=request.target.architecture,
            groups=request.groups,
            extras=request.extras,
            package=request.package,
            lock=str(request.lock),
        )
        known = self._memory.recall()
        self._known = known if known is not None and known.inputs_hold() else None
        self._digests: Mapping[str, str | None] = {}

    def unchanged(self) -> tuple[PackageReport, ...]:
        """The packages of the last build, when nothing has changed since; empty otherwise."""
        known = self._known
        if known is None:
            return ()
        acquired = _acquired(known)
        self._digests = self._trees.beside(acquired).digests(acquired, self._request.store)
        if not known.trees_hold(self._digests) or not known.outputs_hold():
            return ()
        return tuple(replace(package, changed=False) for package in known.packages)

    def write(self) -> tuple[PackageReport, ...]:
        """Compose and write the packages."""
        from wherry.bundle.writer import write_package
        from wherry.compose import compose
        from wherry.report import report_package

        request, known = self._request, self._known
        distributions = None
        if known is not None:
            acquired = _acquired(known)
            distributions = self._materialize(acquired, fresh=False)
        if known is None or distributions is None:
            acquired, known = self._acquire()
            # Before anything is read for good: an edit in between is then seen by the next build.
            self._digests = self._trees.beside(acquired).digests(acquired, request.store)
            distributions = self._materialize(acquired, fresh=True)
        if distributions is None:
            raise StoreError(
                "files left the store while they were being packaged",
                hint="run the same command again when `wherry cache prune` has ended",
            )
        composition = compose(
            _name(request.project, acquired),
            distributions,
            request.target,
            conflicts=request.project.settings.conflicts,
        )
        packages = tuple(
            report_package(package, write_package(package.bundle, request.path(package.name)))
            for package in composition.packages
        )
        if known is not None:
            self._memory.remember(
                replace(known, trees=self._digests, packages=packages, stats=stats(packages))
            )
        return packages

    def _materialize(
        self, acquired: Sequence[Acquired], *, fresh: bool
    ) -> tuple[Distribution, ...] | None:
        request = self._request
        return materialize(
            acquired,
            trees=self._trees.beside(acquired),
            target=request.target,
            store=request.store,
            fresh=fresh,
            offline=request.offline,
            reporter=request.reporter,
        )

    def _acquire(self) -> tuple[tuple[Acquired, ...], Remembered | None]:
        """Read the lock and have everything at hand; also what may be remembered of it."""
        from wherry.lock.credentials import named_credentials
        from wherry.wheels.select import select

        request = self._request
        lock = _read_lock(request)
        files = _digests(lock, request) if lock.stable else {}
        selected = select(lock, request.target)
        acquired = acquire(
            selected,
            base=lock.base,
            own=lock.member,
            target=request.target,
            store=request.store,
            offline=request.offline,
            credentials=named_credentials(lock.index_names),
            reporter=request.reporter,
        )
        if not lock.stable:
            return acquired, None
        root = request.project.root
        folders = {str(root): lock_names(root)}
        documents = [one.document() for one in acquired]
        return acquired, Remembered(files=files, folders=folders, trees={}, acquired=documents)


def _acquired(known: Remembered) -> tuple[Acquired, ...]:
    return tuple(Acquired.from_document(one) for one in known.acquired)


def _name(project: Project, acquired: Sequence[Acquired]) -> str:
    """What the package is called: after the workspace member, where that is another folder."""
    own = next(Path(one.root) for one in acquired if one.own)
    return project.name if own == project.root else read_project(own).name


def _read_lock(request: _Request) -> Lock:
    from wherry.lock import LockRequest, read_lock
    from wherry.wheels.index import index_finder

    with index_finder(offline=request.offline) as find_files:
        return read_lock(
            LockRequest(
                root=request.project.root,
                target=request.target,
                groups=request.groups,
                extras=request.extras,
                package=request.package,
                lock=request.lock,
                offline=request.offline,
            ),
            find_files=find_files,
            reporter=request.reporter,
        )


def _digests(lock: Lock, request: _Request) -> dict[str, str]:
    paths = {*lock.inputs, *request.project.inputs, lock.path, *_above(lock, request)}
    return {str(path): file_digest(path) for path in sorted(paths)}


def _above(lock: Lock, request: _Request) -> Iterator[Path]:
    """The files above the project that make it a member of a workspace, or would if they were there."""
    from wherry.lock.find import TOOL_MADE
    from wherry.lock.model import LockFormat

    root = request.project.root
    if request.lock is not None or (lock.path.parent == root and lock.format in TOOL_MADE):
        return
    for parent in root.resolve().parents:
        yield parent / "uv.lock"
        if (parent / "uv.lock").is_file():
            yield parent / "pyproject.toml"
        if lock.format is LockFormat.UV and parent == lock.path.parent:
            return
