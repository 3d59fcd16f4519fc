"""Who builds what: wheels of source trees, on this machine where that will do, in a container where it must."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wherry.containers.options import ContainerOptions, Mode
from wherry.errors import BuildError, IncompatibleError, NoEngineError
from wherry.events import SILENT
from wherry.sources.made import was_made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wherry.containers.exchange import Container
    from wherry.containers.image import Images
    from wherry.events import Reporter
    from wherry.indexes.access import Access
    from wherry.sources.builder import Source, WheelBuilder
    from wherry.sources.canonical import Canonical
    from wherry.sources.container import ContainerBuilder
    from wherry.target import Target
    from wherry.wheels.store import Store

__all__ = ["Workshop", "workshop_here"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """Chooses a builder for each source tree, by what the user says and what the tree turns out to be.

    Attributes:
        options: what the user says of containers.
        root: the project's folder, from which a Dockerfile is named.
        target: what wheels must run on.
        store: where they are kept.
        offline: use no network.
        access: what opens which index; by default what the environment says.
        reporter: hears of builds.
    """

    options: ContainerOptions
    root: Path
    target: Target
    store: Store
    offline: bool = False
    access: Access | None = None
    reporter: Reporter = SILENT
    _containers: list[Container] = field(default_factory=list, init=False, repr=False)

    @property
    def compiles(self) -> bool:
        """Whether there is anybody to compile for the target, as far as can be told without asking."""
        from wherry.sources.host import agrees

        return self.options.mode is not Mode.NEVER or agrees(self.target)

    @property
    def builds_all_inside(self) -> bool:
        """Whether nothing is built on this machine."""
        return self.options.mode is Mode.ALWAYS

    def container(self) -> Container:
        """The container to run, with an image that the engine has.

        Raises:
            NoEngineError: there is no engine, or it does not answer.
            ContainerError: the image cannot be had.
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
                    target=self.target,
                )
            )
        return self._containers[0]

    def key(self, source: Source) -> str | None:
        """What a tree's wheel goes by, where a container made it before; None where none did."""
        if self.options.mode is Mode.NEVER or not was_made(source, self.store):
            return None
        builder = self._container_builder()
        key = builder.key(source)
        return key if key is not None and builder.recall(source) is not None else None

    def wheels(self, sources: Sequence[Source], *, host: WheelBuilder) -> list[Canonical]:
        """The wheel of each tree; all that wants a container is built in one run.

        Args:
            sources: the trees.
            host: who builds on this machine.

        Raises:
            BuildError: a tree cannot be built.
            ContainerError: what wants a container cannot have one.
        """
        from wherry.sources.host import agrees

        mode = self.options.mode
        found: list[Canonical | None] = []
        failures: dict[int, BuildError] = {}
        for number, source in enumerate(sources):
            wheel, failure = self._recall(source, host)
            if wheel is None and failure is None and mode is not Mode.ALWAYS:
                hopeless = not agrees(self.target) and (
                    source.compiled or was_made(source, self.store)
                )
                if mode is Mode.NEVER or not hopeless:
                    wheel, failure = self._build_here(source, host)
            if failure is not None:
                failures[number] = failure
            found.append(wheel)
        left = [number for number, wheel in enumerate(found) if wheel is None]
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
                found[number] = wheel
        return [wheel for wheel in found if wheel is not None]

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
        if mode is not Mode.NEVER and was_made(source, self.store):
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
            # What fails without wanting a compiler fails in a container too.
            with source.tree() as folder:
                if not wants_compiler(folder):
                    raise built
        return None, built

    def _images(self) -> Images:
        from wherry.containers.image import Images

        return Images(
            options=self.options,
            root=self.root,
            target=self.target,
            store=self.store,
            reporter=self.reporter,
            offline=self.offline,
        )

    def _container_builder(self) -> ContainerBuilder:
        from wherry.sources.container import ContainerBuilder

        return ContainerBuilder(
            container=self.container,
            images=self._images(),
            options=self.options,
            target=self.target,
            store=self.store,
            offline=self.offline,
            access=self.access,
            reporter=self.reporter,
        )


def workshop_here(
    target: Target,
    store: Store,
    *,
    offline: bool = False,
    access: Access | None = None,
    reporter: Reporter = SILENT,
) -> Workshop:
    """The workshop that builds everything on this machine."""
    return Workshop(
        options=ContainerOptions(mode=Mode.NEVER),
        root=store.root,
        target=target,
        store=store,
        offline=offline,
        access=access,
        reporter=reporter,
    )


def _all_built(built: Sequence[Canonical | BuildError]) -> list[Canonical]:
    """The wheels; where some could not be built, one error that tells of all."""
    failures = [each for each in built if isinstance(each, BuildError)]
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise BuildError(
            f"{len(failures)} distributions could not be built",
            where=[
                "\n".join([each.message, *each.where, *([each.hint] if each.hint else [])])
                for each in failures
            ],
        )
    return [each for each in built if not isinstance(each, BuildError)]


def _without_engine(failure: BuildError, missing: NoEngineError) -> BuildError:
    """What failed here, and why no container could do it."""
    return type(failure)(
        failure.message,
        where=[*failure.where, f"no container can build it: {missing.message}", *missing.where],
        hint="\n".join(hint for hint in (failure.hint, missing.hint) if hint) or None,
    )
