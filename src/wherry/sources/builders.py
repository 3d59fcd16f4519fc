"""The choice of a builder for each source tree: this machine where that suffices, a container where it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from wherry.errors import BuildError, IncompatibleError, NoEngineError
from wherry.settings.model import Mode
from wherry.store.memo import Memo, memo_key
from wherry.structs import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.builders import Source, WheelBuilder
    from wherry.bundle.canonical import Canonical
    from wherry.containers.exchange import Container
    from wherry.context import Context
    from wherry.settings.model import ContainerOptions
    from wherry.sources.container_wheels import ContainerWheels

__all__ = ["with_builders"]

# The name of a tree whose wheel a container made, by its place and by its contents.
_MADE: Memo[str] = Memo("container-made", str, str)


class _BuilderChoice(Struct, frozen=True, kw_only=True, dict=True):
    """Chooses a builder for each source tree, by the options and by what the tree needs."""

    options: ContainerOptions
    root: Path
    context: Context

    @cached_property
    def _containers(self) -> list[Container]:
        return []

    @property
    def compiles(self) -> bool:
        from wherry.sources.host import agrees

        return self.options.mode is not Mode.NEVER or agrees(self.context)

    @property
    def only_in_container(self) -> bool:
        return self.options.mode is Mode.ALWAYS

    def container(self) -> Container:
        from wherry.containers.engine import require_engine
        from wherry.containers.exchange import Container

        if not self._containers:
            engine = require_engine(self.options.engine)
            self._containers.append(
                Container(
                    engine=engine,
                    image=self._container_wheels().images.ready(engine),
                    options=self.options,
                    target=self.context.target,
                )
            )
        return self._containers[0]

    def key(self, source: Source) -> str | None:
        made = self._made_before(source)
        return None if made is None else made[0]

    def wheels(self, sources: Sequence[Source], *, host: WheelBuilder) -> list[Canonical]:
        results = [self._without_container(source, host) for source in sources]
        left = [
            number
            for number, result in enumerate(results)
            if result is None or isinstance(result, BuildError)
        ]
        if left:
            first = results[left[0]]
            if isinstance(first, BuildError) and self.options.mode is Mode.NEVER:
                raise first
            try:
                built = self._build_in_container([sources[number] for number in left])
            except NoEngineError as error:
                if isinstance(first, BuildError):
                    raise _without_engine(first, error) from error
                raise
            for number, wheel in zip(left, _all_built(built), strict=True):
                results[number] = wheel
        return [
            wheel for wheel in results if wheel is not None and not isinstance(wheel, BuildError)
        ]

    def _without_container(
        self, source: Source, host: WheelBuilder
    ) -> Canonical | BuildError | None:
        """The wheel; why it cannot be built here; or None where that was not tried."""
        from wherry.sources.host import agrees, wants_compiler

        mode = self.options.mode
        failure: BuildError | None = None
        if mode is not Mode.ALWAYS:
            try:
                if (wheel := host.recall(source)) is not None:
                    return wheel
            except IncompatibleError as error:
                failure = error
        if (made := self._made_before(source)) is not None:
            return made[1]
        hopeless = (source.compiled or self._was_made(source)) and not agrees(self.context)
        if failure is not None or mode is Mode.ALWAYS or (mode is Mode.AUTO and hopeless):
            return failure
        (built,) = host.build([source])
        if (
            mode is Mode.AUTO
            and isinstance(built, BuildError)
            and not isinstance(built, IncompatibleError)
        ):
            # A build that fails without a compiler fails in a container too.
            with source.tree() as folder:
                if not wants_compiler(folder):
                    raise built
        return built

    def _made_before(self, source: Source) -> tuple[str, Canonical] | None:
        """The wheel that a container made of this tree before, and its key."""
        if self.options.mode is Mode.NEVER or not self._was_made(source):
            return None
        wheels = self._container_wheels()
        key = wheels.known_key(source)
        wheel = None if key is None else wheels.recall(key)
        return None if key is None or wheel is None else (key, wheel)

    def _was_made(self, source: Source) -> bool:
        """Whether a container made a wheel of this tree, or of earlier contents of its place."""
        return any(_MADE.recall(self.context.store, key) is not None for key in _keys(source))

    def _build_in_container(self, sources: Sequence[Source]) -> list[Canonical | BuildError]:
        from wherry.sources.container_wheels import build_in_container

        built = build_in_container(sources, self._container_wheels(), self.container())
        for source, result in zip(sources, built, strict=True):
            if not isinstance(result, BuildError):
                for key in _keys(source):
                    _MADE.remember(self.context.store, key, source.name)
        return built

    def _container_wheels(self) -> ContainerWheels:
        from wherry.containers.image import Images
        from wherry.sources.container_wheels import ContainerWheels

        return ContainerWheels(Images(options=self.options, root=self.root, context=self.context))


def with_builders(context: Context, options: ContainerOptions, *, root: Path) -> Context:
    """The same context, with builders that use this machine and containers as the options say.

    A Dockerfile is named from ``root``, the folder of the project.
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


def _keys(source: Source) -> tuple[str, str]:
    return memo_key("place", source.place), memo_key("identity", source.identity)
