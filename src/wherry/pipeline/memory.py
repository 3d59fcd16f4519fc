"""The memory of what earlier builds were made from, so that a build with nothing to do ends at once.

A memo records everything that decided a build's result: the digest of each input file, the names that a lock was
looked for among, the digest of every source tree. When all are as they were, and so are the packages, the
build is done. Where only the project's own sources changed, the selection of distributions holds, and no lock
is read. A memo is a shortcut and never a source of truth: without it the result is the same.

Paths are remembered relative to the project, and memos found by content: a fresh clone, or a copy in another
folder, finds the memo of the first.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from wherry.bundle.compressor import COMPRESSOR, STRIPPING
from wherry.files import open_regular
from wherry.pipeline.acquired import Acquired, relative
from wherry.pipeline.lock_inputs import LockInputs, lock_names
from wherry.pipeline.report import DistributionReport, PackageReport
from wherry.store.memo import Memo, memo_key
from wherry.structs import Struct
from wherry.target import RUNTIMES
from wherry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wherry.compose.recipe import SupplyKey
    from wherry.context import Context
    from wherry.files import ProjectFiles
    from wherry.pipeline.request import BuildRequest

__all__ = [
    "Memory",
    "Remembered",
    "Supplied",
    "compiler_release",
    "container_facts",
]

_STATS = 512
"""Written files of other checkouts whose state is remembered."""


class Supplied(Struct, frozen=True, kw_only=True):
    """The distributions that packages choose from, and what decided which these are.

    Attributes:
        acquired: by what a package asks for.
        inputs: of the locks.
        stable: whether the same inputs would give the same distributions at any time.
        built_by: the Python that built distributions; empty where none was built.
        resolved: when an index was asked, by the name of the file, where the answer holds for a while.
    """

    acquired: Mapping[SupplyKey, tuple[Acquired, ...]]
    inputs: LockInputs
    stable: bool = True
    built_by: str = ""
    resolved: Mapping[str, float] = field(default_factory=dict)

    def document(self, project: Path) -> list[Any]:
        """A JSON form of what is stable, in which paths are told relative to the project's folder."""
        acquired = [[one.document(project) for one in each] for each in self.acquired.values()]
        return [acquired, self.inputs, self.built_by, dict(self.resolved)]

    @classmethod
    def from_document(cls, document: list[Any], request: BuildRequest) -> Supplied:
        """The inverse of ``document``, for a request."""
        acquired, inputs, built_by, resolved = document
        several = (
            tuple(Acquired.from_document(one, request.root) for one in each) for each in acquired
        )
        return cls(
            acquired=dict(zip(request.supplies, several, strict=True)),
            inputs=LockInputs(*inputs),
            built_by=built_by,
            resolved=resolved,
        )


class Remembered(Struct, frozen=True, kw_only=True):
    """An earlier build.

    Attributes:
        supplied: what it composed from.
        stats: for written packages, by path, what the file system said of each right after.
    """

    supplied: Supplied
    trees: Mapping[str, str | None]
    packages: tuple[PackageReport, ...]
    stats: Mapping[str, list[int]]

    def trees_hold(self, trees: Mapping[str, str | None]) -> bool:
        """Whether the source trees are as they were; false for one whose digest is not known."""
        return None not in trees.values() and trees == self.trees

    def outputs_hold(self) -> bool:
        """Whether the written packages are still there, untouched."""
        return bool(self.packages) and all(
            _is_untouched(package, self.stats.get(str(package.path.absolute())))
            for package in self.packages
        )


class _SettledRuntime(Struct, frozen=True):
    """The runtime that was chosen by locks."""

    name: str
    reason: str
    inputs: LockInputs


_SETTLED: Memo[_SettledRuntime] = Memo(
    "runtimes",
    encode=lambda settled: [settled.name, settled.reason, settled.inputs],
    decode=lambda document: _SettledRuntime(document[0], document[1], LockInputs(*document[2])),
)


class Memory:
    """The memos of one request."""

    def __init__(self, request: BuildRequest, context: Context) -> None:
        """Take all that a build's result depends on, apart from its inputs."""
        self._request = request
        self._store = context.store
        self._context = context
        self._memo = Memo("builds", encode=self._encode, decode=self._decode)
        self._key = _key(request, context)
        # Which runtime locks admit depends on less: neither on what is packaged nor on its handler.
        self._lock_key = memo_key(
            repr(request.target), repr(request.supplies), _described(request, context)
        )

    @property
    def lock_key(self) -> str:
        """The key of what locks give, whatever is packaged of it."""
        return memo_key(self._lock_key, self._request.frozen)

    def recall(self, files: ProjectFiles) -> Remembered | None:
        """The last build of this request, if its inputs are as they were, but for source trees."""
        root, remembered = self._request.root, self._memo.recall(self._store, self._key)
        if remembered is None or self._request.refresh:
            return None
        supplied = remembered.supplied
        holds = supplied.inputs.hold(root, files)
        holds = holds and self._is_recent(supplied) and self._is_built_by(supplied)
        return remembered if holds else None

    def recall_target(self, files: ProjectFiles) -> BuildRequest | None:
        """The request for the runtime that its locks admitted the last time; None if they are not as they were."""
        request, settled = self._request, _SETTLED.recall(self._store, self._lock_key)
        if settled is None or request.refresh or not settled.inputs.hold(request.root, files):
            return None
        runtime = {**RUNTIMES, **request.settings.runtimes}.get(settled.name)
        if runtime is None:
            return None
        target = replace(request.target, runtime=runtime)
        return replace(request, target=target, target_reason=settled.reason)

    def remember_runtime(self, request: BuildRequest, supplied: Supplied) -> None:
        """Keep the runtime of ``request``, which is this one for the runtime that its locks admit.

        Also where an index decided: the runtime does not change from one build to the next.
        """
        settled = _SettledRuntime(
            name=request.target.runtime.name,
            reason=request.target_reason,
            inputs=supplied.inputs,
        )
        _SETTLED.remember(self._store, self._lock_key, settled)

    def _is_recent(self, supplied: Supplied) -> bool:
        """Whether what an index said for a while still holds."""
        if not supplied.resolved:
            return True
        from wherry.lock.requirements.remembered import is_current

        times = supplied.resolved.values()
        return all(is_current(resolved, offline=self._context.offline) for resolved in times)

    def _is_built_by(self, supplied: Supplied) -> bool:
        """Whether the Python that builds is that of the last time; another may have been installed since."""
        if not supplied.built_by:
            return True
        from wherry.interpreters import build_python

        return build_python(self._context).identity == supplied.built_by

    def remember(
        self,
        supplied: Supplied,
        trees: Mapping[str, str | None],
        packages: tuple[PackageReport, ...],
    ) -> None:
        """Keep a build for the next one."""
        if not supplied.stable:
            return
        before = self._memo.recall(self._store, self._key)
        stats = dict(before.stats) if before is not None else {}
        for package in packages:
            path = str(package.path.absolute())
            # The newest come last.
            stats.pop(path, None)
            stats[path] = _stat(package.path)
        kept = max(len(packages), _STATS)
        self._memo.remember(
            self._store,
            self._key,
            Remembered(
                supplied=supplied,
                trees=trees,
                packages=packages,
                stats=dict(list(stats.items())[-kept:]),
            ),
        )

    def _encode(self, remembered: Remembered) -> object:
        return {
            "supplied": remembered.supplied.document(self._request.root),
            "trees": dict(remembered.trees),
            "packages": [_plain(package) for package in remembered.packages],
            "stats": dict(remembered.stats),
        }

    def _decode(self, document: dict[str, Any]) -> Remembered:
        return Remembered(
            supplied=Supplied.from_document(document["supplied"], self._request),
            trees=document["trees"],
            packages=tuple(self._package(package) for package in document["packages"]),
            stats=document["stats"],
        )

    def _package(self, document: dict[str, Any]) -> PackageReport:
        distributions = tuple(DistributionReport(**one) for one in document.pop("distributions"))
        # JSON knows no tuples.
        rest: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in document.items()
        }
        rest["path"] = self._request.output.path(rest["name"])
        return PackageReport(**rest, distributions=distributions)


def _plain(value: Any) -> dict[str, Any]:
    # Without copies: of a hundred functions they take a tenth of a second.
    return {
        name: [_plain(one) for one in content] if name == "distributions" else content
        for name in value.__struct_fields__
        if not isinstance(content := getattr(value, name), Path)
    }


def _key(request: BuildRequest, context: Context) -> str:
    root, settings = request.root, request.settings
    return memo_key(
        COMPRESSOR,
        repr(request.target),
        request.names,
        request.project.name,
        # Options may have changed what the settings' file says.
        repr(request.recipes),
        None if request.install_path is None else relative(request.install_path, root),
        repr(settings.hooks),
        request.output.key,
        [STRIPPING, settings.strip, settings.slim, settings.botocore_services],
        [settings.bytecode, settings.bytecode_budget, compiler_release(request, context)],
        # What was not judged may be refused, and a lock that was not may be older than the project.
        repr(settings.check),
        request.frozen,
        container_facts(request, context),
        _described(request, context),
    )


def _described(request: BuildRequest, context: Context) -> object:
    """The description of a project. Projects that differ in it have separate memos; their folders do not matter."""
    root, files = request.root, context.files
    return [
        __version__,
        [(relative(path, root), files.digest(path)) for path in request.project.inputs],
        [
            (relative(folder / name, root), files.digest(folder / name))
            for folder in request.projects
            for name in lock_names(folder)
        ],
    ]


def compiler_release(request: BuildRequest, context: Context) -> str | None:
    """The release of the Python that compiles modules; None where none does.

    Another patch level may compile a few modules otherwise.
    """
    if all(mode == "off" for mode in request.chosen("bytecode")):
        return None
    from wherry.interpreters import build_python

    return build_python(context).release


def container_facts(request: BuildRequest, context: Context) -> object:
    """The options of containers, as far as they decide what is built; None where none were given."""
    from wherry.settings.model import ContainerOptions

    options = request.settings.container
    if options == ContainerOptions():
        return None
    from wherry.containers.image import Images
    from wherry.containers.run import deciding

    images = Images(options=options, root=request.root, context=context)
    return [options.mode, images.reference, images.platform, deciding(options)]


def _stat(path: Path) -> list[int]:
    try:
        status = path.stat()
    except OSError:
        return []
    return (
        []
        if path.is_dir()
        else [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    )


def _is_untouched(package: PackageReport, before: list[int] | None) -> bool:
    # A folder would have to be read completely.
    now = _stat(package.path)
    if now and now == before:
        return True
    if not now or now[1] != package.size:
        return False
    import hashlib

    # Copied or touched: its content decides.
    with open_regular(package.path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256
