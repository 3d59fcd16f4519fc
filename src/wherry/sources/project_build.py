"""The build of a project's own code: done, recalled, or put together from its files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.builders import Source
from wherry.bundle.canonical import wheel_memo
from wherry.errors import BuildError
from wherry.sources.environment import FORMAT, known_environment
from wherry.sources.hermetic import Hermeticity, environment_facts, examine, input_options
from wherry.sources.inputs import InputOptions, Inputs, copy_inputs, is_passed_over, read_inputs
from wherry.store.memo import memo_key
from wherry.store.temporary import temporary_folder
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from wherry.bundle.canonical import Canonical
    from wherry.context import Context
    from wherry.sources.declaration import Declaration
    from wherry.sources.environment import Environment

__all__ = ["ProjectBuild", "ProjectBuilder", "read_project"]

_KIND = "project-wheels"


class ProjectBuild(Struct, frozen=True, kw_only=True):
    """A build of a project, as it stands before or after.

    Attributes:
        hermeticity: whether nothing else decides the wheel.
        environment: the environment it is built in, where that is known.
    """

    declaration: Declaration
    options: InputOptions
    inputs: Inputs
    hermeticity: Hermeticity
    environment: Environment | None

    def source(self) -> Source:
        """The tree as a builder is given it; a container sees nothing but its inputs."""
        label = self.declaration.label
        return Source(
            name=label,
            identity=["folder", self.inputs.digest, self.hermeticity.state, label],
            place=str(self.declaration.root),
            tree=self._copy,
        )

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        with temporary_folder("source") as scratch:
            # Not by its folder's name, which may be another one on every machine.
            folder = scratch / self.declaration.label
            copy_inputs(self.inputs, folder, repository=self.hermeticity.asks_git)
            yield folder

    @property
    def key(self) -> str | None:
        """The key of the wheel; None if it must not be remembered, or is not known yet."""
        keys = self.keys()
        return keys and keys[0]

    def keys(self) -> tuple[str, str] | None:
        """The keys of the wheel by the contents of the inputs, and by their names; None as for ``key``."""
        if self.hermeticity.reason is not None or self.environment is None:
            return None
        build = (self.declaration.backend, self.environment.identity, self.hermeticity.state)
        facts = environment_facts()
        return (
            memo_key(FORMAT, *build, facts, self.inputs.digest),
            memo_key(FORMAT, *build, facts, self.inputs.shape),
        )

    def recall(self, context: Context) -> Canonical | None:
        """The wheel, of an earlier build of the same inputs, or by a fast rebuild."""
        from wherry.sources.fast_rebuild import assemble

        if (keys := self.keys()) is None:
            return None
        exact, shape = keys
        wheel = wheel_memo(_KIND, context.store).recall(context.store, exact)
        return wheel or assemble(shape, self.inputs, context.store)

    def build(self, context: Context) -> tuple[Canonical, ProjectBuild]:
        """Build the wheel, once in a run; the wheel, and the build as it stands afterwards.

        The wheel is remembered where nothing but the inputs can have decided it.
        """
        key = ("wheel", self.declaration.root, self.options)
        return context.files.once(key, lambda: self._build(context))

    def _build(self, context: Context) -> tuple[Canonical, ProjectBuild]:
        from wherry.sources.fast_rebuild import learn

        # Once, though it begins before the lock says which folders in the project are not part of it.
        key = ("backend", self.declaration.root, self.hermeticity.reason)
        wheel, ran = context.files.once(key, lambda: self._run(context))
        if ran is None or not self._agrees(ran) or _holds_leftovers(wheel, self.inputs):
            return wheel, replace(self, environment=None)
        after = replace(self, environment=known_environment(self.declaration, context))
        if (keys := after.keys()) is not None:
            exact, shape = keys
            wheel_memo(_KIND, context.store).remember(context.store, exact, wheel)
            learn(shape, wheel, self.inputs, self.declaration, self.hermeticity, context.store)
        return wheel, after

    def _run(self, context: Context) -> tuple[Canonical, ProjectBuild | None]:
        """The wheel, and the build itself where nothing but its inputs can have decided the wheel."""
        from wherry.sources.wheel import build_wheel

        hermetic = self.hermeticity.reason is None
        wheel = build_wheel(self.declaration, context, hermetic=hermetic)
        # Of a compiled wheel, the machine's headers and libraries decide too.
        alone = hermetic and not wheel.compiled and self._is_unchanged(context)
        return wheel, self if alone else None

    def _agrees(self, ran: ProjectBuild) -> bool:
        """Whether the build that was run read the same files, and maybe further ones."""
        if ran is self:
            return True
        known = ran.inputs.by_path
        return self.hermeticity.state == ran.hermeticity.state and all(
            (other := known.get(file.path)) is not None
            and (other.mode, other.link, other.sha256) == (file.mode, file.link, file.sha256)
            for file in self.inputs.files
        )

    def _is_unchanged(self, context: Context) -> bool:
        """Whether no file has been edited since the inputs were read, also not by the backend."""
        again = read_inputs(self.declaration.root, self.options, context.files, before=self.inputs)
        if again.digest != self.inputs.digest:
            return False
        if not self.hermeticity.state:
            return True
        return examine(self.declaration, again, context.files) == self.hermeticity


class ProjectBuilder:
    """A ``wherry.builders.WheelBuilder`` of one project, on this machine.

    Attributes:
        after: the build as it stands when the wheel is there; None as long as it is not.
    """

    def __init__(self, build: ProjectBuild, context: Context) -> None:
        self._build = build
        self._context = context
        self.after: ProjectBuild | None = None

    def recall(self, source: Source) -> Canonical | None:
        """The wheel, of an earlier build of the same inputs, or by a fast rebuild."""
        del source  # it is the project
        wheel = self._build.recall(self._context)
        if wheel is not None:
            self.after = self._build
        return wheel

    def build(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        """The wheel, built now."""
        del sources
        try:
            wheel, self.after = self._build.build(self._context)
        except BuildError as error:
            return [error]
        return [wheel]


def read_project(
    declaration: Declaration, skip: tuple[Path, ...], context: Context
) -> ProjectBuild:
    """Read a project that has a backend, once in a run."""
    files = context.files

    def read() -> tuple[InputOptions, Inputs, Hermeticity]:
        options = input_options(declaration, skip, files)
        inputs = read_inputs(declaration.root, options, files)
        return options, inputs, examine(declaration, inputs, files)

    options, inputs, hermeticity = files.once(("inputs", declaration.root, skip), read)
    return ProjectBuild(
        declaration=declaration,
        options=options,
        inputs=inputs,
        hermeticity=hermeticity,
        environment=known_environment(declaration, context),
    )


def _holds_leftovers(wheel: Canonical, inputs: Inputs) -> bool:
    """Whether the wheel ships a file that was not read as an input."""
    read = {file.sha256 for file in inputs.files}
    return any(
        member.sha256 not in read and is_passed_over(member.path) for member in wheel.members
    )
