"""The project's own code as a bundle: its wheel where it has a build system, else its folder's files."""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from wherry.errors import BuildError
from wherry.events import SILENT
from wherry.sources.declaration import normalized, read_declaration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from wherry.bundle.algebra import Bundle
    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.builder import Source
    from wherry.sources.canonical import Canonical
    from wherry.sources.closure import Closure
    from wherry.sources.declaration import Declaration
    from wherry.sources.environment import Environment
    from wherry.sources.inputs import Inputs
    from wherry.sources.workshop import Workshop
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["Built", "project_bundle", "project_digest"]

_KIND = "project-wheels"


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """What came of a source tree.

    Attributes:
        bundle: its files.
        name: of the distribution, normalized; a plain folder without metadata goes by its own name.
        version: None where a plain folder has none.
        digest: equal digests mean equal bundles. It is of no use on another machine.
    """

    bundle: Bundle
    name: str
    version: str | None
    digest: str


def project_bundle(
    root: Path,
    *,
    target: Target,
    store: Store,
    offline: bool = False,
    access: Access | None = None,
    reporter: Reporter = SILENT,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    skip: Collection[Path] = (),
    must_build: bool = False,
    workshop: Workshop | None = None,
) -> Built:
    """The project's own code.

    With a build system: the files that its wheel installs, in their canonical form
    (``wherry.sources.canonical``). What a closed build gave is remembered by the contents of all its inputs;
    an open one is run again each time (``wherry.sources.closure``). Without: ``wherry.bundle.tree``.

    Args:
        root: the project's folder.
        target: what it is for.
        store: where wheels and build environments are kept.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of builds.
        exclude: gitignore patterns of paths that do not ship. The wheel's ``.dist-info`` always does.
        include: gitignore patterns of files of the folder that ship besides, at their place in the folder.
        skip: files and folders that are no part of the project, such as the one packages are written to.
        must_build: build the folder even if it names no build system, as is done with dependencies.
        workshop: who builds what; by default everything is built on this machine.

    Raises:
        ProjectError: the folder or its ``pyproject.toml`` cannot be read.
        BuildError: the build fails, or the wheel does not run on the target.
        ContainerError: it wants a container, and none can be had.
        EntryPathError, ConflictError: a file cannot stand in a package.
        SettingsError: a pattern is wrong.
        ToolError, StoreError: uv is missing; the store cannot be written.
    """
    root = Path(root).absolute()
    declaration = read_declaration(root, must_build=must_build)
    if declaration.backend is None:
        return _plain(declaration, exclude=exclude, include=include, skip=skip)
    from wherry.sources.workshop import workshop_here

    job = _Job.of(declaration, store, skip, access)
    host = _Host(job, target, store, offline=offline, access=access, reporter=reporter)
    workshop = workshop or workshop_here(
        target, store, offline=offline, access=access, reporter=reporter
    )
    source = job.source()
    (wheel,) = workshop.wheels([source], host=host)
    if not host.made:
        job = replace(job, contained=workshop.key(source))
    elif host.after is not None:
        job = host.after
    return _built(job, wheel, target, exclude=exclude, include=include, skip=skip)


def project_digest(
    root: Path,
    *,
    store: Store,
    access: Access | None = None,
    exclude: Sequence[str] = (),
    include: Sequence[str] = (),
    skip: Collection[Path] = (),
    must_build: bool = False,
    workshop: Workshop | None = None,
) -> str | None:
    """What ``project_bundle`` would give as its digest, without building; arguments and errors as there.

    None when that cannot be told: the build is open, or was not prepared on this machine before.
    """
    root = Path(root).absolute()
    declaration = read_declaration(root, must_build=must_build)
    if declaration.backend is None:
        return _plain(declaration, exclude=exclude, include=include, skip=skip).digest
    job = _Job.of(declaration, store, skip, access)
    if workshop is not None:
        contained = workshop.key(job.source())
        if contained is None and workshop.builds_all_inside:
            return None
        job = replace(job, contained=contained)
    return job.digest(exclude=exclude, include=include, skip=skip)


def _plain(
    declaration: Declaration,
    *,
    exclude: Sequence[str],
    include: Sequence[str],
    skip: Collection[Path],
) -> Built:
    from wherry.bundle.tree import read_tree

    name = declaration.label
    tree = read_tree(declaration.root, owner=name, exclude=exclude, include=include, skip=skip)
    return Built(bundle=tree.bundle, name=name, version=declaration.version, digest=tree.digest)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A build to be done, or spared.

    Attributes:
        declaration: how the project is built.
        inputs: its files, read before anything else.
        closure: what else decides.
        environment: what it is built in, where that is known.
        skip: as ``project_bundle`` has it.
        contained: the key of the wheel, where a container made it.
    """

    declaration: Declaration
    inputs: Inputs
    closure: Closure
    environment: Environment | None
    skip: Collection[Path]
    contained: str | None = None

    @classmethod
    def of(
        cls,
        declaration: Declaration,
        store: Store,
        skip: Collection[Path],
        access: Access | None,
    ) -> _Job:
        from wherry.sources.closure import examine, mentioned_leftovers
        from wherry.sources.inputs import read_inputs
        from wherry.sources.wheel import known_environment

        mentioned = mentioned_leftovers(declaration)
        inputs = read_inputs(declaration.root, mentioned=mentioned, skip=skip)
        return cls(
            declaration=declaration,
            inputs=inputs,
            closure=examine(declaration, inputs),
            environment=known_environment(declaration, store, access=access),
            skip=skip,
        )

    def source(self) -> Source:
        """The tree as a builder is given it: in a container there is nothing but its inputs."""
        from wherry.sources.builder import Source

        identity = ["folder", self.inputs.digest, self.closure.state, self.declaration.label]
        root = self.declaration.root
        return Source(
            name=self.declaration.label, identity=identity, place=str(root), tree=self._copy
        )

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        from wherry.sources.inputs import copy_inputs

        with tempfile.TemporaryDirectory(prefix="wherry-source-") as scratch:
            # Not by its folder's name, which may be another one on every machine.
            folder = Path(scratch) / self.declaration.label
            copy_inputs(self.inputs, folder, repository=self.closure.asks_git)
            yield folder

    def key(self, contents: str) -> str | None:
        """The key of what the build gives from these contents; None when that must not be remembered."""
        from wherry.sources.closure import environment_facts
        from wherry.sources.wheel import FORMAT

        if self.closure.opening is not None or self.environment is None:
            return None
        facts = [
            FORMAT,
            self.declaration.backend,
            self.environment.identity,
            self.closure.state,
            environment_facts(),
            contents,
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def recall(self, store: Store) -> Canonical | None:
        """The wheel, from an earlier build of the same inputs, or by the fast path."""
        from wherry.sources.canonical import from_memo
        from wherry.sources.verbatim import assemble

        exact, shape = self.key(self.inputs.digest), self.key(self.inputs.shape)
        if exact is None or shape is None:
            return None
        memo = store.recall(_KIND, exact)
        wheel = from_memo(memo, store) if memo is not None else None
        return wheel or assemble(shape, self.inputs, store)

    def build(
        self,
        target: Target,
        store: Store,
        *,
        offline: bool,
        access: Access | None,
        reporter: Reporter,
    ) -> tuple[Canonical, _Job]:
        """The wheel, built now, and the job as it was then.

        The wheel is remembered where nothing but the inputs can have decided it.
        """
        from wherry.sources.canonical import to_memo
        from wherry.sources.verbatim import learn
        from wherry.sources.wheel import build_wheel

        wheel = build_wheel(
            self.declaration,
            target=target,
            store=store,
            closed=self.closure.opening is None,
            offline=offline,
            access=access,
            reporter=reporter,
        )
        # Somebody may have edited a file while the backend was reading, or the backend itself.
        again = read_declaration(self.declaration.root, must_build=True)
        after = self.of(again, store, self.skip, access)
        settled = after.inputs.digest == self.inputs.digest and after.closure == self.closure
        if again != self.declaration or not settled or _from_leftovers(wheel, after.inputs):
            return wheel, replace(self, environment=None)
        exact, shape = after.key(after.inputs.digest), after.key(after.inputs.shape)
        if wheel.compiled:
            # More decides than is known: the machine's headers and libraries.
            return wheel, replace(after, environment=None)
        if exact is not None and shape is not None:
            store.remember(_KIND, exact, to_memo(wheel))
            learn(shape, wheel, after.inputs, again, after.closure, store)
        return wheel, after

    def digest(
        self, *, exclude: Sequence[str], include: Sequence[str], skip: Collection[Path]
    ) -> str | None:
        """The digest of the bundle; None when only building can tell."""
        key = self.contained or self.key(self.inputs.digest)
        return None if key is None else _digest(self, key, exclude, include, skip)


class _Host:
    """The builder of a project on this machine, as ``wherry.sources.builder.WheelBuilder``."""

    def __init__(
        self,
        job: _Job,
        target: Target,
        store: Store,
        *,
        offline: bool,
        access: Access | None,
        reporter: Reporter,
    ) -> None:
        self._job = job
        self._target = target
        self._store = store
        self._offline = offline
        self._access = access
        self._reporter = reporter
        self.made = False
        self.after: _Job | None = None

    def recall(self, source: Source) -> Canonical | None:
        """The wheel, from an earlier build of the same inputs, or by the fast path."""
        del source  # it is the job's own
        wheel = self._job.recall(self._store)
        self.made = wheel is not None
        return wheel

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """The wheel, built now."""
        del sources
        try:
            wheel, self.after = self._job.build(
                self._target,
                self._store,
                offline=self._offline,
                access=self._access,
                reporter=self._reporter,
            )
        except BuildError as error:
            return [error]
        self.made = True
        return [wheel]


def _from_leftovers(wheel: Canonical, inputs: Inputs) -> bool:
    """Whether the wheel ships something that was not read as an input."""
    from wherry.sources.inputs import is_passed_over

    read = {file.sha256 for file in inputs.files}
    return any(
        member.sha256 not in read and is_passed_over(member.path) for member in wheel.members
    )


def _built(
    job: _Job,
    wheel: Canonical,
    target: Target,
    *,
    exclude: Sequence[str],
    include: Sequence[str],
    skip: Collection[Path],
) -> Built:
    from wherry.bundle.patterns import compile_patterns
    from wherry.bundle.tree import included_files
    from wherry.sources.purity import require_tags

    require_tags(wheel.filename, target)
    name, version = wheel.filename.split("-")[:2]
    owner = normalized(name)
    patterns = compile_patterns(exclude, where="`exclude`")
    keep = None if patterns is None else (lambda path: not patterns.match(path))
    bundle = wheel.bundle(owner=owner, keep=keep)
    if include:
        bundle = bundle.merge(
            included_files(
                job.declaration.root, owner=owner, exclude=exclude, include=include, skip=skip
            ).bundle
        )
    known = job.digest(exclude=exclude, include=include, skip=skip)
    digest = known or _digest(job, wheel.digest, exclude, include, skip)
    return Built(bundle=bundle, name=owner, version=version, digest=digest)


def _digest(
    job: _Job,
    contents: str,
    exclude: Sequence[str],
    include: Sequence[str],
    skip: Collection[Path],
) -> str:
    from wherry.bundle.tree import included_files

    added = ""
    if include:
        root = job.declaration.root
        added = included_files(
            root, owner="project", exclude=exclude, include=include, skip=skip
        ).digest
    facts = [contents, list(exclude), list(include), added]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
