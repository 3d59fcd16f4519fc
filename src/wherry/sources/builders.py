"""The choice of a builder for each source tree: this machine where that suffices, a container where it is needed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wherry.errors import BuildError, IncompatibleError, NoEngineError
from wherry.settings.container_options import Mode
from wherry.sources.container_history import was_made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.builders import Source, WheelBuilder
    from wherry.bundle.canonical import Canonical
    from wherry.containers.exchange import Container
    from wherry.containers.image import Images
    from wherry.context import Context
    from wherry.settings.container_options import ContainerOptions
    from wherry.sources.container import ContainerBuilder
    from wherry.sources.container_wheels import ContainerWheels

__all__ = ["with_builders"]


@dataclass(frozen=True, kw_only=True, slots=True)
class _BuilderChoice:
    """Chooses a builder for each source tree, by the options and by what the tree needs.

    Attributes:
        options: of containers.
        root: the project's folder, from which a Dockerfile is named.
        context: of the run.
    """

    options: ContainerOptions
    root: Path
    context: Context
    _containers: list[Container] = field(default_factory=list, init=False, repr=False)

    @property
    def compiles(self) -> bool:
        """Whether compiled wheels can be built for the target, as far as can be told without trying."""
        from wherry.sources.host import agrees

        return self.options.mode is not Mode.NEVER or agrees(self.context.target)

    @property
    def only_in_container(self) -> bool:
        """Whether nothing is built on this machine."""
        return self.options.mode is Mode.ALWAYS

    def container(self) -> Container:
        """The container to run, with an image that the engine has.

        Raises:
            NoEngineError: there is no engine, or it does not answer.
            ContainerError: the image cannot be fetched or made.
        """
        from wherry.containers.engine import require_engine
        from wherry.containers.exchange import Container

        if not self._containers:
            engine = require_engine(self.options.engine)
            self._containers.append(
                Container(
                    engine=engine,
                    image=self._images().ready(engine),
                    options=self.options,
                    target=self.context.target,
                )
            )
        return self._containers[0]

    def key(self, source: Source) -> str | None:
        """The key of the wheel that a container built of this tree before; None where none did."""
        if self.options.mode is Mode.NEVER or not was_made(source, self.context.store):
            return None
        wheels = self._container_wheels()
        key = wheels.known_key(source)
        return None if key is None or wheels.recall(key) is None else key

    def wheels(self, sources: Sequence[Source], *, host: WheelBuilder) -> list[Canonical]:
        """The wheel of each tree; all that need a container are built in one run.

        Args:
            sources: the trees.
            host: builds on this machine.

        Raises:
            BuildError: a tree cannot be built.
            ContainerError: a container is needed, and there is none.
        """
        from wherry.sources.host import agrees

        mode = self.options.mode
        wheels: list[Canonical | None] = []
        failures: dict[int, BuildError] = {}
        for number, source in enumerate(sources):
            wheel, failure = self._recall(source, host)
            if wheel is None and failure is None and mode is not Mode.ALWAYS:
                hopeless = not agrees(self.context.target) and (
                    source.compiled or was_made(source, self.context.store)
                )
                if mode is Mode.NEVER or not hopeless:
                    wheel, failure = self._build_here(source, host)
            if failure is not None:
                failures[number] = failure
            wheels.append(wheel)
        left = [number for number, wheel in enumerate(wheels) if wheel is None]
        if left and mode is Mode.NEVER:
            raise failures[left[0]]
        if left:
            try:
                built = self._container_builder().build([sources[number] for number in left])
            except NoEngineError as error:
                if left[0] not in failures:
                    raise
                raise _without_engine(failures[left[0]], error) from error
            for number, wheel in zip(left, _all_built(built), strict=True):
                wheels[number] = wheel
        return [wheel for wheel in wheels if wheel is not None]

    def _recall(
        self, source: Source, host: WheelBuilder
    ) -> tuple[Canonical | None, BuildError | None]:
        mode = self.options.mode
        failure: BuildError | None = None
        if mode is not Mode.ALWAYS:
            try:
                wheel = host.recall(source)
            except IncompatibleError as error:
                wheel, failure = None, error
            if wheel is not None:
                return wheel, None
        if mode is not Mode.NEVER and was_made(source, self.context.store):
            wheel = self._container_builder().recall(source)
            if wheel is not None:
                return wheel, None
        return None, failure

    def _build_here(
        self, source: Source, host: WheelBuilder
    ) -> tuple[Canonical | None, BuildError | None]:
        from wherry.sources.host import wants_compiler

        (built,) = host.build([source])
        if not isinstance(built, BuildError):
            return built, None
        if self.options.mode is Mode.AUTO and not isinstance(built, IncompatibleError):
            # A build that fails without a compiler fails in a container too.
            with source.tree() as folder:
                if not wants_compiler(folder):
                    raise built
        return None, built

    def _images(self) -> Images:
        from wherry.containers.image import Images

        return Images(options=self.options, root=self.root, context=self.context)

    def _container_wheels(self) -> ContainerWheels:
        from wherry.sources.container_wheels import ContainerWheels

        return ContainerWheels(images=self._images(), options=self.options, context=self.context)

    def _container_builder(self) -> ContainerBuilder:
        from wherry.sources.container import ContainerBuilder

        return ContainerBuilder(container=self.container, wheels=self._container_wheels())


def with_builders(context: Context, options: ContainerOptions, *, root: Path) -> Context:
    """The same context, with builders that use this machine and containers as the options say.

    Args:
        context: of the run.
        options: of containers.
        root: the project's folder, from which a Dockerfile is named.
    """
    return replace(context, builders=_BuilderChoice(options=options, root=root, context=context))


def _all_built(built: Sequence[Canonical | BuildError]) -> list[Canonical]:
    """The wheels; where some could not be built, one error that names all."""
    failures = [result for result in built if isinstance(result, BuildError)]
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise BuildError(
            f"{len(failures)} distributions could not be built",
            where=[
                "\n".join([failure.message, *failure.where, *filter(None, [failure.hint])])
                for failure in failures
            ],
        )
    return [result for result in built if not isinstance(result, BuildError)]


def _without_engine(failure: BuildError, missing: NoEngineError) -> BuildError:
    """The failure of this machine, with the reason why no container could build it."""
    return type(failure)(
        failure.message,
        where=[*failure.where, f"no container can build it: {missing.message}", *missing.where],
        hint="\n".join(hint for hint in (failure.hint, missing.hint) if hint) or None,
    )
